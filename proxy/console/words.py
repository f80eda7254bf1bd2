"""What the verify page says, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["LANGUAGES", "SEALS", "SYMBOLS", "WARM_SYMBOLS", "Words", "words"]

LANGUAGES = ("zh", "en")

# The seal of each verdict, and the mark of each technique in the text: told by shape, not only by colour.
SEALS: Mapping[str, str] = {"confirmed": "属于", "possible": "可能", "suspected": "疑似", "not_found": "未见"}
SYMBOLS: Mapping[str, str] = {
    "carrier": "●",
    "metadata": "▤",
    "explicit": "◆",
    "statistical": "■",
    "fingerprint": "▲",
    "c2pa": "◎",
    "foreign": "○",
}
# How a unit of the statistical mark speaks, from against it to strongly for it.
WARM_SYMBOLS = ("▁", "", "▅", "█")  # nothing for most words, which say nothing

_VERDICTS = {
    "confirmed": ("该内容属于人工智能生成合成内容。", "This content is AI-generated."),
    "possible": (
        "该内容可能为人工智能生成合成内容。",
        "This content may be AI-generated: whoever gave it says so.",
    ),
    "suspected": ("该内容疑似为人工智能生成合成内容。", "This content is suspected to be AI-generated."),
    "not_found": (
        "没有发现标识。这不代表由人类撰写。",
        "Nothing was found. That does not mean that a human wrote it.",
    ),
}
_REASONS = {
    "carrier": (
        "文中有本服务的隐形水印，且与文字相符：这段文字由本服务输出。",
        "The text carries this service's invisible watermark, and it fits the words: this service put the text out.",
    ),
    "metadata": (
        "文件的元数据写明由人工智能生成。",
        "The metadata of the file says that it is AI-generated.",
    ),
    "statistical": (
        "用词带有本服务密钥下的统计水印，偶然出现的概率低于百万分之一。",
        "Its words carry a statistical mark under a key of this service that chance gives one text in a million.",
    ),
    "declared": ("提交者声明其为生成内容；没有找到其他证据。", "No mark was found that would say more."),
    "traces": (
        "发现了痕迹，但不足以证明是谁、也不足以证明是机器所写。",
        "There are traces, which prove neither who made it nor that a machine did.",
    ),
    "nothing": (
        "标识可能丢失或被去除，许多人工智能文本本来就没有标识。",
        "Marks can be lost or removed, and much AI text never carried one.",
    ),
}
_DETECTORS = {
    "carrier": ("隐形水印", "Invisible watermark"),
    "metadata": ("文件元数据", "File metadata"),
    "explicit": ("显式标识", "Visible label"),
    "statistical": ("统计水印", "Statistical watermark"),
    "fingerprint": ("输出指纹", "Fingerprint"),
    "c2pa": ("C2PA 内容凭证", "C2PA manifest"),
    "foreign": ("其他系统的隐形标记", "Others' invisible marks"),
}
_ABOUT = {
    "carrier": (
        "夹在文字之间的不可见字符，写明是谁、何时输出，并与前后文字绑定。",
        "Invisible characters between the words that say who put them out, and when, tied to the words around them.",
    ),
    "metadata": (
        "文件属性里的 AIGC 字段（GB 45438-2025）。",
        "The AIGC field in the properties of a file (GB 45438-2025).",
    ),
    "explicit": (
        "读者看得见的一句话，例如“本内容由AI生成”。",
        "A line that readers see, such as “AI-generated”.",
    ),
    "statistical": (
        "选词中的统计规律，需要密钥才能看出。",
        "A pattern in the choice of words that only a key shows.",
    ),
    "fingerprint": (
        "与本服务登记过的输出逐段比对；只存加密的特征，不存文字。",
        "A comparison with what this service logged when it put text out; keyed values are kept, no text.",
    ),
    "c2pa": ("由签名者写入的内容凭证。", "A signed statement about how the content was made."),
    "foreign": (
        "其他厂商写入的不可见字符。",
        "Invisible characters that other vendors write.",
    ),
}
_OUTCOMES = {
    "present": ("发现", "found"),
    "absent": ("未发现", "not found"),
    "inconclusive": ("有痕迹，不能定论", "traces, inconclusive"),
    "tampered": ("真实，但与文字不符", "genuine, but does not fit the text"),
}
_ORIGIN = {
    "producer": ("服务提供者", "Producer"),
    "content_id": ("内容编号", "Content number"),
    "created": ("生成时间", "Put out at"),
    "key_epoch": ("密钥期次", "Key epoch"),
    "content_id_end": ("内容编号末六位", "Content number ends in"),
    "producer_code_end": ("提供者代码末两位", "Producer code ends in"),
    "label": ("标识属性 Label", "Label"),
    "propagator": ("传播者", "Propagator"),
    "propagate_id": ("传播编号", "Propagation number"),
    "signature": ("签名", "Signature"),
    "issuer": ("签发者", "Issuer"),
}
_TEXT = {
    "title": ("这段文字从哪里来？", "Where does this text come from?"),
    "lead": (
        "粘贴文字，或放入文件。我们查找人工智能生成内容的标识，告诉您找到了什么，以及不能说明什么。",
        "Paste a text or drop a file. We look for the marks of AI-generated content, say what we found, and what it does not tell.",
    ),
    "text_label": ("粘贴文字", "Paste a text"),
    "text_hint": (
        "请直接从原处复制：隐形标记会随文字一起复制，重新打字则会丢失。",
        "Copy it straight from where it stands: invisible marks come along when you copy, and are lost when you retype.",
    ),
    "file_label": ("或选择文件", "Or choose a file"),
    "file_hint": ("支持：{formats}。拖放到此处亦可。", "Read are: {formats}. You can also drop one here."),
    "declared": ("我声明这是人工智能生成的内容", "I declare that this is AI-generated"),
    "known_summary": ("您是租户或运营者？", "Are you a tenant or an operator?"),
    "key_label": ("您的密钥", "Your key"),
    "key_hint": (
        "用于显示精确位置与分值；不保存。",
        "Shows exact places and scores. It is not kept.",
    ),
    "submit": ("查验", "Verify"),
    "busy": ("正在查验……", "Looking…"),
    "privacy": (
        "所交内容只在内存中查验，不保存、不写入日志。",
        "What you hand in is examined in memory. It is neither stored nor logged.",
    ),
    "found_heading": ("找到了什么", "What was found"),
    "absent_heading": ("找过而未发现的", "Looked for and not found"),
    "cannot_say": ("不能说明", "What it cannot say"),
    "map_heading": ("在文中的位置", "Where in the text"),
    "map_public": ("按句显示。", "By sentence."),
    "map_exact": ("按字显示；◇ 是一处不可见标记。", "By character; ◇ stands for an invisible mark."),
    "map_cut": ("只显示前 {count} 个字符。", "Only the first {count} characters are shown."),
    "map_words": ("以文字说明", "In words"),
    "map_none": ("文中没有标出的位置。", "No place in the text is marked."),
    "warm_heading": ("统计水印：逐字得分", "Statistical watermark: how each word speaks"),
    "warm_hint": (
        "只有本服务的租户和运营者能看到。柱越高，越像按本服务的密钥选出，没有柱的不说明问题；单个字词不算数，要看总和。",
        "Only tenants and operators of this service see this. The higher the bar, the more a word looks chosen by its key; "
        "those without one say nothing. What counts is the sum, not a single word.",
    ),
    "warm_0": ("相反", "against"),
    "warm_1": ("不说明问题", "neither"),
    "warm_2": ("支持", "for"),
    "warm_3": ("有力支持", "strongly for"),
    "warm_words": ("以文字说明：每句的平均分", "In words: the mean score of each sentence"),
    "warm_units": ("计分 {units} 处", "{units} scored"),
    "sentence": ("第 {first} 句", "sentence {first}"),
    "sentences": ("第 {first}–{last} 句", "sentences {first}–{last}"),
    "statutory_heading": ("法定标识", "Statutory label"),
    "statutory": ("Label {label}", "Label {label}"),
    "statutory_none": ("无", "none"),
    "evidence_heading": ("证据", "Evidence"),
    "evidence_hint": (
        "可复制；也可下载带签名的报告，任何人都能核验其未被改动。",
        "To copy; or as a signed report, of which anybody can verify that it is unaltered.",
    ),
    "copy": ("复制", "Copy"),
    "copied": ("已复制", "Copied"),
    "download_json": ("签名报告（JSON）", "Signed report (JSON)"),
    "download_pdf": ("签名报告（PDF）", "Signed report (PDF)"),
    "file": ("文件", "File"),
    "pasted": ("粘贴的文字", "Pasted text"),
    "characters": ("{count} 个字符", "{count} characters"),
    "how_heading": ("文字要多长，什么会丢失标识", "How long a text must be, and what loses a mark"),
    "how_technique": ("技术", "Technique"),
    "how_length": ("所需长度", "Length needed"),
    "how_keeps": ("保留于", "Survives"),
    "how_loses": ("丢失于", "Is lost in"),
    "fields_heading": ("AIGC 字段说明", "The AIGC field explained"),
    "fields_lead": (
        "GB 45438-2025 附录 E 规定，生成内容的文件元数据里有一个名为 AIGC 的字段，含以下七项。",
        "By GB 45438-2025, Annex E, files with AI-generated content carry a field named AIGC with these seven values.",
    ),
    "public_key": ("公钥", "Public key"),
    "attached": (
        "带签名的 JSON 附在本文件中，以它为准。",
        "The signed JSON is attached to this file; that is what the signature is of.",
    ),
    "label_heading": ("文件中的隐式标识", "The implicit label in the file"),
    "label_place": ("位置：{place}", "In {place}"),
    "compliant": ("符合 GB 45438-2025 附录 E。", "It is as GB 45438-2025, Annex E asks."),
    "non_compliant": ("不符合标准：", "It is not as the standard asks:"),
    "technical": ("技术说明", "Technical details"),
    "skip": ("跳到内容", "Skip to the content"),
    "other_language": ("English", "中文"),
    "error_heading": ("没有查验", "Not examined"),
    "nothing_given": (
        "请粘贴文字或选择一个文件。",
        "Paste a text or choose a file.",
    ),
    "too_many": ("查验次数过多，请 {seconds} 秒后再试。", "Too many checks. Try again in {seconds} seconds."),
    "too_large": ("内容过大。", "That is too large."),
    "unreadable": ("无法读取：{why}", "It cannot be read: {why}"),
    "wrong_key": (
        "密钥不正确，以下为公众可见的结果。",
        "The key is not known here; this is what everybody sees.",
    ),
    "elsewhere": ("请在本页面提交。", "Hand it in on this page."),
    "checked_at": ("查验时间", "Examined at"),
    "for_developers": ("接口", "API"),
}
# Technique -> how long, what keeps it, what loses it. The lengths are the measured ones of docs/benchmarks.md.
_HOW = {
    "explicit": (
        ("不限", "复制、打印、截图", "删除那一句"),
        ("any", "copying, print, screenshots", "deleting the line"),
    ),
    "carrier": (
        (
            "约 140 个汉字，或 150 个英文字符",
            "复制粘贴、网页、Markdown、docx",
            "重新打字、截图识别、翻译、GBK 编码、多数 PDF、清除隐形字符的工具",
        ),
        (
            "about 140 Chinese characters, or 150 characters of English",
            "copy and paste, web pages, Markdown, docx",
            "retyping, text recognition, translation, GBK, most PDF readers, cleaners of invisible characters",
        ),
    ),
    "fingerprint": (
        ("40 个汉字，或 25 个英文单词", "一切去除标识的做法，少量改动", "改写、翻译、登记期满"),
        (
            "40 Chinese characters, or 25 words",
            "whatever strips marks, light edits",
            "rewording, translation, the end of its retention",
        ),
    ),
    "statistical": (
        ("数百字", "一切不改动用词的做法", "改写、翻译、短文本"),
        ("several hundred words", "whatever leaves the words alone", "rewording, translation, short texts"),
    ),
    "metadata": (
        ("不限（仅文件）", "保存、发送文件", "把文字复制出文件、部分编辑软件另存"),
        ("any (files only)", "saving and sending the file", "copying the text out, some editors"),
    ),
}
_FIELDS = {
    "Label": ("1 属于、2 可能、3 疑似为生成合成内容", "1: is, 2: may be, 3: is suspected to be AI-generated"),
    "ContentProducer": ("生成服务提供者的名称或编码", "name or code of the service that generated it"),
    "ProduceID": ("该提供者给这份内容的唯一编号", "that service's unique number for it"),
    "ReservedCode1": ("预留字段，可存生成者的签名", "reserved; may hold the producer's signature"),
    "ContentPropagator": ("传播服务提供者的名称或编码", "name or code of the service that spread it"),
    "PropagateID": ("传播者给这份内容的唯一编号", "that service's unique number for it"),
    "ReservedCode2": ("预留字段，可存传播者的签名", "reserved; may hold the propagator's signature"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """Everything in one language."""

    language: str
    text: Mapping[str, str]
    verdicts: Mapping[str, str]
    reasons: Mapping[str, str]
    detectors: Mapping[str, str]
    about: Mapping[str, str]
    outcomes: Mapping[str, str]
    origin: Mapping[str, str]
    how: Mapping[str, tuple[str, str, str]]
    fields: Mapping[str, str]

    def __getitem__(self, key: str) -> str:
        return self.text[key]

    def pick(self, said: tuple[str, str]) -> str:
        """Of words in English and Chinese, as the detectors have them."""
        return said[1 if self.language == "zh" else 0]


def words(language: str) -> Words:
    """In `zh` or `en`."""
    at = LANGUAGES.index(language)

    def one(table: Mapping[str, tuple[str, str]]) -> dict[str, str]:
        return {key: said[at] for key, said in table.items()}

    return Words(
        language,
        one(_TEXT),
        one(_VERDICTS),
        one(_REASONS),
        one(_DETECTORS),
        one(_ABOUT),
        one(_OUTCOMES),
        one(_ORIGIN),
        {key: said[at] for key, said in _HOW.items()},
        one(_FIELDS),
    )
