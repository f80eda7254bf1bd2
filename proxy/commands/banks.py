"""What `inkseal library evaluate` does."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from proxy.desks import now_iso
from proxy.governance.bank import Answer, BankError, Report, read_bank, score
from proxy.governance.evaluate import PATH, Asking, ask_all
from proxy.review.entry import Direction
from proxy.review.interchange import decode
from proxy.review.scope import Scope
from proxy.review.store import load_live
from proxy.settings import Settings
from proxy.worker import key_file, library_key

__all__ = ["evaluate_bank"]


def evaluate_bank(
    settings: Settings,
    bank: Path,
    asking: Asking,
    answers_file: Path | None,
    progress: Callable[[int], None] | None,
) -> tuple[Report, str]:
    """The report, and the same as Markdown. Raises BankError, LibraryError, OSError.

    Delivered texts are read once more with the library that is in force here, if one is.
    """
    questions = read_bank(decode(bank.read_bytes()))
    answers = {} if answers_file is None or not answers_file.exists() else _kept(answers_file)
    where = Scope(Direction.OUTPUT, "assistant", _tenant(settings, asking.key), asking.model, PATH)
    library = load_live(settings.review.library, library_key(key_file(settings)))

    def finds(text: str) -> Sequence[str]:
        if library is None:
            return ()
        found = library.review(text, where)
        return [finding.entry_id for finding in found if finding.action.holds]

    kept = answers_file.open("a", encoding="utf-8") if answers_file is not None else None
    try:

        def done(answer: Answer) -> None:
            answers[answer.id] = answer
            if kept is not None and not answer.error:
                kept.write(json.dumps(asdict(answer), ensure_ascii=False) + "\n")
                kept.flush()
            if progress is not None:
                progress(len(answers))

        asyncio.run(ask_all(asking, [q for q in questions if q.id not in answers], finds, done))
    finally:
        if kept is not None:
            kept.close()
    report = score(questions, answers)
    about = {
        "bank": f"{bank.name}, {len(questions)} questions",
        "asked": f"{asking.endpoint}, model {asking.model}",
        "library": library.version if library is not None else "none in force here",
        "at": now_iso(),
    }
    return report, report.to_markdown("Evaluation by question bank 题库评测", about)


def _tenant(settings: Settings, key: str) -> str | None:
    """Whose key it is, None where these settings do not know it: then what is limited to some tenants counts too."""
    if not settings.tenants:
        return ""
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    return next((one.name for one in settings.tenants if one.key == key or one.key_sha256 == digest), None)


def _kept(file: Path) -> dict[str, Answer]:
    answers = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            answer = Answer(**{**row, "findings": tuple(row.get("findings", ()))})
        except (ValueError, TypeError, AttributeError) as error:
            raise BankError(f"{file}: line {number}: is no kept answer ({error!r})") from None
        answers[answer.id] = answer
    return answers
