"""Reading marks of engines: found under the key and in passages, honest under others."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from detectors.detection import Outcome
from detectors.evidence import WINDOWS
from detectors.statistical import StatisticalDetector
from detectors.token_marks import GUMBEL, MAX_TOKENS, by_tokens, drawn_tokens, read_row
from labelers.provenance import KeyRing
from labelers.watermarks.engine import engine_key
from labelers.watermarks.payload import Payload
from tests.engines.chance import write

MASTER = b"a key of the tests, 32 bytes it is"
RING = KeyRing(MASTER)
LABEL = "[AI-generated / AI生成]"
LOGITS = np.random.default_rng(3).normal(0, 2.0, 400)


@dataclass(frozen=True)
class Words:
    """A tokenizer of the tests: a word with the space before it is a token."""

    name: str = "words"
    asked: list[str] | None = None

    def tokens(self, text: str) -> Sequence[bytes]:
        if self.asked is not None:
            self.asked.append(text)
        return [f" {word}".encode() for word in text.split(" ")[1:]]


class Bytes:
    """Every byte is a token: characters are cut in two."""

    name = "bytes"

    def tokens(self, text: str) -> Sequence[bytes]:
        return [bytes([byte]) for byte in text.encode()]


def said(
    length: int,
    *,
    seed: int = 1,
    tournament: bool = False,
    marked: bool = True,
    kid: int = 1,
    message: int = -1,
) -> str:
    ids = write(
        LOGITS,
        length,
        key=engine_key(RING, kid),
        seed=seed,
        tournament=tournament,
        temperature=0.8,
        marked=marked,
        message=message,
    )
    return "".join(f" w{at}" for at in ids)


def test_a_text_that_an_engine_drew_is_marked_and_tells_how() -> None:
    found = StatisticalDetector(RING, tokenizers=[Words()]).detect(said(120))
    assert found.outcome is Outcome.PRESENT
    assert found.p_value is not None and found.p_value < 1e-6
    assert "tokens drawn by key (gumbel, words)" in found.detail
    assert " tokens scored; corrected for" in found.detail
    assert "5 tests, 1 tokenizers" in found.detail
    assert found.provenance == {"key_epoch": "1"}


def test_the_tournament_is_read_too() -> None:
    found = StatisticalDetector(RING, tokenizers=[Words()]).detect(said(200, tournament=True))
    assert found.outcome is Outcome.PRESENT
    assert "tournament" in found.detail


@pytest.mark.parametrize("tournament", [False, True])
def test_heat_tells_how_each_token_speaks(tournament: bool) -> None:
    text = said(200, tournament=tournament)
    found = StatisticalDetector(RING, tokenizers=[Bytes(), Words()]).detect(text)
    assert found.outcome is Outcome.PRESENT
    assert all(text[start:end].startswith(" w") for start, end, _ in found.heat)
    assert sum(score for *_, score in found.heat) > 4 * math.sqrt(len(found.heat))


def test_without_tokenizers_or_under_another_key_there_is_no_evidence() -> None:
    text = said(120)
    assert StatisticalDetector(RING).detect(text).outcome is Outcome.ABSENT
    other = KeyRing(b"somebody else's key, 32 bytes it is")
    assert StatisticalDetector(other, tokenizers=[Words()]).detect(text).outcome is Outcome.ABSENT


def test_a_drawn_passage_in_a_longer_text_is_shown_where_it_stands() -> None:
    before, after = said(900, marked=False, seed=2), said(900, marked=False, seed=3)
    text = before + said(100) + after
    found = StatisticalDetector(RING, tokenizers=[Words()]).detect(text)
    assert found.outcome is Outcome.PRESENT
    ((start, end),) = found.spans
    assert abs(start - len(before)) < 200 and abs(end - len(before) - len(said(100))) < 200


def test_labels_and_invisible_marks_are_taken_out_and_places_are_those_of_the_text() -> None:
    plain = said(120)
    words = plain.split(" ")
    text = LABEL + " ".join(words[:40]) + "\ufe01\ufe02" + " ".join(["", *words[40:]]) + LABEL
    asked: list[str] = []
    found = StatisticalDetector(RING, [LABEL], [Words(asked=asked)]).detect(text)
    assert set(asked) == {plain}
    assert found.outcome is Outcome.PRESENT
    ((start, end),) = found.spans
    assert (start, end) == (len(LABEL), len(text) - len(LABEL))


def test_tokens_that_end_inside_a_character_have_its_place() -> None:
    row = read_row(Bytes(), "a你b")
    assert row.starts.tolist() == [0, 1, 1, 1, 2]
    assert row.ends.tolist() == [1, 2, 2, 2, 3]


@pytest.mark.parametrize("text", ["", LABEL, "\u200b"])
def test_a_text_without_tokens_has_none(text: str) -> None:
    row = read_row(Bytes(), text, [(0, len(LABEL))] if text == LABEL else [])
    assert row.tokens == ()
    assert len(drawn_tokens(b"k" * 16, row.tokens).places) == 0
    assert list(by_tokens({1: b"k" * 16}, Bytes(), row, 0.0)) == []


def test_a_tokenizer_that_adds_bytes_ends_with_the_text() -> None:
    class Adds:
        name = "adds"

        def tokens(self, text: str) -> Sequence[bytes]:
            return [b" ", text.encode(), b"more"]

    row = read_row(Adds(), "ab")
    assert row.ends.tolist() == [1, 2, 2]
    assert (row.starts < 2).all()


def test_no_more_tokens_are_read_than_the_limit() -> None:
    assert len(read_row(Bytes(), "a" * (MAX_TOKENS + 10)).tokens) == MAX_TOKENS


def test_a_context_counts_once() -> None:
    drawn = drawn_tokens(b"k" * 16, [b"abcabcabc"[at : at + 1] for at in range(9)])
    assert drawn.places.tolist() == [3, 4, 5]
    assert len(drawn.bits) == len(drawn.symbols) == 3


def test_p_values_of_other_texts_are_honest_after_all_corrections() -> None:
    """Over keys, whole text and windows, both ways to draw: p below 5 % in at most 5 % of texts, and not in far fewer."""
    chance, below, texts = random.Random(5), 0, 120
    keys = {kid: engine_key(KeyRing(MASTER, 3), kid) for kid in (1, 2, 3)}
    for _ in range(texts):
        text = "".join(f" w{chance.randrange(300)}" for _ in range(chance.randrange(30, 400)))
        row = read_row(Words(), text)
        found = list(by_tokens(keys, Words(), row, math.log10(len(keys))))
        below += min(one.log10_p for one in found) < math.log10(0.05)
    assert below <= 0.05 * texts + 3 * math.sqrt(texts * 0.05 * 0.95)


def test_a_long_drawn_text_speaks_as_a_whole() -> None:
    text = said(2 * max(WINDOWS))
    found = by_tokens({1: engine_key(RING, 1)}, Words(), read_row(Words(), text), 0.0)
    gumbel = min(found, key=lambda one: one.log10_p)
    assert gumbel.scored == len(drawn_tokens(engine_key(RING, 1), Words().tokens(text)).places)
    assert gumbel.start == 0 and gumbel.end > 0.95 * len(text)


MESSAGE = Payload(0xA7, 0x00BEEF)
ORIGIN = {"key_epoch": "1", "content_id_end": "00beef", "producer_code_end": "a7"}


@pytest.mark.parametrize(("tournament", "length"), [(False, 120), (True, 300)])
def test_what_an_engine_was_told_to_say_is_read_whole_and_in_part(tournament: bool, length: int) -> None:
    text = said(2 * length, tournament=tournament, message=MESSAGE.whole)
    detector = StatisticalDetector(RING, tokenizers=[Words()])
    for part in (text, text[len(text) // 2 :]):
        found = detector.detect(part)
        assert found.outcome is Outcome.PRESENT
        assert found.provenance == ORIGIN
        assert "with a message," in found.detail
    # Under the message its tokens speak as loudly as the pilots do.
    scores = [score for *_, score in found.heat]
    assert sum(scores) > 4 * math.sqrt(len(scores))


def test_under_its_message_each_part_of_a_text_speaks_and_under_another_only_the_pilots() -> None:
    drawn = drawn_tokens(engine_key(RING, 1), Words().tokens(said(600, message=MESSAGE.whole)))
    for message, speak in ((MESSAGE, (True, True)), (Payload(0xA7, 0x00BEEE), (True, False))):
        scores = GUMBEL.scores(drawn.under(message))
        means = [scores[drawn.symbols == symbol].mean() for symbol in (-1, 0, 1)]
        assert [mean > 1.6 for mean in means] == [True, *speak], means


def test_a_message_that_cannot_be_told_from_others_leaves_a_mark_alone() -> None:
    found = StatisticalDetector(RING, tokenizers=[Words()]).detect(said(46, message=MESSAGE.whole))
    assert found.outcome is Outcome.PRESENT
    assert found.provenance == {"key_epoch": "1"}
    assert "id unreadable" in found.detail


def test_among_issued_answers_a_short_text_names_its_own() -> None:
    message = (RING.code("X") & 0xFF) << 24 | 0x00BEEF
    text = said(46, message=message)
    numbers = [0x70_0000 + 0x155 * at for at in range(1000)]
    ring = KeyRing(MASTER, producers=["X"])
    for issued, named in (([*numbers, (9 << 24) + 0x00BEEF], True), (numbers, False)):
        detector = StatisticalDetector(ring, tokenizers=[Words()], issued=lambda issued=issued: issued)
        found = detector.detect(text)
        assert found.outcome is Outcome.PRESENT
        assert (found.provenance or {}).get("content_id_end") == ("00beef" if named else None)


def test_the_answers_that_were_issued_are_fetched_once_a_text() -> None:
    """Both ways to draw find such pilots that a message is looked for."""
    asked: list[int] = []

    def issued() -> list[int]:
        asked.append(1)
        return [0x00BEEF]

    detector = StatisticalDetector(RING, tokenizers=[Words(), Words("words again")], issued=issued)
    for texts in (1, 2):
        assert detector.detect(said(300, message=MESSAGE.whole)).outcome is Outcome.PRESENT
        assert len(asked) == texts


def test_a_mark_without_a_message_names_none() -> None:
    ring = KeyRing(MASTER, producers=["X"])
    detector = StatisticalDetector(ring, tokenizers=[Words()], issued=lambda: range(5000))
    found = detector.detect(said(400))
    assert found.outcome is Outcome.PRESENT
    assert found.provenance == {"key_epoch": "1"}


def test_the_message_of_a_long_text_is_read_from_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.token_marks.MAX_MESSAGE", 120)
    text = said(500, message=MESSAGE.whole)
    found = StatisticalDetector(RING, tokenizers=[Words()]).detect(text)
    assert found.provenance == ORIGIN
    other = said(400, seed=9, message=Payload(0x11, 0x222222).whole)
    found = StatisticalDetector(RING, tokenizers=[Words()]).detect(text[: len(text) // 2] + other)
    assert found.provenance == ORIGIN
