"""Strings in a JSON answer that is no text: the echo of an input, a note, a prompt that a server revised.

Vectors make up nearly all of such an answer, and there may be a hundred megabytes of them. So no document is
built: strings are found by their quotes, which stand nowhere else in JSON, and all bytes go through as they came,
up to the string that has not ended yet. Names and base64 (ASCII without a space or an escape) are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import orjson

from proxy.errors import WireError
from proxy.review.reviewer import Finding

__all__ = ["MAX_STRING", "EchoReview"]

MAX_STRING = 8 * 1024 * 1024
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NAME = re.compile(rb'"[!#-\[\]-~]*+"')


class EchoReview:
    """A filter over the bytes of one document. `review` gives the finding that blocks a string, else None.

    Raises WireError for a string over `MAX_STRING` bytes or one that is not valid JSON.
    """

    def __init__(self, review: Callable[[str], Finding | None]) -> None:
        self._review = review
        self._held = b""
        self.blocked: Finding | None = None

    def feed(self, data: bytes) -> bytes:
        """What may leave now; nothing more once `blocked`."""
        data = self._held + data
        at = 0
        while self.blocked is None and (begin := data.find(b'"', at)) >= 0:
            string = _STRING.match(data, begin)
            if string is None:
                self._held = data[begin:]
                if len(self._held) > MAX_STRING:
                    raise WireError(f"the upstream sent a string of more than {MAX_STRING} bytes")
                return data[:begin]
            at = string.end()
            self._take(string[0])
        self._held = b""
        return data if self.blocked is None else b""

    def flush(self) -> None:
        """The document has ended. A string that has not makes it none: it is not delivered."""
        if self._held:
            raise WireError("the upstream's answer ends within a string")

    def _take(self, string: bytes) -> None:
        if _NAME.fullmatch(string):
            return
        try:
            text = orjson.loads(string)
        except ValueError as error:
            raise WireError("the upstream's answer holds a string that is not JSON") from error
        self.blocked = self._review(text)
