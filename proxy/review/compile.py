"""From entries to what texts are scanned with: a kit for each direction.

Entries that look at everything are compiled once, as one kit; those that are limited (to a role, a tenant, a
model, a time …) are compiled apart, for each set of them that some text meets, when it first does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from proxy.review.combination import Part, parts_of
from proxy.review.entry import Action, Direction, Entry, EntryError
from proxy.review.expressions import Expression, ExpressionSet, expression_of, filler_of
from proxy.review.judge import PlainJudge, around
from proxy.review.machine import Machine
from proxy.review.matcher import LivePrefixes
from proxy.review.sieve import Sieve, letters_of, sounds_of
from proxy.review.sights import Sight, sights_of
from proxy.review.similar import Similarity
from proxy.review.tables import Tables
from proxy.review.terms import MAX_FOLDED, Term
from proxy.review.views import RawView, View, safe_view

__all__ = ["Kit", "Lens", "compile_kits", "compile_lenses"]


class Lens:
    """One view with its terms, ready to scan texts in one direction.

    `context`: how many code points before a match a decision may need. `sieve`: what long texts are sifted with
    first, shared by some views; None where nothing may be passed over.
    """

    __slots__ = ("actions", "context", "judge", "machine", "name", "sieve")

    def __init__(
        self, view: Sight, terms: Mapping[str, Sequence[Term]], direction: Direction, sieve: Sieve | None
    ) -> None:
        self.name, self.judge, self.sieve = view.name, view.judge(), sieve
        self.actions = {
            term: action
            for same in terms.values()
            for term in same
            if (action := _action(term, direction)) is not None
        }
        holding = [term for term, action in self.actions.items() if action.holds]
        live = _prefixes(self.actions)
        hold = live if len(holding) == len(self.actions) else _prefixes(holding)
        self.machine = Machine(view.reading(), self._terms_of(terms), live, hold)
        self.context = max(map(around, self.actions), default=0)

    def _terms_of(self, terms: Mapping[str, Sequence[Term]]) -> Callable[[str], Sequence[Term]]:
        actions = self.actions

        def found(folded: str) -> Sequence[Term]:
            return [term for term in terms.get(folded, ()) if term in actions]

        return found


@dataclass(frozen=True, slots=True)
class Kit:
    """What texts of one direction are scanned with. `parts`: the terms of combinations, by their id.

    `plain`: a judge for matches of expressions, by view.
    """

    lenses: tuple[Lens, ...] = ()
    expressions: tuple[ExpressionSet, ...] = ()
    similar: tuple[Similarity, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)
    plain: Mapping[str, PlainJudge] = field(default_factory=dict)

    def __add__(self, other: Kit) -> Kit:
        return Kit(
            self.lenses + other.lenses,
            self.expressions + other.expressions,
            self.similar + other.similar,
            {**self.parts, **other.parts},
            {**self.plain, **other.plain},
        )


def compile_kits(
    entries: Sequence[Entry], tables: Tables, automata: Mapping[str, bytes] | None = None
) -> tuple[dict[Direction, Kit], dict[str, bytes]]:
    """The kit of each direction, and the automata of the views as bytes.

    `automata` of the same entries are reused. EntryError for an entry that cannot be matched, ValueError for
    bytes that are no automaton.
    """
    words = [entry for entry in entries if entry.kind in ("keyword", "pinyin")]
    parts: dict[str, Part] = {}
    for entry in entries:
        if entry.kind == "combination":
            for word, part in parts_of(entry):
                words.append(word)
                parts[word.id] = part
    lenses, kept = compile_lenses(words, tables, automata)
    safe = safe_view(tables)
    views: tuple[View, ...] = (RawView(), safe)
    plain = {view.name: PlainJudge(view, tables) for view in views}
    spoken = [(view, _expressions(entries, view)) for view in views]
    alike = [entry for entry in entries if entry.kind == "similar-text"]
    kits = {}
    for direction in Direction:
        sets = [ExpressionSet(expressions, view, tables, direction) for view, expressions in spoken]
        near = [Similarity(alike, safe, tables, direction)] if alike else []
        kits[direction] = Kit(
            tuple(lenses[direction]),
            tuple(one for one in sets if one.actions),
            tuple(one for one in near if one.actions),
            parts,
            plain,
        )
    return kits, kept


def _expressions(entries: Sequence[Entry], view: View) -> list[Expression]:
    found = []
    for entry in entries:
        try:
            if entry.kind == "regex" and (view.name == "raw") == (entry.views == ("raw",)):
                found.append(expression_of(entry, view, entry.pattern))
            elif "filler" in entry.folds and view.name == "safe":
                found.append(expression_of(entry, view, filler_of(entry)))
        except EntryError as error:
            raise error.at(entry.id) from None
    return found


def _action(term: Term, direction: Direction) -> Action | None:
    action = term.entry.action_for(direction)
    return Action.FLAG if action is not None and action.holds and term.flag_only else action


def _prefixes(terms: Iterable[Term]) -> LivePrefixes:
    terms = list(terms)
    return LivePrefixes(
        (term.folded for term in terms if not term.left), (term.folded for term in terms if term.left)
    )


def compile_lenses(
    entries: Sequence[Entry], tables: Tables, automata: Mapping[str, bytes] | None = None
) -> tuple[dict[Direction, list[Lens]], dict[str, bytes]]:
    """The lenses of each direction for entries that are words, and the automata of their sieves as bytes."""
    lenses: dict[Direction, list[Lens]] = {direction: [] for direction in Direction}
    alike = all(e.action_for(Direction.INPUT) is e.action_for(Direction.OUTPUT) for e in entries)
    views = [(view, terms) for view in sights_of(tables, entries) if (terms := _terms(view, entries))]
    sieves = _sieves(views, tables, automata or {})
    for view, terms in views:
        sieve = sieves["sounds" if view.name == "pinyin" else "letters"]
        lens = None
        for direction in Direction:
            if lens is None or not alike:  # where both directions do the same they remember together
                lens = Lens(view, terms, direction, sieve)
            if lens.actions:
                lenses[direction].append(lens)
    return lenses, {name: sieve.to_bytes() for name, sieve in sieves.items() if sieve is not None}


def _terms(view: Sight, entries: Sequence[Entry]) -> dict[str, list[Term]]:
    terms: dict[str, list[Term]] = {}
    for entry in entries:
        if view.name in _views(entry):
            for term in view.terms(entry):
                _check(term, view.name)
                terms.setdefault(term.folded, []).append(term)
    return terms


def _sieves(
    views: Sequence[tuple[Sight, Mapping[str, Sequence[Term]]]],
    tables: Tables,
    automata: Mapping[str, bytes],
) -> dict[str, Sieve | None]:
    """What long texts are sifted with for these views."""
    written = [(view.name, folded) for view, terms in views for folded in terms]
    letters = [folded for name, folded in written if name != "pinyin"]
    sounds = [folded for name, folded in written if name == "pinyin"]
    sieves: dict[str, Sieve | None] = {}
    if letters:
        plain = [folded for name, folded in written if name in ("raw", "safe")]
        sieves["letters"] = letters_of(letters, plain, safe_view(tables), tables, automata.get("letters"))
    if sounds:
        sieves["sounds"] = sounds_of(sounds, tables, automata.get("sounds"))
    return sieves


def _views(entry: Entry) -> tuple[str, ...]:
    """The safe view is always on, unless an entry asks for the text as it stands and nothing else."""
    if entry.kind == "pinyin":
        return ("pinyin",)
    return entry.views if entry.views == ("raw",) or "safe" in entry.views else ("safe", *entry.views)


def _check(term: Term, view: str) -> None:
    if not term.folded.strip():
        raise EntryError("pattern", f"nothing is left of it in the {view} view", term.entry.id)
    if term.entry.scope == "input":
        return
    for name, texts in (("pattern", (term.folded,)), ("exceptions", term.exceptions)):
        longest = max(map(len, texts), default=0)
        if longest > MAX_FOLDED:
            advice = f"folds to {longest} characters; with output scope the limit is {MAX_FOLDED}"
            raise EntryError(name, advice, term.entry.id)
