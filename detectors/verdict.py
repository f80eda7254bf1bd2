"""属于 / 可能 / 疑似 / nothing found: the verdict from the detections, and the statutory label apart from it.

Our evidence and the statute are kept apart. The statute (标识办法 art. 6) knows three grounds:
metadata that says so (属于), a declaration of the user (可能), an explicit label or other traces
(疑似). Metadata with Label 2 or 3 keeps its own meaning; a `metadata` detection has the label in
its provenance, under "label", and under "signature" what became of checking it. A genuine carrier of ours
is an implicit label in watermark form (art. 3, 5): 属于, with that as its basis. Everything that is moved,
foreign, incomplete, statistical or a fingerprint is a trace.

Once the two differ: a statistical mark under a key of ours that chance gives one text in a million shows that
we put the text out (`confirmed`), yet the articles know no such ground, so the statutory label stays 疑似.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from detectors.detection import Detection, Outcome

__all__ = [
    "CERTAIN_P",
    "CREDENTIALS",
    "LIMITS",
    "NOT_FOUND_NOTICE",
    "SIGNATURES",
    "Report",
    "Words",
    "judge",
    "sentence_spans",
    "sentences",
]

CERTAIN_P = 1e-6

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
_NOTHING = "标识办法第六条：未检出"
_METADATA = {
    "1": ("confirmed", "标识办法第六条（一）：文件元数据中的隐式标识"),
    "2": ("possible", "标识办法第六条：文件元数据标明可能为生成合成内容"),
    "3": ("suspected", "标识办法第六条：文件元数据标明疑似为生成合成内容"),
}
_STATUTORY = {"confirmed": "1", "possible": "2", "suspected": "3", "not_found": None}

# In English and in Chinese.
Words = tuple[str, str]

# What was found of the signature of metadata (`provenance["signature"]`), as the notice says it.
SIGNATURES: Mapping[str, Words] = MappingProxyType(
    {
        "missing": (
            "The metadata is not signed: anyone can have written it.",
            "元数据未签名，任何人都可以写入。",
        ),
        "invalid": (
            "The signature of the metadata is wrong: it was altered or forged.",
            "元数据签名无效：可能被篡改或伪造。",
        ),
        "valid": (
            "The metadata is signed and unaltered, but by a key that this service does not know.",
            "元数据签名有效，但签名密钥不为本服务所知。",
        ),
        "trusted": (
            "The metadata is signed by a key that this service trusts.",
            "元数据由本服务信任的密钥签名。",
        ),
    }
)
# The same of a C2PA manifest.
CREDENTIALS: Mapping[str, Words] = MappingProxyType(
    {
        "trusted": (
            "The C2PA manifest is intact, and its signer is one that this service trusts.",
            "C2PA 清单完整，签署者为本服务所信任。",
        ),
        "valid": (
            "The C2PA manifest is intact, but its signer is not trusted: no root that this service knows vouches for it.",
            "C2PA 清单完整，但签署者不受信任：没有本服务所知的根证书为其担保。",
        ),
        "invalid": (
            "The C2PA manifest is not valid: the content or the manifest was changed.",
            "C2PA 清单无效：内容或清单被改动过。",
        ),
    }
)
_LOGGED = (
    "Passages of the text were logged by this service when a model put them out; that is no proof of who wrote them.",
    "本服务曾输出并登记过文中的段落，这不能证明作者是谁。",
)
_MOVED = (
    "A genuine mark of this service stands on a text that it was not made for, or that was heavily edited: "
    "it does not speak for this text.",
    "文中的水印真实，但与该文本不符（被移植或大幅改动），不能说明该文本的来源。",
)

# What each technique cannot say.
LIMITS: Mapping[str, Words] = MappingProxyType(
    {
        "explicit": (
            "Anyone can type a label, and anyone can remove it.",
            "任何人都可以添加或删除显式标识。",
        ),
        "metadata": (
            "Metadata speaks of the file, not of its words, and is lost when the text is copied out of it.",
            "元数据说明的是文件而非文字，复制文本时会丢失。",
        ),
        "carrier": (
            "It shows that this service put the text out, not that it wrote it; its absence proves nothing.",
            "只能说明由本服务输出，不能说明由其创作；没有水印不说明任何问题。",
        ),
        "statistical": (
            "A probability, not a proof; short or reworded texts give none.",
            "只是概率而非证明；短文本或改写后的文本无法判断。",
        ),
        "fingerprint": (
            "It knows only what this service logged, and a text that a model was asked to repeat was logged too.",
            "只能认出本服务登记过的输出；让模型复述的文本也会被登记。",
        ),
        "c2pa": (
            "It shows who signed what, not whether that is true.",
            "只能说明谁签署了什么，不能说明内容真实。",
        ),
        "foreign": (
            "Another system's mark, which cannot be verified here.",
            "其他系统的标记，此处无法核验。",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer of a detection. `verdict`: confirmed, possible, suspected or not_found; `label`: the
    statutory one, "1", "2", "3" or None, and its `basis`.
    """

    verdict: str
    basis: str
    detections: tuple[Detection, ...]
    text: str
    label: str | None
    remarks: tuple[Words, ...] = ()
    """What must be said beside the verdict, in English and Chinese."""

    @property
    def notice(self) -> str:
        return " ".join([_NOTICES[self.verdict], *(" ".join(remark) for remark in self.remarks)])

    def to_json(self, *, public: bool = False) -> dict[str, Any]:
        """The report of the interface.

        `public`: without scores, also in words, and with spans widened to sentences. A public oracle with exact
        evidence would let marks be erased or moved by trial and error.
        """
        return {
            "verdict": self.verdict,
            "detections": [_public(d, self.text) if public else _full(d) for d in self.detections],
            "statutory": {"label": self.label, "basis": self.basis},
            "propagation": {"AIGC": {"Label": self.label}} if self.label is not None else {},
            "notice": self.notice,
        }


