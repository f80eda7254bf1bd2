"""What a worker holds: who calls, which upstream answers, when it is empty."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detectors.issued import MarkValues
from detectors.panel import Panel
from detectors.sketch import Fingerprinter
from labelers.provenance import KeyRing, content_number
from proxy.errors import ApiError
from proxy.fingerprints.store import MemoryFingerprints
from proxy.fingerprints.writer import IndexWriter
from proxy.house import Clock, House, LiveLibrary, iso_time
from proxy.policy import Rules
from proxy.records.crypto import RecordCipher
from proxy.records.store import RecordStore
from proxy.review.pointers import Pointers
from proxy.settings import Settings, UpstreamSettings
from proxy.upstreams import Upstream
from tests.helpers import settings_in
from tests.wire.plans import rules

RULES = rules()


def house(settings: Settings, upstreams: Mapping[str, list[str]] | None = None) -> House:
    named = [
        (UpstreamSettings(name=name, kind="scripted", models=models), cast(Upstream, f"<{name}>"))
        for name, models in (upstreams or {"main": ["*"]}).items()
    ]
    tenants = {tenant.name: replace(RULES, tenant=tenant.name) for tenant in settings.tenants}
    return House(
        settings=settings,
        rules={"": RULES, **tenants},
        upstreams=named,
        library=LiveLibrary(Pointers(settings.review.library, None)),
        records=cast(RecordStore, None),
        cipher=cast(RecordCipher, None),
        strip_marks=str,
        ring=KeyRing(b"k" * 32),
        panel=Panel(KeyRing(b"k" * 32)),
        fingerprints=IndexWriter(Fingerprinter(bytes(32)), MemoryFingerprints()),
        marks=IndexWriter(MarkValues(KeyRing(b"k" * 32)), MemoryFingerprints()),
        report_key=Ed25519PrivateKey.generate(),
    )


def with_tenants(folder: Path, **keys: str) -> House:
    return house(settings_in(folder, tenants=[{"name": name, "key": key} for name, key in keys.items()]))


def shown(key: str) -> dict[str, str]:
    """The header as it is read from the wire: bytes as latin-1."""
    return {"authorization": f"Bearer {key}".encode().decode("latin-1")}


@pytest.mark.parametrize("key", ["sk-a", "sk a b", "sk  two", "钥匙", "k" * 500, "Bearer", "=+/;"])
def test_a_key_is_its_tenant_whatever_characters_it_has(tmp_path: Path, key: str) -> None:
    made = with_tenants(tmp_path, a=key, b="sk-other")
    assert made.authenticate(shown(key)).tenant == "a"
    assert made.authenticate({"authorization": f"bEARER   {shown(key)['authorization'][7:]}  "}).tenant == "a"
    assert made.authenticate(shown("sk-other")).tenant == "b"


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Bearer   "}, {"authorization": "sk-a"},
        {"authorization": "Basic sk-a"}, {"api-key": "sk-a"},
    ],
)  # fmt: skip
def test_no_key_is_told_apart_from_a_wrong_one(tmp_path: Path, headers: dict[str, str]) -> None:
    with pytest.raises(ApiError, match="no API key") as refused:
        with_tenants(tmp_path, a="sk-a").authenticate(headers)
    assert (refused.value.status, refused.value.code) == (401, "invalid_api_key")


@pytest.mark.parametrize("wrong", ["sk-", "sk-aa", "SK-A", "sk -a", "sk-a sk-b", "钥", "\udcff"])
def test_a_wrong_key_is_nobody(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ApiError, match="incorrect API key") as refused:
        with_tenants(tmp_path, a="sk-a", b="sk-b").authenticate({"authorization": f"Bearer {wrong}"})
    assert (refused.value.status, refused.value.type) == (401, "authentication_error")
    assert wrong not in str(refused.value)


def test_a_key_may_be_given_by_its_digest(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"sk-a").hexdigest()
    made = house(settings_in(tmp_path, tenants=[{"name": "a", "key_sha256": digest}]))
    assert made.authenticate(shown("sk-a")).tenant == "a"
    with pytest.raises(ApiError):
        made.authenticate(shown(digest))


def test_every_key_is_compared_whether_or_not_one_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append(a)
        return a == b

    made = with_tenants(tmp_path, a="1", b="2", c="3")
    monkeypatch.setattr("proxy.house.hmac.compare_digest", compare)
    for key in ("1", "2", "3"):
        compared.clear()
        made.authenticate(shown(key))
        assert len(compared) == 3
    compared.clear()
    with pytest.raises(ApiError):
        made.authenticate(shown("4"))
    assert [len(digest) for digest in compared] == [32] * 3  # digests, never keys


def test_without_tenants_any_key_and_none_serves(tmp_path: Path) -> None:
    made = house(settings_in(tmp_path))
    for headers in ({}, shown("sk-any"), {"authorization": "nonsense"}):
        assert made.authenticate(headers) is RULES


@pytest.mark.parametrize(
    "name",
    [
        "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "true-client-ip",
        "cf-connecting-ip",
    ],
)  # fmt: skip
def test_without_tenants_nobody_is_served_from_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(ApiError, match="forwarded from elsewhere") as refused:
        house(settings_in(tmp_path)).authenticate({name: "x", **shown("sk-any")})
    assert (refused.value.status, refused.value.code) == (401, "tenants_required")
    assert with_tenants(tmp_path, a="sk-a").authenticate({name: "x", **shown("sk-a")}).tenant == "a"


UPSTREAMS = {"wide": ["*"], "family": ["gpt-*"], "exact": ["gpt-4o", "m/[x]"], "late": ["gpt-4o"]}


@pytest.mark.parametrize(
    ("model", "upstream"),
    [
        ("gpt-4o", "<exact>"),  # named outright, by the first that does
        ("m/[x]", "<exact>"),
        ("gpt-5", "<wide>"),  # else the first pattern that fits
        ("GPT-4o", "<wide>"),
        ("qwen", "<wide>"),
    ],
)
def test_the_first_upstream_that_names_a_model_answers_else_the_first_pattern(
    tmp_path: Path, model: str, upstream: str
) -> None:
    assert str(house(settings_in(tmp_path), UPSTREAMS).routes(model, RULES)[0][1]) == upstream


def test_without_a_wide_pattern_the_family_answers(tmp_path: Path) -> None:
    narrow = {name: models for name, models in UPSTREAMS.items() if name != "wide"}
    assert str(house(settings_in(tmp_path), narrow).routes("gpt-5", RULES)[0][1]) == "<family>"


@pytest.mark.parametrize(
    ("model", "models", "upstreams"),
    [
        ("qwen", ("*",), {"a": ["gpt-*"]}),
        ("gpt-5", ("gpt-4*",), {"a": ["*"]}),
        ("gpt-5", (), {"a": ["*"]}),
        ("GPT-5", ("gpt-5",), {"a": ["*"]}),
    ],
)
def test_a_model_that_is_unknown_or_not_open_to_the_key_does_not_exist(
    tmp_path: Path, model: str, models: tuple[str, ...], upstreams: dict[str, list[str]]
) -> None:
    limited: Rules = replace(RULES, models=models)
    with pytest.raises(ApiError, match=f"'{model}' does not exist") as refused:
        house(settings_in(tmp_path), upstreams).routes(model, limited)
    assert (refused.value.status, refused.value.param, refused.value.code) == (
        404,
        "model",
        "model_not_found",
    )


async def test_an_empty_house_is_drained_at_once(tmp_path: Path) -> None:
    made = house(settings_in(tmp_path))
    assert await made.drained(0)
    assert made.draining


async def test_draining_waits_for_the_last_exchange(tmp_path: Path) -> None:
    made = house(settings_in(tmp_path))
    made.entered()
    made.entered()
    waiting = asyncio.create_task(made.drained(30))
    await asyncio.sleep(0)
    made.left()
    await asyncio.sleep(0)
    assert not waiting.done()
    made.left()
    assert await waiting
    assert made.live == 0


async def test_draining_gives_up_in_time(tmp_path: Path) -> None:
    made = house(settings_in(tmp_path))
    made.entered()
    assert not await made.drained(0.01)
    made.left()
    made.entered()
    assert not await made.drained(0.01)  # what was idle in between is not idle now
    made.left()
    assert await made.drained(0.01)


@pytest.mark.parametrize(
    ("unix_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_392_000_001, "2026-11-23T00:00:00.001Z"),
        (1_795_392_000_999, "2026-11-23T00:00:00.999Z"),
    ],
)
def test_times_are_written_in_utc_with_milliseconds(unix_ms: int, text: str) -> None:
    assert iso_time(unix_ms) == text


def test_the_clock_gives_milliseconds_and_numbers_that_fit() -> None:
    clock = Clock()
    before: Any = clock.now_ms()
    assert before > 1_700_000_000_000
    assert clock.now_ms() >= before
    for _ in range(100):
        assert content_number(1_795_392_000_000, clock.random24()) < 1 << 64
    ids = {clock.request_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(one.startswith("req_") and one.isascii() and len(one) == 28 for one in ids)
