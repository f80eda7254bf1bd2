"""What `inkseal unlabelled` does: recorded first, by whoever may, and checked against the records."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy import worker
from proxy.commands.library import open_desk
from proxy.commands.unlabelled import faults, grant, grants, revoke
from proxy.governance.people import Actor, ProcedureError
from proxy.records.verify import verify
from proxy.settings import Settings
from tests.helpers import settings_in

SAID = {
    "tenant": "press",
    "applicant": "某出版社",
    "purpose": "排版",
    "agreement": "2026-03",
    "recipient": "编辑部",
    "ends": "2099-01-01",
    "granted_by": "alice",
}


@pytest.fixture
def press(tmp_path: Path) -> Settings:
    settings = settings_in(
        tmp_path, tenants=[{"name": "press", "key": "k", "labels": {"mode": "unlabelled"}}]
    )
    worker.first_start(settings)
    return settings


def test_a_grant_counts_until_it_is_revoked_and_the_records_agree(press: Settings, tmp_path: Path) -> None:
    made = grant(press, SAID)
    assert (made["state"], made["granted_by"]) == ("live", "alice")
    assert [one["id"] for one in grants(press)] == [made["id"]]
    assert faults(press) == []
    assert revoke(press, made["id"], "bob", "over")["state"] == "revoked"
    assert grants(press)[0]["revoked_by"] == "bob"
    assert faults(press) == []
    assert verify(tmp_path / "data/records", None, None).ok


@pytest.mark.parametrize(
    ("more", "says"), [({"tenant": "x"}, "no tenant 'x'; known: press"), ({"purpose": ""}, "purpose: say")]
)
def test_a_mistake_is_told_and_nothing_is_recorded(press: Settings, more: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        grant(press, SAID | more)
    assert grants(press) == []
    assert faults(press) == []


def test_what_is_not_there_or_over_cannot_be_revoked(press: Settings) -> None:
    with pytest.raises(ValueError, match="no grant u-9"):
        revoke(press, "u-9", "bob", "over")
    made = grant(press, SAID)
    revoke(press, made["id"], "bob", "over")
    with pytest.raises(ValueError, match="revoked already"):
        revoke(press, made["id"], "bob", "over")


def test_once_there_are_operators_only_those_with_the_role_grant_and_revoke(press: Settings) -> None:
    desk = open_desk(press)
    admin = Actor("admin", frozenset(["admin"]), "admin token")
    desk.add_operator("ada", ("approver",), admin)
    desk.add_operator("ben", ("auditor",), admin)
    for name, says in (("ben", "ben may not grant"), ("alice", "alice is no operator")):
        with pytest.raises(ProcedureError, match=says):
            grant(press, SAID | {"granted_by": name})
    made = grant(press, SAID | {"granted_by": "ada"})
    with pytest.raises(ProcedureError, match="ben may not"):
        revoke(press, made["id"], "ben", "over")
    assert revoke(press, made["id"], "ada", "over")["revoked_by"] == "ada"


def test_a_register_that_says_other_than_the_records_is_told(press: Settings, tmp_path: Path) -> None:
    first = grant(press, SAID)
    kept = (tmp_path / "data/unlabelled.sqlite").read_bytes()
    revoke(press, first["id"], "bob", "over")
    (tmp_path / "data/unlabelled.sqlite").write_bytes(kept)  # an older copy brings the grant back
    assert faults(press) == [f"grant {first['id']} counts, although its revocation is recorded"]
    (tmp_path / "data/unlabelled.sqlite").unlink()
    assert faults(press) == [f"grant {first['id']} is recorded, and missing in the register"]


def test_a_register_that_was_tampered_with_is_told(press: Settings, tmp_path: Path) -> None:
    grant(press, SAID)
    path = tmp_path / "data/unlabelled.sqlite"
    path.write_bytes(path.read_bytes().replace(b"2099", b"2199"))
    with pytest.raises(ValueError, match="changed by other hands"):
        grants(press)


def test_without_records_nothing_is_granted(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, tenants=[{"name": "press", "key": "k"}], records={"enabled": False})
    worker.first_start(settings)
    with pytest.raises(ValueError, match="not recorded cannot count"):
        grant(settings, SAID)
