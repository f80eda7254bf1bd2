"""The carrier's reader: excerpts, damage, moved marks, several answers, fragments, forgeries."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest

from detectors.carrier import CarrierDetector, binds_needed, chance
from detectors.detection import Outcome
from detectors.foreign import ForeignDetector
from labelers.provenance import Epoch, KeyRing, KeyState, Provenance, content_number
from labelers.watermarks.carrier import CarrierScheme, strip_own
from labelers.watermarks.carrier_codec import GRAIN_RUN, SECOND_RUN, split_run
from tests.labelers.documents import document, en_sentence, text_of, zh_sentence

KEYS = KeyRing(b"m" * 32, producers=["tester"])
NUMBER = content_number(1_790_000_000_123, 77)
PROVENANCE = Provenance("tester", NUMBER)
OTHER = Provenance("tester", content_number(1_790_000_500_000, 78))
START, END = "【本内容由AI生成】", "（以上内容由AI生成）"
DETECTOR = CarrierDetector(KEYS, [START, END, "（AI生成）"])


def mark(text: str, provenance: Provenance = PROVENANCE, keys: KeyRing = KEYS) -> str:
    transform = CarrierScheme(keys).new_transform(provenance)
    return transform.feed(text) + transform.flush()


def chinese(count: int, seed: int = 1) -> str:
    rng = random.Random(seed)
    return "".join(zh_sentence(rng) for _ in range(count))


def english(count: int, seed: int = 1) -> str:
    rng = random.Random(seed)
    return " ".join(en_sentence(rng) for _ in range(count))


def excerpt(marked: str, start: int, count: int) -> str:
    """`count` visible characters from the `start`-th on, with the grains between them."""
    visible = [at for at, char in enumerate(marked) if not "\ufe00" <= char <= "\ufe0f"]
    return marked[visible[start] : visible[start + count - 1] + 1]


def grains_of(marked: str) -> list[str]:
    return [grain for run in GRAIN_RUN.finditer(marked) for grain in split_run(run[0])]


ZH, EN = mark(chinese(60)), mark(english(60))


def test_a_genuine_mark_vouches_for_the_letters_before_its_grains_and_no_others() -> None:
    ((found, tied),) = DETECTOR.vouched(f"{START}\n\n{ZH}")
    assert found.outcome is Outcome.PRESENT
    text = f"{START}\n\n{ZH}"
    assert len(tied) == found.num_units_scored
    for start, end in tied:
        letters = [char for char in text[start:end] if char.isalnum()]
        assert len(letters) <= 12
        assert text[end:].startswith(tuple(grains_of(ZH)))
    assert all(one[1] <= other[0] for one, other in pairwise(tied))
    # A letter changed within a span unties it, one between two spans nobody misses.
    start, end = next(span for span, other in pairwise(tied) if other[0] - span[1] > 14)
    within = DETECTOR.vouched(text[: end - 1] + "龘" + text[end:])[0][1]
    between = DETECTOR.vouched(text[: end + 13] + "龘" + text[end + 14 :])[0][1]
    assert (start, end) not in within
    assert between == tied


@pytest.mark.parametrize("text", ["春天来了。", chinese(4, 9) + "".join(grains_of(ZH)[:12])])
def test_a_text_without_a_mark_or_with_a_moved_one_is_vouched_for_by_none(text: str) -> None:
    assert DETECTOR.vouched(text) == []


@pytest.mark.parametrize("marked", [ZH, EN, mark(text_of(document(random.Random(8))))])
def test_an_answer_is_genuine_and_says_where_it_comes_from(marked: str) -> None:
    found = DETECTOR.detect(marked)
    assert found.outcome is Outcome.PRESENT
    assert found.detector == DETECTOR.name
    assert "ZWM1" in found.technique
    assert found.provenance == {
        "producer": "tester",
        "content_id": f"{NUMBER:016x}",
        "created": "2026-09-21T14:13:20.123Z",
        "key_epoch": "1",
    }
    assert found.num_units_scored == len(grains_of(marked))
    assert found.p_value is not None
    assert found.p_value < 1e-6
    assert found.spans[0][0] < 200
    assert found.spans[-1][1] <= len(marked)


def test_a_short_answer_verifies_by_the_grains_at_its_end() -> None:
    assert DETECTOR.detect(mark("今天的天气很好，我们一起去公园里走一走吧。")).outcome is Outcome.PRESENT


def test_every_chinese_excerpt_of_120_characters_is_genuine() -> None:
    text = "春天来了公园里的花都开了，小朋友们在草地上奔跑，老人们坐在长椅上聊天，阳光洒在湖面上。" * 12
    marked = mark(text)
    for start in range(13, len(text) - 140):
        assert DETECTOR.detect(excerpt(marked, start, 120)).outcome is Outcome.PRESENT, start


def test_an_excerpt_with_a_changed_letter_before_a_grain_still_verifies() -> None:
    part = excerpt(ZH, 300, 120)
    grain = next(GRAIN_RUN.finditer(part, 40))
    changed = part[: grain.start() - 2] + "换" + part[grain.start() - 1 :]
    assert changed != part
    assert DETECTOR.detect(changed).outcome is Outcome.PRESENT


def test_an_excerpt_that_begins_just_before_several_grains_is_judged_by_the_others() -> None:
    """Their words are cut off, so that they can neither pass nor fail; with words of others before them they fail."""
    text = chinese(3) + "\n\n```\n" + "x = call(a, b)\n" * 9 + "```\n\n" + chinese(9, 2)
    marked = mark(text)
    run = next(run for run in GRAIN_RUN.finditer(marked) if len(split_run(run[0])) == 4)
    after = list(GRAIN_RUN.finditer(marked, run.end()))[:3]
    part = marked[run.start() - 3 : after[-1].end()]
    assert len(grains_of(part)) == 7
    assert DETECTOR.detect(part).outcome is Outcome.PRESENT
    assert DETECTOR.detect("公园里的花都开了小朋友们在草地上" + part[3:]).outcome is Outcome.TAMPERED
    moved = "".join(f"{run}老人们坐在长椅上聊天阳光洒在湖面上" for run in GRAIN_RUN.findall(part))
    assert DETECTOR.detect("春天来" + moved).outcome is Outcome.TAMPERED


def test_grains_on_another_text_are_moved_and_never_genuine() -> None:
    rng = random.Random(3)
    for seed in range(200):
        host = chinese(20, 1_000 + seed)
        out, at = [], 0
        for grain in grains_of(ZH)[: rng.randint(4, 30)]:
            step = rng.randint(12, 20)
            out.append(host[at : at + step] + grain)
            at += step
        found = DETECTOR.detect("".join(out) + host[at:])
        assert found.outcome is Outcome.TAMPERED
        assert found.provenance is not None
        assert found.provenance["content_id"] == PROVENANCE.content_id


def test_a_heavily_edited_answer_is_tampered() -> None:
    rng = random.Random(9)
    edited = "".join(
        rng.choice("甲乙丙丁戊己庚辛")
        if char >= "\u4e00" and char < "\ufe00" and rng.random() < 0.5
        else char
        for char in ZH
    )
    assert DETECTOR.detect(edited).outcome is Outcome.TAMPERED


@pytest.mark.parametrize(
    "text", ["", "plain", "中文，没有标记。", "❤️ \ufe03 葛\U000e0100城", "\ufe03" + "字" * 40]
)
def test_unmarked_text_bears_no_mark(text: str) -> None:
    found = DETECTOR.detect(text)
    assert (found.outcome, found.num_units_scored, found.spans) == (Outcome.ABSENT, 0, ())
    assert DETECTOR.detect_all(text) == []


@pytest.mark.parametrize(("first", "count"), [(4, 1), (4, 2), (9, 3)])
def test_fewer_grains_than_name_an_origin_are_a_fragment(first: int, count: int) -> None:
    # Three of which one is chunk 0, which says nothing that is not known.
    found = DETECTOR.detect(between_grains(first, count))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "ragment" in found.detail
    assert found.provenance is None
    assert found.num_units_scored == count


def between_grains(first: int, count: int) -> str:
    """The part of ZH that ends with so many grains, the first of them with the letters before it."""
    runs = list(GRAIN_RUN.finditer(ZH))
    return ZH[runs[first].end() : runs[first + count].end()]


def test_three_grains_in_place_are_enough_where_the_first_chunk_can_be_guessed() -> None:
    part = between_grains(4, 3)
    found = DETECTOR.detect(part)
    assert found.outcome is Outcome.PRESENT
    assert found.provenance is not None
    assert found.provenance["content_id"] == PROVENANCE.content_id
    # A key ring that knows no producer has no header to try.
    assert CarrierDetector(KeyRing(b"m" * 32)).detect(part).provenance is None
    # One of them out of place: chance is no longer excluded.
    grain = next(GRAIN_RUN.finditer(part))
    moved = part[: grain.start() - 2] + "换" + part[grain.start() - 1 :]
    assert DETECTOR.detect(moved).outcome is Outcome.TAMPERED


def test_random_grains_are_invalid() -> None:
    rng = random.Random(5)
    for _ in range(100):
        grains = [
            chr(0xFE03 + rng.randrange(11)) + "".join(chr(0xFE00 + rng.randrange(16)) for _ in range(12))
            for _ in range(12)
        ]
        found = DETECTOR.detect("".join(f"春天来了公园里的花{grain}" for grain in grains))
        assert found.outcome is Outcome.INCONCLUSIVE
        assert found.provenance is None


def test_marks_of_keys_that_nobody_told_us_are_invalid() -> None:
    stranger = KeyRing(b"s" * 32, producers=["tester"])
    found = DETECTOR.detect(mark(chinese(40), keys=stranger))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "nvalid" in found.detail
    both = CarrierDetector(KeyRing(b"m" * 32, others=[stranger]))
    assert both.detect(mark(chinese(40), keys=stranger)).outcome is Outcome.PRESENT


def test_a_leaked_key_no_longer_vouches_after_its_not_after() -> None:
    for not_after, outcome in ((NUMBER, Outcome.PRESENT), (NUMBER - 1, Outcome.INCONCLUSIVE)):
        keys = KeyRing(b"m" * 32, 2, epochs={1: Epoch(KeyState.LEAKED, not_after), 2: Epoch()})
        assert CarrierDetector(keys).detect(ZH).outcome is outcome


def test_several_answers_in_one_paste_are_told_apart() -> None:
    second = mark(chinese(20, 2), OTHER)
    paste = excerpt(ZH, 100, 200) + "\n\n有人在中间写了一句话。\n\n" + second
    found = DETECTOR.detect_all(paste)
    assert [one.outcome for one in found[:2]] == [Outcome.PRESENT, Outcome.PRESENT]
    assert [one.provenance["content_id"] for one in found[:2] if one.provenance] == [
        PROVENANCE.content_id,
        OTHER.content_id,
    ]
    assert found[0].spans[-1][1] <= paste.index("有人") < found[1].spans[0][0]


def test_answers_shuffled_sentence_by_sentence_are_told_apart() -> None:
    first, second = mark(chinese(24, 3)), mark(chinese(24, 4), OTHER)
    sentences = [part + "。" for text in (first, second) for part in text.split("。") if part]
    random.Random(6).shuffle(sentences)
    ids = {one.provenance["content_id"] for one in DETECTOR.detect_all("".join(sentences)) if one.provenance}
    assert ids == {PROVENANCE.content_id, OTHER.content_id}


def test_what_is_left_over_is_reported_beside_what_was_found() -> None:
    stray = grains_of(mark(chinese(20, 2), OTHER))[5]
    found = DETECTOR.detect_all(f"前面有一段文字{stray}，然后是回答。\n\n{ZH}")
    assert [one.outcome for one in found] == [Outcome.PRESENT, Outcome.INCONCLUSIVE]
    assert DETECTOR.detect(f"前面有一段文字{stray}，然后是回答。\n\n{ZH}") == found[0]


@pytest.mark.parametrize(
    "layout",
    [
        "{start}\n\n{text}\n\n{end}",
        "{start} {text} {end}",
        "{start}\n\n{text}\n\n（AI生成）\n\n{text2}\n\n{end}",
    ],
)
def test_our_own_labels_do_not_count_as_text(layout: str) -> None:
    # The first grain comes a few letters after the paragraph break, so its letters reach over the label.
    whole = "春天来了公园里的花都开了啊。\n\n小朋友们，" + chinese(6, 8)
    first, _, rest = mark(whole).partition("\n\n")
    if "{text2}" in layout:
        labelled = layout.format(start=START, text=first, text2=rest, end=END)
    else:
        labelled = layout.format(start=START, text=mark(whole), end=END)
    found = DETECTOR.detect(labelled)
    count = len(grains_of(labelled))
    assert found.outcome is Outcome.PRESENT
    assert f"{count} of {count} grains" in found.detail
    if "{text2}" in layout:
        assert f"{count - 1} of {count} grains" in CarrierDetector(KEYS).detect(labelled).detail


def test_a_label_inside_a_sentence_is_a_word_like_any_other() -> None:
    text = f"所谓的{START}就是一种标识，读者可以看到它，{chinese(8)}"
    found = DETECTOR.detect(mark(text))
    count = found.num_units_scored
    assert f"{count} of {count} grains" in found.detail


def test_spans_cover_only_the_part_that_the_grains_vouch_for() -> None:
    human = "这一段是人写的，没有任何标记，只是放在前面和后面。" * 20
    paste = human + excerpt(ZH, 100, 300) + human
    found = DETECTOR.detect(paste)
    assert found.outcome is Outcome.PRESENT
    ((start, end),) = found.spans
    assert len(human) <= start < end <= len(paste) - len(human)


def delete(text: str, share: float, seed: int) -> str:
    rng = random.Random(seed)
    return "".join(char for char in text if rng.random() >= share)


def test_the_message_survives_the_loss_of_a_tenth_of_the_characters() -> None:
    marked = mark(chinese(70, 11)[:1_000])
    restored = [DETECTOR.detect(delete(marked, 0.1, seed)).provenance for seed in range(40)]
    assert sum(found is not None for found in restored) >= 39


def test_damaged_grains_vouch_for_a_text_that_lost_a_tenth_and_never_for_another() -> None:
    genuine = moved = 0
    for seed in range(30):
        marked = mark(chinese(70, 20 + seed)[:1_000])
        genuine += DETECTOR.detect(delete(marked, 0.1, seed)).outcome is Outcome.PRESENT
        host, out, at = chinese(90, 2_000 + seed), [], 0
        for grain in grains_of(marked):
            out.append(host[at : at + 23] + grain)
            at += 23
        moved += DETECTOR.detect(delete("".join(out), 0.1, seed)).outcome is Outcome.PRESENT
    assert genuine >= 25
    assert moved == 0


@pytest.mark.parametrize("own", [(0, 4, 6, 9), (1, 4, 6, 9), (2, 3, 5, 7, 8, 10)])
def test_four_grains_are_found_among_many_that_mislead(own: tuple[int, ...]) -> None:
    """Each of ours is followed by six grains of nobody's, so that no four neighbours belong together."""
    rng = random.Random(sum(own))
    true = {grain[0]: grain for grain in grains_of(ZH)}
    parts = []
    for index in own:
        parts.append(true[chr(0xFE03 + index)])
        for other in rng.sample(range(1, 11), 6):
            parts.append(chr(0xFE03 + other) + "".join(chr(0xFE00 + rng.randrange(16)) for _ in range(12)))
    named = [one for one in DETECTOR.detect_all("字".join(parts)) if one.provenance]
    assert [(one.outcome, one.num_units_scored) for one in named] == [(Outcome.TAMPERED, len(own))]
    assert named[0].provenance is not None
    assert named[0].provenance["content_id"] == PROVENANCE.content_id


