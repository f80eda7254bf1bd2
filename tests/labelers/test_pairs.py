"""The table of pairs: every pair fires, both ways, and only where its guards allow it."""

from __future__ import annotations

import pytest

from labelers.watermarks import pairs
from labelers.watermarks.pairs import Pair, table, words_in
from labelers.watermarks.substitution import read_places
from tests.labelers.rewording import KEYS, marked

PAIRS = table().pairs


def other_way(pair: Pair) -> str:
    """The pair's example with the other word."""
    before, word, after = pair.example.partition(pair.words[0])
    if word:
        return before + pair.words[1] + after
    first, second = (each[0].upper() + each[1:] for each in pair.words)
    assert first in pair.example
    return pair.example.replace(first, second, 1)


def places_of(pair: Pair, text: str) -> list[int]:
    return [place.side for place in read_places(text) if place.name == pair.name]


def test_there_are_three_hundred_pairs_and_more_in_each_language() -> None:
    english = sum(pair.words[0].isascii() for pair in PAIRS)
    assert english >= 300
    assert len(PAIRS) - english >= 300


def test_no_word_stands_in_two_pairs_and_both_of_a_pair_differ() -> None:
    words = [word for pair in PAIRS for word in pair.words]
    assert len(words) == len(set(words))
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " = ".join(pair.words))
def test_either_word_of_a_pair_stands_in_its_example_and_is_read_as_that_side(pair: Pair) -> None:
    assert places_of(pair, pair.example) == [0]
    assert places_of(pair, other_way(pair)) == [1]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " = ".join(pair.words))
def test_the_writer_makes_both_wordings_of_an_example_from_either(pair: Pair) -> None:
    for text in (pair.example, other_way(pair)):
        seen: set[int] = set()
        for prf in KEYS:
            (side,) = places_of(pair, marked(text, prf))
            seen.add(side)
            if len(seen) == 2:
                break
        assert seen == {0, 1}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " = ".join(pair.words))
