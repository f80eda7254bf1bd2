"""One choice of an answer, round by round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labelers.watermarks.best_of_n import Selection
from labelers.watermarks.logprob_walk import Noise, walk
from proxy.sampling.drafts import read_draft
from proxy.sampling.questions import Candidate, Drive, RefusedError
from proxy.sampling.stops import StopStrings

__all__ = ["MAX_EMPTY", "Writer"]

MAX_EMPTY = 4  # rounds without a visible character, each asking for twice as many tokens, before giving up
SHOWN = 24  # so many characters of the beginning are not said again by accident


class Writer:
    """One choice of the answer. `choosing`: what is chosen by, scores of continuations or the noise of a walk."""

    def __init__(self, drive: Drive, index: int, choosing: Selection | Noise) -> None:
        self._drive = drive
        self._choosing = choosing
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
        drive, choosing = self._drive, self._choosing
        tokens = self._tokens if self._left is None else min(self._tokens, self._left)
        body = drive.question(choosing.text, tokens, self.index)
        reply, wrote = await drive.ask(body)
        if isinstance(choosing, Selection):
            text, finish, cost = self._best(choosing, reply, tokens, wrote)
        else:
            text, finish, cost = self._walk(choosing, reply[0])
        ends = finish not in (None, "length")
        self.kept += cost
        drive.steering.sampled.kept += cost
        if self._left is not None:
            self._left -= cost
        if text or ends:
            self._tokens, self._empty = drive.steering.scheme.k, 0
        else:
            self._tokens, self._empty = self._tokens * 2, self._empty + 1
        said = self._stops.feed(text)
        if self._stops.stopped:
            self.finish = "stop"
        elif ends:
            self.finish = finish
        elif self._left == 0:
            self.finish = "length"
        elif self._empty > MAX_EMPTY:
            self.finish = "stop"
        return said + self._stops.flush() if self.finish is not None else said

    def rest(self) -> str:
        """What was held back, in case it began a stop string."""
        return self._stops.flush()

    def _best(
        self, selection: Selection, reply: Sequence[dict[str, Any]], tokens: int, wrote: int
    ) -> tuple[str, str | None, int]:
        """The best of the continuations: its text, its finish reason, and about how many tokens it has."""
        found = [self._without_prefix(self._drive.candidate(choice)) for choice in reply]
        chosen = found[selection.choose([one.text for one in found])]
        cost = tokens
        if chosen.finish not in (None, "length"):
            whole = sum(one.finish in (None, "length") for one in found)
            # Some servers tell the tokens of all continuations, some those of one.
            mean = (wrote - whole * tokens) // (len(found) - whole) if wrote > tokens else wrote
            cost = max(0, min(tokens, mean))
        is_last = chosen.finish not in (None, "length") or self._left == cost
        text = chosen.text if is_last else chosen.text.rstrip()
        selection.take(text)
        return text, chosen.finish, cost

    def _walk(self, noise: Noise, choice: dict[str, Any]) -> tuple[str, str | None, int]:
        """What the key makes of a draft, in the same form."""
        try:
            draft = read_draft(choice)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RefusedError("the upstream's log-probabilities cannot be read") from error
        drafted = self._drive.candidate(choice)
        if not draft:
            return "", drafted.finish, 0
        temperature, top_p = (self._drive.body.get(key) for key in ("temperature", "top_p"))
        # The prompt of a completion is taken as it is; chat templates trim the messages that they are made of.
        walked = walk(
            noise, draft, temperature or 1.0, 1.0 if top_p is None else top_p, trims=self._drive.chat
        )
        if walked.as_drafted:
            text = self._without_prefix(drafted).text
            noise.take([text])
            return text, "length", walked.tokens
        to_its_end = len(walked.said) == len(draft) and walked.text == "".join(one.text for one in draft)
        ended = walked.ended or (to_its_end and drafted.finish not in (None, "length"))
        if not ended and self._drive.chat and self._left != walked.tokens:
            walked = walked.to_seam()
        noise.take(walked.said)
        return walked.text, "stop" if ended else "length", walked.tokens

    def _without_prefix(self, candidate: Candidate) -> Candidate:
        text = candidate.text
        before = self._given + self._choosing.text
        if self._drive.repeats and before:
            if not text.startswith(before):
                raise RefusedError("the upstream does not repeat the prefix as it was given")
            text = text[len(before) :]
        elif len(before) >= SHOWN and text.startswith(before[:SHOWN]):
            raise RefusedError("the upstream begins anew instead of going on")
        return Candidate(text.rstrip("\ufffd"), candidate.finish)
