"""Which headers travel, in which direction.

Upstream sees what the caller's SDK says about itself and the request, never who the caller is
on our side of the proxy. The caller sees rate limits and retry advice of the upstream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["body_headers", "forwarded_headers", "relayed_headers", "returned_headers"]

# RFC 9110 §7.6.1, and what describes our own connection to the caller.
_HOP_BY_HOP = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
        "content-encoding",
        "accept-encoding",
        "expect",
    ]
)
_OURS = frozenset(
    [
        "authorization",
        "api-key",
        "x-api-key",
        "cookie",
        "x-request-id",
        "forwarded",
        "via",
        "x-real-ip",
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "cdn-loop",
    ]
)
_OURS_PREFIXES = (
    "x-forwarded-",
    "x-original-",
    "x-aigc-",
    "x-inkseal-",
    "cf-",
    "fastly-",
    "x-amz-cf-",
    "x-amzn-",
    "x-envoy-",
)
_RETURNED = frozenset(["retry-after", "retry-after-ms", "x-should-retry"])
_RETURNED_PREFIXES = ("x-ratelimit-", "openai-")


_OF_THE_SERVER = frozenset(["alt-svc", "date", "server", "set-cookie", "strict-transport-security"])
# What tells how to read a body that is relayed as it came.
_OF_THE_BODY = frozenset(
    [
        "accept-ranges",
        "content-disposition",
        "content-language",
        "content-length",
        "content-range",
        "content-type",
    ]
)


def relayed_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of an upstream's headers goes to the caller of a path that is relayed: all that is not about
    the connection, the server or its cookies.
    """
    kept = []
    for name, value in headers:
        if name == "x-request-id":
            kept.append(("x-upstream-request-id", value))
        elif name in _OF_THE_BODY or name not in _HOP_BY_HOP | _OF_THE_SERVER:
            kept.append((name, value))
    return kept


def body_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of an upstream's headers describes its body, for one that goes to the caller unchanged."""
    return [(name, value) for name, value in headers if name in _OF_THE_BODY]


def forwarded_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """What of a caller's headers (names in lower case) goes to the upstream."""
    named = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    return [
        (name, value)
        for name, value in headers.items()
        if name not in _HOP_BY_HOP
        and name not in _OURS
        and name not in named
        and not name.startswith(_OURS_PREFIXES)
    ]


def returned_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of an upstream's headers (names in lower case) goes to the caller."""
    returned = []
    for name, value in headers:
        if name in _RETURNED or name.startswith(_RETURNED_PREFIXES):
            returned.append((name, value))
        elif name == "x-request-id":
            returned.append(("x-upstream-request-id", value))
    return returned
