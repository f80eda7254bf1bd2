"""The words that green_list may favour: plain ones of every kind of text, each one token of o200k_base (the English ones,
with the space before them, of cl100k_base too), ordered as that vocabulary does, by frequency. Neighbours make a pair.
"""

from __future__ import annotations

__all__ = ["EN", "ZH"]

EN = (
    "new more part time over about work also some when other year name need just there value "
    "type into make result first start only form look under most find person help people want "
    "long read every know well hand then through very case good where high after even now many "
    "way much while number here play day last program word great because home such before "
    "process take child size show model design world week book think business system point made "
    "each place found support line order service method state next life different same really "
    "game fact around between old market still without month both project page report build "
    "color cost second access company head feel level team health field small table always "
    "present change during keep important little water room big power school plan family within "
    "group control another area since body give kind air turn able never money price children "
    "short today door possible research light food "
)

ZH = (
    "计划 什么 时间 公司 结果 可以 信息 数据 服务 工作 一个 没有 方法 我们 管理 "
    "国家 内容 使用 产品 发展 问题 企业 系统 生活 所有 不是 同时 市场 方式 技术 "
    "今年 目前 社会 历史 经济 提供 进行 研究 其中 自己 开始 通过 需要 项目 只有 "
    "这个 可能 就是 如果 建设 时候 今天 城市 情况 因此 方面 其他 现在 知道 文化 "
    "关于 关系 设计 认为 重要 学生 所以 朋友 全部 已经 基本 实现 完成 条件 发现 "
    "根据 科学 过程 成为 大家 学习 主要 因为 还是 影响 最后 环境 提高 作为 利用 "
    "部分 正在 结束 非常 希望 但是 然而 之后 不过 去年 很多 当然 还有 老师 例如 "
    "地方 继续 必须 原因 不同 比如 以及 一般 特别 这些 普通 他们 或者 孩子 那个 "
    "作用 一定 家庭 按照 十分 对于 简单 之前 随着 价值 形式 首先 一些 经过 其实 "
    "比较 应该 然后 虽然 能够 以前 容易 变化 那些 觉得 意义 更加 为了 除了 昨天 "
    "其次 以后 采用 由于 别人 只是 困难 尤其 "
)
