"""Endpoints of which only the input is text to review: embeddings, moderations, images, speech.

Their answers are relayed byte for byte: vectors and scores say nothing that a label could stand in.
Images and sound can be neither reviewed nor labelled here (`media`), so whether they may be asked
for at all is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.errors import ApiError
from proxy.wire.chat_request import is_binary
from proxy.wire.endpoint import Asks
from proxy.wire.jsonedit import JsonPath
from proxy.wire.prompts import Decode, holds_tokens, prompt_texts
from proxy.wire.strings import string_leaves

__all__ = ["InputEndpoint"]


@dataclass(frozen=True, slots=True)
class InputEndpoint:
    """`param`: the member that holds the text; `model`: which one is meant if the request names none.

    `form`: requests may be forms. `media`: the answers are images or sound.
    """

    path: str
    param: str
    decode: Decode
    model: str = ""
    form: bool = False
    media: bool = False
    generates: bool = False

    def check(self, body: dict[str, Any]) -> None:
        model = body.get("model")
        if model is None and self.model:
            return
        if type(model) is not str or not model:
            raise ApiError(
                400, "you must provide a model parameter", param="model", code="missing_required_parameter"
            )

    def asks(self, body: dict[str, Any]) -> Asks:
        return Asks(model=self._model(body), last_user="\n".join(self._inputs(body)))

    def texts(self, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Each text of the input, token ids decoded; then the strings of all other members as one text."""
        for text in self._inputs(body):
            yield "user", text
        # Parts of one text, read in a row; the strings of a batch have nothing to do with one another.
        parts = [text for path, text in string_leaves(body.get(self.param)) if path[-1:] == ("text",)]
        if len(parts) > 1:
            yield "user", "".join(parts)
        rest = string_leaves({k: v for k, v in body.items() if k != self.param})
        yield "request", "\n".join(text for path, text in rest if not is_binary(path, text))

    def history(
        self, body: dict[str, Any], strip_labels: Callable[[str], str], strip_marks: Callable[[str], str]
    ) -> Mapping[JsonPath, str]:
        """Nothing: an embedding or a check of a text is one of that text, marks and all."""
        return {}

    def _inputs(self, body: dict[str, Any]) -> list[str]:
        value = body.get(self.param)
        if holds_tokens(value):
            return prompt_texts(self._model(body), value, self.decode, self.param)
        return [text for path, text in string_leaves(value) if not is_binary(path or ("",), text)]

    def _model(self, body: dict[str, Any]) -> str:
        return body.get("model") or self.model
