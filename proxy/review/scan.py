"""One view over one stream: which matches completed, and from where on the text may still become one.

What is kept of the folded text is short: the part that is a prefix of some term, and a little context before
it. Every match that completes later begins in that part, so only it is scanned again. Positions that leave
this module are code points of the original text.
"""

from __future__ import annotations

from proxy.review.compile import Lens
from proxy.review.entry import Action
from proxy.review.terms import Term
from proxy.review.window import Original, Window

__all__ = ["Candidate", "Scan"]


class Candidate:
    """A completed match that may still be refused by what follows. `stands` is None until that is known.

    `order`: the code point after which it became known; decisions are taken in this order.
    """

    __slots__ = ("_folded", "_scan", "action", "end", "order", "stands", "start", "term")

    def __init__(
        self,
        scan: Scan,
        term: Term,
        action: Action,
        folded: tuple[int, int],
        span: tuple[int, int],
        order: int,
    ) -> None:
        self._scan, self.term, self.action, self._folded = scan, term, action, folded
        self.start, self.end = span
        self.order = order
        self.stands: bool | None = None

    @property
    def view(self) -> str:
        return self._scan.name

    @property
    def needs(self) -> int:
        """The first original code point that the decision needs."""
        return self._scan.judge.needs(self.start)

    def decide(self, ended: bool) -> None:
        """Try to reach a verdict; with `ended` there is one."""
        if self.stands is None:
            start, end = self._folded
            verdict = self._scan.judge.verdict(self.term, start, end, (self.start, self.end), ended)
            if verdict is None:
                return
            self.stands = verdict is not False
            self.end = int(verdict) or self.end


class Scan:
    """The state of one view over one text: `feed`, decide the candidates, `settle`."""

    __slots__ = ("_lens", "_original", "_reader", "_window", "judge", "name")

    def __init__(self, lens: Lens, original: Original) -> None:
        self._lens, self._original = lens, original
        self.name = lens.view.name
        self._reader = lens.view.reader()
        self._window = Window(self._reader)
        self.judge = lens.view.judge(self._window, original)

    def feed(self, piece: str, at: int) -> list[Candidate]:
        """Take the next piece of the original text, which begins there at code point `at`."""
        self._window.read(piece, at)
        return self._found()

    def finish(self) -> list[Candidate]:
        """The text has ended; what completes with its end."""
        self._window.finish()
        return self._found()

    def _found(self) -> list[Candidate]:
        window, lens = self._window, self._lens
        live, carried, found = window.live, window.carried, []
        if carried == len(window.text):
            return []
        for start, end, index in lens.matcher.find(window.text[live:]):
            if end + live > carried:
                for term in lens.terms[index]:
                    action = lens.actions.get(term)
                    if action is not None and (not term.left or self.judge.at_word_start(start + live)):
                        found.append(self._candidate(term, action, start + live, end + live))
        return found

    def _candidate(self, term: Term, action: Action, start: int, end: int) -> Candidate:
        window = self._window
        folded = (start + window.base, end + window.base)
        span = (window.start(start), window.start(end - 1) + 1)
        return Candidate(self, term, action, folded, span, window.seen(end - 1) + 1)

    def settle(self) -> tuple[int, int]:
        """Forget what no later match can need.

        Returns the original code points from which on text could still become a match that delays, and from
        which on the original text is needed.
        """
        lens, window, end = self._lens, self._window, self._original.end
        length = len(window.text)
        at_word_start = self.judge.at_word_start
        live = lens.live.start(window.text, window.live, at_word_start)
        window_hold = window_live = end
        if live < length:
            hold = live if lens.hold is lens.live else lens.hold.start(window.text, live, at_word_start)
            window_live = window.start(live)
            window_hold = window.start(hold) if hold < length else end
        unread = self._reader.unread()
        if unread is not None:
            window_hold, window_live = min(window_hold, unread), min(window_live, unread)
        window.forget(live, lens.context)
        return window_hold, self.judge.needs(window_live)
