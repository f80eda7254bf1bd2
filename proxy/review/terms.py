"""Terms: entries as one view reads them, and where a match of one may begin and end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from proxy.review.entry import Entry
from proxy.review.tables import Kind, Tables

__all__ = ["MAX_FOLDED", "Edge", "Term", "edges"]


MAX_FOLDED = 64  # what an entry with output scope may fold to: the bound of what is ever held


class Edge(IntEnum):
    """What must not follow a match: nothing special, a mark of its last letter, more of its word."""

    FREE = 0
    MARK = 1
    WORD = 2

    def forbids(self, kind: int) -> bool:
        """Whether a match may not be followed by a character of this `Kind`."""
        return self != Edge.FREE and (kind == Kind.MARK or (kind == Kind.WORD and self == Edge.WORD))


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One spelling of an entry in one view.

    `folded` is what the automaton looks for, `spelling` the same in the safe view. `left`: only at a word
    start. `exceptions`: allow phrases, folded. `flag_only`: too weak a sign for more than a flag. `least`: code points
    of a match that may stand. `certain`: what is read as it and is as many characters needs no verdict, it stands.
    """

    entry: Entry
    folded: str
    spelling: str
    left: bool
    right: Edge
    exceptions: tuple[str, ...]
    flag_only: bool = False
    least: int = 0
    certain: bool = False


def edges(entry: Entry, spelling: str, tables: Tables) -> tuple[bool, Edge]:
    """`left` and `right` of a term. Only letters of spaced scripts have words around them."""
    first, last = tables.kind(spelling[0]), tables.kind(spelling[-1])
    if entry.boundary == "none":
        return False, Edge.FREE
    if last == Kind.WORD:
        return first == Kind.WORD, Edge.WORD
    return first == Kind.WORD, Edge.MARK if last in (Kind.UNSPACED, Kind.MARK) else Edge.FREE
