"""What is kept of a stream leads back to the original."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.review.tables import builtin_tables
from proxy.review.views import PlainReader, safe_view
from proxy.review.window import Original, Window

SAFE = safe_view(builtin_tables())


def test_the_original_keeps_absolute_places() -> None:
    original = Original()
    original.append("甲乙丙丁")
    original.forget(2)
    original.forget(1)
    assert (original.base, original.end, original.slice(2, 4)) == (2, 4, "丙丁")


@given(
    st.lists(st.tuples(st.text("aﬁ…\u200b甲", max_size=5), st.integers(0, 3), st.integers(0, 2)), max_size=8)
)
def test_every_kept_character_knows_where_it_came_from(steps: list[tuple[str, int, int]]) -> None:
    window, at = Window(PlainReader(SAFE)), 0
    text = ""
    for piece, live, context in steps:
        window.read(piece, at)
        text, at = text + piece, at + len(piece)
        folded = SAFE.fold(text)
        origins = [i for i, c in enumerate(text) for _ in SAFE.fold(c)]
        assert folded[window.base :] == window.text
        for index in range(window.live, len(window.text)):
            assert window.start(index) == origins[window.base + index]
        for index in range(window.carried, len(window.text)):
            assert window.seen(index) == origins[window.base + index]
        window.forget(min(window.live + live, len(window.text)), context)
    window.finish()
    assert window.carried == len(window.text)
