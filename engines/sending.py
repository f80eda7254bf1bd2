"""What the proxy adds to a request for an engine that marks.

vLLM has the plug-in installed and is only told the key. To SGLang the plug-in itself is sent: the source of the few
modules that it takes, not their byte code, so that the two Pythons may differ.
"""

from __future__ import annotations

import ast
import inspect
import json
import pickle
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engines import drawing, marking, sglang
from labelers import token_marks
from labelers.token_marks import NO_MESSAGE

__all__ = ["ENGINES", "members", "sglang_processor"]

ENGINES = ("vllm", "sglang")
MODULE = "inkseal_sglang"  # as which the processor lives at the server


def members(
    engine: str, key: bytes, tournament: bool, body: Mapping[str, Any], message: int = NO_MESSAGE
) -> dict[str, Any]:
    """The members of the request that make `engine` mark its answer, and say `message` so (32 bits); those of the caller
    beside ours are kept.

    ValueError: an engine that is none.
    """
    said = {"inkseal_key": key.hex(), **({"inkseal_draw": "tournament"} if tournament else {})}
    if message != NO_MESSAGE:
        said["inkseal_message"] = f"{message:08x}"
    if engine == "vllm":
        return {"vllm_xargs": _with(body, "vllm_xargs", said)}
    if engine == "sglang":
        return {
            "custom_logit_processor": sglang_processor(),
            "custom_params": _with(body, "custom_params", said),
        }
    raise ValueError(f"{engine!r} is no engine that marks; known: {', '.join(ENGINES)}")


def _with(body: Mapping[str, Any], name: str, said: dict[str, Any]) -> dict[str, Any]:
    own = body.get(name)
    return {**(own if isinstance(own, dict) else {}), **said}


class _Source:
    """Pickles as the evaluation of an expression: loading it gives the class of the processor."""

    def __reduce__(self) -> tuple[Any, ...]:
        sources = [_alone(inspect.getsource(module)) for module in (token_marks, drawing, marking, sglang)]
        # A module of its own, because dataclasses look for the one that they are written in.
        space = f"sys.modules.setdefault({MODULE!r}, types.ModuleType({MODULE!r})).__dict__"
        made = f"[exec(one, space) for one in {sources!r}] and space['InksealLogitProcessor']"
        return eval, (
            f"(lambda sys, types: (lambda space: {made})({space}))(__import__('sys'), __import__('types'))",
        )


def _alone(source: str) -> str:
    """A module without its imports of ours: the others stand in the same name space."""
    tree = ast.parse(source)
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("engines", "labelers")))
    ]
    return ast.unparse(tree)


@lru_cache(maxsize=1)
def sglang_processor() -> str:
    """The member `custom_logit_processor`, in the form of SGLang's `CustomLogitProcessor.to_str`."""
    return json.dumps({"callable": pickle.dumps(_Source()).hex()})
