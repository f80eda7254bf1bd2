"""Which HTTP client for the data path: CPU of a thin forwarder with each candidate, on the same work.

    python bench/http_client.py --loadlab DIR [--rounds 3]

DIR holds the compiled `mock_upstream` and `load` and the two bodies. Both run on CPU 0, the forwarder under test
(uvicorn, uvloop, httptools) alone on CPU 1. Candidates take turns within a round; medians over the rounds. CPU
comes from /proc/PID/task/*/schedstat, so latency and other load on the machine do not enter.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.http_clients.clients import CLIENTS

MOCK_PORT, FIRST_PORT = 27000, 27100


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def forwarder(name: str, port: int) -> subprocess.Popen[bytes]:
    """A forwarder in its own process, on CPU 1."""
    target = f"http://127.0.0.1:{MOCK_PORT}/v1/chat/completions"
    options = f"--port {port} --loop uvloop --http httptools --no-access-log --log-level warning"
    return subprocess.Popen(
        [
            "taskset",
            "-c",
            "1",
            sys.executable,
            "-m",
            "uvicorn",
            "bench.http_clients.forwarder:app",
            *options.split(),
        ],
        env=os.environ | {"BENCH_CLIENT": name, "BENCH_TARGET": target},
        cwd=Path(__file__).resolve().parent.parent,
    )


def load(loadlab: Path, port: int, body: str, *options: str) -> dict[str, float]:
    command = ["taskset", "-c", "0", str(loadlab / "load"), "-p", str(port), "-u", "/v1/chat/completions"]
    command += ["-b", str(loadlab / body), *options]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(loadlab: Path, pid: int, port: int) -> tuple[float, float]:
    """CPU-s per 1000 unstreamed requests, µs CPU per streamed chunk."""
    load(loadlab, port, "body.json", "-c", "64", "-n", "500")
    start = cpu_seconds(pid)
    plain = load(loadlab, port, "body.json", "-c", "64", "-n", "6000")
    per_thousand = (cpu_seconds(pid) - start) / plain["done"] * 1000
    start = cpu_seconds(pid)
    paced = load(loadlab, port, "body-paced.json", "-c", "64", "-n", "64", "-s", "200")
    per_chunk = (cpu_seconds(pid) - start) / paced["events"] * 1e6
    if plain["err"] or paced["err"]:
        raise SystemExit(f"errors: {plain} {paced}")
    return per_thousand, per_chunk


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--loadlab", type=Path, required=True)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    processes = [
        subprocess.Popen(["taskset", "-c", "0", str(options.loadlab / "mock_upstream"), str(MOCK_PORT)])
    ]
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
    try:
        ports = {name: FIRST_PORT + index for index, name in enumerate(CLIENTS)}
        pids = {}
        for name, port in ports.items():
            processes.append(forwarder(name, port))
            pids[name] = processes[-1].pid
        for port in (MOCK_PORT, *ports.values()):
            wait_for(port)
        for _ in range(options.rounds):
            for name in CLIENTS:
                results[name].append(measure(options.loadlab, pids[name], ports[name]))
                print(name, *(f"{value:.3f}" for value in results[name][-1]), file=sys.stderr)
    finally:
        for process in processes:
            process.terminate()
            process.wait()
    print("| client | not streamed, CPU-s per 1000 | streamed, µs CPU per chunk |\n|---|---|---|")
    for name, rounds in results.items():
        plain, chunk = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"| {name} | {plain:.3f} | {chunk:.0f} |")


if __name__ == "__main__":
    main()
