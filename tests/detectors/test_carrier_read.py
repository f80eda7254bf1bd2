"""What is read of a text that bears grains, and what damaged ones still tell."""

from __future__ import annotations

import random

import pytest

from detectors.carrier_read import DamagedRun, label_pattern, read
from labelers.watermarks.carrier_codec import Binder, bind_letters, encode, grain_heads

MESSAGE = bytes.fromhex("11071234112233445566778885298323798f2abc")
HEADS, CHUNKS = grain_heads(MESSAGE), encode(MESSAGE)
BINDER = Binder(b"k" * 32, 7)
BEFORE = "春天来了，公园里的花都开了，"


def grain(index: int, before: str = BEFORE) -> str:
    return HEADS[index] + BINDER.chars(bind_letters(before), index)


def members(run: str) -> list[tuple[int, int, bytes, int]]:
    found = DamagedRun(100, run, BEFORE).members(HEADS, CHUNKS)
    return [(one.start, one.index, one.chunk, one.bind) for one in found]


def expected(index: int, start: int = 100) -> tuple[int, int, bytes, int]:
    return (start, index, CHUNKS[index], BINDER.byte(bind_letters(BEFORE), index))


def test_every_grain_is_read_with_the_words_before_it_and_without_labels_and_other_grains() -> None:
    second = grain(1, BEFORE + "小朋友们在草地上奔跑。")
    text = f"【标识】\n{BEFORE}{grain(0)}小朋友们在草地上奔跑。{second}"
    grains, damaged = read(text, label_pattern(["【标识】"]))
    assert [one.index for one in grains] == [0, 1]
    befores = [BEFORE, BEFORE + "小朋友们在草地上奔跑。"]
    assert [one.letters for one in grains] == [bind_letters(before) for before in befores]
    assert [text[one.start : one.end] for one in grains] == [grain(0), second]
    assert not any(one.cut for one in grains)
    assert damaged == []


def test_a_grain_is_cut_where_the_text_begins_within_its_words() -> None:
    marked = f"{BEFORE[1:]}{grain(0)}小朋友{grain(1)[2:]}"
    (whole,), (damaged,) = read(marked, None)
    assert whole.cut
    assert [one.cut for one in damaged.members(HEADS, CHUNKS)] == [False]
    assert [one.cut for one in DamagedRun(0, grain(1)[2:], "春天").members(HEADS, CHUNKS)] == [True]


def test_a_run_that_lost_some_is_damaged_and_no_part_of_the_words() -> None:
    broken = grain(0)[:5] + grain(0)[6:]
    grains, damaged = read(f"{BEFORE}{broken}小朋友{grain(1)}", None)
    assert [(one.start, one.chars, one.before) for one in damaged] == [(len(BEFORE), broken, BEFORE)]
    assert [one.letters for one in grains] == [bind_letters(BEFORE + "小朋友")]


@pytest.mark.parametrize(
    "run", ["\ufe0f", "\ufe0f" * 8, "\ufe03" * 12 + "\U000e0100", "\U000e0100" + grain(3), "\U000e0100" * 30]
)
def test_natural_and_foreign_runs_are_left_where_they_stand(run: str) -> None:
    assert read(f"一{run}二", None) == ([], [])


@pytest.mark.parametrize("lost", [1, 2, 3, 4])
def test_a_damaged_grain_of_a_known_message_is_told_with_its_bind(lost: int) -> None:
    rng = random.Random(lost)
    for index in range(11):
        # In two of three cases the nibble before the bind makes it look as if half of the bind were lost.
        gone = rng.sample(range(9), lost)
        run = "".join(char for at, char in enumerate(grain(index)) if at not in gone)
        found = members(run)
        assert found in ([expected(index)], []), (index, gone)
    clear = grain(4)  # its bind does not go on where its chunk ends
    assert members(clear[:3] + clear[3 + lost :]) == [expected(4)]


@pytest.mark.parametrize("lost", [11, 12])
def test_a_grain_that_lost_a_part_of_its_bind_is_not_tested_for_its_place(lost: int) -> None:
    for index in range(11):
        assert members(grain(index)[:lost] + grain(index)[lost + 1 :]) == []


@pytest.mark.parametrize("run", ["\ufe00" * 12, grain(0)[:7], HEADS[0]])
def test_a_run_that_fits_no_grain_tells_nothing(run: str) -> None:
    assert members(run) == []


def test_whole_grains_beside_a_damaged_one_are_found_again() -> None:
    run = grain(3) + grain(4)[:6] + grain(4)[7:] + grain(5)
    assert members(run) == [expected(3), expected(5, 100 + 25)]
    assert members(grain(3)[1:] + HEADS[4]) == []
    pairs = list(DamagedRun(0, run, BEFORE).pairs())
    assert (3, CHUNKS[3]) in pairs
    assert (5, CHUNKS[5]) in pairs


def test_a_run_without_its_bind_gives_its_chunk_and_one_without_its_index_none() -> None:
    assert list(DamagedRun(0, HEADS[6], BEFORE).pairs()) == [(6, CHUNKS[6])]
    assert list(DamagedRun(0, "\ufe00" * 12, BEFORE).pairs()) == []
