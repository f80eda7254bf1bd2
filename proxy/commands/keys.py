"""What the commands of the key file do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from labelers.reserved_code import public_key
from labelers.sm2 import Sm2Error
from proxy.house import Clock, iso_time
from proxy.keys import KeyFile
from proxy.settings import Settings
from proxy.signature import signing_key
from proxy.worker import key_file

__all__ = ["list_keys", "new_keys", "public_signing_key", "rotate_keys"]


def new_keys(settings: Settings) -> KeyFile:
    """Raises FileExistsError: a second master would make every mark so far unverifiable."""
    if settings.keys.file.exists():
        raise FileExistsError(
            f"{settings.keys.file} exists already; a new master key would leave every mark made so far unverifiable. "
            "To change keys: inkseal keys rotate"
        )
    return key_file(settings)


def rotate_keys(settings: Settings) -> KeyFile:
    return KeyFile.load(settings.keys.file).rotate(now=iso_time(Clock().now_ms()))


def list_keys(settings: Settings) -> list[dict[str, Any]]:
    return [asdict(epoch) for epoch in KeyFile.load(settings.keys.file).epochs]


def public_signing_key(settings: Settings) -> str:
    """What others pin to us: SubjectPublicKeyInfo in hex. Raises OSError or ValueError."""
    try:
        return public_key(signing_key(KeyFile.load(settings.keys.file)))
    except Sm2Error as error:
        raise ValueError(str(error)) from error
