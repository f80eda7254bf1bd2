"""Many texts as one array."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from proxy.review.flat import Flat

TEXTS = st.lists(st.tuples(st.text("甲乙", max_size=3), st.text("甲乙", max_size=3)), max_size=8)


@given(TEXTS)
def test_texts_are_the_same_where_all_their_letters_are(pairs: list[tuple[str, str]]) -> None:
    one, two = Flat.of([first for first, _ in pairs]), Flat.of([second for _, second in pairs])
    assert one.equal(two).tolist() == [first == second for first, second in pairs]
    assert one.equal(one).tolist() == [True] * len(pairs)


def test_no_texts_are_the_same_as_none() -> None:
    assert Flat.of([]).equal(Flat.of([])).tolist() == []
    assert Flat.of_lengths(np.zeros(0, np.uint32), np.zeros(2, np.int64)).equal(Flat.of(["", ""])).all()
