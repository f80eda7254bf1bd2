"""What pydantic-ai sees."""

import json
import os

from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import AgentRunError, ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

MODEL, WORD = os.environ["MODEL"], os.environ["BLOCKED"]


class City(BaseModel):
    city: str
    population: int


def agent(name=MODEL, key="sk-refusal", of=OpenAIChatModel, **options):
    client = AsyncOpenAI(base_url=os.environ["BASE_URL"], api_key=key, max_retries=0, timeout=30)
    return Agent(of(name, provider=OpenAIProvider(openai_client=client)), **options)


def seen(result):
    answers = [message for message in result.all_messages() if message.kind == "response"]
    return {
        "text": result.output,
        "finish": [answer.finish_reason for answer in answers],
        "usage": result.usage.total_tokens,
    }


def weather(asked):
    weather = agent()

    @weather.tool_plain
    def get_weather(city: str, days: int) -> str:
        asked.append((city, days))
        return "晴"

    return weather


def text():
    return seen(agent().run_sync("背一首诗"))


def stream():
    result = agent().run_stream_sync("背一首诗")
    pieces = list(result.stream_text(delta=True))
    return {"text": "".join(pieces), "finish": result.response.finish_reason}


def tools():
    asked = []
    return seen(weather(asked).run_sync("杭州天气如何？")) | {"calls": asked}


def tools_streamed():
    asked = []
    result = weather(asked).run_stream_sync("杭州天气如何？")
    return {"text": result.get_output(), "calls": asked}


def structured():
    return agent(output_type=NativeOutput(City)).run_sync("杭州").output.model_dump()


def history(of=OpenAIChatModel):
    first = agent(of=of).run_sync("背一首诗")
    return {"text": agent(of=of).run_sync("数一数", message_history=first.all_messages()).output}


def responses_history():
    return history(OpenAIResponsesModel)


def error():
    return seen(agent("unknown").run_sync("背一首诗"))


def blocked():
    return seen(agent().run_sync(f"请说{WORD}"))


def blocked_streamed():
    result = agent().run_stream_sync(f"请说{WORD}")
    return {"text": "".join(result.stream_text(delta=True)), "finish": result.response.finish_reason}


def blocked_as_error():
    return seen(agent(key="sk-error").run_sync(f"请说{WORD}"))


def responses_text():
    return seen(agent(of=OpenAIResponsesModel).run_sync("背一首诗"))


def responses_stream():
    result = agent(of=OpenAIResponsesModel).run_stream_sync("背一首诗")
    return {"text": "".join(result.stream_text(delta=True)), "finish": result.response.finish_reason}


def outcome(scenario):
    try:
        return scenario()
    except ModelHTTPError as error:
        code = error.body.get("code") if isinstance(error.body, dict) else None
        return {"error": type(error).__name__, "status": error.status_code, "code": code}
    except AgentRunError as error:
        return {"error": type(error).__name__, "status": None, "code": None}


SCENARIOS = [
    text,
    stream,
    tools,
    tools_streamed,
    structured,
    history,
    error,
    blocked,
    blocked_streamed,
    blocked_as_error,
]
SCENARIOS += [responses_text, responses_stream, responses_history]
print(json.dumps({scenario.__name__: outcome(scenario) for scenario in SCENARIOS}))
