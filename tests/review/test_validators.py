"""Most strings of digits are no identity card, no bank card and no telephone."""

from __future__ import annotations

import pytest

from proxy.review.validators import VALIDATORS

CASES = [
    ("", "anything", True),
    ("id_card", "11010519491231002X", True),  # the example of GB 11643-1999
    ("id_card", "110105 19491231 002x", True),
    ("id_card", "110105194912310021", False),
    ("id_card", "11010519491331002X", False),
    ("id_card", "1101051949123100", False),
    ("id_card", "X1010519491231002X", False),
    ("luhn", "4111 1111 1111 1111", True),
    ("luhn", "4111111111111112", False),
    ("luhn", "18", False),
    ("phone", "138-0000-1111", True),
    ("phone", "8613800001111", True),
    ("phone", "12800001111", False),
    ("phone", "23800001111", False),
    ("phone", "1380000111", False),
]


@pytest.mark.parametrize(("name", "text", "valid"), CASES)
def test_digits_are_checked(name: str, text: str, valid: bool) -> None:
    assert VALIDATORS[name](text) is valid
