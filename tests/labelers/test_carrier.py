"""The carrier's writer: where grains stand, streamed and whole, and how they are taken out again."""

from __future__ import annotations

import itertools
import random
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.provenance import Epoch, KeyRing, KeyState, Provenance
from labelers.transform import Passthrough
from labelers.watermarks import SCHEMES
from labelers.watermarks.carrier import PROFILES, CarrierScheme, CarrierTransform, strip_own
from labelers.watermarks.carrier_codec import GRAIN_RUN, SECOND_RUN, chunk_of, encode, first_of, split_run
from tests.labelers.documents import document, en_sentence, open_positions, text_of, zh_sentence

KEYS = KeyRing(b"m" * 32, producers=["tester"])
PROVENANCE = Provenance("tester", 0x0102030405060708)
STREAMING = sorted(name for name, profile in PROFILES.items() if profile.least)


def mark(text: str, profile: str = "default", pieces: list[int] | None = None) -> str:
    """The marked text, fed whole or in pieces that end at the given places."""
    transform = CarrierScheme(KEYS, profile).new_transform(PROVENANCE)
    cuts = [0, *sorted(pieces or []), len(text)]
    out = [transform.feed(text[a:b]) for a, b in itertools.pairwise(cuts)]
    return "".join(out) + transform.flush()


def show(marked: str) -> str:
    """Grains made visible."""
    return GRAIN_RUN.sub(lambda run: "|" * len(split_run(run[0])), marked)


def chinese(count: int, seed: int = 1) -> str:
    rng = random.Random(seed)
    return "".join(zh_sentence(rng) for _ in range(count))


def english(count: int, seed: int = 1) -> str:
    rng = random.Random(seed)
    return " ".join(en_sentence(rng) for _ in range(count))


LONG = text_of(document(random.Random(5))) + "\n\n" + chinese(6) + "\n\n" + english(6) + " \n"

# Texts on which every kind of construct is cut in two at some split.
TRICKY = [
    LONG,
    "开头是一段足够长的文字，用来放下标记。`代码, 里, 面` 之后``还有 ` 反引号``，然后继续写下去，直到最后。",
    "标题之前的一段普通的文字，内容不多。\n```python\nprint('一，二，三')\n```\n之后的文字又可以有标记了，真的可以。",
    "看这里 [一个，很长，的链接](https://a.com/(x)，y 'title，t')，以及 ![图](a.png) 和 [引用][r]，然后继续写。\n\n[r]: http://x.y/z，w",
    "price is $5 today, and $x, y$ is math, $$a, b\nc, d$$ too, \\(e, f\\) and \\[g,\nh\\] and \\$6, so it goes on and on.",
    "before <b class='a, b'>bold, text</b> and <pre>raw, raw</pre> and a < b, and <https://a.b/c,d> then more words.",
    "第一列，内容|第二列，内容|第三\n---|---|---\n单元格，内容很长很长很长|b|c\n\n表格之后的文字，可以放标记，没有问题。",
    "一段文字足够长了，可以放下标记，\r\n第二行也是这样，没有什么不同。\r\n\r\n- 列表，第一项，内容足够长了，可以。",
    "联系 someone@mail.example.com，或者看 https://example.com/a/b，或者 www.example.com/路径，然后继续写下去吧。",
    "   \n\n  前面有空白的文字，一样可以放标记，后面也有空白，对吧。  \n\n  ",
    # URLs and links in the first letters of a line end before it counts as text
    ":春天来了？春天来了 / **\n？ **字/？. /**？ :** /. //？:**/？. /. 字. /:字 ",
    "短。",
    "",
    "   ",
    "```\n没有结束的代码，里面也没有标记，永远不会有的。",
    "``",
    "<",
    "\\",
    "一二三四五六七八九十，一二三四五六七八九十，一二三四五六七八九十。$",
]


@pytest.mark.parametrize("text", TRICKY)
def test_the_split_does_not_matter(text: str) -> None:
    whole = mark(text)
    assert strip_own(whole) == text
    for size in (1, 2, 3, 5, 7, 64):
        assert mark(text, pieces=list(range(size, len(text), size))) == whole
    for at in range(len(text) + 1):
        assert mark(text, pieces=[at]) == whole


@pytest.mark.parametrize("space", ["\n\n", "\n", " \n\n  ", "。\n\n\n"])
def test_a_long_clause_after_a_break_is_neither_cut_late_nor_repeated_in_small_pieces(space: str) -> None:
    clause = "公园里的花都开了小朋友们在草地上奔跑老人们坐在长椅上聊天阳光洒在湖面上"
    for length in range(1, 45):
        text = ("春天来了，" * 20)[:length] + space + clause * 2
        whole = mark(text)
        assert strip_own(whole) == text
        for size in (1, 2, 3, 4):
            assert mark(text, pieces=list(range(size, len(text), size))) == whole, (length, size)


