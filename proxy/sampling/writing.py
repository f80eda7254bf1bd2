"""One choice of an answer, round by round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labelers.watermarks.best_of_n import Selection
from labelers.watermarks.logprob_walk import LogprobWalk, walk
from proxy.sampling.drafts import read_draft
from proxy.sampling.questions import Candidate, Drive, RefusedError
from proxy.sampling.stops import StopStrings

__all__ = ["MAX_EMPTY", "Writer"]

MAX_EMPTY = 4  # rounds without a visible character, each asking for twice as many tokens, before giving up
SHOWN = 24  # so many characters of the beginning are not said again by accident


class Writer:
    """One choice of the answer."""

    def __init__(self, drive: Drive, index: int, selection: Selection) -> None:
        self._drive = drive
        self._selection = selection
        self._stops = StopStrings(drive.stops)
        self._left = drive.max_tokens
        self._given = drive.given  # the caller's own beginning of the answer
        self._tokens = drive.steering.scheme.k
        self._empty = 0
        self.index = index
        self.kept = 0
        self.finish: str | None = None

    async def round(self) -> str:
        """One question; the text to send, which may be "". Raises RefusedError, UpstreamError."""
        drive, selection = self._drive, self._selection
        tokens = self._tokens if self._left is None else min(self._tokens, self._left)
        body = drive.question(selection.text, tokens, self.index)
        reply, wrote = await drive.ask(body)
        if isinstance(drive.steering.scheme, LogprobWalk):
            chosen, cost = self._walk(reply[0])
        else:
            chosen, cost = self._best(reply, tokens, wrote)
        ends = chosen.finish not in (None, "length")
        text = chosen.text if ends or self._left == cost else chosen.text.rstrip()
        self.kept += cost
        drive.steering.sampled.kept += cost
        if self._left is not None:
            self._left -= cost
        selection.take(text)
        if text or ends:
            self._tokens, self._empty = drive.steering.scheme.k, 0
        else:
            self._tokens, self._empty = self._tokens * 2, self._empty + 1
        said = self._stops.feed(text)
        if self._stops.stopped:
            self.finish = "stop"
        elif ends:
            self.finish = chosen.finish
        elif self._left == 0:
            self.finish = "length"
        elif self._empty > MAX_EMPTY:
            self.finish = "stop"
        return said + self._stops.flush() if self.finish is not None else said

    def rest(self) -> str:
        """What was held back, in case it began a stop string."""
        return self._stops.flush()

    def _best(self, reply: Sequence[dict[str, Any]], tokens: int, wrote: int) -> tuple[Candidate, int]:
        """The best of the continuations, and about how many tokens it has."""
        found = [self._without_prefix(self._drive.candidate(choice)) for choice in reply]
        chosen = found[self._selection.choose([one.text for one in found])]
        whole = sum(one.finish in (None, "length") for one in found)
        if chosen.finish in (None, "length"):
            return chosen, tokens
        # Some servers tell the tokens of all continuations, some those of one.
        mean = (wrote - whole * tokens) // (len(found) - whole) if wrote > tokens else wrote
        return chosen, max(0, min(tokens, mean))

    def _walk(self, choice: dict[str, Any]) -> tuple[Candidate, int]:
        """What the key makes of a draft, and how many tokens that is."""
        try:
            draft = read_draft(choice)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RefusedError("the upstream's log-probabilities cannot be read") from error
        drafted = self._drive.candidate(choice)
        if not draft:
            return Candidate("", drafted.finish), 0
        temperature, top_p = (self._drive.body.get(key) for key in ("temperature", "top_p"))
        walked = walk(self._selection, draft, temperature or 1.0, 1.0 if top_p is None else top_p)
        if walked.as_drafted:
            return self._without_prefix(drafted), walked.tokens
        to_its_end = walked.text == "".join(one.text for one in draft)
        ended = walked.ended or (to_its_end and drafted.finish not in (None, "length"))
        return Candidate(walked.text, "stop" if ended else "length"), walked.tokens

    def _without_prefix(self, candidate: Candidate) -> Candidate:
        text = candidate.text
        before = self._given + self._selection.text
        if self._drive.repeats and before:
            if not text.startswith(before):
                raise RefusedError("the upstream does not repeat the prefix as it was given")
            text = text[len(before) :]
        elif len(before) >= SHOWN and text.startswith(before[:SHOWN]):
            raise RefusedError("the upstream begins anew instead of going on")
        return Candidate(text.rstrip("\ufffd"), candidate.finish)
