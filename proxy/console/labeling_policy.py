"""`/labeling-policy`: how this service labels, for its users, out of the settings in force (标识办法 art. 8, 9, 10).

One page, two languages, no script. The words of each language stand in `policy_words`; this module decides what is
said and draws it. What differs between tenants is told without naming them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from fastapi import APIRouter, Header
from fastapi.responses import HTMLResponse

from proxy.console.policy_words import EN, ZH, Words
from proxy.settings import Labels, Settings, Tenant, Watermarks

__all__ = ["labeling_policy_router", "policy_page", "preferred_language"]

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1b1a;--soft:#5f5b55;--paper:#fbfaf7;--line:#e3dfd6;--seal:#a3281e;--card:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e9e6df;--soft:#a39e94;--paper:#171614;--line:#34312b;--seal:#e0796e;--card:#1f1d1a}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:anywhere;
font:1.0625rem/1.75 system-ui,-apple-system,"Segoe UI","PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif}
main{max-width:44rem;margin:0 auto;padding:1.25rem 1.25rem 4rem}
nav{display:flex;justify-content:flex-end;gap:1rem;font-size:.9375rem}
a{color:var(--seal);text-underline-offset:.2em}
a[aria-current]{color:var(--soft);text-decoration:none}
h1{font-size:1.75rem;line-height:1.3;margin:1.5rem 0 .75rem}
h2{font-size:1.1875rem;margin:2.5rem 0 .5rem;padding-top:1.5rem;border-top:1px solid var(--line)}
.read{border-left:3px solid var(--seal);padding:.25rem 0 .25rem 1rem;margin:1.25rem 0}
.soft,dt,th{color:var(--soft)}
dl{margin:.75rem 0;display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.25rem 1.25rem}
dd{margin:0}
ul{padding-left:1.25rem}
li{margin:.25rem 0}
code,.shown{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.9em;overflow-wrap:anywhere}
.shown{display:inline-block;background:var(--card);border:1px solid var(--line);border-radius:.375rem;padding:.05rem .5rem}
section h3{font-size:1rem;margin:1.5rem 0 .25rem}
footer{margin-top:3rem;padding-top:1.25rem;border-top:1px solid var(--line);font-size:.875rem;color:var(--soft)}
@media (max-width:32rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}h1{font-size:1.5rem}}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-security-policy": f"default-src 'none'; img-src 'self'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
    "vary": "accept-language",
}


def labeling_policy_router(settings: Settings, public_key: str) -> APIRouter:
    """`public_key`: what implicit labels are signed with, hex; "" where they cannot be signed."""
    router = APIRouter()
    pages = {words.language: policy_page(settings, public_key, words) for words in (ZH, EN)}

    @router.get("/labeling-policy", response_class=HTMLResponse, summary="How this service labels AI content")
    def labeling_policy(lang: str = "", accept_language: str = Header("")) -> HTMLResponse:
        language = lang if lang in pages else preferred_language(accept_language)
        return HTMLResponse(pages[language], headers={**_HEADERS, "content-language": language})

    return router


def preferred_language(accept: str) -> str:
    """ "zh" or "en", whichever an Accept-Language header names with the greater weight; Chinese before all else."""
    weights = {"zh": 0.0, "en": 0.0}
    for part in accept.split(","):
        name, _, parameters = part.strip().partition(";")
        language = name.split("-")[0].lower()
        try:
            weight = float(parameters.strip().removeprefix("q=") or "1")
        except ValueError:
            weight = 0.0
        if language in weights:
            weights[language] = max(weights[language], weight)
    return "en" if weights["en"] > weights["zh"] else "zh"


def policy_page(settings: Settings, public_key: str, words: Words) -> str:
    """The whole page in one language."""
    variants = _variants(settings)
    body = [
        f"<h1>{escape(words.title)}</h1>",
        f'<p class="read"><strong>{escape(words.read_this)}</strong></p>',
        f"<p>{escape(words.laws[settings.profile])}</p>",
        _list_of([(words.provider, settings.provider.code), *_services(settings, words)]),
        f"<h2>{escape(words.explicit_title)}</h2>",
        *(
            _explicit(labels, words, at if len(variants) > 1 else 0)
            for at, (labels, _) in enumerate(variants, 1)
        ),
        f"<h2>{escape(words.implicit_title)}</h2>",
        _items(_implicit(settings, [marks for _, marks in variants], public_key, words)),
        f"<h2>{escape(words.duties_title)}</h2>",
        _items(words.duties[settings.profile]),
        f"<h2>{escape(words.application_title)}</h2>",
        _paragraphs(words.application[settings.profile]),
        f"<h2>{escape(words.check_title)}</h2>",
        # The one address in a sentence that is there to be followed.
        _paragraphs([words.check.format(days=settings.records.retention_days)]).replace(
            "/verify", '<a href="/verify">/verify</a>'
        ),
    ]
    other = EN if words is ZH else ZH
    return (
        f'<!doctype html>\n<html lang="{words.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="/verify/static/seal.svg" type="image/svg+xml">\n'
        f"<title>{escape(words.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<nav aria-label="{escape(words.languages)}">'
        f'<a href="?lang={words.language}" aria-current="page" lang="{words.language}">{words.name}</a>'
        f'<a href="?lang={other.language}" hreflang="{other.language}" lang="{other.language}">{other.name}</a></nav>\n'
        + "\n".join(body)
        + f"\n<footer>{escape(words.version.format(version=policy_version(settings)))}</footer>\n</main>\n</body>\n</html>\n"
    )


def policy_version(settings: Settings) -> str:
    """Twelve hex digits that change whenever something about the labels does; for an agreement to cite."""
    told: list[Any] = [
        settings.profile,
        settings.provider.model_dump(mode="json"),
        settings.records.retention_days,
    ]
    told += [
        [labels.model_dump(mode="json"), marks.model_dump(mode="json")]
        for labels, marks in _variants(settings)
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def _variants(settings: Settings) -> list[tuple[Labels, Watermarks]]:
    """The different ways in which tenants are labelled, each once."""
    found: list[tuple[Labels, Watermarks]] = []
    tenants: Sequence[Tenant | None] = settings.tenants or [None]
    for tenant in tenants:
        labels, watermarks, _ = settings.for_tenant(tenant)
        # What a tenant has promised, or said before, is not for everybody.
        told = labels.model_copy(update={"undertaking": "", "former": []})
        if (told, watermarks) not in found:
            found.append((told, watermarks))
    return found


def _services(settings: Settings, words: Words) -> list[tuple[str, str]]:
    return [(f"{words.service} {model}", code) for model, code in settings.provider.service_codes().items()]


def _explicit(labels: Labels, words: Words, number: int) -> str:
    said = [f"<p>{escape(words.modes[labels.mode])}</p>"]
    if labels.mode == "text":
        where = words.join.join(words.positions[position] for position in labels.positions)
        rows = [(words.form, words.forms[labels.form]), (words.where, where)]
        if "inline" in labels.positions:
            rows.append((words.how_often, words.every.format(chars=labels.inline_every_chars)))
        said += [_list_of(rows), f"<p>{escape(words.not_in_text[labels.unsafe])}</p>"]
    if labels.mode != "unlabelled":
        said.append(_wording(labels, words))
    inner = "".join(said)
    return (
        f"<section><h3>{escape(words.variant.format(number=number))}</h3>{inner}</section>"
        if number
        else inner
    )


def _wording(labels: Labels, words: Words) -> str:
    """The very strings that users see."""
    rows = []
    for locale, strings in labels.wording().items():
        shown = [getattr(strings, position) for position in labels.positions] if labels.mode == "text" else []
        texts = dict.fromkeys([*shown, strings.hint])
        rows.append((locale, " ".join(f'<span class="shown">{escape(text)}</span>' for text in texts)))
    items = "".join(
        f'<dt>{escape(locale)}</dt><dd lang="{escape(locale)}">{shown}</dd>' for locale, shown in rows
    )
    return f"<p>{escape(words.wording)}</p><dl>{items}</dl>"


def _implicit(
    settings: Settings, marks: Sequence[Watermarks], public_key: str, words: Words
) -> Iterable[str]:
    if any(labels.metadata for labels, _ in _variants(settings)):
        yield words.metadata
    yield words.watermark if any(one.carrier_on for one in marks) else words.no_watermark
    if public_key:
        yield words.signature.format(key=public_key)
    if settings.content_credentials.enabled and settings.content_credentials.certificate is not None:
        yield words.content_credentials


def _list_of(rows: Iterable[tuple[str, str]]) -> str:
    return (
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows) + "</dl>"
    )


def _items(texts: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def _paragraphs(texts: Iterable[str]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in texts)
