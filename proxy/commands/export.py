"""What `inkseal export` does."""

from __future__ import annotations

import asyncio

from proxy.files.export import MAX_TEXT, Exported, exporter_of
from proxy.house import House
from proxy.settings import Settings
from proxy.worker import build_house

__all__ = ["export_text"]


def export_text(
    settings: Settings, text: str, kind: str, content_id: str, *, tenant: str, operator: str
) -> Exported:
    """`tenant`: whose wording the labels have, "" for the general one.

    Raises NotOursError, FileNotFoundError or ValueError, and RecordError where it cannot be recorded.
    """
    if not settings.keys.file.exists():
        raise FileNotFoundError(
            f"there is no key file {settings.keys.file}: a text can be shown to be ours only with the keys it was "
            "marked with; run this where the proxy runs, or name its settings with --config"
        )
    if len(text) > MAX_TEXT:
        raise ValueError(f"the text has {len(text)} characters; more than {MAX_TEXT} are not exported")
    return asyncio.run(_export(build_house(settings), text, kind, content_id, tenant, operator))


async def _export(
    house: House, text: str, kind: str, content_id: str, tenant: str, operator: str
) -> Exported:
    rules = house.rules.get(tenant) if tenant else next(iter(house.rules.values()))
    if rules is None:
        raise ValueError(f"there is no tenant {tenant!r}")
    await house.records.open()
    try:
        return await exporter_of(house, rules).export(
            text,
            kind,
            content_id,
            request_id=house.clock.request_id(),
            now=house.clock.now_ms(),
            by={"tenant": tenant, "operator": operator},
        )
    finally:
        await house.records.close()
