"""The register of content given without an explicit label: who may have it, from when to when, and no longer."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.governance.undertaking import undertakings
from proxy.governance.unlabelled import Grant, Register, RegisterError, event_of, new_grant
from proxy.settings import Settings

NOW = "2026-11-27T12:00:00.000Z"
SAID = {
    "tenant": "app",
    "applicant": "某出版社",
    "purpose": "印刷排版",
    "agreement": "2026-03",
    "recipient": "某出版社 编辑部",
    "ends": "2026-12-31",
    "granted_by": "alice",
}


def granted(identifier: str = "u-1", now: str = NOW, **more: str) -> Grant:
    return new_grant(identifier, {**SAID, **more}, now)


def register(folder: Path, key: bytes = b"k" * 32) -> Register:
    return Register(folder / "deeper" / "unlabelled.sqlite", key)


@pytest.mark.parametrize("name", [name for name in SAID if name != "ends"])
def test_an_application_that_does_not_say_everything_is_refused_with_what_is_missing(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: say "):
        granted(**{name: " "})


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError) as caught:
        new_grant("u-1", {"starts": "soon"}, NOW)
    for name in ("tenant", "applicant", "purpose", "agreement", "recipient", "granted_by", "starts", "ends"):
        assert f"{name}: " in str(caught.value)


@pytest.mark.parametrize(("starts", "ends"), [("", "2026-11-01"), ("2027-02-01", "2027-01-01"), ("", NOW)])
def test_a_grant_that_would_never_be_in_force_is_refused(starts: str, ends: str) -> None:
    with pytest.raises(ValueError, match="before it begins, or before now"):
        granted(starts=starts, ends=ends)


def test_a_grant_is_in_force_from_its_start_until_its_end() -> None:
    grant = granted(starts="2026-12-01")
    states = {
        NOW: "waiting",
        "2026-11-30T23:59:59.999Z": "waiting",
        "2026-12-01T00:00:00.000Z": "live",
        "2026-12-30T23:59:59.999Z": "live",
        "2026-12-31T00:00:00.000Z": "ended",
    }
    assert {time: grant.state(time) for time in states} == states
    assert replace(grant, revoked=NOW).state("2026-12-02T00:00:00.000Z") == "revoked"


@pytest.mark.parametrize(
    ("user", "tenant", "asking", "covers"),
    [("", "app", "", True), ("", "app", "u1", True), ("u1", "app", "u1", True), ("u1", "app", "", False),
     ("u1", "app", "u2", False), ("", "other", "", False)],
)  # fmt: skip
def test_a_grant_covers_its_tenant_and_where_named_one_end_user(
    user: str, tenant: str, asking: str, covers: bool
) -> None:
    assert granted(user=user).covers(tenant, asking, NOW) is covers


def test_what_one_process_grants_and_revokes_another_sees_at_once(tmp_path: Path) -> None:
    one, other = register(tmp_path), register(tmp_path)
    assert one.live("app", "", NOW) is None
    assert one.all() == []
    grant = granted()
    one.add(grant)
    assert other.live("app", "", NOW) == grant
    ended = other.revoke("u-1", by="bob", reason="agreement ended", now=NOW)
    assert (ended.revoked, ended.revoked_by, ended.reason) == (NOW, "bob", "agreement ended")
    assert one.live("app", "", NOW) is None
    assert one.all() == [ended]


def test_the_newest_grant_comes_first_and_one_that_covers_is_found_among_others(tmp_path: Path) -> None:
    kept = register(tmp_path)
    for grant in (
        granted("u-1", user="u1"),
        granted("u-2", now="2026-11-27T13:00:00.000Z"),
        granted("u-3", tenant="b"),
    ):
        kept.add(grant)
    assert [grant.id for grant in kept.all()] == ["u-2", "u-3", "u-1"]
    found = kept.live("app", "u2", "2026-11-27T14:00:00.000Z")
    assert found is not None
    assert found.id == "u-2"


def test_a_grant_is_revoked_once_and_only_if_there_is_one(tmp_path: Path) -> None:
    kept = register(tmp_path)
    with pytest.raises(LookupError, match="no grant u-9"):
        kept.revoke("u-9", by="bob", reason="x", now=NOW)
    kept.add(granted())
    kept.revoke("u-1", by="bob", reason="x", now=NOW)
    with pytest.raises(LookupError, match="revoked already"):
        kept.revoke("u-1", by="bob", reason="x", now=NOW)


def test_the_file_is_private(tmp_path: Path) -> None:
    register(tmp_path).add(granted())
    assert (tmp_path / "deeper/unlabelled.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE grants SET body = replace(body, '2026-12-31', '2036-12-31')",
        "UPDATE grants SET mac = zeroblob(32)",
        "INSERT INTO grants SELECT 'u-9', tenant, replace(body, 'u-1', 'u-9'), mac FROM grants",
    ],
)
def test_a_grant_that_other_hands_wrote_counts_for_nothing_and_stops_all(tmp_path: Path, change: str) -> None:
    kept = register(tmp_path)
    kept.add(granted(user="u1"))
    with sqlite3.connect(tmp_path / "deeper/unlabelled.sqlite") as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(RegisterError, match="changed by other hands"):
        kept.live("app", "", NOW)
    with pytest.raises(RegisterError):
        kept.all()
    with pytest.raises(RegisterError):
        register(tmp_path, b"another key" * 3).all()


def test_a_file_that_is_no_register_is_told(tmp_path: Path) -> None:
    path = tmp_path / "unlabelled.sqlite"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(RegisterError, match="cannot be used"):
        Register(path, b"k" * 32).all()


def test_the_event_says_all_of_the_grant() -> None:
    event = event_of(granted(), "grant", NOW)
    assert event.kind == "unlabelled"
    assert event.fields["event"] == "grant"
    for name, value in SAID.items():
        assert event.fields[name] == (value if name != "ends" else "2026-12-31T00:00:00.000Z")


@pytest.mark.parametrize(
    ("document", "tenants"),
    [
        ({}, []),
        ({"labels": {"mode": "interface", "undertaking": "合同 7 第 3 条"}}, [""]),
        (
            {
                "tenants": [
                    {"name": "a", "key": "k", "labels": {"mode": "interface", "undertaking": "contract 7"}},
                    {"name": "b", "key": "l"},
                ]
            },
            ["a"],
        ),
    ],
)
def test_every_undertaking_is_an_event(document: dict[str, Any], tenants: list[str]) -> None:
    events = undertakings(Settings.model_validate(document), NOW)
    assert [event.fields["tenant"] for event in events] == tenants
    assert all(event.kind == "labels" and event.fields["undertaking"] for event in events)
