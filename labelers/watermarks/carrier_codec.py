"""The carrier frame, shared by its writer and its reader: message -> chunks -> grains -> message.

Strategy. A message is 40 nibbles, four chunks of ten. Each of the ten columns is a Reed-Solomon
[11, 4] code over GF(16), so any four of eleven chunks restore the other seven. A chunk travels as a
grain: thirteen variation selectors that say which chunk (1), hold it (10), and tie it to the words
before it (2). The first selector is never U+FE00..FE02, so nothing visible changes; the run of
thirteen is its own sync mark, because natural text has runs of one.

A chunk is `bytes` of ten values 0..15. Multiplying a chunk by a constant is one `bytes.translate`,
adding two is one XOR of integers, so a restore is a few dozen C calls. The writer needs all eleven at once:
the code is linear, so what each byte of a message adds to them is a table of integers, to be XORed.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

__all__ = [
    "BIND_LETTERS",
    "CHUNKS",
    "GRAIN_CHARS",
    "GRAIN_RUN",
    "LETTERS_WINDOW",
    "NEEDED",
    "SECOND_RUN",
    "START_NIBBLES",
    "Binder",
    "bind_letters",
    "chunk_of",
    "encode",
    "first_of",
    "grain_heads",
    "has_grains",
    "has_second",
    "head_of",
    "restore",
    "second_of",
    "split_run",
    "start_parts",
]

CHUNKS = 11
MESSAGE_BYTES = 20
NEEDED = 4
GRAIN_CHARS = 13
START_NIBBLES = 4  # version, attribute and key epoch
LETTERS_WINDOW = 64  # code points before a grain in which its bind letters are looked for
BIND_LETTERS = 12
_INDEX_BASE = 0xFE03
_NIBBLE_BASE = 0xFE00
_CHUNK_NIBBLES = 10

# The first character is matched before the lookbehind, so that the engine can scan for it. Supplementary
# selectors count as neighbours too: runs among them are others' blobs, not ours to read or strip.
_SELECTOR = "[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
_INDEX, _REST = "[\ufe03-\ufe0d]", "[\ufe00-\ufe0f]{12}"
GRAIN_RUN = re.compile(f"{_INDEX}(?<!{_SELECTOR}{_INDEX}){_REST}(?:{_INDEX}{_REST})*(?!{_SELECTOR})")
_NIBBLE_CHARS = [chr(_NIBBLE_BASE + value) for value in range(16)]
_BIND_CHARS = [_NIBBLE_CHARS[value >> 4] + _NIBBLE_CHARS[value & 15] for value in range(256)]

# GF(16) with x^4 + x + 1: _EXP[i] is alpha^i for alpha = 2.
_EXP = [1]
for _ in range(14):
    _doubled = _EXP[-1] << 1
    _EXP.append(_doubled ^ 0b10011 if _doubled > 15 else _doubled)
_LOG = {value: power for power, value in enumerate(_EXP)}


def _multiply(a: int, b: int) -> int:
    return _EXP[(_LOG[a] + _LOG[b]) % 15] if a and b else 0


def _inverse(a: int) -> int:
    return _EXP[-_LOG[a] % 15]


# One translation table a constant: chunk.translate(_TIMES[c]) is c times the chunk.
_TIMES = [bytes(_multiply(c, v) if v < 16 else 0 for v in range(256)) for c in range(16)]


@lru_cache(maxsize=4096)
def _weights(known: tuple[int, ...], wanted: int) -> tuple[bytes, ...]:
    """Lagrange: the value at alpha^wanted is the weighted sum of the values at alpha^known."""
    weights = []
    for i in known:
        weight = 1
        for other in known:
            if other != i:
                up, down = _EXP[wanted] ^ _EXP[other], _EXP[i] ^ _EXP[other]
                weight = _multiply(weight, _multiply(up, _inverse(down)))
        weights.append(_TIMES[weight])
    return tuple(weights)


def _evaluate(chunks: list[bytes], weights: tuple[bytes, ...]) -> bytes:
    total = 0
    for chunk, weight in zip(chunks, weights, strict=True):
        total ^= int.from_bytes(chunk.translate(weight), "big")
    return total.to_bytes(_CHUNK_NIBBLES, "big")


def encode(message: bytes) -> tuple[bytes, ...]:
    """The eleven chunks of a 20-byte message; the first four are the message itself."""
    nibbles = bytes(nibble for byte in message for nibble in (byte >> 4, byte & 15))
    data = [nibbles[at : at + _CHUNK_NIBBLES] for at in range(0, NEEDED * _CHUNK_NIBBLES, _CHUNK_NIBBLES)]
    known = tuple(range(NEEDED))
    return (*data, *(_evaluate(data, _weights(known, j)) for j in range(NEEDED, CHUNKS)))


def restore(chunks: Mapping[int, bytes]) -> bytes:
    """The 20 bytes that four chunks (index -> chunk) stand for. ValueError: not exactly four."""
    if len(chunks) != NEEDED:
        raise ValueError("a message is restored from exactly four distinct chunks")
    known = tuple(sorted(chunks))
    values = [chunks[index] for index in known]
    nibbles = b"".join(
        chunks[j] if j in chunks else _evaluate(values, _weights(known, j)) for j in range(NEEDED)
    )
    return bytes(high << 4 | low for high, low in zip(nibbles[::2], nibbles[1::2], strict=True))


def start_parts(chunks: Mapping[int, Iterable[bytes]]) -> list[list[int]]:
    """What each chunk of four indices, of which there may be several, gives to the start of the message.

    The start is chunk 0's first `START_NIBBLES`, one byte each, as an integer; it is the XOR of four parts, one an index.
    """
    known = tuple(chunks)
    return [
        [int.from_bytes(chunk[:START_NIBBLES].translate(weight), "big") for chunk in chunks[index]]
        for index, weight in zip(known, _weights(known, 0), strict=True)
    ]


_HEAD_CHARS = 1 + _CHUNK_NIBBLES


def _heads_number(chunks: tuple[bytes, ...], base: int, index_base: int) -> int:
    """The heads of all grains as one number, 16 bits a character."""
    return int.from_bytes(
        b"".join(
            code.to_bytes(2, "big")
            for j, chunk in enumerate(chunks)
            for code in (index_base + (j if index_base else 0), *(base + value for value in chunk))
        ),
        "big",
    )


def _head_tables() -> tuple[int, list[list[int]]]:
    """The heads of the message of zeros, and what each value of each byte changes in them."""
    tables = []
    for at in range(MESSAGE_BYTES):
        bits = [
            _heads_number(encode(bytes(at) + bytes((1 << bit,)) + bytes(MESSAGE_BYTES - 1 - at)), 0, 0)
            for bit in range(8)
        ]
        table = [0]
        for value in range(1, 256):
            low = value & -value
            table.append(table[value ^ low] ^ bits[low.bit_length() - 1])
        tables.append(table)
    return _heads_number(encode(bytes(MESSAGE_BYTES)), _NIBBLE_BASE, _INDEX_BASE), tables


_HEADS_BASE, _HEADS_OF = _head_tables()


def grain_heads(message: bytes) -> tuple[str, ...]:
    """The first eleven characters of each of a message's grains: index and chunk, without the bind."""
    number = _HEADS_BASE
    for table, byte in zip(_HEADS_OF, message, strict=True):
        number ^= table[byte]
    heads = number.to_bytes(2 * _HEAD_CHARS * CHUNKS, "big").decode("utf-16-be")
    return tuple([heads[at : at + _HEAD_CHARS] for at in range(0, _HEAD_CHARS * CHUNKS, _HEAD_CHARS)])


