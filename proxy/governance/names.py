"""The names that an entry may be limited to: roles, endpoints, tenants, models. A name that nobody has never applies.

Roles and endpoints are the ones there are, so another one is refused. Tenants and models may come later, or stand in a
file that several installations share, so an unknown one is a remark; `library stats` and `check-config` tell it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from proxy.review.entry import EntryError
from proxy.review.library import Library
from proxy.review.standard import Remark

__all__ = ["ROLES", "Gap", "Limited", "Names", "Stray", "strays"]

ROLES = (
    "system", "developer", "user", "assistant", "tool", "function",
    "request",  # what stands outside the messages: instructions, tools, schemas
    # Items of /v1/responses that are no messages have their type as role.
    "additional_tools", "apply_patch_call", "apply_patch_call_output", "code_interpreter_call", "compaction",
    "compaction_trigger", "computer_call", "computer_call_output", "configuration_update", "custom_tool_call",
    "custom_tool_call_output", "file_search_call", "function_call", "function_call_output", "image_generation_call",
    "local_shell_call", "local_shell_call_output", "mcp_approval_request", "mcp_approval_response", "mcp_call",
    "mcp_list_tools", "program", "program_output", "reasoning", "shell_call", "shell_call_output", "tool_search_call",
    "tool_search_output", "web_search_call",
)  # fmt: skip
_ANSWERING = "assistant"  # the role of everything that a model says
_WILD = "*?["


class Limited(Protocol):
    """What is limited: an entry, or the condition that entries share."""

    @property
    def roles(self) -> Sequence[str]: ...
    @property
    def tenants(self) -> Sequence[str]: ...
    @property
    def models(self) -> Sequence[str]: ...
    @property
    def endpoints(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Gap:
    """A name that is none: in which `field`, what to do about it; `code`: of the remark, "" where it is refused."""

    field: str
    advice: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Stray:
    """An entry in force that names what is not there."""

    entry: str
    pattern: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Names:
    """What there is. `tenants`: name -> the models open to it; None where nobody knows, as for an empty `endpoints`.

    `models`: patterns that the upstreams serve.
    """

    endpoints: tuple[str, ...] = ()
    tenants: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    models: tuple[str, ...] = ("*",)

    def check(self, entry: Limited, scope: str = "both") -> None:
        """EntryError for a role or an endpoint that there is none of."""
        for gap in self.gaps(entry):
            if not gap.code:
                raise EntryError(gap.field, gap.advice)
        if scope == "output" and entry.roles and _ANSWERING not in entry.roles:
            raise EntryError(
                "roles", f"with scope output it never applies: what a model says has the role {_ANSWERING}"
            )

    def remarks(self, entry_id: str, entry: Limited) -> list[Remark]:
        """What may be meant so, and more often is a slip."""
        return [
            Remark(entry_id, gap.code, f"{gap.field}: {gap.advice}") for gap in self.gaps(entry) if gap.code
        ]

    def gaps(self, entry: Limited) -> Iterator[Gap]:
        """Every name that is none."""
        for role in entry.roles:
            if role not in ROLES:
                yield Gap("roles", f"{role!r} is no role; the roles are {', '.join(ROLES)}")
        for path in entry.endpoints:
            if self.endpoints and not any(fnmatchcase(known, path) for known in self.endpoints):
                yield Gap(
                    "endpoints",
                    f"{path!r} fits no endpoint that is reviewed; they are {', '.join(self.endpoints)}, and * stands "
                    "for any part",
                )
        yield from self._tenants(entry.tenants)
        for model in entry.models:
            if not self._served(model, entry.tenants):
                yield Gap(
                    "models",
                    f"{model!r} fits no model that is served, so the entry does not apply there; served are "
                    f"{', '.join(self.models)}, as far as tenants may use them",
                    "unknown_model",
                )

    def _tenants(self, names: Sequence[str]) -> Iterator[Gap]:
        if self.tenants is None:
            return
        known = [name for name, _ in self.tenants]
        for name in names:
            if name not in known:
                yield Gap(
                    "tenants",
                    f"there is no tenant {name!r}, so the entry does not apply there; the tenants are "
                    f"{', '.join(known) or 'none'}",
                    "unknown_tenant",
                )

    def _served(self, model: str, tenants: Sequence[str]) -> bool:
        """Whether a model of this name, or that fits this pattern, may ever be asked for."""
        if not any(_meet(model, one) for one in self.models):
            return False
        open_to = [models for name, models in self.tenants or () if not tenants or name in tenants]
        return not open_to or any(_meet(model, one) for models in open_to for one in models)


def strays(library: Library, names: Names, limit: int = 1000) -> list[Stray]:
    """Entries of a version that name what is not there."""
    found: list[Stray] = []
    for condition, rows in library.limited.items():
        gaps = list(names.gaps(condition))
        for entry in (library.entries[row] for row in (rows if gaps else ())):
            found += [Stray(entry.id, entry.pattern, gap.field, gap.advice) for gap in gaps]
            if len(found) >= limit:
                return found[:limit]
    return found


def _meet(one: str, other: str) -> bool:
    """Whether a name may fit both patterns; where both have wildcards, what stands before these decides."""
    if not any(c in one for c in _WILD):
        return fnmatchcase(one, other)
    if not any(c in other for c in _WILD):
        return fnmatchcase(other, one)
    begins, starts = _literal(one), _literal(other)
    return begins.startswith(starts) or starts.startswith(begins)


def _literal(pattern: str) -> str:
    return pattern[: min(place for c in _WILD if (place := pattern.find(c)) >= 0)]
