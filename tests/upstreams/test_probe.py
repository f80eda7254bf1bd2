"""What an upstream can do: declared, known of its kind, or found out by asking."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from proxy.settings import Abilities
from proxy.upstreams import UpstreamError, UpstreamRequest, replies
from proxy.upstreams.capabilities import Capabilities, choose_scheme, with_prefix
from proxy.upstreams.probe import BEGUN, KNOWN, declared, probe
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted

NOTHING = Abilities()


def server(
    dialect: str = "none",
    *,
    n: int = 1,
    repeats: bool = False,
    logprobs: int = 0,
    bias: bool = True,
    cuts: Callable[[str], list[str]] | None = None,
) -> Callable[[UpstreamRequest], Reply]:
    """A model server that goes on with a beginning in one dialect only, and says "One, two" to everything else."""

    def goes_on(body: dict[str, Any]) -> bool:
        last = body["messages"][-1]
        if last["role"] != "assistant":
            return False
        flags = {"continue_final_message": "continue_final_message" in body}
        flags |= {flag: flag in last for flag in ("prefix", "partial")}
        spoken = next((name for name, there in flags.items() if there), "trailing")
        return spoken == dialect

    def model(request: UpstreamRequest) -> Reply:
        if request.method == "GET":
            return replies.models(["the-model"])
        body = json.loads(request.body)
        assert body["model"] == "the-model"
        if request.path == "/tokenize":
            assert request.rooted
            if cuts is None:
                return replies.json({"error": {}}, status=404)
            pieces = cuts(body["content"])
            return replies.json({"tokens": [{"id": at, "piece": piece} for at, piece in enumerate(pieces)]})
        assert body["max_tokens"] <= 16
        if body.get("logit_bias") and not bias:
            return replies.json({"error": {}}, status=400)
        if body.get("n", 1) > 1 and not body.get("temperature", 1):  # as vLLM, whose greedy answers are one
            return replies.json({"error": {}}, status=400)
        text = "One, two, three, four"
        if goes_on(body):
            text = (body["messages"][-1]["content"] if repeats else "") + "r five six"
        choice: dict[str, Any] = {
            "message": {"role": "assistant", "content": text},
            "finish_reason": "length",
        }
        if body.get("logprobs") and logprobs:
            top = [{"token": "a", "logprob": -1.0}] * min(logprobs, body["top_logprobs"])
            choice["logprobs"] = {"content": [{"token": "a", "logprob": -1.0, "top_logprobs": top}]}
        return replies.json({"choices": [choice | {"index": at} for at in range(min(body.get("n", 1), n))]})

    return model


@pytest.mark.parametrize("dialect", ["none", "trailing", "continue_final_message", "prefix", "partial"])
async def test_the_dialect_of_going_on_is_found_out(dialect: str) -> None:
    found = await probe(Scripted(server(dialect, n=8)), ["*"], NOTHING)
    assert found.answered
    assert (found.can.prefix, found.can.n, found.can.repeats_prefix) == (dialect, 8, False)
    assert f"prefix: {dialect}" in found.notes


async def test_a_repeated_beginning_log_probabilities_and_limits_are_found_out() -> None:
    found = await probe(Scripted(server("trailing", n=4, repeats=True, logprobs=20)), ["the-model"], NOTHING)
    assert found.can == Capabilities(4, "trailing", True, 20, 300)
    found = await probe(Scripted(server(logprobs=5, bias=False)), ["the-model"], NOTHING)
    assert found.can == Capabilities(1, "none", False, 5, 0)


@pytest.mark.parametrize(
    ("cuts", "tokenizer"),
    [
        (lambda text: [" ", *text], "upstream"),  # as SentencePiece does, with a space before
        (lambda text: [text[:9], text[9:]], "upstream"),
        (lambda text: ["something", "else"], ""),
        (lambda text: [], ""),
        (None, ""),
    ],
)
async def test_that_a_server_tells_how_it_cuts_texts_is_found_out(
    cuts: Callable[[str], list[str]] | None, tokenizer: str
) -> None:
    found = await probe(Scripted(server(cuts=cuts)), ["the-model"], NOTHING)
    assert found.can.tokenizer == tokenizer
    assert f"tokenizer: {'its own /tokenize' if tokenizer else 'not told'}" in found.notes


async def test_what_is_declared_is_not_asked() -> None:
    upstream = Scripted(server("prefix", n=8))
    said = Abilities(n=2, prefix="prefix", top_logprobs=0, logit_bias=0, tokenizer="o200k_base")
    found = await probe(upstream, ["the-model"], said)
    assert found.can == Capabilities(2, "prefix", tokenizer="o200k_base")
    assert len(upstream.played) == 1


@pytest.mark.parametrize(
    "reply",
    [
        replies.json({"error": {}}, status=401),
        replies.json({"choices": []}),
        Reply([b"no json"]),
        Reply(before=[UpstreamError("connect", "nobody there")]),
    ],
)
async def test_an_upstream_that_does_not_answer_stays_unknown(reply: Reply) -> None:
    found = await probe(Scripted(reply), ["the-model"], NOTHING)
    assert not found.answered
    assert found.notes[0].startswith("did not answer")


async def test_without_a_list_of_models_the_default_is_asked() -> None:
    def model(request: UpstreamRequest) -> Reply:
        if request.method == "GET":
            return replies.json({"error": {}}, status=404)
        asked.append(json.loads(request.body)["model"])
        return replies.json({"choices": [{"message": {"content": "x"}}]})

    asked: list[str] = []
    await probe(Scripted(model), ["gpt-*"], NOTHING)
    assert set(asked) == {"default"}


def test_declared_abilities_stand_over_what_is_known_of_the_kind() -> None:
    known = KNOWN["local"]
    assert declared(NOTHING, known) == known
    over = declared(Abilities(n=4), known)
    assert over is not None and (over.n, over.prefix, over.extra) == (4, "trailing", known.extra)
    assert declared(Abilities(n=4)) is None
    assert declared(Abilities(n=4, prefix="none")) == Capabilities(4)


def test_a_beginning_of_the_callers_own_is_kept_before_ours() -> None:
    body = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "It "}]}
    assert with_prefix(body, BEGUN, "prefix")["messages"][1:] == [
        {"role": "assistant", "content": f"It {BEGUN}", "prefix": True}
    ]
    assert body["messages"][1] == {"role": "assistant", "content": "It "}


@pytest.mark.parametrize(
    ("wanted", "can", "scheme", "why"),
    [
        ("auto", Capabilities(8, "trailing"), "best_of_n", "samples 8"),
        ("auto", Capabilities(1, "trailing"), "substitution", "one continuation"),
        ("auto", Capabilities(8), "substitution", "no given prefix"),
        ("best_of_n", Capabilities(8, "partial"), "best_of_n", "set in"),
        ("best_of_n", Capabilities(8), "", "needs n"),
        ("substitution", Capabilities(), "substitution", "set in"),
        ("none", Capabilities(8, "trailing"), "", "set in"),
    ],
)
def test_the_scheme_is_the_best_that_the_upstream_allows(
    wanted: str, can: Capabilities, scheme: str, why: str
) -> None:
    choice = choose_scheme(wanted, can)
    assert choice.scheme == scheme
    assert why in choice.why
