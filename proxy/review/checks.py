"""What the fields of an entry may hold: the syntax, with advice for whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from proxy.review.categories import CATEGORIES

if TYPE_CHECKING:
    from proxy.review.entry import Combination, Entry

__all__ = ["SOURCES", "STATUSES", "VIEWS", "EntryError", "check_entry", "moment", "require", "strings"]

SOURCES = ("主管部门通知", "投诉举报", "人工审核", "安全评估", "自建")
KINDS = ("keyword", "combination", "regex", "pinyin", "similar-text")
VIEWS = ("raw", "safe", "evasion", "pinyin")
FOLDS = ("initials", "reversed", "filler", "split", "words")
SCOPES = ("input", "output", "both")
BOUNDARIES = ("auto", "word", "none")
STATUSES = ("proposed", "reviewed", "approved", "published", "retired", "rejected", "suspended")
VALIDATORS = ("", "id_card", "luhn", "phone")
CHINA = timezone(timedelta(hours=8))

_STRINGS = (
    "id", "replacement", "legal_basis", "effective_from", "expires", "review_due", "author", "reviewer", "reason"
)  # fmt: skip
_LISTS = ("tags", "roles", "tenants", "models", "endpoints", "exceptions", "examples", "approvers")


class EntryError(ValueError):
    """An entry that cannot be taken: where it stands, which field, what to do about it."""

    def __init__(self, field: str, advice: str, place: str = "") -> None:
        self.field, self.advice, self.place = field, advice, place
        super().__init__(f"{place}: {field}: {advice}" if place else f"{field}: {advice}")

    def at(self, place: str) -> EntryError:
        """The same error with the place that the reader of the file knows."""
        return EntryError(self.field, self.advice, place)


def require(condition: bool, field: str, advice: str) -> None:
    """EntryError unless the condition holds."""
    if not condition:
        raise EntryError(field, advice)


def strings(value: Any, name: str) -> tuple[str, ...]:
    """A list of strings as a tuple; EntryError for anything else."""
    ok = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    require(ok, name, "must be a list of strings")
    return tuple(value)


def moment(text: str, name: str, *, end_of_day: bool = False) -> float:
    """Unix milliseconds of an ISO date or time; without a zone it is China's. EntryError for anything else.

    A date alone is the day's first moment, with `end_of_day` the first one after it.
    """
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            at = datetime(day.year, day.month, day.day, tzinfo=CHINA) + timedelta(days=end_of_day)
        else:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo is not None else at.replace(tzinfo=CHINA)
    except (ValueError, OverflowError):
        raise EntryError(
            name, f"{text!r} is no date; write it like 2026-09-01 or 2026-09-01T08:00:00+08:00"
        ) from None
    return at.timestamp() * 1000


def check_entry(entry: Entry) -> None:
    """EntryError for the first field that breaks the syntax."""
    require(
        isinstance(entry.pattern, str) and entry.pattern != "",
        "pattern",
        "must be a string that is not empty",
    )
    _one_of(entry.category, CATEGORIES, "category")
    _one_of(entry.kind, KINDS, "kind")
    _one_of(entry.boundary, BOUNDARIES, "boundary")
    _one_of(entry.scope, SCOPES, "scope")
    _one_of(entry.status, STATUSES, "status")
    for view in strings(entry.views, "views"):
        _one_of(view, VIEWS, "views")
    require(len(entry.views) > 0, "views", "name at least one of " + ", ".join(VIEWS))
    for fold in strings(entry.folds, "folds"):
        _one_of(fold, FOLDS, "folds")
    require(type(entry.severity) is int and 1 <= entry.severity <= 4, "severity", "must be 1, 2, 3 or 4")
    require(type(entry.gap) is int and 0 <= entry.gap <= 16, "gap", "must be a number from 0 to 16")
    require(type(entry.version) is int and entry.version >= 1, "version", "must be a number from 1 on")
    _one_of(entry.source.type, SOURCES, "source.type")
    for name in ("ref", "date"):
        require(isinstance(getattr(entry.source, name), str), f"source.{name}", "must be a string")
    for name in _LISTS:
        items = strings(getattr(entry, name), name)
        require("" not in items, name, "holds an empty string; leave it out")
    for name in _STRINGS:
        require(isinstance(getattr(entry, name), str), name, "must be a string")
    _check_dates(entry)
    _check_kind(entry)
    texts = (entry.pattern, *entry.exceptions, *entry.examples, entry.replacement)
    require(all(map(_is_text, texts)), "pattern", "holds half of a surrogate pair; save the file as UTF-8")


def _check_dates(entry: Entry) -> None:
    for name in ("effective_from", "expires", "review_due"):
        if text := getattr(entry, name):
            moment(text, name)
    if entry.effective_from and entry.expires:
        begins, ends = entry.in_force_ms
        require(begins < ends, "expires", "is before effective_from, so the entry would never apply")


def _check_kind(entry: Entry) -> None:
    if entry.kind == "combination" and entry.combination is None:
        raise EntryError("combination", "an entry of kind combination needs it")
    if entry.combination is not None:
        _check_combination(entry.combination)
    if entry.regex is not None:
        _one_of(entry.regex.validator, VALIDATORS, "regex.validator")
        width = entry.regex.max_width
        require(type(width) is int and 1 <= width <= 64, "regex.max_width", "must be a number from 1 to 64")
    require(not entry.folds or entry.kind == "keyword", "folds", "are for entries of kind keyword")
    fits = type(entry.threshold) in (int, float) and 0 < entry.threshold <= 1
    require(fits, "threshold", "must be a number above 0 and not above 1")


def _check_combination(terms: Combination) -> None:
    for name in ("all", "any", "none"):
        items = strings(getattr(terms, name), f"combination.{name}")
        require("" not in items, f"combination.{name}", "holds an empty string; leave it out")
        require(all(map(_is_text, items)), f"combination.{name}", "holds half of a surrogate pair")
    require(len(terms.all) + len(terms.any) > 0, "combination", "needs terms in all or any")
    within = terms.within in ("sentence", "message") or (type(terms.within) is int and terms.within > 0)
    require(within, "combination.within", 'must be a number of characters, "sentence" or "message"')
    _one_of(terms.hold, ("", "sentence"), "combination.hold")
    sentence = not terms.hold or terms.within == "sentence"
    require(sentence, "combination.hold", 'goes with within: "sentence" only')


def _one_of(value: Any, known: Mapping[str, str] | Iterable[str], name: str) -> None:
    require(isinstance(value, str) and value in known, name, f"{value!r} is not one of {', '.join(known)}")


def _is_text(text: str) -> bool:
    return text.isascii() or not any(0xD800 <= ord(c) <= 0xDFFF for c in text)
