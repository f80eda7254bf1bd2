"""The docs tell today's truth: every setting, command, error code and scheme is there, links lead somewhere, examples run."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from pydantic import BaseModel

from labelers.watermarks import SCHEMES
from labelers.watermarks.carrier import PROFILES
from proxy.__main__ import main
from proxy.settings import Settings, load_settings
from proxy.upstreams import KINDS
from proxy.upstreams.scripted import Scripted
from proxy.wire import ENDPOINTS
from tests.helpers import serving

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "README.zh.md",
    ROOT / "CHANGELOG.md",
    ROOT / "engines/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def setting_names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from setting_names(inner, f"{prefix}{name}.")
        else:
            yield prefix + name


def commands(group: click.Group, prefix: str = "inkseal") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


@pytest.mark.parametrize("name", list(setting_names(Settings)))
def test_every_setting_stands_in_the_default_file(name: str) -> None:
    document: Any = yaml.safe_load(text("config/default.yaml"))
    for step in name.split("."):
        assert step in document, f"{name} is missing in config/default.yaml"
        document = document[step]


@pytest.mark.parametrize("command", list(commands(main)))
def test_every_command_is_described(command: str) -> None:
    assert f"`{command}" in text("docs/cli.md")


def test_every_option_is_described() -> None:
    page = text("docs/cli.md")
    for command in _leaves(main):
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.name not in ("version", "help"):
                assert any(option in page for option in parameter.opts), f"{command.name}: {parameter.opts}"


def _leaves(group: click.Group) -> Iterator[click.Command]:
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from _leaves(command)
        else:
            yield command


def test_every_error_code_is_explained() -> None:
    codes = set()
    for path in (ROOT / "proxy").rglob("*.py"):
        codes |= set(re.findall(r'\bcode="([a-z_]+)"', path.read_text("utf-8")))
    assert len(codes) > 10
    page = text("docs/api.md")
    assert [code for code in sorted(codes) if f"`{code}`" not in page] == []


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_every_endpoint_is_described(endpoint: str) -> None:
    assert f"POST {endpoint}`" in text("docs/api.md")


def test_every_scheme_profile_and_upstream_kind_is_named() -> None:
    assert all(f"`{name}`" in text("docs/architecture.md") for name in (*SCHEMES, *KINDS))
    assert all(f"`{name}`" in text("docs/watermark.md") for name in PROFILES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_settings_in_the_readme_are_valid(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", text(page), re.DOTALL)
    assert blocks
    for at, block in enumerate(blocks):
        path = tmp_path / f"{at}.yaml"
        path.write_text(block, "utf-8")
        load_settings(path, {"UPSTREAM_KEY": "k"})


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
async def test_the_example_in_the_readme_runs(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", text(page), re.DOTALL)
    assert len(code.strip().splitlines()) <= 11
    async with serving(tmp_path, Scripted.answer(["春天", "很好。"])) as run:
        code = code.replace("http://127.0.0.1:8080", run.url)
        # The SDK's client is closed when it is collected, which may be after the test: so it is done here.
        await asyncio.to_thread(exec, code + "\nclient.close()\n", {})
    said = capsys.readouterr().out
    assert said.startswith("【本内容由AI生成】")
    assert said.rstrip().endswith("（以上内容由AI生成）")


def test_the_documents_name_no_machine_of_ours() -> None:
    for page in [
        *PAGES,
        ROOT / "pyproject.toml",
        *(ROOT / "scripts").iterdir(),
        *(ROOT / "config").rglob("*.yaml"),
    ]:
        if page.is_file():
            assert "/work/" not in page.read_text("utf-8"), page
