"""A desk with a real store in a folder, records kept in a list, and a clock that the test moves."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from proxy.governance.compiler import Compiled, answer, read_answer, write_job
from proxy.governance.desk import Desk
from proxy.governance.dry_run import DryRun
from proxy.governance.people import Actor
from proxy.governance.procedure import later
from proxy.governance.sqlite import SqliteGovernance
from proxy.governance.store import Kept
from proxy.records.record import Record
from proxy.review.entry import Entry
from proxy.settings import Library

KEY = b"k" * 32
START = "2026-11-27T08:00:00.000Z"


class Desks:
    """`desk` is open; `open()` gives another one on the same folder, as another process would have."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.settings = Library.model_validate(settings)
        self.records: list[Record] = []
        self.time = START
        # A short one: what the whole corpus says is tested where it matters.
        self._dry_run = DryRun(corpus=lambda: ["图书馆今天开门。", "The library opens today."])
        self.desk = self.open()

    def open(self) -> Desk:
        store = SqliteGovernance(self.folder / "governance.sqlite", KEY)
        desk = Desk(
            store, self.folder / "library", KEY, self.settings, self._record, lambda: self.time, self._dry_run
        )
        desk.adopt()
        return desk

    def passed(self, *entries: Entry) -> list[str]:
        """These entries approved; their ids."""
        ids = [self.desk.propose(entry, actor("ann")).revision.id for entry in entries]
        self.desk.step("review", ids, actor("bob"))
        self.desk.step("approve", ids, actor("cid"))
        return ids

    def _record(self, records: Sequence[Record]) -> None:
        self.records += records

    def pass_hours(self, hours: float) -> None:
        self.time = later(self.time, hours)

    def events(self) -> list[str]:
        return [str(record.fields["event"]) for record in self.records]

    def staff(self, *names: str) -> None:
        """People with every role in the procedure."""
        admin = self.desk.actor("boss")
        for name in names:
            self.desk.add_operator(name, ["operator", "reviewer", "approver"], admin)


def actor(name: str, *roles: str) -> Actor:
    return Actor(name, frozenset(roles or ("operator", "reviewer", "approver")), "claimed")


def mild(pattern: str, **fields: object) -> Entry:
    """An entry that one approval is enough for."""
    return Entry(pattern, "A.2.a", severity=2, **fields)


def compile_here(
    directory: Path, staying: Iterable[Kept], coming: Sequence[Entry] = (), *, key: bytes, **job: Any
) -> Compiled:
    """`compile_aside` without the other process, which costs a second."""
    rows = [entry.to_row() for entry in coming]
    pipe = io.BytesIO()
    write_job(pipe, {**job, "directory": str(directory), "key": key.hex(), "coming": rows}, staying)
    pipe.seek(0)
    return read_answer(answer(pipe))
