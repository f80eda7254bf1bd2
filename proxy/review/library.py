"""The feature library 特征库 as the reviewers use it: compiled once, never changed.

A new version is a new `Library`; a stream keeps the one it began with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from proxy.review.compile import Lens, compile_lenses
from proxy.review.entry import Direction, Entry, EntryError
from proxy.review.reviewer import Finding, Reviewer
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
        lenses: Mapping[Direction, Sequence[Lens]],
        automata: Mapping[str, bytes],
    ) -> None:
        self.version, self.entries, self.refusals = version, tuple(entries), refusals
        self.automata = automata
        self._lenses = lenses

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
        lenses, kept = compile_lenses(ordered, tables, dict(automata) if automata else None)
        version = content_version(ordered, said, tables)
        return cls(version, ordered, said, lenses, kept)

    def lenses(self, direction: Direction) -> Sequence[Lens]:
        """What texts of one direction are scanned with."""
        return self._lenses[direction]

    def reviewer(self, direction: Direction) -> Reviewer:
        """A reviewer for one text."""
        return Reviewer(self._lenses[direction])

    def review(self, text: str, direction: Direction) -> list[Finding]:
        """The findings of a whole text, up to the one that blocks it."""
        reviewer = self.reviewer(direction)
        reviewer.feed(text)
        reviewer.flush()
        return reviewer.findings

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
