"""隐式标识: the AIGC object of GB 45438-2025 Annex E, and the provider code in it.

Sources: GB 45438-2025 §6 and Annex E (fields, order, characters); TC260-PG-20252A (provider
code); GB 32100-2015 (统一社会信用代码 and its check digit).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

__all__ = [
    "AIGC_FIELDS",
    "Origin",
    "aigc_fields",
    "aigc_headers",
    "aigc_json",
    "provider_code",
    "provider_code_problems",
    "provider_code_warnings",
    "read_aigc_header",
    "service_code",
    "uscc_check_digit",
]

AIGC_FIELDS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)

# Annex E: 0x21, 0x23-0x5B, 0x5D-0x7E; neither space, quote, backslash nor Chinese.
_WRITABLE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_PLAIN_IN_HEADER = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in ';%"\\')
_CODE_LENGTH = 27
_CODE_CHARACTER = re.compile(r"[0-9A-Z]")
_USCC = slice(4, 22)
_SERVICE = re.compile(r"00000|[12][0-9A-Z]{4}")
_LOOKALIKES = {"I": "1", "O": "0", "S": "5", "Z": "2", "V": "U"}
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def aigc_fields(producer: str, content_id: str, *, label: str = "1", reserved: str = "") -> dict[str, str]:
    """The seven keys of Annex E in their order, as the first writer fills them.

    The first writer is propagator as well: same name, same number. `label`: "1" 属于, "2" 可能,
    "3" 疑似. Raises ValueError for a value that Annex E has no characters for.
    """
    for name, value in (("ContentProducer", producer), ("ProduceID", content_id)):
        if not _WRITABLE.fullmatch(value):
            raise ValueError(f"{name} {value!r} holds characters that GB 45438 Annex E does not allow")
    if label not in ("1", "2", "3"):
        raise ValueError(f"Label {label!r} is none of 1, 2, 3")
    return {
        "Label": label,
        "ContentProducer": producer,
        "ProduceID": content_id,
        "ReservedCode1": reserved,
        "ContentPropagator": producer,
        "PropagateID": content_id,
        "ReservedCode2": "",
    }


def aigc_json(fields: Mapping[str, str], *, wrapped: bool = True) -> str:
    """The metadata value: {"AIGC":{…}} on one line, or bare for places whose key is AIGC already."""
    ordered = {name: fields[name] for name in AIGC_FIELDS}
    return json.dumps({"AIGC": ordered} if wrapped else ordered, ensure_ascii=True, separators=(",", ":"))


def aigc_headers(fields: Mapping[str, str], hint: str) -> list[tuple[str, str]]:
    """The same over HTTP: X-AIGC, X-AIGC-Hint (percent-encoded UTF-8; left out where it is "") and AI-Disclosure.

    AI-Disclosure is the structured field of draft-abaris-aicdh. In X-AIGC a semicolon or percent
    sign of a value is percent-encoded.
    """
    producer = fields["ContentProducer"]
    name, number = (quote(value, safe=_PLAIN_IN_HEADER) for value in (producer, fields["ProduceID"]))
    return [
        ("x-aigc", f"label={fields['Label']}; producer={name}; id={number}"),
        *([("x-aigc-hint", quote(hint, safe=""))] if hint else []),
        ("ai-disclosure", f'mode=ai-originated;provider="{producer}"'),
    ]


@dataclass(frozen=True, slots=True)
class Origin:
    """What another proxy's X-AIGC header says: it labelled this text already, as its first writer."""

    label: str
    producer: str
    produce_id: str


def read_aigc_header(value: str) -> Origin | None:
    """The header as `aigc_headers` writes it; None if it is none, or says what Annex E could not."""
    fields: dict[str, str] = {}
    for part in value.split(";"):
        name, equals, said = part.strip().partition("=")
        if not equals or name in fields:
            return None
        fields[name] = unquote(said)
    label, producer, number = (fields.get(name, "") for name in ("label", "producer", "id"))
    if label not in ("1", "2", "3") or not all(_WRITABLE.fullmatch(said) for said in (producer, number)):
        return None
    return Origin(label, producer, number)


def uscc_check_digit(first17: str) -> str:
    """The eighteenth character of a 统一社会信用代码 (GB 32100-2015, modulo 31).

    Raises ValueError for a character outside the code's alphabet.
    """
    if len(first17) != 17 or any(c not in _USCC_ALPHABET for c in first17):
        raise ValueError(f"{first17!r} is not 17 characters of {_USCC_ALPHABET}")
    total = sum(_USCC_ALPHABET.index(c) * w for c, w in zip(first17, _USCC_WEIGHTS, strict=True))
    return _USCC_ALPHABET[-total % 31]


def provider_code(uscc: str, service: str = "00000") -> str:
    """Builds the 27-character code of an organisation.

    `service`: "1" generate or "2" propagate and four free characters, or "00000".
    """
    code = "0011" + uscc + service
    problems = provider_code_problems(code)
    if problems:
        raise ValueError("; ".join(problems))
    return code


def provider_code_problems(code: str) -> list[str]:
    """What is wrong with a provider code, each in one sentence; [] if it is well formed.

    Places count from 1. Whoever copied a code from paper finds the character to look at again.
    """
    wrong = [f"character {at} is {c!r}" for at, c in enumerate(code, 1) if not _CODE_CHARACTER.fullmatch(c)]
    if len(code) != _CODE_LENGTH or wrong:
        size = f"this one has {len(code)}" if len(code) != _CODE_LENGTH else ", ".join(wrong)
        return [f"a provider code has 27 characters 0-9 A-Z, {size}: {code!r}"]
    problems = []
    if not code.startswith("00"):
        problems.append(f"it starts with 00 (version), not {code[:2]}")
    if _is_organisation(code):
        problems += _uscc_problems(code[_USCC])
    service = code[22:]
    if not _SERVICE.fullmatch(service):
        problems.append(f"the service part {service} starts with 1 (generate) or 2 (propagate), or is 00000")
    return problems


def provider_code_warnings(code: str) -> list[str]:
    """What cannot be checked about a well-formed code, each in one sentence."""
    if _is_organisation(code):
        return []
    return [
        f"{code} names no organisation by its 统一社会信用代码 (characters 3 and 4 are {code[2:4]}, not 11): "
        "it is taken by its pattern, for how codes of natural persons are built is not published"
    ]


def _is_organisation(code: str) -> bool:
    return code[2:4] == "11"


def _uscc_problems(uscc: str) -> list[str]:
    """`uscc`: the characters 5 to 22 of a provider code."""
    wrong = [
        f"character {at} is {c}" + (f" (a {_LOOKALIKES[c]}?)" if c in _LOOKALIKES else "")
        for at, c in enumerate(uscc, 5)
        if c not in _USCC_ALPHABET
    ]
    if wrong:
        return [
            f"{uscc} holds a character that a 统一社会信用代码 cannot hold (I, O, S, V, Z): {', '.join(wrong)}"
        ]
    digit = uscc_check_digit(uscc[:17])
    if digit == uscc[17]:
        return []
    return [
        f"{uscc} has the check digit {uscc[17]} (character 22), its first 17 characters give {digit}: "
        "one of these 18 characters is wrong, or two have changed places"
    ]


def service_code(code: str, service: str) -> str:
    """The code of one service of a provider. `service`: five characters, or a whole code, which then counts.

    Raises ValueError with every problem of the result.
    """
    whole = code[:22] + service if len(service) == _CODE_LENGTH - 22 else service
    problems = provider_code_problems(whole)
    if problems:
        raise ValueError("; ".join(problems))
    return whole
