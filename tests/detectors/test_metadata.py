from __future__ import annotations

import json

from detectors.detection import Outcome
from detectors.metadata import metadata_detections
from labelers.files.value import parse
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
    }
    assert found.detail == ""


def test_a_label_that_says_none_of_the_three_is_a_trace() -> None:
    (found,) = metadata_detections([parse(json.dumps(s.FIELDS | {"Label": "AIGC"}), "x")])
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "not 1, 2 or 3" in found.detail
    (empty,) = metadata_detections([parse("", "x")])
    assert empty.provenance is None
