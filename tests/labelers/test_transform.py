"""Transforms in a row: what one holds back reaches the next before that one is flushed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labelers.transform import Chain, Passthrough, TextTransform


class Words:
    """Releases whole words in brackets; holds an unfinished word back until it ends or the text does."""

    def __init__(self, brackets: str) -> None:
        self._left, self._right = brackets[0], brackets[1]
        self._word = ""

    def feed(self, text: str) -> str:
        *words, self._word = (self._word + text).split(" ")
        return "".join(f"{self._left}{word}{self._right} " for word in words)

    def flush(self) -> str:
        return f"{self._left}{self._word}{self._right}"


def through(transform: TextTransform, pieces: list[str]) -> str:
    return "".join([*map(transform.feed, pieces), transform.flush()])


def test_the_stages_run_in_the_order_given() -> None:
    assert through(Chain(Words("()"), Words("[]")), ["a b"]) == "[(a)] [(b)]"


def test_what_a_stage_holds_to_the_end_passes_through_all_later_stages() -> None:
    chain = Chain(Words("()"), Words("[]"))
    assert chain.feed("a") == ""
    assert chain.flush() == "[(a)]"


def test_a_chain_is_itself_a_transform() -> None:
    nested = Chain(Chain(Words("()"), Words("[]")), Passthrough(), Words("<>"))
    assert through(nested, ["a ", "b"]) == "<[(a)]> <[(b)]>"


def test_a_chain_of_nothing_and_a_passthrough_change_nothing() -> None:
    for transform in (Chain(), Passthrough(), Chain(Passthrough(), Passthrough())):
        assert through(transform, ["春", "", "江"]) == "春江"


@given(st.lists(st.text(alphabet="ab ", max_size=4)))
def test_the_output_does_not_depend_on_the_splits(pieces: list[str]) -> None:
    expected = through(Chain(Words("()"), Words("[]")), ["".join(pieces)])
    assert through(Chain(Words("()"), Words("[]")), pieces) == expected
