"""What the whole proxy costs against a direct connection and nginx, features off and on.

    python bench/overhead.py --loadlab DIR [--nginx /usr/sbin/nginx] [--rounds 3]

DIR holds the compiled `mock_upstream` and `load`, the two bodies and `nginx.conf`. Mock and generator run on CPU 0, the
proxy under test alone on CPU 1; targets take turns within a round; medians over the rounds. CPU comes from
/proc/PID/task/*/schedstat. `tr`: what a target adds to a token on its way, in µs (the mock writes the time into the text).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.http_client import MOCK_PORT, cpu_seconds, load, wait_for

INKSEAL = Path(sys.executable).parent / "inkseal"
NGINX_PORT = 27010
OFF: dict[str, Any] = {
    "labels": {"mode": "interface", "undertaking": "benchmark", "metadata": False},
    "watermarks": {"carrier": {"enabled": False}},
    "review": {"input": False, "output": False},
    "records": {"enabled": False},
}
CASES: dict[str, dict[str, Any]] = {
    "inkseal, everything off": OFF,
    "inkseal, records only": {**OFF, "records": {"enabled": True}},
    "inkseal, review of 10,000 entries only": {**OFF, "review": {}},
    "inkseal, labels, metadata and carrier only": {**OFF, "labels": {}, "watermarks": {}},
    "inkseal, everything on": {},
}


def entries(count: int) -> str:
    chance = random.Random(7)
    words: set[str] = set()
    while len(words) < count:
        words.add("".join(chr(chance.randint(0x4E00, 0x9FA4)) for _ in range(chance.randint(3, 5))))
    return "".join(f'{{"pattern": "{word}", "category": "A.1.a"}}\n' for word in sorted(words))


def start(folder: Path, port: int, sections: dict[str, Any]) -> subprocess.Popen[bytes]:
    folder.mkdir()
    document = {
        "server": {"port": port},
        "upstreams": [{"name": "mock", "base_url": f"http://127.0.0.1:{MOCK_PORT}/v1"}],
        **sections,
    }
    (folder / "inkseal.yaml").write_text(yaml.safe_dump(document), "utf-8")
    (folder / "words.jsonl").write_text(entries(10_000), "utf-8")
    subprocess.run(
        [INKSEAL, "library", "import", "words.jsonl", "--publish"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(["taskset", "-c", "1", INKSEAL, "serve"], cwd=folder, stdout=log, stderr=log)


def worker_of(process: subprocess.Popen[bytes]) -> int:
    """nginx works in a child of its master."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0]) if children else process.pid


def measure(loadlab: Path, pid: int | None, port: int) -> dict[str, float]:
    load(loadlab, port, "body.json", "-c", "64", "-n", "300")
    before = cpu_seconds(pid) if pid else 0.0
    plain = load(loadlab, port, "body.json", "-c", "64", "-n", "2000")
    middle = cpu_seconds(pid) if pid else 0.0
    paced = load(loadlab, port, "body-paced.json", "-c", "64", "-n", "64", "-s", "200")
    after = cpu_seconds(pid) if pid else 0.0
    if plain["err"] or paced["err"]:
        raise SystemExit(f"errors: {plain} {paced}")
    return {
        "plain": (middle - before) / plain["done"] * 1000,
        "chunk": (after - middle) / (64 * 203) * 1e6,
        "tr50": paced["tr50"],
        "tr99": paced["tr99"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loadlab", type=Path, required=True)
    parser.add_argument("--nginx", default="/usr/sbin/nginx")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        processes = [
            subprocess.Popen(
                ["taskset", "-c", "0", str(options.loadlab / "mock_upstream"), str(MOCK_PORT)],
                stderr=subprocess.DEVNULL,
            )
        ]
        wait_for(MOCK_PORT)
        targets: dict[str, tuple[int | None, int]] = {"direct": (None, MOCK_PORT)}
        try:
            if Path(options.nginx).exists():
                (folder / "ngx").mkdir()
                command = [options.nginx, "-p", str(folder) + "/", "-c", str(options.loadlab / "nginx.conf")]
                processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ))
                wait_for(NGINX_PORT)
                targets["nginx"] = (worker_of(processes[-1]), NGINX_PORT)
            for number, (name, sections) in enumerate(CASES.items()):
                port = 27200 + number
                processes.append(start(folder / str(number), port, sections))
                for _ in range(5):
                    with contextlib.suppress(SystemExit):
                        wait_for(port)
                        break
                targets[name] = (processes[-1].pid, port)
            results: dict[str, list[dict[str, float]]] = {name: [] for name in targets}
            for _ in range(options.rounds):
                for name, (pid, port) in targets.items():
                    results[name].append(measure(options.loadlab, pid, port))
                    print(name, results[name][-1], file=sys.stderr)
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait()
    print(
        "| target | not streamed, CPU-s per 1000 | streamed, µs CPU per chunk | tr50, µs | tr99, µs |\n|---|---|---|---|---|"
    )
    for name, rounds in results.items():
        values = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        cpu = "" if name == "direct" else f"{values['plain']:.3f}"
        chunk = "" if name == "direct" else f"{values['chunk']:.0f}"
        print(f"| {name} | {cpu} | {chunk} | {values['tr50']:.0f} | {values['tr99']:.0f} |")


if __name__ == "__main__":
    main()
