"""The streaming reviewer: releases text as soon as nothing in it can still become a finding.

Strategy. Every view scans the stream (`scan.Scan`) and tells two things: matches that completed, and the
place from which text could still grow into one. Completed matches queue by their end; each is decided by
what stands around it (word boundary, allow phrase), and one that cannot be decided yet keeps those behind
it waiting, so findings come in one order however the text was cut. Text is released up to the first place
that a growing or undecided match of a delaying action (block, replace, mask) could begin. A decided match
edits the text before that place: whatever begins there is known by then, so leftmost-longest can be chosen
for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.review.compile import Lens
from proxy.review.entry import Action
from proxy.review.judge import Match
from proxy.review.machine import NODE, Found, State
from proxy.review.original import Original
from proxy.review.reading import back_of, sub_of

__all__ = ["DEFAULT_REPLACEMENT", "MASK", "Finding", "Reviewer"]

MASK = "＊"  # one for each code point; full width, so that it never turns into Markdown emphasis
DEFAULT_REPLACEMENT = "[…]"


@dataclass(frozen=True, slots=True)
class Finding:
    """A match that stands. [start, end) in code points of the reviewed text, `text` what stood there."""

    entry_id: str
    category: str
    severity: int
    action: Action
    view: str
    start: int
    end: int
    text: str


class Candidate:
    """A completed match that may still be refused by what follows. `stands` is None until that is known.

    `order`: the code point after which it became known; decisions are taken in this order.
    """

    __slots__ = ("_judge", "_match", "action", "end", "order", "stands", "start", "term", "view")

    def __init__(self, lens: Lens, found: Found, at: int, order: int) -> None:
        """`at`: where the text ended when it was found."""
        self.term, self.view, self._judge = found.term, lens.name, lens.judge
        self.action = lens.actions[found.term]
        self.start, self.end = at - back_of(found.first), at - back_of(found.last) + 1
        self._match = Match(found.term, self.start, sub_of(found.first), self.end, sub_of(found.last))
        self.order = order
        self.stands: bool | None = None

    def decide(self, original: Original, ended: bool) -> None:
        """Try to reach a verdict; with `ended` there is one."""
        if self.stands is None:
            verdict = self._judge.verdict(self._match, original, ended)
            if verdict is None:
                return
            self.stands = verdict is not False
            self.end = int(verdict) or self.end


class Reviewer:
    """Reviews one text in one direction; a `TextTransform`.

    What is released in total, `blocked` and `findings` depend on the whole text alone. After a block
    nothing more is released: the total is the text before the match that blocked.
    """

    def __init__(self, lenses: Sequence[Lens]) -> None:
        self._lenses = lenses
        self._states = [lens.machine.start for lens in lenses]
        self._alike = [lens.machine.alike for lens in lenses]
        self._context = max((lens.context for lens in lenses), default=0)
        self._original = Original()
        self._pending: list[Candidate] = []
        self._edits: list[Candidate] = []
        self._released = 0
        self.blocked: Finding | None = None
        self.findings: list[Finding] = []

    @property
    def held(self) -> int:
        """Code points seen and not released."""
        return 0 if self.blocked else max(0, self._original.end - self._released)

    @property
    def reviewed(self) -> int:
        """Code points seen."""
        return self._original.end

    def feed(self, text: str) -> str:
        """Take the next piece; return what is safe to release now."""
        if self.blocked or not text:
            return ""
        original, states = self._original, self._states
        original.append(text)
        hold = live = 0
        for index, begun in enumerate(states):
            alike = self._alike[index]
            piece = text if alike is None else text.translate(alike)
            state = begun
            try:
                for character in piece:
                    state = state[character]
            except KeyError:
                state = self._scan(self._lenses[index], begun, piece)
            states[index] = state
            node = state[NODE]
            if node.live > live:
                live = node.live
            if node.hold > hold:
                hold = node.hold
        end = original.end
        limit, keep = end - hold, end - live
        if self._pending:
            self._decide(ended=False)
            if self.blocked:
                return self._block()
            for candidate in self._pending:
                keep = min(keep, candidate.start)
                if candidate.action.holds:
                    limit = min(limit, candidate.start)
        return self._release(limit, keep)

    def _scan(self, lens: Lens, state: State, text: str) -> State:
        """Look at a piece that does something new; note the matches in it."""
        at = self._original.end - len(text) + 1
        state, found = lens.machine.advance(state, text)
        for index, one in found:
            self._pending.append(Candidate(lens, one, at + index, at + index))
        return state

    def flush(self) -> str:
        """The text has ended; return the rest."""
        if self.blocked:
            return ""
        end = self._original.end
        for lens, state in zip(self._lenses, self._states, strict=True):
            self._pending += [Candidate(lens, one, end, end) for one in lens.machine.finish(state)]
        self._decide(ended=True)
        return self._block() if self.blocked else self._release(end, end)

    def _decide(self, ended: bool) -> None:
        """Turn candidates into findings in the order in which they became known, as far as they are decided."""
        pending = self._pending
        for candidate in pending:
            candidate.decide(self._original, ended)
        pending.sort(key=_order)
        done = 0
        while done < len(pending) and self.blocked is None:
            end = done
            while end < len(pending) and pending[end].order == pending[done].order:
                end += 1
            group = pending[done:end]
            if any(candidate.stands is None for candidate in group):
                break
            self._accept([candidate for candidate in group if candidate.stands])
            done = end
        del pending[:done]

    def _accept(self, group: list[Candidate]) -> None:
        """Record the findings that end at one place; the longest blocking one blocks."""
        seen = set()
        for candidate in group:
            key = (candidate.term.entry.id, candidate.start, candidate.end)
            if key in seen:
                continue
            seen.add(key)
            finding = self._finding(candidate)
            self.findings.append(finding)
            if candidate.action is Action.BLOCK:
                self.blocked = self.blocked or finding
            elif candidate.action.holds:
                self._edits.append(candidate)

    def _finding(self, candidate: Candidate) -> Finding:
        entry, start, end = candidate.term.entry, candidate.start, candidate.end
        text = self._original.slice(start, end)
        return Finding(
            entry.id, entry.category, entry.severity, candidate.action, candidate.view, start, end, text
        )

    def _block(self) -> str:
        assert self.blocked is not None
        end = self._original.end
        released = self._release(self.blocked.start, end)
        self._pending, self._edits = [], []
        self._original.forget(end)
        return released

    def _release(self, limit: int, keep: int) -> str:
        """The edited text from the released place up to `limit`; forget what stands before `keep`."""
        if self._edits:
            released = self._edited(limit)
        elif limit > self._released:
            released = self._original.slice(self._released, limit)
            self._released = limit
        else:
            released = ""
        self._original.forget(min(keep - self._context, self._released))
        return released

    def _edited(self, limit: int) -> str:
        """Replacements leftmost-longest, then masks over what they left."""
        parts, place = [], self._released
        replacements = sorted(
            (c for c in self._edits if c.action is Action.REPLACE), key=lambda c: (c.start, -c.end)
        )
        for candidate in replacements:
            if place <= candidate.start < limit:
                parts.append(self._masked(place, candidate.start))
                parts.append(candidate.term.entry.replacement or DEFAULT_REPLACEMENT)
                place = candidate.end
        if place < limit:
            parts.append(self._masked(place, limit))
            place = limit
        self._released = place
        self._edits = [
            c for c in self._edits if (c.start if c.action is Action.REPLACE else c.end - 1) >= place
        ]
        return "".join(parts)

    def _masked(self, start: int, end: int) -> str:
        """The text of [start, end) with every code point that a mask covers replaced."""
        text = self._original.slice(start, end)
        covering = [c for c in self._edits if c.action is Action.MASK and c.start < end and c.end > start]
        if not covering:
            return text
        characters = list(text)
        for candidate in covering:
            first, last = max(candidate.start, start), min(candidate.end, end)
            characters[first - start : last - start] = MASK * (last - first)
        return "".join(characters)


def _order(candidate: Candidate) -> tuple[int, int, str]:
    return candidate.order, candidate.start, candidate.term.entry.id
