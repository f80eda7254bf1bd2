"""Answers that are no text: every string in them is reviewed, every byte of them stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import WireError
from proxy.review.entry import Direction
from proxy.review.library import Library
from proxy.review.reviewer import Finding
from proxy.wire import echo
from proxy.wire.echo import EchoReview
from tests.helpers import REFUSALS, keyword

SECRET = "违禁甲乙丙"
LIBRARY = Library.compile([keyword(SECRET), keyword("banned phrase")], REFUSALS)


def review(text: str) -> Finding | None:
    return next(iter(LIBRARY.review(text, Direction.OUTPUT)), None)


def through(raw: bytes, size: int) -> tuple[bytes, EchoReview]:
    made = EchoReview(review)
    out = b"".join(made.feed(raw[at : at + size]) for at in range(0, len(raw), size))
    if made.blocked is None:
        made.flush()
    return out, made


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
@pytest.mark.parametrize(
    "said",
    [
        {"note": f"说{SECRET}"},
        {SECRET: 1},
        {"data": [{"embedding": "AAAA/+==", "deep": ["好", {"x": SECRET}]}]},
        {"quote": f'"{SECRET}\\'},
        {"latin": "a banned phrase"},
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "UTF-8"])
def test_a_word_in_any_string_blocks_and_none_of_it_is_sent(said: Any, size: int, ascii_only: bool) -> None:
    raw = json.dumps(said, ensure_ascii=ascii_only).encode()
    out, made = through(raw, size)
    assert made.blocked is not None
    assert raw.startswith(out)
    assert SECRET[:1].encode() not in out and b"\\u8fdd" not in out and b"banned" not in out


@given(st.recursive(st.none() | st.floats(allow_nan=False) | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)), st.integers(1, 9))  # fmt: skip
def test_what_needs_no_block_goes_out_byte_for_byte(value: Any, size: int) -> None:
    raw = json.dumps(value, indent=1).encode()
    assert through(raw, size)[0] == raw


@pytest.mark.parametrize("raw", [b'{"a": "un', b'{"a": "\\', '{"a": "\\x 好"}'.encode(), b'{"a": "\xff "}'])
def test_what_cannot_be_read_is_not_sent(raw: bytes) -> None:
    with pytest.raises(WireError):
        through(raw, 3)


def test_a_string_without_an_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo, "MAX_STRING", 100)
    with pytest.raises(WireError, match="more than 100 bytes"):
        through(b'{"a": "' + b"x" * 200, 10)


def test_numbers_cost_nothing_and_wait_for_nothing() -> None:
    made = EchoReview(review)
    assert made.feed(b'{"embedding":[0.1,0.2,') == b'{"embedding":[0.1,0.2,'
    assert made.feed(b'0.3],"note":"\xe5') == b'0.3],"note":'
