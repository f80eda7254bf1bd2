"""The 31 risks that every entry belongs to one of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["CATEGORIES"]

# The 31 risks of TC260-003 annex A, in its order.
CATEGORIES: Mapping[str, str] = MappingProxyType({
    "A.1.a": "煽动颠覆国家政权、推翻社会主义制度",
    "A.1.b": "危害国家安全和利益、损害国家形象",
    "A.1.c": "煽动分裂国家、破坏国家统一和社会稳定",
    "A.1.d": "宣扬恐怖主义、极端主义",
    "A.1.e": "宣扬民族仇恨",
    "A.1.f": "宣扬暴力、淫秽色情",
    "A.1.g": "传播虚假有害信息",
    "A.1.h": "其他法律、行政法规禁止的内容",
    "A.2.a": "民族歧视",
    "A.2.b": "信仰歧视",
    "A.2.c": "国别歧视",
    "A.2.d": "地域歧视",
    "A.2.e": "性别歧视",
    "A.2.f": "年龄歧视",
    "A.2.g": "职业歧视",
    "A.2.h": "健康歧视",
    "A.2.i": "其他方面歧视",
    "A.3.a": "侵犯他人知识产权",
    "A.3.b": "违反商业道德",
    "A.3.c": "泄露他人商业秘密",
    "A.3.d": "利用算法、数据、平台等优势实施垄断和不正当竞争",
    "A.3.e": "其他商业违法违规",
    "A.4.a": "危害他人身心健康",
    "A.4.b": "侵害他人肖像权",
    "A.4.c": "侵害他人名誉权",
    "A.4.d": "侵害他人荣誉权",
    "A.4.e": "侵害他人隐私权",
    "A.4.f": "侵害他人个人信息权益",
    "A.4.g": "侵犯他人其他合法权益",
    "A.5.a": "内容不准确",
    "A.5.b": "内容不可靠",
})  # fmt: skip
