"""Who may do what in the procedure of the feature library. Pure.

Operators are named people with roles and a token, of which only the SHA-256 is kept. Whoever acts is an
`Actor`: an operator, the admin token, a name claimed on the command line, or this program itself.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from proxy.review.tables import builtin_tables
from proxy.review.views import safe_view

__all__ = ["ROLES", "SYSTEM", "Actor", "Operator", "ProcedureError", "checked_name", "person", "shown_by"]

ROLES = ("operator", "reviewer", "approver", "auditor", "admin")
_NAME = re.compile(r"[\w.@+-]{1,64}")


class ProcedureError(ValueError):
    """The procedure does not allow this; the message says what to do. `code` for machines, `status` for HTTP."""

    def __init__(self, code: str, message: str, status: int = 409) -> None:
        self.code, self.status = code, status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Operator:
    """One named person; `revoked` is the time (ISO 8601) from which the token is worth nothing, "" while it is."""

    name: str
    roles: tuple[str, ...]
    token_sha256: str
    created: str
    created_by: str
    revoked: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts. `how` it is known: "token", "claimed" (command line), "admin token" or "system"."""

    name: str
    roles: frozenset[str]
    how: str

    @classmethod
    def of(cls, operator: Operator, how: str) -> Actor:
        return cls(operator.name, frozenset(operator.roles), how)

    def must_be(self, roles: Iterable[str], action: str) -> None:
        """ProcedureError unless one of the roles is held. This program itself may only what it does by itself."""
        if self.roles.isdisjoint(roles):
            wanted = " or ".join(role for role in roles if role != "system")  # nobody can be given that one
            raise ProcedureError(
                "forbidden", f"{self.name} may not {action}: that takes the role {wanted}", 403
            )


SYSTEM = Actor("inkseal", frozenset(["system"]), "system")


def checked_name(name: str) -> str:
    """A name as it is kept. ProcedureError for one that could not be told from another at sight."""
    if not _NAME.fullmatch(name) or not person(name):
        raise ProcedureError(
            "invalid_name", f"{name!r} is no operator's name: letters, digits and . _ - @ +, at most 64", 400
        )
    return name


def person(name: str) -> str:
    """Equal for all spellings of one name: case, width and look-alike letters do not make another person."""
    return safe_view(builtin_tables()).fold(name)


def shown_by(operators: Iterable[Operator], token: str) -> Operator | None:
    """The operator whose token this is. All are compared, in constant time."""
    digest = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
    found = None
    for operator in operators:
        if hmac.compare_digest(operator.token_sha256, digest) and not operator.revoked:
            found = operator
    return found
