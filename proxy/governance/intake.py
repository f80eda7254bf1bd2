"""Bringing in a file of entries: all of it into `proposed`, or nothing.

The file is read row by row into a table beside the others, so a file of a million rows takes no more memory than
one of a hundred, and nobody waits while it is read; then all of it comes in in one transaction. A preview stops before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from proxy.governance.desk import PROPOSERS, Desk, draft, must_apply, new_event_id
from proxy.governance.names import Names
from proxy.governance.people import Actor, ProcedureError
from proxy.governance.revision import ENDED, Revision, content_of
from proxy.governance.store import Ledger
from proxy.governance.wholewords import whole_words
from proxy.review.columns import GrowingColumns
from proxy.review.entry import Entry, EntryError
from proxy.review.interchange import entry_of, iter_rows
from proxy.review.standard import REFUSED, examine, meaning, shadowed, unmatched

__all__ = ["FULL_EXAMINATION", "Intake", "Line", "bring_in"]

MAX_LINES = 200
FULL_EXAMINATION = 5_000
"""Files of more rows get their dry run, and the compile check, when they are approved."""
SHADOWS_LOOKED_AT = 100_000
"""Up to so many rows it is looked whether one is found by another: what that needs of each is kept meanwhile."""
_PROGRESS_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A row that is worth a word: where, which `kind` ("duplicate", "conflict", "invalid", "note"), why."""

    place: str
    kind: str
    text: str


@dataclass(slots=True)
class Intake:
    """What a file holds: counts by kind, and the first rows of those that are not simply new.

    `event`: what the new entries are found by (search origin), "" when nothing was brought in.
    """

    new: int = 0
    changed: int = 0
    duplicate: int = 0
    conflict: int = 0
    invalid: int = 0
    lines: list[Line] = field(default_factory=list)
    event: str = ""
    examined: bool = True

    @property
    def empty(self) -> bool:
        return not (self.new or self.changed or self.duplicate or self.refused)

    @property
    def refused(self) -> bool:
        return bool(self.conflict or self.invalid)

    def add(self, kind: str, place: str = "", text: str = "") -> None:
        if kind != "note":
            setattr(self, kind, getattr(self, kind) + 1)
        if text and len(self.lines) < MAX_LINES:
            self.lines.append(Line(place, kind, text))


