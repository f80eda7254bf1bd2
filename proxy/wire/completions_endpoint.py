"""`/v1/completions` as an endpoint of the exchange.

The prompt is the caller's, so it is reviewed, and never labelled. With `suffix` the answer goes
between two texts of the caller, where a label would break it (fill in the middle): no label, no
mark. With `echo` the answer repeats the prompt, and the start label stands where the generated
text begins: between the two, so that whoever cuts the prompt off by its length still gets the
label, and nobody's own text comes back under ours. There is no mark then, for an upstream may
spell the echo otherwise than the caller did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from proxy.errors import ApiError, WireError
from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy
from proxy.wire.assemble import assembled_completion
from proxy.wire.chat_request import check_token_ids
from proxy.wire.completions import CompletionAnswer, CompletionStream
from proxy.wire.endpoint import Asks
from proxy.wire.jsonedit import JsonPath
from proxy.wire.prompts import Decode, prompt_texts
from proxy.wire.refusal import NO_USAGE, refusal_aigc
from proxy.wire.sse import DONE, frame_of
from proxy.wire.strings import string_leaves
from proxy.wire.whole import choices_of

__all__ = ["CompletionsEndpoint"]

MAX_CHOICES = 2048


class CompletionsEndpoint:
    """`decode` reads prompts that come as token ids."""

    path = "/completions"
    param = "prompt"
    generates = True

    def __init__(self, decode: Decode) -> None:
        self._decode = decode

    def check(self, body: dict[str, Any]) -> None:
        if type(body.get("model")) is not str or not body["model"]:
            raise ApiError(
                400, "you must provide a model parameter", param="model", code="missing_required_parameter"
            )
        n = body.get("n")
        if n is not None and (type(n) is not int or not 1 <= n <= 128):
            raise ApiError(400, "'n' must be an integer from 1 to 128", param="n", code="invalid_value")
        for name in ("stream", "echo"):
            if type(body.get(name)) not in (bool, type(None)):
                raise ApiError(400, f"'{name}' must be true or false", param=name, code="invalid_type")
        if body.get("prompt_embeds") is not None:
            raise ApiError(
                400,
                "prompts as embeddings cannot be reviewed; send text",
                param="prompt_embeds",
                code="unsupported_parameter",
            )
        check_token_ids(body)
        if type(body.get("suffix")) not in (str, type(None)):
            raise ApiError(400, "'suffix' must be a string", param="suffix", code="invalid_type")
        if len(self._prompts(body)) * (n or 1) > MAX_CHOICES:
            raise ApiError(
                400, f"'n' times the prompts may be {MAX_CHOICES} at most", param="n", code="invalid_value"
            )

    def asks(self, body: dict[str, Any]) -> Asks:
        prompts = self._prompts(body)
        n = body.get("n") or 1
        options = body.get("stream_options")
        response_format = body.get("response_format")
        kind = response_format.get("type") if isinstance(response_format, dict) else None
        json_output = kind is not None and kind != "text"
        unlabelled = "json" if json_output else ""
        if body.get("suffix") is not None:
            unlabelled = "fim"
        return Asks(
            model=body["model"],
            streamed=bool(body.get("stream")),
            n=n * max(len(prompts), 1),
            include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
            json_output=json_output,
            logprobs=type(body.get("logprobs")) is int or body.get("logprobs") is True,
            unlabelled=unlabelled,
            last_user=prompts[-1] if prompts else "",
            echo=tuple(prompt for prompt in prompts for _ in range(n)) if body.get("echo") else (),
        )

    def texts(self, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Each prompt, with the suffix as the model reads them; then the strings of all other members as one text."""
        suffix = body.get("suffix")
        for prompt in self._prompts(body):
            yield "user", prompt
            if suffix:
                yield "user", prompt + suffix
        rest = [text for _, text in string_leaves({k: v for k, v in body.items() if k != "prompt"})]
        yield "request", "\n".join(rest)

    def history(
        self, body: dict[str, Any], strip_labels: Callable[[str], str], strip_marks: Callable[[str], str]
    ) -> Mapping[JsonPath, str]:
        """Our marks in prompts and suffix; words stay, for they are the caller's. Token ids stay as they are."""
        edits: dict[JsonPath, str] = {}
        for key in ("prompt", "suffix"):
            for path, text in string_leaves(body.get(key)):
                clean = strip_marks(text)
                if clean != text:
                    edits[(key, *path)] = clean
        return edits

    def stream(self, policy: AnswerPolicy) -> CompletionStream:
        return CompletionStream(policy)

    def whole(self, policy: AnswerPolicy) -> CompletionAnswer:
        return CompletionAnswer(policy)

    def refusal(self, policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
        """Status 200 and the operator's words, for every choice that was asked for."""
        choices = [_choice(index, text, "content_filter") for index in range(policy.expected)]
        answer = {"choices": choices, "usage": NO_USAGE, "aigc": refusal_aigc(policy, blocked)}
        answer |= policy.prompt_members()
        return orjson.dumps({**_head(policy, created), **answer})

    def refusal_stream(self, policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
        head, aigc = _head(policy, created), {"aigc": refusal_aigc(policy, blocked)}
        events: list[dict[str, Any]] = []
        for index in range(policy.expected):
            events.append({**head, "choices": [_choice(index, text, None)], **aigc})
            events.append({**head, "choices": [_choice(index, "", "content_filter")], **aigc})
        events[0] |= policy.prompt_members()
        if policy.include_usage:
            events.append({**head, "choices": [], "usage": NO_USAGE})
        return b"".join([*(frame_of(orjson.dumps(event)) for event in events), frame_of(DONE)])

    def as_stream(self, raw: bytes) -> bytes:
        try:
            answer, choices = choices_of(raw)
        except WireError as error:
            raise WireError(
                "the upstream answered a stream request with JSON that is no text completion"
            ) from error
        head = {key: value for key, value in answer.items() if key not in ("choices", "usage")}
        frames = [{**head, "choices": [choice]} for choice in choices]
        if answer.get("usage") is not None:
            frames.append({**head, "choices": [], "usage": answer["usage"]})
        return b"".join([*(frame_of(orjson.dumps(frame)) for frame in frames), frame_of(DONE)])

    def as_whole(self, raw: bytes) -> bytes:
        return assembled_completion(raw)

    def _prompts(self, body: dict[str, Any]) -> list[str]:
        return prompt_texts(body["model"], body.get("prompt"), self._decode, "prompt")


def _head(policy: AnswerPolicy, created: int) -> dict[str, Any]:
    return {
        "id": "cmpl-" + policy.request_id,
        "object": "text_completion",
        "created": created,
        "model": policy.model,
    }


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
