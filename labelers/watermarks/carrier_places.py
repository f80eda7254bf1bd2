"""Where in running text a grain may stand: the two characters beside it decide.

Before a Han, kana or Hangul letter after a pause (，。！？；：、), at a space after `.,;!?` or after a letter; between
two letters of the unspaced scripts only where the gap has become too wide, for a keyword is cut last. Never next to
digits, inside Latin words, between two marks, in host names, nor inside what Unicode draws as one sign.

`labelers.prose` says which stretches are running text; this module only picks in them. The patterns begin with a set
of characters, so that the engine scans for it.
"""

from __future__ import annotations

import re

from labelers.prose import clean_word

__all__ = ["WORD_SLACK", "fits_line_end", "fits_text_end", "may_any", "may_pause", "may_word", "next_place"]

WORD_SLACK = 6  # a word boundary without punctuation has to wait this much longer

# Han, kana and Hangul syllables; small kana and the compatibility ideographs (which have standard
# variants) are left out.
_CJK = "\u3042-\u3093\u30a2-\u30f3\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
# Each matches the space at a place, or the one character before it. Beginning with a set of characters they
# scan five times as fast as with an alternative or a look behind.
_SPACE = r"(?<= )(?:(?<=[^\W\d_] )|(?<=[.,;!?] ))"
_AT_PAUSE = re.compile(rf"[，。！？；：、.,;!?](?:(?<=[.,;!?])(?= )|(?<![.,;!?])(?=[{_CJK}]))")
_AT_WORD = re.compile(rf"[，。！？；：、 ](?:{_SPACE}|(?<! )(?=[{_CJK}]))")
_AT_ANY = re.compile(rf"[，。！？；：、 {_CJK}](?:{_SPACE}|(?<! )(?=[{_CJK}]))")
# A piece of text between places: whether one may stand in it, or just before it, by its characters alone. Each begins
# with a character and ends with the one after the place, so that what was searched once is not found again.
_BREAK = r"(?:(?<=[^\W\d_][\n\r])|(?<=[，。！？；：、.,;:!? \t][\n\r]))(?=\s*\S)"
_PAUSE = rf"(?<=[，。！？；：、])(?=[{_CJK}])"
may_pause = re.compile(rf"[，。！？；：、.,;!?\n\r](?:(?<=[.,;!?])(?= \S)|{_PAUSE}|{_BREAK})").search
may_word = re.compile(rf"[，。！？；：、 \n\r](?:{_SPACE}(?=\S)|{_PAUSE}|{_BREAK})").search
may_any = re.compile(
    rf"[，。！？；：、 \n\r{_CJK}](?:{_SPACE}(?=\S)|(?<![ \n\r])(?=[{_CJK}])|{_BREAK})"
).search
_LINE_END = re.compile(r"[^\W\d_]|[，。！？；：、.,;:!?]")
_TEXT_END = re.compile(r"[^\W\d_]|[，。！？；：、.,;:!?…—～)\]）】」』》〉”’\"']")


def next_place(buf: str, start: int, stop: int, due: int, late: int) -> int:
    """The first place in the open stretch [start, stop); -1: none.

    From `due` on a pause will do, `WORD_SLACK` later a word boundary, from `late` on any place.
    """
    word = due + WORD_SLACK
    at = start if start > due else due
    while at < stop:
        if at < word:
            pattern, until = _AT_PAUSE, word
        elif at < late:
            pattern, until = _AT_WORD, late
        else:
            pattern, until = _AT_ANY, stop
        if until > stop:
            until = stop
        # A mark before the stretch counts, a space does not.
        found = pattern.search(buf, at - 1 if at else 0, until)
        if found is not None and found.start() < at and buf[at - 1] == " ":
            found = pattern.search(buf, at, until)
        if found is None:
            at = until
            continue
        place = found.start()
        if buf[place] != " ":
            place += 1
        if buf[place] == " ":
            after = buf[place + 1]  # there is one: trailing white space is not looked at
            if after != "|" and not after.isspace() and clean_word(buf, place):
                return place
        else:
            host = buf.rfind("www.", place - 64 if place > 64 else 0, place)
            if host < 0 or any(map(str.isspace, buf[host:place])):
                return place
        at = place + 1
    return -1


def fits_line_end(buf: str, at: int) -> bool:
    """Whether a grain may stand at the end of a line of running text, before its white space."""
    return _LINE_END.match(buf, at - 1) is not None and clean_word(buf, at)


def fits_text_end(buf: str, at: int) -> bool:
    """Whether grains may stand at the end of the text, before trailing white space."""
    return _TEXT_END.match(buf, at - 1) is not None and clean_word(buf, at)
