"""JSON answers: what their strings say is found however it is spelt, and they stay the JSON that they were."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.review.entry import Direction, Entry, RegexLimits
from proxy.review.json_reviewer import JsonReviewer
from proxy.review.library import Library
from proxy.review.reviewer import MASK
from proxy.review.scope import Scope

LIBRARY = Library.compile([
    Entry("坏词语甲", "A.1.a"),
    Entry("遮盖词乙", "A.1.a", action="mask"),
    Entry("词乙丙丁戊", "A.1.a"),
    Entry("丙丁", "A.1.a", action="mask"),
    Entry("替换词丙", "A.1.a", action="replace", replacement='说"好"\\'),
    Entry("\U00020000\U00020001", "A.1.a", action="mask"),
    Entry(r"1[3-9]\d{9}", "A.4.f", kind="regex", regex=RegexLimits(11), action="mask"),
])  # fmt: skip
KIT = LIBRARY.kit(Scope(Direction.OUTPUT))


def reviewed(*pieces: str) -> tuple[str, bool]:
    reviewer = JsonReviewer(KIT)
    text = "".join(reviewer.feed(piece) for piece in pieces) + reviewer.flush()
    return text, reviewer.blocked is not None


def escaped(text: str) -> str:
    return json.dumps(text)[1:-1]  # \uXXXX throughout


CASES = [
    ('{"a": "\\u597d"}', '{"a": "\\u597d"}', False),
    ('{"a": "' + escaped("坏词语甲") + '"}', '{"a": "', True),
    ('{"a": "好", "坏词语甲": 1}', '{"a": "好", "', True),
    ('{"a": "坏\\t词\\t语\\t甲"}', '{"a": "', True),
    ('{"a": "坏\\n词语甲"}', '{"a": "坏\\n词语甲"}', False),
    ('{"a": "' + escaped("遮盖词乙好") + '"}', '{"a": "＊＊＊＊\\u597d"}', False),
    ('["遮\\"盖\\"词乙", "替换词丙"]', '["＊＊＊＊＊＊", "＊＊＊＊"]', False),
    ('["遮","盖","词","乙"]', '["遮","盖","词","乙"]', False),
    ('["遮盖词乙丙丁好"]', '["＊＊＊＊＊＊好"]', False),
    ('["遮""盖词乙"]', '["＊""＊＊＊"]', False),
    ('{"p": 13800138000, "q": "13800138000"}', '{"p": 99999999999, "q": "＊＊＊＊＊＊＊＊＊＊＊"}', False),
    ('["' + escaped("\U00020000\U00020001\U00020000") + '"]', '["＊＊\\ud840\\udc00"]', False),
    ('["\\ud840 遮盖词乙 \\udc00 \\ud840\\u597d"]', '["\\ud840 ＊＊＊＊ \\udc00 \\ud840\\u597d"]', False),
    ("这不是 JSON：遮盖词乙", "这不是 JSON：遮盖词乙", False),
    ('"\\uzz \\q \\', '"\\uzz \\q \\', False),
    ('"\\ud840\\', '"\\ud840\\', False),
    ('"\\ud840\\udc', '"\\ud840\\udc', False),
    ('"\\u59', '"\\u59', False),
    ("", "", False),
]


@pytest.mark.parametrize(("text", "out", "blocked"), CASES)
def test_every_case_at_every_split(text: str, out: str, blocked: bool) -> None:
    assert reviewed(text) == (out, blocked)
    assert reviewed(*text) == (out, blocked)
    for at in range(1, len(text)):
        assert reviewed(text[:at], text[at:]) == (out, blocked), at


def test_in_a_long_text_too() -> None:
    text = json.dumps([{"a": "好的。" * 300, "b": "遮盖词乙"}] * 3)
    out, _ = reviewed(text)
    assert json.loads(out) == [{"a": "好的。" * 300, "b": "＊＊＊＊"}] * 3


WORDS = st.sampled_from(["遮盖词乙", "替换词丙", "好", '"', "\\", "\n", "a", "\U00020000", "é"])
STRINGS = st.lists(WORDS, max_size=6).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 99) | STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


def masked(value: Any) -> Any:
    if isinstance(value, str):
        for word in ("遮盖词乙", "替换词丙"):
            value = value.replace(word, MASK * 4)
        return value
    if isinstance(value, list):
        return [masked(one) for one in value]
    return {key: masked(one) for key, one in value.items()} if isinstance(value, dict) else value


@given(VALUES, st.booleans(), st.lists(st.integers(0, 200), max_size=6))
def test_any_json_stays_json_with_the_words_of_its_strings_masked(
    value: Any, ascii_only: bool, cuts: list[int]
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    out, _ = reviewed(*(text[a:b] for a, b in pairwise(places)))
    assert json.loads(out) == masked(value)
    if masked(value) == value:
        assert out == text
