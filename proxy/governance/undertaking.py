"""What operators have promised where the app shows the hint instead of us (GB 45438-2025 §5.6): recorded at start."""

from __future__ import annotations

from proxy.records.record import Record
from proxy.settings import Settings

__all__ = ["undertakings"]


def undertakings(settings: Settings, now: str) -> list[Record]:
    """An event for each tenant in label mode `interface` ("": callers without a key). `now`: ISO 8601 UTC."""
    sections = {tenant.name: settings.for_tenant(tenant)[0] for tenant in settings.tenants}
    return [
        Record(
            kind="labels",
            request_id="",
            content_id="",
            status="",
            created=now,
            library_version="",
            fields={
                "event": "undertaking",
                "tenant": name,
                "mode": labels.mode,
                "undertaking": labels.undertaking,
                "hints": {locale: strings.hint for locale, strings in labels.strings.items()},
            },
        )
        for name, labels in (sections or {"": settings.labels}).items()
        if labels.mode == "interface"
    ]