def judge(text: str, detections: Sequence[Detection], *, declared: bool = False) -> Report:
    """The verdict. `declared`: whoever gave the text says that it is AI-generated."""
    verdict, basis = "not_found", _NOTHING
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
    elif any(_is_trace(d) for d in detections):
        verdict = "suspected"
        basis = "标识办法第六条（三）：" + ("显式标识" if "explicit" in present else "其他生成合成痕迹")
    label = _STATUTORY[verdict]
    if verdict != "confirmed" and any(map(_is_certain, detections)):
        verdict = "confirmed"
    return Report(verdict, basis, tuple(detections), text, label, _remarks(detections))


def _is_certain(detection: Detection) -> bool:
    """A statistical mark under a key of ours (so its provenance names the epoch) that is no accident."""
    return (
        detection.detector == "statistical"
        and detection.outcome is Outcome.PRESENT
        and "key_epoch" in (detection.provenance or {})
        and detection.p_value is not None
        and detection.p_value < CERTAIN_P
    )


def _remarks(detections: Sequence[Detection]) -> tuple[Words, ...]:
    """Each once."""
    said: list[Words] = []
    for found in detections:
        if found.outcome is Outcome.ABSENT:
            continue
        if found.detector == "metadata":
            state = (found.provenance or {}).get("signature")
            said.append(SIGNATURES.get(str(state), SIGNATURES["missing"]))
        if found.detector == "c2pa":
            signature = str((found.provenance or {}).get("signature", "invalid"))
            said.append(CREDENTIALS.get(signature, CREDENTIALS["invalid"]))
        if found.detector == "fingerprint":
            said.append(_LOGGED)
        if found.detector == "carrier" and found.outcome is Outcome.TAMPERED:
            said.append(_MOVED)
    return tuple(dict.fromkeys(said))


def _is_trace(detection: Detection) -> bool:
    """Weak statistical evidence is none: one human text in a thousand shows as much by chance."""
    if detection.detector == "statistical":
        return detection.outcome is Outcome.PRESENT
    return detection.outcome is not Outcome.ABSENT


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
    fields["heat"] = [list(one) for one in detection.heat]
    if not detection.heat:
        del fields["heat"]
    fields["limits"] = " ".join(LIMITS.get(detection.detector, ()))
    return fields


# Their details tell how much of a mark is left.
_SCORED = frozenset({"carrier", "statistical", "fingerprint"})


def _is_hint(detection: Detection) -> bool:
    """An answer that only the index of issued marks names."""
    return detection.detector == "carrier" and detection.outcome is Outcome.INCONCLUSIVE


def _public(detection: Detection, text: str) -> dict[str, Any]:
    fields = _full(detection)
    fields.pop("heat", None)
    if detection.detector in _SCORED:
        fields["detail"] = ""
    if detection.provenance and (detection.detector == "fingerprint" or _is_hint(detection)):
        # A mark shows its number to everybody who reads it; which answer was logged or indexed, only we know.
        fields["provenance"] = {"producer": detection.provenance["producer"]}
    if detection.provenance and detection.detector == "statistical":
        # Nor how much of a text it takes to name an answer: that would be a scale to edit along.
        fields["provenance"] = {"key_epoch": detection.provenance["key_epoch"]}
    spans = sentence_spans(text, detection.spans)
    return fields | {
        "spans": [list(span) for span in spans],
        "z_score": None,
        "p_value": None,
        "num_units_scored": None,
    }


_SENTENCE_END = re.compile(r"[。！？!?\n]+|\.(?=\s|$)")


def sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence stands, the white space and line breaks after it included; together the whole text."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    if text and (not ends or ends[-1] < len(text)):
        ends.append(len(text))
    return list(pairwise([0, *ends]))


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
