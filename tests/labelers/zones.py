"""Where grains stand in a marked document, told by a Markdown parser that knows nothing of ours.

CommonMark with tables (markdown-it-py) says which characters are code, headings, tables, raw HTML, link texts or
addresses; a regular expression, which ones are bare addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from labelers.watermarks.carrier_codec import GRAIN_RUN, SECOND_RUN

__all__ = ["misplaced"]

_PARSER = MarkdownIt("commonmark").enable("table")
_OPAQUE = frozenset({"fence", "code_block", "html_block", "code_inline", "html_inline", "image"})
_ADDRESS = re.compile(r"(?:https?://|www\.)[!-~]+|[\w.+-]+@[\w-]+\.[!-~]+", re.ASCII)


def misplaced(marked: str) -> list[str]:
    """What holds a grain and must not: each protected stretch that differs from that of the document without grains."""
    plain = SECOND_RUN.sub("", GRAIN_RUN.sub("", marked))
    kept = set(_protected(_PARSER.parse(plain)))
    seen = set(_protected(_PARSER.parse(marked)))
    found = [*(kept - seen), *(seen - kept)]
    found += [one for one in _ADDRESS.findall(plain) if one not in marked]
    return found + [line for line in marked.split("\n") if GRAIN_RUN.match(line) or SECOND_RUN.match(line)]


def _protected(tokens: list[Token]) -> Iterator[str]:
    inside = 0
    for token in tokens:
        if token.type in ("heading_open", "table_open"):
            inside += 1
        elif token.type in ("heading_close", "table_close"):
            inside -= 1
        elif token.type == "inline":
            if inside:
                yield token.content
            yield from _inline(token.children or [])
        elif token.type in _OPAQUE:
            yield token.content + token.info


def _inline(tokens: list[Token]) -> Iterator[str]:
    inside = 0
    for token in tokens:
        yield from (str(value) for value in token.attrs.values())
        if token.type == "link_open":
            inside += 1
        elif token.type == "link_close":
            inside -= 1
        elif inside or token.type in _OPAQUE:
            yield token.content
