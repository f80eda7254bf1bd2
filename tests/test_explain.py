"""`inkseal check-config` says what the settings mean for labels."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.commands.settings import explain
from proxy.serve import notices
from proxy.settings import Settings

CODE = "001191440300708461136T1XGW3"
ENGINE = {
    "upstreams": [{"name": "main", "base_url": "http://127.0.0.1:9/v1", "capabilities": {"engine": "vllm"}}]
}


def statistical(**settings: Any) -> dict[str, Any]:
    return {"watermarks": {"statistical": settings}}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "signature: implicit labels of files, not of API answers (M); keys of 0 other producer(s)"),
        ({"signature": {"api": True, "prehash": True}}, "and of API answers (SM3(M))"),
        ({"labels": {"form": "superscript", "superscript": "html"}}, "form <sup>AI</sup>"),
        ({"provider": {"code": CODE, "services": {"m": "1CHAT"}}}, f"service code: m is {CODE[:22]}1CHAT"),
        ({"provider": {"code": "0021" + "A" * 18 + "1ABCD"}}, "natural persons"),
        (
            {
                "tenants": [
                    {"name": "a", "key": "k", "labels": {"mode": "interface", "undertaking": "合同 7"}}
                ]
            },
            "tenant a: the app shows the label, by '合同 7'",
        ),
        (
            {"tenants": [{"name": "a", "key": "k", "labels": {"mode": "unlabelled"}}]},
            "tenant a: no explicit label while a grant is in force",
        ),
        ({"watermarks": {"due_above_tokens": 200}}, "a watermark is due above 200 tokens"),
        (
            {"content_credentials": {"enabled": True, "certificate": "c.pem", "private_key": "k.pem"}},
            "signed with c.pem, dated by the signer's own clock",
        ),
        ({"content_credentials": {"enabled": True}}, "no certificate"),
        ({}, "watermark: statistical off"),
        (statistical(scheme="best_of_n", payload=True), "best_of_n (n 8, k 8), with a message; --probe says"),
        (
            {"tenants": [{"name": "a", "key": "k", "watermarks": {"statistical": {"scheme": "auto"}}}]},
            "tenant a: statistical auto (n 8, k 8)",
        ),
        (
            {**statistical(scheme="auto"), **ENGINE},
            "the engine of main marks tokens, and detection.tokenizers",
        ),
        (
            statistical(scheme="green_list"),
            "note: green_list is written and not read: set detection.green_list",
        ),
        (
            statistical(scheme="substitution", payload=True),
            "note: watermarks.statistical.payload: substitution carries no message",
        ),
    ],
)
def test_what_the_settings_mean_for_labels_is_said(document: dict[str, Any], says: str) -> None:
    lines = explain(Settings.model_validate(document))
    assert any(says in line for line in lines), lines


@pytest.mark.parametrize(
    "document",
    [
        {**statistical(scheme="auto"), **ENGINE, "detection": {"tokenizers": ["upstream:main"]}},
        {**statistical(scheme="green_list"), "detection": {"green_list": True}},
        statistical(scheme="best_of_n", payload=True),
        ENGINE,
    ],
)
def test_a_mark_that_is_read_is_nothing_to_note(document: dict[str, Any]) -> None:
    told = notices(Settings.model_validate(document))
    assert not any(word in note for note in told for word in ("tokenizers", "green_list", "payload"))
