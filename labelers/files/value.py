"""The value of an implicit label, whoever wrote it: tolerant reading, strict judgement.

Strategy. Real files hold the seven pairs of Annex E as JSON, wrapped in {"AIGC": …} or bare, as YAML, as
JSON inside a JSON string, with names misspelt and values of any type. `parse` finds the pairs whatever the
shape, says under `notes` what is unusual, and under `problems` what GB 45438-2025 does not allow.

Source: GB 45438-2025 Annex E (keys, values, characters); 标识办法 art. 5 (what a label must tell).
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from labelers.files.contents import ImplicitLabel
from labelers.metadata import AIGC_FIELDS

__all__ = ["MAX_VALUE", "from_mapping", "looks_like_label", "parse"]

MAX_VALUE = 64 * 1024  # characters; the longest real one, with two signatures, has under 3,000
_MAX_DEPTH = 8  # JSON inside JSON strings
_OUTSIDE = re.compile(r"[^\x21-\x5b\x5d-\x7e]")
# Spellings of real files, lower case, without underscores and hyphens.
_ALIASES = {
    "reservecode1": "ReservedCode1",
    "reservecode2": "ReservedCode2",
    "reserved1": "ReservedCode1",
    "reserved2": "ReservedCode2",
    "producer": "ContentProducer",
    "contentprovider": "ContentProducer",
    "serviceprovider": "ContentProducer",
    "producerid": "ProduceID",
    "contentid": "ProduceID",
    "propagator": "ContentPropagator",
    "propagatorid": "PropagateID",
}
_NAMES = {name.lower(): name for name in AIGC_FIELDS} | _ALIASES
_ANY_NAME = "|".join(sorted(_NAMES, key=len, reverse=True))
_QUOTE = r"""(?:\\?["'])?"""
_PAIR = re.compile(
    rf"""{_QUOTE}\b({_ANY_NAME}){_QUOTE}\s*[:=]\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|{_QUOTE}([^\s,;{{}}"'\\]+))""",
    re.IGNORECASE,
)
_TELLING = re.compile(
    r"ContentProducer|ContentPropagator|ProduceID|PropagateID|ServiceProvider", re.IGNORECASE
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")


def looks_like_label(text: str) -> bool:
    """Whether a string that stands somewhere else than in a field called AIGC holds a label all the same."""
    return "AIGC" in text and "{" in text and _TELLING.search(text) is not None


def parse(raw: str, place: str, *, own_place: bool = True, notes: Sequence[str] = ()) -> ImplicitLabel:
    """Reads a value that is one string: JSON by Annex E b), or what people write instead."""
    problems: list[str] = []
    remarks = list(notes)
    if len(raw) > MAX_VALUE:
        problems.append(f"GB 45438-2025 Annex E: the value has {len(raw)} characters and was not read")
        return ImplicitLabel(place, raw[:200], {}, tuple(problems), tuple(remarks), own_place)
    pairs = _pairs(raw.strip().lstrip("\ufeff"), problems, remarks, 0)
    return _label(raw, place, pairs, problems, remarks, own_place)


def from_mapping(
    value: Mapping[str, Any], raw: str, place: str, *, own_place: bool = True, notes: Sequence[str] = ()
) -> ImplicitLabel:
    """Reads a value that its format has parsed already: YAML front matter, a JSON object."""
    problems: list[str] = []
    remarks = list(notes)
    return _label(raw, place, _unwrapped(value, problems, remarks, 0), problems, remarks, own_place)


def _pairs(text: str, problems: list[str], notes: list[str], depth: int) -> Mapping[str, Any]:
    value = _json(text)
    if value is None and '\\"' in text:
        value = _json(text.replace('\\"', '"'))
        if value is not None:
            notes.append("its quotes are escaped once too often")
    if value is None and "&quot;" in text:
        value = _json(html.unescape(text))
        if value is not None:
            notes.append("its quotes are escaped as HTML once too often")
    if isinstance(value, str) and depth < _MAX_DEPTH:
        notes.append("it is JSON inside a JSON string")
        return _pairs(value.strip(), problems, notes, depth + 1)
    if isinstance(value, dict):
        return _unwrapped(value, problems, notes, depth)
    decoded = _from_base64(text)
    if decoded is not None:
        problems.append("GB 45438-2025 Annex E b): the value is Base64, not the plain string")
        return _pairs(decoded, problems, notes, depth + 1)
    problems.append("GB 45438-2025 Annex E b): the value is not JSON")
    found: dict[str, str] = {}
    for name, *values in _PAIR.findall(text):
        found.setdefault(name, next(filter(None, values), ""))
    return found


def _unwrapped(
    value: Mapping[str, Any], problems: list[str], notes: list[str], depth: int
) -> Mapping[str, Any]:
    inner = next((inner for name, inner in value.items() if str(name).upper() == "AIGC"), None)
    if isinstance(inner, str) and depth < _MAX_DEPTH:
        return _pairs(inner.strip(), problems, notes, depth + 1)
    return inner if isinstance(inner, dict) else value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _from_base64(text: str) -> str | None:
    if not _BASE64.fullmatch(text):
        return None
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_").decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded if decoded.lstrip().startswith("{") else None


def _label(
    raw: str,
    place: str,
    pairs: Mapping[str, Any],
    problems: list[str],
    notes: list[str],
    own_place: bool,
) -> ImplicitLabel:
    fields: dict[str, str] = {}
    for key, value in pairs.items():
        name = _NAMES.get(re.sub(r"[_\- ]", "", str(key)).lower())
        if name is None or (key != name and name in pairs and isinstance(value, dict | list)):
            continue  # something else beside the seven keys, like `label` in the object of our own answers
        if key != name:
            notes.append(f"{str(key)[:40]} is read as {name}")
        if name in fields:
            notes.append(f"{name} stands there twice; the first one counts")
            continue
        fields[name] = _string(name, value, notes)
    ordered = {name: fields[name] for name in AIGC_FIELDS if name in fields}
    problems += _breaches(ordered)
    notes += _remarks(ordered)
    return ImplicitLabel(place, raw, ordered, tuple(problems), tuple(dict.fromkeys(notes)), own_place)


def _string(name: str, value: Any, notes: list[str]) -> str:
    if isinstance(value, str):
        return value.strip()
    notes.append(f"{name} is no string")
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _breaches(fields: Mapping[str, str]) -> list[str]:
    """What 标识办法 art. 5 and Annex E require and the label does not tell."""
    label = fields.get("Label", "")
    found = []
    if not label:
        found.append("GB 45438-2025 Annex E: Label is missing")
    elif label not in ("1", "2", "3"):
        found.append(f"GB 45438-2025 Annex E: Label is {label[:40]!r}, not 1, 2 or 3")
    producer = bool(fields.get("ContentProducer")), bool(fields.get("ProduceID"))
    propagator = bool(fields.get("ContentPropagator")), bool(fields.get("PropagateID"))
    # Who spreads a file that nobody labelled knows no producer (标识办法 art. 6): then his own elements do.
    if not all(producer) and (label in ("", "1") or not all(propagator)):
        names = [
            name for name, there in zip(("ContentProducer", "ProduceID"), producer, strict=True) if not there
        ]
        found.append(f"标识办法 art. 5, GB 45438-2025 Annex E: {' and '.join(names)} missing or empty")
    return found


def _remarks(fields: Mapping[str, str]) -> list[str]:
    missing = [name for name in AIGC_FIELDS if name not in fields and name not in _REQUIRED]
    found = [f"{name} is missing" for name in missing]
    for name, value in fields.items():
        strange = dict.fromkeys(_OUTSIDE.findall(value))
        if strange:
            shown = " ".join(repr(char) for char in list(strange)[:5])
            found.append(f"{name} holds characters outside the set of Annex E: {shown}")
    return found


_REQUIRED = ("Label", "ContentProducer", "ProduceID")
