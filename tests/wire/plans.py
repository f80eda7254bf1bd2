"""Plans for wire tests: the real library, lanes and labels, without a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labelers.provenance import KeyRing
from labelers.watermarks import SCHEMES
from proxy import policy
from proxy.policy import Plan, Rules
from proxy.review.entry import Entry
from proxy.review.library import Library
from proxy.settings import Labels, Review
from proxy.wire.chat import ChatStream
from proxy.wire.chat_endpoint import ChatEndpoint
from proxy.wire.rewriter import StreamRewriter
from tests.helpers import REFUSALS, sse_events, text_of

RING = KeyRing(b"k" * 32, producers=("UNSET",))
NUMBERS = [0x0693D21B6D4266EF + i for i in range(8)]


def rules(*, carrier: bool = False, **labels: Any) -> Rules:
    section = Labels(**labels)
    return Rules(
        tenant="",
        producer="UNSET",
        labels=section,
        review=Review(),
        strings=section.wording(),
        own_labels=section.own(),
        carrier=SCHEMES["carrier"](RING, "default") if carrier else None,
        key_id=1,
    )


def plan(entries: Sequence[Entry] = (), *, of: Rules | None = None, **body: Any) -> Plan:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "你好"}], **body}
    return policy.plan(
        of or rules(),
        ChatEndpoint().asks(body),
        request_id="req_1",
        library=Library.compile(entries, REFUSALS),
        content_numbers=NUMBERS[: body.get("n") or 1],
    )


def through(stream: bytes, decided: Plan, pieces: Sequence[bytes] | None = None) -> list[Any]:
    """All events that come out of one stream, cut into `pieces`."""
    return sse_events(raw_through(stream, decided, pieces))


def raw_through(stream: bytes, decided: Plan, pieces: Sequence[bytes] | None = None) -> bytes:
    rewriter = StreamRewriter(ChatStream(decided))
    out = b"".join(rewriter.feed(piece) for piece in (pieces if pieces is not None else [stream]))
    rewriter.flush()
    return out + rewriter.close()


def said(stream: bytes, decided: Plan, pieces: Sequence[bytes] | None = None) -> str:
    return text_of(through(stream, decided, pieces))
