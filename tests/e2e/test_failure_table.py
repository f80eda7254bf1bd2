"""Everything a model server can do wrong, on all three endpoints: what the client sees, and what the record says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.failures import CASES, ENDPOINTS, SAID, Seen, failing, observe
from tests.wire.leaks import strings_of


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_whatever_goes_wrong_the_client_is_told_and_the_record_closed(
    tmp_path: Path, path: str
) -> None:
    wrong = []
    async with failing(tmp_path) as run:
        for number, case in enumerate(CASES):
            seen, text = await observe(run, number, path)
            expected = _for(case.seen, path)
            if expected != replace(seen, reason=seen.reason[: len(expected.reason)]):
                wrong.append((case.name, case.stream, expected, seen))
            if seen.end in ("whole", "no [DONE]", "error event") and not any(
                SAID in said for said in strings_of(text.encode())
            ):
                wrong.append((case.name, case.stream, "the text is missing", text))
        assert run.house.live == 0
    assert wrong == []


def _for(seen: Seen, path: str) -> Seen:
    """Responses end with an event of their own, so there is no [DONE] to miss."""
    return replace(seen, end="whole") if path == "responses" and seen.end == "no [DONE]" else seen