def test_examples_stay_as_they_are_inside_quotations_and_code(pair: Pair) -> None:
    lead, marks = ("Somebody wrote ", '""') if pair.example.isascii() else ("有人这样写道：", "“”")
    for text in (lead + marks[0] + pair.example + marks[1], lead + "`" + pair.example + "`"):
        assert places_of(pair, text) == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("大家都在原因为何的问题上争论。", "原因为何"),
        ("他们在会议上说出了原因为的是公平。", "原因为"),
        ("桌上的苹果和如果汁都很好喝。", "如果汁"),
        ("这场会议一会议程就结束了。", "一会议程"),
        ("公司每周一次的例会改期了。", "每周一次"),
        ("西周三代君王的故事流传很广。", "西周三代"),
        ("这种新能源的性能够好。", "性能够好"),
        ("他说话算数，不以为然。", "不以为然"),
        ("北京市和平里的街道很安静。", "和平里"),
        ("公司的产品已经历多次升级。", "已经历"),
        ("我计划在四月十日前往海边。", "十日前往"),
        ("他们参加了冬季奥运会开幕式。", "冬季奥运会"),
        ("这次台风对农业造成一定影响。", "造成一定影响"),
        ("列表里放的是不同类型的元素。", "不同类型的"),
        ("既然你已经要买这本书了，就读完它。", "已经要买"),
        ("曾国藩的家书流传很广。", "曾国藩"),
        ("大家都知道王刚在家里。", "王刚在"),
        ("全部人口约占三分之一。", "约占"),
        ("我们没有什么可以说的。", "没有什么"),
        ("他认为这种气味会导致他晕倒。", "导致他晕倒"),
        ("这个过程一直持续到早上才结束。", "一直持续到"),
        ("很简单的事情很难一直做下去。", "一直做下去"),
        ("和睦的关系来自相互的尊重和理解。", "相互的尊重"),
        ("我根据情况给出以下建议步骤。", "以下建议"),
        ("心中记忆已久的画面又出现了。", "已久"),
        ("主题句的主要目的是在文章中引入观点。", "目的是在"),
        ("这是因为，幸福的家庭都很相似。", "因为，"),
        ("考虑到筹资费用，实际上企业收到的资金较少。", "实际上企业"),
        ("她一生取得了许多伟大的成就。", "她一生取得"),
        ("机器都在运行，并最终导致大家失败。", "并最终导致"),
        ("You can also give a personalized photo calendar to them.", "photo calendar"),
        ("In that year they opened the doors of a local photo shop.", "photo shop"),
        ("We have stated so on many, many, many occasions.", "many, many, many"),
        ("The number could be roughly estimated from a survey.", "roughly estimated"),
        ("Here is the plan. Try to practice in the morning.", "Try to practice"),
        ("And additionally, I wanted to inquire about the dashboard.", "I wanted to"),
        ("My question: what is the purpose of the package in R?", "the purpose of"),
        ("Defrosting a freezer can take several hours in summer.", "several hours"),
        ("Leave it on a wire rack to cool completely before serving.", "cool completely"),
        ("The old city also offers a charming town hall.", "offers a charming"),
        ("These are lists which are arrays that can hold items.", "that can hold"),
        ("请您提供尽可能详细的信息给我们。", "尽可能详细的信息"),
        ("它对这个话题有着强大而独特的视角。", "而独特的视角"),
        ("我们要建立一个强大的支持系统。", "强大的支持系统"),
        ("It helps you give a talk. Whether you use notes, or speak freely, be brave.", "Whether you"),
        ("Rome is home to some of the most stunning architecture.", "some of the most"),
        ("We are here. If you have any questions or would like more, call us.", "If you have any"),
        ("Milk and warm soup can help with headaches.", "help with headaches"),
        ("They are used to help us understand the plan.", "to help us understand"),
        ("大家想一想。或者，我们需要知道这个地点。", "或者，"),
        ("真的很想有个再正常不过的周末。", "不过的"),
        ("所以自行车总共的轮子数目不多。", "总共的"),
        ("她终于在最后找到了归宿。", "在最后"),
        ("他们两人下马参拜已毕，向前走去。", "已毕"),
        ("根据家属的意见，丧事不举行仪式。", "举行仪式"),
        ("这种状态很危险，因为它可能让人生病。", "，因为"),
        ("The road is long. Though I may be tired, I will not give up.", "I will not"),
        ("The new lamp has made all the difference to us.", "all the difference"),
        ("The fish flakes easily with a fork.", "flakes easily"),
        ("当你的朋友在工作中获得提升时，祝贺他。", "获得提升"),
        ("数据库系统允许您定义不同的层次。", "允许您"),
        ("冰川的形成需要条件，主要包括降雪量大。", "主要包括"),
        ("大家都知道这种算法重要的原因有三个。", "重要的原因"),
        ("这种机器一般用于计算，数据处理和推理中。", "用于计算"),
        ("经过深入讨论和评估之后，他们选出了得奖者。", "经过深入讨论"),
        ("小圆在大圆内部绕大圆圆周一周的时候。", "圆周一周"),
        ("大家还要结合具体实际情况进行判断。", "具体实际情况"),
        ("大家想一想。因为一小时可以是三十分钟。", "因为一小时"),
        ("它的外观看起来就像是戴着面具一样。", "就像是"),
        ("大家想一想。或者,我们可以用计算器。", "或者,"),
        ("所以,小明拿的苹果最多,其次是小王。", "最多,"),
        ("如果时间允许，我们就去平潭。", "时间允许"),
        ("实现高水平的相互可理解性需要合作。", "相互可理解"),
        ("他们故意给丝瓜注入毒药。", "故意"),
        ("Please tell me what it is like to live there.", "what it is like"),
        ("On the first of May have a look at the garden.", "May have"),
        ("She said that it tastes like home.", "tastes like"),
        ("The workers that are ill may stay at home.", "workers that are"),
        ("He worked hard to open the shop.", "worked hard to"),
        ("The best results in the world came from Kenya.", "best results in"),
        ("The cook says that you should serve immediately.", "serve immediately"),
        ("People like game shows that are funny.", "shows that are"),
        ("When the function is called as a method, it fails.", "called as"),
        ("There are many include files in this folder.", "many include"),
        ("Proteins are what our bodies need to function well.", "need to function"),
        ("The climb is more difficult to make in winter.", "more difficult to"),
        ("They talked about twenty people they knew.", "talked about twenty"),
        ("It was made from grain and bought into the prank.", "bought into"),
        ("Keep an eye out for the sign, which you will eventually see.", "eventually see"),
        ("These variations are often due to chance.", "often due to"),
        ("Use the tools on your phone (like Digital Wellbeing) every week.", "Digital Wellbeing"),
        ("The project is more of a demonstration of a model rather than a working engine.", "rather than a"),
        ("An attack that deals damage and has a chance to hit twice.", "a chance to"),
        ("The show is short. TV episodes are longer.", "TV episodes"),
        ("The derivative of position with respect to time is velocity.", "with respect to"),
        ("The peach ties it together with a warm glow.", "together with"),
        ("Here are some tips to help improve your work.", "to help improve"),
        ("One way to see it is that the left is ours.", "see it is that"),
        ("The effectiveness can depend on various factors.", "depend on"),
        ("The third song is Caribou and Can't Do Without You.", "Can't Do"),
        ("The value returned from it is the first one.", "from it is"),
        ("Cook until it is tender. Baste with the juices occasionally.", "occasionally."),
        ("When you spill it, clean it immediately with a cloth.", "immediately with"),
        ("大家想一想。如果假设是真的，结论就不同。", "如果假设"),
        ("每年夏秋季节，这里的游客最多。", "夏秋季节"),
        ("我们要探索集体经济的各种有效实现形式。", "有效实现形式"),
        ("大家都知道数据丢失或忘记带钥匙很麻烦。", "忘记带"),
        ("因为下雨，所以我们没有出门。", "，所以"),
        ("现在流行用强化学习和加强学习的办法。", "加强学习"),
        ("还有二十天，考试马上就要开始了。", "马上就要"),
        ("记者在当日下午约４时，来到了村里。", "４时"),
        ("我们可以把时间集中于自己的爱好。", "集中于自己"),
        ("这样做可能对设备造成安全问题。", "造成安全问题"),
        ("这种方法着眼于当前，另一种着眼于未来。", "当前，"),
        ("我对它的灵巧感到惊讶。", "感到惊讶"),
        ("水在人体中有着至关重要的作用。", "至关重要的作用"),
        ("重力使得从高处下落成为自然的过程。", "使得从高处"),
        ("这个地区势将成为投资的热点。", "势将成为"),
        ("今后工程建设主要目标之一是安全。", "建设主要目标"),
        ("她的压力得到了有效缓解。", "有效缓解"),
        ("神经网络在很多领域有广泛应用。", "广泛应用"),
        ("完成率低的原因是因為題目太長。", "原因是因"),
        ("大家说这个问题有些难以理解。", "有些难以"),
        ("他站在房间里，看起来格格不入。", "看起来格格"),
        ("有人愿意以更高价格购买产品。", "购买产品"),
        ("日常生活中要善于观察和倾听。", "善于观察"),
        ("大家都用 Apple TV 看节目。", "Apple TV"),
        ("气候变化的主要原因是人为造成的。", "原因是人为"),
        ("她从人群中脱颖而出，赢得了比赛。", "人群中脱颖"),
        ("一个人在面临失业时要做好准备。", "面临失业时"),
        ("这是环境对事物产生的重要影响。", "的重要影响"),
        ("这样做是为了使身体有障碍的人也能参加。", "为了使身体"),
        ("慢慢后退，尽量使自己显得大一些。", "使自己"),
        ("这是一个有趣但不实际的想法。", "有趣但不"),
        ("它很难得，但这并不能直接说明问题。", "并不能直接"),
        ("The work made a positive impact on the world.", "positive impact"),
        ("This is what we do. Cats like familiar smells.", "Cats like"),
        ("It shows how friendly to buyers they are can matter.", "they are can"),
        ("It was shaped by rulers over many years.", "many years"),
        ("In those years I have participated in many races.", "have participated"),
        ("The two of them had already started to argue.", "already started to"),
        ("See what sets your channel apart from all others.", "apart from"),
        ("这台机器的使用成本不高，使用成本很低。", "，使用成本"),
        ("先把菜洗净，用手撕成小块。", "，用手"),
        ("这会引起有关部门的立即反应。", "的立即反应"),
        ("大家都佩服他的英勇和与大山的战斗。", "和与大山"),
        ("它会学习人们与之互动的方式。", "与之"),
        ("我们可以用旧书换一张邮票。", "可以用旧书"),
        ("有一天，在她家附近的森林中探索时，她遇到了一只鹿。", "，在她家"),
        ("大家都知道，当他们在空中飞翔时，风很大。", "，当他们在"),
        ("大家都到了，在十点时，会议开始了。", "，在十点"),
        ("Without their help the decade might have looked different.", "might have"),
        ("他们必须能够有效地管理多项任务。", "必须能够"),
        ("Think of their age before allowing them to watch it.", "allowing them"),
        ("大家要抢在寒流之前安排好住处。", "寒流之前"),
    ],
)
def test_words_that_are_part_of_others_or_mean_something_else_stay(text: str, kept: str) -> None:
    for prf in KEYS[:12]:
        assert kept in marked(text, prf)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("one = two\nthree = one", "'one' stands in two pairs"),
        ("one = two || R:x || L:y ~ One.", "an empty alternative"),  # a line parts its guards once
    ],
)
def test_a_table_that_cannot_be_read_one_way_is_refused(
    monkeypatch: pytest.MonkeyPatch, lines: str, why: str
) -> None:
    monkeypatch.setattr(pairs.pairs_en, "PAIRS", lines)
    table.cache_clear()
    with pytest.raises(ValueError, match=why):
        table()
    monkeypatch.undo()
    table.cache_clear()


