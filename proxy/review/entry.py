"""One entry of the feature library 特征库, as a checked value.

An `Entry` that exists is well formed: the dataclass refuses what breaks the syntax. Whether a well-formed
entry is a good one is the entry standard's question (`proxy.review.standard`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

__all__ = [
    "CATEGORIES",
    "SOURCES",
    "Action",
    "Combination",
    "Direction",
    "Entry",
    "EntryError",
    "RegexLimits",
    "Source",
]

# The 31 risks of TC260-003 annex A, in its order.
CATEGORIES: Mapping[str, str] = MappingProxyType({
    "A.1.a": "煽动颠覆国家政权、推翻社会主义制度",
    "A.1.b": "危害国家安全和利益、损害国家形象",
    "A.1.c": "煽动分裂国家、破坏国家统一和社会稳定",
    "A.1.d": "宣扬恐怖主义、极端主义",
    "A.1.e": "宣扬民族仇恨",
    "A.1.f": "宣扬暴力、淫秽色情",
    "A.1.g": "传播虚假有害信息",
    "A.1.h": "其他法律、行政法规禁止的内容",
    "A.2.a": "民族歧视",
    "A.2.b": "信仰歧视",
    "A.2.c": "国别歧视",
    "A.2.d": "地域歧视",
    "A.2.e": "性别歧视",
    "A.2.f": "年龄歧视",
    "A.2.g": "职业歧视",
    "A.2.h": "健康歧视",
    "A.2.i": "其他方面歧视",
    "A.3.a": "侵犯他人知识产权",
    "A.3.b": "违反商业道德",
    "A.3.c": "泄露他人商业秘密",
    "A.3.d": "利用算法、数据、平台等优势实施垄断和不正当竞争",
    "A.3.e": "其他商业违法违规",
    "A.4.a": "危害他人身心健康",
    "A.4.b": "侵害他人肖像权",
    "A.4.c": "侵害他人名誉权",
    "A.4.d": "侵害他人荣誉权",
    "A.4.e": "侵害他人隐私权",
    "A.4.f": "侵害他人个人信息权益",
    "A.4.g": "侵犯他人其他合法权益",
    "A.5.a": "内容不准确",
    "A.5.b": "内容不可靠",
})  # fmt: skip
SOURCES = ("主管部门通知", "投诉举报", "人工审核", "安全评估", "自建")
KINDS = ("keyword", "combination", "regex", "pinyin", "similar-text")
VIEWS = ("raw", "safe", "evasion", "pinyin")
SCOPES = ("input", "output", "both")
BOUNDARIES = ("auto", "word", "none")
STATUSES = ("proposed", "reviewed", "approved", "published", "retired", "rejected", "suspended")
VALIDATORS = ("", "id_card", "luhn", "phone")


class EntryError(ValueError):
    """An entry that cannot be taken: where it stands, which field, what to do about it."""

    def __init__(self, field: str, advice: str, place: str = "") -> None:
        self.field, self.advice, self.place = field, advice, place
        super().__init__(f"{place}: {field}: {advice}" if place else f"{field}: {advice}")

    def at(self, place: str) -> EntryError:
        """The same error with the place that the reader of the file knows."""
        return EntryError(self.field, self.advice, place)


class Action(StrEnum):
    """What a finding does to the text, the strongest first."""

    BLOCK = "block"
    REPLACE = "replace"
    MASK = "mask"
    FLAG = "flag"
    LOG = "log"

    @property
    def holds(self) -> bool:
        """Whether text must wait until such a match is decided."""
        return self in _HOLDING


_HOLDING = frozenset({Action.BLOCK, Action.REPLACE, Action.MASK})


class Direction(StrEnum):
    """INPUT is what the model is told, OUTPUT what it says."""

    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an entry comes from: one of SOURCES, a reference, an ISO date."""

    type: str = "自建"
    ref: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Combination:
    """Terms that mean something together: all of `all`, one of `any` if given, none of `none`.

    `within`: a number of characters, "sentence" or "message".
    """

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    within: int | str = "sentence"


@dataclass(frozen=True, slots=True)
class RegexLimits:
    """`max_width`: code points that one match may span; `validator`: a check on the matched digits."""

    max_width: int = 64
    validator: str = ""


