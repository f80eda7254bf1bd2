"""Who answers for the service: `provider` and `signature`."""

from __future__ import annotations

import re

from pydantic import field_validator, model_validator

from labelers.metadata import provider_code_problems, provider_code_warnings, service_code
from labelers.reserved_code import key_points
from proxy.settings.section import Section

__all__ = ["Provider", "Signature"]

# A name that begins like a provider code and is nearly as long was meant as one.
_MEANT_AS_CODE = re.compile(r"00[0-9A-Za-z]{21,32}")


class Provider(Section):
    """`services`: the service codes of models, by name or pattern, where they differ from that in `code`."""

    code: str = "UNSET"
    services: dict[str, str] = {}

    @field_validator("code")
    @classmethod
    def _check(cls, code: str) -> str:
        if _MEANT_AS_CODE.fullmatch(code):
            problems = provider_code_problems(code)
            if problems:
                raise ValueError("not a provider code: " + "; ".join(problems))
        elif not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]{1,64}", code):
            raise ValueError(
                "a provider is 27 characters 0-9 A-Z (checked) or an ASCII name without spaces and quotes"
            )
        return code

    @model_validator(mode="after")
    def _check_services(self) -> Provider:
        if self.services and not _MEANT_AS_CODE.fullmatch(self.code):
            raise ValueError("services: only a provider with a 27-character code has service codes")
        for model, service in self.services.items():
            try:
                service_code(self.code, service)
            except ValueError as error:
                raise ValueError(f"services.{model}: not a service code: {error}") from None
        return self

    def service_codes(self) -> dict[str, str]:
        """The whole code of each model pattern."""
        return {model: service_code(self.code, service) for model, service in self.services.items()}

    def names(self) -> tuple[str, ...]:
        """Every ContentProducer that our labels may name."""
        return tuple(dict.fromkeys([self.code, *self.service_codes().values()]))

    def warnings(self) -> list[str]:
        """What nobody could check about the codes."""
        codes = [name for name in self.names() if _MEANT_AS_CODE.fullmatch(name)]
        return [warning for code in codes for warning in provider_code_warnings(code)]


class Signature(Section):
    """ReservedCode1. `trusted`: public keys of other producers, by their name or code; several where they changed."""

    api: bool = False
    prehash: bool = False
    trusted: dict[str, list[str]] = {}

    @field_validator("trusted")
    @classmethod
    def _check(cls, trusted: dict[str, list[str]]) -> dict[str, list[str]]:
        for producer, keys in trusted.items():
            for key in keys:
                if not key_points(key):
                    raise ValueError(
                        f"{producer}: {key[:24]!r} is not a public SM2 key (SubjectPublicKeyInfo or point, in hex)"
                    )
        return trusted
