"""属于 / 可能 / 疑似 / nothing found: the verdict from the detections, and the statutory label apart from it.

Our evidence and the statute are kept apart. The statute (标识办法 art. 6) knows three grounds:
metadata that says so (属于), a declaration of the user (可能), an explicit label or other traces
(疑似). Metadata with Label 2 or 3 keeps its own meaning; a `metadata` detection has the label in
its provenance, under "label". A genuine carrier of ours is an implicit label in watermark form
(art. 3, 5): 属于, with that as its basis. Everything that is moved, foreign or incomplete is a trace.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from detectors.detection import Detection, Outcome

__all__ = ["NOT_FOUND_NOTICE", "Report", "judge", "sentence_spans"]

NOT_FOUND_NOTICE = (
    "Nothing was found. That does not mean that a human wrote the text: marks can be lost or removed, and much AI text "
    "carries none. 未发现标识不代表该内容由人类撰写。"
)
_NOTICES = {
    "confirmed": "该内容属于人工智能生成合成内容。 The text was output by the service named here, "
    "which is not the same as written by it: a model that is asked to repeat a text marks that too.",
    "possible": "该内容可能为人工智能生成合成内容。 Whoever provided the text declared it as AI-generated; no mark was found.",
    "suspected": "该内容疑似为人工智能生成合成内容。 Traces were found that prove neither who made the text nor that a machine did.",
    "not_found": NOT_FOUND_NOTICE,
}
_METADATA = {
    "1": ("confirmed", "标识办法第六条（一）：文件元数据中的隐式标识"),
    "2": ("possible", "标识办法第六条：文件元数据标明可能为生成合成内容"),
    "3": ("suspected", "标识办法第六条：文件元数据标明疑似为生成合成内容"),
}
_STATUTORY = {"confirmed": "1", "possible": "2", "suspected": "3", "not_found": None}


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer of a detection. `verdict`: confirmed, possible, suspected or not_found."""

    verdict: str
    basis: str
    detections: tuple[Detection, ...]
    text: str

    def to_json(self, *, public: bool = False) -> dict[str, Any]:
        """The report of the interface.

        `public`: without scores, also in words, and with spans widened to sentences. A public oracle with exact
        evidence would let marks be erased or moved by trial and error.
        """
        label = _STATUTORY[self.verdict]
        return {
            "verdict": self.verdict,
            "detections": [_public(d, self.text) if public else _full(d) for d in self.detections],
            "statutory": {"label": label, "basis": self.basis},
            "propagation": {"AIGC": {"Label": label}} if label is not None else {},
            "notice": _NOTICES[self.verdict],
        }


def judge(text: str, detections: Sequence[Detection], *, declared: bool = False) -> Report:
    """The verdict. `declared`: whoever gave the text says that it is AI-generated."""
    verdict, basis = "not_found", "标识办法第六条：未检出"
    present = {d.detector for d in detections if d.outcome is Outcome.PRESENT}
    metadata = _metadata_label(detections)
    if metadata == "1":
        verdict, basis = _METADATA[metadata]
    elif "carrier" in present:
        verdict, basis = "confirmed", "标识办法第三条、第五条：数字水印形式的隐式标识；第六条（一）"
    elif metadata:
        verdict, basis = _METADATA[metadata]
    elif declared:
        verdict, basis = "possible", "标识办法第六条（二）：用户声明"
    elif any(d.outcome is not Outcome.ABSENT for d in detections):
        verdict = "suspected"
        basis = "标识办法第六条（三）：" + ("显式标识" if "explicit" in present else "其他生成合成痕迹")
    return Report(verdict, basis, tuple(detections), text)


def _metadata_label(detections: Sequence[Detection]) -> str:
    """The strongest Label that metadata holds, "" if there is none that we can read."""
    labels = [
        (d.provenance or {}).get("label")
        for d in detections
        if d.detector == "metadata" and d.outcome is Outcome.PRESENT
    ]
    return min((label for label in labels if label in _METADATA), default="")


def _full(detection: Detection) -> dict[str, Any]:
    fields = asdict(detection)
    fields["outcome"] = str(detection.outcome)
    fields["spans"] = [list(span) for span in detection.spans]
    return fields


# Their details tell how much of a mark is left.
_SCORED = frozenset({"carrier", "statistical", "fingerprint"})


def _public(detection: Detection, text: str) -> dict[str, Any]:
    fields = _full(detection)
    if detection.detector in _SCORED:
        fields["detail"] = ""
    spans = sentence_spans(text, detection.spans)
    return fields | {
        "spans": [list(span) for span in spans],
        "z_score": None,
        "p_value": None,
        "num_units_scored": None,
    }


_SENTENCE_END = re.compile(r"[。！？!?\n]+|\.(?=\s|$)")


def sentence_spans(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans widened to the sentences they touch, those that then meet made one."""
    if not spans:
        return []
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        first = bisect.bisect_right(ends, start)
        last = bisect.bisect_left(ends, max(end, start + 1))
        left = ends[first - 1] if first else 0
        right = ends[last] if last < len(ends) else len(text)
        if merged and left <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(right, merged[-1][1]))
        else:
            merged.append((left, right))
    return merged
