"""From entries to what texts are scanned with: a kit for each direction.

Entries that look at everything are compiled once, as one kit; those that are limited (to a role, a tenant, a
model, a time …) are compiled apart, for each set of them that some text meets, when it first does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proxy.review.columns import Columns, chained
from proxy.review.combination import Part, parts_of
from proxy.review.entry import Action, Direction, Entry, EntryError
from proxy.review.expressions import Expression, ExpressionSet, expression_of, filler_of
from proxy.review.judge import PlainJudge
from proxy.review.lexicon import Lexicon, ViewWords, compile_lexicon
from proxy.review.machine import Machine
from proxy.review.sieve import Sieve
from proxy.review.sights import sight_of
from proxy.review.similar import Similarity
from proxy.review.splits import SplitWords
from proxy.review.tables import Tables
from proxy.review.terms import Term
from proxy.review.trie import Spellings
from proxy.review.views import RawView, View, safe_view

__all__ = ["Kit", "Lens", "compile_kits", "is_further", "kits_of", "lenses_of"]

_WORDS = ("keyword", "pinyin")
_MAX_TERMS = 1 << 12  # words of which a lens remembers whose they are


class Lens:
    """One view with its words, ready to scan texts in one direction.

    `entries`: those that the words are of, by number; what a word means is worked out when it is found. `context`:
    how many code points before a match a decision may need. `sieve`: what long texts are sifted with first, shared by
    some views; None where nothing may be passed over.
    """

    __slots__ = (
        "_direction",
        "_entries",
        "_known",
        "_plain",
        "_sight",
        "_words",
        "context",
        "judge",
        "machine",
        "name",
        "sieve",
    )

    def __init__(
        self,
        words: ViewWords,
        entries: Sequence[Entry],
        tables: Tables,
        direction: Direction,
        sieve: Sieve | None,
    ) -> None:
        sight = sight_of(words.name, tables, words.reach)
        self.name, self.judge, self.sieve = words.name, sight.judge(), sieve
        self._sight, self._entries, self._direction = sight, entries, direction
        self.context = max(words.context[direction], self.judge.context)
        self._words: Spellings = SplitWords(words.trie, tables) if words.trie.parted else words.trie
        self._known: dict[str, tuple[Term, ...]] = {}
        self._plain: dict[str, tuple[tuple[Term, Action], ...]] = {}
        self.machine = Machine(sight.reading(), self._words, self._terms, direction)

    def action(self, term: Term) -> Action:
        """What finding a term does."""
        action = term.entry.action_for(self._direction)
        assert action is not None  # terms that do nothing are not found
        return Action.FLAG if action.holds and term.flag_only else action

    def plain(self, folded: str) -> tuple[tuple[Term, Action], ...]:
        """The terms spelled so, each with what finding it does: for those that are found without being read."""
        known = self._plain.get(folded)
        if known is None:
            found = self.machine.stands(folded, len(folded))
            known = tuple((one.term, self.action(one.term)) for _, one in found)
            if len(self._plain) >= _MAX_TERMS:
                self._plain.clear()
            self._plain[folded] = known
        return known

    def _terms(self, folded: str) -> Sequence[Term]:
        """The terms that are spelled so and do something."""
        terms = self._known.get(folded)
        if terms is None:
            owners = self._words.owners_of(folded)
            if not owners:
                return ()
            entries = [self._entries[owner] for owner in owners]
            acting = [entry for entry in entries if entry.action_for(self._direction) is not None]
            spelled = [self._sight.term(entry, folded) for entry in acting]
            terms = tuple(term for term in spelled if term is not None)
            if len(self._known) >= _MAX_TERMS:
                self._known.clear()
            self._known[folded] = terms
        return terms


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


def is_further(entry: Entry) -> bool:
    """Whether an entry is more than words: it is needed itself, wherever it is compiled."""
    return entry.kind not in _WORDS or "filler" in entry.folds


def compile_kits(columns: Columns, tables: Tables) -> tuple[dict[Direction, Kit], Lexicon]:
    """The kit of each direction, and the lexicon behind it. EntryError for an entry that cannot be matched."""
    further = list(columns.where(is_further))
    parts, _ = _parts(further)
    words = columns.where(lambda entry: entry.kind in _WORDS).with_more(parts)
    lexicon = compile_lexicon(words, tables)
    return kits_of(lexicon, columns.entries, further, tables), lexicon


def kits_of(
    lexicon: Lexicon, entries: Sequence[Entry], further: Sequence[Entry], tables: Tables
) -> dict[Direction, Kit]:
    """The kit of each direction. `entries`: what the numbers in the lexicon mean; `further`: those that are more
    than words. EntryError for one of them that cannot be matched.
    """
    words, parts = _parts(further)
    lenses = lenses_of(lexicon, chained(entries, words), tables)
    safe = safe_view(tables)
    views: tuple[View, ...] = (RawView(), safe)
    plain = {view.name: PlainJudge(view, tables) for view in views}
    spoken = [(view, _expressions(further, view)) for view in views]
    alike = [entry for entry in further if entry.kind == "similar-text"]
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
    return kits


def _parts(further: Sequence[Entry]) -> tuple[list[Entry], dict[str, Part]]:
    """The terms of combinations as entries, in the order of their combinations, and what each is."""
    found = [one for entry in further if entry.kind == "combination" for one in parts_of(entry)]
    return [word for word, _ in found], {word.id: part for word, part in found}


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


def lenses_of(lexicon: Lexicon, entries: Sequence[Entry], tables: Tables) -> dict[Direction, list[Lens]]:
    """The lenses of each direction. Where both directions do the same they remember together."""
    lenses: dict[Direction, list[Lens]] = {direction: [] for direction in Direction}
    for words in lexicon.views:
        if words.trie.most >= len(entries):
            raise ValueError("a word is of an entry that there is not")
        lens = None
        for direction in Direction:
            if lens is None or not lexicon.alike:
                lens = Lens(words, entries, tables, direction, lexicon.sieve(words.name))
            if lens.machine.acts:
                lenses[direction].append(lens)
    return lenses