def head_of(index: int, chunk: bytes) -> str:
    """The first eleven characters of the grain that holds this chunk."""
    return chr(_INDEX_BASE + index) + "".join([_NIBBLE_CHARS[value] for value in chunk])


def chunk_of(grain: str) -> tuple[int, bytes]:
    """Index and chunk of a grain of thirteen characters."""
    # The low byte of a variation selector U+FE0x in UTF-16 is its nibble.
    return ord(grain[0]) - _INDEX_BASE, grain[1:11].encode("utf-16-be")[1::2]


def split_run(run: str) -> list[str]:
    """The whole grains that stand together in one match of `GRAIN_RUN`."""
    return [run[at : at + GRAIN_CHARS] for at in range(0, len(run), GRAIN_CHARS)]


# The second carrier spells each character of a grain with two of U+2061..2064, two bits each.
_SECOND = [chr(0x2061 + (value >> 2)) + chr(0x2061 + (value & 3)) for value in range(16)]
_SECOND_CHAR = "[\u2061-\u2064]"
_SECOND_INDEX = "(?:[\u2061\u2062][\u2061-\u2064]|\u2063[\u2061-\u2063])"
_SECOND_REST = f"{_SECOND_CHAR}{{{2 * GRAIN_CHARS - 2}}}"
SECOND_RUN = re.compile(
    f"[\u2061-\u2063](?<!{_SECOND_CHAR}[\u2061-\u2063])(?:(?<=[\u2061\u2062]){_SECOND_CHAR}|(?<=\u2063)[\u2061-\u2063])"
    f"{_SECOND_REST}(?:{_SECOND_INDEX}{_SECOND_REST})*(?!{_SECOND_CHAR})"
)


def second_of(grains: str) -> str:
    """The same grains as U+2061..2064, for channels that strip variation selectors."""
    nibbles = grains.encode("utf-16-be")[1::2]
    # The index is counted from U+FE03.
    return "".join(
        _SECOND[(code & 15) - (0 if at % GRAIN_CHARS else _INDEX_BASE & 15)]
        for at, code in enumerate(nibbles)
    )


