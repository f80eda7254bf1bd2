from __future__ import annotations

import hashlib
import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.records.record import (
    CLOSING,
    Record,
    canonical_row,
    content_ids,
    decode_json,
    encode_json,
    month_of,
    utc_time,
)
from tests.records.samples import record

TEXT = st.text(max_size=5) | st.sampled_from(["\ud800", "标\udfff识"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def test_closing_statuses_are_those_of_the_interface() -> None:
    assert {"closed", "blocked", "aborted"} == CLOSING


def test_a_record_is_a_value() -> None:
    with pytest.raises(FrozenInstanceError):
        record(1).status = "closed"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("created", "month"),
    [("2026-05-04T03:02:01.000Z", "202605"), ("1999-12-31T23:59:59Z", "199912")],
)
def test_the_month_comes_from_the_time(created: str, month: str) -> None:
    assert month_of(created) == month


@pytest.mark.parametrize(
    "created", ["", "2026", "2026-13-01T00:00:00Z", "2026-05-01T00:00:00+08:00", "x2026-05-01TZ"]
)
def test_a_time_that_is_not_utc_is_refused(created: str) -> None:
    with pytest.raises(ValueError, match="not an ISO-8601 UTC time"):
        month_of(created)


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_any_json_value_comes_back_also_with_lone_surrogates_and_big_integers(value: dict[str, Any]) -> None:
    assert decode_json(encode_json(value)) == value


def test_the_order_of_keys_does_not_change_the_bytes() -> None:
    assert encode_json({"b": {"d": 1, "c": 2}, "a": 1}) == encode_json({"a": 1, "b": {"c": 2, "d": 1}})


@pytest.mark.parametrize("value", [{"a": object()}, {"a": {1, 2}}])
def test_what_is_no_json_is_a_type_error(value: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        encode_json(value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["cid-1"]),
        ({"content_ids": ["cid-1", "cid-2"]}, ["cid-1", "cid-2"]),
        ({"content_ids": ["", "cid-2", "cid-2"]}, ["cid-1", "cid-2"]),
    ],
)
def test_a_record_is_found_by_each_content_id_once(fields: dict[str, Any], expected: list[str]) -> None:
    assert content_ids(record(1, fields=fields)) == expected


def test_a_record_without_content_has_no_content_id() -> None:
    assert content_ids(Record("library", "", "", "", "", "", {})) == []


def test_the_canonical_row_is_plain_json_that_anybody_can_write_again() -> None:
    sealed = b"sealed"
    fields = encode_json({"z": 1.5, "a": "标识"})
    row = canonical_row("w", 7, record(1), fields, sealed)
    expected = {
        "kind": "request",
        "request_id": "req-1",
        "content_id": "cid-1",
        "status": "accepted",
        "created": "2026-05-04T03:02:01.000Z",
        "library_version": "lib-1",
        "fields": {"z": 1.5, "a": "标识"},
        "sealed": hashlib.sha256(sealed).hexdigest(),
        "seq": 7,
        "writer": "w",
    }
    written_by_json = json.dumps(expected, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert row == written_by_json.encode()


@pytest.mark.parametrize(
    "column", ["kind", "request_id", "content_id", "status", "created", "library_version"]
)
def test_every_column_is_in_the_canonical_row(column: str) -> None:
    base = record(1)
    change: dict[str, Any] = {column: "other"}
    changed = replace(base, **change)
    assert canonical_row("w", 1, base, b"{}", None) != canonical_row("w", 1, changed, b"{}", None)


def test_writer_place_fields_and_sealed_are_in_the_canonical_row() -> None:
    rows = {
        canonical_row("w", 1, record(1), b"{}", None),
        canonical_row("v", 1, record(1), b"{}", None),
        canonical_row("w", 2, record(1), b"{}", None),
        canonical_row("w", 1, record(1), b'{"a":1}', None),
        canonical_row("w", 1, record(1), b"{}", b""),
    }
    assert len(rows) == 5


@pytest.mark.parametrize(
    ("said", "time"),
    [
        ("2026-12-31", "2026-12-31T00:00:00.000Z"),
        ("2026-12-31T08:00:00+08:00", "2026-12-31T00:00:00.000Z"),
        (" 2026-12-31T00:00:00.5Z ", "2026-12-31T00:00:00.500Z"),
    ],
)
def test_dates_and_times_are_read_as_utc(said: str, time: str) -> None:
    assert utc_time(said) == time


def test_what_is_no_time_is_told_with_an_example() -> None:
    with pytest.raises(ValueError, match="'yesterday' is no date or time like 2026-12-31"):
        utc_time("yesterday")
