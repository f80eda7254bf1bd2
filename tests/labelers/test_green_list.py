"""The fixed list of favoured words: a coin a pair, ids of the model, a count of what a text tells."""

from __future__ import annotations

import math

from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.green_list import PAIRS, GreenList, biases, count_green, green_words
from labelers.watermarks.units import epoch_prf

MASTER = b"a key of the tests, 32 bytes it is"
RING = KeyRing(MASTER, 40)


def test_pairs_share_no_word_and_serve_both_languages_from_the_start() -> None:
    words = [word for pair in PAIRS for word in pair]
    assert len(set(words)) == len(words) > 300
    assert PAIRS[0][0].startswith(" ") and not PAIRS[1][0].isascii()


def test_over_keys_each_word_of_a_pair_is_green_half_the_time() -> None:
    firsts = sum(
        word == first
        for kid in RING.kids()
        for word, (first, _) in zip(green_words(epoch_prf(RING, kid)), PAIRS, strict=True)
    )
    count = len(PAIRS) * len(RING.kids())
    assert abs(firsts - count / 2) < 4 * math.sqrt(count / 4)
    assert green_words(epoch_prf(RING, 1)) == green_words(epoch_prf(RING, 1))


def test_the_bias_goes_to_the_commonest_words_that_are_one_token() -> None:
    scheme = GreenList(RING, 1.5)
    words = scheme.words(1)
    ids = {word: at for at, word in enumerate(words) if at % 2}
    assert biases(words, ids, scheme.bias, 3) == {"1": 1.5, "3": 1.5, "5": 1.5}
    transform = scheme.new_transform(Provenance("X", 1, key_id=1))
    assert (scheme.mark_request({"a": 1}), transform.feed("words") + transform.flush()) == ({"a": 1}, "words")


def test_a_text_is_counted_by_pairs_of_which_it_holds_one_word() -> None:
    prf = epoch_prf(RING, 1)
    green = green_words(prf)
    red = [second if one == first else first for one, (first, second) in zip(green, PAIRS, strict=True)]
    assert count_green(prf, "".join(green)) == (len(PAIRS), len(PAIRS))
    assert count_green(prf, "".join(red).upper()) == (len(PAIRS), 0)
    assert count_green(prf, "".join([*green, *red])) == (0, 0)
    assert count_green(prf, green[0] * 5) == (1, 1)
    assert count_green(prf, "") == (0, 0)
