"""What became of one exchange, and what its closing record says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from labelers.watermarks.due import is_due
from proxy.lane import Lane
from proxy.policy import Plan
from proxy.records.record import ABORTED
from proxy.review.entry import Direction
from proxy.review.reviewer import Finding

__all__ = ["Outcome"]


@dataclass(slots=True)
class Outcome:
    """Filled as the exchange goes on; `findings` are those of the input, the lanes keep their own."""

    status: str = ABORTED
    reason: str = "internal error"
    http_status: int = 0
    lanes: Sequence[Lane] = ()
    usage: dict[str, Any] | None = None
    usage_estimated: bool = False
    upstream_request_id: str = ""
    attempts: list[dict[str, str | int]] = field(default_factory=list)
    findings: list[tuple[Direction, Finding]] = field(default_factory=list)
    answered: bool = False
    """The upstream gave an answer and not an error."""
    second_stage: list[dict[str, Any]] = field(default_factory=list)
    """What a second stage was asked, and what it said."""
    echoed: bool = False
    """An answer that is no text was looked through for what it repeats of the request."""
    sent_at: float = 0.0
    """When something of a stream last went out (the event loop's clock, seconds)."""

    def all_findings(self) -> list[tuple[Direction, Finding]]:
        """Of the input, then of each choice, in whichever of its channels."""
        said = [(Direction.OUTPUT, finding) for lane in self.lanes for finding in lane.all_findings]
        return [*self.findings, *said]

    def fields(self, plan: Plan, digest: Callable[[str], str]) -> dict[str, Any]:
        """For everybody who may read records: no text, but its digest."""
        return {
            "http_status": self.http_status,
            "reason": self.reason,
            "findings": [
                {
                    "direction": str(direction),
                    "entry": finding.entry_id,
                    "category": finding.category,
                    "severity": finding.severity,
                    "action": str(finding.action),
                    "view": finding.view,
                }
                for direction, finding in self.all_findings()
            ],
            "outputs": [_output(plan, lane, digest) for lane in self.lanes],
            "origin": asdict(plan.origin) if plan.origin is not None else None,
            "usage": self.usage,
            "usage_estimated": self.usage_estimated,
            "upstream_request_id": self.upstream_request_id,
            "upstream": self.attempts[-1]["upstream"] if self.attempts else "",
            "attempts": self.attempts,
            "statistical": plan.steered.fields() if plan.steered is not None else None,
            **({"json_output": True} if plan.asks.json_output else {}),
            **({"second_stage": self.second_stage} if self.second_stage else {}),
        }

    def secret(self, store_text: str, request: bytes) -> dict[str, Any] | None:
        """The texts that `records.store_text` wants kept, for the encrypted part."""
        findings = self.all_findings()
        secret: dict[str, Any] = {}
        if store_text != "none" and findings:
            secret["findings"] = [
                {"direction": str(d), "entry": f.entry_id, "text": f.text, "start": f.start, "end": f.end}
                for d, f in findings
            ]
        if store_text == "all":
            secret["request"] = request.decode("utf-8", "replace")
            secret["outputs"] = ["".join(lane.generated) for lane in self.lanes]
            if beside := [text for lane in self.lanes for text in lane.others]:
                secret["beside"] = beside
        return secret or None

    def tokens(self, request: bytes) -> int:
        """What the answer cost: the upstream's figure, else about one token for four bytes of text."""
        total = (self.usage or {}).get("total_tokens")
        if type(total) is int and total >= 0:
            return total
        said = sum(len(part.encode("utf-8", "replace")) for lane in self.lanes for part in lane.generated)
        return (len(request) + said) // 4


def _output(plan: Plan, lane: Lane, digest: Callable[[str], str]) -> dict[str, Any]:
    text = "".join(lane.generated)
    label = lane.label
    above = plan.rules.due_above_tokens
    return {
        "content_id": lane.content_id,
        "digest": digest(text.strip()),
        "chars": len(text),
        "decision": plan.decision(lane),
        "labels": list(label.placed) if label is not None else [],
        "skipped_reason": plan.skipped or (label.skipped if label is not None else ""),
        "carrier": plan.carrier,
        "watermark_due": bool(above) and is_due(text, above),
    }
