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

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter, length_hint

from proxy.review import sieve
from proxy.review.checks import VIEWS
from proxy.review.combination import MAX_SENTENCE, Sentences, Tally, counted_from
from proxy.review.compile import Kit, Lens
from proxy.review.doubts import Doubted, Doubts, passages_of
from proxy.review.entry import Action, Entry
from proxy.review.expressions import ExpressionScan, ExpressionSet, Hit
from proxy.review.judge import Judge, Match, Span
from proxy.review.machine import NODE, Found, Node, State
from proxy.review.original import Original
from proxy.review.reading import back_of, sub_of
from proxy.review.sieve import Sieve, Stretch
from proxy.review.similar import Near, Similarity, SimilarScan
from proxy.review.terms import Edge, Term

__all__ = ["DEFAULT_REPLACEMENT", "MASK", "SAMPLED", "Finding", "Reviewer"]

MASK = "＊"  # one for each code point; full width, so that it never turns into Markdown emphasis
DEFAULT_REPLACEMENT = "[…]"
_STRENGTH = {action: at for at, action in enumerate(Action)}
_RANK = {name: at for at, name in enumerate(VIEWS)}  # of views, the strictest first
SAMPLED = "second-stage"  # entry and view of what a second stage finds where the first suspected nothing


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

    __slots__ = ("_judge", "_match", "action", "end", "entry", "order", "stands", "start", "view")

    def __init__(self, match: Match, action: Action, view: str, judge: Judge, order: int) -> None:
        self._match, self._judge = match, judge
        self.entry, self.action, self.view, self.order = match.term.entry, action, view, float(order)
        self.start, self.end = match.start, match.end
        self.stands: bool | None = None

    def decide(self, original: Original, ended: bool) -> None:
        """Try to reach a verdict, which is not known yet; with `ended` there is one."""
        verdict = self._judge.verdict(self._match, original, ended)
        if verdict is None:
            return
        self.stands = verdict is not False
        if isinstance(verdict, Span):
            self.start, self.end, weak = verdict
            self.action = Action.FLAG if weak and self.action.holds else self.action
        else:
            self.end = int(verdict) or self.end


class Certain:
    """A match that stands as it was found."""

    __slots__ = ("action", "end", "entry", "order", "start", "view")
    stands = True

    def __init__(self, entry: Entry, action: Action, view: str, span: tuple[int, int], order: float) -> None:
        self.entry, self.action, self.view, self.order = entry, action, view, order
        self.start, self.end = span

    def decide(self, original: Original, ended: bool) -> None:
        """There is nothing to decide."""


class Awaited:
    """A combination that is decided when its sentence ends, and holds it until then."""

    __slots__ = ("_sentences", "action", "end", "entry", "order", "stands", "start", "view")

    def __init__(self, entry: Entry, action: Action, view: str, start: int, sentences: Sentences) -> None:
        self.entry, self.action, self.view, self._sentences = entry, action, view, sentences
        self.start = self.end = start
        self.order = float("inf")
        self.stands: bool | None = None

    def decide(self, original: Original, ended: bool) -> None:
        """With the sentence all is known, half a place after what ends with it."""
        limit = self.start + MAX_SENTENCE
        end = self._sentences.end_after(self.start)
        if end is not None and end < limit:
            self.order = end + 1.5
        elif original.end >= limit or ended:
            self.order = min(limit, original.end) + 0.5
        self.stands = True if self.order < float("inf") else None


Pending = Candidate | Certain | Awaited | Doubted


