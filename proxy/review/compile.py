"""From entries to what a text is scanned with: per view one automaton, per direction what may hold text.

Both directions share the automata; a term that does not apply in a direction is passed over when it is met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from proxy.review.entry import Action, Direction, Entry, EntryError
from proxy.review.judge import around
from proxy.review.machine import Machine
from proxy.review.matcher import DaachorseMatcher, LivePrefixes, Matcher
from proxy.review.sights import Sight, sights_of
from proxy.review.tables import Tables
from proxy.review.terms import MAX_FOLDED, Term

__all__ = ["Lens", "compile_lenses"]


class Lens:
    """One view with its terms, ready to scan texts in one direction.

    `context`: how many code points before a match a decision may need.
    """

    __slots__ = ("actions", "context", "holds", "judge", "machine", "matcher", "name")

    def __init__(
        self, view: Sight, matcher: Matcher, terms: Mapping[str, Sequence[Term]], direction: Direction
    ) -> None:
        self.name, self.judge, self.matcher = view.name, view.judge(), matcher
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
    """The lenses of each direction, and the automata as bytes by view.

    `automata` of the same entries are reused. EntryError for an entry that no view can hold, ValueError for
    bytes that are no automaton.
    """
    lenses: dict[Direction, list[Lens]] = {direction: [] for direction in Direction}
    kept: dict[str, bytes] = {}
    for entry in entries:
        if entry.kind not in ("keyword", "pinyin"):
            raise EntryError("kind", f"{entry.kind} is not matched by this release", entry.id)
    for view in sights_of(tables, entries):
        terms: dict[str, list[Term]] = {}
        for entry in entries:
            if view.name in _views(entry):
                for term in view.terms(entry):
                    _check(term, view.name)
                    terms.setdefault(term.folded, []).append(term)
        if not terms:
            continue
        patterns = sorted(terms)
        known = (automata or {}).get(view.name)
        matcher = DaachorseMatcher.load(known) if known is not None else DaachorseMatcher(patterns)
        kept[view.name] = known if known is not None else matcher.to_bytes()
        for direction in Direction:
            lens = Lens(view, matcher, terms, direction)
            if lens.actions:
                lenses[direction].append(lens)
    return lenses, kept


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
    for field, texts in (("pattern", (term.folded,)), ("exceptions", term.exceptions)):
        longest = max(map(len, texts), default=0)
        if longest > MAX_FOLDED:
            advice = f"folds to {longest} characters; with output scope the limit is {MAX_FOLDED}"
            raise EntryError(field, advice, term.entry.id)
