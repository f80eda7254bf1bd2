from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.records.chain import (
    Head,
    NotedHead,
    Writer,
    format_heads,
    genesis,
    heads_from_json,
    heads_to_json,
    link,
    parse_heads,
    sign_head,
    tips,
)

HEADS = st.lists(
    st.builds(
        Head,
        st.text("0123456789abcdef", min_size=16, max_size=16),
        st.integers(1, 10**15 - 1),
        st.binary(min_size=32, max_size=32),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda head: head.writer,
)


def test_a_link_is_the_hash_of_the_previous_hash_and_the_row() -> None:
    assert link(b"\1" * 32, b"row") == hashlib.sha256(b"\1" * 32 + b"row").digest()


def test_each_writer_begins_elsewhere() -> None:
    assert genesis("a") != genesis("b")
    assert len(genesis("a")) == 32


@pytest.mark.parametrize("change", [{"boot_id": "x"}, {"pid": 9}, {"started": 9}, {"nonce": "x"}])
def test_the_writer_id_depends_on_all_that_tells_processes_apart(change: dict[str, object]) -> None:
    writer = Writer("boot", 1, 2, "nonce")
    assert len(writer.id) == 16
    assert replace(writer, **change).id != writer.id  # type: ignore[arg-type]


def test_a_signature_covers_key_writer_seq_hash_and_month() -> None:
    head = Head("w", 5, b"\1" * 32)
    expected = hmac.new(b"key", f"w|5|{'01' * 32}|202605".encode(), "sha256").digest()
    assert sign_head(b"key", head, "202605") == expected
    others = {
        sign_head(b"other", head, "202605"),
        sign_head(b"key", replace(head, writer="v"), "202605"),
        sign_head(b"key", replace(head, seq=6), "202605"),
        sign_head(b"key", replace(head, hash=b"\2" * 32), "202605"),
        sign_head(b"key", head, "202606"),
    }
    assert len(others - {expected}) == 5


@given(HEADS)
def test_noted_heads_are_read_back(heads: list[Head]) -> None:
    noted = tuple(NotedHead(head.writer, head.seq, head.hash.hex()[:32]) for head in heads)
    assert parse_heads(format_heads(heads)) == noted
    assert parse_heads(f" {format_heads(heads).replace(',', ', ')}\n") == noted


@given(HEADS)
def test_heads_come_back_from_the_fields_of_a_record(heads: list[Head]) -> None:
    assert heads_from_json(heads_to_json(heads)) == heads


@pytest.mark.parametrize(
    "text", ["", "abc", "0123456789abcdef:1:xyz", "0123456789abcdef:-1:" + "0" * 32, ","]
)
def test_what_is_no_noted_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a noted head"):
        parse_heads(text)


def test_the_tips_are_the_heads_that_no_chain_has_witnessed_at_their_present_length() -> None:
    a, b, c = Head("a", 3, b"a"), Head("b", 5, b"b"), Head("c", 1, b"c")
    heads = {"c": c, "b": b, "a": a}
    assert tips(heads, []) == [a, b, c]
    assert tips(heads, [a, Head("b", 4, b"x"), Head("c", 1, b"c"), Head("c", 0, b"y")]) == [b]
