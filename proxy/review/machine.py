"""One view over one stream, as an automaton that is built while it is used.

A state is all that a view remembers of a text: the codes at its end that may still grow into a term, how far
back each stands, and the mode of the reading. Nothing else decides what follows, so what a code point leads to
is worked out once (`Machine.take`) and remembered in the state: a dictionary from code points to states. Nearly
every code point of a stream then costs one look-up a view; the reading, the fold and the search for prefixes
are met only where a text does something new. Memory is bounded: beyond `MAX_REMEMBERED` all is forgotten.

Where a term is completed the look-up fails, and the caller takes the slower way, which tells what was found; that is
remembered beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter, length_hint
from typing import Any, NamedTuple

from proxy.review.entry import Direction
from proxy.review.matcher import LivePrefixes
from proxy.review.reading import AGE, HERE, Emitted, Mode, Reading, Transcript, back_of
from proxy.review.terms import Term
from proxy.review.trie import WORD, Spellings

__all__ = ["NODE", "Found", "Machine", "Node", "State"]

MAX_REMEMBERED = 1 << 16
MAX_FALLS = 1 << 16  # code points that lead nowhere in particular, remembered beside those
MAX_STRETCH = 1024  # code points that one match may span: what vanishes in a view holds nothing without end
NODE = ""  # the key under which a state keeps its Node: no code point is the empty string

State = dict[str, Any]  # code point -> State, NODE -> Node


class Found(NamedTuple):
    """A term that was completed by the last code point: the places of its first and its last code."""

    term: Term
    first: int
    last: int

    @property
    def length(self) -> int:
        """How many code points it spans."""
        return back_of(self.first) - back_of(self.last) + 1


class Node:
    """What a state remembers. `hold` and `live`: how many code points before the end the text begins that
    could still become a match that delays, and a match at all. `loose`: whether a simple code point that goes on with
    nothing in the chain leads to where it leads from `bare`; `following`: the codes that go on, or repeat the last.
    `completing`: what follows a code point that completes terms, and those.
    """

    __slots__ = (
        "bare",
        "chain",
        "completing",
        "following",
        "hold",
        "live",
        "loose",
        "mode",
        "places",
        "words",
    )

    def __init__(
        self,
        chain: str,
        places: tuple[int, ...],
        words: tuple[bool, ...],
        mode: Mode,
        hold: int,
        live: int,
        *,
        loose: bool,
    ) -> None:
        self.chain, self.places, self.words, self.mode = chain, places, words, mode
        self.hold, self.live, self.loose = hold, live, loose
        self.following: frozenset[str] | None = None
        self.bare: State | None = None
        self.completing: dict[str, tuple[State, Sequence[Found]]] | None = None


class Machine:
    """Finds words in what a reading reads, as far as they act in a direction.

    `terms`: those that are spelled so.
    """

    def __init__(
        self, reading: Reading, words: Spellings, terms: Callable[[str], Sequence[Term]], direction: Direction
    ) -> None:
        self._reading, self._words, self._terms = reading, words, terms
        self.alike = reading.alike
        self._live = LivePrefixes(words, direction, holds=False)
        self._hold = LivePrefixes(words, direction, holds=True)
        self.acts = self._live.any
        self._states: dict[tuple[Any, ...], State] = {}
        self._simple: dict[str, tuple[str, str]] = {}
        self._remembered = self._falls = 0
        self.start = self._state("", (), (), reading.rest(reading.start))

    def advance(self, state: State, text: str) -> tuple[State, list[tuple[int, Found]]]:
        """The state after a text, and the terms in it, each with how many code points came after it."""
        if self.alike is not None:
            text = text.translate(self.alike)
        return self.resume(state, text[0], iter(text[1:])) if text else (state, [])

    def resume(
        self, state: State, character: str, rest: Iterator[str]
    ) -> tuple[State, list[tuple[int, Found]]]:
        """`advance` over a code point and the rest of its text."""
        found: list[tuple[int, Found]] = []
        while True:
            following = state.get(character) or self._fall(state, character)
            if following is None:
                following, completed = self._take(state, character)
                if completed:
                    left = length_hint(rest)
                    found += [(left, one) for one in completed]
            state = following
            try:
                for character in rest:
                    state = state[character]
            except KeyError:
                continue
            return state, found

    def seek(self, text: str, spelled: Iterable[str]) -> list[tuple[int, Found]]:
        """Those of the terms spelled so that are in a text, as `advance` from the start tells it of any.

        For texts that end with the end of a sentence: nothing is remembered, which costs less for few of them.
        """
        wanted = {folded: terms for folded in spelled if (terms := self._terms(folded))}
        if len(text) > MAX_STRETCH:
            return self.advance(self.start, text)[1] if wanted else []
        found = []
        script = Transcript(self._reading)
        script.read(text if wanted else "")
        for folded, terms in wanted.items():
            first = script.text.find(folded)
            while first >= 0:
                last = first + len(folded) - 1
                known = script.known[last]
                places = known * AGE - script.origins[first], known * AGE - script.origins[last]
                for term in terms:
                    one = Found(term, *places)
                    if (script.words[first] or not term.left) and term.least <= one.length:
                        found.append((known, first, one))
                first = script.text.find(folded, first + 1)
        found.sort(key=itemgetter(0, 1))
        return [(len(text) - known, one) for known, _, one in found]

    def stands(self, folded: str, length: int) -> list[tuple[int, Found]]:
        """The terms spelled so in a text of so many code points that is nothing else."""
        return [(0, Found(term, length * AGE, AGE)) for term in self._terms(folded)]

    def finish(self, state: State) -> list[Found]:
        """The terms that the end of the text completes."""
        node: Node = state[NODE]
        trail = _Trail(self, node)
        trail.write(self._reading.close(node.mode))
        return trail.found

    def _fall(self, state: State, character: str) -> State | None:
        """What follows a code point that nothing in the state waits for: the same as where nothing is live.

        Nearly all that is new in a text is of this kind. None: it has to be worked out.
        """
        node: Node = state[NODE]
        if not node.loose:
            return None
        known, code = self._simple.get(character) or self._read(character)
        if not code:
            return None
        if node.following is None:
            node.following = self._live.following(node.chain) | {node.chain[-1]}
        if code in node.following:
            return None
        if node.bare is None:
            node.bare = self._state("", (), (), self._reading.rest(node.mode))
        following: State | None = node.bare.get(character)
        if following is None:
            following, completed = self._take(node.bare, character)
            if completed:
                return None
        if self._falls < MAX_FALLS:
            self._falls += 1
            state[known] = following
        return following

    def _read(self, character: str) -> tuple[str, str]:
        """A code point, the same object each time, and its simple code."""
        simple = self._simple[character] = (character, self._reading.simple(character))
        return simple

    def _take(self, state: State, character: str) -> tuple[State, Sequence[Found]]:
        reading = self._reading
        node: Node = state[NODE]
        known = node.completing and node.completing.get(character)
        if known:
            return known
        trail = _Trail(self, node, AGE)
        mode, place = reading.age(node.mode), HERE
        for code, kind in reading.codes(character):
            mode, emitted = reading.take(mode, trail.chain[-1:], code, kind, place)
            place -= 1
            if emitted:
                trail.write(emitted)
        if not trail.chain:
            mode = reading.rest(mode)
        following = self._state(trail.chain, tuple(trail.places), tuple(trail.words), mode)
        known_as = self._remembered_as(character)
        if trail.found:
            node.completing = node.completing or {}
            node.completing[known_as] = following, trail.found
        else:
            state[known_as] = following
        return following, trail.found

    def _state(self, chain: str, places: tuple[int, ...], words: tuple[bool, ...], mode: Mode) -> State:
        key = (chain, places, words, mode)
        state = self._states.get(key)
        if state is None:
            live = back_of(places[0]) if chain else 0
            hold = 0
            if chain and self._hold.any:
                first = self._hold.start(chain, 0, words)
                hold = back_of(places[first]) if first < len(chain) else 0
            if waiting := self._reading.waiting(mode):
                live = max(live, waiting)
                hold = max(hold, waiting) if self._hold.any else 0
            loose = bool(chain) and self._reading.settled(mode)
            state = self._states[key] = {NODE: Node(chain, places, words, mode, hold, live, loose=loose)}
        return state

    def _remembered_as(self, character: str) -> str:
        """The code point as what follows it is remembered under; there is room for one more."""
        if self._remembered >= MAX_REMEMBERED:
            self.forget()
        self._remembered += 1
        known, _ = self._simple.get(character) or self._read(character)
        return known

    def forget(self) -> None:
        """Drop all that was remembered. Streams keep their state and work everything out again."""
        for state in self._states.values():
            state[NODE].bare = None
            state[NODE].completing = None
            for character in [key for key in state if key != NODE]:
                state.pop(character, None)
        self._states, self._simple = {}, {}
        self._live.forget()
        self._remembered = self._falls = 0
        node = self.start[NODE]
        self._states[node.chain, node.places, node.words, node.mode] = self.start


class _Trail:
    """The codes at the end of a text, while one more code point is read."""

    __slots__ = ("_machine", "chain", "found", "places", "words")

    def __init__(self, machine: Machine, node: Node, age: int = 0) -> None:
        """`age`: of the code points that stand behind all of it by now."""
        self._machine = machine
        self.chain = node.chain
        self.places, self.words = [place + age for place in node.places], list(node.words)
        self.found: list[Found] = []
        if age and self.places and self.places[0] > MAX_STRETCH * AGE:
            # Keep what may still grow without the first code.
            self._drop(machine._live.start(self.chain, 1, self.words))

    def write(self, emitted: Sequence[Emitted]) -> None:
        """Add codes: note what they complete, keep what may still grow."""
        machine = self._machine
        look, free, any_of = machine._words.look, machine._live.free, machine._live.any_of
        for code, place, at_word_start in emitted:
            self.chain += code
            chain, words = self.chain, self.words
            self.places.append(place)
            words.append(at_word_start)
            keep = length = len(chain)
            for begin in range(length):
                spelled = chain[begin:]
                flags = look(spelled)
                if flags & WORD:
                    for term in machine._terms(spelled):
                        found = Found(term, self.places[begin], place)
                        if (words[begin] or not term.left) and term.least <= found.length:
                            self.found.append(found)
                if keep == length and flags & (any_of if words[begin] else free):
                    keep = begin
            self._drop(keep)

    def _drop(self, before: int) -> None:
        self.chain = self.chain[before:]
        del self.places[:before], self.words[:before]
