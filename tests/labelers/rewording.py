"""What the substitution scheme makes of a text under a key, whole or in pieces; for the tests of its parts."""

from __future__ import annotations

from labelers.watermarks.substitution import SubstitutionTransform
from labelers.watermarks.units import Prf

KEYS = [Prf(number.to_bytes(16, "big")) for number in range(400)]


def marked(text: str, prf: Prf) -> str:
    return in_pieces(text, [], prf)


def in_pieces(text: str, steps: list[int], prf: Prf) -> str:
    """The text comes in pieces of these lengths, the rest in one."""
    transform = SubstitutionTransform(prf.coins())
    out, at = "", 0
    for step in steps:
        out += transform.feed(text[at : at + step])
        at += step
    return out + transform.feed(text[at:]) + transform.flush()
