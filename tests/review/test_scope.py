"""Entries look at what they are limited to, and at all of it where the limits are not known."""

from __future__ import annotations

import pytest

from proxy.review.entry import Direction, Entry, EntryError
from proxy.review.library import Library
from proxy.review.scope import Condition, Scope

OUT, IN = Direction.OUTPUT, Direction.INPUT
DAY = 86_400_000
LIMITED = [
    # limits, scope, whether the entry looks at it
    ({}, Scope(OUT), True),
    ({}, Scope(OUT, "assistant", "app", "m", "/v1/responses", 0), True),
    ({"roles": ["user"]}, Scope(IN, role="user"), True),
    ({"roles": ["user"]}, Scope(IN, role="tool"), False),
    ({"roles": ["user"]}, Scope(IN), True),
    ({"tenants": ["app", "web"]}, Scope(OUT, tenant="web"), True),
    ({"tenants": ["app"]}, Scope(OUT, tenant=""), False),
    ({"models": ["qwen-*"]}, Scope(OUT, model="qwen-max"), True),
    ({"models": ["qwen-*"]}, Scope(OUT, model="glm"), False),
    ({"endpoints": ["/v1/chat/*"]}, Scope(OUT, endpoint="/v1/chat/completions"), True),
    ({"endpoints": ["/v1/chat/*"]}, Scope(OUT, endpoint="/v1/responses"), False),
    ({"roles": ["user"], "tenants": ["app"]}, Scope(IN, role="user", tenant="web"), False),
    ({"scope": {"direction": "input", "roles": ["user"]}}, Scope(OUT, role="user"), False),
    ({"effective_from": "1970-01-03"}, Scope(OUT, now_ms=DAY), False),
    ({"effective_from": "1970-01-03"}, Scope(OUT, now_ms=3 * DAY), True),
    ({"expires": "1970-01-01T00:00:00Z"}, Scope(OUT, now_ms=0), False),
    ({"expires": "1970-01-02"}, Scope(OUT, now_ms=DAY), True),
    ({"expires": "1970-01-02"}, Scope(OUT), True),
]


@pytest.mark.parametrize(("limits", "scope", "looks"), LIMITED)
def test_an_entry_looks_at_what_it_is_limited_to(
    limits: dict[str, object], scope: Scope, looks: bool
) -> None:
    limited = Entry.from_row({"pattern": "甲乙", "category": "A.1.a", "action": "flag", **limits})
    library = Library.compile([limited, Entry("丙丁", "A.1.a")])
    assert [f.text for f in library.review("甲乙丙丁", scope)] == (["甲乙"] if looks else []) + ["丙丁"]


def test_each_set_of_entries_is_compiled_once() -> None:
    library = Library.compile([
        Entry("甲乙", "A.1.a", tenants=("app",)), Entry("丙丁", "A.1.a", tenants=("app",)), Entry("戊己", "A.1.a"),
    ])  # fmt: skip
    app = library.kit(Scope(OUT, tenant="app"))
    assert library.kit(Scope(OUT, tenant="app", role="user")) is app
    assert library.kit(Scope(OUT, tenant="web")) is library.kit(Scope(OUT, tenant="desk")) is not app
    assert len(app.lenses) == 2 * len(library.kit(Scope(OUT, tenant="web")).lenses)


def test_what_is_prepared_is_known_and_needs_no_compiling() -> None:
    library = Library.compile(
        [Entry("甲乙", "A.1.a", tenants=("app",)), Entry("戊己", "A.1.a", roles=("user",))]
    )
    scopes = [Scope(IN, role="user", tenant="app"), Scope(OUT, role="assistant", tenant="app")]
    assert not library.knows(scopes)
    library.prepare(scopes)
    assert library.knows(scopes)
    assert not library.knows([Scope(IN, role="user", tenant="web")])
    assert Library.compile([Entry("甲乙", "A.1.a")]).knows(scopes)


def test_a_limited_entry_that_cannot_be_matched_is_refused_when_the_library_is_made() -> None:
    with pytest.raises(EntryError, match="the limit is 64"):
        Library.compile([Entry("甲" * 65, "A.1.a", tenants=("app",))])


def test_entries_without_limits_have_no_condition() -> None:
    assert Condition.of(Entry("甲乙", "A.1.a")) is None
    assert Condition.of(Entry("甲乙", "A.1.a", models=("*",))) is not None