@pytest.mark.parametrize("lost", [1, 2])
def test_a_grain_that_lost_only_its_bind_still_helps_to_restore_the_message(lost: int) -> None:
    runs = list(GRAIN_RUN.finditer(ZH))
    part = ZH[: runs[3].end() - lost]  # grains 0, 1, 2 and the start of 3
    found = DETECTOR.detect(part)
    assert found.provenance is not None
    assert found.num_units_scored == 3


def test_copies_of_a_grain_after_the_same_words_count_once() -> None:
    part = between_grains(4, 2)
    other = "".join(f"完全不同的另外一段文字在这里写着{grain}" for grain in grains_of(ZH)[:2])
    found = DETECTOR.detect(part * 5 + other)
    assert found.outcome is Outcome.TAMPERED
    assert "10 of 12 grains" in found.detail
    assert found.p_value == pytest.approx(chance(4, 2))


@pytest.mark.parametrize("lost", ["nothing", "first", "second"])
def test_the_second_carrier_is_read_alone_and_beside_the_first(lost: str) -> None:
    text = chinese(30)
    transform = CarrierScheme(KEYS, second=True).new_transform(PROVENANCE)
    marked = transform.feed(text) + transform.flush()
    count = len(grains_of(marked))
    if lost != "nothing":
        marked = (GRAIN_RUN if lost == "first" else SECOND_RUN).sub("", marked)
    found = DETECTOR.detect(marked)
    assert found.outcome is Outcome.PRESENT
    assert found.num_units_scored == count
    assert f"{count} of {count} grains" in found.detail
    assert ForeignDetector().detect(marked).outcome is Outcome.ABSENT