_BLOCK_BOTH: Mapping[Direction, Action] = MappingProxyType(
    {Direction.INPUT: Action.BLOCK, Direction.OUTPUT: Action.BLOCK}
)
_TUPLES = ("views", "tags", "roles", "tenants", "models", "exceptions", "examples", "approvers")


@dataclass(frozen=True, slots=True)
class Entry:
    """One feature 特征 with what happens when it is found (field list: the library interchange).

    Raises EntryError for any field that breaks the syntax. An empty `id` is derived from what the entry
    matches.
    """

    pattern: str
    category: str
    id: str = ""
    kind: str = "keyword"
    views: tuple[str, ...] = ("safe", "evasion")
    boundary: str = "auto"
    gap: int = 3
    combination: Combination | None = None
    regex: RegexLimits | None = None
    tags: tuple[str, ...] = ()
    severity: int = 3
    action: Mapping[Direction, Action] = field(default_factory=lambda: _BLOCK_BOTH)
    scope: str = "both"
    roles: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    replacement: str = ""
    examples: tuple[str, ...] = ()
    source: Source = Source()
    legal_basis: str = ""
    effective_from: str = ""
    expires: str = ""
    review_due: str = ""
    status: str = "published"
    version: int = 1
    author: str = ""
    reviewer: str = ""
    approvers: tuple[str, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        _check(self)
        if not self.id:
            object.__setattr__(self, "id", _derived_id(self))

    def __hash__(self) -> int:
        return hash(self.id)

    def action_for(self, direction: Direction) -> Action | None:
        """The action in this direction; None where the entry does not apply."""
        if self.scope not in ("both", direction):
            return None
        return self.action.get(direction)

    def to_row(self) -> dict[str, Any]:
        """The entry as JSON-able interchange data, defaults left out."""
        row: dict[str, Any] = {"id": self.id}
        for name in _FIELDS:
            value = getattr(self, name)
            if name == "id" or value == _DEFAULTS.get(name, _MISSING):
                continue
            row[name] = _plain(value)
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any], place: str = "") -> Entry:
        """The entry of one interchange row (decoded JSON). EntryError names `place`."""
        try:
            return cls(**_arguments(row))
        except EntryError as error:
            raise error.at(place) from None

    def with_status(self, status: str) -> Entry:
        """The same entry in another state of the procedure."""
        return replace(self, status=status)


_FIELDS = tuple(Entry.__dataclass_fields__)
_MISSING = object()
_DEFAULTS: dict[str, Any] = {
    name: spec.default
    for name, spec in Entry.__dataclass_fields__.items()
    if name not in ("pattern", "action")
} | {"action": _BLOCK_BOTH}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): str(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Source | Combination | RegexLimits):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _require(condition: bool, field: str, advice: str) -> None:
    if not condition:
        raise EntryError(field, advice)


def _arguments(row: Mapping[str, Any]) -> dict[str, Any]:
    """Constructor arguments of a decoded row; types are set right here, values checked by the entry."""
    _require(isinstance(row, Mapping), "row", "must be an object with field names")
    unknown = sorted(set(row) - set(_FIELDS))
    if unknown:
        raise EntryError(str(unknown[0]), "is not a field of an entry; the fields are " + ", ".join(_FIELDS))
    for name in ("pattern", "category"):
        _require(name in row, name, "is missing")
    arguments = dict(row)
    for name in _TUPLES:
        if name in arguments:
            arguments[name] = _strings(arguments[name], name)
    if "action" in arguments:
        arguments["action"] = _actions(arguments["action"])
    for name, value_type in (("source", Source), ("combination", Combination), ("regex", RegexLimits)):
        if arguments.get(name) is not None:
            arguments[name] = _value(arguments[name], name, value_type)
    return arguments


def _strings(value: Any, name: str) -> tuple[str, ...]:
    ok = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    _require(ok, name, "must be a list of strings")
    return tuple(value)


