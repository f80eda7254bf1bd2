"""What is in force and on trial: signed, numbered, and never an older one again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.review.failures import LibraryError
from proxy.review.pointers import (
    PointerAt,
    Pointers,
    Rollout,
    go_live,
    live_age_days,
    live_at,
    live_version,
    rollout,
    rollout_at,
    set_rollout,
)

KEY, OTHER = b"k" * 32, b"o" * 32
ONE, TWO = "1" * 64, "2" * 64


def test_without_a_key_a_pointer_is_the_version_alone(tmp_path: Path) -> None:
    assert (live_version(tmp_path), live_at(tmp_path), live_age_days(tmp_path, 0)) == (
        None,
        PointerAt(""),
        None,
    )
    assert go_live(tmp_path, ONE) == 0
    assert (tmp_path / "live").read_text() == ONE + "\n"
    assert (live_version(tmp_path), live_at(tmp_path)) == (ONE, PointerAt(ONE))
    age = live_age_days(tmp_path, round((tmp_path / "live").stat().st_mtime * 1000) + 86_400_000)
    assert age == pytest.approx(1, abs=0.001)
    set_rollout(tmp_path, Rollout(TWO, "shadow"))
    assert rollout(tmp_path) == Rollout(TWO, "shadow")
    set_rollout(tmp_path, None)
    set_rollout(tmp_path, None)
    assert not (tmp_path / "rollout.json").exists() and rollout(tmp_path) is None


def test_with_a_key_it_is_signed_and_each_has_a_greater_serial(tmp_path: Path) -> None:
    serials = [go_live(tmp_path, version, KEY) for version in (ONE, TWO, ONE)]
    assert serials == sorted(set(serials)) and serials[0] > 1_700_000_000_000
    assert live_version(tmp_path) == ONE
    assert live_at(tmp_path, KEY) == PointerAt(ONE, serials[-1])
    with pytest.raises(LibraryError, match="not signed with our key"):
        live_at(tmp_path, OTHER)
    trials = [set_rollout(tmp_path, one, KEY) for one in (Rollout(TWO, "canary", 5.0, ("app",)), None)]
    assert trials[0] < trials[1]
    assert rollout_at(tmp_path, KEY) == (None, trials[1])


def test_a_serial_exceeds_what_is_remembered_even_where_the_file_was_tampered_with(tmp_path: Path) -> None:
    far = 10**15
    assert go_live(tmp_path, ONE, KEY, far) == far + 1
    assert go_live(tmp_path, TWO, KEY) == far + 2  # the clock went back, say
    (tmp_path / "live").write_text("nonsense")
    assert go_live(tmp_path, TWO, KEY, far + 2) == far + 3
    assert set_rollout(tmp_path, None, KEY, far) == far + 1
    (tmp_path / "rollout.json").write_text("{")
    assert set_rollout(tmp_path, None, KEY, far + 1) == far + 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        ONE,
        f"{ONE}\n5\n",
        f"{ONE}\nx\n00\n",
        f"{ONE}\n5\n{'0' * 64}\n",
        f"{ONE}\n5\n00\nmore",
        "\udc80".encode("utf-8", "surrogatepass").hex(),
    ],
)
def test_what_is_not_signed_is_refused_and_the_message_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "live").write_text(text)
    with pytest.raises(LibraryError, match="publish again"):
        live_at(tmp_path, KEY)


def test_bytes_that_are_no_text_are_refused_too(tmp_path: Path) -> None:
    (tmp_path / "live").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LibraryError, match="not signed"):
        live_at(tmp_path, KEY)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "3", '{"version": "v"}', '{"version": "v", "state": "fly", "percent": 1, "tenants": []}'],
)
def test_a_rollout_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "rollout.json").write_text(text)
    for key in (None, KEY):
        with pytest.raises(LibraryError, match=r"rollout\.json"):
            rollout(tmp_path, key)


@pytest.mark.parametrize(
    "change",
    [
        {"version": ONE},
        {"percent": 100.0},
        {"tenants": ["app", "web"]},
        {"state": "shadow"},
        {"serial": 9},
        {"serial": "9"},
        {"signature": ""},
    ],
)
def test_a_trial_that_was_edited_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    set_rollout(tmp_path, Rollout(TWO, "canary", 5.0, ("app",)), KEY)
    path = tmp_path / "rollout.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(LibraryError, match="not signed with our key"):
        rollout(tmp_path, KEY)


@pytest.mark.parametrize("percent", [0, 5, 12.5])
def test_a_trial_is_read_as_it_was_signed(tmp_path: Path, percent: float) -> None:
    set_rollout(tmp_path, Rollout(TWO, "canary", percent, ("app",)), KEY)
    assert rollout(tmp_path, KEY) == Rollout(TWO, "canary", float(percent), ("app",))


def test_who_follows_them_refuses_an_older_one_and_a_missing_one(tmp_path: Path) -> None:
    pointers = Pointers(tmp_path, KEY)
    assert (pointers.live(), pointers.trial()) == (None, None)
    go_live(tmp_path, ONE, KEY)
    old = (tmp_path / "live").read_bytes()
    assert pointers.live() == ONE
    go_live(tmp_path, TWO, KEY)
    set_rollout(tmp_path, Rollout(ONE, "shadow"), KEY)
    trial = (tmp_path / "rollout.json").read_bytes()
    set_rollout(tmp_path, None, KEY)
    assert (pointers.live(), pointers.trial()) == (TWO, None)
    (tmp_path / "live").write_bytes(old)
    (tmp_path / "rollout.json").write_bytes(trial)
    with pytest.raises(LibraryError, match=f"names {ONE[:12]} again"):
        pointers.live()
    with pytest.raises(LibraryError, match=f"names {ONE[:12]} again"):
        pointers.trial()
    for name in ("live", "rollout.json"):
        (tmp_path / name).unlink()
    with pytest.raises(LibraryError, match="taken away"):
        pointers.live()
    with pytest.raises(LibraryError, match="taken away"):
        pointers.trial()
    go_live(tmp_path, ONE, KEY)
    assert pointers.live() == ONE


def test_a_floor_from_elsewhere_refuses_what_is_older(tmp_path: Path) -> None:
    serial = go_live(tmp_path, ONE, KEY)
    assert Pointers(tmp_path, KEY, serial).live() == ONE
    with pytest.raises(LibraryError, match="older pointer"):
        Pointers(tmp_path, KEY, serial + 1).live()
    with pytest.raises(LibraryError, match="taken away"):
        Pointers(tmp_path, KEY, serial, 1).trial()
