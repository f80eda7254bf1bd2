"""What sounds like an entry and is ordinary text: a disguise blocks, words of the language only flag."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.review.entry import Action, Direction, Entry
from proxy.review.library import Library
from proxy.review.ordinary import AROUND, Beside, is_ordinary, is_ordinary_apart
from proxy.review.tables import builtin_tables
from tests.review.test_reviewer import cuts, run

COMMON = frozenset({"的", "是", "应当", "及时", "时间", "服务", "服务器", "地区", "比赛者"})


@pytest.mark.parametrize(
    ("before", "text", "after", "entry", "ordinary"),
    [
        ("", "应当及时", "", "应当及市", True),
        ("他", "应当及时", "到达", "应当及市", True),
        ("", "应当及市", "", "应当及市", False),  # as the entry is written
        ("", "应当及侍", "", "应当及市", False),  # stands in no word
        ("", "应挡及时", "", "应当及市", False),  # one of two
        ("", "服务器的", "", "符务器的", True),  # 的 stands by itself
        ("", "服务器底", "", "符务器底", False),  # and 底 does not
        ("", "服务器的", "", "符务器地", False),  # the entry has another
        ("地", "区服务是", "", "曲服务是", True),  # a word that begins before
        ("a地", "区服务是", "", "曲服务是", True),
        ("", "是服务时", "间", "是服务石", True),  # a word that ends behind
        ("", "是服务时", "，间", "是服务石", False),
        ("", "是服务比", "赛者", "是服务彼", True),
        ("比", "赛者的服务", "", "塞者的服务", True),
        ("比赛", "者的服务", "", "这的服务", True),
        ("", "应当当及时", "", "应当及市", False),  # not one character for each
        ("", "应-当及时", "", "应当及市", False),
    ],
)
def test_what_stands_in_common_words_is_ordinary(
    before: str, text: str, after: str, entry: str, ordinary: bool
) -> None:
    whole = before + text + after
    start, end = len(before), len(before) + len(text)
    assert is_ordinary(Beside(whole, start, end, False), entry, COMMON) is ordinary


def slow(text: str, start: int, end: int, entry: str) -> bool:
    """The rule spelled out word by word."""
    if end - start != len(entry) or text[start:end] == entry:
        return False
    for place in range(start, end):
        own = entry[place - start] == text[place] and text[place] in COMMON
        inside = any(
            text[begin : begin + len(word)] == word and begin <= place < begin + len(word)
            for word in COMMON
            if len(word) > 1
            for begin in range(len(text))
        )
        if not own and not inside:
            return False
    return True


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_was_decided_early_is_what_the_whole_text_says(data: st.DataObject) -> None:
    letters = st.text("的是应当及时间服务器地区比赛者，", min_size=1)
    before, after = data.draw(letters.map(lambda t: t[:2])), data.draw(letters.map(lambda t: t[:4]))
    text = data.draw(st.text("的应当及时间服务器地区比赛者", min_size=3, max_size=6))
    entry = "".join(data.draw(st.sampled_from([c, "市", "的"])) for c in text)
    start, end = len(before), len(before) + len(text)
    expected = slow((before + text + after)[: end + AROUND], start, end, entry)
    for seen in range(len(after) + 1):
        known = (before + text + after[:seen])[: end + AROUND]
        early = is_ordinary(Beside(known, start, end, seen < AROUND), entry, COMMON)
        assert early in ((expected, None) if seen < AROUND else (expected,))


@pytest.mark.parametrize(
    ("before", "text", "after", "ordinary"),
    [
        ("服", "务（地", "区", True),  # both go on outside
        ("", "是（地", "区", True),  # one does
        ("", "服务（地", "区", True),
        ("比", "赛者（是", "", True),
        ("比赛", "者（是", "", True),
        ("", "是（比", "赛者", True),
        ("", "是（比赛", "者", True),
        ("", "服务（地区", "", False),  # none does: the words may be the entry's own
        ("", "是（的", "", False),
        ("服", "务（市", "", False),  # 市 stands in no word
        ("", "市（地", "区", False),
        ("服", "务（地", "，区", False),
    ],
)
def test_two_words_that_symbols_part_are_ordinary_where_one_goes_on_outside(
    before: str, text: str, after: str, ordinary: bool
) -> None:
    whole, start = before + text + after, len(before)
    end, gap = start + len(text), start + text.index("（")
    assert is_ordinary_apart(Beside(whole, start, end, False), gap, gap + 1, COMMON) is ordinary
    for seen in range(len(after) + 1):
        known = (before + text + after[:seen])[: end + AROUND]
        goes_on = seen < AROUND and "，" not in after[:seen]
        early = is_ordinary_apart(Beside(known, start, end, goes_on), gap, gap + 1, COMMON)
        assert early in ((ordinary, None) if goes_on else (ordinary,))


def actions(library: Library, text: str) -> set[str]:
    """What is done about a text, the same at every cut."""
    done: set[tuple[tuple[str, str], ...]] = set()
    for pieces in cuts(text):
        released, reviewer = run(library, pieces)
        assert released == (text[: reviewer.blocked.start] if reviewer.blocked else text)
        done.add(tuple((finding.text, str(finding.action)) for finding in reviewer.findings))
    assert len(done) == 1
    return {action for _, action in done.pop()}


@pytest.mark.parametrize(
    ("pattern", "text", "action"),
    [
        ("应当及市", "你们应当及时到达。", "flag"),
        ("应当及市", "你們應當及時到達。", "flag"),
        ("应当及市", "你们应当及市到达。", "block"),
        ("应当及市", "你们应当及侍到达。", "block"),
        ("应当及市", "你们应当 及时到达。", "block"),  # what is set apart is a disguise
        ("应当及市", "你们应当\u200b及时到达。", "block"),
        ("应当及市", "你们应当及shi到达。", "block"),
        ("应当及市", "你们应当当及时到达。", "block"),
        ("应当及市", "ﬁ应当及时\u200b到达。", "flag"),  # one becomes two, one nothing
        ("人士种建", "有关人士中间", "flag"),
        ("服务气的", "这个服务器的名字", "flag"),
        ("的服务示", "他的服务时间很长", "flag"),  # 时间 ends behind it
        ("的服务示", "他的服务时", "block"),
        ("的服务示", "他的服务时，间", "block"),
        ("区的一防", "在地区的一方", "flag"),  # 地区 begins before it
        ("区的一防", "在区的一方", "block"),
        ("取的一方", "在地区的一方", "flag"),
        ("取的一方", "在区的一方", "block"),
        ("金鱼缸", "买了一个金鱼钢", "flag"),  # three syllables only flag
    ],
)
def test_a_disguise_blocks_and_ordinary_words_flag(pattern: str, text: str, action: str) -> None:
    assert actions(Library.compile([Entry(pattern, "A.1.a", views=("pinyin",))]), text) == {action}


@pytest.mark.parametrize(
    ("pattern", "text", "action"),
    [
        ("量参", "环境变量（参见手册）", "flag"),
        ("量参", "环境变量参见手册", "block"),  # as the entry is written
        ("量参", "环境变量\u200b（参见手册）", "block"),
        ("量参", "环境变量·参·见手册", "block"),
        ("量参书", "环境变量·参·书", "block"),  # set apart twice
        ("量参", "量（参", "block"),
        ("测试", "里面写着测 试，大家", "block"),
        ("文件系统", "一种文件 系统", "block"),
        ("件服务", "一种文件 服务", "flag"),
        ("量参", "变量量（参见", "block"),  # repeated
        ("bad word", "bad-word", "block"),
    ],
)
def test_what_is_set_apart_blocks_and_two_words_of_the_language_flag(
    pattern: str, text: str, action: str
) -> None:
    assert actions(Library.compile([Entry(pattern, "A.1.a")]), text) == {action}
    asking = Library.compile([Entry(pattern, "A.1.a", folds=("words",))])
    assert actions(asking, text) == {"block"}


@pytest.mark.parametrize(("pattern", "text"), [("一界立", "第一届立法会"), ("及时倒", "请你及时到达")])
def test_three_syllables_flag_whatever_they_are(pattern: str, text: str) -> None:
    assert actions(Library.compile([Entry(pattern, "A.1.a", views=("pinyin",))]), text) == {"flag"}


def test_an_entry_may_ask_that_ordinary_words_count_in_full() -> None:
    entries = [Entry(p, "A.1.a", views=("pinyin",), folds=("words",)) for p in ("应当及市", "及时倒")]
    library = Library.compile(entries)
    assert actions(library, "你们应当及时到达。") == {"block"}
    assert actions(library, "请你及时到达") == {"flag"}


def test_what_an_entry_of_kind_pinyin_stands_for_is_not_known_so_it_blocks() -> None:
    assert actions(
        Library.compile([Entry("ying dang ji shi", "A.1.a", kind="pinyin")]), "你们应当及时到达。"
    ) == {"block"}


def test_an_action_that_is_weaker_than_a_flag_stays() -> None:
    log = Entry.from_row({"pattern": "应当及市", "category": "A.1.a", "action": "log", "views": ["pinyin"]})
    assert actions(Library.compile([log]), "你们应当及时到达。") == {"log"}


def test_a_weak_match_holds_nothing_once_its_words_have_ended() -> None:
    reviewer = Library.compile([Entry("的服务示", "A.1.a", views=("pinyin",))]).reviewer(Direction.OUTPUT)
    assert [reviewer.feed(c) for c in "他的服务时间很长"] == ["他", "", "", "", "", "的服务时间", "很", "长"]


def test_what_stands_long_before_a_match_may_be_forgotten_but_not_the_words_beside_it() -> None:
    library = Library.compile([Entry("取的一方", "A.1.a", views=("pinyin",))])
    text = "前面还有很多很多别的文字，" * 40 + "在地区的一方"
    for size, tail in product((1, 7, 300), ("", "。")):
        whole = text + tail
        reviewer = run(library, [whole[at : at + size] for at in range(0, len(whole), size)])[1]
        assert [(f.text, f.action) for f in reviewer.findings] == [("区的一方", Action.FLAG)]


def test_the_table_has_the_common_words_of_the_language() -> None:
    common = builtin_tables().common
    assert {"及时", "服务器", "的", "应当"} <= common
    assert not common & {"及侍", "侧", "器的"}
    assert {len(word) for word in common} == {1, 2, 3}
    assert all(word.translate(builtin_tables().fold) == word for word in common)
