"""Every decision about one exchange, made once.

`Rules` is what holds for a tenant as long as the settings do; `plan` adds what this request
asks for and gives a `Plan`: a frozen set of decisions that makes the lanes of the answer and
says, in the AIGC object, what was decided and what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Protocol

from labelers.explicit import ExplicitLabel, LabelStrings
from labelers.locales import locale_of
from labelers.metadata import Origin, aigc_fields, aigc_headers
from labelers.provenance import Provenance
from labelers.watermarks import WatermarkScheme
from proxy.errors import ApiError
from proxy.lane import Lane
from proxy.review.doubts import Doubts
from proxy.review.entry import Action, Direction
from proxy.review.json_reviewer import JsonReviewer
from proxy.review.library import Library
from proxy.review.reviewer import Finding, Reviewer
from proxy.review.scope import Scope
from proxy.settings import Labels, Review, Statistical
from proxy.wire.annotations import filter_results, inner_error, prompt_filter_results, response_filters
from proxy.wire.endpoint import Asks
from proxy.wire.moderation import moderation_error, moderation_result, moderation_results

__all__ = ["Plan", "Rules", "Steered", "plan"]

SAYING = ("best_of_n", "logprob_walk", "engine")  # the schemes whose marks can say something


class Steered(Protocol):
    """What became of the statistical mark of one answer. `unmarked`: why it, or its rest, has none."""

    @property
    def scheme(self) -> str: ...
    @property
    def unmarked(self) -> str: ...

    def fields(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one tenant. `carrier` is None where it is switched off."""

    tenant: str
    producer: str
    labels: Labels
    review: Review
    strings: Mapping[str, LabelStrings]
    own_labels: tuple[str, ...]
    carrier: WatermarkScheme | None
    key_id: int
    models: tuple[str, ...] = ("*",)
    services: tuple[tuple[str, str], ...] = ()
    """Patterns of models and the producer codes of their services; the first that fits counts."""
    due_above_tokens: int = 0
    """Free text longer than this must carry a watermark; 0: none must."""
    sign: Callable[[Mapping[str, str]], str] | None = None
    """Makes ReservedCode1, where the operator wants answers signed too."""
    fingerprints: bool = False
    marks_indexed: bool = False
    """The carriers that go out are noted in the index of issued marks."""
    statistical: Statistical = field(default_factory=Statistical)

    def producer_of(self, model: str) -> str:
        return next((code for pattern, code in self.services if fnmatchcase(model, pattern)), self.producer)


