"""The library's commands from end to end, in this process: the whole way of an entry, and every refusal."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from proxy import worker
from proxy.__main__ import main
from proxy.cli.options import waiting_for
from proxy.governance import release
from proxy.review.failures import LibraryError
from proxy.settings import load_settings
from tests.governance.desks import compile_here

Run = Callable[..., Result]
ROWS = [{"pattern": f"测试词语{n}", "category": "A.2.a", "severity": 2} for n in "甲乙丙"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INKSEAL_OPERATOR_TOKEN", raising=False)
    monkeypatch.setattr(release, "compile_aside", compile_here)  # the other process has tests of its own
    settings = {
        "upstreams": [{"name": "main", "kind": "scripted"}],
        "tenants": [{"name": "app", "key": "sk-app"}],
    }
    (tmp_path / "inkseal.yaml").write_text(yaml.safe_dump(settings))

    def invoke(*arguments: str, code: int = 0, **more: Any) -> Result:
        done = CliRunner().invoke(main, arguments, catch_exceptions=False, **more)
        assert done.exit_code == code, done.output
        return done

    return invoke


def rows(*named: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in named)


def propose(run: Run, pattern: str, by: str = "ann", **fields: Any) -> str:
    row = {"pattern": pattern, "category": "A.2.a", "severity": 2, **fields}
    made = run("library", "propose", "--row", json.dumps(row), "--as", by, "--json")
    return str(json.loads(made.stdout)["id"])


def approved(run: Run, pattern: str, **fields: Any) -> str:
    one = propose(run, pattern, **fields)
    run("library", "review", one, "--as", "bob")
    run("library", "approve", one, "--as", "cid")
    return one


def test_an_entry_goes_from_a_proposal_into_force(run: Run) -> None:
    one = propose(run, "测试词语甲")
    run("library", "review", one, "--as", "ann", code=1)
    assert "is reviewed" in run("library", "review", one, "--as", "bob").output
    assert "is approved" in run("library", "approve", one, "--as", "cid", "--reason", "fits").output
    done = json.loads(run("library", "publish", "--reason", "weekly", "--as", "cid", "--json").stdout)
    assert (done["entries"], done["added"]) == (1, [one])
    report = json.loads(run("library", "test", "这里有测试词语甲。", "--json").stdout)
    assert report["version"] == done["version"]
    assert {(h["entry"], h["view"], tuple(h["span"]), h["action"]) for h in report["hits"]} == {
        (one, "safe", (3, 8), "block")
    }
    shown = run("library", "show", one).output
    for said in ("pattern: 测试词语甲", "approve by cid (claimed)  fits", "review by bob"):
        assert said in shown
    assert json.loads(run("library", "show", one, "--json").stdout)["events"][-1]["action"] == "propose"
    assert json.loads(run("records", "verify", "--json").stdout)["ok"]
    events = [json.loads(line) for line in run("records", "export").stdout.splitlines()]
    assert [e["fields"]["event"] for e in events if e["kind"] == "library"] == [
        "propose",
        "review",
        "approve",
        "publish",
    ]


def test_a_severe_entry_tells_that_one_more_approval_is_to_come(run: Run) -> None:
    one = propose(run, "测试词语甲", severity=4)
    run("library", "review", one, "--as", "bob")
    assert "1 more approval to come" in run("library", "approve", one, "--as", "cid").output
    assert "is approved" in run("library", "approve", one, "--as", "bob").output


def test_options_make_an_entry_too(run: Run) -> None:
    made = run(
        "library", "propose", "Test Word", "--category", "A.2.b", "--severity", "1", "--action", "flag", "--view", "safe",
        "--exception", "a test word here", "--source", "投诉举报", "--ref", "no. 7", "--reason", "r", "--json",
    )  # fmt: skip
    row = json.loads(made.stdout)
    assert (row["action"], row["views"]) == ({"input": "flag", "output": "flag"}, ["safe"])
    assert row["source"]["ref"] == "no. 7"
    assert (
        "would act 524.71 times and only flag 0 times"
        in run("library", "propose", "图书馆", "--category", "A.2.b").stderr
    )


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["propose"], 2, "give either a PATTERN"),
        (["propose", "甲", "--category", "A.1.a"], 1, "at least two Han"),
        (["propose", "词语甲", "--category", "Z"], 2, "category"),
        (["propose", "--row", "["], 2, "--row is not JSON: unexpected end"),
        (["review", "e-none"], 2, "there is no entry e-none"),
        (["review"], 2, "name entries by id"),
        (["review", "--origin", "evt_none"], 2, "no entry of evt_none to review"),
        (["search", "--status", "publised"], 2, "'publised' is not one of proposed, "),
        (["search", "--category", "A.9"], 2, "'A.9' is not one of A.1.a, "),
        (["search", "--source", "x"], 2, "'x' is not one of 主管部门通知, "),
        (["export", "--status", "publised"], 2, "'publised' is not one of"),
        (["publish", "--shadow", "--canary", "5"], 2, "either --shadow or a canary"),
        (["publish", "--canary", "0"], 2, "for some percent of the users, or for tenants"),
        (["publish", "--tenant", "ap"], 2, "there is no tenant ap; the tenants are app"),
        (["end-trial"], 1, "no version is on trial"),
        (["publish", "--emergency", "e-none", "--reason", "r"], 2, "there is no entry"),
        (["rollback", "--reason", "r"], 2, "there is no earlier version"),
        (["diff"], 2, "there is no earlier version"),
        (["test", "x"], 2, "no feature library is published"),
        (["search", "x"], 1, ""),
        (["show", "x"], 1, "there is no entry x"),
        (["import", "inkseal.yaml"], 2, "must end in"),
        (["import", "inkseal.yaml", "--publish", "--preview"], 2, "neither --preview"),
        (["import", "inkseal.yaml", "--refusals", "inkseal.yaml"], 2, "goes with --publish"),
        (["export", "--format", "xlsx"], 2, "name a file with -o"),
        (["export", "--version", "abc"], 2, "no published versions"),
        (["lookback", "--version", "abc"], 2, "abc begins no published versions"),
        (["lookback", "--since", "yesterday"], 2, "'yesterday' is no date or time like 2026-12-31"),
        (["import", "empty.csv"], 2, "empty.csv holds no entries"),
        (["import", "empty.csv", "--publish"], 1, "empty.csv holds no entries"),
        (["refusals", "inkseal.yaml"], 2, "refusals"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_clear_line(run: Run, arguments: list[str], code: int, says: str) -> None:
    Path("empty.csv").write_text("pattern,category\n", "utf-8")
    done = run("library", *arguments, code=code)
    assert says in done.output
    assert "Traceback" not in done.output


def test_a_file_is_previewed_brought_in_and_found_by_its_import(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(rows(*ROWS), "utf-8")
    preview = json.loads(run("library", "import", "a.jsonl", "--preview", "--as", "ann", "--json").stdout)
    assert (preview["new"], preview["event"]) == (3, "")
    run("library", "search", code=1)
    done = json.loads(run("library", "import", "a.jsonl", "--as", "ann", "--json").stdout)
    origin = done["event"]
    assert len(run("library", "search", "--origin", origin).output.splitlines()) == 3
    again = run("library", "import", "a.jsonl", "--as", "ann")
    assert "0 new, 0 changed, 3 duplicate" in again.output
    run("library", "review", "--origin", origin, "--as", "bob")
    assert len(json.loads(run("library", "approve", "--origin", origin, "--as", "cid", "--json").stdout)) == 3
    run("library", "publish", "--as", "cid")
    (tmp_path / "b.jsonl").write_text(
        rows(ROWS[0] | {"severity": 1}, {"pattern": "新", "category": "A.2.a"}), "utf-8"
    )
    refused = run("library", "import", "b.jsonl", code=1)
    assert "line 1: conflict" in refused.stderr
    assert "line 2: invalid: short" in refused.stderr
    assert "nothing was brought in" in refused.stderr
    (tmp_path / "c.jsonl").write_text(rows(ROWS[0] | {"severity": 1}), "utf-8")
    assert "1 changed" in run("library", "import", "c.jsonl", "--update").output
    due = run("library", "due").output
    assert "1 proposed entries wait for review" in due


def test_entries_go_out_in_every_format(run: Run, tmp_path: Path) -> None:
    one = approved(run, "=测试词语")
    done = json.loads(run("library", "publish", "--as", "cid", "--json").stdout)
    propose(run, "测试词语乙")
    assert "'=测试词语" in run("library", "export", "--format", "csv").stdout
    assert json.loads(run("library", "export", "--version", "live").stdout)["id"] == one
    assert json.loads(run("library", "export", "--version", done["version"][:8]).stdout)["id"] == one
    assert "测试词语乙" in run("library", "export", "--status", "proposed").stdout
    run("library", "export", "-o", "out.jsonl")
    assert "=测试词语" in (tmp_path / "out.jsonl").read_text("utf-8")
    run("library", "export", "--format", "xlsx", "-o", "out.xlsx")
    assert "1 duplicate" in run("library", "import", "out.xlsx", "--preview").output


def test_versions_are_tried_compared_and_taken_back(run: Run) -> None:
    approved(run, "测试词语甲")
    first = json.loads(run("library", "publish", "--as", "cid", "--json").stdout)["version"]
    two = approved(run, "测试词语乙")
    assert "(shadow): 2 entries" in run("library", "publish", "--shadow", "--as", "cid").output
    assert "(canary)" in run("library", "publish", "--canary", "5", "--tenant", "app", "--as", "cid").output
    assert "no version is on trial" in run("library", "end-trial", "--as", "cid").output
    run("library", "publish", "--as", "cid", "--reason", "weekly")
    assert f"1 added: {two}" in run("library", "diff").output
    told = run("library", "versions").output.splitlines()
    assert [line.split()[1] for line in told] == ["live", "past"]
    assert json.loads(run("library", "versions", "--json").stdout)["live"] != first
    back = run("library", "rollback", "--reason", "false alarms", "--as", "cid").output
    assert first in back
    assert "what came since is suspended" in back
    assert "1 suspended" in run("library", "stats").output
    assert (
        "publish to put this in force"
        in run("library", "resume", two, "--as", "cid", "--reason", "mended").output
    )
    assert json.loads(run("library", "stats", "--json").stdout)["by_status"] == {"published": 2}
    run("library", "recategorise", two, "--category", "A.2.c", "--as", "ann", "--reason", "wrong risk")
    assert "A.2.c" in run("library", "search", "--category", "A.2.c").output
    assert "测试词语甲" in run("library", "search", "--version", first[:10]).output


def test_an_emergency_is_listed_until_it_is_confirmed(run: Run) -> None:
    one = propose(run, "测试词语甲", source={"type": "主管部门通知", "ref": "文号", "date": ""})
    overdue = run("library", "due", "--json")
    assert [w["kind"] for w in json.loads(overdue.stdout)] == ["order", "review"]
    run("library", "publish", "--emergency", one, "--as", "ann", "--reason", "spreading")
    assert "1 emergency publications wait for confirmation" in run("library", "due").output
    run("library", "confirm", one, "--as", "ann", code=1)
    run("library", "confirm", one, "--as", "bob")
    assert "nothing waits" in run("library", "due").output


def test_operators_are_added_with_a_token_that_acts_for_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        "The token, shown this once: ink-op-" in run("operators", "add", "ann", "--role", "operator").output
    )
    added = run(
        "operators", "add", "bob", "--role", "approver,reviewer", "--role", "admin", "--as", "boss", "--json"
    )
    token = json.loads(added.stdout)["token"]
    assert "is no operator here" in run("operators", "add", "eve", "--role", "approver", code=2).output
    assert (
        "takes the role admin"
        in run("operators", "add", "eve", "--role", "approver", "--as", "ann", code=1).output
    )
    assert (
        "is no operator here"
        in run("library", "propose", "测试词语甲", "--category", "A.2.a", "--as", "x", code=2).output
    )
    one = propose(run, "测试词语甲")
    run("library", "review", one, "--as", "ann", code=1)
    monkeypatch.setenv("INKSEAL_OPERATOR_TOKEN", token)
    run("library", "review", one)
    assert "review by bob (token)" in run("library", "show", one).output
    monkeypatch.setenv("INKSEAL_OPERATOR_TOKEN", "ink-op-wrong")
    assert "is no operator's" in run("library", "approve", one, code=2).output
    monkeypatch.delenv("INKSEAL_OPERATOR_TOKEN")
    assert "ann is revoked" in run("operators", "revoke", "ann", "--as", "bob", "--reason", "left").output
    listed = run("operators", "list").output
    assert "revoked" in listed.splitlines()[0]
    assert "ink-op" not in listed + run("operators", "list", "--json").output


def test_refusal_texts_are_taken_with_the_next_version(run: Run, tmp_path: Path) -> None:
    approved(run, "测试词语甲")
    (tmp_path / "said.yaml").write_text("A.2.a: {zh: 换个话题。}\n", "utf-8")
    assert run("library", "refusals").output == ""
    assert "1 texts" in run("library", "refusals", "said.yaml", "--as", "cid").output
    assert yaml.safe_load(run("library", "refusals").output) == {"A.2.a": {"zh": "换个话题。"}}
    version = json.loads(run("library", "publish", "--as", "cid", "--json").stdout)["version"]
    assert "换个话题" in (tmp_path / "data/library/versions" / version / "refusals.json").read_text("utf-8")


def test_a_bootstrap_needs_an_empty_library(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(rows(*ROWS), "utf-8")
    propose(run, "测试词语丁")
    assert "is not empty" in run("library", "import", "a.jsonl", "--publish", code=1).output


def test_variants_are_suggested_and_say_what_is_missed(run: Run) -> None:
    lines = [
        json.loads(line) for line in run("library", "variants", "测试国家", "--json").stdout.splitlines()
    ]
    assert {"way": "traditional", "text": "测试國家", "found": True, "acts": True} in lines
    assert {line["way"] for line in lines} >= {
        "traditional",
        "pinyin",
        "initials",
        "spaced",
        "separated",
        "repeated",
    }
    assert "MISSED  initials     csgj" in run("library", "variants", "测试国家").output


def test_hits_behind_one_that_blocks_are_listed_too(run: Run) -> None:
    approved(run, "测试词语甲")
    approved(run, "stopword", action="flag")
    run("library", "publish", "--as", "cid")
    hits = json.loads(
        run("library", "test", "-", "--json", input="测试词语甲 then a stopword, 测试词语甲").stdout
    )["hits"]
    assert [(h["pattern"], h["span"]) for h in hits if h["direction"] == "output"] == [
        ("测试词语甲", [0, 5]),
        ("stopword", [13, 21]),
        ("测试词语甲", [23, 28]),
    ]
    assert "nothing is found" in run("library", "test", "别的").output
    assert "output block" in run("library", "test", "测试词语甲").output


def test_looking_back_works_without_records(run: Run) -> None:
    approved(run, "测试词语甲")
    run("library", "publish", "--as", "cid")
    assert "0 requests" in run("library", "lookback").output
    assert json.loads(run("library", "lookback", "--version", "live", "--json").stdout)["caught"] == []


def test_a_pointer_put_back_while_nobody_served_is_told_and_not_followed(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pointer = tmp_path / "data/library/live"
    approved(run, "测试词语甲")
    run("library", "publish", "--reason", "one", "--as", "cid")
    old = pointer.read_text()
    approved(run, "测试词语乙")
    run("library", "publish", "--reason", "two", "--as", "cid")
    good = pointer.read_text()
    assert json.loads(run("library", "verify", "--json").stdout)["ok"]
    settings = load_settings(tmp_path / "inkseal.yaml", {})
    for text in (old, old.splitlines()[0], None):
        if text is None:
            pointer.unlink()
        else:
            pointer.write_text(text)
        live = worker.build_house(settings).library
        assert live.current is not None and live.current.version == good.splitlines()[0]
        assert live.failure and "publish again" in live.failure
        assert "the one that the procedure knows" in caplog.text
        told = run("library", "verify", code=1).stdout
        assert "FAULT" in told and ("pointer" in told or "not signed" in told)
    run("library", "publish", "--reason", "put back", "--as", "cid")
    assert pointer.read_text().splitlines()[0] == good.splitlines()[0]
    assert json.loads(run("library", "verify", "--json").stdout)["ok"]
    assert not worker.build_house(settings).library.failure


def test_a_pointer_that_nobody_signed_stops_the_start_where_the_procedure_knows_of_nothing(
    run: Run, tmp_path: Path
) -> None:
    run("library", "versions")  # makes the keys
    settings = load_settings(tmp_path / "inkseal.yaml", {})
    worker.first_start(settings)
    for known in (True, False):
        (tmp_path / "data/library").mkdir(exist_ok=True)
        (tmp_path / "data/library/live").write_text("0" * 64)
        if not known:
            (tmp_path / "data/records/governance.sqlite").unlink(missing_ok=True)
        with pytest.raises(LibraryError, match="not signed with our key"):
            worker.build_house(settings)


def test_the_state_of_a_procedure_that_was_tampered_with_is_no_floor(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    approved(run, "测试词语甲")
    run("library", "publish", "--reason", "one", "--as", "cid")
    with closing(connect(tmp_path / "data/records/governance.sqlite")) as base, base:
        base.execute("UPDATE facts SET value = '{}' WHERE name = 'pointers'")
    live = worker.build_house(load_settings(tmp_path / "inkseal.yaml", {})).library
    assert live.current is not None and not live.failure
    assert "cannot be read" in caplog.text


def test_the_database_is_held_against_the_records(run: Run) -> None:
    approved(run, "测试词语甲")
    assert "3 events and 1 revisions compared, 0 fault(s)" in run("library", "verify").output
    assert json.loads(run("library", "verify", "--json").stdout)["ok"]
    sqlite = Path("data/records/governance.sqlite")
    with closing(connect(sqlite)) as connection:
        connection.execute("DELETE FROM events WHERE action = 'approve'")
        connection.commit()
    assert "is in the records and not in the database" in run("library", "verify", code=1).output
    with closing(connect(sqlite)) as connection:
        connection.execute("UPDATE revisions SET status = 'published'")
        connection.commit()
    assert "was moved or given another status" in run("library", "verify", code=1).output


def test_a_bootstrap_tells_twenty_remarks_and_how_many_more_there_are(run: Run, tmp_path: Path) -> None:
    (tmp_path / "many.jsonl").write_text(
        "".join(json.dumps({"pattern": f"测试{n:03}词", "category": "A.1.a"}) + "\n" for n in range(25))
        + json.dumps({"pattern": "测试", "category": "A.1.a"})
        + "\n"
    )
    told = run("library", "import", "many.jsonl", "--publish").stderr.splitlines()
    assert len([line for line in told if "is found in it already" in line]) == 20
    assert "note: the entry standard says something of 5 more; --json lists all" in told


def test_a_terminal_is_told_what_takes_long_and_a_pipe_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for terminal in (True, False):
        stderr = io.StringIO()
        monkeypatch.setattr(stderr, "isatty", lambda terminal=terminal: terminal, raising=False)
        monkeypatch.setattr(sys, "stderr", stderr)
        with waiting_for("compiling"):
            pass
        said.append(stderr.getvalue())
    assert said == ["compiling …\r\033[K", ""]


def test_a_role_that_is_none_is_refused_by_the_first_import_too(run: Run, tmp_path: Path) -> None:
    good, bad = {**ROWS[0], "tenants": ["ap"]}, {**ROWS[1], "roles": ["usr"]}
    (tmp_path / "first.jsonl").write_text(rows(good, bad), encoding="utf-8")
    told = run("library", "import", "first.jsonl", "--publish", "--as", "cid", code=1).output
    assert "line 2: roles: 'usr' is no role; the roles are system, developer, user" in told
    assert "live version: none" in run("library", "stats").output
    (tmp_path / "first.jsonl").write_text(rows(good), encoding="utf-8")
    noted = run("library", "import", "first.jsonl", "--publish", "--as", "cid").output
    assert "there is no tenant 'ap', so the entry does not apply there; the tenants are app" in noted


def test_entries_in_force_for_a_tenant_that_is_gone_are_told(run: Run, tmp_path: Path) -> None:
    assert "note: entry" not in run("check-config").output
    row = json.dumps({**ROWS[0], "endpoints": ["/chat"]})
    refused = run("library", "propose", "--row", row, "--as", "ann", code=2)
    assert "/v1/chat/completions" in refused.output
    one = approved(run, "测试词语甲", tenants=["app"])
    run("library", "publish", "--as", "cid")
    assert "app" not in run("library", "stats").output
    settings = yaml.safe_load((tmp_path / "inkseal.yaml").read_text())
    settings["tenants"][0]["name"] = "web"
    (tmp_path / "inkseal.yaml").write_text(yaml.safe_dump(settings))
    said = f"{one} (测试词语甲) tenants: there is no tenant 'app'"
    assert f"! {said}" in run("library", "stats").output
    (stray,) = json.loads(run("library", "stats", "--json").stdout)["strays"]
    assert (stray["entry"], stray["field"]) == (one, "tenants")
    assert f"note: entry {said}" in run("check-config").output
    (tmp_path / "data" / "library" / "live").write_text("{}")
    assert "note: the feature library cannot be read" in run("check-config").output
    assert json.loads(run("library", "stats", "--json").stdout)["strays"] == []
