"""Generated Markdown documents that know their own zones: the oracle for `labelers.prose`.

Setext headings are left out: that a line is one is known only from the next.
A document is a list of pieces; a piece is (text, open), where a mark may stand only inside open pieces.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from labelers.prose import Prose

Piece = tuple[str, bool]

ZH = [
    "春天来了",
    "公园里的花都开了",
    "小朋友们在草地上奔跑",
    "老人们坐在长椅上聊天",
    "阳光洒在湖面上",
    "远处的山峦若隐若现",
    "我们首先需要了解问题的背景",
    "然后逐步分析原因",
    "最后给出可行的方案",
    "这种方法在实践中非常有效",
    "数据显示结果稳定",
    "团队成员之间的沟通十分重要",
    "读者可以根据自己的需要进行选择",
    "系统会自动保存当前的进度",
    "请注意检查输入的内容",
]
EN = [
    "the",
    "garden",
    "opens",
    "early",
    "in",
    "spring",
    "and",
    "many",
    "people",
    "come",
    "to",
    "walk",
    "along",
    "the",
    "river",
    "while",
    "children",
    "play",
    "near",
    "water",
    "we",
    "first",
    "look",
    "at",
    "the",
    "background",
    "of",
    "this",
    "question",
    "then",
    "explain",
    "each",
    "step",
    "with",
    "care",
    "because",
    "small",
    "details",
    "matter",
    "results",
    "remain",
    "stable",
    "across",
    "several",
    "runs",
    "although",
    "some",
    "values",
    "differ",
    "slightly",
    "from",
    "what",
    "readers",
    "might",
    "expect",
]
WORDS = ("Python", "JSON", "API", "Linux", "Docker")


def zh_sentence(rng: random.Random) -> str:
    parts = [rng.choice(ZH) for _ in range(rng.randint(1, 4))]
    if rng.random() < 0.15:
        parts[0] += f"（约{rng.randint(1, 900)}个）"
    if rng.random() < 0.15:
        parts[-1] += f"，使用 {rng.choice(WORDS)} 来完成"
    if rng.random() < 0.1:
        parts[-1] = f"“{parts[-1]}”"
    return "，".join(parts) + rng.choice("。。。！？；：")


def en_sentence(rng: random.Random) -> str:
    words = [rng.choice(EN) for _ in range(rng.randint(4, 18))]
    if rng.random() < 0.2:
        words.insert(rng.randrange(len(words)), str(rng.randint(2, 2030)))
    if rng.random() < 0.3 and len(words) > 5:
        words[3] += ","
    if rng.random() < 0.1:
        words[1] = f"({words[1]})"
    return " ".join(words).capitalize() + rng.choice("....!?")


def sentence(rng: random.Random, script: str) -> str:
    if script == "mixed":
        script = rng.choice(("zh", "en"))
    return zh_sentence(rng) if script == "zh" else en_sentence(rng) + " "


def _inline(rng: random.Random, script: str) -> Piece:
    """A protected piece that stands inside a paragraph."""
    word, phrase = rng.choice(WORDS), sentence(rng, script).strip()
    site = f"https://example.com/{word.lower()}/page?q={rng.randint(1, 99)}"
    return rng.choice(
        (
            (f"`{word.lower()}.run(a, b, c)`", False),
            (f"`` a ` b, {phrase} ``", False),
            (f"[{phrase}]({site})", False),
            (f'![{phrase}]({site} "{phrase}")', False),
            (f"[{phrase}][{word}]", False),
            (f" {site} ", False),
            (f" <{site}> ", False),
            (f" www.example.com/{word}/long/path/with/many/parts ", False),
            (" someone.there@mail.example.com ", False),
            (f'<a href="{site}" title="{phrase}">', False),
            ("<br/>", False),
            ("$a_1 + b_2, c = d$", False),
            (r"\( x + y, \text{some words go here} \)", False),
            ("👩‍👩‍👧‍👦🇨🇳❤️", False),
        )
    )


def paragraph(rng: random.Random, script: str) -> list[Piece]:
    pieces: list[Piece] = []
    for _ in range(rng.randint(1, 6)):
        pieces.append((sentence(rng, script), True))
        if rng.random() < 0.25:
            pieces.append(_inline(rng, script))
        if rng.random() < 0.15:
            pieces.append((f"**{rng.choice(ZH) if script == 'zh' else rng.choice(EN)}**", True))
    return pieces


def _fence(rng: random.Random, script: str) -> list[Piece]:
    mark = rng.choice(("```", "~~~", "````"))
    lines = [
        rng.choice(
            (
                "x = call(a, b); y = other, more words here",
                f"# {sentence(rng, script)}",
                "",
                "``",
                "    if a:",
            )
        )
        for _ in range(rng.randint(1, 12))
    ]
    return [(f"{mark}{rng.choice(('', 'python', 'js title=x'))}\n" + "\n".join(lines) + f"\n{mark}", False)]


def _table(rng: random.Random, script: str) -> list[Piece]:
    row = lambda: "| " + " | ".join(sentence(rng, script).strip() for _ in range(3)) + " |"  # noqa: E731
    return [("\n".join((row(), "|---|:--:|---|", row(), row())), False)]


def _bare_table(rng: random.Random, script: str) -> list[Piece]:
    return [
        (
            "ab | cd | ef\n---|---|---\n" + f"{sentence(rng, script).strip()} | b | c\n" * 2 + "x | y | z",
            False,
        )
    ]


def _list(rng: random.Random, script: str) -> list[Piece]:
    pieces: list[Piece] = []
    for number in range(1, rng.randint(3, 6)):
        pieces.append((f"{number}. " if rng.random() < 0.5 else "- ", True))
        pieces += [(f"**{rng.choice(ZH)}**：", True), *paragraph(rng, script), ("\n", True)]
    return pieces[:-1]


Block = Callable[[random.Random, str], list[Piece]]
BLOCKS: tuple[Block, ...] = (
    paragraph,
    paragraph,
    paragraph,
    paragraph,
    _list,
    _fence,
    _table,
    _bare_table,
    lambda rng, script: [("#" * rng.randint(1, 4) + " " + sentence(rng, script).strip(), False)],
    lambda rng, script: [("\n".join("    " + sentence(rng, script).strip()[:100] for _ in range(2)), False)],
    lambda rng, script: [("> ", True), *paragraph(rng, script)],
    lambda rng, script: [(f"$$\n{sentence(rng, script)} = a, b\n$$", False)],
    lambda rng, script: [(f"\\[\n{sentence(rng, script)} = a, b\n\\]", False)],
    lambda rng, script: [(f"<pre>\n{sentence(rng, script)}{sentence(rng, script)}\n</pre>", False)],
    lambda rng, script: [(f"[note]: https://example.com/x '{sentence(rng, script).strip()}'", False)],
    lambda rng, script: [("---", False)],
)


def document(rng: random.Random, script: str = "mixed") -> list[Piece]:
    """A Markdown answer of some 200 to 3,000 characters."""
    pieces: list[Piece] = [("好的，下面是回答。" if script != "en" else "Here is the answer.", True)]
    for _ in range(rng.randint(3, 9)):
        pieces.append(("\n\n", True))
        pieces += rng.choice(BLOCKS)(rng, script)
    return pieces


def text_of(pieces: list[Piece]) -> str:
    return "".join(text for text, _ in pieces)


def open_positions(pieces: list[Piece]) -> list[bool]:
    """For each position of the text: whether both characters beside it are in open pieces."""
    flags = [flag for text, flag in pieces for _ in text]
    return [a and b for a, b in zip([True, *flags], [*flags, True], strict=True)]


def opened(text: str, size: int = 0) -> str:
    """What is open: the text with every character that is not as a dot, line ends that are open as `$`."""
    prose = Prose()
    shown = ["." for _ in text]
    step = size or max(1, len(text))
    for at in range(0, len(text), step):
        for start, stop in prose.feed(text[at : at + step]):
            shown[start:stop] = text[start:stop]
            if start == stop:
                shown[start] = "$"
    return "".join(shown)
