"""Checks on the digits of a match: most strings of digits are no identity card and no bank card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

__all__ = ["VALIDATORS"]

# GB 11643-1999: weights of the first 17 digits, and the check character by their sum modulo 11.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def _id_card(text: str) -> bool:
    """A resident identity number: 17 digits with a date of birth, and a check character."""
    number = "".join(c for c in text.upper() if c.isdecimal() or c == "X")
    if len(number) != 18 or not number[:17].isdecimal():
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return number[17] == _CHECKS[total % 11]


def _luhn(text: str) -> bool:
    """A card number of 12 to 19 digits with its check digit (ISO/IEC 7812-1)."""
    digits = [int(c) for c in text if c.isdecimal()]
    if not 12 <= len(digits) <= 19:
        return False
    doubled = [digit if place % 2 == 0 else (digit * 2 - 9 if digit > 4 else digit * 2)
               for place, digit in enumerate(reversed(digits))]  # fmt: skip
    return sum(doubled) % 10 == 0


def _phone(text: str) -> bool:
    """A mobile number of mainland China, with or without 86 before it."""
    digits = "".join(c for c in text if c.isdecimal())
    digits = digits.removeprefix("86") if len(digits) == 13 else digits
    return len(digits) == 11 and digits[0] == "1" and digits[1] in "3456789"


VALIDATORS: Mapping[str, Callable[[str], bool]] = {
    "": bool, "id_card": _id_card, "luhn": _luhn, "phone": _phone
}  # fmt: skip
