"""Where a text stands: what decides which entries look at it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from proxy.review.entry import Direction, Entry

__all__ = ["Condition", "Passage", "Scope"]


@dataclass(frozen=True, slots=True)
class Scope:
    """A text's direction, and its role, tenant, model and endpoint where they are known.

    None for what is not known: then entries that are limited to some of them look at it too. `now_ms`: Unix
    time, for entries that are in force for a time; None for all of them.
    """

    direction: Direction
    role: str | None = None
    tenant: str | None = None
    model: str | None = None
    endpoint: str | None = None
    now_ms: int | None = None


class Passage(NamedTuple):
    """A text that was said, where it stands, and what to call the place; `as_json`: what its strings say is read."""

    scope: Scope
    text: str
    part: str
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What limits an entry, besides its direction; the same for all entries that are limited alike."""

    roles: tuple[str, ...]
    tenants: tuple[str, ...]
    models: tuple[str, ...]
    endpoints: tuple[str, ...]
    in_force_ms: tuple[float, float]

    @classmethod
    def of(cls, entry: Entry) -> Condition | None:
        """The condition of an entry; None if it looks at everything, always."""
        lists = [tuple(names) for names in (entry.roles, entry.tenants, entry.models, entry.endpoints)]
        if not any(lists) and not entry.effective_from and not entry.expires:
            return None
        return cls(lists[0], lists[1], lists[2], lists[3], entry.in_force_ms)

    def holds(self, scope: Scope) -> bool:
        """Whether the entry looks at a text that stands there."""
        begins, ends = self.in_force_ms
        return (
            (scope.now_ms is None or begins <= scope.now_ms < ends)
            and (not self.roles or scope.role is None or scope.role in self.roles)
            and (not self.tenants or scope.tenant is None or scope.tenant in self.tenants)
            and _fits(self.models, scope.model)
            and _fits(self.endpoints, scope.endpoint)
        )


def _fits(patterns: tuple[str, ...], name: str | None) -> bool:
    return not patterns or name is None or any(fnmatchcase(name, pattern) for pattern in patterns)
