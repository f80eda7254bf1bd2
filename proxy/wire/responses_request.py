"""`/v1/responses`, the request: what the model would see, and our own traces in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from proxy.errors import ApiError
from proxy.wire.jsonedit import JsonPath
from proxy.wire.strings import decoded_arguments, string_leaves

__all__ = ["check_responses_request", "history_edits", "last_user_text", "request_texts"]

# What makes the model read text that this proxy never saw: member, code, what to do instead.
_STORED = (
    ("previous_response_id", "resend_input", "send the earlier turns as items of 'input'"),
    ("conversation", "resend_input", "send the earlier turns as items of 'input'"),
    ("prompt", "inline_prompt", "send the text of the template as 'instructions' or 'input'"),
)
_ARGUMENTS = frozenset({"arguments", "input", "code"})
# Ciphertext that only the model can read; a client must send it back as it came.
_OPAQUE = frozenset({"encrypted_content"})
_SPOKEN = frozenset({"input_text", "output_text", "text"})


def check_responses_request(body: dict[str, Any]) -> None:
    """Refuses what cannot be reviewed or is malformed. Raises ApiError (400)."""
    if type(body.get("model")) is not str or not body["model"]:
        raise ApiError(
            400, "you must provide a model parameter", param="model", code="missing_required_parameter"
        )
    for key in ("stream", "background"):
        if type(body.get(key)) not in (bool, type(None)):
            raise ApiError(400, f"'{key}' must be true or false", param=key, code="invalid_type")
    _check_stored(body)
    _check_media(body)
    items = body.get("input")
    if items is None:
        raise ApiError(400, "you must provide an input", param="input", code="missing_required_parameter")
    if type(items) is not str and (type(items) is not list or not items):
        raise ApiError(
            400, "'input' must be a string or a non-empty array", param="input", code="invalid_type"
        )
    for at, item in enumerate(items if type(items) is list else ()):
        if type(item) is not dict:
            raise ApiError(400, "each input item is an object", param=f"input[{at}]", code="invalid_type")
        kind = item.get("type")
        if kind == "item_reference" or (kind is None and "role" not in item):
            raise ApiError(
                400,
                "an item that only the model server knows cannot be reviewed here; send the item itself",
                param=f"input[{at}]",
                code="resend_input",
            )


def _check_stored(body: dict[str, Any]) -> None:
    for key, code, instead in _STORED:
        if body.get(key) is not None:
            raise ApiError(
                400,
                f"'{key}' makes the model read text that this service cannot review; {instead}",
                param=key,
                code=code,
            )
    if body.get("background"):
        raise ApiError(
            400,
            "a response made in the background could be neither reviewed nor labelled when it is fetched; "
            "leave 'background' out, and stream if it takes long",
            param="background",
            code="foreground_only",
        )


def _check_media(body: dict[str, Any]) -> None:
    modalities = body.get("modalities")
    tools = body.get("tools")
    asked = [tool.get("type") for tool in tools if type(tool) is dict] if type(tools) is list else []
    if body.get("audio") or (type(modalities) is list and "audio" in modalities):
        param = "modalities"
    elif "image_generation" in asked:
        param = "tools"
    else:
        return
    raise ApiError(
        400,
        "audio and images cannot be reviewed or labelled by this service; ask for text",
        param=param,
        code="unsupported_modality",
    )


def _items(body: dict[str, Any]) -> Iterator[tuple[JsonPath, dict[str, Any]]]:
    """The input's items with their paths; a string is one user message."""
    items = body["input"]
    if type(items) is str:
        yield (), {"role": "user", "content": items}
        return
    for at, item in enumerate(items):
        yield ("input", at), item


def _role(item: dict[str, Any]) -> str:
    role = item.get("role")
    return role if type(role) is str else str(item.get("type") or "")


def _spoken(item: dict[str, Any], path: JsonPath) -> bool:
    """Whether what stands at `path` is a message's own text."""
    if path[0] != "content":
        return False
    at = path[1] if len(path) == 3 and path[2] == "text" else None
    return len(path) == 1 or (type(at) is int and item["content"][at].get("type", "text") in _SPOKEN)


def request_texts(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(role, text) of everything that the model would read, in order.

    Adjacent text parts of one message are one text. Items that are no messages have their type as
    role, strings outside the input (instructions, tools, schemas) the role "request". Last comes,
    under "user", what all user messages say in a row, so that a word split over two of them is seen.
    """
    said: list[str] = []
    for _, item in _items(body):
        role = _role(item)
        run: list[str] = []
        for path, text in string_leaves(item):
            if path == ("role",) or _is_binary(path, text):
                continue
            if _spoken(item, path):
                run.append(text)
                continue
            yield role, text
            if any(key in _ARGUMENTS for key in path):
                decoded = decoded_arguments(text)
                if decoded != text:
                    yield role, decoded
        if run:
            whole = "".join(run)
            yield role, whole
            if role == "user":
                said.append(whole)
    for path, text in string_leaves({k: v for k, v in body.items() if k != "input"}):
        if not _is_binary(path, text):
            yield "request", text
    if len(said) > 1:
        yield "user", "".join(said)


def _is_binary(path: JsonPath, text: str) -> bool:
    """Images, audio and files travel as base64, which holds no words. Text in its place is text."""
    if not text.isascii():
        return False
    key = path[-1]
    if key in ("image_url", "file_url", "url", "file_data"):
        return text.startswith("data:") and ";base64," in text[:200]
    return key in _OPAQUE or path[-2:] == ("input_audio", "data")


def last_user_text(body: dict[str, Any]) -> str:
    """What the user said last: it decides the locale of labels and refusals."""
    said = ""
    for _, item in _items(body):
        if _role(item) == "user":
            said = "".join(text for path, text in string_leaves(item) if _spoken(item, path))
    return said


def history_edits(
    body: dict[str, Any], strip_labels: Callable[[str], str], strip_marks: Callable[[str], str]
) -> dict[JsonPath, str]:
    """Where our own labels and marks stand in what clients send back, with the text without them.

    Labels go from the assistant's messages only: elsewhere they are somebody's words. Marks go
    from every item and from the instructions, because agents quote answers there.
    """
    edits: dict[JsonPath, str] = {}
    texts: list[tuple[JsonPath, str, bool]] = []
    for key in ("instructions", "input"):
        if type(body.get(key)) is str:
            texts.append(((key,), body[key], False))
    if type(body["input"]) is list:
        for lead, item in _items(body):
            own = _role(item) == "assistant"
            texts += [
                ((*lead, *path), text, own and _spoken(item, path))
                for path, text in string_leaves(item)
                if not _is_binary(path, text)
            ]
    for path, text, own in texts:
        clean = strip_marks(text)
        if own:
            clean = strip_labels(clean)
        if clean != text:
            edits[path] = clean
    return edits
