"""Sends a notice by HTTP: bounded in time, tried three times, signed where a secret is set."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

__all__ = ["post"]

TRIES = 3
SECONDS = 5.0
PAUSES = (0.5, 2.0)


def post(url: str, body: Mapping[str, Any], secret: str = "", pauses: tuple[float, ...] = PAUSES) -> str:
    """ "" when a 2xx came back, else the last failure. Redirects are not followed."""
    raw = json.dumps(dict(body), ensure_ascii=False).encode("utf-8")
    headers = {"content-type": "application/json"}
    if secret:
        headers["x-inkseal-signature"] = hmac.digest(secret.encode(), raw, "sha256").hex()
    failure = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(pauses[attempt - 1])
        try:
            answer = httpx.post(url, content=raw, headers=headers, timeout=SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = f"{type(error).__name__}: {error}"
            continue
        if answer.is_success:
            return ""
        failure = f"status {answer.status_code}"
    return failure
