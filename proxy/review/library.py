"""The feature library 特征库 as the reviewers use it: compiled once, never changed.

A new version is a new `Library`; a stream keeps the one it began with.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from proxy.review.compile import Kit, Lens, compile_kits
from proxy.review.doubts import Doubts, Likeness
from proxy.review.entry import Direction, Entry, EntryError
from proxy.review.reviewer import Finding, Reviewer
from proxy.review.scope import Condition, Scope
from proxy.review.tables import Tables, builtin_tables

__all__ = ["Library", "content_version"]

# What is said when an operator has written nothing for a category and a language.
_FALLBACK = MappingProxyType({
    "default.zh": "抱歉，这个问题我无法回答。您可以换一个话题继续提问。",
    "default.en": "Sorry, I cannot help with that. Please try another topic.",
})  # fmt: skip


class Library:
    """All entries of one version. `version`: hex digest of entries, refusals and fold tables, in any order.

    EntryError from `compile` for two entries of one id, or one that cannot be matched.
    """

    def __init__(
        self,
        version: str,
        entries: Sequence[Entry],
        refusals: Mapping[str, str],
        tables: Tables,
        kits: Mapping[Direction, Kit],
        automata: Mapping[str, bytes],
        limited: Mapping[Condition, Sequence[Entry]],
    ) -> None:
        self.version, self.entries, self.refusals = version, tuple(entries), refusals
        self.automata = automata
        self._tables, self._kits = tables, kits
        self._limited = limited
        self._likeness: Likeness | None = None
        self._scoped: dict[frozenset[Condition], Mapping[Direction, Kit]] = {frozenset(): kits}

    @classmethod
    def compile(
        cls,
        entries: Iterable[Entry],
        refusals: Mapping[str, str] | None = None,
        *,
        tables: Tables | None = None,
        automata: Mapping[str, bytes] | None = None,
    ) -> Library:
        """Make a library. Keys of `refusals`: "<category>.<locale>" or "default.<locale>".

        `automata`: those of an earlier compilation of the same entries with the same tables.
        """
        tables = tables or builtin_tables()
        ordered = sorted(entries, key=lambda entry: entry.id)
        for one, other in pairwise(ordered):
            if one.id == other.id:
                raise EntryError("id", f"two entries have it: {one.pattern!r} and {other.pattern!r}", one.id)
        said = dict(refusals or {})
        general = [entry for entry in ordered if Condition.of(entry) is None]
        limited: dict[Condition, list[Entry]] = {}
        for entry in ordered:
            condition = Condition.of(entry)
            if condition is not None:
                limited.setdefault(condition, []).append(entry)
        kits, kept = compile_kits(general, tables, dict(automata) if automata else None)
        version = content_version(ordered, said, tables)
        library = cls(version, ordered, said, tables, kits, kept, limited)
        library.kit(Scope(Direction.OUTPUT))  # so that an entry that cannot be matched is told now
        return library

    def kit(self, scope: Scope) -> Kit:
        """What a text that stands there is scanned with; compiled on the first use of limited entries (`knows`)."""
        if not self._limited:
            return self._kits[scope.direction]
        applying = self._applying(scope)
        kits = self._scoped.get(applying)
        if kits is None:
            entries = [entry for condition in applying for entry in self._limited[condition]]
            more, _ = compile_kits(sorted(entries, key=lambda entry: entry.id), self._tables)
            kits = {direction: self._kits[direction] + more[direction] for direction in Direction}
            self._scoped[applying] = kits
        return kits[scope.direction]

    def knows(self, scopes: Iterable[Scope]) -> bool:
        """Whether `kit` has nothing to compile for texts that stand there."""
        return not self._limited or all(self._applying(scope) in self._scoped for scope in scopes)

    def prepare(self, scopes: Iterable[Scope]) -> None:
        """Compile what texts that stand there are scanned with; may be called in a thread of its own."""
        for scope in scopes:
            self.kit(scope)

    def _applying(self, scope: Scope) -> frozenset[Condition]:
        return frozenset(condition for condition in self._limited if condition.holds(scope))

    def lenses(self, direction: Direction) -> Sequence[Lens]:
        """The views of one direction, all entries in them."""
        return self.kit(Scope(direction)).lenses

    def reviewer(self, scope: Scope | Direction, doubts: Doubts | None = None) -> Reviewer:
        """A reviewer for one text. A direction alone: whatever the rest of its scope may be."""
        return Reviewer(self.kit(scope if isinstance(scope, Scope) else Scope(scope)), doubts)

    def review(self, text: str, scope: Scope | Direction) -> list[Finding]:
        """The findings of a whole text, up to the one that blocks it."""
        reviewer = self.reviewer(scope)
        reviewer.feed(text)
        reviewer.flush()
        return reviewer.findings

    def entry(self, entry_id: str) -> Entry:
        """The entry of this id. KeyError if there is none."""
        at = bisect_left(self.entries, entry_id, key=lambda entry: entry.id)
        if at == len(self.entries) or self.entries[at].id != entry_id:
            raise KeyError(entry_id)
        return self.entries[at]

    @property
    def likeness(self) -> Likeness:
        """The examples of the entries, for a second stage; made when it is first asked."""
        if self._likeness is None:
            self._likeness = Likeness(self.entries, self._tables)
        return self._likeness

    def refusal(self, category: str, locale: str) -> str:
        """What to say instead 代答, in the caller's language ("zh", "en", "en-GB" …) or in English."""
        language = locale.replace("_", "-").split("-")[0].lower()
        said = {**_FALLBACK, **self.refusals}
        keys = (f"{name}.{wanted}" for wanted in (language, "en") for name in (category, "default"))
        return next(said[key] for key in keys if key in said)


def content_version(entries: Sequence[Entry], refusals: Mapping[str, str], tables: Tables) -> str:
    """The content hash (SHA-256, hex) of a library: equal content, equal verdicts, equal name."""
    digest = hashlib.sha256()
    for entry in sorted(entries, key=lambda entry: entry.id):
        digest.update(json.dumps(entry.to_row(), sort_keys=True, ensure_ascii=False).encode("utf-8") + b"\n")
    digest.update(json.dumps(dict(refusals), sort_keys=True, ensure_ascii=False).encode("utf-8") + b"\n")
    digest.update(tables.digest.encode("ascii"))
    return digest.hexdigest()
