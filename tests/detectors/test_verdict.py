"""属于 / 可能 / 疑似 / nothing: the verdict table, and what a public report keeps to itself."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.detection import Detection, Outcome
from detectors.verdict import CREDENTIALS, LIMITS, NOT_FOUND_NOTICE, SIGNATURES, judge, sentence_spans

PRESENT, ABSENT, INCONCLUSIVE, TAMPERED = (
    Outcome.PRESENT,
    Outcome.ABSENT,
    Outcome.INCONCLUSIVE,
    Outcome.TAMPERED,
)


def found(detector: str, outcome: Outcome = PRESENT, **more: Any) -> Detection:
    return Detection(detector, outcome, "t", **more)


def metadata(label: str) -> Detection:
    return found("metadata", provenance={"label": label})


NOTHING = [found("carrier", ABSENT), found("explicit", ABSENT), found("foreign", ABSENT)]

# What was found, whether it was declared, the verdict, the statutory label, a word of its basis.
TABLE: list[tuple[list[Detection], bool, str, str | None, str]] = [
    ([], False, "not_found", None, "未检出"),
    (NOTHING, False, "not_found", None, "未检出"),
    (NOTHING, True, "possible", "2", "第六条（二）"),
    # implicit labels
    ([metadata("1")], False, "confirmed", "1", "第六条（一）"),
    ([metadata("1")], True, "confirmed", "1", "第六条（一）"),
    ([metadata("2")], False, "possible", "2", "文件元数据"),
    ([metadata("3")], False, "suspected", "3", "文件元数据"),
    ([metadata("3")], True, "suspected", "3", "文件元数据"),
    ([metadata("2"), metadata("1")], False, "confirmed", "1", "第六条（一）"),
    ([metadata("AIGC")], False, "suspected", "3", "其他"),
    ([found("metadata")], False, "suspected", "3", "其他"),
    ([found("metadata", ABSENT)], False, "not_found", None, "未检出"),
    ([found("metadata", TAMPERED, provenance={"label": "1"})], False, "suspected", "3", "其他"),
    ([found("carrier")], False, "confirmed", "1", "数字水印"),
    ([found("carrier")], True, "confirmed", "1", "数字水印"),
    ([found("carrier"), metadata("3")], False, "confirmed", "1", "数字水印"),
    ([found("carrier", TAMPERED), found("carrier")], False, "confirmed", "1", "数字水印"),
    # traces
    ([found("carrier", TAMPERED)], False, "suspected", "3", "其他"),
    ([found("carrier", INCONCLUSIVE)], False, "suspected", "3", "其他"),
    ([found("carrier", TAMPERED)], True, "possible", "2", "第六条（二）"),
    ([*NOTHING, found("foreign", INCONCLUSIVE)], False, "suspected", "3", "其他"),
    ([*NOTHING, found("explicit")], False, "suspected", "3", "显式标识"),
    ([found("explicit")], True, "possible", "2", "第六条（二）"),
    ([found("carrier", INCONCLUSIVE), found("explicit")], False, "suspected", "3", "显式标识"),
    ([found("statistical")], False, "suspected", "3", "其他"),
    ([found("statistical", p_value=1e-9)], False, "suspected", "3", "其他"),
    ([found("statistical", p_value=1e-5, provenance={"key_epoch": "1"})], False, "suspected", "3", "其他"),
    ([found("statistical", provenance={"key_epoch": "1"})], False, "suspected", "3", "其他"),
    (
        [found("statistical", INCONCLUSIVE, p_value=1e-4, provenance={"key_epoch": "1"})],
        False,
        "not_found",
        None,
        "未检出",
    ),
    # what we know and what the statute knows differ here alone
    ([found("statistical", p_value=9e-7, provenance={"key_epoch": "1"})], False, "confirmed", "3", "其他"),
    (
        [found("statistical", p_value=9e-7, provenance={"key_epoch": "1"})],
        True,
        "confirmed",
        "2",
        "第六条（二）",
    ),
    ([found("c2pa")], False, "suspected", "3", "其他"),
    ([found("fingerprint", INCONCLUSIVE)], False, "suspected", "3", "其他"),
    ([found("fingerprint")], False, "suspected", "3", "其他"),
]


@pytest.mark.parametrize(("detections", "declared", "verdict", "label", "basis"), TABLE)
def test_the_verdict_and_the_statutory_label(
    detections: list[Detection], declared: bool, verdict: str, label: str | None, basis: str
) -> None:
    report = judge("春", detections, declared=declared)
    assert report.verdict == verdict
    assert basis in report.basis
    shown = report.to_json()
    assert shown["verdict"] == verdict
    assert shown["statutory"] == {"label": label, "basis": report.basis}
    assert shown["propagation"] == ({"AIGC": {"Label": label}} if label else {})
    assert [d["outcome"] for d in shown["detections"]] == [str(d.outcome) for d in detections]


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("confirmed", "属于"), ("possible", "可能"), ("suspected", "疑似"), ("not_found", "不代表")],
)
def test_the_notice_says_what_the_verdict_means(verdict: str, words: str) -> None:
    example = next(row for row in TABLE if row[2] == verdict)
    assert words in judge("春", example[0], declared=example[1]).to_json()["notice"]


def test_nothing_found_does_not_mean_that_a_human_wrote_it() -> None:
    notice = judge("春", NOTHING).to_json()["notice"]
    assert notice == NOT_FOUND_NOTICE
    assert "does not mean that a human wrote" in notice


@pytest.mark.parametrize("state", ["missing", "invalid", "valid", "trusted"])
def test_metadata_is_never_named_without_what_became_of_its_signature(state: str) -> None:
    made = found("metadata", provenance={"label": "1", "signature": state})
    report = judge("春", [made])
    assert report.verdict == "confirmed"
    assert " ".join(SIGNATURES[state]) in report.notice
    assert sum(words[0] in report.notice for words in SIGNATURES.values()) == 1


def test_metadata_of_which_nobody_says_whether_it_is_signed_counts_as_unsigned() -> None:
    assert SIGNATURES["missing"][1] in judge("春", [metadata("1")]).notice
    assert SIGNATURES["missing"][1] in judge("春", [found("metadata")]).notice


@pytest.mark.parametrize("state", [*CREDENTIALS, None])
def test_a_c2pa_manifest_is_never_told_without_what_its_signer_is_worth(state: str | None) -> None:
    told = found("c2pa", provenance={"signature": state} if state else None)
    assert judge("春", [told]).remarks == (CREDENTIALS[state or "invalid"],)


def test_a_fingerprint_says_logged_and_a_moved_mark_that_it_does_not_speak_for_the_text() -> None:
    notice = judge("春", [found("fingerprint"), found("fingerprint")]).notice
    assert notice.count("logged by this service") == 1
    assert "no proof of who wrote" in notice
    assert "does not speak for this text" in judge("春", [found("carrier", TAMPERED)]).notice
    assert "does not speak for this text" not in judge("春", [found("carrier")]).notice


def test_the_public_does_not_learn_which_answer_was_logged() -> None:
    made = found("fingerprint", provenance={"producer": "P", "content_id": "00ff", "created": "2026"})
    report = judge("春", [made, found("fingerprint", ABSENT)])
    assert report.to_json()["detections"][0]["provenance"]["content_id"] == "00ff"
    assert [one["provenance"] for one in report.to_json(public=True)["detections"]] == [
        {"producer": "P"},
        None,
    ]


def test_the_public_does_not_learn_which_answer_a_single_mark_is_from() -> None:
    origin = {"producer": "P", "content_id": "00ff"}
    hint, genuine = found("carrier", INCONCLUSIVE, provenance=origin), found("carrier", provenance=origin)
    report = judge("春", [genuine, hint, found("carrier", INCONCLUSIVE)])
    assert [one["provenance"] for one in report.to_json(public=True)["detections"]] == [
        origin,
        {"producer": "P"},
        None,
    ]
    assert report.to_json()["detections"][1]["provenance"] == origin


TEXT = "春江潮水。连海平！海上明月\n共潮生"
SCORED = found(
    "carrier", spans=((1, 3),), z_score=4.2, p_value=1e-9, num_units_scored=11, detail="9 of 11 grains",
    provenance={"producer": "P"},
)  # fmt: skip


def test_the_full_report_holds_all_evidence() -> None:
    assert judge(TEXT, [SCORED]).to_json()["detections"] == [
        {
            "detector": "carrier",
            "outcome": "present",
            "technique": "t",
            "spans": [[1, 3]],
            "provenance": {"producer": "P"},
            "z_score": 4.2,
            "p_value": 1e-9,
            "num_units_scored": 11,
            "detail": "9 of 11 grains",
            "limits": " ".join(LIMITS["carrier"]),
        }
    ]


def test_the_public_report_has_no_scores_and_spans_of_whole_sentences() -> None:
    explicit = found("explicit", spans=((6, 7),), detail="a label")
    first, second = judge(TEXT, [SCORED, explicit]).to_json(public=True)["detections"]
    assert first["spans"] == [[0, 5]]
    assert (first["z_score"], first["p_value"], first["num_units_scored"], first["detail"]) == (
        None,
        None,
        None,
        "",
    )
    assert first["provenance"] == {"producer": "P"}
    assert (second["spans"], second["detail"]) == ([[5, 9]], "a label")


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], []),
        ([(0, 1)], ["春江潮水。"]),
        ([(4, 5)], ["春江潮水。"]),
        ([(5, 6)], ["连海平！"]),
        ([(4, 6)], ["春江潮水。连海平！"]),
        ([(0, 1), (6, 7)], ["春江潮水。连海平！"]),
        ([(0, 1), (10, 11)], ["春江潮水。", "海上明月\n"]),
        ([(10, 11), (0, 1)], ["春江潮水。", "海上明月\n"]),
        ([(0, 12), (1, 2)], ["春江潮水。连海平！海上明月\n"]),
        ([(14, 17)], ["共潮生"]),
        ([(3, 3)], ["春江潮水。"]),
        ([(5, 5)], ["连海平！"]),
    ],
)
def test_spans_are_widened_to_the_sentences_they_touch(
    spans: list[tuple[int, int]], expected: list[str]
) -> None:
    assert [TEXT[a:b] for a, b in sentence_spans(TEXT, spans)] == expected


def test_a_full_stop_ends_a_sentence_only_before_a_space() -> None:
    text = "Version 1.5 is out. Good"
    assert sentence_spans(text, [(0, 1)]) == [(0, 19)]
    assert sentence_spans(text, [(20, 21)]) == [(19, 24)]


@given(
    st.text(alphabet="春江。!\n. a", max_size=40),
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 10)), max_size=6),
)
def test_widened_spans_cover_the_given_ones_are_apart_and_end_with_sentences(
    text: str, raw: list[tuple[int, int]]
) -> None:
    spans = [(a, min(a + n, len(text))) for a, n in raw if a < len(text)]
    wide = sentence_spans(text, spans)
    for start, end in spans:
        assert any(a <= start and end <= b for a, b in wide)
    for (_, b), (c, _) in pairwise(wide):
        assert b < c
    for a, b in wide:
        assert a == 0 or text[a - 1] in "。!\n."
        assert b == len(text) or text[b - 1] in "。!\n."
