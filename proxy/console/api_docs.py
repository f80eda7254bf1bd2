"""`/api/docs`: the API for operators and the detector as pages, drawn from the OpenAPI document. No script.

The paths under /v1 are OpenAI's own and stand in docs/api.md.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

__all__ = ["api_docs_router", "docs_page"]

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1b1a;--soft:#5f5b55;--paper:#fbfaf7;--line:#e3dfd6;--seal:#a3281e}
@media (prefers-color-scheme:dark){:root{--ink:#e9e6df;--soft:#a39e94;--paper:#171614;--line:#34312b;--seal:#e0796e}}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:anywhere;font:1rem/1.6 system-ui,sans-serif}
main{max-width:52rem;margin:0 auto;padding:1.25rem 1.25rem 4rem}
a{color:var(--seal);text-underline-offset:.2em}
h2{font-size:1.1875rem;margin:2.5rem 0 .5rem;padding-top:1.5rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.5rem 0 .25rem}
h3 b{color:var(--seal)}
p{margin:.25rem 0}
table{border-collapse:collapse;margin:.5rem 0;font-size:.9375rem}
th,td{text-align:left;vertical-align:top;padding:.125rem 1rem .125rem 0}
th{font-weight:normal}
.soft,th small{color:var(--soft)}
code{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.9em}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_INTRODUCTION = (
    "<p>The detector, exports, and the operators' calls. As a document for programs: "
    '<a href="/api/openapi.json">/api/openapi.json</a>. The paths under /v1 are those of the OpenAI API. Errors have its '
    "shape: <code>message</code>, <code>type</code>, <code>param</code>, <code>code</code>.</p>"
)


def api_docs_router(document: Callable[[], dict[str, Any]]) -> APIRouter:
    """`document`: gives the OpenAPI document, once all routes are there."""
    router = APIRouter()
    drawn: list[str] = []

    @router.get("/api/docs", response_class=HTMLResponse, include_in_schema=False)
    def api_docs() -> HTMLResponse:
        if not drawn:
            drawn.append(docs_page(document()))
        return HTMLResponse(drawn[0], headers=_HEADERS)

    return router


def docs_page(document: Mapping[str, Any]) -> str:
    """The page of one OpenAPI 3.1 document."""
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            group = call.get("tags", ["operation"])[0]
            groups.setdefault(group, []).append("".join(_call(document, path, method, call)))
    body = "".join(f"<h2>{escape(name)}</h2>{''.join(calls)}" for name, calls in groups.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}: API</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}: API</h1>{_INTRODUCTION}{body}</main></body></html>"
    )


def _call(document: Mapping[str, Any], path: str, method: str, call: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h3><b>{method.upper()}</b> <code>{escape(path)}</code></h3><p>{escape(call.get('summary', ''))}</p>"
    if "description" in call:
        yield f'<p class="soft">{escape(call["description"])}</p>'
    rows = [
        _row(one["name"], one["in"], one["schema"], required=one.get("required", False))
        for one in call.get("parameters", ())
    ]
    for kind, content in call.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(document, content.get("schema", {}))
        required = schema.get("required", ())
        fields = schema.get("properties", {})
        rows += [_row(name, kind, field, required=name in required) for name, field in fields.items()]
        if schema.get("description"):
            yield f'<p class="soft">{escape(schema["description"])}</p>'
    if rows:
        yield f"<table>{''.join(rows)}</table>"


def _row(name: str, place: str, schema: Mapping[str, Any], *, required: bool) -> str:
    said = [_type(schema)]
    if required:
        said.append("required")
    elif schema.get("default") not in (None, "", []):
        said.append(f"else {schema['default']}")
    return (
        f"<tr><th><code>{escape(name)}</code> <small>{escape(place)}</small></th>"
        f"<td>{escape(', '.join(said))}</td></tr>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "object")


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = document["components"]["schemas"][name] if name else schema
    return found
