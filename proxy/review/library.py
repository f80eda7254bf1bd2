"""The feature library 特征库 as the reviewers use it: compiled once, never changed.

A new version is a new `Library`; a stream keeps the one it began with.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType

from proxy.review.columns import Columns
from proxy.review.compile import Kit, Lens, compile_kits, is_further, kits_of
from proxy.review.doubts import Doubts, Likeness
from proxy.review.entry import Direction, Entry, EntryError
from proxy.review.json_reviewer import JsonReviewer
from proxy.review.lexicon import Lexicon
from proxy.review.reviewer import Finding, Reviewer
from proxy.review.scope import Condition, Passage, Scope
from proxy.review.stored import StoredEntries, lines_of
from proxy.review.tables import Tables, builtin_tables

__all__ = ["Library", "content_hash"]

# What is said when an operator has written nothing for a category and a language.
_FALLBACK = MappingProxyType({
    "default.zh": "抱歉，这个问题我无法回答。您可以换一个话题继续提问。",
    "default.en": "Sorry, I cannot help with that. Please try another topic.",
})  # fmt: skip


def content_hash(raw: bytes, refusals: Mapping[str, str], tables: Tables) -> str:
    """SHA-256 (hex) of the lines of entries, refusals and tables: equal content, equal verdicts, equal name."""
    digest = hashlib.sha256(b"library 2\n")
    digest.update(raw)
    said = json.dumps(dict(refusals), sort_keys=True, ensure_ascii=False)
    digest.update(said.encode("utf-8") + b"\n" + tables.digest.encode("ascii"))
    return digest.hexdigest()


class Library:
    """All entries of one version. EntryError from `compile` for two entries of one id, or one that cannot be matched.

    `compiled`: what it takes to have it again without compiling, by file name.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        refusals: Mapping[str, str],
        tables: Tables,
        kits: Mapping[Direction, Kit],
        limited: Mapping[Condition, Sequence[int]],
        risks: Mapping[str, int],
    ) -> None:
        self.entries, self.refusals, self.risks = entries, refusals, risks
        self.tables, self._kits = tables, kits
        self._limited = limited
        self._lexicon: Lexicon | None = None
        self._further: Sequence[int] = ()
        self._likeness: Likeness | None = None
        self._scoped: dict[frozenset[Condition], Mapping[Direction, Kit]] = {frozenset(): kits}

    @classmethod
    def compile(
        cls,
        entries: Iterable[Entry],
        refusals: Mapping[str, str] | None = None,
        *,
        tables: Tables | None = None,
    ) -> Library:
        """Make a library. Keys of `refusals`: "<category>.<locale>" or "default.<locale>"."""
        ordered = sorted(entries, key=lambda entry: entry.id)
        for one, other in pairwise(ordered):
            if one.id == other.id:
                raise EntryError("id", f"two entries have it: {one.pattern!r} and {other.pattern!r}", one.id)
        return cls.of_columns(Columns.of(ordered), refusals, tables=tables)

    @classmethod
    def of_columns(
        cls, columns: Columns, refusals: Mapping[str, str] | None = None, *, tables: Tables | None = None
    ) -> Library:
        """The library of entries that are in the order of their ids."""
        tables = tables or builtin_tables()
        limited = {condition: rows.tolist() for condition, rows in columns.conditions().items()}
        general = columns.where(lambda entry: Condition.of(entry) is None)
        kits, lexicon = compile_kits(general, tables)
        library = cls(columns.entries, dict(refusals or {}), tables, kits, limited, columns.risks())
        library._lexicon, library._further = lexicon, general.where(is_further).rows.tolist()
        library.kit(Scope(Direction.OUTPUT))  # so that an entry that cannot be matched is told now
        return library

    @classmethod
    def of_compiled(
        cls,
        entries: Sequence[Entry],
        refusals: Mapping[str, str],
        tables: Tables,
        compiled: Mapping[str, bytes],
    ) -> Library:
        """The library whose `compiled` these files are. ValueError, KeyError for others."""
        lexicon, facts = Lexicon.of_files(compiled, tables)
        further = [entries[at] for at in facts["further"]]
        limited: dict[Condition, Sequence[int]] = {}
        for rows in facts["limited"]:
            condition = Condition.of(entries[rows[0]])
            if condition is None:
                raise ValueError("an entry that is not limited is compiled as if it were")
            limited[condition] = rows
        kits = kits_of(lexicon, entries, further, tables)
        return cls(entries, refusals, tables, kits, limited, facts["risks"])

    @property
    def compiled(self) -> Mapping[str, bytes]:
        assert self._lexicon is not None  # who loaded it has the files
        facts = {"further": self._further, "limited": list(self._limited.values()), "risks": self.risks}
        return self._lexicon.to_files(facts)

    @cached_property
    def raw(self) -> bytes:
        """The entries as they are kept: JSON Lines in the order of their ids."""
        if isinstance(self.entries, StoredEntries):
            return self.entries.raw
        return lines_of(self.entries)

    @cached_property
    def version(self) -> str:
        """The content hash of entries, refusals and tables."""
        return content_hash(self.raw, self.refusals, self.tables)

    @property
    def limited(self) -> Mapping[Condition, Sequence[int]]:
        """The entries that do not look at everything, as numbers in `entries`, by what limits them."""
        return self._limited

    def kit(self, scope: Scope) -> Kit:
        """What a text that stands there is scanned with; compiled on the first use of limited entries (`knows`)."""
        if not self._limited:
            return self._kits[scope.direction]
        applying = self._applying(scope)
        kits = self._scoped.get(applying)
        if kits is None:
            numbers = sorted(number for condition in applying for number in self._limited[condition])
            more, _ = compile_kits(Columns.of([self.entries[number] for number in numbers]), self.tables)
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

    def review_passage(self, passage: Passage) -> list[Finding]:
        """The findings of a text that was said before, as its own review would have had them."""
        if not passage.as_json:
            return self.review(passage.text, passage.scope)
        reviewer = JsonReviewer(self.kit(passage.scope))
        reviewer.feed(passage.text)
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
            self._likeness = Likeness(self.entries, self.tables)
        return self._likeness

    def refusal(self, category: str, locale: str) -> str:
        """What to say instead 代答, in the caller's language ("zh", "en", "en-GB" …) or in English."""
        language = locale.replace("_", "-").split("-")[0].lower()
        said = {**_FALLBACK, **self.refusals}
        keys = (f"{name}.{wanted}" for wanted in (language, "en") for name in (category, "default"))
        return next(said[key] for key in keys if key in said)
