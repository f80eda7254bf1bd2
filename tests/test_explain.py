"""`inkseal check-config` says what the settings mean for labels."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.commands.settings import explain
from proxy.settings import Settings

CODE = "001191440300708461136T1XGW3"


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
    ],
)
def test_what_the_settings_mean_for_labels_is_said(document: dict[str, Any], says: str) -> None:
    lines = explain(Settings.model_validate(document))
    assert any(says in line for line in lines), lines
