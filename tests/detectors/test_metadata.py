from __future__ import annotations

import json

from detectors.detection import Outcome
from detectors.metadata import metadata_detections
from labelers.files.contents import ImplicitLabel
from labelers.files.value import parse
from labelers.reserved_code import public_key, sign
from labelers.sm2 import SigningKey
from tests.labelers.files import samples as s


def test_no_label_is_one_absent_finding() -> None:
    (found,) = metadata_detections([])
    assert (found.detector, found.outcome) == ("metadata", Outcome.ABSENT)


def test_a_label_tells_producer_numbers_and_what_it_says() -> None:
    (found,) = metadata_detections([parse(s.BARE, "Info /AIGC")])
    assert found.outcome is Outcome.PRESENT
    assert found.technique == "implicit label (GB 45438-2025 §6.1) in Info /AIGC"
    assert found.provenance == {
        "producer": s.CODE,
        "content_id": "c4c8c10647a8bb71",
        "label": "1",
        "propagator": s.CODE,
        "propagate_id": "c4c8c10647a8bb71",
        "signature": "missing",
    }
    assert found.detail == "ReservedCode1 is empty"


def test_a_label_that_says_none_of_the_three_is_a_trace() -> None:
    (found,) = metadata_detections([parse(json.dumps(s.FIELDS | {"Label": "AIGC"}), "x")])
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "not 1, 2 or 3" in found.detail
    (empty,) = metadata_detections([parse("", "x")])
    assert empty.provenance == {"signature": "missing"}


def test_a_signature_is_checked_and_only_a_pinned_key_is_trusted() -> None:
    key = SigningKey(12345)
    code = sign(s.FIELDS, key)
    label = parse(json.dumps(s.FIELDS | {"ReservedCode1": code}), "x")
    other = parse(json.dumps(s.FIELDS | {"ReservedCode1": code, "ProduceID": "8"}), "x")

    def state(label: ImplicitLabel, pinned: dict[str, list[str]] | None = None) -> str:
        (found,) = metadata_detections([label], pinned)
        assert found.provenance is not None
        return str(found.provenance["signature"])

    assert state(label) == "valid"
    assert state(label, {s.CODE: [public_key(key)]}) == "trusted"
    assert state(label, {s.CODE: [public_key(SigningKey(54321))]}) == "valid"
    assert state(other) == "invalid"
