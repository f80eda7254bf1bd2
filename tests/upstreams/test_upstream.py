"""The error carries its HTTP hint; the table of kinds builds upstreams from settings."""

from __future__ import annotations

from typing import get_args

import pytest

from proxy.upstreams import KINDS, build
from proxy.upstreams.openai_compatible import OpenAICompatible
from proxy.upstreams.scripted import Scripted
from proxy.upstreams.upstream import ErrorKind, Upstream, UpstreamError
from tests.upstreams.raw_server import Settings


@pytest.mark.parametrize("kind", get_args(ErrorKind))
def test_time_limits_are_504_and_the_rest_502(kind: ErrorKind) -> None:
    error = UpstreamError(kind, "what happened")
    assert error.status == (504 if "timeout" in kind else 502)
    assert (str(error), error.message, error.retryable) == ("what happened", "what happened", False)


@pytest.mark.parametrize(
    ("kind", "expected"), [("scripted", Scripted), ("openai_compatible", OpenAICompatible)]
)
def test_a_kind_of_the_table_is_built(kind: str, expected: type) -> None:
    upstream: Upstream = build(Settings(name="u", kind=kind))
    assert isinstance(upstream, expected)
    assert upstream.name == "u"


def test_the_table_holds_the_documented_kinds() -> None:
    assert sorted(KINDS) == ["local", "openai_compatible", "scripted"]


def test_a_third_partys_kind_is_named_by_module_and_attribute() -> None:
    kind = "proxy.upstreams.openai_compatible:OpenAICompatible"
    assert isinstance(build(Settings(kind=kind)), OpenAICompatible)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("openai", "unknown kind 'openai'; known: local, "),
        ("no.such:Thing", "no"),
        ("proxy:Nothing", "Nothing"),
    ],
)
def test_an_unknown_kind_is_refused_with_its_upstream(kind: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"upstream 'main': .*{said}"):
        build(Settings(kind=kind))
