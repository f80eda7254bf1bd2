"""What the commands of the operators do."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.commands.library import acting, open_desk
from proxy.governance.desk import Desk
from proxy.governance.people import Actor, checked_name
from proxy.settings import Settings

__all__ = ["add_operator", "revoke_operator"]


def add_operator(settings: Settings, name: str, roles: Sequence[str], by: str) -> str:
    """The new operator's token. Raises ProcedureError."""
    desk = open_desk(settings)
    return desk.add_operator(name, roles, _admin(desk, by))


def revoke_operator(settings: Settings, name: str, by: str, reason: str) -> None:
    desk = open_desk(settings)
    desk.revoke_operator(name, _admin(desk, by), reason)


def _admin(desk: Desk, name: str) -> Actor:
    """An operator with the role admin, once there is one.

    Before, whoever runs commands here holds the admin token anyway (it stands in the settings, or its digest in
    the key file that this person can read and replace).
    """
    admins = [one for one in desk.operators() if "admin" in one.roles and not one.revoked]
    if admins:
        return acting(desk, name)
    return Actor(checked_name(name), frozenset(["admin"]), "claimed")