def test_a_fragment_on_another_text_is_a_hint_at_most() -> None:
    moved = "".join(f"完全不同的另外一段文字在这里写着{grain}" for grain in grains_of(ZH)[5:7])
    found = CarrierDetector(KEYS, lookup=lambda _: [PROVENANCE]).detect(moved)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.provenance is not None


@pytest.mark.parametrize("answers", [[], [Provenance("tester", NUMBER, key_id=9)], [OTHER]])
def test_what_the_index_does_not_know_stays_a_fragment(answers: list[Provenance]) -> None:
    found = CarrierDetector(KEYS, lookup=lambda _: answers).detect(between_grains(4, 2))
    assert (found.outcome, found.provenance) == (Outcome.INCONCLUSIVE, None)


@pytest.mark.parametrize(
    ("members", "binds"), [(4, 3), (5, 3), (6, 4), (12, 4), (19, 4), (20, 5), (38, 5), (80, 6)]
)
def test_the_binds_needed_keep_chance_below_one_in_a_million(members: int, binds: int) -> None:
    assert binds_needed(members) == binds


@pytest.mark.parametrize("members", [1, 4, 20, 100])
def test_chance_is_the_upper_binomial_tail(members: int) -> None:
    for binds in range(members + 1):
        exact = (
            sum(math.comb(members, k) * 255 ** (members - k) for k in range(binds, members + 1))
            / 256**members
        )
        assert chance(members, binds) == pytest.approx(exact, rel=1e-9)


def test_chance_of_a_very_long_text_is_computed_without_underflow() -> None:
    assert chance(500_000, 0) == pytest.approx(1)
    assert 0.4 < chance(500_000, 1_953) < 0.6
    assert binds_needed(500_000) < 2_300


@pytest.mark.parametrize("head", ["", "︁︁︀︁"])  # all of one message's start restore that start
def test_a_paste_of_very_many_false_grains_is_read_within_bounds(head: str) -> None:
    rng = random.Random(12)
    grains = (
        chr(0xFE03 + n % 11) + head + "".join(chr(0xFE00 + rng.randrange(16)) for _ in range(12 - len(head)))
        for n in range(2_000)
    )
    found = DETECTOR.detect("字".join(grains) + "字\ufe03\ufe03")
    assert found.outcome is Outcome.INCONCLUSIVE


def test_detection_leaves_the_text_alone() -> None:
    assert strip_own(ZH) == chinese(60)