def bring_in(
    desk: Desk,
    path: Path,
    actor: Actor,
    reason: str,
    *,
    preview: bool = False,
    update: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Intake:
    """Propose every new entry of a file. With conflicts or invalid rows, and for a preview, nothing changes.

    `update`: an entry whose id is in force with other content becomes a proposed revision instead of a conflict.
    EntryError for a file that cannot be read at all.
    """
    actor.must_be(PROPOSERS, "import")
    taken = Intake()
    with desk.store.gathering() as gathering, path.open("rb") as file:
        ledger = gathering.ledger
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        at, event_id = desk.now(), new_event_id()
        reader = _Reader(ledger, taken, actor, at, reason, event_id, update, desk.names)
        seals = hashlib.sha256()
        for count, (revision, what) in enumerate(reader.revisions(file, path.name), 1):
            seals.update(ledger.put(revision, what))
            if progress is not None and count % _PROGRESS_ROWS == 0:
                progress(count)
        if taken.empty:
            raise EntryError("file", f"{path.name} holds no entries")
        if reader.small is not None:
            _examine(desk, ledger, taken, reader.small)
        else:
            taken.examined = False
            _find_shadowed(taken, reader)
        if taken.refused or preview or not taken.new + taken.changed:
            return taken
        fields = {
            "file": path.name,
            "file_sha256": digest,
            "seals_sha256": seals.hexdigest(),
            "new": taken.new,
            "changed": taken.changed,
            "duplicate": taken.duplicate,
        }
        with gathering.handing_in() as changing:
            desk.record(changing, "import", actor, reason, (), fields, at=at, event_id=event_id)
        taken.event = event_id
    return taken


class _Reader:
    """Rows of a file to revisions; what becomes of the others is counted."""

    def __init__(
        self,
        ledger: Ledger,
        taken: Intake,
        actor: Actor,
        at: str,
        reason: str,
        event_id: str,
        update: bool,
        names: Names,
    ) -> None:
        self._ledger, self._taken, self._update, self._names = ledger, taken, update, names
        self._actor, self._at, self._reason, self._event_id = actor, at, reason, event_id
        self.small: list[tuple[str, Revision]] | None = []
        self.words, self.ids, self.places = GrowingColumns(), list[str](), list[str]()

    def revisions(self, file: IO[bytes], name: str) -> Iterator[tuple[Revision, str]]:
        """What is to be proposed, with its meaning."""
        ours = {
            "status": "proposed",
            "version": 1,
            "author": self._actor.name,
            "reviewer": "",
            "approvers": [],
        }
        for number, row in iter_rows(file, name):
            place = f"line {number}"
            if isinstance(row, dict):
                # Who proposes it is not for the file to say.
                row = {**{k: v for k, v in row.items() if k != "approver"}, **ours}
                if self._reason:
                    row["reason"] = self._reason
            try:
                entry = entry_of(number, row)
                must_apply(entry, self._at)
                self._names.check(entry, entry.scope)
                what = meaning(entry)
                revision = self._placed(place, entry, what)
            except EntryError as error:
                self._taken.add("invalid", place, f"{error.field}: {error.advice}")
                continue
            except ProcedureError as error:
                self._taken.add("conflict", place, str(error))
                continue
            if revision is None:
                continue
            unknown = self._names.remarks(entry.id, entry)
            for remark in unknown:
                self._taken.add("note", place, remark.text)
            if unknown:
                revision = replace(revision, remarks=tuple(f"{one.code}: {one.text}" for one in unknown))
            if self.small is not None:
                self.small.append((place, revision))
                if len(self.small) > FULL_EXAMINATION:
                    self.small = None
            if entry.kind == "keyword" and len(self.ids) <= SHADOWS_LOOKED_AT:
                self.words.add(entry)
                self.ids.append(entry.id)
                self.places.append(place)
            yield revision, what

    def _placed(self, place: str, entry: Entry, what: str) -> Revision | None:
        """The revision to propose, None for a duplicate. ProcedureError for a conflict."""
        before = self._ledger.get(entry.id)
        if before is not None and before.origin == self._event_id:
            raise EntryError("id", f"{entry.id} stands in this file already", place)
        twin = self._ledger.equal(what, entry.id)
        same = next((one for one in (before, twin) if one is not None and _says_the_same(one, entry)), None)
        if same is not None:
            self._taken.add("duplicate", place, f"equals {same.id}, which is {same.status}")
            return None
        if twin is not None:
            raise ProcedureError(
                "duplicate", f"matches what {twin.id} ({twin.entry.pattern}) matches, and says otherwise"
            )
        new = before is None or before.status in ENDED
        if not new and not self._update:
            raise ProcedureError(
                "conflict", f"{entry.id} is there with other content; bring it in with --update"
            )
        if before is None:
            revision = Revision(entry, self._at, self._at, origin=self._event_id)
        else:
            revision = replace(
                draft(entry, before, self._actor, self._at, self._reason), origin=self._event_id
            )
        self._taken.add("new" if new else "changed")
        return revision


def _says_the_same(revision: Revision, entry: Entry) -> bool:
    return revision.status not in ENDED and content_of(revision.entry) == content_of(entry)


def _find_shadowed(taken: Intake, reader: _Reader) -> None:
    """Of a large file: entries that are found by another one of it already."""
    if len(reader.ids) > SHADOWS_LOOKED_AT:
        return
    seen: set[int] = set()
    for at, remark in shadowed(reader.words.columns(), reader.ids):
        if at not in seen:
            seen.add(at)
            taken.new -= 1
            taken.add("invalid", reader.places[at], f"{remark.code}: {remark.text}")


def _examine(desk: Desk, ledger: Ledger, taken: Intake, brought: list[tuple[str, Revision]]) -> None:
    """The entry standard and the dry run for a file of moderate size."""
    places = {revision.id: place for place, revision in brought}
    remarks: dict[str, list[str]] = {}
    entries = [revision.entry for _, revision in brought]
    refused: set[str] = set()
    words = "\n".join(entry.pattern for entry in entries)
    others = [one.entry for one in ledger.within(words) if one.id not in places]
    for remark in [*unmatched(*entries), *examine([*others, *entries])]:
        if remark.entry_id not in places:
            continue  # what is in force already is not in question
        if remark.code in REFUSED and remark.entry_id not in refused:
            refused.add(remark.entry_id)
            taken.new -= 1
            taken.add("invalid", places[remark.entry_id], f"{remark.code}: {remark.text}")
        elif remark.code not in REFUSED:
            taken.add("note", places[remark.entry_id], remark.text)
        remarks.setdefault(remark.entry_id, []).append(f"{remark.code}: {remark.text}")
    if taken.refused:
        return
    hits = desk.dry_run.hits(entries)
    sounding = whole_words(entries, hits, desk.dry_run)
    for remark in sounding:
        remarks.setdefault(remark.entry_id, []).append(f"{remark.code}: {remark.text}")
    for _, revision in brought:
        hit = hits[revision.id]
        examined = replace(
            revision.measured(hit),
            remarks=(*revision.remarks, *remarks.get(revision.id, ())),
        )
        if examined.over(desk.settings.budget_per_million):
            taken.add(
                "note", places[revision.id], f"{hit.told}: it can only flag, unless approved with a reason"
            )
        ledger.put(examined, meaning(revision.entry))
    if sounding:
        more = f" (and so for {len(sounding) - 1} more: see their remarks)" if len(sounding) > 1 else ""
        taken.add("note", places[sounding[0].entry_id], sounding[0].text + more)