@pytest.mark.parametrize("script", ["zh", "en", "mixed"])
@pytest.mark.parametrize("kinds", [{}, {"list": "light", "quote": "off"}])
def test_the_split_of_long_documents_does_not_matter(script: str, kinds: dict[str, str]) -> None:
    scheme = CarrierScheme(KEYS, kinds=kinds)

    def marked(text: str, size: int) -> str:
        transform = scheme.new_transform(PROVENANCE)
        return (
            "".join(transform.feed(text[at : at + size]) for at in range(0, len(text), size))
            + transform.flush()
        )

    for seed in range(4):
        text = "\n\n".join(text_of(document(random.Random(f"{seed}{part}"), script)) for part in range(3))
        whole = marked(text, len(text))
        assert strip_own(whole) == text
        for size in (1, 2, 3, 8):
            assert marked(text, size) == whole


def test_a_line_keeps_its_kind_behind_a_guess_that_ran_out() -> None:
    text = "- 列表的第一项，它足够长。\n- # " + "春天来了，花开了。" * 100
    transforms = [CarrierScheme(KEYS, kinds={"list": "off"}).new_transform(PROVENANCE) for _ in range(2)]
    whole = transforms[0].feed(text) + transforms[0].flush()
    assert whole == "".join(map(transforms[1].feed, text)) + transforms[1].flush() == text


ALPHABET = st.sampled_from(
    [
        *"中文字，。！ab .,\n`$[]()<>|\\/:@#*-~_1\t\r\u3000é한かﺏ",
        "春天来了，花开了。",
        "some words, here ",
        "\n\n",
        "```",
        "$$",
        "https://a.b/c",
        "</pre>",
        "<pre>",
        "    ",
        "- ",
        "👍",
        "❤️",
        "︃",
        "é",
        "www.",
        "|---|",
    ]
)


@given(
    text=st.lists(ALPHABET, max_size=120).map("".join),
    profile=st.sampled_from(STREAMING),
    cuts=st.lists(st.integers(0, 400), max_size=20),
)
def test_any_split_of_any_text_gives_the_same_and_strips_to_the_text(
    text: str, profile: str, cuts: list[int]
) -> None:
    whole = mark(text, profile)
    assert mark(text, profile, [cut for cut in cuts if cut < len(text)]) == whole
    assert mark(text, profile, list(range(len(text)))) == whole
    if not GRAIN_RUN.search(text):
        assert strip_own(whole) == text


@pytest.mark.parametrize("script", ["zh", "en", "mixed"])
@pytest.mark.parametrize("profile", STREAMING)
def test_no_grain_stands_in_a_protected_zone(script: str, profile: str) -> None:
    placed = 0
    for seed in range(60):
        pieces = document(random.Random(seed), script)
        text, allowed = text_of(pieces), open_positions(pieces)
        marked, removed = mark(text, profile), 0
        for run in GRAIN_RUN.finditer(marked):
            at = run.start() - removed
            removed += len(run[0])
            assert allowed[at], text[at - 30 : at] + "|" + text[at : at + 30]
            placed += 1
    assert placed > 60


def neighbours_allow(text: str, at: int) -> bool:
    """The rules for the two characters beside a grain, written down a second time, plainly."""
    before = text[at - 1]
    after = text[at] if at < len(text) else ""
    if before.isdigit() or after.isdigit() or unicodedata.category(before) in ("So", "Mn", "Me", "Cf", "Sk"):
        return False
    if after and unicodedata.category(after) in ("Mn", "Mc", "Me", "Cf"):
        return False
    if not after or after.isspace():
        return before.isalpha() or before in "，。！？；：、.,;:!?…—～)]）】」』》〉”’\"'"
    return (
        after >= "\u3040"
        and after.isalpha()
        and (before in "，。！？；：、" or (before >= "\u3040" and before.isalpha()))
    )


@given(text=st.lists(ALPHABET, max_size=150).map("".join), profile=st.sampled_from(STREAMING))
def test_the_neighbours_of_every_grain_are_fit(text: str, profile: str) -> None:
    if GRAIN_RUN.search(text):
        return
    marked, removed = mark(text, profile), 0
    for run in GRAIN_RUN.finditer(marked):
        at = run.start() - removed
        removed += len(run[0])
        assert neighbours_allow(text, at), text[:at] + "|" + text[at:]
        assert text[:at] == "" or text[at - 1] != "\n"


