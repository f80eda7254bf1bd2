"""`/verify`: the public page. Rendered here; scripts only make it smoother. Keeps nothing of what is handed in.

There are no cookies and no sessions: who has a key sends it with the form, so another site has nothing to ride
on. What other sites submit is refused all the same, because it would use up their visitor's checks.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from fastapi import APIRouter, Request, Response
from jinja2 import Environment, FileSystemLoader

from detectors.detection import Detection, Outcome
from detectors.files import NON_COMPLIANT
from detectors.verdict import LIMITS, Report
from labelers.locales import locale_of
from proxy.api.callers import Callers, bounded_body, signed_by
from proxy.console.heatmap import (
    MAX_SHOWN,
    Piece,
    Warm,
    Warmth,
    heat_map,
    places,
    warm_pieces,
    warm_sentences,
)
from proxy.console.report_pdf import report_pdf
from proxy.console.words import LANGUAGES, SEALS, SYMBOLS, WARM_SYMBOLS, Words, words
from proxy.errors import ApiError
from proxy.examination import FORMATS, Examined, Submission, examine
from proxy.house import House
from proxy.signed import verify_report
from proxy.wire.form import FormPart, form_parts, is_form

__all__ = ["verify_router"]

FOLDER = Path(__file__).parent
_STATIC = {
    "verify.css": "text/css; charset=utf-8",
    "verify.js": "text/javascript; charset=utf-8",
    "htmx-4.0.1.min.js": "text/javascript; charset=utf-8",
    "seal.svg": "image/svg+xml",
}
_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "vary": "accept-language, hx-request",
}
MAX_LABELS = 5  # of one file that the page shows
_REPORT_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Card:
    detector: str
    outcome: str
    technique: str
    facts: list[tuple[str, str]]
    detail: str
    limit: str


@dataclass(frozen=True, slots=True)
class Result:
    """What the template shows of one examination, or why there was none."""

    error: str = ""
    verdict: str = ""
    seal: str = ""
    reason: str = ""
    remarks: list[str] = field(default_factory=list)
    name: str = ""
    characters: int = 0
    label: str | None = None
    basis: str = ""
    created: str = ""
    created_shown: str = ""
    wrong_key: bool = False
    exact: bool = False
    cards: list[Card] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)
    warm: list[Warm] = field(default_factory=list)
    """How each unit of the statistical mark speaks; for those who are known."""
    warmth: list[Warmth] = field(default_factory=list)
    cut: int = 0
    text_lang: str = ""
    implicit: list[tuple[str, list[tuple[str, str, str]]]] = field(default_factory=list)
    """Each implicit label of a file: its place, and (name, value, meaning) of its fields."""
    compliant: bool = True
    problems: tuple[str, ...] = ()
    evidence: str = ""
    signed: str = ""


def verify_router(house: House, callers: Callers) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    page = _Page()

    @router.get("/verify")
    async def show(request: Request) -> Response:
        return page.render(_language(request), None)

    @router.post("/verify")
    async def check(request: Request) -> Response:
        part = "hx-request" in request.headers
        w = words(_language(request))
        try:
            fields = await _form(request, house.settings.server.max_body_bytes)
            w = words(_language(request, fields.get("lang")))
            result = await _examined(house, callers, request, fields, w)
        except ApiError as error:
            refused = Result(error=_explained(error, w))
            return page.render(w.language, refused, error.status, part=part, headers=dict(error.headers))
        return page.render(w.language, result, part=part)

    @router.post("/verify/report")
    async def report(request: Request) -> Response:
        """Gives back the signed report that the page holds, as a file. Only what we signed."""
        try:
            fields = await _form(request, _REPORT_LIMIT)
        except ApiError as error:
            return Response(str(error), error.status, media_type="text/plain")
        signed = fields["report"].data if "report" in fields else b""
        if not verify_report(signed, house.report_key.public_key()):
            return Response("this report was not signed here", 422, media_type="text/plain")
        if _field(fields, "format") == "pdf":
            language = _language(request, fields.get("lang"))
            made = await asyncio.to_thread(report_pdf, orjson.loads(signed), language)
            return _file(made, "pdf", "application/pdf")
        return _file(signed, "json", "application/json")

    @router.get("/verify/static/{name}")
    async def static(name: str) -> Response:
        name = name.partition("~")[2] or name
        if name not in _STATIC:
            return Response("not found", 404, media_type="text/plain")
        headers = {
            "cache-control": "public, max-age=31536000, immutable",
            "x-content-type-options": "nosniff",
        }
        return Response(_static(name), media_type=_STATIC[name], headers=headers)

    return router


def _file(data: bytes, suffix: str, kind: str) -> Response:
    headers = _PAGE_HEADERS | {"content-disposition": f'attachment; filename="inkseal-report.{suffix}"'}
    return Response(data, media_type=kind, headers=headers)


@lru_cache(maxsize=len(_STATIC))
def _static(name: str) -> bytes:
    return (FOLDER / "static" / name).read_bytes()


class _Page:
    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # The hash in the name lets browsers keep a file for good.
        self._assets = {name: f"{hashlib.sha256(_static(name)).hexdigest()[:10]}~{name}" for name in _STATIC}
        self._version = version("inkseal")

    def render(
        self,
        language: str,
        result: Result | None,
        status: int = 200,
        *,
        part: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        w = words(language)
        html = self._templates.get_template("result.html" if part else "verify.html").render(
            w=w,
            other=next(one for one in LANGUAGES if one != language),
            result=result,
            symbols=SYMBOLS,
            warm_symbols=WARM_SYMBOLS,
            assets=self._assets,
            version=self._version,
            formats=", ".join(FORMATS),
            accept=",".join(f".{one}" for one in FORMATS),
        )
        return Response(
            html, status, media_type="text/html; charset=utf-8", headers=_PAGE_HEADERS | (dict(headers or {}))
        )


def _language(request: Request, part: FormPart | None = None) -> str:
    """What was asked for, else the first of ours that the browser wants, else Chinese."""
    asked = part.data.decode("latin-1") if part is not None else request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    for wanted in request.headers.get("accept-language", "").split(","):
        start = wanted.partition(";")[0].strip().lower()[:2]
        if start in LANGUAGES:
            return start
    return LANGUAGES[0]


async def _form(request: Request, limit: int) -> dict[str, FormPart]:
    """The parts of a form by name, read in memory. Raises ApiError."""
    if not _is_from_here(request):
        raise ApiError(403, "this form was sent from elsewhere", code="cross_site")
    kind = request.headers.get("content-type", "")
    raw = await bounded_body(request, limit)
    if is_form(kind):
        return {part.name: part for part in form_parts(raw, kind)}
    fields = dict(_pairs(raw)) if kind.startswith("application/x-www-form-urlencoded") else {}
    return {name: FormPart(name, None, value) for name, value in fields.items()}


def _pairs(raw: bytes) -> list[tuple[str, bytes]]:
    text = raw.decode("ascii", "replace")
    return [(name, value.encode("utf-8", "surrogateescape")) for name, value in parse_qsl(text)]


def _is_from_here(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin in (None, "null") or urlsplit(origin).netloc == request.headers.get("host")


async def _examined(
    house: House, callers: Callers, request: Request, fields: Mapping[str, FormPart], w: Words
) -> Result:
    file, text = fields.get("file"), _field(fields, "text")
    declared = "declared" in fields
    if file is not None and file.data:
        name = (file.filename or "file").replace("\\", "/").rpartition("/")[2]
        submission = Submission(data=file.data, name=name, declared=declared)
    elif text.strip():
        # Browsers send line ends as CR LF, whatever was pasted.
        submission = Submission(text=text.replace("\r\n", "\n"), declared=declared)
    else:
        raise ApiError(422, w["nothing_given"], code="nothing_given")
    key = _field(fields, "key").strip()
    known = callers.admit(request, key)
    seen = await asyncio.to_thread(examine, house.panel, submission, house.pinned_keys)
    signed = signed_by(house, seen, public=not known)
    return _result(seen, signed, known=known, wrong_key=bool(key) and not known, w=w)


def _field(fields: Mapping[str, FormPart], name: str) -> str:
    return fields[name].data.decode("utf-8", "replace") if name in fields else ""


def _explained(error: ApiError, w: Words) -> str:
    if error.status == 429:
        return w["too_many"].format(seconds=dict(error.headers).get("retry-after", "60"))
    if error.status == 413:
        return w["too_large"]
    if error.code == "file_unreadable":
        return w["unreadable"].format(why=str(error))
    if error.code == "cross_site":
        return w["elsewhere"]
    return str(error)


def _result(seen: Examined, signed: dict[str, Any], *, known: bool, wrong_key: bool, w: Words) -> Result:
    report = seen.report
    found = [one for one in report.detections if one.outcome is not Outcome.ABSENT]
    names = {one.detector for one in found}
    created = signed["document"]["created"]
    shown = signed["document"]["report"]["detections"]
    cards = [
        _card(one, row, w)
        for one, row in zip(report.detections, shown, strict=True)
        if one.outcome is not Outcome.ABSENT
    ]
    told = [(name, _in_words(runs, w)) for name, runs in places(report)]
    return Result(
        verdict=report.verdict,
        seal=SEALS[report.verdict],
        reason=w.reasons[_reason(report)],
        remarks=[w.pick(remark) for remark in report.remarks],
        name=seen.name,
        characters=len(report.text),
        label=report.label,
        basis=report.basis,
        created=created,
        created_shown=created[:19].replace("T", " ") + " UTC",
        wrong_key=wrong_key,
        exact=known,
        cards=cards,
        absent=list(dict.fromkeys(one.detector for one in report.detections if one.detector not in names)),
        pieces=heat_map(report, exact=known),
        places=told,
        warm=warm_pieces(report) if known else [],
        warmth=warm_sentences(report) if known else [],
        cut=MAX_SHOWN if len(report.text) > MAX_SHOWN else 0,
        text_lang="zh-CN" if locale_of(report.text[:2000]) == "zh" else "en",
        implicit=_implicit(seen, w),
        compliant=seen.reading is None or seen.reading.verdict != NON_COMPLIANT,
        problems=seen.reading.problems if seen.reading is not None else (),
        evidence=_evidence(seen, signed, w),
        signed=orjson.dumps(signed).decode(),
    )


def _implicit(seen: Examined, w: Words) -> list[tuple[str, list[tuple[str, str, str]]]]:
    labels = seen.reading.labels if seen.reading is not None else ()
    return [
        (label.place, [(name, label.fields.get(name, ""), meaning) for name, meaning in w.fields.items()])
        for label in labels[:MAX_LABELS]
    ]


def _reason(report: Report) -> str:
    present = {one.detector for one in report.detections if one.outcome is Outcome.PRESENT}
    if report.verdict == "confirmed":
        return next(one for one in ("carrier", "metadata", "statistical") if one in present)
    return {"possible": "declared", "suspected": "traces", "not_found": "nothing"}[report.verdict]


def _card(found: Detection, row: Mapping[str, Any], w: Words) -> Card:
    """`row`: the same as the caller may see it."""
    facts = [
        (w.origin.get(key, key), str(value)) for key, value in (row["provenance"] or {}).items() if value
    ]
    for key in ("z_score", "p_value", "num_units_scored"):
        if row[key] is not None:
            facts.append((key, str(row[key])))
    limit = w.pick(LIMITS[found.detector]) if found.detector in LIMITS else ""
    return Card(found.detector, str(found.outcome), found.technique, facts, row["detail"], limit)


def _in_words(runs: list[tuple[int, int]], w: Words) -> str:
    said = [
        w["sentence" if first == last else "sentences"].format(first=first, last=last) for first, last in runs
    ]
    return ("、" if w.language == "zh" else ", ").join(said)


def _evidence(seen: Examined, signed: Mapping[str, Any], w: Words) -> str:
    """The finding in plain lines, to be pasted into a mail."""
    document = signed["document"]
    lines = [
        w.verdicts[seen.report.verdict],
        *(w.pick(remark) for remark in seen.report.remarks),
        f"{w['statutory_heading']}: {seen.report.label or w['statutory_none']} ({seen.report.basis})",
    ]
    for row in document["report"]["detections"]:
        told = ", ".join(f"{key}={value}" for key, value in (row["provenance"] or {}).items())
        name = w.detectors.get(row["detector"], row["detector"])
        lines.append(f"- {name}: {w.outcomes[row['outcome']]}" + (f" ({told})" if told else ""))
    lines += [
        f"SHA-256: {seen.sha256}" + (f" ({seen.name})" if seen.name else ""),
        f"{w['checked_at']}: {document['created']} · {document['service']['software']}",
        f"Ed25519 {signed['signature']['public_key']}",
    ]
    return "\n".join(lines)
