"""No blocked word reaches a client, wherever deltas, frames or bytes are cut: every entry of a 200-entry library.

All words are tried in the answer's own text; some of them everywhere else that text can stand (tests/wire/leaks.py).
bench/leaks.py tries all of them everywhere.
"""

from __future__ import annotations

import random

import pytest

from proxy.policy import Plan
from proxy.review.entry import Action, Entry
from proxy.upstreams import replies
from tests.wire.leaks import (
    BODIES,
    CHANNELS,
    CHAT,
    CODINGS,
    HELD,
    LEAD,
    LIBRARY,
    PLAIN,
    SAMPLED,
    Body,
    Channel,
    Coding,
    decided,
    fits,
    leaked,
    nfd,
    text_with,
    through,
    ways,
    whole_answers,
)
from tests.wire.plans import said

KEYWORDS = SAMPLED
CONTENT = CHAT[0]
SOME = HELD[::40]


def plan() -> Plan:
    return decided(CONTENT)


def stream(texts: list[str]) -> bytes:
    return b"".join(step for step in replies.sse(texts).steps if isinstance(step, bytes))


def without_grains(text: str) -> str:
    return "".join(c for c in text if not "\ufe00" <= c <= "\ufe0f")


def surrounded(entry: Entry) -> str:
    return f"前面说了一句话，{entry.pattern} 后面还有一句话。"


def test_the_library_is_large_enough_to_mean_something() -> None:
    assert len(KEYWORDS) >= 200
    assert len(HELD) >= 150
    assert LIBRARY.version


@pytest.mark.parametrize("entry", KEYWORDS, ids=lambda entry: entry.pattern)
def test_no_split_leaks_the_word_or_changes_the_answer(entry: Entry) -> None:
    text = surrounded(entry)
    whole = said(stream([text]), plan())
    holds = entry.action_for("output").holds
    assert (entry.pattern in without_grains(whole)) is not holds
    if entry.action_for("output") is Action.BLOCK:
        assert "换个话题吧。" in whole or "Let us talk" in whole
    ways = [[text[:at], text[at:]] for at in range(1, len(text))]
    ways.append(list(text))
    chance = random.Random(entry.pattern)
    for _ in range(3):
        cuts = sorted(chance.sample(range(1, len(text)), chance.randint(1, 6)))
        ways.append([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)])
    for way in ways:
        assert said(stream(way), plan()) == whole
    raw = stream(list(text))
    assert said(raw, plan(), [raw[at : at + 1] for at in range(len(raw))]) == whole
    pieces = []
    at = 0
    while at < len(raw):
        step = chance.randint(1, 200)
        pieces.append(raw[at : at + step])
        at += step
    assert said(raw, plan(), pieces) == whole


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: f"{channel.endpoint}: {channel.name}")
def test_no_place_in_a_stream_leaks_a_word_however_it_is_cut(channel: Channel) -> None:
    tried = [entry for entry in SOME if fits(channel, entry)]
    assert tried
    for entry in tried:
        for _, pieces in ways(channel, entry.pattern):
            out = through(channel, decided(channel), PLAIN.frames(channel, pieces))
            assert leaked(out, entry.pattern) == 0


@pytest.mark.parametrize("coding", CODINGS, ids=lambda coding: coding.name)
@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: f"{channel.endpoint}: {channel.name}")
def test_no_spelling_of_a_stream_leaks_a_word(channel: Channel, coding: Coding) -> None:
    entry = next(entry for entry in SOME if fits(channel, entry))
    frames = coding.frames(channel, list(text_with(entry.pattern)))
    raw = b"".join(frames)
    for pieces in (frames, [raw[at : at + 1] for at in range(len(raw))]):
        assert leaked(through(channel, decided(channel), pieces), entry.pattern) == 0


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{body.endpoint}: {body.name}")
def test_no_place_in_a_whole_answer_leaks_a_word_also_where_a_stream_was_asked_for(body: Body) -> None:
    tried = [entry for entry in SOME if fits(body, entry)]
    assert tried
    for entry in tried:
        for coding in (PLAIN, CODINGS[3]):
            for out in whole_answers(body, text_with(entry.pattern), coding.spell):
                assert leaked(out, entry.pattern) == 0


@pytest.mark.parametrize(
    "channel", [c for c in CHANNELS if not c.joined], ids=lambda c: f"{c.endpoint}: {c.name}"
)
def test_a_word_whose_letters_are_taken_apart_is_found_at_every_cut(channel: Channel) -> None:
    for entry in HELD:
        word = nfd(entry.pattern)
        if word == entry.pattern or not fits(channel, entry):
            continue
        for _, pieces in ways(channel, word):
            assert leaked(through(channel, decided(channel), PLAIN.frames(channel, pieces)), word) == 0


def test_the_suite_sees_a_leak_where_there_is_one() -> None:
    word = HELD[0].pattern
    for channel in CHANNELS:
        if not (channel.named or channel.name.startswith("text behind")):
            out = b"".join(PLAIN.frames(channel, list(text_with(word))))
            assert leaked(out, word) == len(word), channel
    for body in BODIES:
        assert leaked(PLAIN.spell(body.document(text_with(word))).encode(), word) == len(word), body
    part = PLAIN.frames(CONTENT, [LEAD, word[:2]])
    assert leaked(b"".join(part), word) == 2
