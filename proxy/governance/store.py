"""Where the procedure keeps its state: the contract that every backend keeps, and the one place that chooses one.

The events of the records' chain tell what was done and by whom; these tables say what holds now. All stored
values are sealed: a row that was changed by anybody without the key raises `TamperedError` when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson

from proxy.governance.people import Operator
from proxy.governance.revision import Revision
from proxy.review.categories import CATEGORIES
from proxy.review.checks import SOURCES, STATUSES

__all__ = [
    "Event",
    "Gathering",
    "GovernanceStore",
    "Kept",
    "Ledger",
    "Search",
    "TamperedError",
    "UnavailableError",
    "VersionRow",
    "governance_exists",
    "open_governance",
]


class UnavailableError(Exception):
    """The state of the procedure cannot be read or written now: busy for too long, damaged, disk full."""


class TamperedError(Exception):
    """A stored value is not what the procedure wrote."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step, as it also stands in the chain of the records. `entries`: ids that it is found by.

    `fields` is JSON-able: what changed and whatever else belongs to the step.
    """

    id: str
    at: str
    action: str
    actor: str
    how: str
    reason: str
    entries: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A published version: `state` "shadow" or "canary" on trial, "tried" after it, "live" or "past".

    `at`: when it was published.
    """

    version: str
    at: str
    actor: str
    reason: str
    state: str
    entries: int


@dataclass(frozen=True, slots=True)
class Search:
    """Which revisions; empty means any. `text` stands somewhere in the pattern. Newest revision of an id first.

    `status` empty: also those that have ended; `due_by`: whose `due` has come by this time; `dated`: that have a day by which something is to be done;
    `oldest_first`: by when they came into the state that they are in.
    """

    ids: Sequence[str] = ()
    text: str = ""
    status: Sequence[str] = ()
    category: str = ""
    source: str = ""
    author: str = ""
    origin: str = ""
    due_by: str = ""
    dated: bool = False
    limit: int | None = None
    offset: int = 0
    oldest_first: bool = False

    def __post_init__(self) -> None:
        """ValueError for a status, category or source that there is not: it would find nothing for ever."""
        for name, values, known in (
            ("status", self.status, STATUSES),
            ("category", (self.category,), tuple(CATEGORIES)),
            ("source", (self.source,), SOURCES),
        ):
            for value in values:
                if value and value not in known:
                    raise ValueError(f"{name}: {value!r} is not one of {', '.join(known)}")


class Kept(NamedTuple):
    """A revision as it is kept: the JSON of `Revision.to_data` under its seal, which was good."""

    id: str
    number: int
    data: str
    mac: bytes

    @property
    def revision(self) -> Revision:
        return Revision.from_data(orjson.loads(self.data))


class Ledger(Protocol):
    """What one transaction sees and changes."""

    def operators(self) -> list[Operator]: ...

    def put_operator(self, operator: Operator) -> None: ...

    def get(self, entry_id: str, number: int | None = None) -> Revision | None:
        """One revision; without a number the newest."""
        ...

    def in_force(self, entry_id: str) -> Revision | None:
        """The revision that is published or suspended."""
        ...

    def equal(self, meaning: str, other_than: str) -> Revision | None:
        """A revision of another entry that matches the same and has not ended."""
        ...

    def within(self, text: str) -> Iterator[Revision]:
        """Published revisions whose pattern stands in this text, whatever the case of its letters."""
        ...

    def find(self, search: Search) -> Iterator[Revision]: ...

    def count(self, search: Search) -> int: ...

    def kept(self, status: str) -> Iterator[Kept]:
        """All revisions of this status, always in the same order, for many at once. What stands in `data` is not
        compared with the row that it stands in: that is left to who reads it.
        """
        ...

    def numbers(self, status: str) -> dict[str, int]:
        """The newest number of each id that has a revision of this status; no seal is opened."""
        ...

    def seals(self, status: str) -> bytes:
        """A digest (SHA-256) of the seals of `kept`: equal while all of them are as they were."""
        ...

    def put(self, revision: Revision, meaning: str) -> bytes:
        """Insert or replace (id, number); returns the seal of what is kept."""
        ...

    def tally(self) -> dict[tuple[str, str], int]:
        """How many revisions there are by (status, category)."""
        ...

    def note(self, event: Event) -> None: ...

    def history(self, entry_id: str, limit: int = 100) -> list[Event]:
        """Newest first."""
        ...

    def event_times(self) -> dict[str, str]:
        """When each event was, by id, in their order."""
        ...

    def last_event(self) -> str:
        """The id of the newest event, "" before the first: equal while nothing has changed."""
        ...

    def versions(self, limit: int = 100) -> list[VersionRow]:
        """Newest first."""
        ...

    def put_version(self, row: VersionRow) -> None: ...

    def fact(self, name: str) -> Any:
        """A small JSON value, None if there is none."""
        ...

    def put_fact(self, name: str, value: Any) -> None: ...


class Gathering(Protocol):
    """Many revisions that are made ready without keeping anybody waiting, and come in all together or not at all."""

    ledger: Ledger
    """For reading what is there and what was gathered; `put` gathers. Nobody else sees it."""

    def handing_in(self) -> AbstractContextManager[Ledger]:
        """The one transaction in which what was gathered comes in, as `changing`; once.

        UnavailableError if one of them has been proposed by somebody else since; nothing has changed then.
        """
        ...


class GovernanceStore(Protocol):
    """The state of the procedure; several processes may share one."""

    def changing(self) -> AbstractContextManager[Ledger]:
        """One writer at a time, over all processes; commits at the end, takes everything back on an exception."""
        ...

    def reading(self) -> AbstractContextManager[Ledger]:
        """A view of one moment."""
        ...

    def gathering(self) -> AbstractContextManager[Gathering]:
        """For files: what takes long is done before anybody has to wait."""
        ...


def governance_exists(url: str) -> bool:
    """Whether anything was ever stored there: opening a store makes one."""
    return (Path(url.partition(":///")[2]) / "governance.sqlite").exists()


def open_governance(url: str, key: bytes) -> GovernanceStore:
    """The store beside the records that `url` names. `key` seals what is kept. ValueError for anything unknown."""
    from proxy.governance.sqlite import SqliteGovernance

    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        raise ValueError(f"records.url must look like sqlite:///./data/records, not {url!r}")
    return SqliteGovernance(Path(path) / "governance.sqlite", key)
