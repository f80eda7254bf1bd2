"""Random texts, random libraries of all kinds, random cuts: what leaves, against the same text in one piece.

    python bench/review_leaks.py [--chunkings N] [--seed S] [--processes P]

Each round draws a library (keywords in all views with allow phrases and further folds, pinyin, regular expressions,
combinations with and without held sentences, similar texts; all actions) and texts with pieces of its entries,
disguised, cut short and joined. Each seed prints a line, the end what all of them covered. Each text is reviewed whole, read code point by code point, then at random cuts, of
which those of five code points and more are sifted like long texts. It counts cuts whose release or findings differ,
and cuts after which more had left than the whole text ever releases: a leak.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import time
from collections import Counter

from proxy.review import sieve
from proxy.review.entry import Direction, Entry
from proxy.review.library import Library

CUTS = 40  # of one text
SIFTED = 5  # code points from which on a piece is sifted here, so that many are
TEXTS = 25  # of one library
SLICE = 10_000  # chunkings of one seed
WORDS = [
    "测试禁词",
    "西安大雁塔",
    "甲乙丙",
    "黄片",
    "forbidden",
    "bad word",
    "金鱼缸",
    "乌云盖雪",
    "b00k",
    "かきくけ",
    "应当及市",
    "量参",
]
NOISE = ["", " ", "-", "·", "\u200b", "*", "。", ",", "\n", "!", "ﬁ", "…", "的", "x", "１", "@", "　", "."]
PLAIN = ["今天天气很好", "the quick brown fox ", "三黄片", "大家好。", "OK! ", "13800001111", "1380000", "shi jin ", "xian",
         "11010519491231002X", "甲", "乙", "丙", "测试", "试禁", "雁", "黄", "foo", "bad ", "word", "鱼缸", "应当及时", "应当及市", "事件", "间",
         "变量（参见", "变", "见"]  # fmt: skip
SOUNDS = {
    "测": "策",
    "试": "是",
    "禁": "近",
    "词": "瓷",
    "西": "希",
    "安": "按",
    "大": "打",
    "雁": "宴",
    "塔": "他",
    "应": "英",
    "当": "挡",
    "及": "记",
    "市": "时",
}
PINYIN = {
    "测": "ce",
    "试": "shi",
    "禁": "jin",
    "词": "ci",
    "西": "xi",
    "安": "an",
    "大": "da",
    "雁": "yan",
    "塔": "ta",
    "应": "ying",
    "当": "dang",
    "及": "ji",
    "市": "shi",
}


def library(chance: random.Random) -> tuple[Library, list[str]]:
    actions = ["block", "block", "replace", "mask", "flag", "log"]
    views = [["safe"], ["safe", "evasion"], ["safe", "evasion", "pinyin"], ["raw"], ["pinyin"], ["evasion"]]
    words = chance.sample(WORDS, chance.randint(1, 4))
    rows: list[dict[str, object]] = []
    for word in words:
        row: dict[str, object] = {"pattern": word, "views": chance.choice(views), "gap": chance.randint(0, 3)}
        if chance.random() < 0.3:
            row["exceptions"] = [
                chance.choice(["三", "大", "", "the "]) + word + chance.choice(["", "典", "s", "。"])
            ]
        if chance.random() < 0.3 and not word.isascii():
            row["folds"] = chance.sample(["reversed", "filler", "words"], chance.randint(1, 2))
        rows.append(row)
    others: list[dict[str, object]] = [
        {"kind": "regex", "pattern": "1[3-9]\\d{9}", "regex": {"validator": "phone"}},
        {"kind": "regex", "pattern": "\\d{17}[\\dX]", "regex": {"validator": "id_card"}},
        {"kind": "regex", "pattern": "甲.{0,4}丙", "exceptions": ["甲乙丙丁"]},
        {"kind": "regex", "pattern": "f[o0]{1,3}\\p{Han}?", "boundary": "none"},
        {"kind": "pinyin", "pattern": "ce shi jin ci"},
        {"kind": "combination", "combination": {"all": ["测试", "甲"], "none": ["大家"]}},
        {"kind": "combination", "combination": {"all": ["黄片"], "any": ["今天", "foo"], "within": 12}},
        {"kind": "combination", "combination": {"all": ["乙", "丙"], "hold": "sentence"}},
        {"kind": "similar-text", "pattern": "今天天气很好大家好", "threshold": 0.4},
    ]  # fmt: skip
    rows += chance.sample(others, chance.randint(0, 4))
    made = {}
    for row in rows:
        entry = Entry.from_row({"category": "A.1.a", "action": chance.choice(actions), **row})
        made[entry.id] = entry
    return Library.compile(made.values()), words


def disguised(word: str, chance: random.Random) -> str:
    way = chance.randrange(11)
    if way == 0:
        return word
    if way == 1:
        return chance.choice(NOISE).join(word)
    if way == 2:
        return "".join(c * chance.choice((1, 1, 2, 3)) for c in word)
    if way == 3:
        return "".join(SOUNDS.get(c, c) if chance.random() < 0.5 else c for c in word)
    if way == 4:
        return "".join(PINYIN.get(c, c) for c in word)
    if way == 5:
        return word[: chance.randint(1, len(word))]
    if way == 6:
        return word[::-1]
    if way == 7:
        return chance.choice("-· *").join(
            "".join(PINYIN.get(c, c) if chance.random() < 0.7 else c for c in word)
        )
    if way == 8:
        return chance.choice(NOISE).join(c * chance.choice((1, 1, 2)) for c in word)
    if way == 9:
        return chance.choice(list(SOUNDS.values())) + SOUNDS.get(word[0], word[0]) + word
    return "".join(c + (chance.choice(NOISE) if chance.random() < 0.4 else "") for c in word).upper()


def text_of(words: list[str], chance: random.Random) -> str:
    parts = []
    for _ in range(chance.randint(1, 8)):
        choice = chance.random()
        parts.append(disguised(chance.choice(words), chance) if choice < 0.5
                     else chance.choice(PLAIN) if choice < 0.85 else chance.choice(NOISE))  # fmt: skip
    return "".join(parts)


def work(job: tuple[int, int]) -> tuple[int, Counter[str], list[str]]:
    """The seed, what was done and found in its chunkings, and the first bad cases."""
    seed, wanted = job
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    bad: list[str] = []
    long, piece = sieve.LONG, sieve.PIECE
    while counts["chunkings"] < wanted:
        made, words = library(chance)
        counts["libraries"] += 1
        counts.update(f"entries of kind {entry.kind}" for entry in made.entries)
        for _ in range(TEXTS):
            text = text_of(words, chance)
            whole = made.reviewer(Direction.OUTPUT)
            sieve.LONG = 1 << 30
            expected = whole.feed(text) + whole.flush()
            counts["texts"] += 1
            counts.update(f"found by {finding.view}, {finding.action}" for finding in whole.findings)
            sieve.LONG, sieve.PIECE = SIFTED, 24
            for _ in range(CUTS):
                reviewer, out, at = made.reviewer(Direction.OUTPUT), "", 0
                leaked = False
                while at < len(text):
                    size = chance.choice((1, 1, 2, 3, 5, 9))
                    out += reviewer.feed(text[at : at + size])
                    at += size
                    leaked = leaked or not expected.startswith(out)
                out += reviewer.flush()
                differs = out != expected or reviewer.findings != whole.findings
                counts.update({"chunkings": 1, "differ": differs, "leak": leaked})
                if (differs or leaked) and len(bad) < 3:
                    bad.append(f"seed {seed}: {text!r} -> {out!r}, whole {expected!r}")
    sieve.LONG, sieve.PIECE = long, piece
    return seed, counts, bad


def said(counts: Counter[str]) -> str:
    return f"{counts['chunkings']:,} chunkings, {counts['differ']} differ from the uncut text, {counts['leak']} leak"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunkings", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    begun = time.monotonic()
    slices = -(-options.chunkings // SLICE)
    jobs = [(options.seed * 1000 + index, -(-options.chunkings // slices)) for index in range(slices)]
    total: Counter[str] = Counter()
    with multiprocessing.Pool(options.processes) as pool:
        for seed, counts, bad in pool.imap_unordered(work, jobs):
            total += counts
            print(f"seed {seed}: {said(counts)}", flush=True)
            for case in bad:
                print("  " + case, flush=True)
    seconds = time.monotonic() - begun
    print(f"\nAll views and kinds, {options.processes} processes, {seconds:.0f} s: {said(total)}; "
          f"{total['libraries']:,} libraries, {total['texts']:,} texts")  # fmt: skip
    for what, many in sorted(total.items()):
        if what.startswith(("entries", "found")):
            print(f"  {many:9,} {what}")


if __name__ == "__main__":
    main()
