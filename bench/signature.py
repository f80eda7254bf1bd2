"""What signing costs: ReservedCode1 (SM3withSM2) and C2PA manifests, in processor time of this thread.

.venv/bin/python bench/signature.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from labelers.c2pa_manifest import C2paSigner, read, sign
from labelers.metadata import aigc_fields
from labelers.reserved_code import public_key, verify
from labelers.reserved_code import sign as sign_label
from labelers.sm2 import SigningKey
from tests.certificates import issued

FIELDS = aigc_fields("001191440300708461136T1XGW3", "0693d21b6d4266ef")
PROSE = "春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！" * 30
WHEN = "2026-11-27T12:00:00Z"


def milliseconds(work: Callable[[], object], times: int) -> float:
    """The median of single calls."""
    spent = []
    for _ in range(times):
        start = time.thread_time()
        work()
        spent.append((time.thread_time() - start) * 1000)
    return statistics.median(spent)


def main() -> None:
    key = SigningKey(7)
    code = sign_label(FIELDS, key)
    pinned = {FIELDS["ContentProducer"]: [public_key(key)]}
    changed = FIELDS | {"ProduceID": "0"}
    print(f"ReservedCode1: sign {milliseconds(lambda: sign_label(FIELDS, key), 200):.2f} ms")
    print(f"ReservedCode1: verify {milliseconds(lambda: verify(FIELDS, code, pinned), 200):.2f} ms")
    print(
        f"ReservedCode1: refuse a changed one {milliseconds(lambda: verify(changed, code, pinned), 200):.2f} ms"
    )
    pki = issued()
    signer = C2paSigner(pki.chain, pki.key)
    page = f"<!doctype html><html><head><title>x</title></head><body>{PROSE}</body></html>".encode()
    for kind, data in (
        ("text/plain", PROSE.encode()),
        ("text/html", page),
        ("text/markdown", PROSE.encode()),
    ):
        signed = sign(data, kind, signer, generator="Inkseal/0.1.0", when=WHEN)
        took = milliseconds(
            lambda d=data, k=kind: sign(d, k, signer, generator="Inkseal/0.1.0", when=WHEN), 10
        )
        checked = milliseconds(lambda d=signed, k=kind: read(d, k), 10)
        print(
            f"C2PA {kind}: sign {took:.1f} ms, check {checked:.1f} ms, {len(signed) - len(data)} bytes more"
        )


if __name__ == "__main__":
    main()