@dataclass(frozen=True, slots=True)
class Plan:
    """The decisions for one request; an `AnswerPolicy` for its answer."""

    rules: Rules
    asks: Asks
    request_id: str
    locale: str
    library: Library | None
    content_numbers: Sequence[int]
    positions: tuple[str, ...]
    skipped: str
    carrier: bool
    producer: str
    grant: str = ""
    """By which entry of the register the answer goes out without any explicit label; "" for all others."""
    input_findings: Sequence[Finding] = ()
    endpoint: str | None = None
    now_ms: int | None = None
    """When the request came, for entries that are in force for a time."""
    origin: Origin | None = None
    """Who labelled the answer before us, where that upstream is trusted to have done so."""
    steered: Steered | None = None
    rewording: WatermarkScheme | None = None
    doubts: tuple[Doubts, Doubts] | None = None
    """What a second stage is asked of a choice's own text, and of all others; None where nobody is asked."""

    @property
    def model(self) -> str:
        return self.asks.model

    @property
    def streamed(self) -> bool:
        return self.asks.streamed

    @property
    def expected(self) -> int:
        return self.asks.n

    @property
    def refusal_field(self) -> bool:
        return self.asks.json_output

    @property
    def include_usage(self) -> bool:
        return self.asks.include_usage

    @property
    def strings(self) -> LabelStrings:
        return self.rules.strings[self.locale]

    @property
    def reviews_output(self) -> bool:
        return self.rules.review.output and self.library is not None

    def provenance(self, index: int) -> Provenance:
        numbers = self.content_numbers
        # An upstream that numbers its choices beyond n gets numbers that follow on.
        return self.issued(numbers[index] if index < len(numbers) else numbers[-1] + index)

    @property
    def names_answer(self) -> bool:
        """Whether the choice of words or tokens says which answer it is."""
        steered = self.steered
        return (
            self.rules.statistical.payload
            and steered is not None
            and not steered.unmarked
            and steered.scheme in SAYING
        )

    def issued(self, content_number: int) -> Provenance:
        """What the marks of the text of this number say."""
        return Provenance(self.producer, content_number, key_id=self.rules.key_id)

    def lane(self, index: int) -> Lane:
        provenance = self.provenance(index)
        carrier = self.rules.carrier if self.carrier else None
        echo = self.asks.echo
        return Lane(
            self._reviewer(
                self.doubts[0] if self.doubts is not None else None,
                JsonReviewer if self.asks.json_output else Reviewer,
            ),
            self.refusal,
            carrier.new_transform(provenance) if carrier is not None else None,
            ExplicitLabel(self.strings, self.positions, self.rules.labels.inline_every_chars)
            if self.positions
            else None,
            provenance.content_id,
            echo[index] if index < len(echo) else "",
            self.rewording.new_transform(provenance) if self.rewording is not None else None,
        )

    def scope(self, direction: Direction, role: str) -> Scope:
        """Where a text of this exchange stands, for entries that are limited."""
        return Scope(direction, role, self.rules.tenant, self.asks.model, self.endpoint, self.now_ms)

    def reviewer(self) -> Reviewer | None:
        return self._reviewer(self.doubts[1] if self.doubts is not None else None)

    def _reviewer(self, doubts: Doubts | None, kind: type[Reviewer] = Reviewer) -> Reviewer | None:
        if self.library is None or not self.rules.review.output:
            return None
        return kind(self.library.kit(self.scope(Direction.OUTPUT, "assistant")), doubts)

    def refusal(self, finding: Finding) -> str:
        assert self.library is not None  # no finding without a library
        return self.library.refusal(finding.category, self.locale)

    def prompt_members(self) -> dict[str, Any]:
        if not self._annotates:
            return {}
        return {"prompt_filter_results": prompt_filter_results(filter_results(self.input_findings))}

    def choice_members(self, lane: Lane) -> dict[str, Any]:
        return {"content_filter_results": filter_results(lane.all_findings)} if self._annotates else {}

    def answer_members(self, lanes: Sequence[Lane] | None) -> dict[str, Any]:
        return {"moderation": self._moderation(lanes)} if self.asks.moderation else {}

    def response_members(self, lanes: Sequence[Lane] | None) -> dict[str, Any]:
        members: dict[str, Any] = {}
        if self.asks.moderation:
            members["moderation"] = moderation_result(self._moderation(lanes))
        if self._annotates:
            said = None if lanes is None else [f for lane in lanes for f in lane.all_findings]
            completion = None if said is None else filter_results(said)
            members["content_filters"] = response_filters(filter_results(self.input_findings), completion)
        return members

    def inner_error(self) -> dict[str, Any] | None:
        """What the error of a blocked request says besides, for Azure's clients."""
        return inner_error(filter_results(self.input_findings)) if self._annotates else None

    @property
    def _annotates(self) -> bool:
        return self.rules.review.annotations == "azure"

    def _moderation(self, lanes: Sequence[Lane] | None) -> dict[str, Any]:
        model = f"inkseal-{self.library.version[:12]}" if self.library is not None else "inkseal"
        told = moderation_error("not_reviewed", "the operator of this service has switched this review off")
        said = told
        if self.library is not None and self.rules.review.input:
            told = moderation_results(model, [self.input_findings])
        if lanes is None:
            said = moderation_error("not_generated", "the request was blocked, so there is no output")
        elif self.reviews_output:
            said = moderation_results(model, [lane.all_findings for lane in lanes])
        return {"input": told, "output": said}

    def aigc(self, lane: Lane, *, last: bool, retract: int | None = None) -> dict[str, Any] | None:
        if not self.rules.labels.metadata:
            return None
        label = lane.label
        positions = list(label.placed) if last and label is not None else list(self.positions)
        skipped = self.skipped or (label.skipped if last and label is not None else "")
        aigc: dict[str, Any] = {
            **self.label_fields(lane.content_id),
            "hint": None if self.grant else self._hint(positions),
            "label": {"positions": positions, "skipped_reason": skipped or None},
            "watermark": self._watermark(last=last),
            "review": {"id": self.request_id, "decision": self.decision(lane, last=last)},
        }
        if last:
            aigc["counts"] = lane.counts
        if retract is not None:
            aigc |= {"event": "retract", "from_char": retract}
        return aigc

    def _hint(self, positions: Sequence[str]) -> dict[str, Any]:
        """What the app shows, and where (GB 45438-2025 §5.6)."""
        return {
            "text": self.strings.hint,
            "placement": "beside the content, shown for as long as it is",
            "must_persist": self.rules.labels.mode == "interface"
            or not (positions or self.origin is not None),
            "locale": self.locale,
        }

    def label_fields(self, content_id: str) -> dict[str, str]:
        """The seven keys of the implicit label, signed if the operator wants that and the text is ours."""
        fields = self._fields(content_id)
        if self.rules.sign is None or self.origin is not None:
            return fields
        return fields | {"ReservedCode1": self.rules.sign(fields)}

    def _fields(self, content_id: str) -> dict[str, str]:
        """Who only carries a labelled text on is its propagator (GB 45438-2025 Annex E)."""
        fields = aigc_fields(self.producer, content_id)
        if self.origin is not None:
            fields |= {
                "Label": self.origin.label,
                "ContentProducer": self.origin.producer,
                "ProduceID": self.origin.produce_id,
            }
        return fields

    def _watermark(self, *, last: bool) -> dict[str, Any]:
        schemes = ["carrier"] if self.carrier and self.rules.carrier is not None else []
        watermark: dict[str, Any] = {"schemes": schemes, "key_id": self.rules.key_id}
        if self.steered is not None:
            if not self.steered.unmarked:
                schemes.insert(0, self.steered.scheme)
            if last:
                watermark["statistical"] = self.steered.fields()
        return watermark

    def decision(self, lane: Lane, *, last: bool = True) -> str:
        if not self.reviews_output:
            return "not_reviewed"
        if lane.blocked is not None:
            return "block"
        if not last:
            return "reviewing"
        actions = {finding.action for finding in lane.all_findings}
        for action in (Action.REPLACE, Action.MASK, Action.FLAG):
            if action in actions:
                return str(action)
        return "pass"

    def headers(self) -> list[tuple[str, str]]:
        """The implicit label in the head of the answer, before any text."""
        if not self.rules.labels.metadata:
            return []
        fields = self._fields(self.provenance(0).content_id)
        return aigc_headers(fields, "" if self.grant else self.strings.hint)

    def labelled_by(self, origin: Origin) -> Plan:
        """The same for an answer that another proxy labelled: reviewed, and neither labelled nor marked again."""
        return replace(self, origin=origin, positions=(), skipped="labelled_upstream", carrier=False)