def test_a_clause_of_both_languages_names_its_words_in_order() -> None:
    found = words_in("这种plan很重要，但是 it is already well known，没有人知道。", "昨天说过，")
    assert [(word.start, word.end) for word in found] == sorted((word.start, word.end) for word in found)
    assert {table().pairs[word.pair].words[0] for word in found} >= {"it is", "但"}


def test_a_space_between_a_word_and_its_guard_makes_no_difference() -> None:
    for text in ("那座石桥的宽度约300厘米。", "那座石桥的宽度约 300 厘米。"):
        assert [text[word.start : word.end] for word in words_in(text, "")] == ["约"]
    for text in ("他们几个已3天没有回家。", "他们几个已 3 天没有回家。"):
        assert [word for word in words_in(text, "") if text[word.start : word.end] == "已"] == []


@pytest.mark.parametrize(
    "text",
    [
        "这里很安静。但是，我们要走了。",
        "他们家里没有足够的钱。",
        "桌上放着苹果和也门的咖啡。",
        "The people saw it. Is it not so?",
    ],
)
def test_where_only_one_word_of_a_pair_could_stand_is_no_choice(text: str) -> None:
    assert [place for place in read_places(text) if table().pairs[0].name and not place.weak] == []


def test_a_guard_does_not_count_where_it_ends_another_word() -> None:
    assert words_in("双方已经讲和了。", "") == []
    for text in ("大家都说会议和活动很多。", "他们的要求和想法很多。"):
        assert [text[word.start : word.end] for word in words_in(text, "")] == ["和"]


def test_half_a_pair_of_surrogates_hides_no_word() -> None:
    text = "昨天\ud83d说过\udfff，但是我们没有时间。"
    assert [text[first:last] for first, last, _ in table().matches(text, 0, len(text))] == [
        "但是",
        "没有",
        "时",
    ]


def test_a_long_text_holds_the_words_of_its_sentences() -> None:
    sentences = [pair.example for pair in PAIRS if not pair.example.isascii()]
    for first in (sentences[0], "𠮷" + sentences[0]):  # one beyond the first 65,536 characters
        text, short = "".join([first, *sentences[1:]]), []
        at = 0
        for sentence in [first, *sentences[1:]]:
            short += table().matches(text, at, at + len(sentence))
            at += len(sentence)
        assert table().matches(text, 0, len(text)) == short