def first_of(run: str) -> str:
    """The grains that a match of `SECOND_RUN` stands for."""
    values = [
        ord(high) - 0x2061 << 2 | ord(low) - 0x2061 for high, low in zip(run[::2], run[1::2], strict=True)
    ]
    return "".join(
        chr((_NIBBLE_BASE if at % GRAIN_CHARS else _INDEX_BASE) + value) for at, value in enumerate(values)
    )


# str.find of one character is many times faster than a character class. Every data nibble occurs in
# most grains, yet only the index is sure, so all eleven have to be asked for.
_INDEX_CHARS = [chr(_INDEX_BASE + j) for j in range(CHUNKS)]


def has_grains(text: str) -> bool:
    """Whether a grain can be in the text at all; cheap where none is."""
    if text.isascii():
        return False
    return any(char in text for char in _INDEX_CHARS) or has_second(text)


def has_second(text: str) -> bool:
    """Whether a grain of the second carrier can be in the text: each begins with one of these."""
    return "\u2061" in text or "\u2062" in text or "\u2063" in text


_NOT_ALNUM = re.compile(r"[\W_]+")
_ASCII_FOLD = bytes(range(256)).lower()
_ASCII_REST = bytes(code for code in range(128) if not chr(code).isalnum())


def _folds() -> dict[str, str]:
    """What is left of characters that stand beside Han: none of them joins with another under NFKC."""
    # ASCII and its full-width forms, CJK marks, quotes, dashes, dots, spaces.
    codes = (
        range(0x80),
        range(0xFF01, 0xFF5F),
        range(0x3000, 0x3004),
        range(0x3008, 0x3012),
        range(0x2010, 0x2027),
    )
    chars = [chr(code) for some in codes for code in some] + ["·", "‰", "\u3014", "\u3015"]
    return {char: _NOT_ALNUM.sub("", unicodedata.normalize("NFKC", char).lower()) for char in chars}


_FOLDS = _folds()
_FOLD = str.maketrans(_FOLDS)
# Of all these NFKC and lower case make no other letter, whatever stands beside them: of the simple ones none but lower
# case, of those that fold the letters in `_FOLDS`.
_HAN = "\u4e00-\u9fff"
_NO_LETTER = re.escape("".join(char for char, left in _FOLDS.items() if not left))
_SIMPLE = re.compile(f"[{_HAN}0-9A-Za-z{_NO_LETTER}]*")
_WORDS = re.compile(f"[{_HAN}0-9A-Za-z]+")
_FOLDING = re.compile(f"[{_HAN}{re.escape(''.join(_FOLDS))}]*")


def bind_letters(before: str) -> bytes:
    """UTF-8 of the last 12 letters or digits (NFKC, lower case) of what stands before a grain.

    Only the last `LETTERS_WINDOW` code points are looked at, so that writer and reader need the same
    bounded memory.
    """
    near = before[-24:]
    if near.isascii():
        plain = near.encode().translate(_ASCII_FOLD, _ASCII_REST)
        if len(plain) >= BIND_LETTERS:
            return plain[-BIND_LETTERS:]
    else:
        letters = ""
        if _SIMPLE.fullmatch(near):
            letters = "".join(_WORDS.findall(near))[-BIND_LETTERS:].lower()
        elif _FOLDING.fullmatch(near):
            letters = near.translate(_FOLD)[-BIND_LETTERS:]
        if len(letters) == BIND_LETTERS:
            return letters.encode()
    folded = unicodedata.normalize("NFKC", before[-LETTERS_WINDOW:]).lower()
    return _NOT_ALNUM.sub("", folded)[-BIND_LETTERS:].encode("utf-8", "surrogatepass")


_INDEX_BYTES = [bytes((index,)) for index in range(CHUNKS)]


class Binder:
    """Ties grains of one content number to their places: BLAKE2b keyed with key and number, first byte."""

    def __init__(self, key: bytes, content_number: int) -> None:
        secret = hashlib.sha256(b"ZWM1|bind|" + key + content_number.to_bytes(8, "big")).digest()
        # Keying costs a block; a copy of the keyed state does not.
        self._keyed = hashlib.blake2b(digest_size=4, key=secret)

    def byte(self, letters: bytes, index: int) -> int:
        """The bind of grain `index` after these `bind_letters`."""
        state = self._keyed.copy()
        state.update(letters + _INDEX_BYTES[index])
        return state.digest()[0]

    def chars(self, letters: bytes, index: int) -> str:
        """The same as the last two characters of the grain."""
        state = self._keyed.copy()
        state.update(letters + _INDEX_BYTES[index])
        return _BIND_CHARS[state.digest()[0]]
