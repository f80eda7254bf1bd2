"""The pinyin view: how a text sounds, at every cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.review.entry import Action, Direction, Entry
from proxy.review.library import Library
from proxy.review.tables import builtin_tables
from tests.review.test_reviewer import cuts, run

VIEWS = ("safe", "pinyin")
FOUND = [
    # pattern, text, what was found, what is done
    ("测试禁词", "这是侧式近瓷吗", "侧式近瓷", "block"),
    ("测试禁词", "这是ceshijinci吗", "ceshijinci", "block"),
    ("测试禁词", "ce shi jin ci", "ce shi jin ci", "block"),
    ("测试禁词", "CE-shì jìn/cí!", "CE-shì jìn/cí", "block"),
    ("测试禁词", "测shi禁ci", "测shi禁ci", "block"),
    ("测试禁词", "测试禁词", "测试禁词", "block"),
    ("测试禁词", "侧式。近瓷", None, None),
    ("测试禁词", "侧式    近瓷", None, None),
    ("测试禁词", "侧式三近瓷", None, None),
    ("测试禁词", "侧式近cix", None, None),
    ("测试禁词", "xceshijinci", None, None),
    ("测试禁词", "ceshijincim", None, None),
    ("测试禁词", "测s-h-i禁ci", "测s-h-i禁ci", "block"),
    ("测试禁词", "c.e·s h*i禁c~i", "c.e·s h*i禁c~i", "block"),
    ("测试禁词", "测s-h-i jin c i", "测s-h-i jin c i", "block"),
    ("测试禁词", "测s-hi禁ci", None, None),
    ("测试禁词", "测s----h-i禁ci", None, None),
    ("测试禁词", "测shi禁c----i", None, None),
    ("测试禁词", "测x-s-h-i禁ci", None, None),
    ("测试恶词", "测试e-ci", "测试e-ci", "block"),
    ("测试恶词", "测试e·c·i", "测试e·c·i", "block"),
    ("测试禁词", "策侧侧🍀式近近瓷", "侧侧🍀式近近瓷", "block"),
    ("测试禁词", "侧是式近瓷", None, None),
    ("测试禁词", "测测试shi禁词", None, None),
    ("试试看吧", "事是看把", "事是看把", "block"),
    ("试试看吧", "事事事看把", "事事事看把", "block"),
    ("试试看吧", "是事试看把", "事试看把", "block"),
    ("试试看吧", "shishi看把", "shishi看把", "block"),
    ("试试看吧", "试看把", None, None),
    ("妈妈谢谢", "马吗写写", "马吗写写", "block"),
    ("妈妈谢谢", "马吗写-些好", "马吗写-些", "block"),
    ("妈妈谢谢", "马吗写好", None, None),
    ("妈妈谢谢", "马吗写----写", None, None),
    ("妈妈谢谢", "吗吗写", None, None),
    ("西安大雁", "xiandayan", "xiandayan", "flag"),  # divides as xian da yan
    ("西安大雁", "先大雁", None, None),
    ("测试反感", "侧式fangan", "侧式fangan", "block"),
    ("测试反感", "侧式方案", None, None),
    ("测试词", "侧式瓷", "侧式瓷", "flag"),
    ("测试", "侧式", None, None),
    ("测试A词", "侧式A瓷", None, None),
]


@pytest.mark.parametrize(("pattern", "text", "found", "action"), FOUND)
def test_what_sounds_like_an_entry_is_found(
    pattern: str, text: str, found: str | None, action: str | None
) -> None:
    library = Library.compile([Entry(pattern, "A.1.a", views=VIEWS)])
    for pieces in cuts(text):
        released, reviewer = run(library, pieces)
        strongest = [(f.text, str(f.action)) for f in reviewer.findings]
        assert ((found, action) in strongest) if found else not strongest
        if action != "flag":
            assert released == (text[: reviewer.blocked.start] if reviewer.blocked else text)


def test_an_allow_phrase_counts_by_its_sound_too() -> None:
    entry = Entry("测试禁词", "A.1.a", views=VIEWS, exceptions=("测试禁词典",))
    library = Library.compile([entry])
    for pieces in cuts("侧式近瓷电"):
        assert run(library, pieces)[0] == "侧式近瓷电"
    for pieces in cuts("侧式近瓷好"):
        assert run(library, pieces)[0] == ""


@pytest.mark.parametrize(
    ("pattern", "hits"), [("ce shi jin ci", 1), ("ceshijinci", 1), ("english only words", 0)]
)
def test_an_entry_of_kind_pinyin_is_written_in_pinyin(pattern: str, hits: int) -> None:
    library = Library.compile([Entry(pattern, "A.1.a", kind="pinyin")])
    assert len(run(library, ["侧式近瓷"])[1].findings) == hits


def test_words_that_cannot_be_pinyin_are_not_held() -> None:
    reviewer = Library.compile([Entry("测试禁词", "A.1.a", views=VIEWS)]).reviewer(Direction.OUTPUT)
    assert [reviewer.feed(c) for c in "string"] == ["", "st", "r", "i", "n", "g"]


def test_a_word_without_end_is_not_held_without_end() -> None:
    reviewer = Library.compile([Entry("测试禁词", "A.1.a", views=VIEWS)]).reviewer(Direction.OUTPUT)
    held = 0
    for _ in range(100):
        reviewer.feed("a")
        held = max(held, reviewer.held)
    assert held <= 36


@pytest.mark.parametrize("syllable", ["a", "zhuang", "nv"])
def test_every_syllable_has_a_character_that_reads_so(syllable: str) -> None:
    assert builtin_tables().syllables[syllable]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_findings_and_release_do_not_depend_on_the_pieces(data: st.DataObject) -> None:
    alphabet = "西安先按xian -xi-an·。\u200b三"
    words = st.text("西安先三", min_size=3, max_size=5)
    rows = data.draw(
        st.lists(st.tuples(words, st.sampled_from(list(Action))), max_size=4, unique_by=lambda r: r[0])
    )
    entries = [
        Entry.from_row({"pattern": w, "category": "A.1.a", "action": str(a), "exceptions": [w + "安"],
                        "views": ["safe", "evasion", "pinyin"]})
        for w, a in rows
    ]  # fmt: skip
    library = Library.compile(entries)
    pieces = data.draw(st.lists(st.text(alphabet, max_size=5), max_size=8))
    text = "".join(pieces)
    whole, first = run(library, [text])
    for way in (pieces, list(text)):
        released, reviewer = run(library, way)
        assert released == whole
        assert reviewer.findings == first.findings
        assert reviewer.blocked == first.blocked


def test_a_long_piece_reads_like_single_characters() -> None:
    text = "前文，和 english words 还有…一些，" * 6 + "测shi，" + "侧式近ci 后文。"
    library = Library.compile([Entry("测试禁词", "A.1.a", views=VIEWS)])
    assert len(text) > 64
    whole, first = run(library, [text])
    parts, second = run(library, list(text))
    assert (whole, first.findings) == (parts, second.findings)
    assert first.findings[0].text == "侧式近ci"


def test_each_entry_has_its_own_gap() -> None:
    entries = [Entry("测试禁词", "A.1.a", views=VIEWS, gap=0), Entry("另外四字", "A.1.a", views=VIEWS, gap=4)]
    library = Library.compile(entries)
    assert run(library, ["侧式-近瓷"])[0] == "侧式-近瓷"
    assert run(library, ["另外----四字"])[0] == ""


@pytest.mark.parametrize(
    ("text", "hits"),
    [("策是、近瓷", 0), ("策、是、近、瓷", 1), ("策是-近瓷", 1), ("ce、shi、近、瓷", 1), ("策是）近瓷", 0)],
)
def test_two_items_of_a_list_are_not_taken_for_one_word(text: str, hits: int) -> None:
    library = Library.compile([Entry("测试禁词", "A.1.a", views=VIEWS)])
    assert len(run(library, list(text))[1].findings) == hits


def test_readings_that_hardly_a_word_has_are_not_looked_for() -> None:
    also = builtin_tables().also
    assert (
        "ji" not in also.get("其", ()) and "ju" not in also.get("车", ()) and "yao" not in also.get("么", ())
    )
    assert "chong" in also["重"] or "zhong" in also["重"]
    assert "hang" in also["行"]


@pytest.mark.parametrize("before", ["", "禁", "试禁", "禁禁", "今天禁，禁"])
@pytest.mark.parametrize("after", ["", "金", "。", "缸", "-缸缸"])
def test_what_stands_there_as_it_is_counts_more_than_what_sounds_like_it(before: str, after: str) -> None:
    """A character before it that sounds like its first was heard with it, and a word that blocks was only flagged."""
    entry = Entry(pattern="金鱼缸", category="A.1.a", views=("pinyin",), exceptions=("金鱼缸s",))
    library = Library.compile([entry])  # with a phrase that is allowed neither finding is decided at once
    text = before + "金鱼缸" + after
    for pieces in ([text], list(text), *([text[:at], text[at:]] for at in range(1, len(text)))):
        out, reviewer = run(library, pieces)
        assert (out, reviewer.blocked) == (before, reviewer.findings[-1])
        assert (reviewer.findings[-1].view, reviewer.findings[-1].action) == ("safe", Action.BLOCK)


def found(text: str, *entries: Entry) -> list[str]:
    library = Library.compile(entries)
    return [finding.text for finding in library.review(text, Direction.OUTPUT) if finding.view == "pinyin"]


def test_a_sound_that_a_word_has_twice_must_be_there_twice() -> None:
    entry = Entry(pattern="西西安大雁", category="A.1.a", views=("pinyin",))
    assert found("希安安打打雁。", entry) == []
    assert found("希西安安打打雁。", entry) == ["希西安安打打雁"]


def test_letters_of_one_word_stand_no_further_apart_than_an_entry_allows() -> None:
    near = Entry(pattern="西安大雁", category="A.1.a", views=("pinyin",), gap=0)
    far = Entry(pattern="测试禁词", category="A.1.a", views=("pinyin",), gap=3)
    assert found("西安大y·a·n。测试禁c·i。", near, far) == ["测试禁c·i"]
    assert found("西安大yan。", near, far) == ["西安大yan"]
