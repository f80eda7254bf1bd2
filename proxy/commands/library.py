"""What the commands of the feature library do, apart from reading their arguments and printing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from proxy.desks import desk_of, one_time_recorder
from proxy.governance.desk import Desk
from proxy.governance.intake import Intake, bring_in
from proxy.governance.people import Actor, ProcedureError
from proxy.governance.store import Search
from proxy.review.entry import Entry
from proxy.review.interchange import nested_refusals, parse_refusals
from proxy.review.standard import Remark
from proxy.review.store import PublishReport, import_and_publish
from proxy.settings import Settings
from proxy.worker import key_file

__all__ = ["acting", "bootstrap_library", "import_entries", "open_desk", "refusals_yaml", "set_refusals"]

TOKEN_VARIABLE = "INKSEAL_OPERATOR_TOKEN"  # noqa: S105 - the name of a variable


def open_desk(settings: Settings) -> Desk:
    """Raises TamperedError, LibraryError, RecordError, OSError."""
    keys = key_file(settings)
    return desk_of(settings, keys, one_time_recorder(settings, keys))


def acting(desk: Desk, name: str, environ: Mapping[str, str] = os.environ) -> Actor:
    """Whoever runs the command: by token where one is given, else by name. ProcedureError."""
    token = environ.get(TOKEN_VARIABLE, "")
    if not token:
        return desk.actor(name)
    actor = desk.actor_by_token(token)
    if actor is None:
        raise ProcedureError("invalid_token", f"the token in {TOKEN_VARIABLE} is no operator's", 401)
    return actor


def bootstrap_library(
    settings: Settings, file: Path, refusals: Path | None, operator: str, reason: str
) -> PublishReport:
    """The first live version of an empty library, recorded. Raises LibraryError, ProcedureError, ValueError, OSError."""
    said = parse_refusals(refusals.read_bytes()) if refusals is not None else None
    desk = open_desk(settings)
    actor = acting(desk, operator)
    actor.must_be(("approver", "operator"), "make the first library")
    if desk.search(Search(limit=1)):
        raise ProcedureError(
            "not_empty", "the library is not empty; propose the entries instead (import without --publish)"
        )

    def look(entry: Entry) -> list[Remark]:
        desk.names.check(entry, entry.scope)
        return desk.names.remarks(entry.id, entry)

    report = import_and_publish(
        settings.review.library,
        file.read_bytes(),
        file.name,
        author=actor.name,
        reason=reason,
        now=desk.now(),
        refusals=said,
        key=desk.key,
        look=look,
    )
    remarks = [f"{remark.entry_id}: {remark.text}" for remark in report.remarks]
    fields = {"file": file.name, "remarks": remarks}
    desk.adopt("bootstrap", actor, reason, fields)
    return report


def import_entries(
    settings: Settings,
    file: Path,
    operator: str,
    reason: str,
    *,
    preview: bool,
    update: bool,
    progress: Callable[[int], None] | None = None,
) -> Intake:
    desk = open_desk(settings)
    return bring_in(
        desk, file, acting(desk, operator), reason, preview=preview, update=update, progress=progress
    )


def refusals_yaml(settings: Settings) -> str:
    """The refusal texts as of the next publication, as `set_refusals` takes them; "" for none."""
    said = nested_refusals(open_desk(settings).refusals())
    return yaml.safe_dump(said, allow_unicode=True, sort_keys=True) if said else ""


def set_refusals(settings: Settings, file: Path, operator: str, reason: str) -> int:
    """What is said instead of blocked texts, from the next publication on; how many texts there are."""
    said = parse_refusals(file.read_bytes())
    desk = open_desk(settings)
    desk.set_refusals(said, acting(desk, operator), reason)
    return len(said)
