"""Bringing in files: every row accounted for, all or nothing, at any size."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.governance import intake
from proxy.governance.intake import bring_in
from proxy.governance.people import ProcedureError
from proxy.governance.store import Search, UnavailableError
from proxy.review.entry import Entry, EntryError
from tests.governance.desks import Desks, actor, mild

ANN = actor("ann")


@pytest.fixture
def desks(tmp_path: Path) -> Desks:
    return Desks(tmp_path)


def put(desks: Desks, *rows: dict[str, Any] | str, name: str = "a.jsonl") -> Path:
    path = desks.folder / name
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def row(pattern: str, **fields: Any) -> dict[str, Any]:
    return {"pattern": pattern, "category": "A.2.a", "severity": 2, **fields}


def test_new_entries_are_proposed_by_whoever_brings_them_with_one_event(desks: Desks) -> None:
    taken = bring_in(
        desks.desk, put(desks, row(" 测试  词语 "), row("test word", author="eve")), ANN, "list 7"
    )
    assert (taken.new, taken.refused, taken.examined) == (2, False, True)
    found = desks.desk.search(Search(origin=taken.event))
    assert {(r.entry.pattern, r.status, r.entry.author) for r in found} == {
        (" 测试  词语 ", "proposed", "ann"),
        ("test word", "proposed", "ann"),
    }
    assert all(r.hits_per_million == 0 for r in found)
    (record,) = desks.records
    assert record.fields["event"] == "import"
    assert (record.fields["new"], record.fields["reason"], record.fields["file"]) == (2, "list 7", "a.jsonl")
    assert len(record.fields["seals_sha256"]) == len(record.fields["file_sha256"]) == 64
    _, events = desks.desk.history(found[0].id)
    assert [event.action for event in events] == ["import"]


def test_a_preview_says_the_same_and_changes_nothing(desks: Desks) -> None:
    path = put(desks, row("测试词语甲"), row("测试词语甲", id="other"), row("乙"))
    told = bring_in(desks.desk, path, ANN, "", preview=True)
    assert (told.new, told.duplicate, told.invalid) == (1, 1, 1)
    assert desks.desk.search(Search()) == []
    assert desks.records == []


CASES: dict[str, tuple[list[dict[str, Any] | str], dict[str, int]]] = {
    "the same row twice": ([row("新词语一"), row("新词语一")], {"new": 1, "invalid": 1}),
    "the same meaning under two ids": (
        [row("新词语一", id="x"), row("新词语一", id="y")],
        {"new": 1, "duplicate": 1},
    ),
    "one meaning, two actions": (
        [row("新词语一", id="x"), row("新词语一", id="y", action="flag")],
        {"new": 1, "conflict": 1},
    ),
    "what is in force already": ([row("旧词语")], {"duplicate": 1}),
    "what is in force with another severity": ([row("旧词语", severity=1)], {"conflict": 1}),
    "what is proposed already": ([row("待定词语", severity=1)], {"conflict": 1}),
    "too short": ([row("甲")], {"invalid": 1}),
    "nothing left of it": ([row("\u200b\u200b")], {"invalid": 1}),
    "not JSON": (["{oops"], {"invalid": 1}),
    "over before it begins": ([row("新词语一", expires="2026-11-26")], {"invalid": 1}),
    "its last day is today": ([row("新词语一", expires="2026-11-27")], {"new": 1}),
    "no category": ([{"pattern": "新词语一"}], {"invalid": 1}),
    "shadowed by what is in force": ([row("很旧词语一")], {"invalid": 1}),
    "the same word for other tenants": (
        [row("旧词语", id="x", tenants=["app"], action="flag"), row("旧词语", id="y", tenants=["web"])],
        {"new": 2},
    ),
    "shadowed by a row of the file": ([row("新词语"), row("很新词语一")], {"new": 1, "invalid": 1}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("preview", [True, False])
def test_each_row_is_new_duplicate_conflict_or_invalid(desks: Desks, case: str, preview: bool) -> None:
    rows, counts = CASES[case]
    force(desks, "旧词语")
    desks.desk.propose(mild("待定词语"), ANN)
    before = desks.desk.search(Search())
    taken = bring_in(desks.desk, put(desks, *rows), ANN, "", preview=preview)
    found = {n: getattr(taken, n) for n in ("new", "changed", "duplicate", "conflict", "invalid")}
    assert {n: count for n, count in found.items() if count} == counts
    assert taken.refused == ("conflict" in counts or "invalid" in counts)
    if preview or taken.refused or not taken.new:
        assert desks.desk.search(Search()) == before
        assert taken.event == ""
    if taken.refused:
        assert taken.lines[0].place.startswith("line ")


def force(desks: Desks, pattern: str) -> str:
    one = desks.desk.propose(mild(pattern), ANN).revision
    with desks.desk.changing() as ledger:
        from proxy.review.standard import meaning

        ledger.put(one.changed_to(desks.time, {"status": "published"}), meaning(one.entry))
    return one.id


def test_with_update_another_content_is_a_proposed_revision(desks: Desks) -> None:
    one = force(desks, "旧词语")
    taken = bring_in(desks.desk, put(desks, row("旧词语", severity=1)), ANN, "", update=True)
    assert (taken.changed, taken.new) == (1, 0)
    assert {(r.number, r.status) for r in desks.desk.search(Search(ids=[one]))} == {
        (1, "published"),
        (2, "proposed"),
    }


def test_what_hits_clean_text_is_brought_in_with_a_note(desks: Desks) -> None:
    taken = bring_in(desks.desk, put(desks, row("图书馆"), row("词语甲", exceptions=["无关"])), ANN, "")
    assert taken.new == 2
    assert {(line.place, line.kind) for line in taken.lines} == {("line 1", "note"), ("line 2", "note")}
    assert "clean characters it would act 31250 times and only flag 0 times" in str(taken.lines)


def test_more_rows_than_are_examined_are_examined_when_they_are_approved(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "FULL_EXAMINATION", 2)
    seen: list[int] = []
    monkeypatch.setattr(intake, "_PROGRESS_ROWS", 2)
    taken = bring_in(
        desks.desk,
        put(desks, *(row(f"测试词语{n}") for n in "甲乙丙"), row("图书馆")),
        ANN,
        "",
        progress=seen.append,
    )
    assert (taken.new, taken.examined, seen) == (4, False, [2, 4])
    found = desks.desk.search(Search(origin=taken.event))
    assert {r.hits_per_million for r in found} == {None}
    desks.desk.step("review", [r.id for r in found], actor("bob"))
    library = next(r.id for r in found if r.entry.pattern == "图书馆")
    with pytest.raises(ProcedureError, match="can only flag"):
        desks.desk.step("approve", [library], actor("cid"))
    done = desks.desk.step("approve", [r.id for r in found if r.id != library], actor("cid"))
    assert {r.hits_per_million for r in done} == {0}


def test_others_go_on_while_a_file_is_read(desks: Desks) -> None:
    path = put(desks, *[row(f"测试词语{n}号") for n in range(1200)])
    done: list[str] = []

    def meanwhile(count: int) -> None:
        done.append(desks.open().propose(mild("别的词语"), actor("bob")).revision.id)

    taken = bring_in(desks.desk, path, ANN, "r", progress=meanwhile)
    assert (taken.new, taken.refused, len(done)) == (1200, False, 1)
    assert {r.entry.author for r in desks.desk.search(Search(ids=tuple(done)))} == {"bob"}
    assert len(desks.desk.search(Search(origin=taken.event, limit=None))) == 1200


@pytest.mark.parametrize("same", ["id", "meaning"])
def test_an_entry_that_somebody_else_proposed_meanwhile_takes_the_whole_file_back(
    desks: Desks, same: str
) -> None:
    path = put(desks, *[row(f"测试词语{n}号") for n in range(1200)])

    def meanwhile(count: int) -> None:
        other = mild("测试词语7号") if same == "meaning" else replace(mild("别的词语"), id=entry_id)
        desks.open().propose(other, actor("bob"))

    entry_id = Entry("测试词语7号", "A.2.a", severity=2).id
    with pytest.raises(UnavailableError, match="changed by somebody else while these were read"):
        bring_in(desks.desk, path, ANN, "r", progress=meanwhile)
    assert [r.entry.author for r in desks.desk.search(Search(limit=None))] == ["bob"]
    assert desks.events() == ["propose"]


def test_only_those_who_may_propose_bring_in(desks: Desks) -> None:
    with pytest.raises(ProcedureError, match="may not import"):
        bring_in(desks.desk, put(desks, row("测试词语甲")), actor("x", "auditor", "admin"), "")


def test_a_file_that_is_none_is_told(desks: Desks) -> None:
    with pytest.raises(EntryError, match="must end in"):
        bring_in(desks.desk, put(desks, name="a.txt"), ANN, "")
    with pytest.raises(EntryError, match="holds no entries"):
        bring_in(desks.desk, put(desks, "# nothing yet"), ANN, "", preview=True)
    with pytest.raises(EntryError, match="colour"):
        bring_in(desks.desk, put(desks, "pattern,colour", "甲,red", name="a.csv"), ANN, "")


_BIG = """
import json, resource, sys
from pathlib import Path
from tests.governance.desks import Desks, actor
from proxy.governance.intake import bring_in
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
desks = Desks(Path(sys.argv[1]))
taken = bring_in(desks.desk, Path(sys.argv[1]) / "big.csv", actor("ann"), "big")
print(json.dumps([taken.new, taken.invalid, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def big(folder: Path, rows: int, last: str = "") -> list[int]:
    with (folder / "big.csv").open("w", encoding="utf-8") as file:
        file.write("pattern,category,severity\n")
        for n in range(rows):
            file.write(f"词{n:07d}语,A.1.a,2\n")
        file.write(last)
    done = subprocess.run(
        [sys.executable, "-c", _BIG, str(folder), str(2 << 30)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_in_a_large_file_too_an_entry_that_another_finds_is_refused(tmp_path: Path) -> None:
    new, invalid, _ = big(tmp_path, 6_000, "词0000001语甲,A.1.a,2\n词0000001语乙,A.1.a,3\n")
    assert (new, invalid) == (6_000, 2)
    assert Desks(tmp_path).desk.search(Search(limit=1)) == []


def test_many_rows_take_no_more_memory_than_few(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    many.mkdir()
    small, large = big(few, 6_000), big(many, 24_000)
    assert (small[0], large[0]) == (6_000, 24_000)
    assert large[2] < small[2] + 40_000  # kB


def test_one_bad_row_among_many_brings_nothing_in(tmp_path: Path) -> None:
    new, invalid, _ = big(tmp_path, 6_000, "词,Z.9,2\n")
    assert (new, invalid) == (6_000, 1)
    assert Desks(tmp_path).desk.search(Search(limit=1)) == []
