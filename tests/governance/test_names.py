"""Names that an entry may be limited to: those that there are, and what becomes of others."""

from __future__ import annotations

import io
import json
import typing
from pathlib import Path
from typing import Any

import pytest
from openai.types.responses import ResponseInputItemParam

from proxy.desks import names_in
from proxy.governance.desk import Desk
from proxy.governance.intake import FULL_EXAMINATION, bring_in
from proxy.governance.names import ROLES, Names, strays
from proxy.review.entry import Entry, EntryError
from proxy.review.library import Library
from proxy.settings import Settings
from tests.governance.desks import Desks, actor, mild

ENDPOINTS = ("/v1/chat/completions", "/v1/responses")
NAMES = Names(ENDPOINTS, (("app", ("*",)), ("web", ("qwen-*",))), ("qwen-*", "llama-3"))


def limited(**fields: Any) -> Entry:
    return Entry("测试词甲", "A.1.a", **fields)


@pytest.mark.parametrize(
    ("fields", "field", "advice"),
    [
        ({"roles": ("usr",)}, "roles", "the roles are system, developer, user,"),
        ({"roles": ("user", "User")}, "roles", "'User' is no role"),
        ({"endpoints": ("/v1/chat",)}, "endpoints", "they are /v1/chat/completions, /v1/responses"),
        ({"endpoints": ("/v1/responses", "/chat/*")}, "endpoints", "'/chat/*' fits no endpoint"),
        ({"roles": ("user",), "scope": "output"}, "roles", "has the role assistant"),
    ],
    ids=str,
)
def test_a_role_or_an_endpoint_that_there_is_none_of_is_refused_with_those_there_are(
    tmp_path: Path, fields: dict[str, Any], field: str, advice: str
) -> None:
    entry = limited(**fields)
    with pytest.raises(EntryError) as failed:
        desk(tmp_path).propose(entry, actor("ann"))
    assert failed.value.field == field
    assert advice in failed.value.advice
    taken = bring_in(desk(tmp_path), file(tmp_path, entry), actor("ann"), "")
    assert (taken.invalid, taken.event) == (1, "")
    assert advice in taken.lines[0].text


@pytest.mark.parametrize(
    "fields",
    [
        {"roles": ("user", "tool", "request", "function_call_output")},
        {"roles": ("user", "assistant"), "scope": "output"},
        {"endpoints": ("/v1/chat/*", "/v1/responses", "/v1/*")},
        {"tenants": ("app", "web")},
        {"models": ("llama-3", "qwen-7b", "qwen-*", "q*", "*")},
        {"models": ("qwen-max",), "tenants": ("web",)},
    ],
    ids=str,
)
def test_names_that_there_are_call_for_no_word(fields: dict[str, Any]) -> None:
    entry = limited(**fields)
    NAMES.check(entry, entry.scope)
    assert not NAMES.remarks(entry.id, entry)


UNKNOWN = [
    ({"tenants": ("ap",)}, "unknown_tenant", "there is no tenant 'ap'", "the tenants are app, web"),
    ({"tenants": ("app", "gone")}, "unknown_tenant", "there is no tenant 'gone'", "app, web"),
    ({"models": ("gpt-4o",)}, "unknown_model", "'gpt-4o' fits no model", "qwen-*, llama-3"),
    ({"models": ("qwen-7b", "lama-*")}, "unknown_model", "'lama-*' fits no model", "qwen-*, llama-3"),
    ({"models": ("llama-3",), "tenants": ("web",)}, "unknown_model", "'llama-3' fits", "tenants may use"),
]


