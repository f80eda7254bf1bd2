"""The key that signs implicit labels (SM3withSM2), derived from the key file, and the signer made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from labelers.reserved_code import sign
from labelers.sm2 import ORDER, SigningKey
from proxy.keys import KeyFile

__all__ = ["LabelSigner", "label_signer", "signing_key"]

LabelSigner = Callable[[Mapping[str, str]], str]
"""From the fields of an implicit label to its ReservedCode1. Only for texts that are shown to be ours."""

_REMEMBERED = 1024


def signing_key(keys: KeyFile) -> SigningKey:
    """The one signing key of this installation. Raises Sm2Error where OpenSSL has no SM2.

    It does not change with the key epochs: others pin its public half. 512 derived bits modulo the group order
    are as good as uniform.
    """
    wide = int.from_bytes(keys.derive("inkseal|sm2|1|high") + keys.derive("inkseal|sm2|1|low"))
    return SigningKey(wide % (ORDER - 2) + 1)


def label_signer(key: SigningKey, *, prehash: bool) -> LabelSigner:
    """Signs once what is asked for twice (the first and the last chunk of an answer)."""

    @lru_cache(maxsize=_REMEMBERED)
    def signed(label: str, producer: str, number: str) -> str:
        fields = {"Label": label, "ContentProducer": producer, "ProduceID": number}
        return sign(fields, key, prehash=prehash)

    return lambda fields: signed(fields["Label"], fields["ContentProducer"], fields["ProduceID"])
