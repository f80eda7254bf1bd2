"""What a library looks for, compiled: for each view its words in a trie and whose they are, and the sieves over them.

It holds numbers of entries, not entries, and can be kept as bytes; who loads it has nothing to work out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from proxy.review.arrays import pack, unpack
from proxy.review.checks import VIEWS, require
from proxy.review.columns import Bools, Columns
from proxy.review.entry import Direction, Entry, EntryError
from proxy.review.flat import Flat, Numbers, codes_of, distinct
from proxy.review.judge import around
from proxy.review.sieve import Sieve, Sought, letters_of, sounds_of
from proxy.review.sights import Sight, sight_of
from proxy.review.tables import Tables
from proxy.review.terms import MAX_FOLDED, Term
from proxy.review.trie import Trie, trie_of
from proxy.review.wholesale import Words

__all__ = ["COMPILED", "LABELS", "Lexicon", "ViewWords", "compile_lexicon"]

COMPILED = "words.bin"
LABELS = "labels.bin"  # read once, so not in the same file: the other one stays in memory
_SIEVES = {"letters": ("raw", "safe", "evasion"), "sounds": ("pinyin",)}


@dataclass(frozen=True)
class ViewWords:
    """The words of one view. `reach`: the longest gap that an entry allows; `context`: how many code points before a
    match a decision may need, by direction.
    """

    name: str
    trie: Trie
    reach: int
    context: Mapping[Direction, int]


@dataclass(frozen=True)
class Lexicon:
    """`views` in the order in which they are consulted; `sieves` by name, None where nothing may be passed over.

    `alike`: every entry does the same in both directions.
    """

    views: Sequence[ViewWords]
    sieves: Mapping[str, Sieve | None] = field(default_factory=dict)
    alike: bool = True

    def sieve(self, view: str) -> Sieve | None:
        """What long texts are sifted with for a view."""
        return next(self.sieves[name] for name, views in _SIEVES.items() if view in views)

    def to_files(self, more: Mapping[str, Any]) -> dict[str, bytes]:
        """File name -> bytes. `more`: JSON-able facts that are kept with it."""
        numbers: dict[str, NDArray[Any]] = {}
        for view in self.views:
            numbers |= view.trie.numbers(view.name)
        for name, sieve in self.sieves.items():
            numbers |= sieve.arrays(name) if sieve is not None else {}
        about = {
            "views": [
                {
                    "name": view.name,
                    "reach": view.reach,
                    "context": {str(d): n for d, n in view.context.items()},
                }
                for view in self.views
            ],
            "alike": self.alike,
            "sieves": {
                name: sieve.about if sieve is not None else None for name, sieve in self.sieves.items()
            },
            "more": more,
        }
        labels: dict[str, NDArray[Any]] = {view.name: codes_of(view.trie.labels) for view in self.views}
        labels["about"] = np.frombuffer(orjson.dumps(about, option=orjson.OPT_SORT_KEYS), np.uint8)
        return {COMPILED: pack(numbers), LABELS: pack(labels)}

    @classmethod
    def of_files(cls, files: Mapping[str, bytes], tables: Tables) -> tuple[Lexicon, Mapping[str, Any]]:
        """The lexicon and the facts kept with it. ValueError, KeyError for files that are none."""
        numbers, labels = unpack(files[COMPILED]), unpack(files[LABELS])
        about = orjson.loads(labels["about"].tobytes())
        views = []
        for said in about["views"]:
            trie = Trie.of_arrays(labels[said["name"]], numbers, said["name"])
            context = {Direction(name): int(number) for name, number in said["context"].items()}
            views.append(ViewWords(said["name"], trie, int(said["reach"]), context))
        sieves = {
            name: Sieve.of_arrays(name, kept, numbers, tables) if kept is not None else None
            for name, kept in about["sieves"].items()
        }
        return cls(views, sieves, bool(about["alike"])), about["more"]


def compile_lexicon(columns: Columns, tables: Tables) -> Lexicon:
    """The lexicon of entries that are words. EntryError for an entry that cannot be matched."""
    tries: dict[str, Future[Trie]] = {}
    made: dict[str, _Spelled] = {}
    # The tries are made beside the rest: arrays leave the interpreter to others.
    with ThreadPoolExecutor(1) as aside:
        for name in VIEWS:
            inside = columns.where(partial(_is_in, name))
            spelled = _spelled(name, inside, tables) if len(inside) else None
            if spelled is not None:
                tries[name] = aside.submit(
                    trie_of, spelled.words, spelled.owners, spelled.flags, spelled.parted
                )
                made[name] = spelled
        sieves = _sieves({name: one.sought for name, one in made.items()}, tables)
        views = [ViewWords(name, tries[name].result(), one.reach, one.context) for name, one in made.items()]
    alike = all(e.action_for(Direction.INPUT) is e.action_for(Direction.OUTPUT) for e in columns.used)
    return Lexicon(views, sieves, alike)


def _is_in(view: str, entry: Entry) -> bool:
    return view in _views(entry)


def _views(entry: Entry) -> tuple[str, ...]:
    """The safe view is always on, unless an entry asks for the text as it stands and nothing else."""
    if entry.kind == "pinyin":
        return ("pinyin",)
    return entry.views if entry.views == ("raw",) or "safe" in entry.views else ("safe", *entry.views)


class _Spelled(NamedTuple):
    """The words of one view with owners and flags, which are parted, and the same as its sieve has to look for them."""

    words: Flat
    owners: Numbers
    flags: NDArray[np.uint8]
    parted: Bools
    sought: Sought
    reach: int
    context: Mapping[Direction, int]


def _spelled(name: str, columns: Columns, tables: Tables) -> _Spelled | None:
    """The words of one view; None if there are none."""
    quick = sight_of(name, tables).words(columns)
    _check_all(quick, columns, name, tables)
    sight = sight_of(name, tables, quick.widest)
    terms = [(place, term) for place in quick.slow.tolist() for term in _checked(sight, columns, place)]
    words = Flat.joined([quick.words, Flat.of([term.folded for _, term in terms])])
    places = np.concatenate([quick.places, np.array([place for place, _ in terms], np.int64)])
    left = np.concatenate([quick.left, np.array([term.left for _, term in terms], np.bool_)])
    weak = np.concatenate([quick.weak, np.array([term.flag_only for _, term in terms], np.bool_)])
    parted = np.concatenate([quick.parted, np.zeros(len(terms), np.bool_)])
    if not len(places):
        return None
    context = {
        direction: max(
            (
                around(term)
                for _, term in terms
                if term.exceptions and term.entry.action_for(direction) is not None
            ),
            default=0,
        )
        for direction in Direction
    }
    written = Flat.joined([quick.written, words.take(np.arange(len(quick.words.starts) - 1, len(places)))])
    return _Spelled(
        words,
        columns.rows[places],
        columns.flags(places, left, weak),
        parted,
        Sought(words, written),
        quick.widest,
        context,
    )


def _check_all(quick: Words, columns: Columns, name: str, tables: Tables) -> None:
    """EntryError for a word that is nothing or too long. Those that may be are looked at one by one."""
    words, places = quick.words, quick.places
    bounded = columns.each(lambda entry: entry.scope != "input", np.bool_)[places]
    odd = bounded & (words.lengths > MAX_FOLDED)
    if len(places):
        first = words.codes[words.starts[:-1]]
        odd |= np.isin(first, [code for code in distinct(first).tolist() if chr(code).isspace()])
    sight = sight_of(name, tables)
    for place in distinct(places[odd]).tolist():
        _checked(sight, columns, place)


def _checked(sight: Sight, columns: Columns, place: int) -> Iterable[Term]:
    """The terms of an entry. EntryError for one that is nothing or too long."""
    entry = columns.entry(place)
    try:
        terms = list(sight.terms(entry))
        for term in terms:
            require(term.folded.strip() != "", "pattern", f"nothing is left of it in the {sight.name} view")
            if entry.scope != "input":
                _check_length("pattern", (term.folded,))
                _check_length("exceptions", term.exceptions)
    except EntryError as error:
        raise error.at(columns.entries[int(columns.rows[place])].id) from None
    return terms


def _check_length(name: str, texts: Sequence[str]) -> None:
    longest = max(map(len, texts), default=0)
    advice = f"folds to {longest} characters; with output scope the limit is {MAX_FOLDED}"
    require(longest <= MAX_FOLDED, name, advice)


def _sieves(spelled: Mapping[str, Sought], tables: Tables) -> dict[str, Sieve | None]:
    sieves: dict[str, Sieve | None] = {}
    letters = [spelled[name] for name in _SIEVES["letters"] if name in spelled]
    if letters:
        plain = [spelled[name].terms for name in ("raw", "safe") if name in spelled]
        splits = "evasion" in spelled
        sieves["letters"] = letters_of(Sought.joined(letters), Flat.joined(plain), tables, splits=splits)
    if "pinyin" in spelled:
        sieves["sounds"] = sounds_of(spelled["pinyin"], tables)
    return sieves
