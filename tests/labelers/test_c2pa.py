"""Where manifests stand in text: put in, found again, and nothing else taken for one."""

from __future__ import annotations

import base64
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.c2pa import PLACES, Carriage, decode_selectors, encode_selectors

PLAIN, HTML, MARKDOWN = (PLACES[kind] for kind in ("text/plain", "text/html", "text/markdown"))
STORE = bytes(range(256)) + b"jumb"
PAGE = b"<!doctype html>\n<html><head lang=zh>\n<title>t</title></head><body>b</body></html>"


def test_the_wrapper_is_spelt_as_annex_a8_says() -> None:
    wrapper = encode_selectors(b"\x00\x0f\x10\xff")
    framed = b"C2PATXT\0\x01\x00\x00\x00\x04\x00\x0f\x10\xff"
    assert wrapper[0] == "\ufeff"
    assert [ord(c) for c in wrapper[1:]] == [0xFE00 + b if b < 16 else 0xE0100 + b - 16 for b in framed]
    assert wrapper[-4:] == "\ufe00\ufe0f\U000e0100\U000e01ef"


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_every_store_comes_back_and_what_follows_it_is_not_taken(store: bytes, more: bytes) -> None:
    selectors = encode_selectors(store)[1:]
    assert decode_selectors(selectors) == store
    assert decode_selectors(selectors + encode_selectors(more)[1:]) == store


@pytest.mark.parametrize("selectors", ["", "\ufe0f", encode_selectors(STORE)[1:-1], encode_selectors(b"")[1:-1],
                                       encode_selectors(b"x")[2:], encode_selectors(b"x")[1:9] + "\ufe02"])  # fmt: skip
def test_a_run_that_is_no_whole_wrapper_holds_nothing(selectors: str) -> None:
    assert decode_selectors(selectors) is None


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.binary(max_size=80))
def test_plain_text_is_brought_into_nfc_and_carries_its_store_at_its_end(text: str, store: bytes) -> None:
    data = PLAIN.prepare(text.encode())
    assert data.decode() == unicodedata.normalize("NFC", text)
    signed = PLAIN.insert(data, store)
    (found,) = PLAIN.find(signed)
    assert (found.store, found.start, found.start + found.length) == (store, len(data), len(signed))
    assert signed[: found.start] == data


def test_selectors_of_emoji_and_of_other_marks_are_no_manifest() -> None:
    assert PLAIN.find("\ufeff❤\ufe0f ﻿\ufe0f\ufeff\U000e0100\U000e0101".encode()) == []
    assert PLAIN.find(b"\xff\xfe not utf-8") == []


def test_two_wrappers_are_both_found() -> None:
    text = "甲" + encode_selectors(b"a") + "乙" + encode_selectors(b"bb")
    first, second = PLAIN.find(text.encode())
    assert (first.store, first.start) == (b"a", 3)
    assert (second.store, second.start) == (b"bb", 6 + first.length)


def test_html_carries_it_in_the_head() -> None:
    signed = HTML.insert(PAGE, STORE)
    (found,) = HTML.find(signed)
    assert found.store == STORE
    element = signed[found.start : found.start + found.length]
    assert element.startswith(b'<script type="application/c2pa">') and element.endswith(b"</script>")
    assert signed[: found.start].endswith(b"<head lang=zh>")
    assert signed[: found.start] + signed[found.start + found.length :] == PAGE
    with pytest.raises(ValueError, match="no <head>"):
        HTML.insert(b"<p>x</p>", STORE)


@pytest.mark.parametrize(
    "element",
    [
        b'<SCRIPT TYPE="application/c2pa">%s</SCRIPT>',
        b"<script id=x type='application/c2pa'>\n  %s\n</script >",
        b"<script type=application/c2pa>%s</script>",
        b"<script\ntype = application/c2pa async>%s</script>",
    ],
)
def test_html_of_others_is_read_in_every_spelling(element: bytes) -> None:
    page = b"<head>" + element.replace(b"%s", base64.b64encode(STORE)) + b"</head>"
    (found,) = HTML.find(page)
    assert found.store == STORE
    assert page[found.start : found.start + found.length].lower().startswith(b"<script")


@pytest.mark.parametrize(
    ("page", "found"),
    [
        (b'<script type="text/javascript">x</script>', []),
        (b'<script src="application/c2pa"></script>', []),
        (b'<script type="application/c2pa">not base64!</script>', [Carriage(0, 52, None)]),
        (b'<script type="application/c2pa"></script>', [Carriage(0, 41, None)]),
    ],
)
def test_other_scripts_are_none_and_an_unreadable_one_is_told(page: bytes, found: list[Carriage]) -> None:
    assert HTML.find(page) == found


def test_markdown_carries_it_in_a_comment_and_its_front_matter_stays_first() -> None:
    text = "---\nAIGC:\n  Label: '1'\n---\n# 题\n".encode()
    signed = MARKDOWN.insert(text, STORE)
    assert signed.startswith(text)
    (found,) = MARKDOWN.find(signed)
    block = signed[found.start : found.start + found.length]
    assert found.store == STORE
    assert signed == text + block
    assert block.startswith(b"\n<!-- -----BEGIN C2PA MANIFEST----- data:application/c2pa;base64,")
    assert block.endswith(b" -----END C2PA MANIFEST----- -->")


BLOCK = b"<!-- -----BEGIN C2PA MANIFEST----- https://e/m -----END C2PA MANIFEST----- -->"


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        (b"# hi\n" + BLOCK + b"\nrest\n", BLOCK + b"\n"),
        (BLOCK + b"\nrest\n", BLOCK + b"\n"),
        (b"# hi\n" + BLOCK + b"\n", b"\n" + BLOCK + b"\n"),
        (b"# hi\n" + BLOCK, b"\n" + BLOCK),
        (BLOCK, BLOCK),
    ],
)
def test_the_hash_leaves_out_whole_lines_as_other_implementations_do(text: bytes, excluded: bytes) -> None:
    (found,) = MARKDOWN.find(text)
    assert text[found.start : found.start + found.length] == excluded


def test_armour_of_others_is_found_also_where_it_only_refers_to_a_manifest() -> None:
    text = b"# -----BEGIN C2PA MANIFEST----- https://example.org/m.c2pa -----END C2PA MANIFEST-----\nx\n"
    (found,) = MARKDOWN.find(text)
    assert found.store is None
    inline = b"---\n-----BEGIN C2PA MANIFEST-----\ndata:application/c2pa;base64,QUJD\n-----END C2PA MANIFEST-----\n---\n"
    assert MARKDOWN.find(inline)[0].store == b"ABC"


@given(st.binary(max_size=200), st.sampled_from(sorted(PLACES)))
def test_no_bytes_make_a_reader_raise(data: bytes, kind: str) -> None:
    assert all(c.start >= 0 and c.start + c.length <= len(data) for c in PLACES[kind].find(data))
