"""Makes disguises out of common words and characters, the hardest for the rule that ordinary words only flag.

    python -m venv V && V/bin/pip install pypinyin==0.55.0 jieba==0.42.1
    V/bin/python bench/review_words.py TARGET [--news FILE]
    python bench/review.py --only recall --texts TARGET

Homophones drawn by how often jieba counted them, or the commonest of all; whole words for whole words of one sound;
words of two to four characters with a sign between, in sentences of their own and, with `--news`, in running text.
The rule was chosen on another seed.
"""

from __future__ import annotations

import argparse
import importlib.resources
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from pypinyin import lazy_pinyin
from pypinyin.constants import PHRASES_DICT

CHANCE = random.Random("inkseal-words-2026-11-28")
PER_FAMILY = 600
SENTENCES = [
    "值班的同事把{}记在了本子上，下午再核对一遍。",
    "“{}”这几个字出现在第三页的脚注里。",
    "群里一直有人提{}，版主删了两次",
    "我查了很久也没有查到{}的出处……",
    "如果看到{}，请立即联系管理员！",
    "{}？没听说过。",
]
SIGNS = [" ", "-", "*", "·", "（", "“", "/", ".", "  ", "~"]


def han(text: str) -> bool:
    return all("\u4e00" <= c <= "\u9fff" for c in text)


COUNTS = {
    word: int(count)
    for word, count, _ in (
        line.split(" ")
        for line in (importlib.resources.files("jieba") / "dict.txt").read_text("utf-8").splitlines()
    )
    if han(word)
}
SOUNDS: dict[tuple[str, ...], list[str]] = {}
for known, often in COUNTS.items():
    if len(known) == 1 or (len(known) == 2 and often >= 50):
        SOUNDS.setdefault(tuple(lazy_pinyin(known)), []).append(known)


def drawn(text: str, sound: list[str]) -> str:
    """Another word of that sound, by how common it is; the same where there is none."""
    others = [word for word in SOUNDS.get(tuple(sound), []) if word != text]
    return CHANCE.choices(others, [COUNTS[word] for word in others])[0] if others else text


def commonest(text: str, sound: list[str]) -> str:
    return max(
        (word for word in SOUNDS.get(tuple(sound), []) if word != text), key=COUNTS.__getitem__, default=text
    )


def characters(word: str, share: float, other: Callable[[str, list[str]], str]) -> str:
    sounds, sure = lazy_pinyin(word), CHANCE.randrange(len(word))
    return "".join(
        other(c, [s]) if i == sure or CHANCE.random() < share else c
        for i, (c, s) in enumerate(zip(word, sounds, strict=True))
    )


def words(word: str) -> str:
    """One of the two words of four characters as another word."""
    at = CHANCE.choice((0, 2))
    return word[:at] + drawn(word[at : at + 2], lazy_pinyin(word)[at : at + 2]) + word[at + 2 :]


def parted(word: str) -> str:
    at = CHANCE.randrange(1, len(word))
    return word[:at] + CHANCE.choice(SIGNS) + word[at:]


def texts(
    family: str, pool: list[str], evade: Callable[[str], str], news: str = ""
) -> Iterator[dict[str, str]]:
    made = 0
    for word in CHANCE.sample(pool, len(pool)):
        disguised = evade(word)
        if disguised != word and made < PER_FAMILY:
            sentence = running(news) if news else CHANCE.choice(SENTENCES)
            yield {"family": family, "keyword": word, "text": sentence.format(disguised)}
            made += 1


def running(news: str) -> str:
    """Some running text with a place in it, wherever that is."""
    while True:
        at = CHANCE.randrange(len(news) - 30)
        if han(news[at + 8 : at + 20]) and not {"{", "}"} & set(news[at : at + 30]):
            return news[at : at + 15] + "{}" + news[at + 15 : at + 30]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target", type=Path)
    parser.add_argument("--news", type=Path)
    options = parser.parse_args()
    news = options.news.read_text("utf-8") if options.news else ""
    phrases = sorted(p for p in PHRASES_DICT if 4 <= len(p) <= 6 and han(p))
    four = [w for w in COUNTS if len(w) == 4 and COUNTS.get(w[:2], 0) >= 50 and COUNTS.get(w[2:], 0) >= 50]
    rows = [
        *texts("one common homophone", phrases, lambda w: characters(w, 0.0, drawn)),
        *texts("common homophones", phrases, lambda w: characters(w, 0.8, drawn)),
        *texts("the commonest homophone", phrases, lambda w: characters(w, 0.0, commonest)),
        *texts("the commonest homophones", phrases, lambda w: characters(w, 1.0, commonest)),
        *texts("a word for a word", four, words),
    ]
    for length in (2, 3, 4):
        pool = [w for w, count in COUNTS.items() if len(w) == length and 20 <= count <= 3000]
        rows += texts(f"{length} characters, a sign between", pool, parted)
        if news:
            rows += texts(f"the same in running text ({length})", pool, parted, news)
    options.target.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    print(f"{options.target}: {len(rows)} texts")


if __name__ == "__main__":
    main()