@pytest.mark.parametrize(("fields", "code", "says", "lists"), UNKNOWN, ids=str)
def test_a_tenant_or_a_model_that_nobody_has_is_a_remark_that_stays_with_the_entry(
    tmp_path: Path, fields: dict[str, Any], code: str, says: str, lists: str
) -> None:
    entry = limited(**fields)
    made = desk(tmp_path / "a").propose(entry, actor("ann"))
    (remark,) = made.remarks
    assert remark.code == code
    assert says in remark.text
    assert lists in remark.text
    assert made.revision.remarks == (f"{code}: {remark.text}",)
    other = desk(tmp_path / "b")
    taken = bring_in(other, file(tmp_path, entry), actor("ann"), "")
    assert [(line.kind, line.text) for line in taken.lines] == [("note", remark.text)]
    revision, _ = other.history(entry.id)
    assert revision is not None
    assert revision.remarks == made.revision.remarks


def test_rows_of_a_large_file_are_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FULL_EXAMINATION > 1
    monkeypatch.setattr("proxy.governance.intake.FULL_EXAMINATION", 1)
    rows = [limited(tenants=("ap",)), mild("测试词乙"), mild("测试词丙", tenants=("nobody",))]
    taken = bring_in(desk(tmp_path), file(tmp_path, *rows), actor("ann"), "")
    assert (taken.new, taken.examined) == (3, False)
    assert [line.place for line in taken.lines if "no tenant" in line.text] == ["line 1", "line 3"]


def test_where_nobody_knows_what_there_is_nothing_is_said() -> None:
    entry = limited(tenants=("ap",), models=("m",), endpoints=("/x",))
    Names().check(entry)
    assert not Names().remarks(entry.id, entry)


def test_where_there_are_no_tenants_an_entry_for_one_applies_nowhere() -> None:
    (remark,) = Names(ENDPOINTS, ()).remarks("e", limited(tenants=("app",)))
    assert "the tenants are none" in remark.text


def test_what_there_is_stands_in_the_settings() -> None:
    upstreams = [
        {"name": name, "base_url": "http://127.0.0.1:9/v1", "models": models}
        for name, models in (("one", ["a", "b*"]), ("two", ["b*", "c"]))
    ]
    tenants = [{"name": "app", "key": "k", "models": ["a"]}]
    names = names_in(Settings.model_validate({"upstreams": upstreams, "tenants": tenants}))
    assert names.models == ("a", "b*", "c")
    assert names.tenants == (("app", ("a",)),)
    assert {"/v1/chat/completions", "/v1/embeddings"} <= set(names.endpoints)


def test_entries_in_force_that_name_what_is_gone_are_told() -> None:
    library = Library.compile([
        Entry("甲乙丙丁", "A.1.a"),
        Entry("测试词甲", "A.1.a", tenants=("app",), id="fine"),
        Entry("测试词乙", "A.1.a", tenants=("gone", "app"), id="one"),
        Entry("测试词丙", "A.1.a", tenants=("gone", "app"), id="two"),
        Entry("测试词丁", "A.1.a", roles=("usr",), models=("gpt-4o",), id="three"),
    ])  # fmt: skip
    found = strays(library, NAMES)
    assert sorted((one.entry, one.pattern, one.field) for one in found) == [
        ("one", "测试词乙", "tenants"),
        ("three", "测试词丁", "models"),
        ("three", "测试词丁", "roles"),
        ("two", "测试词丙", "tenants"),
    ]
    assert len(strays(library, NAMES, limit=3)) == 3


def test_every_item_of_the_responses_api_is_a_role() -> None:
    kinds = {
        str(kind)
        for item in typing.get_args(ResponseInputItemParam)
        for kind in typing.get_args(typing.get_type_hints(item)["type"])
    }
    refused = {"item_reference", "None", "typing.Literal['item_reference']", "<class 'NoneType'>"}
    assert len(kinds) > 20
    assert kinds - refused - {"message"} <= set(ROLES)


def desk(folder: Path) -> Desk:
    folder.mkdir(exist_ok=True)
    made = Desks(folder).desk
    made.names = NAMES
    return made


def file(folder: Path, *entries: Entry) -> Path:
    target = io.StringIO()
    for entry in entries:
        target.write(json.dumps(entry.to_row(), ensure_ascii=False) + "\n")
    path = folder / "rows.jsonl"
    path.write_text(target.getvalue(), "utf-8")
    return path
