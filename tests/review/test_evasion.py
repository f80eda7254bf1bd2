"""The evasion view: what it reads is the same however the text is cut, and what it finds is spelled out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.review.entry import Direction, Entry
from proxy.review.evasion import EvasionSight
from proxy.review.library import Library
from proxy.review.reading import AGE, Transcript
from proxy.review.tables import builtin_tables
from proxy.review.views import SafeView
from tests.review.test_reviewer import cuts, run

TABLES = builtin_tables()
SAFE = SafeView(TABLES)
ALPHABET = "甲乙aA0o@!$ -…。\n\u200béﬁか\u3099😀！l1"


def sight(gap: int = 3) -> EvasionSight:
    return EvasionSight(SAFE, TABLES, gap)


def read(view: EvasionSight, pieces: list[str]) -> tuple[str, list[int]]:
    script, at = Transcript(view.reading()), 0
    for piece in pieces:
        script.read(piece, at)
        at += len(piece)
    script.finish(at)
    return script.text, [origin // AGE for origin, code in zip(script.origins, script.text, strict=True)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(ALPHABET, max_size=6), max_size=8), st.integers(0, 4))
def test_reading_does_not_depend_on_the_pieces(pieces: list[str], gap: int) -> None:
    text = "".join(pieces)
    assert read(sight(gap), pieces) == read(sight(gap), list(text)) == read(sight(gap), [text])


READ = [
    ("甲-乙", "甲乙"), ("甲甲", "甲"), ("甲----乙", "甲\n乙"), ("甲" * 17 + "乙", "甲\n乙"), ("a a", "a"), ("aa", "a"), ("ba a", "baa"), ("b a-a a", "ba"),
    ("b00k", "bok"), ("@ll", "ai"), ("甲@乙!", "甲乙\n"), ("wow! wow", "wowi wow".replace(" ", "")), ("甲。。乙", "甲\n乙"),
    ("ﬁ", "fi"), ("甲\u200b乙", "甲乙"), ("hi！", "hi\n"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "codes"), READ)
def test_symbols_vanish_and_letters_are_told_once(text: str, codes: str) -> None:
    assert read(sight(), [text])[0] == codes == sight().fold(text)


FOUND = [
    # pattern, text, what was found
    ("甲乙丙", "丁甲 乙 丙丁", "甲 乙 丙"),
    ("甲乙丙", "丁甲*乙··丙丁", "甲*乙··丙"),
    ("甲乙丙", "甲甲乙乙乙丙", "甲甲乙乙乙丙"),
    ("甲乙丙", "甲😀乙丙", "甲😀乙丙"),
    ("bren", "so b·b·r·r·r·e·n", "b·b·r·r·r·e·n"),
    ("bren", "b  b re n", None),
    ("bbren", "b bren", None),
    ("cat", "to c c4t", "c c4t"),
    ("hasand", "has sand", None),
    ("甲乙丙", "【甲】【乙】【丙】", "甲】【乙】【丙"),
    ("甲乙丙", "甲    乙丙", None),  # the gap is too wide
    ("甲乙丙", "甲。乙丙", None),  # two sentences
    ("甲乙丙", "甲\n乙丙", None),
    ("甲乙丙", "甲丁乙丙", None),
    ("甲甲乙", "甲乙", None),  # a run shorter than the entry's own
    ("甲甲乙", "甲甲 甲乙", "甲甲 甲乙"),
    ("好人民", "说女子人民", "女子人民"),
    ("好人", "说女子人", None),  # too often ordinary words
    ("甲乙丙", "甲、乙丙", None),  # two items of a list
    ("甲乙丙", "甲、乙）丙", "甲、乙）丙"),  # set apart everywhere
    ("甲乙丙", "甲、乙*丙", "甲、乙*丙"),
    ("甲乙", "丁、甲、 乙", None),
    ("甲乙", "（甲）（乙）", "甲）（乙"),
    ("甲、乙丙", "甲、乙丙", "甲、乙丙"),
    ("甲、乙丙", "甲、乙）丙", None),
    ("sibling", "s1bllng", "s1bllng"),
    ("villain", "v!iiain", "v!iiain"),
    ("fall", "fail", None),  # another word
    ("forbidden", "f0rb1dd3n!", "f0rb1dd3n"),
    ("forbidden", "f.o.r.b.i.d.d.e.n", "f.o.r.b.i.d.d.e.n"),
    ("forbidden", "f o r b i d d e n", "f o r b i d d e n"),
    ("forbidden", "for bidden", None),  # two words
    ("forbidden", "forbiddenly", None),
    ("forbidden", "forbidenn", None),
    ("book", "b00k", "b00k"),
    ("book", "bok", None),
    ("pool", "po0l", "po0l"),
    ("apple", "@pple", "@pple"),
    ("banned phrase", "banned  phrase", "banned  phrase"),
    ("banned phrase", "bannedphrase", "bannedphrase"),
    ("banned phrase", "b.a.n.n.e.d  p.h.r.a.s.e", "b.a.n.n.e.d  p.h.r.a.s.e"),
    ("かき", "か・き\u3099", None),
]


@pytest.mark.parametrize(("pattern", "text", "found"), FOUND)
def test_a_suspicion_is_spelled_out(pattern: str, text: str, found: str | None) -> None:
    library = Library.compile([Entry(pattern, "A.1.a", views=("evasion",))])
    for pieces in cuts(text):
        released, reviewer = run(library, pieces)
        texts = {f.text for f in reviewer.findings}
        assert (found in texts) if found else not texts, reviewer.findings
        assert released == (text[: reviewer.blocked.start] if reviewer.blocked else text)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_findings_and_release_do_not_depend_on_the_pieces(data: st.DataObject) -> None:
    alphabet = "甲乙ao0@ -。\u200b"
    words = st.text("甲乙ao ", min_size=2, max_size=5).filter(lambda w: bool(w.strip()))
    action = st.sampled_from(["block", "replace", "mask", "flag"])
    rows = data.draw(
        st.lists(st.tuples(words, action, st.integers(0, 3), st.text("甲乙ao", max_size=1)), max_size=4)
    )
    entries = {
        (entry := Entry.from_row({"pattern": w, "category": "A.1.a", "action": a, "gap": g,
                                  "exceptions": [w + x] if x else []})).id: entry
        for w, a, g, x in rows
    }  # fmt: skip
    pieces = data.draw(st.lists(st.text(alphabet, max_size=4), max_size=8))
    library = Library.compile(entries.values())
    text = "".join(pieces)
    whole, first = run(library, [text])
    for way in (pieces, list(text)):
        released, reviewer = run(library, way)
        assert released == whole
        assert reviewer.findings == first.findings
        assert reviewer.blocked == first.blocked


def test_two_characters_are_looked_for_in_parts_where_the_entry_asks() -> None:
    library = Library.compile([Entry("好人", "A.1.a", folds=("split",))])
    assert run(library, ["说女子人"])[0] == "说"


def test_a_run_without_end_is_not_held_without_end() -> None:
    library = Library.compile([Entry("甲乙丙", "A.1.a")])
    for character in ("甲", "-"):
        reviewer = library.reviewer(Direction.OUTPUT)
        reviewer.feed("甲")
        longest = 0
        for _ in range(200):
            reviewer.feed(character)
            longest = max(longest, reviewer.held)
        assert longest <= 20


def test_an_allow_phrase_may_hold_punctuation() -> None:
    library = Library.compile([Entry("甲乙", "A.1.a", exceptions=("丙，甲乙", "甲乙 · 丁！"))])
    for text in ("戊丙，甲乙戊", "甲乙 · 丁！"):
        for pieces in cuts(text):
            assert run(library, pieces)[0] == text
    assert run(library, ["丙甲乙"])[0] == "丙"


def test_the_longest_entry_still_has_an_evasion_view() -> None:
    pattern = "好人" * 32
    library = Library.compile([Entry(pattern, "A.1.a")])
    assert run(library, [" ".join(pattern)])[0] == ""


def test_a_word_whose_last_letter_is_drawn_out_is_found_to_its_end() -> None:
    library = Library.compile([Entry("cat", "A.1.a", views=("evasion",))])
    for text, found in (("c-a-ttt now", "c-a-ttt"), ("c-a-tt", "c-a-tt"), ("c-a-t-t now", "c-a-t")):
        assert [finding.text for finding in library.review(text, Direction.OUTPUT)] == [found]
