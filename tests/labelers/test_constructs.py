"""Constructs inside a line: what they close, where they end, what only looks like one."""

from __future__ import annotations

import pytest

from tests.labelers.documents import opened


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("前面的文字`中间，的`后面的文字", "中间，的"),
        ("前面的文字``中`间``后面的文字", "中`间"),
        ("前面的文字[中间，的](u，v)后面的文字", "中间，的](u，v"),
        ("前面的文字[中[间]的](u(v)w \\) x)后面的文字", "中[间]的](u(v)w \\) x"),
        ("前面的文字[中\\]间，的]后面的文字", "中\\]间，的"),
        ("前面的文字[中间][引用]后面的文字", "中间][引用"),
        ("前面的文字<b c='中，间'>后面的文字", "b c='中，间'"),
        ("前面的文字</b>后面的文字", "/b"),
        ("前面的文字<!-- 中，间 -->后面的文字", "!-- 中，间 --"),
        ("前面的文字<https://a.b/中，间>后面的文字", "https://a.b/中，间"),
        ("前面的文字<pre>中，<间 </b> </PR</pre>后面的文字", "pre>中，<间 </b> </PR</pre"),
        ("前面的文字$中 x，$后面的文字", ""),
        ("前面的文字$x, y \\$ z$后面的文字", "x, y \\$ z"),
        ("前面的文字$$中，$ \\x\n间$$后面的文字", "中，$ \\x\n间"),
        ("前面的文字\\(中，$ \\x间\\)后面的文字", "(中，$ \\x间\\"),
        ("前面的文字\\[中，\n间\\]后面的文字", "[中，\n间\\"),
        ("前面的文字 https://a.b/c，d 后面的文字", "/a.b/c，d"),
        ("前面的文字 https://a.b/c\n后面的文字后面的文字", "/a.b/c\n"),
        ("前面的文字 a.bc/d，e 后面的文字", "d，e"),
        ("前面的文字 me@a.b，c 后面的文字", "a.b，c"),
        ("前面的文字|中间，的", "中间，的"),
        ("前面的文字\n# 中间，的\n后面的文字", "# 中间，的"),
        ("前面的文字\n#\n后面的文字", "#"),
        ("前面的文字\n\n    中间，的\n后面的文字", "    中间，的"),
        ("前面的文字\n\n\t中间，的\n后面的文字", "\t中间，的"),
        ("前面的文字\n| 中间，的\n\n后面的文字", "| 中间，的"),
        ("前面|字\n-|-\n中间，的表格\n\n后面的文字", "中间，的表格"),
        ("前面的文字\n```py a\n中间，的\n``\n```\n后面的文字", "```py a\n中间，的\n``\n```"),
        ("前面的文字\n~~~ `a`\n中间，的\n~~~~ \n后面的文字", "~~~ `a`\n中间，的\n~~~~ "),
        ("前面的文字\n- ````\n中间，的\n```\n  ````\n后面的文字", "- ````\n中间，的\n```\n  ````"),
        ("前面的文字\n[r]: u，'中间，的'\n后面的文字", "[r]: u，'中间，的'"),
        ("前面`中\n间，的`后面的文字", "中\n间，的"),
    ],
)
@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_the_inside_of_a_construct_is_closed_and_what_follows_is_open(
    text: str, inside: str, size: int
) -> None:
    shown = opened(text, size)
    start = text.index(inside)
    assert set(shown[start : start + len(inside)]) <= {"."}
    if "后面的文字" in text:
        assert shown.endswith("字")


@pytest.mark.parametrize(
    "text",
    [
        "前面的文字 a < b 后面的文字",
        "前面的文字<3后面的文字",
        "前面的文字a<b，后面的文字",
        "前面的文字</，后面的文字",
        "前面的文字$ 5 后面的文字",
        "前面的文字$，后面的文字",
        "前面的文字\\*，后面的文字",
        "前面的文字\\\n后面的文字后面的文字",
        "前面的文字他/她，后面的文字",
        "前面的文字@某人，后面的文字",
        "前面的文字`没有结束\n\n后面的文字后面的文字",
        "前面的文字[没有结束\n\n后面的文字后面的文字",
        "前面的文字[没有结束\n- 后面的文字后面的文字",
        "前面的文字$x没有结束\n后面的文字后面的文字",
        "前面的文字 ```a``` 后面的文字",
        "```a``` 后面的文字后面的文字",
        "前面的文字[a]: 后面的文字",
        "#后面的文字后面的文字",
        "1.后面的文字后面的文字",
        "-----\n后面的文字后面的文字",
        "> 后面的文字后面的文字",
        "12. 后面的文字后面的文字",
        "-" * 300 + "后面的文字",
    ],
)
@pytest.mark.parametrize("size", [0, 1, 3])
def test_what_only_looks_like_a_construct_closes_nothing(text: str, size: int) -> None:
    assert opened(text, size).endswith("的文字")
