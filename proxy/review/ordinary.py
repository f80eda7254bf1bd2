"""Whether what sounds like an entry is ordinary text: 应当及时 where the entry is 应当及市.

Who disguises a word by its sound leaves characters that mean nothing side by side; ordinary text is made of words.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

__all__ = ["AROUND", "is_ordinary"]

AROUND = 2  # characters on each side of a match that a word in it, of three at most, may reach to


def is_ordinary(
    text: str, start: int, end: int, entry: str, common: AbstractSet[str], *, goes_on: bool
) -> bool | None:
    """Whether every character of [start, end) stands in a common word; None: what follows may make it so.

    A word has two characters or three and may begin or end outside. A character that stands by itself must be one
    of the commonest, and the entry's own. What is written as the entry is, or not one character for each of its
    own, is not ordinary. `text`: three characters at least, with AROUND characters on each side of the match, where
    there are so many; it `goes_on` where there are not yet.
    """
    if end - start != len(entry) or text[start:end] == entry:
        return False
    length, place = len(text), start
    while place < end:
        if place + 1 < length and text[place : place + 2] in common:
            place += 2
        elif (
            (text[place] == entry[place - start] and text[place] in common)
            or text[place - 1 : place + 1] in common
            or text[place - 2 : place + 1] in common
        ):
            place += 1
        elif text[place - 1 : place + 2] in common:
            place += 2
        elif place + 1 < length and text[place : place + 3] in common:
            place += 3
        else:
            return None if goes_on and place >= length - AROUND else False
    return True
