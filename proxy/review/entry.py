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

from proxy.review.categories import CATEGORIES
from proxy.review.checks import SOURCES, EntryError, check_entry, moment, require, strings

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

    `within`: a number of characters, "sentence" or "message". It fires when its last required term completes.
    `hold`: "sentence" keeps the text from its first term on until the sentence ends, so that no term of it
    leaks and a `none` term may follow; "" keeps back the last term alone.
    """

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    within: int | str = "sentence"
    hold: str = ""


@dataclass(frozen=True, slots=True)
class RegexLimits:
    """`max_width`: code points that one match may span; `validator`: a check on the matched digits."""

    max_width: int = 64
    validator: str = ""


_BLOCK_BOTH: Mapping[Direction, Action] = MappingProxyType(
    {Direction.INPUT: Action.BLOCK, Direction.OUTPUT: Action.BLOCK}
)
_TUPLES = (
    "views", "folds", "tags", "roles", "tenants", "models", "endpoints", "exceptions", "examples", "approvers",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One feature 特征 with what happens when it is found (field list: the library interchange).

    `pattern` is what is looked for, and for a combination its name. `folds`: further ways of reading that only
    this entry asks for ("initials" of its pinyin, "reversed", "filler": up to `gap` Han characters between its
    own, "split": one of two characters written as its parts, which longer entries are looked for anyhow,
    "words": it counts in full where what was found is ordinary words). `models` and `endpoints` are shell
    patterns, all scopes empty for "everywhere". `examples` and `threshold` (cosine, 0 to 1) belong to kind
    similar-text. `effective_from` and `expires` are ISO dates or times; a date alone means the whole day in China.
    Raises EntryError for any field that breaks the syntax. An empty `id` is derived from what the entry matches.
    """

    pattern: str
    category: str
    id: str = ""
    kind: str = "keyword"
    views: tuple[str, ...] = ("safe", "evasion")
    boundary: str = "auto"
    gap: int = 3
    folds: tuple[str, ...] = ()
    combination: Combination | None = None
    regex: RegexLimits | None = None
    threshold: float = 0.7
    tags: tuple[str, ...] = ()
    severity: int = 3
    action: Mapping[Direction, Action] = field(default_factory=lambda: _BLOCK_BOTH)
    scope: str = "both"
    roles: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
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
        object.__setattr__(self, "action", _actions(self.action))
        check_entry(self)
        if not self.id:
            object.__setattr__(self, "id", _derived_id(self))

    def __hash__(self) -> int:
        return hash(self.id)

    def action_for(self, direction: Direction) -> Action | None:
        """The action in this direction; None where the entry does not apply."""
        if self.scope not in ("both", direction):
            return None
        return self.action.get(direction)

    @property
    def in_force_ms(self) -> tuple[float, float]:
        """When the entry applies: [from, to) in Unix milliseconds, infinite where nothing is said."""
        begins = moment(self.effective_from, "effective_from") if self.effective_from else float("-inf")
        ends = moment(self.expires, "expires", end_of_day=True) if self.expires else float("inf")
        return begins, ends

    def to_row(self) -> dict[str, Any]:
        """The entry as JSON-able interchange data, defaults left out."""
        row: dict[str, Any] = {"id": self.id}
        for name, default in _WRITTEN:
            value = getattr(self, name)
            if value is not default and value != default:
                row[name] = _plain(value)
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any], place: str = "") -> Entry:
        """The entry of one interchange row (decoded JSON). EntryError names `place`.

        Two spellings of the field list are taken as well: `approver` for one name, and `scope` as an object of
        direction, roles, tenants, models and endpoints. A combination without a pattern is named by its terms.
        """
        try:
            return cls(**_arguments(row))
        except EntryError as error:
            raise error.at(place) from None

    @classmethod
    def of_checked_row(cls, row: Mapping[str, Any]) -> Entry:
        """The entry of a row that `to_row` made of a checked one; nothing is checked again."""
        entry = object.__new__(cls)
        for name, default in _DEFAULTS.items():
            object.__setattr__(entry, name, default)
        for name, value in row.items():
            if type(value) is list:
                value = tuple(value)
            elif type(value) is dict:
                value = _actions(value) if name == "action" else _value(value, name, _VALUES[name])
            object.__setattr__(entry, name, value)
        return entry

    def with_pattern(self, pattern: str) -> Entry:
        """The same entry, id and all, with another pattern that was checked: for many at once."""
        entry = object.__new__(Entry)
        for name in _FIELDS:
            object.__setattr__(entry, name, getattr(self, name))
        object.__setattr__(entry, "pattern", pattern)
        return entry

    def with_status(self, status: str) -> Entry:
        """The same entry in another state of the procedure."""
        return replace(self, status=status)


