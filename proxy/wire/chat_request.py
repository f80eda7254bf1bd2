"""`/v1/chat/completions`, the request: what the model would see, and our own traces in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from proxy.errors import ApiError
from proxy.wire.jsonedit import JsonPath
from proxy.wire.strings import decoded_arguments, string_leaves

__all__ = [
    "check_chat_request",
    "check_token_ids",
    "history_edits",
    "is_binary",
    "last_user_text",
    "request_texts",
]


def check_chat_request(body: dict[str, Any]) -> None:
    """Refuses what cannot be reviewed or is malformed. Raises ApiError (400)."""
    if type(body.get("model")) is not str or not body["model"]:
        raise ApiError(
            400, "you must provide a model parameter", param="model", code="missing_required_parameter"
        )
    messages = body.get("messages")
    if type(messages) is not list or not messages:
        raise ApiError(400, "'messages' must be a non-empty array", param="messages", code="invalid_type")
    for at, message in enumerate(messages):
        if type(message) is not dict or type(message.get("role")) is not str:
            raise ApiError(
                400, "each message is an object with a role", param=f"messages[{at}]", code="invalid_type"
            )
    n = body.get("n")
    if n is not None and (type(n) is not int or not 1 <= n <= 128):
        raise ApiError(400, "'n' must be an integer from 1 to 128", param="n", code="invalid_value")
    if type(body.get("stream")) not in (bool, type(None)):
        raise ApiError(400, "'stream' must be true or false", param="stream", code="invalid_type")
    modalities = body.get("modalities")
    if body.get("audio") or (modalities is not None and modalities != ["text"]):
        raise ApiError(
            400,
            "only text can be reviewed and labelled by this service; leave out audio and other modalities",
            param="modalities",
            code="unsupported_modality",
        )
    check_token_ids(body)


def check_token_ids(body: dict[str, Any]) -> None:
    """Refuses what would bring the answer as numbers, beside or before its reviewed text. Raises ApiError (400)."""
    for key in ("return_token_ids", "return_tokens_as_token_ids"):
        if body.get(key):
            raise ApiError(
                400,
                "token ids spell the answer where nobody reviews it; leave this out",
                param=key,
                code="unsupported_parameter",
            )


def request_texts(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(role, text) of everything that the model would read, in order.

    Adjacent text parts of one message are one text. Strings outside the messages (tools,
    schemas, predictions) are one text too, under "request". Last comes, under "user", what all user
    messages say in a row, so that a word split over two of them is seen.
    """
    said: list[str] = []
    for message in body["messages"]:
        role = message["role"]
        run: list[str] = []
        for path, text in string_leaves(message):
            if path == ("role",) or is_binary(path, text):
                continue
            if path[0] == "content" and (len(path) == 1 or path[-1] == "text"):
                run.append(text)
                continue
            yield role, decoded_arguments(text) if path[-1] in ("arguments", "input") else text
        if run:
            whole = "".join(run)
            yield role, whole
            if role == "user":
                said.append(whole)
    # One text, a string a line: each review has a price of its own, however short the string.
    rest = string_leaves({k: v for k, v in body.items() if k != "messages"})
    yield "request", "\n".join(text for _, text in rest)
    if len(said) > 1:
        yield "user", "".join(said)


def is_binary(path: JsonPath, text: str) -> bool:
    """Images, audio and files travel as base64, which holds no words. Text in its place is text."""
    if not text.isascii():
        return False
    if path[-1] == "url":
        return text.startswith("data:") and ";base64," in text[:200]
    return path[-2:] in (("input_audio", "data"), ("file", "file_data"))


def last_user_text(body: dict[str, Any]) -> str:
    """What the user said last: it decides the locale of labels and refusals."""
    for message in reversed(body["messages"]):
        if message["role"] == "user":
            return "".join(
                text
                for path, text in string_leaves(message.get("content"))
                if not is_binary(path or ("",), text)
            )
    return ""


def history_edits(
    body: dict[str, Any], strip_labels: Callable[[str], str], strip_marks: Callable[[str], str]
) -> dict[JsonPath, str]:
    """Where our own labels and marks stand in what clients send back, with the text without them.

    Labels go from assistant messages only: in other roles they are somebody's words. Marks go
    from every role, because agents quote answers there.
    """
    edits: dict[JsonPath, str] = {}
    for at, message in enumerate(body["messages"]):
        own = message["role"] == "assistant"
        for path, text in string_leaves(message):
            if is_binary(path, text):
                continue
            clean = strip_marks(text)
            if own and path[0] == "content" and (len(path) == 1 or path[-1] == "text"):
                clean = strip_labels(clean)
            if clean != text:
                edits[("messages", at, *path)] = clean
    return edits
