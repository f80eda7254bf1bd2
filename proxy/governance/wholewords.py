"""What the author of a grave entry should know: common words that sound like it only flag, unless it asks for more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from proxy.governance.dry_run import DryRun, Hits
from proxy.review.alike import words_alike
from proxy.review.entry import Action, Direction, Entry
from proxy.review.standard import Remark
from proxy.review.tables import builtin_tables

__all__ = ["whole_words"]

GRAVE = 3  # severity


def whole_words(entries: Sequence[Entry], hits: Mapping[str, Hits], dry_run: DryRun) -> list[Remark]:
    """A remark for each entry that blocks, is grave or an authority's order, and sounds like common words: which, and
    how often it would act on clean text if it counted in full (`folds: [words]`). `hits`: as the entries are.
    """
    alike = {entry.id: words_alike(entry.pattern, builtin_tables()) for entry in entries if _concerned(entry)}
    full = [replace(entry, folds=(*entry.folds, "words")) for entry in entries if alike.get(entry.id, ())]
    counted = dry_run.hits(full) if full else {}
    return [
        Remark(
            entry.id,
            "sounds_like_words",
            f"common words sound like it ({'、'.join(alike[entry.id])}), and such text only flags; folds: [words] would "
            f"make the entry act on it too, {counted[entry.id].acts_per_million:g} times in a million clean characters "
            f"instead of {hits[entry.id].acts_per_million:g}",
        )
        for entry in full
    ]


def _concerned(entry: Entry) -> bool:
    grave = entry.severity >= GRAVE or entry.source.type == "主管部门通知"
    sounds = entry.kind == "keyword" and "pinyin" in entry.views and "words" not in entry.folds
    return grave and sounds and any(entry.action_for(direction) is Action.BLOCK for direction in Direction)
