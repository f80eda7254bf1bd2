"""Who may import whom: the architecture, checked on every import statement."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("labelers", "detectors", "engines", "proxy")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# Rooms that decide and transform: nothing in them waits, reads a clock, the environment or a file.
PURE = (
    "labelers",
    "detectors",
    "engines",
    "proxy/wire",
    "proxy/lane.py",
    "proxy/policy.py",
    "proxy/limits.py",
)
IMPURE_IMPORTS = {
    "asyncio",
    "time",
    "os",
    "pathlib",
    "socket",
    "sqlite3",
    "random",
    "secrets",
    "subprocess",
    "threading",
}

# What may be imported where, by the first part of the path that fits.
ONLY_IN = {
    "fastapi": ("proxy/app.py", "proxy/api", "proxy/files/api.py", "proxy/console"),
    "uvicorn": ("proxy/serve.py",),
    "httptools": ("proxy/upstreams",),
    "aiohttp": ("proxy/upstreams",),
    "httpx": ("proxy/governance", "proxy/tokenizing.py"),
    "tiktoken": ("proxy/tokens.py",),
    "openai": (),
    "greenlet": ("proxy/suspended.py",),
    "sqlite3": ("proxy/records", "proxy/fingerprints", "proxy/governance"),
    "click": ("proxy/__main__.py", "proxy/cli", "proxy/commands"),
    "daachorse": ("proxy/review", "labelers/watermarks/pairs.py"),
    "re2": ("proxy/review",),
    "tokenizers": ("proxy/tokenizing.py",),
    "torch": ("engines",),
    "transformers": ("engines",),
    "vllm": ("engines",),
}

# A room and what of the proxy it may use besides itself; the first that fits counts.
ROOMS = {
    "proxy/review": ("proxy.review",),
    "proxy/wire/__init__.py": ("proxy.wire", "proxy.tokens"),
    "proxy/wire": ("proxy.wire", "proxy.review", "proxy.errors", "proxy.lane"),
    "proxy/lane.py": ("proxy.review",),
    "proxy/records": ("proxy.records",),
    "proxy/fingerprints": ("proxy.fingerprints",),
    "proxy/governance": ("proxy.governance", "proxy.review", "proxy.records", "proxy.settings"),
    "proxy/upstreams": ("proxy.upstreams",),
    "proxy/settings": ("proxy.settings",),
    "proxy/errors.py": (),
    "proxy/limits.py": ("proxy.errors",),
    "proxy/keys.py": (),
    "proxy/tokens.py": (),
    "proxy/policy.py": ("proxy.wire", "proxy.review", "proxy.errors", "proxy.lane", "proxy.settings"),
}


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            yield node.module or ""


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_are_modules_to_check() -> None:
    assert len(MODULES) > 30


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_packages_point_in_one_direction(path: Path) -> None:
    allowed = {
        "labelers": {"labelers"},
        "detectors": {"labelers", "detectors"},
        "engines": {"labelers", "engines"},
        "proxy": set(PACKAGES),
    }
    for name in imports_of(path):
        top = name.partition(".")[0]
        if top in PACKAGES:
            assert top in allowed[place(path).partition("/")[0]], f"{place(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    for name in imports_of(path):
        rooms = ONLY_IN.get(name.partition(".")[0])
        assert rooms is None or place(path).startswith(rooms or ("nowhere",)), f"{place(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_rooms_of_the_proxy_use_only_what_they_may(path: Path) -> None:
    allowed = next((names for room, names in ROOMS.items() if place(path).startswith(room)), None)
    for name in imports_of(path):
        if allowed is not None and name.startswith("proxy"):
            assert name.startswith(allowed or ("nowhere",)), f"{place(path)} imports {name}"


@pytest.mark.parametrize("path", [p for p in MODULES if place(p).startswith(PURE)], ids=place)
def test_pure_rooms_do_nothing_but_compute(path: Path) -> None:
    if place(path).startswith("labelers/files"):
        pytest.skip("reads and writes files: that is what it is for")
    for name in imports_of(path):
        assert name.partition(".")[0] not in IMPURE_IMPORTS, f"{place(path)} imports {name}"
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input"}, (
                f"{place(path)}:{node.lineno} calls {node.func.id}"
            )
        assert not isinstance(node, ast.Await | ast.AsyncFunctionDef), f"{place(path)} waits"


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "__init__.py"], ids=place)
def test_exports_are_named_sorted_and_there(path: Path) -> None:
    if path.name == "__main__.py":
        return
    tree = ast.parse(path.read_text("utf-8"))
    exported = (
        next(
            (
                ast.literal_eval(n.value)
                for n in tree.body
                if isinstance(n, ast.Assign) and n.targets[0].id == "__all__"
            ),  # type: ignore[attr-defined]
            None,
        )
        if any(isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "__all__" for n in tree.body)
        else None
    )
    assert exported is not None, f"{place(path)} has no __all__"
    # Constants, then classes, then functions: the order that ruff's RUF022 keeps.
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    if "torch" in imports_of(path) and find_spec("torch") is None:
        pytest.skip("torch is not installed (dependency group `engines`)")
    if name not in sys.modules:
        __import__(name)
    for item in exported:
        assert hasattr(sys.modules[name], item), f"{name} has no {item}"
