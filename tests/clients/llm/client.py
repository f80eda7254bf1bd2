"""What llm (the command line tool's library) sees."""

import json
import os

import llm
import openai
from llm.default_plugins.openai_models import Chat
from pydantic import BaseModel

MODEL, WORD = os.environ["MODEL"], os.environ["BLOCKED"]


class City(BaseModel):
    city: str
    population: int


def model(name=MODEL, key="sk-refusal"):
    options = {"api_base": os.environ["BASE_URL"], "supports_tools": True, "supports_schema": True}
    made = Chat(f"{name}-here", model_name=name, can_stream=True, **options)
    made.key = key
    return made


def ask(question, *, name=MODEL, key="sk-refusal", stream=False, **options):
    return model(name, key).prompt(question, key=key, stream=stream, **options)


def seen(response):
    text = response.text()
    return {"text": text, "finish": finish(response), "usage": response.usage().output}


def finish(response):
    choices = (response.response_json or {}).get("choices") or [{}]
    return choices[-1].get("finish_reason") or (response.response_json or {}).get("finish_reason")


def text():
    return seen(ask("背一首诗"))


def stream():
    response = ask("背一首诗", stream=True)
    return {"text": "".join(response), "finish": finish(response), "usage": response.usage().output}


def weather(stream):
    asked = []

    def get_weather(city: str, days: int) -> str:
        asked.append((city, days))
        return "晴"

    conversation = model().conversation(tools=[get_weather])
    chain = conversation.chain("杭州天气如何？", key="sk-refusal", stream=stream)
    return {"text": "".join(chain), "calls": asked}


def tools():
    return weather(False)


def tools_streamed():
    return weather(True)


def structured():
    return json.loads(ask("杭州", schema=City).text())


def history():
    conversation = model().conversation()
    conversation.prompt("背一首诗", key="sk-refusal", stream=False).text()
    return {"text": conversation.prompt("数一数", key="sk-refusal", stream=False).text()}


def error():
    return seen(ask("背一首诗", name="unknown"))


def blocked():
    return seen(ask(f"请说{WORD}"))


def blocked_streamed():
    return {"text": "".join(ask(f"请说{WORD}", stream=True))}


def blocked_as_error():
    return seen(ask(f"请说{WORD}", key="sk-error"))


def outcome(scenario):
    try:
        return scenario()
    except openai.OpenAIError as error:
        told = {"status": getattr(error, "status_code", None), "code": getattr(error, "code", None)}
        return {"error": type(error).__name__, **told}
    except llm.ModelError as error:
        cause = error.__cause__ or error
        return {"error": type(error).__name__, "cause": type(cause).__name__, "status": None}


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
print(json.dumps({scenario.__name__: outcome(scenario) for scenario in SCENARIOS}))
