"""What scripts/run does: serve the embedded model, ask it once through the official SDK, read the marks."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import openai

ROOT = Path(__file__).resolve().parent.parent
INKSEAL = str(Path(sys.executable).parent / "inkseal")
ENVIRONMENT = os.environ | {"INKSEAL_CONFIG": str(ROOT / "config/demo.yaml")}
URL = "http://127.0.0.1:8080"
START_SECONDS = 120.0

# A base model continues text. Prompt and seed are fixed, so that everybody sees the same.
PROMPT = "茶是怎么做成的？"
OPTIONS = {"temperature": 0.6, "max_tokens": 200, "seed": 7}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the one chat")
    once = parser.parse_args().once
    prepare()
    server = subprocess.Popen([INKSEAL, "serve"], cwd=ROOT, env=ENVIRONMENT, start_new_session=True)
    try:
        wait_until_up(server)
        fine = show_one_chat()
        if not once and fine:
            print(f"\nServing on {URL}/v1 until Ctrl-C.")
            server.wait()
        return 0 if fine else 1
    except KeyboardInterrupt:
        return 0
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def prepare() -> None:
    """The sample library is published once; a second run finds it."""
    if not (ROOT / "data/library/live").exists():
        command = [INKSEAL, "library", "import", "config/library/sample.jsonl", "--publish"]
        command += ["--refusals", "config/library/refusals.yaml", "--as", "demo"]
        subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, stderr=subprocess.DEVNULL)


def wait_until_up(server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"the server did not start (exit code {server.returncode}); what it said stands above")
        try:
            if httpx.get(f"{URL}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    sys.exit(f"the server did not get ready within {START_SECONDS:.0f} seconds")


def show_one_chat() -> bool:
    """True if the label was seen and the mark verified."""
    print(f"\n> {PROMPT}\n")
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key="sk-demo")
    answer = ""
    stream = client.chat.completions.create(
        model="gemma-3-270m", messages=[{"role": "user", "content": PROMPT}], stream=True, **OPTIONS
    )
    for chunk in stream:
        piece = chunk.choices[0].delta.content if chunk.choices else None
        if piece:
            answer += piece
            print(piece, end="", flush=True)
    print("\n")
    report = httpx.post(f"{URL}/api/v1/detect", json={"text": answer}, timeout=30).raise_for_status().json()
    print(f"The detector says: {report['verdict']}")
    for found in report["detections"]:
        print(f"  {found['detector']}: {found['outcome']} - {found['technique']}")
        for key, value in (found["provenance"] or {}).items():
            print(f"      {key}: {value}")
    found = {(one["detector"], one["outcome"]) for one in report["detections"]}
    labelled = ("explicit", "present") in found
    verified = ("carrier", "present") in found
    if not labelled:
        print("The explicit label was not found in the answer.", file=sys.stderr)
    if not verified:
        print("The watermark in the answer did not verify.", file=sys.stderr)
    return labelled and verified


if __name__ == "__main__":
    sys.exit(main())
