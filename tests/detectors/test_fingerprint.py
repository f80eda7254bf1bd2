"""Fingerprints: found again in any long enough excerpt, under edits and in other guises; never by chance."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.detection import Outcome
from detectors.fingerprint import FingerprintDetector, Hits
from detectors.sketch import Fingerprinter, Values
from labelers.provenance import Provenance
from labelers.watermarks import SCHEMES
from proxy.fingerprints.store import Fingerprint, MemoryFingerprints
from tests.detectors.test_panel import RING

KEY = b"k" * 32
MAKER = Fingerprinter(KEY)
LABEL = "【本内容由AI生成】"
HAN = [chr(code) for code in range(0x4E00, 0x5A00)]
WORDS = ["".join(random.Random(at).choices("abcdefghijklmnop", k=2 + at % 6)) for at in range(2000)]


def chinese(seed: int, length: int = 340) -> str:
    draw = random.Random(seed)
    return "".join("，" if at % 14 == 13 else draw.choice(HAN) for at in range(length))


def english(seed: int, words: int = 60) -> str:
    draw = random.Random(seed)
    return " ".join(draw.choice(WORDS) for _ in range(words)) + "."


def detector(*texts: str) -> FingerprintDetector:
    store = MemoryFingerprints()
    store.add([Fingerprint(at << 24, values) for at, values in enumerate(MAKER.values_of(texts), 1)])
    return FingerprintDetector(MAKER, store, "P", (LABEL,))


def test_several_texts_in_one_go_are_as_one_by_one() -> None:
    texts = [chinese(1), "", english(2), "春", chinese(3, 7) + english(4), "a b c", "，。"]
    for text, values in zip(texts, MAKER.values_of(texts), strict=True):
        assert values.tolist() == MAKER.values(text).tolist()
        assert values.tolist() == sorted(set(values.tolist()))


def test_values_are_fixed() -> None:
    # A change here would lose every fingerprint stored so far.
    assert MAKER.values("春江潮水连海平，海上明月共潮生。").tolist() == GOLDEN_HAN
    assert MAKER.values("The quick brown fox jumps over the lazy dog").tolist() == GOLDEN_WORDS


GOLDEN_HAN = [340402126, 412746674, 755637860, 1913225366, 3355723755]
GOLDEN_WORDS = [478545571, 1125644535, 2081369816]


def test_without_the_key_nothing_fits() -> None:
    text = chinese(1)
    assert not set(MAKER.values(text).tolist()) & set(Fingerprinter(b"x" * 32).values(text).tolist())


@pytest.mark.parametrize("text", [chinese(5), english(5, 120), chinese(6, 160) + " " + english(7, 40)])
def test_the_sketch_holds_the_stored_values_and_their_places(text: str) -> None:
    sketch = MAKER.sketch(text)
    assert sorted(set(sketch.values.tolist())) == MAKER.values(text).tolist()
    for value, unit, length in zip(sketch.values, sketch.units, sketch.lengths, strict=True):
        gram = text[sketch.starts[unit] : sketch.ends[unit + length - 1]]
        alone = MAKER.sketch(gram + "，" + gram)  # some grams are too short to stand alone
        assert value in alone.values


@pytest.mark.parametrize(
    "guise",
    [
        str.upper,
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: text.replace("，", "\n\n").replace(" ", "  \t"),
        lambda text: "".join(char + "\u200b" for char in text),
        lambda text: "".join(char + "\ufe05" for char in text),
        lambda text: "**" + text.replace("，", "**，*") + "*",
        lambda text: "".join(chr(ord(c) + 0xFEE0) if "a" <= c <= "z" else c for c in text),
    ],
    ids=["upper case", "NFD", "white space", "zero width", "selectors", "markup", "full width"],
)
@pytest.mark.parametrize("text", [chinese(8), english(8).replace("e", "é"), chinese(9, 99) + english(9)])
def test_what_changes_no_word_changes_no_value(text: str, guise: object) -> None:
    assert callable(guise)
    assert MAKER.values(guise(text)).tolist() == MAKER.values(text).tolist()


def test_letters_beyond_the_basic_plane_are_letters() -> None:
    bold = "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in english(1))
    assert MAKER.values(bold).tolist() == MAKER.values(english(1)).tolist()
    rare = "".join(chr(0x20000 + at * 7) for at in range(60))
    assert len(MAKER.values(rare)) > 8
    assert MAKER.values("😀" * 200).size == 0


@pytest.mark.parametrize("text", ["", "春", "春江潮", "a b", "\ud800", "，" * 100, "\u200b" * 50])
def test_a_text_without_a_gram_has_no_value(text: str) -> None:
    assert MAKER.values(text).size == 0
    assert MAKER.sketch(text).values.size == 0


@settings(deadline=None)  # a busy machine is no finding
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_it_and_no_gram_crosses_texts(one: str, other: str) -> None:
    both = MAKER.values_of([one, other])
    assert [values.tolist() for values in both] == [MAKER.values(one).tolist(), MAKER.values(other).tolist()]
    sketch = MAKER.sketch(one)
    assert (sketch.starts < sketch.ends).all()
    assert (sketch.starts[1:] >= sketch.ends[:-1]).all()


def test_an_excerpt_names_its_answer_and_where_it_stands() -> None:
    texts = [chinese(at) for at in range(20)]
    found = detector(*texts).detect("无关的开头。" + texts[7][100:160])
    assert (found.outcome, found.detector) == (Outcome.PRESENT, "fingerprint")
    assert found.provenance == {
        "producer": "P",
        "content_id": Provenance("P", 8 << 24).content_id,
        "created": "2026-01-01T00:00:00.008Z",
    }
    assert all(start >= 6 for start, _ in found.spans)
    assert sum(end - start for start, end in found.spans) > 30
    assert "Logged by this service" in found.detail
    assert "no proof" in found.detail


@pytest.mark.parametrize("length", [40, 60, 100])
def test_chinese_excerpts_are_found_wherever_they_are_cut(length: int) -> None:
    texts = [chinese(at) for at in range(50)]
    look = detector(*texts)
    for seed in range(60):
        draw = random.Random(seed)
        text = draw.choice(texts)
        start = draw.randrange(len(text) - length)
        excerpt = text[start : start + length]
        assert look.detect(excerpt).outcome is Outcome.PRESENT, excerpt


def test_english_excerpts_are_found_wherever_they_are_cut() -> None:
    texts = [english(at) for at in range(50)]
    look = detector(*texts)
    for seed in range(60):
        words = random.Random(seed).choice(texts).split()
        start = seed % (len(words) - 25)
        assert look.detect(" ".join(words[start : start + 25])).outcome is Outcome.PRESENT


def test_light_edits_are_survived() -> None:
    texts = [chinese(at) for at in range(50)]
    look = detector(*texts)
    found = 0
    for seed in range(60):
        draw = random.Random(seed)
        excerpt = [draw.choice(HAN) if draw.random() < 0.1 else char for char in draw.choice(texts)[50:150]]
        found += look.detect("".join(excerpt)).outcome is Outcome.PRESENT
    assert found >= 57


def test_other_texts_are_not_found() -> None:
    look = detector(*(chinese(at) for at in range(200)), *(english(at) for at in range(200)))
    for seed in range(1000, 1100):
        assert look.detect(chinese(seed)).outcome is Outcome.ABSENT
        assert look.detect(english(seed)).outcome is Outcome.ABSENT


def test_a_phrase_that_many_answers_share_names_none() -> None:
    phrase = "希望以上的信息对您有所帮助如果还有问题请随时告诉我"
    look = detector(*(chinese(at) + phrase for at in range(1500)))
    assert look.detect(chinese(9999, 40) + phrase).outcome is Outcome.ABSENT
    assert look.detect((phrase + "。") * 4).outcome is Outcome.ABSENT


def test_several_answers_in_one_paste_are_each_named() -> None:
    texts = [chinese(at) for at in range(8)]
    found = detector(*texts).detect_all("\n".join(texts[2:4]))
    assert {one.provenance["content_id"] for one in found if one.provenance} == {
        f"{3 << 24:016x}",
        f"{4 << 24:016x}",
    }
    many = detector(*texts).detect_all("\n".join(texts))
    assert len(many) == 5


def test_the_same_answer_twice_is_one_finding() -> None:
    found = detector(chinese(1)).detect_all(chinese(1) + "\n" + chinese(1))
    assert len(found) == 1


def test_marks_and_labels_around_and_inside_change_nothing() -> None:
    text = chinese(3)
    transform = SCHEMES["carrier"](RING, "dense").new_transform(Provenance("P", 7 << 24))
    marked = f"{LABEL}\n\n{transform.feed(text)}{transform.flush()}"
    found = detector(text).detect(marked)
    assert found.outcome is Outcome.PRESENT
    assert found.spans[0][0] >= len(LABEL)
    bare = detector(text).detect(text)
    assert found.num_units_scored == bare.num_units_scored


@pytest.mark.parametrize("text", ["", chinese(1)[:28], english(1, 19), LABEL * 6])
def test_what_is_too_short_says_so(text: str) -> None:
    found = detector(chinese(1), english(1), LABEL * 6).detect(text)
    assert found.outcome is Outcome.ABSENT
    assert "Too short" in found.detail


def test_a_mixed_text_counts_both_its_words_and_its_characters() -> None:
    half = chinese(1)[:18] + " " + english(1, 60)[:90]
    assert detector(half).detect(half).outcome is Outcome.PRESENT


def test_a_very_long_text_is_looked_up_by_a_part_of_its_values() -> None:
    long = "\n".join(chinese(at) for at in range(100, 150))
    assert MAKER.sketch(long).values.size > 4000
    assert detector(chinese(120)).detect(long).outcome is Outcome.PRESENT


def test_a_text_of_which_no_value_is_kept_is_absent() -> None:
    char = next(char for char in HAN if not MAKER.values(char * 45).size)
    assert detector(chinese(1)).detect(char * 45).outcome is Outcome.ABSENT
    other = next(char for char in HAN if MAKER.values(char * 45).size)
    assert detector(chinese(1)).detect(other * 45).outcome is Outcome.ABSENT


def test_an_answer_that_was_given_twice_is_named_once() -> None:
    found = detector(chinese(1), chinese(1)).detect_all(chinese(1))
    assert len(found) == 1


def test_without_labels_nothing_is_set_aside() -> None:
    store = MemoryFingerprints()
    store.add([Fingerprint(1 << 24, MAKER.values(chinese(1)))])
    assert FingerprintDetector(MAKER, store, "P").detect(chinese(1)).outcome is Outcome.PRESENT


def test_a_text_is_compared_with_one_answer_alone() -> None:
    look = detector(chinese(1), chinese(2))
    whole = look.compare(f"{LABEL}\n\n{chinese(1)}", 1 << 24)
    assert whole is not None
    assert (whole.strange, whole.crowded) == (0, 0)
    assert whole.grams == MAKER.sketch(chinese(1)).values.size == len(whole.held)
    other = look.compare(chinese(1), 2 << 24)
    assert other is not None
    assert (other.strange, other.held) == (other.grams, ())
    slipped_in = look.compare(chinese(1)[:100] + chinese(2)[:60] + chinese(1)[100:], 1 << 24)
    assert slipped_in is not None
    assert 10 < slipped_in.strange < 35
    assert 10 < slipped_in.crowded <= slipped_in.strange
    assert all(end <= 104 or start >= 156 for start, end in slipped_in.held)


@pytest.mark.parametrize(("text", "number"), [(chinese(1), 9), (chinese(1)[:28], 1), (LABEL * 9, 1)])
def test_an_answer_that_is_not_kept_and_a_text_too_short_compare_to_nothing(text: str, number: int) -> None:
    assert detector(chinese(1)).compare(text, number << 24) is None


def test_a_text_of_which_no_value_is_kept_compares_to_nothing() -> None:
    char = next(char for char in HAN if not MAKER.values(char * 45).size)
    assert detector(chinese(1)).compare(char * 45, 1 << 24) is None


class Broken(MemoryFingerprints):
    def lookup(self, values: Values) -> Hits:
        raise OSError("disk full")


def test_an_index_that_cannot_be_read_says_nothing_and_stops_nobody() -> None:
    found = FingerprintDetector(MAKER, Broken(), "P").detect(chinese(1))
    assert found.outcome is Outcome.ABSENT
    assert "says nothing" in found.detail
