"""Looking back: what another version would have done with what was said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from proxy.governance.lookback import look_back
from proxy.records.record import Record
from proxy.review.entry import Entry
from proxy.review.library import Library

NEW = Library.compile([Entry("新词语", "A.1.a"), Entry("旧词语", "A.1.b", action={"output": "flag"})])


def answer(request_id: str, secret: dict[str, Any], *found: dict[str, str]) -> tuple[Record, dict[str, Any]]:
    fields = {"findings": list(found)}
    return Record("request", request_id, "", "closed", "2026-11-27T08:00:00.000Z", "v0", fields), secret


OLD = {"direction": "output", "entry": next(e.id for e in NEW.entries if e.pattern == "旧词语")}
GONE = {"direction": "input", "entry": "e-gone"}


def test_what_a_version_catches_newly_is_told_with_its_place() -> None:
    body = json.dumps({"messages": [{"content": ["说说新词语", 1]}]}, ensure_ascii=False)
    report = look_back(NEW, [answer("r1", {"request": body, "outputs": ["没有", "有新词语和旧词语"]}, OLD)])
    assert (report.requests, report.texts) == (1, 1)
    assert [(d.request_id, d.direction, d.category, d.action, d.text) for d in report.caught] == [
        ("r1", "input", "A.1.a", "block", "新词语"),
        ("r1", "output", "A.1.a", "block", "新词语"),
    ]
    assert report.released == []
    assert report.to_json()["version"] == NEW.version


def test_an_answer_that_was_json_is_read_as_it_says() -> None:
    text = r'{"a": "\u65b0\u8bcd\u8bed", "b": "新\n词语"}'
    record, secret = answer("r1", {"outputs": [text]})
    assert look_back(NEW, [(record, secret)]).caught == []
    (found,) = look_back(NEW, [(replace(record, fields={"json_output": True}), secret)]).caught
    said = '{"a": "新词语'
    assert (found.part, found.text) == ("answer 1", "新词语")
    assert said[found.start : found.end] == "新词语"


def test_what_stood_beside_the_answer_is_looked_at_too_and_the_first_place_is_told() -> None:
    found = {**OLD, "text": "旧词语", "start": 9, "end": 12}
    secret = {"outputs": ["好", "说旧词语"], "beside": ["想新词语", "旧词语"], "findings": [found]}
    caught = look_back(NEW, [answer("r1", secret)]).caught
    assert [(d.part, d.start, d.end, d.text) for d in caught] == [
        ("answer 2", 1, 4, "旧词语"),
        ("beside the answer", 1, 4, "新词语"),
    ]


def test_a_request_is_taken_apart_by_who_knows_its_endpoint() -> None:
    library = Library.compile([Entry("新词语", "A.1.a", roles=("user",))])
    record, secret = answer("r1", {"request": "旧新词语"})
    record = replace(record, fields={"endpoint": "/v1/x"})

    def told(endpoint: str, request: str) -> list[tuple[str, str]]:
        return [("tool", request), ("user", endpoint + request)]

    (found,) = look_back(library, [(record, secret)], told).caught
    assert (found.part, found.start) == ("request, user", 6)


def test_entries_of_other_tenants_models_and_endpoints_catch_nothing() -> None:
    library = Library.compile([
        Entry("新词语", "A.1.a", tenants=("web",)),
        Entry("新词儿", "A.1.a", models=("qwen-*",)),
        Entry("新词汇", "A.1.a", endpoints=("/v1/responses",)),
    ])  # fmt: skip
    (record, secret) = answer("r1", {"request": "{}", "outputs": ["新词语、新词儿、新词汇"]})
    where = {"tenant": "app", "model": "llama", "endpoint": "/v1/chat/completions"}
    there = {"tenant": "web", "model": "qwen-7", "endpoint": "/v1/responses"}
    told = [
        len(look_back(library, [(replace(record, fields={**record.fields, **fields}), secret)]).caught)
        for fields in (where, there)
    ]
    assert told == [0, 1]  # the first one blocks
    assert len(look_back(library, [(record, secret)]).caught) == 1


def test_what_it_would_let_pass_is_told_where_findings_are_kept() -> None:
    kept = {
        "findings": [
            {**GONE, "text": "消失词语", "start": 0, "end": 4},
            {**OLD, "text": "旧词语", "start": 0, "end": 3},
        ]
    }
    report = look_back(NEW, [answer("r2", kept, GONE, OLD)])
    assert (report.texts, report.caught) == (0, [])
    assert [(d.entry, d.text) for d in report.released] == [("e-gone", "消失词语")]


def test_a_request_that_is_no_json_is_read_as_it_stands() -> None:
    assert len(look_back(NEW, [answer("r3", {"request": "新词语{"})]).caught) == 1