def _value(value: Any, name: str, value_type: Any) -> Any:
    if isinstance(value, value_type):
        return value
    known = value_type.__dataclass_fields__
    ok = isinstance(value, Mapping) and set(value) <= set(known)
    _require(ok, name, "must be an object with the fields " + ", ".join(known))
    lists = {k: _strings(v, f"{name}.{k}") if isinstance(v, list) else v for k, v in value.items()}
    return value_type(**lists)


_ACTION_PAIRS: dict[tuple[tuple[Direction, Action], ...], Mapping[Direction, Action]] = {}


def _actions(value: Any) -> Mapping[Direction, Action]:
    """One shared mapping per combination: a library of 100,000 entries has a handful of them."""
    if isinstance(value, str):
        value = {"input": value, "output": value}
    _require(isinstance(value, Mapping) and len(value) > 0, "action", 'must be like {"input": "block"}')
    try:
        pairs = tuple(sorted((Direction(k), Action(v)) for k, v in value.items()))
    except ValueError as error:
        names = f"directions are {', '.join(Direction)}; actions are {', '.join(Action)}"
        raise EntryError("action", f"{error}; {names}") from None
    return _ACTION_PAIRS.setdefault(pairs, MappingProxyType(dict(pairs)))


def _check(entry: Entry) -> None:
    _require(
        isinstance(entry.pattern, str) and entry.pattern != "",
        "pattern",
        "must be a string that is not empty",
    )
    texts = (entry.pattern, *entry.exceptions, entry.replacement)
    _require(
        all(_is_text(text) for text in texts),
        "pattern",
        "holds half of a surrogate pair; save the file as UTF-8",
    )
    _one_of(entry.category, CATEGORIES, "category")
    _one_of(entry.kind, KINDS, "kind")
    _one_of(entry.boundary, BOUNDARIES, "boundary")
    _one_of(entry.scope, SCOPES, "scope")
    _one_of(entry.status, STATUSES, "status")
    for view in entry.views:
        _one_of(view, VIEWS, "views")
    _require(len(entry.views) > 0, "views", "name at least one of " + ", ".join(VIEWS))
    _require(type(entry.severity) is int and 1 <= entry.severity <= 4, "severity", "must be 1, 2, 3 or 4")
    _require(type(entry.gap) is int and 0 <= entry.gap <= 16, "gap", "must be a number from 0 to 16")
    _one_of(entry.source.type, SOURCES, "source.type")
    for name in _TUPLES:
        _strings(getattr(entry, name), name)
    for name in (
        "id",
        "replacement",
        "legal_basis",
        "effective_from",
        "expires",
        "author",
        "reviewer",
        "reason",
    ):
        _require(isinstance(getattr(entry, name), str), name, "must be a string")
    object.__setattr__(entry, "action", _actions(entry.action))
    _check_kind(entry)


def _check_kind(entry: Entry) -> None:
    if entry.kind == "combination":
        terms = entry.combination
        if terms is None:
            raise EntryError("combination", "an entry of kind combination needs it")
        _require(len(terms.all) + len(terms.any) > 0, "combination", "needs terms in all or any")
        within = terms.within in ("sentence", "message") or (type(terms.within) is int and terms.within > 0)
        _require(within, "combination.within", 'must be a number of characters, "sentence" or "message"')
    if entry.regex is not None:
        _one_of(entry.regex.validator, VALIDATORS, "regex.validator")
        width = entry.regex.max_width
        _require(type(width) is int and 1 <= width <= 64, "regex.max_width", "must be a number from 1 to 64")


def _one_of(value: Any, known: Mapping[str, str] | tuple[str, ...], name: str) -> None:
    _require(isinstance(value, str) and value in known, name, f"{value!r} is not one of {', '.join(known)}")


def _is_text(text: str) -> bool:
    return not any(0xD800 <= ord(c) <= 0xDFFF for c in text) if not text.isascii() else True


def _derived_id(entry: Entry) -> str:
    """A name from what is matched, so that the same file imported anywhere names its entries alike."""
    parts: list[Any] = [entry.kind, entry.pattern, entry.category, entry.scope, sorted(entry.action.items())]
    parts += [
        entry.roles,
        entry.tenants,
        entry.models,
        _plain(entry.combination) if entry.combination else None,
    ]
    digest = hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8")).hexdigest()
    return f"e-{digest[:16]}"