class Reviewer:
    """Reviews one text in one direction; a `TextTransform`.

    What is released in total, `blocked` and `findings` depend on the whole text alone. After a block
    nothing more is released: the total is the text before the match that blocked. With `doubts` it asks about
    what it only suspects; `feed` and `flush` return when that is settled.
    """

    def __init__(self, kit: Kit, doubts: Doubts | None = None) -> None:
        lenses = self._lenses = kit.lenses
        self._kit, self._doubts = kit, doubts
        self._states = [lens.machine.start for lens in lenses]
        self._alike = [lens.machine.alike for lens in lenses]
        self._paired = len(lenses) > 1 and self._alike[:2] == [None, None]
        self._context = max((lens.context for lens in lenses), default=0)
        holds = doubts is not None and doubts.holds
        self._sentences = Sentences() if kit.parts or holds else None
        if holds:
            self._context = max(self._context, MAX_SENTENCE)
        # All that was said, where it is asked about as a whole.
        self._said: list[str] | None = [] if doubts is not None and (doubts.sample or not holds) else None
        self._tally = Tally(kit.parts)
        self._expressions = [(of, ExpressionScan(of)) for of in kit.expressions]
        self._similar = [(of, SimilarScan(of)) for of in kit.similar]
        self._further = bool(kit.parts or self._expressions or self._similar or doubts)
        self._original = Original()
        self._pending: list[Pending] = []
        self._edits: list[Pending] = []
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
        original = self._original
        original.append(text)
        hold, live = self._look(text)
        if self._further:
            hold, live = self._feed_further(text, hold, live)
        end = original.end
        limit, keep = end - hold, end - live
        if self._pending:
            self._decide(ended=False)
            if self.blocked:
                return self._block()
            for candidate in self._pending:
                keep = min(keep, candidate.start)
                if candidate.action.holds or self._may_be_asked(candidate):
                    limit = min(limit, candidate.start)
        return self._release(limit, keep)

    def _may_be_asked(self, candidate: Pending) -> bool:
        """Whether a second stage holds what such a candidate is, once it is decided."""
        doubts = self._doubts
        return doubts is not None and doubts.holds and doubts.concerns(candidate.entry, candidate.action)

    def _look(self, text: str) -> tuple[int, int]:
        """Take a piece in all views; how many code points from its end wait, and how many may still matter."""
        states, at = self._states, 0
        if len(text) >= sieve.LONG:
            self._look_through(text)
            at = len(states)
        elif self._paired:  # reading a code point and finding its hash is half of the work
            one, other = states[0], states[1]
            rest = iter(text)
            try:
                for character in rest:
                    one, other = one[character], other[character]
            except KeyError:
                left = text[len(text) - length_hint(rest) :]
                one = self._scan(self._lenses[0], one, character, iter(left))
                other = self._scan(self._lenses[1], other, character, iter(left))
            states[0], states[1] = one, other
            at = 2
        for index in range(at, len(states)):
            alike, state = self._alike[index], states[index]
            rest = iter(text if alike is None else text.translate(alike))
            try:
                for character in rest:
                    state = state[character]
            except KeyError:
                state = self._scan(self._lenses[index], state, character, rest)
            states[index] = state
        hold = live = 0
        for state in states:
            node: Node = state[NODE]
            if node.live > live:
                live = node.live
            if node.hold > hold:
                hold = node.hold
        return hold, live

    def _look_through(self, text: str) -> None:
        """Take a long piece: read in each view only what may hold a match."""
        at = self._original.end - len(text)
        sifted: dict[tuple[Sieve, bool], list[Stretch]] = {}
        for index, lens in enumerate(self._lenses):
            machine, state = lens.machine, self._states[index]
            stretches = [Stretch(0, len(text))]
            if lens.sieve is not None:
                key = lens.sieve, state is machine.start
                if key not in sifted:
                    sifted[key] = lens.sieve.stretches(text, fresh=key[1])
                stretches = sifted[key]
            for start, end, spelled, plain in stretches:
                if plain and spelled is not None:
                    self._note_plain(lens, spelled[0], at + start, at + end)
                    continue
                if spelled is None:
                    state, found = machine.advance(machine.start if start else state, text[start:end])
                else:
                    found = machine.seek(text[start:end], spelled)
                for left, one in found:
                    self._note(lens, one, at + end - left)
            self._states[index] = state

    def _scan(self, lens: Lens, state: State, character: str, rest: Iterator[str]) -> State:
        """Go on where a text does something new; note the matches from there on."""
        state, found = lens.machine.resume(state, character, rest)
        end = self._original.end
        for left, one in found:
            self._note(lens, one, end - left)
        return state

    def _note(self, lens: Lens, found: Found, at: int) -> None:
        """A match that was completed when the text ended at `at`."""
        start, end = at - back_of(found.first), at - back_of(found.last) + 1
        match = Match(found.term, start, sub_of(found.first), end, sub_of(found.last))
        self._pending.append(Candidate(match, lens.action(found.term), lens.name, lens.judge, at))

    def _note_plain(self, lens: Lens, folded: str, start: int, end: int) -> None:
        """A match that is all of [start, end), as many code points as letters or more, and was not read for."""
        exact = end - start == len(folded)
        for term, action in lens.plain(folded):
            if term.certain and exact:
                self._pending.append(Certain(term.entry, action, lens.name, (start, end), float(end)))
            else:
                match = Match(term, start, 0, end, 0)
                self._pending.append(Candidate(match, action, lens.name, lens.judge, end))

    def _feed_further(self, text: str, hold: int, live: int) -> tuple[int, int]:
        """The kinds of entries that no automaton finds; what waits with them."""
        at = self._original.end - len(text)
        if self._sentences is not None:
            self._sentences.feed(text, at)
        for of, scan in self._expressions:
            self._note_hits(of, scan.feed(text, at))
            hold, live = max(hold, scan.hold), max(live, scan.live)
        if self._doubts is not None:
            if self._said is not None:
                self._said.append(text)
            if self._doubts.holds:  # a suspicion does not leave either before it was asked about
                hold = live
        for near, sentences in self._similar:
            self._note_near(near, sentences.feed(text))
            live = max(live, sentences.live)
        return hold, live

    def _note_hits(self, of: ExpressionSet, hits: Sequence[Hit]) -> None:
        for hit in hits:
            expression, length = hit.expression, len(hit.folded)
            phrases = tuple(phrase for phrase in expression.phrases if len(phrase) >= length)
            term = Term(expression.entry, hit.folded, hit.folded, False, Edge.FREE, phrases)
            match = Match(term, hit.start, hit.first, hit.end, hit.last)
            action = of.actions[expression]
            self._pending.append(Candidate(match, action, of.name, self._kit.plain[of.name], hit.order))

    def _note_near(self, of: Similarity, found: Sequence[Near]) -> None:
        for entry, start, end, order in found:
            self._pending.append(Certain(entry, of.actions[entry], "similar-text", (start, end), order))

    def flush(self) -> str:
        """The text has ended; return the rest."""
        if self.blocked:
            return ""
        end = self._original.end
        for lens, state in zip(self._lenses, self._states, strict=True):
            for one in lens.machine.finish(state):
                self._note(lens, one, end)
        for of, scan in self._expressions:
            self._note_hits(of, scan.finish(end))
        for near, sentences in self._similar:
            self._note_near(near, sentences.finish())
        self._decide(ended=True)
        if self.blocked is None and self._doubts is not None and self._doubts.sample is not None:
            self._sample(self._doubts.sample)
        return self._block() if self.blocked else self._release(end, end)

    def _sample(self, ask: Callable[[Sequence[str]], tuple[str, Action] | None]) -> None:
        """Ask about a text in which nothing was found."""
        assert self._said is not None
        text = "".join(self._said)
        found = ask(passages_of(text)) if text and not self.findings else None
        if found is not None:
            category, action = found
            finding = Finding(SAMPLED, category, 3, action, SAMPLED, 0, len(text), "")
            self.findings.append(finding)
            self.blocked = finding if action is Action.BLOCK else None

    def _decide(self, ended: bool) -> None:
        """Turn candidates into findings in the order in which they became known, as far as they are decided."""
        pending = self._pending
        for candidate in pending:
            if candidate.stands is None:
                candidate.decide(self._original, ended)
        pending.sort(key=_order)
        simply = self._sentences is None and self._doubts is None
        done = 0
        while done < len(pending) and self.blocked is None:
            first, end = pending[done], done + 1
            while end < len(pending) and pending[end].order == first.order:
                end += 1
            if simply and end == done + 1 and first.stands is not None:
                done = end
                if first.stands:
                    self._record(first)
                continue
            group = sorted(pending[done:end], key=_precedence)
            if None in [candidate.stands for candidate in group]:
                break
            known, done = len(pending), end
            self._accept([candidate for candidate in group if candidate.stands])
            if len(pending) > known:
                for candidate in pending[known:]:
                    candidate.decide(self._original, ended)
                pending[done:] = sorted(pending[done:], key=_order)
        del pending[:done]
        if self._sentences is not None:
            self._sentences.forget(min([self._released, *(c.start for c in pending)]))

    def _accept(self, group: list[Pending]) -> None:
        """Record the findings that end at one place; the longest blocking one blocks."""
        group = self._combined(group) if self._sentences is not None else group
        for candidate in _distinct(group) if len(group) > 1 else group:
            if self._doubts is not None:
                settled = self._settled(candidate, self._doubts)
                if settled is None:
                    continue
                candidate = settled
            self._record(candidate)

    def _record(self, candidate: Pending) -> None:
        """A match that stands is a finding."""
        finding = self._finding(candidate)
        self.findings.append(finding)
        if candidate.action is Action.BLOCK:
            self.blocked = self.blocked or finding
        elif candidate.action.holds:
            self._edits.append(candidate)

    def _settled(self, candidate: Pending, doubts: Doubts) -> Pending | None:
        """A suspicion as what it turned out to be; None while it waits to be asked about."""
        entry, span = candidate.entry, (candidate.start, candidate.end)
        if type(candidate) is not Doubted:
            if not doubts.concerns(entry, candidate.action):
                return candidate
            if entry.kind != "similar-text" or not doubts.holds:
                sentences = self._sentences if doubts.holds else None
                self._pending.append(Doubted(entry, candidate.action, candidate.view, span, sentences))
                return None
            passages = [self._original.slice(*span)]  # the sentence itself, which has left already
        elif doubts.holds:
            passages = [candidate.passage(self._original)]
        else:
            assert self._said is not None
            passages = passages_of("".join(self._said))
        return Certain(entry, doubts.settle(entry, passages), candidate.view, span, candidate.order)

    def _combined(self, group: list[Pending]) -> list[Pending]:
        """The group with the terms of combinations taken out, and in their place what came true with them."""
        parts, sentences = self._kit.parts, self._sentences
        assert sentences is not None
        found = {c.entry.id: c for c in group if c.entry.id in parts}
        kept = [candidate for candidate in group if candidate.entry.id not in parts]
        wanted = self._tally.take((c.entry.id, c.start, c.end) for c in group if c.entry.id in parts)
        for entry, (start, end) in wanted.items():
            by = next(c for name, c in found.items() if parts[name].whole is entry)
            terms = entry.combination
            assert terms is not None
            if terms.hold:
                if not any(
                    c.entry is entry and c.order > by.order for c in self._pending if type(c) is Awaited
                ):
                    self._pending.append(Awaited(entry, by.action, by.view, start, sentences))
            elif self._tally.span(entry, counted_from(terms, end, sentences)):
                kept.append(Certain(entry, by.action, by.view, (start, end), by.order))
        return [one for one in map(self._awaited, kept) if one is not None]

    def _awaited(self, candidate: Pending) -> Pending | None:
        """A combination whose sentence is over, as what it turned out to be."""
        if type(candidate) is not Awaited:
            return candidate
        assert self._sentences is not None
        span = self._tally.span(candidate.entry, self._sentences.begin_of(candidate.start))
        if span is None:
            return None
        return Certain(candidate.entry, candidate.action, candidate.view, span, candidate.order)

    def _finding(self, candidate: Pending) -> Finding:
        entry, start, end = candidate.entry, candidate.start, candidate.end
        text = self._original.slice(start, end)
        action = candidate.suspected if type(candidate) is Doubted else candidate.action
        return Finding(entry.id, entry.category, entry.severity, action, candidate.view, start, end, text)

    def _block(self) -> str:
        assert self.blocked is not None
        end = self._original.end
        # What is still in doubt does not leave, and nobody need be asked any more.
        doubted = [one for one in self._pending if type(one) is Doubted]
        self.findings += map(self._finding, doubted)
        limit = min([self.blocked.start, *(one.start for one in doubted if one.action.holds)])
        released = self._release(limit, end)
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
                parts.append(candidate.entry.replacement or DEFAULT_REPLACEMENT)
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


def _distinct(group: list[Pending]) -> Iterable[Pending]:
    """Of one entry at one place the first."""
    found: dict[tuple[str, int, int], Pending] = {}
    for candidate in group:
        found.setdefault((candidate.entry.id, candidate.start, candidate.end), candidate)
    return found.values()


_order = attrgetter("order")


def _precedence(candidate: Pending) -> tuple[int, str, int, int]:
    """Of those that became known at once. Of one entry at one place the strongest comes first, whatever was decided
    first: only that one counts.
    """
    rank = _RANK.get(candidate.view, len(_RANK))
    return candidate.start, candidate.entry.id, _STRENGTH[candidate.action], rank
