"""Which language a text is in, as far as the wording of labels needs to know it. Pure and quick.

Languages with a script of their own show in their characters; those in Latin letters in their commonest
words. Only what the operator has words for is told apart; whoever is not sure says English.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from types import MappingProxyType

__all__ = ["DETECTABLE", "locale_of"]

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

# Asked in this order: Japanese mixes kana with Han characters, so it comes before Chinese.
_SCRIPTS = MappingProxyType({
    "ja": re.compile(r"[\u3041-\u309f\u30a1-\u30fa\uff66-\uff9d]"),
    "ko": re.compile(r"[\uac00-\ud7af\u1100-\u11ff\u3131-\u318e]"),
    "zh": _HAN,
    "ar": re.compile(r"[\u0620-\u064a\u0671-\u06d3]"),
    "he": re.compile(r"[\u05d0-\u05ea]"),
    "hi": re.compile(r"[\u0904-\u0939]"),
    "th": re.compile(r"[\u0e01-\u0e30]"),
    "el": re.compile(r"[\u0391-\u03c9]{2}"),
    "ru": re.compile(r"[\u0410-\u044f]{2}"),
})  # fmt: skip
_WORDS = MappingProxyType({
    "de": frozenset(["der", "die", "das", "und", "ist", "nicht", "ein", "eine", "ich", "du", "wie", "mit", "für", "von", "den", "zu", "auf", "bitte", "kann", "was", "wird"]),
    "es": frozenset(["el", "los", "las", "una", "que", "por", "con", "para", "cómo", "qué", "del", "está", "hola", "puedes", "escribe", "sobre", "más", "como", "y", "es"]),
    "fr": frozenset(["le", "les", "des", "une", "est", "que", "pour", "dans", "avec", "vous", "je", "moi", "écris", "quelle", "comment", "sur", "du", "et", "la", "ce"]),
    "it": frozenset(["il", "gli", "che", "una", "per", "con", "sono", "come", "di", "della", "scrivi", "puoi", "mi", "è", "perché", "nel", "sulla", "anche", "e", "le"]),
    "nl": frozenset(["de", "het", "een", "en", "van", "is", "niet", "ik", "je", "hoe", "met", "voor", "wat", "kun", "schrijf", "op", "dat", "zijn", "kan", "maar"]),
    "pt": frozenset(["o", "os", "uma", "que", "para", "com", "não", "você", "como", "do", "da", "escreva", "pode", "sobre", "é", "em", "um", "por", "mais", "isso"]),
    "en": frozenset(["the", "and", "is", "are", "a", "an", "of", "to", "in", "for", "with", "how", "what", "write", "please", "can", "you", "about", "that", "this"]),
})  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_LOOKED_AT = 2000  # characters from the start

DETECTABLE = frozenset(_SCRIPTS) | frozenset(_WORDS)


def locale_of(text: str, available: Collection[str] = ("zh", "en")) -> str:
    """The locale of `available` that a text is in; English where nothing speaks for another one."""
    text = text[:_LOOKED_AT]
    for locale, script in _SCRIPTS.items():
        if locale in available and script.search(text):
            return locale
    latin = [locale for locale in _WORDS if locale in available]
    if len(latin) > 1:
        words = [word.lower() for word in _WORD.findall(text)]
        scores = {locale: sum(word in _WORDS[locale] for word in words) for locale in latin}
        best = max(scores, key=lambda locale: (scores[locale], locale == "en"))
        if scores[best] > 1 and scores[best] > scores.get("en", 0):
            return best
    return "en"
