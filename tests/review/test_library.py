"""A library has one version for one content, and says something for every category."""

from __future__ import annotations

import random

import pytest

from proxy.review.entry import CATEGORIES, Direction, Entry, EntryError
from proxy.review.library import Library
from proxy.review.tables import builtin_tables

NOTHING = Library.compile(())

ENTRIES = [Entry(f"词语{c}", "A.1.a") for c in "甲乙丙丁"]


def test_the_version_does_not_depend_on_the_order() -> None:
    shuffled = random.Random(1).sample(ENTRIES, len(ENTRIES))
    assert Library.compile(ENTRIES).version == Library.compile(shuffled).version


def test_the_version_depends_on_everything_that_decides() -> None:
    versions = {
        Library.compile(ENTRIES).version,
        Library.compile(ENTRIES[:3]).version,
        Library.compile(ENTRIES, {"default.en": "No."}).version,
        Library.compile([Entry("词语甲", "A.1.a", severity=1)]).version,
        NOTHING.version,
    }
    assert len(versions) == 5


def test_what_was_compiled_need_not_be_compiled_again() -> None:
    first = Library.compile(ENTRIES)
    second = Library.of_compiled(first.entries, {}, builtin_tables(), first.compiled)
    assert [f.text for f in second.review("x词语甲", Direction.INPUT)] == ["词语甲"]
    assert second.version == first.version


def test_two_entries_of_one_id_are_refused() -> None:
    with pytest.raises(EntryError, match="two entries have it"):
        Library.compile([Entry("甲", "A.1.a", id="x"), Entry("乙", "A.1.a", id="x")])


REFUSED = [
    (Entry("\u200b", "A.1.a"), "nothing is left"),
    (Entry("甲" * 65, "A.1.a"), "the limit is 64"),
    (Entry("甲", "A.1.a", exceptions=("甲" * 65,)), "the limit is 64"),
    (Entry("甲*", "A.1.a", kind="regex"), "matches the empty text"),
    (Entry("甲+", "A.1.a", kind="regex"), "any number of"),
    (Entry("甲[", "A.1.a", kind="regex"), "not RE2 syntax"),
    (Entry("甲" * 30, "A.1.a", folds=("filler",)), "can match 117 characters"),
    (Entry("abc", "A.1.a", folds=("initials",)), "at least two Han"),
]


@pytest.mark.parametrize(("entry", "reason"), REFUSED)
def test_what_cannot_be_matched_is_refused(entry: Entry, reason: str) -> None:
    with pytest.raises(EntryError, match=reason) as caught:
        Library.compile([entry])
    assert caught.value.place == entry.id


def test_a_long_entry_may_look_at_input() -> None:
    library = Library.compile([Entry("甲" * 65, "A.1.a", scope="input")])
    assert len(library.review("甲" * 65, Direction.INPUT)) >= 1


def test_review_tells_what_was_found_up_to_the_block() -> None:
    library = Library.compile([Entry("甲乙", "A.1.a", action="flag"), Entry("丙丁", "A.1.b")])  # type: ignore[arg-type]
    findings = library.review("甲乙 丙丁 甲乙", Direction.INPUT)
    assert [(f.text, f.category) for f in findings] == [("甲乙", "A.1.a"), ("丙丁", "A.1.b")]


SAID = {"A.1.a.zh": "甲类", "default.zh": "其他", "default.fr": "Non."}


@pytest.mark.parametrize(
    ("category", "locale", "text"),
    [("A.1.a", "zh-CN", "甲类"), ("A.1.b", "zh", "其他"), ("A.1.a", "fr_FR", "Non."), ("A.1.b", "en", "Sorry"),
     ("A.1.b", "xx", "Sorry")],
)  # fmt: skip
def test_a_refusal_is_found_for_every_category_and_language(category: str, locale: str, text: str) -> None:
    assert Library.compile([], SAID).refusal(category, locale).startswith(text)
    assert NOTHING.refusal(next(iter(CATEGORIES)), "zh")