@pytest.mark.parametrize("profile", STREAMING)
def test_gaps_in_running_chinese_keep_to_the_profile(profile: str) -> None:
    least, most = PROFILES[profile].least, PROFILES[profile].most
    text = "春天来了公园里的花都开了小朋友们在草地上奔跑" * 40
    at = [run.start() - 13 * number for number, run in enumerate(GRAIN_RUN.finditer(mark(text, profile)))]
    gaps = [b - a for a, b in itertools.pairwise(at[1:-1])]
    assert set(gaps) == {most}
    paused = mark("春天来了，花都开了，" * 60, profile)
    at = [run.start() - 13 * number for number, run in enumerate(GRAIN_RUN.finditer(paused))]
    assert all(least <= b - a < least + 6 for a, b in itertools.pairwise(at[1:-1]))


def test_after_a_long_gap_as_many_grains_stand_together_as_it_lacks() -> None:
    for width, together in ((10, 1), (30, 2), (44, 3), (60, 4), (300, 4)):
        text = "春天来了，花都开了，" * 6 + "`" + "x" * width + "`" + "春天来了，花都开了，" * 6
        runs = [len(split_run(run[0])) for run in GRAIN_RUN.finditer(mark(text))]
        assert max(runs) == together, width
        assert sum(count > 1 for count in runs) == (together > 1), width


def test_chunks_are_written_in_turn() -> None:
    marked = mark(chinese(60))
    grains = [chunk_of(grain) for run in GRAIN_RUN.finditer(marked) for grain in split_run(run[0])]
    chunks = encode(KEYS.pack(PROVENANCE))
    assert len(grains) > 22
    assert grains == [(n % 11, chunks[n % 11]) for n in range(len(grains))]


WHERE = [
    # a short answer gets as many grains at its end as make four, before trailing white space
    ("今天的天气很好，我们一起去公园里走一走吧。\n", "今天的天气很好，我们一起去公园里走一走吧。||||\n"),
    ("It is a fine day, let us take a walk.  ", "It is a fine day, let us take| a walk.|||  "),
    # under 20 characters: nothing
    ("今天的天气很好，我们一起去公园里走走。", "今天的天气很好，我们一起去公园里走走。"),
    # JSON and XML stay whole, a fence protects only itself
    ('{"a": "今天的天气很好，我们一起去公园里走一走吧，好不好呢"}', None),
    ("\n [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]", None),
    ("<p>今天的天气很好，我们一起去公园里走一走吧，好不好呢</p>", None),
    (
        "```\na, b, c, d, e, f, g, h, i, j\n```\n今天的天气很好，我们一起去公园里走一走吧。",
        "```\na, b, c, d, e, f, g, h, i, j\n```\n今天的|天气很好，我们一起去公园里走一走吧。|||",
    ),
    # after digits, emphasis, backticks or in an open fence nothing stands at the end either
    ("这一句话的长度刚好超过二十个字，结果等于42", None),
    ("这一句话的长度刚好超过二十个字，结尾是*强调*", None),
    ("这一句话的长度刚好超过二十个字，结尾是`code`", None),
    ("这里。\n```\n这一句话的长度刚好超过二十个字，但是在代码里。", None),
    # the last line needs some letters first
    ("这一句话的长度刚好超过二十个字。\n好。", None),
    # a keyword is cut last: a pause is preferred
    (
        "春天来了公园里的花都开了小朋友们在草地上，奔跑老人们坐在长椅上聊天。",
        "春天来了公园里的花都开了小朋友们在草地上，|奔跑老人们坐在长椅上聊天。|||",
    ),
    # at spaces only in spaced scripts; not after words that look like names of things
    (
        "Read the file example.com/a or some.name.txt or snake_case or v2.5 or 12 now please, my friend.",
        "Read the file example.com/a or| some.name.txt or snake_case or| v2.5 or 12 now please,| my friend.|",
    ),
    # nor inside the name of a host in Chinese, only after it
    (
        "这里有一个很长很长的网址www.公园，花园里的花都开了 然后我们走一走吧。",
        "这里有一个很长很长的网址www.公园，花园里的花都开了| 然后我们走一走吧。|||",
    ),
]


@pytest.mark.parametrize(("text", "expected"), WHERE)
def test_where_grains_stand(text: str, expected: str | None) -> None:
    assert show(mark(text)) == (text if expected is None else expected)


