"""ReservedCode1 保护标识: who wrote an implicit label, signed with SM3withSM2.

Signed are the three pairs of the producer (message M), never the text: so nothing may be signed for a text
that is not shown to be ours. Two conventions live in real files: the signature of M (MiniMax) and that of
SM3(M) (StepFun); a reader tries both. The key that stands in the label proves integrity only; who signed is
known where the key is one that the reader had before, pinned to that producer.

Readers meet more spellings than the guide has: nested escapes, `PubSd`, `LabelMataData`, lower-case hex,
signatures as r || s, keys as bare points or as x alone, further entries (bindings to the content) beside ours.

Sources: TC260-PG-202511A and its Annex A.1; GB 45438-2025 Annex F.4; GB/T 32918.2 (SM2); files of the two vendors.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelers.sm2 import SigningKey, Sm2Error, der_signature, points, sm3, spki
from labelers.sm2 import verify as fits

__all__ = ["SM3_WITH_SM2", "SignatureReading", "key_points", "message", "public_key", "sign", "verify"]

SM3_WITH_SM2 = "1.2.156.10197.1.501"
_SM2_NAMES = frozenset(
    {SM3_WITH_SM2, "1.2.156.10197.1.301", "SM2", "SM3WITHSM2", "SM2WITHSM3", "SM2-WITH-SM3", ""}
)
_SIGNED = ("Label", "ContentProducer", "ProduceID")
_MAX_LENGTH = 64 * 1024
_MAX_ENTRIES = 16
_MAX_WRAPPERS = 4
# The organisation's part of a 27-character provider code; the five behind it name the service.
_ORGANISATION = 22


@dataclass(frozen=True, slots=True)
class SignatureReading:
    """What a ReservedCode1 proves.

    `present`: it holds a signature at all. `valid` (integrity): Label, ContentProducer and ProduceID are as they
    were signed, by `convention` "M" or "SM3(M)" and the public key `key` (SPKI, upper-case hex). `authentic`: that
    key is pinned to this producer. `reason`: one sentence for people.
    """

    present: bool
    valid: bool
    authentic: bool
    convention: str
    key: str
    reason: str


def message(fields: Mapping[str, str]) -> bytes:
    """M: the three pairs of the producer as JSON writes them, joined by commas, without braces."""
    return ",".join(
        f'"{name}":{json.dumps(str(fields.get(name, "")), ensure_ascii=False)}' for name in _SIGNED
    ).encode()


def public_key(key: SigningKey) -> str:
    """SubjectPublicKeyInfo in upper-case hex, as it stands in a label; what others pin."""
    return spki(key.point).hex().upper()


def sign(fields: Mapping[str, str], key: SigningKey, *, prehash: bool = False) -> str:
    """The value of ReservedCode1 for these fields. `prehash`: sign SM3(M) instead of M. Raises Sm2Error."""
    signed = message(fields)
    entries = [
        {
            "Type": "DS",
            "AlgID": SM3_WITH_SM2,
            "TBSData": {"Type": "Md"},
            "Signature": key.sign(sm3(signed) if prehash else signed).hex().upper(),
        },
        {"Type": "PubKey", "AlgID": SM3_WITH_SM2, "KeyValue": public_key(key)},
    ]
    whole = {"SecurityData": {"Type": "TC260PG", "Version": 1, "PubSD": entries}}
    return json.dumps(whole, separators=(",", ":"))


def key_points(text: str) -> tuple[bytes, ...]:
    """The points that a public key in hex (or Base64) may stand for; () if it is none."""
    encoded = _bytes(text)
    return points(encoded) if encoded is not None else ()


def verify(
    fields: Mapping[str, str], reserved_code: str, pinned_keys: Mapping[str, Sequence[str]] | None = None
) -> SignatureReading:
    """Check the signature in a ReservedCode1 against the fields beside it.

    `pinned_keys`: public keys (hex) by ContentProducer; a 27-character code stands for all services of its
    organisation. Never raises: what cannot be read is a reading too.
    """
    security = _security_data(reserved_code)
    if security is None:
        held = reserved_code.strip()
        return _no(
            "ReservedCode1 is empty" if not held else "ReservedCode1 holds no SecurityData that can be read"
        )
    entries = list(_entries(security))
    signatures = [e for e in entries if _text(e, "Type").upper() == "DS"]
    if not signatures:
        return _no("the SecurityData holds no signature")
    usable = [e for e in signatures if _text(e, "AlgID").upper() in _SM2_NAMES]
    if not usable:
        named = ", ".join(sorted({_text(e, "AlgID") for e in signatures}))
        return _no(
            f"signed with another algorithm than SM3withSM2 ({named}), which is not checked here",
            present=True,
        )
    pinned = _pinned(_text(fields, "ContentProducer"), pinned_keys or {})
    candidates = [
        p for e in entries if _text(e, "Type").upper() == "PUBKEY" for p in key_points(_text(e, "KeyValue"))
    ]
    candidates = list(dict.fromkeys(candidates or pinned))
    if not candidates:
        return _no("there is no readable SM2 key to check the signature with", present=True)
    try:
        found = _search(usable, candidates, message(fields))
    except Sm2Error as error:
        return _no(str(error), present=True)
    if found is None:
        return _no(
            "the signature does not fit: Label, ContentProducer or ProduceID were changed, or it was made otherwise",
            present=True,
        )
    point, convention = found
    authentic = point in pinned
    if authentic:
        reason = "signed by this producer: the fields are unchanged and the key is pinned to it"
    elif pinned:
        reason = "the fields are unchanged since they were signed, but with another key than is pinned to this producer"
    else:
        reason = "the fields are unchanged since they were signed; by whom is not shown, for no key is pinned to this producer"
    return SignatureReading(True, True, authentic, convention, spki(point).hex().upper(), reason)


def _search(
    entries: Sequence[Mapping[str, Any]], candidates: Sequence[bytes], signed: bytes
) -> tuple[bytes, str] | None:
    """The key and the convention by which one of the signatures fits."""
    for entry in entries:
        encoded = _bytes(_text(entry, "Signature"))
        signature = der_signature(encoded) if encoded is not None else None
        if signature is None:
            continue
        for convention, data in (("M", signed), ("SM3(M)", sm3(signed))):
            for point in candidates:
                if fits(point, data, signature):
                    return point, convention
    return None


def _no(reason: str, *, present: bool = False) -> SignatureReading:
    return SignatureReading(present, False, False, "", "", reason)


def _pinned(producer: str, pinned_keys: Mapping[str, Sequence[str]]) -> list[bytes]:
    """The points pinned to a producer."""
    names = [name for name in pinned_keys if name == producer]
    if len(producer) == 27:
        names += [
            n
            for n in pinned_keys
            if len(n) == 27 and n != producer and n[:_ORGANISATION] == producer[:_ORGANISATION]
        ]
    return [point for name in names for text in pinned_keys[name] for point in key_points(text)]


def _security_data(text: str) -> Mapping[str, Any] | None:
    """The SecurityData object, out of however many strings, escapes and wrappers it is in."""
    if len(text) > _MAX_LENGTH:
        return None
    value: Any = text
    for _ in range(_MAX_WRAPPERS):
        if isinstance(value, str):
            value = _json(value)
        if isinstance(value, Mapping):
            inner = next(
                (v for k, v in value.items() if str(k).lower() in ("securitydata", "reservedcode1")), None
            )
            if inner is None:
                return value if any(str(key).lower() == "pubsd" for key in value) else None
            value = inner
    return None


def _json(text: str) -> Any:
    """JSON, also where its quotes were escaped (for a shell, a header, HTML) and never unescaped; else None."""
    for _ in range(_MAX_WRAPPERS):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            plain = html.unescape(text).replace('\\"', '"').replace("\\\\", "\\")
            if plain == text:
                return None
            text = plain
    return None


def _entries(security: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key, value in security.items():
        if key.lower() == "pubsd":
            listed = value if isinstance(value, list) else [value]
            yield from [entry for entry in listed if isinstance(entry, Mapping)][:_MAX_ENTRIES]


def _text(entry: Mapping[str, Any], name: str) -> str:
    """A member as text, whatever the case of its name; "" without one."""
    value = next((v for k, v in entry.items() if str(k).lower() == name.lower()), "")
    return str(value).strip() if isinstance(value, str | int) else ""


def _bytes(text: str) -> bytes | None:
    """Hex in either case, with or without spaces and colons, else Base64; None if it is neither."""
    compact = "".join(text.split()).replace(":", "").removeprefix("0x").removeprefix("0X")
    try:
        return bytes.fromhex(compact)
    except ValueError:
        pass
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
