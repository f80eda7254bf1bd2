"""Real clients see through the proxy what they see without it, but for labels and marks in text.

Run by `scripts/test --clients`: each client is installed in an environment of its own and runs its small script twice.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.clients.answers import BLOCKED, CITY, ERROR_KEY, MODEL, POEM, REFUSAL, WEATHER, app
from tests.e2e.processes import ROOT, server
from tests.helpers import keyword, publish_library, settings_in

pytestmark = [pytest.mark.clients, pytest.mark.slow]

HERE = Path(__file__).parent
ENVIRONMENTS = ROOT / ".venv-clients"
# The folder of the script, that of the requirements, and the script's arguments.
CLIENTS = {
    "openai-python 2": ("openai_python_3", "openai_python_2", []),
    "openai-python 3": ("openai_python_3", "openai_python_3", []),
    "openai for Node": ("openai_node", "openai_node", []),
    "langchain-openai": ("langchain_openai", "langchain_openai", []),
    "ai, @ai-sdk/openai, responses": ("vercel_ai", "vercel_ai", ["openai"]),
    "ai, @ai-sdk/openai, chat": ("vercel_ai", "vercel_ai", ["openai_chat"]),
    "ai, @ai-sdk/openai-compatible": ("vercel_ai", "vercel_ai", ["openai_compatible"]),
    "llm": ("llm", "llm", []),
    "pydantic-ai": ("pydantic_ai", "pydantic_ai", []),
}
START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of the proxy, in a process of its own."""
    folder = tmp_path_factory.mktemp("proxy")
    settings = settings_in(
        folder,
        upstreams=[{"name": "main", "kind": "tests.clients.answers:make", "models": [MODEL]}],
        tenants=[
            {"name": "refusal", "key": "sk-refusal"},
            {"name": "error", "key": ERROR_KEY, "review": {"on_block": "error"}},
        ],
    )
    publish_library(settings, [keyword(BLOCKED)])
    with server(folder) as (url, _):
        yield f"{url}/v1"


@pytest.fixture(scope="module")
def direct() -> Iterator[str]:
    """The base URL of the same answers without a proxy."""
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    while not running.started and thread.is_alive():
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    running.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="module", params=CLIENTS)
def seen(request: pytest.FixtureRequest, proxied: str, direct: str, tmp_path_factory: Any) -> tuple[Any, Any]:
    """What one client reports: through the proxy, and directly."""
    script, environment, arguments = CLIENTS[request.param]
    folder = tmp_path_factory.mktemp("client")
    command = [*installed(environment, script), *arguments]
    return run(command, proxied, folder), run(command, direct, folder)


def installed(environment: str, script: str) -> list[str]:
    """The command that runs a client's script; its environment is made where it is missing or out of date."""
    if (HERE / environment / "package.json").exists():
        node = python_environment("nodejs", HERE / "nodejs.txt").parent
        path = f"{node}{os.pathsep}{os.environ['PATH']}"
        with once(HERE / environment / "node_modules", HERE / environment / "package.json") as missing:
            if missing:
                npm = [str(node / "npm"), "install", "--no-package-lock", "--no-audit", "--no-fund"]
                subprocess.run(npm, cwd=HERE / environment, env={**os.environ, "PATH": path}, check=True)
        return [str(node / "node"), str(HERE / script / "client.mjs")]
    python = python_environment(environment, HERE / environment / "requirements.txt")
    return [str(python), str(HERE / script / "client.py")]


def python_environment(name: str, requirements: Path) -> Path:
    """The Python of a virtual environment that holds `requirements`."""
    folder = ENVIRONMENTS / name
    python = folder / "bin/python"
    with once(folder, requirements) as missing:
        if missing:
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            subprocess.run([*pip, "-r", str(requirements)], check=True)
    return python


@contextmanager
def once(folder: Path, source: Path) -> Iterator[bool]:
    """Whether `folder` is still to be made from `source`; noted inside it when the block has passed."""
    note, wanted = folder / ".made-from", source.read_text()
    yield not note.exists() or note.read_text() != wanted
    note.write_text(wanted)


def run(command: list[str], url: str, folder: Path) -> Any:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "BASE_URL": url,
        "MODEL": MODEL,
        "BLOCKED": BLOCKED,
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def bare(value: Any) -> Any:
    """Without what Inkseal adds to text."""
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items()}
    if isinstance(value, list):
        return [bare(item) for item in value]
    if isinstance(value, str):
        text = "".join(c for c in value if not "\ufe00" <= c <= "\ufe0f")
        return text.removeprefix(START).removesuffix(END)
    return value


def test_a_client_sees_what_it_sees_directly_but_for_labels_and_marks(seen: tuple[Any, Any]) -> None:
    through, straight = seen
    assert bare(through) == straight


@pytest.mark.parametrize("scenario", ["text", "stream", "responses_text", "responses_stream"])
def test_every_text_is_labelled_at_both_ends(seen: tuple[Any, Any], scenario: str) -> None:
    through, straight = seen
    if scenario not in straight:
        pytest.skip("this client speaks one wire only")
    assert straight[scenario]["text"] == POEM
    assert through[scenario]["text"].startswith(START)
    assert through[scenario]["text"].endswith(END)


def test_tools_are_called_with_whole_arguments_and_their_results_answered(seen: tuple[Any, Any]) -> None:
    told = json.dumps(seen[0]["tools"], ensure_ascii=False)
    assert all(part in told for part in ("杭州", WEATHER[:2]))
    assert "杭州" in json.dumps(seen[0]["tools_streamed"], ensure_ascii=False)


@pytest.mark.parametrize("scenario", ["history", "responses_history"])
def test_the_model_is_shown_its_own_answer_without_labels_and_marks(
    seen: tuple[Any, Any], scenario: str
) -> None:
    through, straight = seen
    if scenario not in straight:
        pytest.skip("this client speaks one wire only")
    assert f"{len(POEM)}字" in through[scenario]["text"]


def test_structured_output_parses_as_it_is(seen: tuple[Any, Any]) -> None:
    assert seen[0]["structured"] == json.loads(CITY)


def test_errors_and_blocks_raise_what_the_client_knows(seen: tuple[Any, Any]) -> None:
    through, _ = seen
    assert "error" in through["error"]
    assert "error" in through["blocked_as_error"]
    assert through["blocked"].get("text") == REFUSAL or "error" in through["blocked"]
    assert BLOCKED not in json.dumps([through["blocked"], through["blocked_streamed"]], ensure_ascii=False)