@pytest.mark.parametrize(
    "text",
    [
        "هذه جملة عربية طويلة نسبيا، وفيها كلمات كثيرة تكفي للعلامة هنا.",
        "यह एक लंबा हिन्दी वाक्य है जिसमें बहुत सारे शब्द हैं और यह चलता रहता है.",
        "Это довольно длинное предложение на русском языке, в нём много слов.",
        "นี่คือประโยคภาษาไทยที่ค่อนข้างยาว และมีเว้นวรรคบ้าง เพื่อให้ใส่เครื่องหมายได้ ครับผม",
    ],
)
def test_spaced_scripts_are_marked_at_spaces_only(text: str) -> None:
    inner = show(mark(text)).rstrip("|")
    assert "|" in inner
    assert all(after == " " for after in re.findall(r"\|(.)", inner))


@pytest.mark.parametrize(
    "text",
    [
        "한국어 문장입니다, 그리고 이것은 꽤 긴 문장이라서 표시가 들어갈 수 있습니다. 계속해서 더 씁니다.",
        "これは日本語の文章です。とても長いので、印を入れることができます。つづけて書きますから、お待ちください。",
    ],
)
def test_korean_and_japanese_are_marked_at_pauses(text: str) -> None:
    assert show(mark(text)).count("|") >= 4


def test_an_unclosed_guess_does_not_starve_a_long_answer() -> None:
    for opener in (
        "```\n",
        "[",
        "`",
        "$",
        "$$",
        "<b ",
        "\\[",
        "<pre>",
        "https://a.b/c",
        "| ",
        "# ",
        "    ",
        "a@b",
    ):
        marked = mark("开头。" + "\n" * (opener[0] in "`|# ") + opener + chinese(400))
        assert len(GRAIN_RUN.findall(marked)) > 200, opener


def test_the_line_that_closes_a_fence_given_up_opens_no_other() -> None:
    text = "```\n" + "\n".join(chinese(4, seed) for seed in range(40)) + "\n```\n" + chinese(40)
    tail = mark(text).rpartition("```\n")[2]
    assert len(GRAIN_RUN.findall(tail)) > 20


def test_final_only_marks_the_end_alone() -> None:
    text = chinese(50)
    assert show(mark(text, "final-only")) == text + "||||"
    assert mark(text, "final-only", list(range(1, len(text)))) == mark(text, "final-only")


KINDS_TEXT = (
    "第一段是普通的文字，它足够长，可以放下好几个标记，读者看不到它们。\n\n"
    "- 列表的第一项也是文字，它同样足够长，可以放下标记，读者也看不到。\n- 第二项比较长，也说了一些事情，可以放下标记。\n\n"
    "> 引用的文字是别人写的，服务者也许不想给它加上标记，所以可以关掉。\n\n"
    "最后一段又是普通的文字，它足够长，可以放下好几个标记，到此为止。"
)


def grains_by_line(marked: str) -> list[int]:
    return [len(GRAIN_RUN.findall(line)) for line in marked.split("\n") if line]


def kinds_mark(kinds: dict[str, str], profile: str = "default", size: int = 0) -> str:
    transform = CarrierScheme(KEYS, profile, kinds=kinds).new_transform(PROVENANCE)
    step = size or len(KINDS_TEXT)
    out = [transform.feed(KINDS_TEXT[at : at + step]) for at in range(0, len(KINDS_TEXT), step)]
    return "".join(out) + transform.flush()


@pytest.mark.parametrize(
    ("kinds", "profile", "bare"),
    [
        ({"quote": "off"}, "default", {3}),
        ({"list": "off", "quote": "off"}, "default", {1, 2, 3}),
        ({"paragraph": "off"}, "default", {0, 4}),
        ({"list": "dense"}, "off", {0, 3, 4}),
        ({"quote": "off"}, "final-only", {0, 1, 2, 3}),
    ],
)
def test_each_kind_of_content_has_the_profile_that_was_chosen_for_it(
    kinds: dict[str, str], profile: str, bare: set[int]
) -> None:
    marked = kinds_mark(kinds, profile)
    counts = grains_by_line(marked)
    assert {line for line, count in enumerate(counts) if not count} == bare
    assert strip_own(marked) == KINDS_TEXT
    for size in (1, 2, 3, 7, 50):
        assert kinds_mark(kinds, profile, size) == marked


def test_a_denser_kind_is_denser() -> None:
    assert sum(grains_by_line(kinds_mark({"list": "dense"}))[1:3]) > sum(grains_by_line(kinds_mark({}))[1:3])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind of content"):
        CarrierScheme(KEYS, kinds={"poem": "off"})
    with pytest.raises(ValueError, match="unknown carrier profile"):
        CarrierScheme(KEYS, kinds={"list": "loud"})


