"""The dry run: clean text that entries would hit."""

from __future__ import annotations

import pytest

from proxy.governance.dry_run import DryRun, clean_corpus
from proxy.review.entry import Entry, RegexLimits


def test_the_corpus_is_neutral_text_of_every_kind() -> None:
    texts = clean_corpus()
    assert 190_000 < sum(len(text.encode()) for text in texts) < 230_000
    whole = "\n".join(texts)
    assert all(sample in whole for sample in ("图书馆", "圖書館", "The committee", "SELECT", "def "))


def test_hits_are_counted_for_a_million_characters_with_samples() -> None:
    dry = DryRun(corpus=lambda: ["甲乙丙丁" * 50] * 5)
    hits = dry.hits(
        [Entry("乙丙", "A.1.a"), Entry("丁丁", "A.1.a", scope="input", tenants=("x",), id="none")]
    )
    assert hits["none"].per_million == 0
    (found,) = [one for name, one in hits.items() if name != "none"]
    assert found.per_million == 250_000
    assert len(found.samples) == 3
    assert "乙丙" in found.samples[0]


def test_an_entry_that_looks_at_input_alone_is_tried_as_such() -> None:
    dry = DryRun(corpus=lambda: ["第12345号" * 10] * 2)
    wide = Entry("[0-9]+", "A.1.a", kind="regex", scope="input", regex=RegexLimits(64), id="wide")
    long = Entry("长" * 100, "A.1.a", scope="input", id="long")
    flagged = Entry("号第", "A.1.a", action={"input": "flag"}, id="first")
    hits = dry.hits([wide, long, flagged, Entry("号第", "A.1.a", id="both")])
    assert {name: hit.per_million * 140 / 1e6 for name, hit in hits.items()} == pytest.approx(
        {"wide": 20, "long": 0, "first": 18, "both": 18}, rel=1e-3
    )


def test_recent_traffic_counts_too_and_is_read_once() -> None:
    dry = DryRun(iter(["今天测试词语甲出现了"]), corpus=lambda: ["空" * 90])
    entry = Entry("测试词语甲", "A.1.a")
    assert dry.hits([entry])[entry.id].per_million == 10_000
    assert dry.hits([entry])[entry.id].samples == ("今天测试词语甲出现了",)


def test_an_entry_of_a_common_word_is_told_by_the_shipped_corpus() -> None:
    common, rare = Entry("图书馆", "A.1.a"), Entry("测试违禁词甲子", "A.1.a")
    hits = DryRun().hits([common, rare])
    assert hits[common.id].per_million > 100
    assert hits[rare.id].per_million == 0


def test_what_only_flags_is_told_apart_from_what_would_act() -> None:
    dry = DryRun(corpus=lambda: ["我们应当及时处理。", "我们应当及侍处理。", "应当及时，应当及时。"])
    views = ("safe", "evasion", "pinyin")
    block, mask = (
        Entry("应当及市", "A.1.a", views=views),
        Entry("应当及市", "A.1.a", views=views, action="mask"),
    )
    flag = Entry("应当及市", "A.1.a", views=views, action="flag", id="flag")
    once = Entry("应当及市", "A.1.a", views=views, action={"input": "block", "output": "flag"}, id="once")
    whole = Entry("应当及市", "A.1.a", views=views, folds=("words",))
    hits = dry.hits([block, mask, flag, once, whole])
    share = 28 / 1e6
    counted = {
        name: (round(one.per_million * share), round(one.acts_per_million * share))
        for name, one in hits.items()
    }
    assert counted == {block.id: (4, 1), mask.id: (4, 1), flag.id: (4, 0), once.id: (4, 1), whole.id: (4, 4)}
    assert "及侍" in hits[block.id].samples[0]  # where it acts comes first
    assert hits[block.id].told.endswith("it would act 35714.3 times and only flag 107143 times")
