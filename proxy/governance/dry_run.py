"""The dry run: how often entries would hit clean text. Clean is a corpus of our own and what traffic is given."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from proxy.review.entry import Action, Direction, Entry
from proxy.review.library import Library

__all__ = ["DryRun", "Hits", "clean_corpus"]

SAMPLES = 3
AROUND = 12
CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Hits:
    """How often one entry hit, how often it would have acted (blocked, replaced, masked) there, and a few of the
    places, those where it acts first. The other hits only flag: ordinary words by sound, three syllables.
    """

    per_million: float = 0.0
    samples: tuple[str, ...] = ()
    acts_per_million: float = 0.0

    @property
    def told(self) -> str:
        """In words."""
        flags = self.per_million - self.acts_per_million
        return f"in a million clean characters it would act {self.acts_per_million:g} times and only flag {flags:g} times"


@lru_cache(maxsize=1)
def clean_corpus() -> tuple[str, ...]:
    """Neutral Chinese, English and code, a text a line (made by scripts/clean_corpus.py)."""
    raw = pkgutil.get_data(__package__, "clean.txt")
    if raw is None:
        raise FileNotFoundError("proxy/governance/clean.txt is missing from the installation")
    return tuple(raw.decode("utf-8").splitlines())


class DryRun:
    """Reviews clean text with entries on trial: our corpus, or another one, and `traffic`.

    `traffic`: texts of recent answers, where they are kept; read when they are first needed.
    """

    def __init__(
        self, traffic: Iterable[str] = (), corpus: Callable[[], Sequence[str]] = clean_corpus
    ) -> None:
        self._texts: Sequence[str] | None = None
        self._traffic, self._corpus = traffic, corpus

    def texts(self) -> Sequence[str]:
        if self._texts is None:
            self._texts = (*self._corpus(), *self._traffic)
        return self._texts

    def hits(self, entries: Sequence[Entry]) -> dict[str, Hits]:
        """By entry id. EntryError for an entry that cannot be matched."""
        found: dict[str, Hits] = {}
        for start in range(0, len(entries), CHUNK):
            found |= self._chunk(entries[start : start + CHUNK])
        return found

    def _chunk(self, entries: Sequence[Entry]) -> dict[str, Hits]:
        texts = self.texts()
        million = max(1, sum(map(len, texts))) / 1e6
        counts: dict[str, int] = {}
        acts: dict[str, int] = {}
        acting: dict[str, list[str]] = {}
        flagging: dict[str, list[str]] = {}
        for direction in Direction:
            # On trial everybody is concerned and nothing is blocked (masks go on), so that no hit hides another.
            tried = [_on_trial(entry, direction) for entry in entries if _tried_on(entry) is direction]
            if not tried:
                continue
            library = Library.compile(tried)
            for text in texts:
                for finding in library.review(text, direction):
                    counts[finding.entry_id] = counts.get(finding.entry_id, 0) + 1
                    if finding.action.holds:
                        acts[finding.entry_id] = acts.get(finding.entry_id, 0) + 1
                    seen = (acting if finding.action.holds else flagging).setdefault(finding.entry_id, [])
                    if len(seen) < SAMPLES:
                        seen.append(text[max(0, finding.start - AROUND) : finding.end + AROUND])
        return {
            entry.id: Hits(
                round(counts.get(entry.id, 0) / million, 2),
                tuple([*acting.get(entry.id, ()), *flagging.get(entry.id, ())][:SAMPLES]),
                round(acts.get(entry.id, 0) / million, 2),
            )
            for entry in entries
        }


def _tried_on(entry: Entry) -> Direction:
    """Output, unless the entry looks at input alone: then it may be longer than an output may hold."""
    return Direction.INPUT if entry.action_for(Direction.OUTPUT) is None else Direction.OUTPUT


def _on_trial(entry: Entry, direction: Direction) -> Entry:
    acts = any(action is not None and action.holds for action in map(entry.action_for, Direction))
    action = {direction: Action.MASK if acts else Action.FLAG}
    everywhere: dict[str, Any] = dict.fromkeys(("tenants", "models", "roles", "endpoints"), ())
    return replace(entry, action=action, scope=direction, effective_from="", expires="", **everywhere)
