"""An upstream for tests that kill the server: answers that take their time."""

from __future__ import annotations

from proxy.upstreams import UpstreamRequest, UpstreamSettings, replies
from proxy.upstreams.scripted import Scripted


def make(settings: UpstreamSettings) -> Scripted:
    """Every third answer is quick, the others take about ten seconds."""
    made = Scripted(_reply, name=settings.name)
    return made


_count = 0


def _reply(request: UpstreamRequest) -> replies.Reply:
    global _count
    _count += 1
    delay = 0.0 if _count % 3 == 0 else 0.1
    return replies.answer(request, ["春江潮水"] * 100, delay=delay)
