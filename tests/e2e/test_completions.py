"""Legacy completions through the whole proxy, with the official SDK."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openai
import pytest

from proxy.upstreams import UpstreamRequest, replies
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, keyword, serving

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
REFUSED = "换个话题吧。"
SECRET = "违禁甲乙丙"
POEM = "春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！" * 4
HEAD = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}


def completing(texts: Sequence[str], *, size: int = 3) -> Callable[[UpstreamRequest], Reply]:
    """What an OpenAI server would answer: one choice for each prompt and n, streamed or not; echo too."""

    def script(request: UpstreamRequest) -> Reply:
        body = json.loads(request.body)
        prompt = body["prompt"]
        prompts = prompt if isinstance(prompt, list) and not isinstance(prompt[0], int) else [prompt]
        n = body.get("n") or 1
        said = [
            (prompts[at // n] if body.get("echo") else "") + texts[at % len(texts)]
            for at in range(n * len(prompts))
        ]
        if not body.get("stream"):
            choices = [
                {"text": text, "index": at, "logprobs": None, "finish_reason": "stop"}
                for at, text in enumerate(said)
            ]
            return replies.json(
                {
                    **HEAD,
                    "choices": choices,
                    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
                }
            )
        chunks = [
            {
                **HEAD,
                "choices": [
                    {"text": text[i : i + size], "index": at, "logprobs": None, "finish_reason": None}
                ],
            }
            for at, text in enumerate(said)
            for i in range(0, len(text), size)
        ]
        chunks += [
            {**HEAD, "choices": [{"text": "", "index": at, "logprobs": None, "finish_reason": "stop"}]}
            for at in range(len(said))
        ]
        return replies.events(chunks)

    return script  # fmt: skip


def bare(text: str) -> str:
    return "".join(c for c in text if not "\ufe00" <= c <= "\ufe0f")


async def streamed(run: Running, **options: Any) -> list[Any]:
    stream = await run.client.completions.create(model="m", stream=True, **options)
    return [chunk async for chunk in stream]


def joined(chunks: list[Any], index: int = 0) -> str:
    return "".join(c.text for chunk in chunks for c in chunk.choices if c.index == index)


async def test_streamed_and_whole_completions_carry_the_same_labels_marks_and_text(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted(completing([POEM]))) as run:
        whole = await run.client.completions.create(model="m", prompt="背诗")
        chunks = await streamed(run, prompt="背诗")
        for text in (whole.choices[0].text, joined(chunks)):
            assert bare(text) == START + POEM + END
            assert text != bare(text)
        assert whole.usage is not None
        assert whole.usage.total_tokens == 3
        assert whole.model_extra["aigc"]["watermark"]["schemes"] == ["carrier"]  # type: ignore[index]
        assert chunks[-1].choices[0].finish_reason == "stop"
        record = (await run.last()).record
        assert (record.status, record.fields["endpoint"]) == ("closed", "/v1/completions")
        assert record.fields["reviewed"] == {"input": True, "output": True}


async def test_lists_of_prompts_times_n_are_labelled_and_numbered_apart(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted(completing(["好。", "行。"]))) as run:
        answer = await run.client.completions.create(model="m", prompt=["a", "b"], n=2, best_of=3)
        assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
        assert [bare(c.text).split("\n\n")[1] for c in answer.choices] == ["好。", "行。", "好。", "行。"]
        chunks = await streamed(run, prompt=["a", "b"], n=2)
        ids = {c.model_extra["aigc"]["ProduceID"] for c in chunks if "aigc" in (c.model_extra or {})}
        assert len(ids) == 4
        record = (await run.last()).record
        assert {output["content_id"] for output in record.fields["outputs"]} == ids


async def test_fill_in_the_middle_comes_back_as_it_was_and_says_why(tmp_path: Path) -> None:
    upstream = Scripted(completing([POEM]))
    async with serving(tmp_path, upstream) as run:
        answer = await run.client.completions.create(model="m", prompt="前", suffix="后")
        assert answer.choices[0].text == POEM
        assert answer.model_extra["aigc"]["label"] == {"positions": [], "skipped_reason": "fim"}  # type: ignore[index]
        assert joined(await streamed(run, prompt="前", suffix="后")) == POEM
        assert (await run.last()).record.fields["outputs"][0]["skipped_reason"] == "fim"
        assert json.loads(upstream.requests[0].body)["suffix"] == "后"


async def test_an_echo_stays_the_callers_and_only_the_rest_is_recorded_as_generated(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted(completing(["山里有庙。"]))) as run:
        expected = f"从前有座山，\n\n{START}山里有庙。{END}"
        answer = await run.client.completions.create(model="m", prompt="从前有座山，", echo=True)
        assert answer.choices[0].text == expected
        assert joined(await streamed(run, prompt="从前有座山，", echo=True)) == expected
        output = (await run.last()).record.fields["outputs"][0]
        assert output["chars"] == len("山里有庙。")
        assert output["carrier"] is False


@pytest.mark.parametrize("stream", [False, True])
async def test_a_blocked_prompt_never_reaches_the_model(tmp_path: Path, stream: bool) -> None:
    upstream = Scripted(completing(["好"]))
    async with serving(tmp_path, upstream, [keyword(SECRET)]) as run:
        for prompt in (f"说{SECRET}", ["好", SECRET]):
            if stream:
                chunks = await streamed(run, prompt=prompt)
                assert joined(chunks) == REFUSED
                assert chunks[-1].choices[0].finish_reason == "content_filter"
            else:
                answer = await run.client.completions.create(model="m", prompt=prompt)
                assert {(c.text, c.finish_reason) for c in answer.choices} == {(REFUSED, "content_filter")}
        assert upstream.requests == []
        assert (await run.last()).record.status == "blocked"


async def test_token_ids_are_decoded_and_reviewed_or_refused(tmp_path: Path) -> None:
    import tiktoken

    from proxy.tokens import encoding_for

    encoding: tiktoken.Encoding = encoding_for("gpt-3.5-turbo-instruct")
    upstream = Scripted(completing(["好"]))
    async with serving(tmp_path, upstream, [keyword(SECRET)]) as run:
        model = "gpt-3.5-turbo-instruct"
        fine, bad = encoding.encode("你好"), encoding.encode(f"说{SECRET}")
        answer = await run.client.completions.create(model=model, prompt=fine)
        assert answer.choices[0].text == START + "好" + END
        assert json.loads(upstream.requests[0].body)["prompt"] == fine
        for prompt in (bad, [fine, bad]):
            answer = await run.client.completions.create(model=model, prompt=prompt)
            assert answer.choices[0].finish_reason == "content_filter"
        assert len(upstream.requests) == 1
        with pytest.raises(openai.BadRequestError) as caught:
            await run.client.completions.create(model="some-model", prompt=fine)
        assert (caught.value.code, caught.value.param) == ("unsupported_token_input", "prompt")
        with pytest.raises(openai.BadRequestError, match="a token id that the model does not have"):
            await run.client.completions.create(model=model, prompt=[10**9])


async def test_a_blocked_answer_is_replaced_choice_by_choice(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted(completing(["好。", f"开头{SECRET}"])), [keyword(SECRET)]) as run:
        answer = await run.client.completions.create(model="m", prompt="你好", n=2)
        first, second = answer.choices
        assert (bare(first.text).split("\n\n")[1], first.finish_reason) == ("好。", "stop")
        assert (second.text, second.finish_reason) == (REFUSED, "content_filter")
        chunks = await streamed(run, prompt="你好", n=2)
        assert bare(joined(chunks, 0)) == START + "好。" + END
        assert bare(joined(chunks, 1)) == START + "开头" + END + "\n\n" + REFUSED
        assert (await run.last()).record.status == "blocked"


async def test_a_blocked_prompt_as_an_error_blames_the_prompt(tmp_path: Path) -> None:
    async with serving(
        tmp_path, Scripted(completing(["好"])), [keyword(SECRET)], review={"on_block": "error"}
    ) as run:
        with pytest.raises(openai.BadRequestError) as caught:
            await run.client.completions.create(model="m", prompt=SECRET)
        assert (caught.value.code, caught.value.param) == ("content_filter", "prompt")


async def test_json_for_a_stream_becomes_the_stream_it_should_have_been(tmp_path: Path) -> None:
    body = {**HEAD, "choices": [{"text": "好", "index": 0, "logprobs": None, "finish_reason": "stop"}]}
    async with serving(tmp_path, Scripted(replies.json(body))) as run:
        assert joined(await streamed(run, prompt="你好")) == START + "好" + END


async def test_what_was_found_beside_the_text_is_recorded_too(tmp_path: Path) -> None:
    found = {"text": "好", "index": 0, "logprobs": None, "finish_reason": "stop", "reasoning": SECRET}
    async with serving(
        tmp_path, Scripted(replies.json({**HEAD, "choices": [found]})), [keyword(SECRET)]
    ) as run:
        answer = await run.client.completions.create(model="m", prompt="你好")
        assert answer.choices[0].finish_reason == "content_filter"
        fields = (await run.last()).record.fields
        assert [(f["direction"], f["category"]) for f in fields["findings"]] == [("output", "A.1.a")]