def test_the_second_carrier_spells_each_grain_again_and_is_taken_out_with_the_first() -> None:
    text = text_of(document(random.Random(5))) + "\n\n" + chinese(6)
    transform = CarrierScheme(KEYS, second=True).new_transform(PROVENANCE)
    both = transform.feed(text) + transform.flush()
    assert SECOND_RUN.sub("", both) == mark(text)
    alone = GRAIN_RUN.sub("", both)
    assert SECOND_RUN.sub(lambda run: first_of(run[0]), alone) == mark(text)
    assert strip_own(both) == text
    assert strip_own(alone) == text


def test_off_changes_nothing() -> None:
    assert isinstance(CarrierScheme(KEYS, "off").new_transform(PROVENANCE), Passthrough)


def test_only_white_space_is_held_back() -> None:
    transform = CarrierScheme(KEYS).new_transform(PROVENANCE)
    text = chinese(30) + "  \n" + english(30)
    for at in range(0, len(text), 3):
        out = strip_own(transform.feed(text[at : at + 3]))
        fed = text[: at + 3].rstrip()
        assert not out or fed.endswith(out.rstrip())


def test_endless_white_space_is_neither_kept_nor_marked() -> None:
    transform = CarrierScheme(KEYS).new_transform(PROVENANCE)
    text = chinese(8)
    out = transform.feed(text)
    out += "".join(transform.feed("\n \n") for _ in range(2_000))
    assert len(strip_own(out)) > 5_000
    end = transform.feed(text) + transform.flush()
    whole = mark(text + "\n \n" * 2_000 + text)
    assert out + end == whole
    assert strip_own(whole) == text + "\n \n" * 2_000 + text
    assert mark(text + " " * 5_000, pieces=list(range(0, 5_000, 100))) == mark(text + " " * 5_000)


@pytest.mark.parametrize("size", [1, 7, 20_000])
def test_json_behind_endless_white_space_stays_as_it_is(size: int) -> None:
    text = " " * 3_000 + '{"a": "今天的天气很好，我们一起去公园里走一走吧"}'
    assert mark(text, pieces=list(range(size, len(text), size))) == text


PIECES = st.sampled_from(
    [
        *"中文字，。！ab .,!1\n`*（）\r\u3000|$é",
        "春天来了",
        "some words",
        ". ",
        "。\n\n",
        " \n",
        "**",
        "\n- ",
        "https://a.b/",
    ]
)


@given(pieces=st.lists(PIECES, max_size=60), profile=st.sampled_from(STREAMING))
def test_what_goes_out_unlooked_at_has_no_place(pieces: list[str], profile: str) -> None:
    """Looking at every piece, as if none were dull, marks the same places."""
    quick, slow = (CarrierScheme(KEYS, profile).new_transform(PROVENANCE) for _ in range(2))
    assert isinstance(slow, CarrierTransform)
    for piece in pieces:
        slow._idle = slow._floor = -1
        assert quick.feed(piece) == slow.feed(piece)
    assert quick.flush() == slow.flush()


@pytest.mark.parametrize(
    "filler", ["`", "字", "a", "[", "#", "-", "\\", "$", "<a", "https://", "\ufe05", "1. ", "|", "```\n"]
)
def test_state_stays_small(filler: str) -> None:
    transform = CarrierScheme(KEYS).new_transform(PROVENANCE)
    for _ in range(4_000):
        transform.feed(filler)
    kept = [getattr(transform, name) for name in transform.__slots__]  # type: ignore[attr-defined]
    prose = next(value for value in kept if type(value).__name__ == "Prose")
    assert len(prose.text) + sum(len(value) for value in kept if isinstance(value, str)) < 4_000


def test_strip_own_takes_grains_only() -> None:
    text = "❤️ 葛\U000e0100城 a\ufe03b \u200b" + "\ufe00" * 14
    assert strip_own(text) == text
    assert strip_own("plain ascii") == "plain ascii"
    assert strip_own(mark(chinese(5)) + text) == chinese(5) + text


def test_the_scheme_needs_a_known_profile_and_a_key_that_signs() -> None:
    with pytest.raises(ValueError, match="unknown carrier profile"):
        CarrierScheme(KEYS, "loud")
    retired = KeyRing(b"m" * 32, 2, epochs={1: Epoch(KeyState.VERIFY_ONLY), 2: Epoch()})
    with pytest.raises(ValueError, match="does not sign"):
        CarrierScheme(retired).new_transform(PROVENANCE)


def test_the_request_goes_out_as_it_came() -> None:
    body = {"model": "m"}
    assert CarrierScheme(KEYS).mark_request(body) is body


def test_the_table_holds_the_carrier() -> None:
    scheme = SCHEMES["carrier"](KEYS)
    assert scheme.name == "carrier"