_VALUES: dict[str, Any] = {"source": Source, "combination": Combination, "regex": RegexLimits}
_FIELDS = tuple(Entry.__dataclass_fields__)
_MISSING = object()
_DEFAULTS: dict[str, Any] = {
    name: spec.default
    for name, spec in Entry.__dataclass_fields__.items()
    if name not in ("pattern", "action")
} | {"action": _BLOCK_BOTH}
_WRITTEN = tuple((name, _DEFAULTS.get(name, _MISSING)) for name in _FIELDS if name != "id")
_SCOPES = ("roles", "tenants", "models", "endpoints")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): str(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Source | Combination | RegexLimits):
        fields = {name: getattr(value, name) for name in value.__dataclass_fields__}
        if not fields.get("hold", True):
            del fields["hold"]
        return {name: _plain(inner) for name, inner in fields.items()}
    return value


def _arguments(row: Mapping[str, Any]) -> dict[str, Any]:
    """Constructor arguments of a decoded row; types are set right here, values checked by the entry."""
    require(isinstance(row, Mapping), "row", "must be an object with field names")
    arguments = _respelled(row)
    unknown = sorted(set(arguments) - set(_FIELDS))
    if unknown:
        raise EntryError(str(unknown[0]), "is not a field of an entry; the fields are " + ", ".join(_FIELDS))
    for name in _TUPLES:
        if name in arguments:
            arguments[name] = strings(arguments[name], name)
    for name, value_type in _VALUES.items():
        if arguments.get(name) is not None:
            arguments[name] = _value(arguments[name], name, value_type)
    terms = arguments.get("combination")
    if arguments.get("kind") == "combination" and terms is not None and "pattern" not in arguments:
        arguments["pattern"] = " + ".join((*terms.all, *([" / ".join(terms.any)] if terms.any else [])))
    for name in ("pattern", "category"):
        require(name in arguments, name, "is missing")
    return arguments


def _respelled(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the fields that may be written in two ways written in ours."""
    arguments = dict(row)
    if "approver" in arguments:
        require("approvers" not in arguments, "approver", "give either approver or approvers")
        arguments["approvers"] = [arguments.pop("approver")]
    scope = arguments.get("scope")
    if isinstance(scope, Mapping):
        known = {"direction", *_SCOPES}
        require(set(scope) <= known, "scope", "must be input, output, both or an object of these fields: "
                + ", ".join(sorted(known)))  # fmt: skip
        twice = sorted((set(scope) & set(_SCOPES)) & set(arguments))
        require(not twice, "scope", f"{', '.join(twice)} is given twice")
        del arguments["scope"]
        arguments |= {"scope" if name == "direction" else name: value for name, value in scope.items()}
    return arguments


def _value(value: Any, name: str, value_type: Any) -> Any:
    if isinstance(value, value_type):
        return value
    known = value_type.__dataclass_fields__
    ok = isinstance(value, Mapping) and set(value) <= set(known)
    require(ok, name, "must be an object with the fields " + ", ".join(known))
    lists = {k: strings(v, f"{name}.{k}") if isinstance(v, list) else v for k, v in value.items()}
    return value_type(**lists)


_SHARED: dict[tuple[tuple[Direction, Action], ...], Mapping[Direction, Action]] = {
    tuple(sorted(_BLOCK_BOTH.items())): _BLOCK_BOTH
}


def _actions(value: Any) -> Mapping[Direction, Action]:
    """One shared mapping per combination: a library of 100,000 entries has a handful of them."""
    if any(value is shared for shared in _SHARED.values()):
        known: Mapping[Direction, Action] = value
        return known
    if isinstance(value, str):
        value = {"input": value, "output": value}
    require(isinstance(value, Mapping) and len(value) > 0, "action", 'must be like {"input": "block"}')
    try:
        pairs = tuple(sorted((Direction(k), Action(v)) for k, v in value.items()))
    except ValueError as error:
        names = f"directions are {', '.join(Direction)}; actions are {', '.join(Action)}"
        raise EntryError("action", f"{error}; {names}") from None
    return _SHARED.setdefault(pairs, MappingProxyType(dict(pairs)))


def _derived_id(entry: Entry) -> str:
    """A name from what is matched, so that the same file imported anywhere names its entries alike."""
    parts: list[Any] = [entry.kind, entry.pattern, entry.category, entry.scope, sorted(entry.action.items())]
    parts += [entry.roles, entry.tenants, entry.models]
    parts.append(_plain(entry.combination) if entry.combination else None)
    # Fields that came later count only where they are used, so that older entries keep their names.
    parts += [list(value) for value in (entry.endpoints, entry.folds) if value]
    digest = hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8")).hexdigest()
    return f"e-{digest[:16]}"
