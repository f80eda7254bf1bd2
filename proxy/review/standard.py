"""The entry standard 入库标准: what the machine says of an entry before people decide.

Remarks do not stop a bootstrap; for proposed entries those in REFUSED do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proxy.review.columns import Columns
from proxy.review.entry import Direction, Entry, EntryError
from proxy.review.library import Library
from proxy.review.matcher import DaachorseMatcher
from proxy.review.tables import Kind, Tables, builtin_tables
from proxy.review.terms import edges
from proxy.review.views import SafeView, safe_view

__all__ = ["REFUSED", "Remark", "examine", "meaning", "shadowed", "unmatched"]

# What keeps an entry out of the procedure; an idle phrase is only worth a look.
REFUSED = frozenset({"unmatchable", "short", "duplicate", "always_allowed", "shadowed"})


@dataclass(frozen=True, slots=True)
class Remark:
    """One objection: the entry, a short code, a sentence."""

    entry_id: str
    code: str
    text: str


def examine(entries: Sequence[Entry], tables: Tables | None = None) -> list[Remark]:
    """What the entry standard says of these entries among themselves, in their order."""
    tables = tables or builtin_tables()
    view = safe_view(tables)
    keywords = [entry for entry in entries if entry.kind == "keyword"]
    folded = [view.fold(entry.pattern) for entry in keywords]
    first: dict[Any, Entry] = {}
    for entry, text in zip(keywords, folded, strict=True):
        first.setdefault(tuple(_reach(entry, text)), entry)
    inside: dict[int, list[Remark]] = {}
    for place, remark in shadowed(Columns.of(keywords), [entry.id for entry in keywords], tables):
        inside.setdefault(place, []).append(remark)
    remarks = []
    for place, (entry, text) in enumerate(zip(keywords, folded, strict=True)):
        remarks += _length(entry, text, tables)
        same = first[tuple(_reach(entry, text))]
        if same is not entry:
            remarks.append(Remark(entry.id, "duplicate", f"equals {same.id} after folding"))
        remarks += _phrases(entry, text, view)
        remarks += inside.get(place, ())
    heard = _finding_themselves([entry for entry in entries if entry.kind == "pinyin"])
    for entry in entries:
        if entry.kind == "pinyin" and entry.id not in heard:
            advice = "is found nowhere: write it in pinyin, three syllables or more, spaces between (ce shi jin ci)"
            remarks.append(Remark(entry.id, "unmatchable", advice))
        terms = entry.combination
        if terms is not None and len(terms.all) + bool(terms.any) == 1:  # a keyword by another name
            for term in terms.all or terms.any:
                remarks += _length(entry, view.fold(term), tables)
    return remarks


def _finding_themselves(entries: Sequence[Entry]) -> set[str]:
    """The ids of those that are found in their own pattern."""
    if not entries:
        return set()
    flagged: Any = "flag"
    library = Library.compile([replace(entry, action=flagged) for entry in entries])  # none hides another
    return {
        entry.id
        for entry in entries
        for direction in Direction
        if any(found.entry_id == entry.id for found in library.review(entry.pattern, direction))
    }


def shadowed(
    columns: Columns, ids: Sequence[str], tables: Tables | None = None
) -> Iterator[tuple[int, Remark]]:
    """Which of many keywords are found by another of them already, by their place: one search through all."""
    tables = tables or builtin_tables()
    folded = safe_view(tables).fold_all(columns.flat).texts()
    first: dict[str, int] = {}
    for place, text in enumerate(folded):
        first.setdefault(text, place)
    patterns = sorted(text for text in first if text)
    matcher = DaachorseMatcher(patterns)
    for place, text in enumerate(folded):
        for start, end, index in matcher.find(text):
            if patterns[index] == text:
                continue
            number = first[patterns[index]]
            other = columns.entry(number)
            if _shadows(other, columns.entry(place)) and _stands(other, text, start, end, tables):
                said = f"{ids[number]} ({other.pattern}) is found in it already"
                yield place, Remark(ids[place], "shadowed", said)


def unmatched(*entries: Entry) -> list[Remark]:
    """Which of these cannot be matched at all, and why: empty in a view, too long, not RE2, unbounded."""
    try:
        Library.compile(entries)
    except EntryError as error:
        if len(entries) == 1:
            return [Remark(entries[0].id, "unmatchable", f"{error.field}: {error.advice}")]
        half = len(entries) // 2
        return unmatched(*entries[:half]) + unmatched(*entries[half:])
    return []


def meaning(entry: Entry) -> str:
    """Equal for entries that match the same where the same may be matched: 32 hex digits.

    What they do about it, and what they allow, may differ.
    """
    folded = safe_view(builtin_tables()).fold(entry.pattern) if entry.kind in _WORDS else entry.pattern
    parts = _reach(entry, folded)
    return hashlib.sha256(repr(parts).encode("utf-8")).hexdigest()[:32]


def _reach(entry: Entry, folded: str) -> list[Any]:
    return [entry.kind, folded, *(getattr(entry, name) for name in _REACH)]


_SYLLABLES_THAT_ACT = 4  # in the pinyin view shorter ones only flag
_WORDS = ("keyword", "pinyin")
_REACH = ("combination", "regex", "examples", "scope", "roles", "tenants", "models", "endpoints", "boundary")


def _length(entry: Entry, text: str, tables: Tables) -> list[Remark]:
    if any(not c.isascii() for c in text):
        enough = sum(1 for c in text if tables.kind(c) != Kind.OTHER) >= 2
    else:
        enough = sum(1 for c in text if not c.isspace()) >= 3
    advice = "needs at least two Han or three ASCII characters"
    return [] if enough else [Remark(entry.id, "short", advice)]


def _phrases(entry: Entry, text: str, view: SafeView) -> list[Remark]:
    remarks = []
    for phrase in entry.exceptions:
        folded = view.fold(phrase)
        if folded == text:
            remarks.append(
                Remark(entry.id, "always_allowed", f"the allow phrase {phrase} is the pattern itself")
            )
        elif text not in folded:
            remarks.append(
                Remark(entry.id, "idle_phrase", f"the allow phrase {phrase} does not hold the pattern")
            )
    return remarks


def _shadows(other: Entry, entry: Entry) -> bool:
    """Whether the other entry leaves nothing for this one to do."""
    limited = other.exceptions or other.roles or other.tenants or other.models or other.endpoints
    passing = other.effective_from or other.expires
    return (
        not limited
        and not passing
        and _sees_as_much(other, entry)
        and other.boundary == entry.boundary
        and other.scope in ("both", entry.scope)
        and (other.action == entry.action)
    )


def _sees_as_much(other: Entry, entry: Entry) -> bool:
    """Whether the other entry is found in every disguise in which this one is."""
    sounds = "pinyin" in entry.views
    return (
        set(entry.views) <= set(other.views)
        and set(entry.folds) <= set(other.folds)
        and entry.gap <= other.gap
        and not (sounds and len(other.pattern) < _SYLLABLES_THAT_ACT)
    )


def _stands(other: Entry, text: str, start: int, end: int, tables: Tables) -> bool:
    """Whether word boundaries let the other entry match here."""
    left, right = edges(other, text[start:end], tables)
    before = tables.kind(text[start - 1]) if start else Kind.OTHER
    after = tables.kind(text[end]) if end < len(text) else Kind.OTHER
    return not (left and before == Kind.WORD) and not right.forbids(after)