def plan(
    rules: Rules,
    asks: Asks,
    *,
    request_id: str,
    library: Library | None,
    content_numbers: Sequence[int],
    hint_only: bool = False,
    grant: str = "",
    endpoint: str | None = None,
    now_ms: int | None = None,
    steered: Steered | None = None,
    rewording: WatermarkScheme | None = None,
) -> Plan:
    """Decides for one request. Raises ApiError where a label cannot be left out.

    `hint_only`: the caller asked for no text label (X-AIGC-Label: hint). `grant`: the entry of the register
    that covers this call, which a tenant in mode `unlabelled` needs.
    """
    labels = rules.labels
    if hint_only and labels.mode != "interface":
        raise ApiError(
            400,
            "X-AIGC-Label: hint is for tenants in label mode 'interface'; this key is in mode "
            f"'{labels.mode}'. Drop the header, or ask the operator to change the mode",
            param="X-AIGC-Label",
            code="label_mode",
        )
    positions: tuple[str, ...] = tuple(labels.positions)
    skipped = ""
    if labels.mode == "unlabelled" and not grant:
        raise ApiError(
            403,
            "this key is for content without an explicit label, which is given on application only, and no application "
            "that covers this call is in force. Ask the operator (标识办法 art. 9)",
            code="unlabelled_not_granted",
        )
    if labels.mode in ("interface", "unlabelled"):
        positions, skipped = (), labels.mode
    elif asks.unlabelled:
        if labels.unsafe == "refuse":
            raise ApiError(
                400,
                f"a label in the text would break this answer ({asks.unlabelled}), and this service is set to "
                "refuse such requests (labels.unsafe: refuse)",
                code="label_unsafe",
            )
        positions, skipped = (), asks.unlabelled
    if asks.prefix:
        positions = tuple(p for p in positions if p != "start")
    return Plan(
        rules=rules,
        asks=asks,
        request_id=request_id,
        locale=locale_of(asks.last_user, rules.strings),
        library=library,
        content_numbers=content_numbers,
        positions=positions,
        skipped=skipped,
        # An echo that an upstream spells otherwise than the caller did would be marked as ours.
        carrier=rules.carrier is not None and not (asks.unlabelled or asks.logprobs or asks.echo),
        producer=rules.producer_of(asks.model),
        grant=grant if labels.mode == "unlabelled" else "",
        endpoint=endpoint,
        now_ms=now_ms,
        steered=steered,
        rewording=rewording,
    )
