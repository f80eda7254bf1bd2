"""What openai-python sees: chat completions and responses. Runs with major versions 2 and 3."""

import json
import os

import openai
from pydantic import BaseModel

MODEL, WORD = os.environ["MODEL"], os.environ["BLOCKED"]
ASK = [{"role": "user", "content": "背一首诗"}]
WEATHER = [{"role": "user", "content": "杭州天气如何？"}]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}
client = openai.OpenAI(base_url=os.environ["BASE_URL"], api_key="sk-refusal", max_retries=0, timeout=30)
strict = client.with_options(api_key="sk-error")


class City(BaseModel):
    city: str
    population: int


def chat(messages=ASK, model=MODEL, by=client, **options):
    return by.chat.completions.create(model=model, messages=messages, **options)


def seen(answer):
    choice = answer.choices[0]
    calls = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()]
    usage = answer.usage.total_tokens if answer.usage else None
    return {"text": choice.message.content, "finish": choice.finish_reason, "calls": calls, "usage": usage}


def text():
    return seen(chat())


def stream():
    chunks = list(chat(stream=True, stream_options={"include_usage": True}))
    choices = [choice for chunk in chunks for choice in chunk.choices]
    return {
        "text": "".join(choice.delta.content or "" for choice in choices),
        "roles": [choice.delta.role for choice in choices if choice.delta.role],
        "finish": [choice.finish_reason for choice in choices if choice.finish_reason],
        "usage": [chunk.usage.total_tokens for chunk in chunks if chunk.usage],
    }


def tools():
    answer = chat(WEATHER, tools=[TOOL])
    message = answer.choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "晴"}
    return [seen(answer), seen(chat([*WEATHER, message, result], tools=[TOOL]))]


def tools_streamed():
    with client.chat.completions.stream(model=MODEL, messages=WEATHER, tools=[TOOL]) as stream:
        return seen(stream.get_final_completion())


def structured():
    options = {"model": MODEL, "messages": ASK, "response_format": City}
    return client.chat.completions.parse(**options).choices[0].message.parsed.model_dump()


def history():
    message = chat().choices[0].message
    return seen(chat([*ASK, message, {"role": "user", "content": "数一数"}]))


def error():
    return chat(model="unknown")


def blocked():
    return seen(chat([{"role": "user", "content": f"请说{WORD}"}]))


def blocked_streamed():
    with client.chat.completions.stream(model=MODEL, messages=[{"role": "user", "content": WORD}]) as stream:
        return seen(stream.get_final_completion())


def blocked_as_error():
    return chat([{"role": "user", "content": f"请说{WORD}"}], by=strict)


def respond(question="背一首诗", model=MODEL, by=client, **options):
    return by.responses.create(model=model, input=question, **options)


def items(answer):
    calls = [(item.name, item.arguments) for item in answer.output if item.type == "function_call"]
    return {"text": answer.output_text, "status": answer.status, "calls": calls}


def responses_text():
    answer = respond()
    return items(answer) | {"usage": answer.usage.total_tokens}


def responses_stream():
    events = list(respond(stream=True))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    return {"text": text, "final": items(events[-1].response), "last": events[-1].type}


def responses_tools():
    tool = {"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": True}
    answer = respond("杭州天气如何？", tools=[tool])
    made = answer.output[0]
    result = {"type": "function_call_output", "call_id": made.call_id, "output": "晴"}
    history = [{"role": "user", "content": "杭州天气如何？"}, made.model_dump(exclude_none=True), result]
    return [items(answer), items(respond(history, tools=[tool]))]


def responses_structured():
    answer = client.responses.parse(model=MODEL, input="杭州", text_format=City)
    return answer.output_parsed.model_dump()


def responses_history():
    history = [*ASK, *(item.model_dump(exclude_none=True) for item in respond(ASK).output)]
    return items(respond([*history, {"role": "user", "content": "数一数"}]))


def responses_error():
    return respond(model="unknown")


def responses_blocked():
    return items(respond(f"请说{WORD}"))


def responses_blocked_as_error():
    return respond(f"请说{WORD}", by=strict)


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
SCENARIOS += [
    responses_text,
    responses_stream,
    responses_history,
    responses_tools,
    responses_structured,
    responses_error,
]
SCENARIOS += [responses_blocked, responses_blocked_as_error]
print(json.dumps({scenario.__name__: outcome(scenario) for scenario in SCENARIOS}))
