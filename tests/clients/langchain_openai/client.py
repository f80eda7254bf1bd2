"""What langchain-openai sees."""

import json
import os

import openai
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

MODEL, WORD = os.environ["MODEL"], os.environ["BLOCKED"]


class City(BaseModel):
    city: str
    population: int


class get_weather(BaseModel):  # noqa: N801 - the name of the tool
    """The weather of a city."""

    city: str
    days: int


def model(name=MODEL, key="sk-refusal", **options):
    return ChatOpenAI(
        model=name, base_url=os.environ["BASE_URL"], api_key=key, max_retries=0, timeout=30, **options
    )


def seen(message):
    return {
        "text": message.content,
        "finish": message.response_metadata.get("finish_reason"),
        "calls": [(call["name"], call["args"]) for call in message.tool_calls],
        "usage": (message.usage_metadata or {}).get("total_tokens"),
    }


def joined(chunks):
    whole = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    return whole


def text():
    return seen(model().invoke("背一首诗"))


def stream():
    return seen(joined(model(stream_usage=True).stream("背一首诗")))


def tools():
    bound = model().bind_tools([get_weather])
    question = HumanMessage("杭州天气如何？")
    answer = bound.invoke([question])
    result = ToolMessage("晴", tool_call_id=answer.tool_calls[0]["id"])
    return [seen(answer), seen(bound.invoke([question, answer, result]))]


def tools_streamed():
    return seen(joined(model(stream_usage=True).bind_tools([get_weather]).stream("杭州天气如何？")))


def structured():
    return model().with_structured_output(City, method="json_schema").invoke("杭州").model_dump()


def history():
    question = HumanMessage("背一首诗")
    return seen(model().invoke([question, model().invoke([question]), HumanMessage("数一数")]))


def responses_history():
    question, by = HumanMessage("背一首诗"), model(use_responses_api=True)
    return {"text": by.invoke([question, by.invoke([question]), HumanMessage("数一数")]).text}


def error():
    return seen(model("unknown").invoke("背一首诗"))


def blocked():
    return seen(model().invoke(f"请说{WORD}"))


def blocked_streamed():
    return seen(joined(model().stream(f"请说{WORD}")))


def blocked_as_error():
    return seen(model(key="sk-error").invoke(f"请说{WORD}"))


def responses_text():
    message = model(use_responses_api=True).invoke("背一首诗")
    return {"text": message.text, "status": message.response_metadata.get("status")}


def responses_stream():
    message = joined(model(use_responses_api=True).stream("背一首诗"))
    return {"text": message.text, "status": message.response_metadata.get("status")}


def outcome(scenario):
    try:
        return scenario()
    except openai.OpenAIError as error:
        told = {"status": getattr(error, "status_code", None), "code": getattr(error, "code", None)}
        return {"error": type(error).__name__, **told}


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
