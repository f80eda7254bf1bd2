"""What is asked of the feature library by the command line and by the API alike; nothing here changes anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from proxy.desks import answers, names_in
from proxy.errors import ApiError
from proxy.governance.audit import Audit, audit
from proxy.governance.coverage import NORM_TOTAL, coverage
from proxy.governance.desk import Desk
from proxy.governance.lookback import LookBack, look_back, strings_of
from proxy.governance.names import Stray, strays
from proxy.governance.revision import Revision
from proxy.governance.store import Ledger, Search
from proxy.house import Clock
from proxy.keys import KeyFile
from proxy.records.monthly import read_records
from proxy.records.record import Query, utc_time
from proxy.review.entry import Direction, Entry, EntryError
from proxy.review.failures import LibraryError
from proxy.review.library import Library
from proxy.review.pointers import live_age_days, live_at, live_version, rollout_at
from proxy.review.store import entries_of, load_live, load_version, stored_of
from proxy.settings import Settings
from proxy.wire import ENDPOINTS

__all__ = [
    "audit_of",
    "export_entries",
    "found_by_review",
    "full_version",
    "hits_of",
    "look_back_at",
    "revision_row",
    "search_revisions",
    "stats_of",
    "strays_in_force",
]


def full_version(settings: Settings, start: str, key: bytes | None = None) -> str:
    """The published version that begins so; "live" for the one in force. LibraryError, ValueError."""
    if start in ("", "live"):
        version = live_at(settings.review.library, key).version
        if not version:
            raise ValueError(f"no feature library is published in {settings.review.library}")
        return version
    folder = settings.review.library / "versions"
    found = [path.name for path in folder.glob("*") if path.name.startswith(start) and len(path.name) == 64]
    if len(found) != 1:
        raise ValueError(
            f"{start} begins {len(found) or 'no'} published versions; see inkseal library versions"
        )
    return found[0]


def hits_of(settings: Settings, key: bytes, text: str, version: str = "") -> dict[str, Any]:
    """Every entry that is found in a text: which, in which view, where, and what happens. LibraryError, ValueError."""
    library = load_version(settings.review.library, full_version(settings, version, key), key)
    patterns = {entry.id: entry for entry in library.entries}
    hits = [
        {
            "entry": finding.entry_id,
            "pattern": patterns[finding.entry_id].pattern,
            "kind": patterns[finding.entry_id].kind,
            "category": finding.category,
            "severity": finding.severity,
            "direction": str(direction),
            "view": finding.view,
            "span": [finding.start + shift, finding.end + shift],
            "text": finding.text,
            "action": str(finding.action),
        }
        for direction in Direction
        for shift, finding in _all_findings(library, text, direction)
    ]
    return {"version": library.version, "hits": hits}


def _all_findings(library: Library, text: str, direction: Direction) -> Iterator[tuple[int, Any]]:
    """Also what stands behind a finding that blocks; the character before is kept, so that words stay words."""
    shift = 0
    while True:
        blocked = 0
        for finding in library.review(text[shift:], direction):
            if shift and finding.start == 0:
                continue
            yield shift, finding
            if finding.action == "block":
                blocked = shift + finding.end
        if not blocked:
            return
        shift = max(blocked - 1, shift + 1)


def stats_of(settings: Settings, desk: Desk) -> dict[str, Any]:
    """Counts by status and risk against the norm, days since the last publication, entries that name what is not there."""
    try:
        stray = strays_in_force(settings, desk.key)
    except LibraryError:
        stray = []  # what is damaged is told by `verify`; how many entries there are is asked of the procedure
    with desk.store.reading() as ledger:
        tally = ledger.tally()
        live = next((row for row in ledger.versions() if row.state == "live"), None)
    rows, total = coverage(tally)
    statuses: dict[str, int] = {}
    for (status, _), count in tally.items():
        statuses[status] = statuses.get(status, 0) + count
    return {
        "live": live_version(settings.review.library),
        "days_since_publish": live_age_days(settings.review.library, Clock().now_ms()),
        "published_at": live.at if live is not None else None,
        "strays": [asdict(one) for one in stray],
        "by_status": dict(sorted(statuses.items())),
        "total": {"entries": total, "norm": NORM_TOTAL, "enough": total >= NORM_TOTAL},
        "risks": [
            {"category": r.category, "name": r.name, "entries": r.entries, "norm": r.norm, "enough": r.enough}
            for r in rows
        ],
    }


def strays_in_force(settings: Settings, key: bytes) -> list[Stray]:
    """The entries in force that name a tenant, a model, a role or an endpoint that is not there. LibraryError."""
    library = load_live(settings.review.library, key)
    return strays(library, names_in(settings)) if library is not None else []


def search_revisions(
    settings: Settings, desk: Desk, search: Search, version: str = "", review_id: str = ""
) -> list[Revision]:
    """Revisions that fit; `version`: of that published version, `review_id`: that were found in that request."""
    ids = list(search.ids)
    if version:
        ids += stored_of(settings.review.library, full_version(settings, version), desk.key).numbers()
    if review_id:
        ids += found_by_review(settings, review_id)
    if (version or review_id) and not ids:
        return []
    return desk.search(Search(**{**_as_dict(search), "ids": ids}))


def _as_dict(search: Search) -> dict[str, Any]:
    return {name: getattr(search, name) for name in Search.__dataclass_fields__}


def audit_of(settings: Settings, desk: Desk) -> Audit:
    """The database of the procedure against the records. TamperedError for a row that was changed by hand."""
    folder = Path(settings.records.url.removeprefix("sqlite:///"))
    records = [
        stored.record
        for kind in ("library", "operator")
        for stored in (read_records(folder, Query(kind=kind)) if folder.is_dir() else ())
    ]
    with desk.store.reading() as ledger:
        for _ in ledger.find(Search()):
            pass  # reading opens every seal
        ledger.operators()
        found = audit(records, ledger)
        return replace(found, faults=(*found.faults, *_pointer_faults(desk, ledger)))


def _pointer_faults(desk: Desk, ledger: Ledger) -> list[str]:
    """Whether what is in force is what the procedure put in force."""
    known = ledger.fact("pointers")
    try:
        live, (_, trial) = live_at(desk.folder, desk.key), rollout_at(desk.folder, desk.key)
    except LibraryError as error:
        return [str(error)]
    expected = (known.get("version"), known.get("live")) if known is not None else (None, None)
    if known is None or ((live.version, live.serial) == expected and trial >= known["trial"]):
        return []
    return [
        f"the pointers name version {live.version[:12] or 'none'} (serials {live.serial} and {trial}), the procedure "
        f"put {str(expected[0])[:12]} in force (serials {expected[1]} and {known['trial']})"
    ]


def found_by_review(settings: Settings, review_id: str) -> list[str]:
    """The ids of the entries that were found in a request, by its review id."""
    folder = Path(settings.records.url.removeprefix("sqlite:///"))
    if not folder.is_dir():
        return []
    ids = [
        str(finding["entry"])
        for stored in read_records(folder, Query(request_id=review_id))
        for finding in stored.record.fields.get("findings", ())
    ]
    return list(dict.fromkeys(ids))


def look_back_at(
    settings: Settings, desk: Desk, keys: KeyFile, version: str, since: str | None, limit: int
) -> LookBack:
    """What a published version would do with recent answers; "next": with all in the procedure. LibraryError, ValueError."""
    if version == "next":
        chosen = {r.id: r.entry for r in desk.search(Search(status=("published",)))}
        for status in ("proposed", "reviewed", "approved"):
            chosen |= {r.id: r.entry for r in desk.search(Search(status=(status,)))}
        try:
            library = Library.compile(list(chosen.values()))
        except EntryError as error:
            raise ValueError(f"{error.place}: {error.field}: {error.advice}") from error
    else:
        whole = full_version(settings, version)
        library = load_version(settings.review.library, whole, desk.key)
    return look_back(library, answers(settings, keys, utc_time(since) if since else None, limit), _told)


def _told(endpoint: str, request: str) -> Iterator[tuple[str, str]]:
    """What a kept request told the model, taken apart as it was then: arguments decoded, turns put together."""
    known = ENDPOINTS.get(endpoint)
    try:
        texts = list(known.texts(json.loads(request))) if known is not None else None
    except (ValueError, KeyError, TypeError, AttributeError, ApiError):
        texts = None  # a form, or a body that another release took
    yield from strings_of(request) if texts is None else texts


def export_entries(settings: Settings, desk: Desk, version: str, status: Sequence[str]) -> Iterator[Entry]:
    """The entries of a published version, or those of these statuses."""
    if version:
        yield from entries_of(settings.review.library, full_version(settings, version), desk.key)
        return
    with desk.store.reading() as ledger:
        for revision in ledger.find(Search(status=status)):
            yield revision.entry


def revision_row(revision: Revision) -> dict[str, Any]:
    """A revision as JSON: the entry's row, and what the procedure knows of it."""
    data = revision.to_data()
    return {**data.pop("entry"), "status": revision.status, "version": revision.number, **data}
