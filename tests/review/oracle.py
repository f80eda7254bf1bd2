"""A slow reading of the matching rules over the whole text, written without the code under test.

Only the fold of one character is borrowed; everything else is spelled out again.
"""

from __future__ import annotations

from proxy.review.entry import Action, Direction, Entry
from proxy.review.tables import Kind, builtin_tables

TABLES = builtin_tables()
Hit = tuple[int, int, Entry, Action]


def fold_with_origins(text: str) -> tuple[str, list[int]]:
    pieces = [(character.translate(TABLES.fold), index) for index, character in enumerate(text)]
    return "".join(p for p, _ in pieces), [index for p, index in pieces for _ in p]


def occurrences(pattern: str, text: str) -> list[tuple[int, int]]:
    return [
        (i, i + len(pattern))
        for i in range(len(text) - len(pattern) + 1)
        if text[i : i + len(pattern)] == pattern
    ]


def in_word(character: str) -> bool:
    return TABLES.kinds[ord(character)] == Kind.WORD


def edges_hold(entry: Entry, folded: str, start: int, end: int) -> bool:
    if entry.boundary == "none":
        return True
    before, after = folded[start - 1 : start] if start else "", folded[end : end + 1]
    if in_word(folded[start]) and before and in_word(before):
        return False
    if not after:
        return True
    mark = TABLES.kinds[ord(after)] == Kind.MARK
    last = TABLES.kinds[ord(folded[end - 1])]
    if last == Kind.WORD:
        return not mark and not in_word(after)
    return not mark or last not in (Kind.UNSPACED, Kind.MARK)


def standing_hits(entries: list[Entry], direction: Direction, text: str) -> list[Hit]:
    """Every match that no word boundary refuses and no allow phrase covers."""
    folded, origins = fold_with_origins(text)
    hits = []
    for entry in entries:
        action = entry.action_for(direction)
        if action is None:
            continue
        allowed = [
            span for phrase in entry.exceptions for span in occurrences(fold_with_origins(phrase)[0], folded)
        ]
        for start, end in occurrences(fold_with_origins(entry.pattern)[0], folded):
            covered = any(a <= start and end <= b for a, b in allowed)
            if not covered and edges_hold(entry, folded, start, end):
                hits.append((origins[start], origins[end - 1] + 1, entry, action))
    return hits


def review(entries: list[Entry], direction: Direction, text: str) -> tuple[str, Hit | None, list[Hit]]:
    """(released text, the blocking hit, the findings in order of end, start and id)."""
    hits = {(s, e, entry.id): (s, e, entry, a) for s, e, entry, a in standing_hits(entries, direction, text)}
    ordered = sorted(hits.values(), key=lambda h: (h[1], h[0], h[2].id))
    blocking = next((hit for hit in ordered if hit[3] is Action.BLOCK), None)
    if blocking:
        ordered = [hit for hit in ordered if hit[1] <= blocking[1]]
    return released(text, ordered, blocking[0] if blocking else len(text)), blocking, ordered


def released(text: str, hits: list[Hit], stop: int) -> str:
    """The text before `stop`: replacements leftmost-longest, then masks over the rest."""
    out, place = [], 0
    while place < stop:
        starting = [h for h in hits if h[3] is Action.REPLACE and h[0] == place]
        if starting:
            longest = min(starting, key=lambda h: (-h[1], h[2].id))
            out.append(longest[2].replacement or "[…]")
            place = longest[1]
            continue
        masked = any(h[3] is Action.MASK and h[0] <= place < h[1] for h in hits)
        out.append("＊" if masked else text[place])
        place += 1
    return "".join(out)
