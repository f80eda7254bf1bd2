"""One request, from review to record.

The order is the law's: the record "accepted" is durable before anything is forwarded; the
input is reviewed before the model sees it, the output before the client does; the closing
record is durable before the last frame leaves, and is written however the request ends.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson

from labelers.explicit import strip_labels
from labelers.metadata import Origin, read_aigc_header
from labelers.provenance import Provenance, content_number
from proxy.answering import Answering, Texts, content_filter
from proxy.call import Call, Presence, Reply
from proxy.errors import ApiError, WireError
from proxy.fallback import open_first
from proxy.house import House
from proxy.outcome import Outcome
from proxy.policy import Plan, plan
from proxy.recording import Recording
from proxy.records.record import BLOCKED
from proxy.review.doubts import Doubts
from proxy.review.entry import Action, Direction
from proxy.review.library import Library
from proxy.review.reviewer import Finding
from proxy.review.scope import Passage
from proxy.sampling import open_added, open_sampled
from proxy.second_stage import Inquiry
from proxy.shadow import Said
from proxy.tokens import encoding_for
from proxy.upstreams import Upstream, UpstreamError, UpstreamRequest, UpstreamResponse
from proxy.wire.endpoint import Endpoint
from proxy.wire.form import form_texts, is_form
from proxy.wire.headers import forwarded_headers
from proxy.wire.inputs import InputEndpoint
from proxy.wire.jsonedit import remove_member, replace_values
from proxy.wire.prompts import holds_tokens
from proxy.wire.sse import PING

__all__ = ["Exchange"]


class Exchange:
    """One request to an endpoint with text, streamed or not."""

    def __init__(self, house: House, endpoint: Endpoint | InputEndpoint, call: Call, reply: Reply) -> None:
        self._house = house
        self._endpoint = endpoint
        self._call = call
        self._reply = reply
        self._outcome = Outcome()
        self._recording = Recording(house, call.request_id)
        self._presence = Presence(reply, house.settings.server.keepalive_seconds, self._ping)
        self._gate = house.gates[call.rules.tenant]
        self._streaming = False
        self._input_digest = ""
        self._user = ""
        self._texts: Texts = ()
        self._plan: Plan | None = None

    async def run(self) -> None:
        """Serves the request. Raises ApiError while nothing has been sent yet."""
        pump = asyncio.current_task()
        assert pump is not None
        watcher = self._presence.watch(pump)
        self._house.entered()
        try:
            await self._run()
        except asyncio.CancelledError:
            self._outcome.reason = "the client left" if self._presence.left else "the server stopped"
            await self._close()
            if not self._presence.left:
                raise
            pump.uncancel()
        except ApiError as error:
            if self._outcome.reason == "internal error":
                self._outcome.reason = str(error)
            self._outcome.http_status = error.status
            await self._close()
            raise
        finally:
            watcher.cancel()
            if self._streaming:
                self._gate.end_stream()
            try:
                await self._close()
            finally:
                self._house.left()

    async def _run(self) -> None:
        house, call = self._house, self._call
        endpoint = self._endpoint
        body = self._parsed()
        if any(holds_tokens(body.get(key)) for key in ("prompt", "input")) and type(body.get("model")) is str:
            # A vocabulary takes a second to load, once a process; nobody else's stream stands still for it.
            await asyncio.to_thread(encoding_for, body["model"])
        endpoint.check(body)
        raw, body = self._without_traces(body)
        asks = endpoint.asks(body)
        if asks.moderation:
            raw = remove_member(raw, "moderation")
        routes = house.routes(asks.model, call.rules)
        house.statistical.check([settings for settings, _ in routes], body)
        if asks.streamed:
            self._gate.begin_stream()
            self._streaming = True
        self._user = _end_user(call, body)
        session = call.headers.get("x-aigc-session", "")
        library = house.library.pick(call.rules.tenant, self._user or session or call.request_id)
        review = call.rules.review
        if library is None and (review.input or review.output) and not house.settings.on_loopback:
            raise ApiError(
                503,
                "no feature library is published, so nothing can be reviewed; the operator must publish one "
                "(inkseal library import FILE --publish) or switch review off",
                type_="server_error",
                code="library_missing",
            )
        now = house.clock.now_ms()
        numbers = [content_number(now, house.clock.random24()) for _ in range(asks.n)]
        first = Provenance(call.rules.producer_of(asks.model), numbers[0], key_id=call.rules.key_id)
        steering = house.statistical.steer(call.rules, routes[0][0], endpoint.path, body, first)
        decided = self._plan = plan(
            call.rules,
            asks,
            request_id=call.request_id,
            library=library,
            content_numbers=numbers,
            hint_only=call.headers.get("x-aigc-label", "").lower() == "hint",
            endpoint=call.path,
            now_ms=now,
            grant=house.unlabelled_grant(call.rules, self._user, now) if endpoint.generates else "not asked",
            steered=steering.sampled if steering is not None else None,
            rewording=steering.rewording if steering is not None else None,
        )
        texts = self._texts = list(endpoint.texts(body))
        self._input_digest = house.cipher.digest("\n".join(text for _, text in texts))
        await self._accept(decided, routes[0][1], now)
        if library is not None:
            scopes = [
                decided.scope(Direction.INPUT, role) for role in dict.fromkeys(role for role, _ in texts)
            ]
            scopes.append(decided.scope(Direction.OUTPUT, "assistant"))
            if not library.knows(scopes):  # entries for some only: the first of them waits, nobody else
                await asyncio.to_thread(library.prepare, scopes)
        inquiry = self._inquiry(decided)
        blocked = await self._review_input(decided, library, texts, inquiry)
        decided = self._plan = replace(
            decided,
            input_findings=[finding for _, finding in self._outcome.findings],
            doubts=_doubts(inquiry),
        )
        if blocked is not None:
            await self._refuse(decided, blocked)
            return
        request = UpstreamRequest("POST", endpoint.path, forwarded_headers(call.headers), raw)
        try:
            opening = open_first(routes, request, self._outcome.attempts, house.resting)
            if steering is not None and steering.drives:
                provenances = [decided.provenance(index) for index in range(decided.expected)]
                opening = open_sampled(
                    routes, request, self._outcome.attempts, house.resting, steering, provenances, now // 1000
                )
            elif steering is not None and steering.added:
                opening = open_added(routes, request, self._outcome.attempts, house.resting, steering)
            async with opening as response:
                origin = self._origin(response)
                if origin is not None:
                    decided = self._plan = decided.labelled_by(origin)
                await Answering(house, endpoint, self._reply, self._outcome, self._close, inquiry).carry(
                    decided, texts, response
                )
        except UpstreamError as error:
            self._outcome.reason = f"upstream: {error.kind}: {error}"
            if self._reply.started:
                raise  # _stream has told the client already
            raise ApiError(
                error.status,
                f"the model server gave no answer: {error.kind}",
                type_="upstream_error",
                code="upstream_error",
            ) from error
        except WireError as error:
            self._outcome.reason = f"upstream: protocol: {error}"
            raise ApiError(502, str(error), type_="upstream_error", code="upstream_protocol") from error

    # -- the way in

    def _parsed(self) -> dict[str, Any]:
        endpoint, kind = self._endpoint, self._call.headers.get("content-type", "")
        if isinstance(endpoint, InputEndpoint) and endpoint.form and is_form(kind):
            return form_texts(self._call.body, kind)
        return _parsed(self._call.body)

    def _without_traces(self, body: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
        own = self._call.rules.own_labels
        edits = self._endpoint.history(body, lambda text: strip_labels(text, own), self._house.strip_marks)
        if not edits:
            return self._call.body, body
        raw = replace_values(self._call.body, edits)
        return raw, orjson.loads(raw)

    def _inquiry(self, plan: Plan) -> Inquiry | None:
        """What a second stage is asked in this exchange; None where there is none."""
        wanted = plan.rules.review.second_stage
        if wanted.by == "none" or plan.library is None:
            return None
        asked = (upstream for settings, upstream in self._house.upstreams if settings.name == wanted.upstream)
        breaker = self._house.breaker(wanted.upstream)
        inquiry = Inquiry(wanted, plan.library, next(asked, None), plan.request_id, breaker)
        self._outcome.second_stage = inquiry.asked
        return inquiry

    async def _review_input(
        self, plan: Plan, library: Library | None, texts: Texts, inquiry: Inquiry | None
    ) -> Finding | None:
        if library is None or not plan.rules.review.input:
            return None
        found = [
            (number, finding)
            for number, (role, text) in enumerate(texts)
            for finding in library.review(text, plan.scope(Direction.INPUT, role))
        ]
        findings = [finding for _, finding in found]
        if inquiry is not None and all(finding.action is not Action.BLOCK for finding in findings):
            findings = await inquiry.look_at_input(texts, found)
        self._outcome.findings += [(Direction.INPUT, finding) for finding in findings]
        return next((finding for finding in findings if finding.action is Action.BLOCK), None)

    async def _refuse(self, plan: Plan, blocked: Finding) -> None:
        """A blocked request: the model never saw it (wire: refusal with 200, or 400)."""
        self._outcome.status = BLOCKED
        self._outcome.reason = f"input: {blocked.category}"
        headers = [("x-inkseal-review-id", plan.request_id), ("x-should-retry", "false")]
        endpoint = self._endpoint
        if isinstance(endpoint, InputEndpoint) or plan.rules.review.on_block == "error":
            raise content_filter(plan, "request", blocked, endpoint.param)
        self._outcome.http_status = 200
        text = plan.refusal(blocked)
        created = self._house.clock.now_ms() // 1000
        make = endpoint.refusal_stream if plan.streamed else endpoint.refusal
        data = make(plan, text, blocked, created)
        await self._close()
        kind = "text/event-stream; charset=utf-8" if plan.streamed else "application/json"
        await self._reply.start(200, [("content-type", kind), *headers])
        await self._reply.send(data, more=False)

    # -- while it lasts

    def _origin(self, response: UpstreamResponse) -> Origin | None:
        """Who labelled the answer, where the upstream that gave it is trusted to say so."""
        answered = self._outcome.attempts[-1]["upstream"]
        if any(s.trusted_labels and s.name == answered for s, _ in self._house.upstreams):
            return read_aigc_header(dict(response.headers).get("x-aigc", ""))
        return None

    async def _ping(self) -> None:
        """Keeps a stream alive whose answer is held back."""
        streaming = self._reply.started and self._plan is not None and self._plan.streamed
        silence = asyncio.get_running_loop().time() - self._outcome.sent_at
        if (
            streaming
            and not self._recording.closing
            and silence >= self._house.settings.server.keepalive_seconds
        ):
            await self._reply.send(PING)

    # -- the record

    async def _accept(self, plan: Plan, upstream: Upstream, now: int) -> None:
        call = self._call
        fields = {
            "endpoint": call.path,
            "tenant": plan.rules.tenant,
            "model": plan.model,
            "upstream": upstream.name,
            "streamed": plan.streamed,
            "n": plan.expected,
            "content_ids": self._content_ids(plan),
            "input_digest": self._input_digest,
            "caller_request_id": call.headers.get("x-request-id", ""),
            "session": call.headers.get("x-aigc-session", ""),
            "user": self._user,
        }
        if plan.grant and self._endpoint.generates:
            fields["unlabelled_grant"] = plan.grant
        if self._endpoint.generates:
            self._recording.content_id = plan.provenance(0).content_id
        self._recording.library_version = plan.library.version if plan.library is not None else ""
        await self._recording.accept(fields, now)

    async def _close(self) -> None:
        """Writes the closing record, once."""
        if not self._recording.open:
            return
        self._presence.settled = True
        if self._outcome.answered and self._gate.counts_tokens:
            self._gate.spend(self._outcome.tokens(self._call.body), self._house.clock.monotonic())
        plan, outcome = self._plan, self._outcome
        assert plan is not None  # nothing is accepted before it is planned
        fields = {
            "endpoint": self._call.path,
            "tenant": plan.rules.tenant,
            "model": plan.model,
            "content_ids": self._content_ids(plan),
            "reviewed": {
                "input": plan.library is not None and plan.rules.review.input,
                "output": plan.reviews_output and (self._endpoint.generates or self._outcome.echoed),
            },
            **outcome.fields(plan, self._house.cipher.digest),
        }
        secret = outcome.secret(self._house.settings.records.store_text, self._call.body)
        await self._recording.close(outcome.status, fields, secret)
        if plan.rules.fingerprints:
            for lane in outcome.lanes:
                self._house.fingerprints.note(int(lane.content_id, 16), "".join(lane.generated))
        if plan.rules.marks_indexed:
            for lane in outcome.lanes:
                if plan.names_answer or (plan.carrier and lane.counts["marks"] > 0):
                    number = int(lane.content_id, 16)
                    self._house.marks.note(number, plan.issued(number))
        self._house.metrics.closed(
            self._call.path, outcome.status, outcome.all_findings(), outcome.second_stage
        )
        self._read_along(plan)

    def _read_along(self, plan: Plan) -> None:
        """For a version on trial in the shadow, now that all has been said."""
        shadow, outcome, house = self._house.library.shadow, self._outcome, self._house
        if shadow is None or plan.library is None:
            return
        told = self._texts if plan.rules.review.input else ()
        lanes = outcome.lanes if plan.reviews_output else ()
        answers = plan.scope(Direction.OUTPUT, "assistant")
        said = Said(
            self._call.request_id,
            plan.library.version,
            [
                *(
                    Passage(plan.scope(Direction.INPUT, role), text, f"request, {role}")
                    for role, text in told
                ),
                *(
                    Passage(answers, "".join(lane.generated), f"answer {number}", plan.asks.json_output)
                    for number, lane in enumerate(lanes, 1)
                ),
                *(Passage(answers, text, "beside the answer") for lane in lanes for text in lane.others),
            ],
            frozenset((direction, finding.entry_id) for direction, finding in outcome.all_findings()),
        )
        if not house.shadow.offer(shadow, said):
            house.metrics.shadow_dropped += 1

    def _content_ids(self, plan: Plan) -> list[str]:
        """One for each text that is generated; none where nothing is."""
        if not self._endpoint.generates:
            return []
        return [plan.provenance(index).content_id for index in range(plan.expected)]


def _doubts(inquiry: Inquiry | None) -> tuple[Doubts, Doubts] | None:
    if inquiry is None:
        return None
    own, others = inquiry.doubts(sampled=True), inquiry.doubts(sampled=False)
    return (own, others) if own is not None and others is not None else None


def _end_user(call: Call, body: dict[str, Any]) -> str:
    """Who asked, as the app tells it: our header, else what the OpenAI API has for it."""
    for said in (call.headers.get("x-aigc-user"), body.get("safety_identifier"), body.get("user")):
        if type(said) is str and said:
            return said
    return ""


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except ValueError as error:
        raise ApiError(400, f"the request body is not valid JSON: {error}", code="invalid_json") from error
    if type(body) is not dict:
        raise ApiError(400, "the request body must be a JSON object", code="invalid_json")
    return body
