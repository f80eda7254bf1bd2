"""The command line as people and scripts use it: real processes, exit codes, one clear line for a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from labelers.reserved_code import key_points
from labelers.watermarks.carrier_codec import GRAIN_RUN, split_run
from tests.e2e.processes import ROOT, inkseal, server, write_settings
from tests.labelers.files import samples

SAMPLE = str(ROOT / "config/library/sample.jsonl")
REFUSALS = str(ROOT / "config/library/refusals.yaml")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--version"], 0, "inkseal, version"),
        (["check-config"], 0, "fine: would serve http://127.0.0.1:8080"),
        (["check-config", "--config", "none.yaml"], 2, "none.yaml: No such file"),
        (["serve", "--port", "x"], 2, "Invalid value for '--port'"),
        (["nonsense"], 2, "No such command"),
        (["detect", "none.txt"], 2, "none.txt"),
        (["library", "import", "none.jsonl"], 2, "does not exist"),
        (["records", "verify"], 2, "there are no records in"),
        (["records", "export"], 2, "there are no records in"),
        (["records", "export", "--format", "xml"], 2, "Invalid value for '--format'"),
    ],
)
def test_exit_codes_and_messages(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    write_settings(tmp_path)
    done = inkseal(tmp_path, *arguments)
    assert done.returncode == code, done.stderr
    assert says in (done.stdout + done.stderr).decode()
    assert b"Traceback" not in done.stderr


def test_a_wrong_setting_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "inkseal.yaml").write_text("server:\n  prot: 1\n")
    done = inkseal(tmp_path, "check-config")
    assert done.returncode == 2
    assert b"inkseal.yaml:2: server.prot: unknown key 'prot'; did you mean port?" in done.stderr


def test_keys_that_others_can_read_stop_the_server(tmp_path: Path) -> None:
    write_settings(tmp_path)
    inkseal(tmp_path, "library", "import", SAMPLE, "--publish")
    (tmp_path / "data/keys.json").chmod(0o644)
    done = inkseal(tmp_path, "serve", "--port", "0")
    assert done.returncode == 2
    assert b"chmod 600" in done.stderr


def test_a_library_is_published_once_and_said_to_be(tmp_path: Path) -> None:
    write_settings(tmp_path)
    first = inkseal(
        tmp_path, "library", "import", SAMPLE, "--publish", "--refusals", REFUSALS, "--as", "li", "--json"
    )
    assert first.returncode == 0, first.stderr
    published = json.loads(first.stdout)
    assert published["entries"] >= 200
    again = inkseal(tmp_path, "library", "import", SAMPLE, "--publish")
    assert again.returncode == 1
    assert b"the library is not empty" in again.stderr
    exported = inkseal(tmp_path, "records", "export")
    events = [row for row in map(json.loads, exported.stdout.splitlines()) if row["kind"] == "library"]
    assert [(e["library_version"], e["fields"]["operator"]) for e in events] == [(published["version"], "li")]


def test_bad_entries_are_listed_with_their_lines_and_nothing_is_published(tmp_path: Path) -> None:
    write_settings(tmp_path)
    (tmp_path / "bad.jsonl").write_text(
        '{"pattern": "好词甲", "category": "A.1.a"}\n{"pattern": "x"}\n{nope\n', "utf-8"
    )
    done = inkseal(tmp_path, "library", "import", "bad.jsonl", "--publish")
    assert done.returncode == 1
    assert b"line 2" in done.stderr
    assert b"line 3" in done.stderr
    assert not (tmp_path / "data/library/live").exists()


def test_serve_label_detect_and_verify_from_the_command_line(tmp_path: Path) -> None:
    write_settings(tmp_path)
    assert inkseal(tmp_path, "library", "import", SAMPLE, "--publish").returncode == 0
    with server(tmp_path) as (url, _):
        body = {"model": "scripted", "messages": [{"role": "user", "content": "你好"}]}
        answer = httpx.post(f"{url}/v1/chat/completions", json=body).json()
    assert "The admin token, shown this once: ink-admin-" in (tmp_path / "server.log").read_text()
    text = answer["choices"][0]["message"]["content"]
    (tmp_path / "answer.txt").write_text(text, "utf-8")
    as_json = inkseal(tmp_path, "detect", "answer.txt", "--json")
    assert as_json.returncode == 0, as_json.stderr
    report = json.loads(as_json.stdout)
    assert report["verdict"] in ("confirmed", "suspected")
    explicit = next(d for d in report["detections"] if d["detector"] == "explicit")
    assert explicit["outcome"] == "present"
    assert report["statutory"]["label"] == report["propagation"]["AIGC"]["Label"]
    piped = inkseal(tmp_path, "detect", "-", input_="一段人写的话。".encode())
    assert b"not found" in piped.stdout
    assert b"does not mean that a human" in piped.stdout
    binary = inkseal(tmp_path, "detect", "-", input_=b"\xff\xfe\x00")
    assert binary.returncode == 2
    verified = inkseal(tmp_path, "records", "verify", "--json")
    assert json.loads(verified.stdout)["ok"] is True
    head = json.loads(verified.stdout)["head"]
    assert inkseal(tmp_path, "records", "verify", "--against", head).returncode == 0
    exported = inkseal(tmp_path, "records", "export", "--format", "csv", "-o", "out.csv")
    assert exported.returncode == 0, exported.stderr
    assert "request_id" in (tmp_path / "out.csv").read_text()
    assert inkseal(tmp_path, "records", "export", "--format", "parquet").returncode == 2


def test_keys_are_made_listed_and_rotated_and_old_marks_still_verify(tmp_path: Path) -> None:
    write_settings(tmp_path)
    assert inkseal(tmp_path, "keys", "list").returncode == 2
    assert inkseal(tmp_path, "keys", "public").returncode == 2
    assert inkseal(tmp_path, "keys", "new").returncode == 0
    key = inkseal(tmp_path, "keys", "engine").stdout.decode().strip()
    assert len(bytes.fromhex(key)) == 16
    assert inkseal(tmp_path, "keys", "engine", "1").stdout.decode().strip() == key
    assert b"no key epoch 9" in inkseal(tmp_path, "keys", "engine", "9").stderr
    public = inkseal(tmp_path, "keys", "public").stdout.decode().strip()
    again = inkseal(tmp_path, "keys", "new")
    assert again.returncode == 2
    assert b"unverifiable" in again.stderr
    assert inkseal(tmp_path, "keys", "rotate").returncode == 0
    epochs = json.loads(inkseal(tmp_path, "keys", "list", "--json").stdout)
    assert [(epoch["kid"], epoch["state"]) for epoch in epochs] == [(1, "verify"), (2, "active")]
    assert b"2  active" in inkseal(tmp_path, "keys", "list").stdout
    told = json.loads(inkseal(tmp_path, "keys", "public", "--json").stdout)
    assert told == {"producer": "UNSET", "algorithm": "1.2.156.10197.1.501", "public_key": public}
    assert len(key_points(public)) == 1


def test_a_leaked_epoch_is_told_with_what_it_still_vouches_for_and_shared_keys_are_private(
    tmp_path: Path,
) -> None:
    assert inkseal(tmp_path, "keys", "new").returncode == 0
    wrong = inkseal(tmp_path, "keys", "leak", "1", "--not-after", "yesterday")
    assert (wrong.returncode, b"content id" in wrong.stderr) == (2, True)
    told = inkseal(tmp_path, "keys", "leak", "1", "--not-after", "2026-01-01T00:00:01Z")
    assert (told.returncode, b"epoch 2 signs" in told.stdout) == (0, True)
    assert b"1  leaked" in (listed := inkseal(tmp_path, "keys", "list").stdout)
    assert b"up to 00000003e8ffffff" in listed
    assert b"for nothing any more" in inkseal(tmp_path, "keys", "leak", "1").stdout
    assert inkseal(tmp_path, "keys", "share", "1", "-o", "shared.json").returncode == 0
    assert (tmp_path / "shared.json").stat().st_mode & 0o777 == 0o600
    assert inkseal(tmp_path, "keys", "share", "1", "-o", "shared.json").returncode == 2


def test_records_are_found_by_what_a_detector_read(tmp_path: Path) -> None:
    write_settings(tmp_path)
    with server(tmp_path) as (url, _):
        body = {"model": "scripted", "messages": [{"role": "user", "content": "你好"}]}
        answer = httpx.post(f"{url}/v1/chat/completions", json=body)
    content_id = answer.json()["aigc"]["ProduceID"]
    found = inkseal(tmp_path, "records", "search", "--content-id", content_id, "--json")
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert [row["status"] for row in rows] == ["closed", "accepted"]
    assert {row["request_id"] for row in rows} == {answer.headers["x-request-id"]}
    shown = inkseal(tmp_path, "records", "search", "--status", "closed")
    assert content_id.encode() in shown.stdout
    assert inkseal(tmp_path, "records", "search", "--content-id", "0" * 16).returncode == 1
    assert inkseal(tmp_path, "records", "search", "--since", "2026-01-01T08:00:00+08:00").returncode == 0
    for command in ("search", "export"):
        wrong = inkseal(tmp_path, "records", command, "--until", "tomorrow")
        assert (wrong.returncode, b"--until: 'tomorrow' is no date or time" in wrong.stderr) == (2, True)


def test_a_fragment_of_two_marks_is_looked_up_in_the_records(tmp_path: Path) -> None:
    write_settings(tmp_path)
    with server(tmp_path) as (url, _):
        body = {"model": "scripted", "messages": [{"role": "user", "content": "你好"}]}
        answer = httpx.post(f"{url}/v1/chat/completions", json=body).json()
    text = answer["choices"][0]["message"]["content"]
    grains = [grain for run in GRAIN_RUN.finditer(text) for grain in split_run(run[0])]
    assert len(grains) >= 4
    # Somebody else's words with two of our marks: the records know whose they are, but not that they belong there.
    moved = f"完全不同的另外一段文字在这里写着{grains[1]}，然后又写了别的一些什么东西{grains[2]}。"
    (tmp_path / "moved.txt").write_text(moved, "utf-8")
    found = inkseal(tmp_path, "detect", "moved.txt", "--json")
    (carrier,) = [one for one in json.loads(found.stdout)["detections"] if one["detector"] == "carrier"]
    assert carrier["outcome"] == "inconclusive"
    assert carrier["provenance"]["content_id"] == answer["aigc"]["ProduceID"]


def test_a_second_start_shows_no_token(tmp_path: Path) -> None:
    write_settings(tmp_path)
    for _ in range(2):
        with server(tmp_path):
            pass
    assert (tmp_path / "server.log").read_text().count("ink-admin-") == 1


def test_a_changed_record_is_found(tmp_path: Path) -> None:
    import sqlite3

    write_settings(tmp_path)
    inkseal(tmp_path, "library", "import", SAMPLE, "--publish", "--as", "li")
    path = next((tmp_path / "data/records").glob("records-*.sqlite"))
    with sqlite3.connect(path) as connection:
        changed = connection.execute(
            "UPDATE records SET fields = replace(fields, '\"li\"', '\"ma\"')"
        ).rowcount
    connection.close()
    assert changed
    done = inkseal(tmp_path, "records", "verify")
    assert done.returncode == 1
    assert b"FAULT" in done.stdout


def test_a_file_is_examined_with_its_metadata(tmp_path: Path) -> None:
    write_settings(tmp_path)
    inkseal(tmp_path, "keys", "new")
    (tmp_path / "a.docx").write_bytes(samples.docx(samples.BARE))
    (tmp_path / "broken.docx").write_bytes(b"x")
    shown = inkseal(tmp_path, "detect", "a.docx")
    assert shown.returncode == 0
    assert "implicit label (docx): compliant" in shown.stdout.decode()
    report = json.loads(inkseal(tmp_path, "detect", "a.docx", "--json").stdout)
    assert report["verdict"] == "confirmed"
    assert report["file"]["labels"][0]["fields"] == samples.FIELDS
    broken = inkseal(tmp_path, "detect", "broken.docx")
    assert broken.returncode == 2
    assert "its bytes are no docx" in broken.stderr.decode()


def test_an_answer_is_exported_from_the_command_line_and_other_text_is_not(tmp_path: Path) -> None:
    write_settings(tmp_path)
    inkseal(tmp_path, "library", "import", SAMPLE, "--publish")
    with server(tmp_path) as (url, _):
        asked = {"model": "m", "messages": [{"role": "user", "content": "春天"}]}
        answer = httpx.post(f"{url}/v1/chat/completions", json=asked, timeout=30).json()
    (tmp_path / "answer.md").write_text(answer["choices"][0]["message"]["content"], "utf-8")
    (tmp_path / "other.md").write_text("人写的文字，与机器毫无关系。", "utf-8")
    number = answer["aigc"]["ProduceID"]
    made = inkseal(
        tmp_path,
        "export",
        "answer.md",
        "--format",
        "docx",
        "-o",
        "a.docx",
        "--content-id",
        number,
        "--as",
        "li",
        "--json",
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["basis"] == "record"
    report = json.loads(inkseal(tmp_path, "detect", "a.docx", "--json").stdout)
    assert report["verdict"] == "confirmed"
    assert report["detections"][0]["provenance"]["signature"] == "trusted"
    exported = inkseal(tmp_path, "records", "export").stdout.splitlines()
    (event,) = [row for row in map(json.loads, exported) if row["kind"] == "export"]
    assert event["content_id"] == number
    other = inkseal(tmp_path, "export", "other.md", "--format", "pdf", "-o", "b.pdf", "--content-id", number)
    assert other.returncode == 1
    assert b"not shown to be an output of this service" in other.stderr
    assert not (tmp_path / "b.pdf").exists()
    piped = inkseal(
        tmp_path, "export", "-", "--format", "txt", "-o", "c.txt", "--content-id", number,
        input_=(tmp_path / "answer.md").read_bytes(),
    )  # fmt: skip
    assert piped.stdout.decode().startswith("wrote c.txt: answer")
    assert inkseal(tmp_path, "export", "-", "--format", "txt", "-o", "d.txt", input_=b"\xff").returncode == 2
    nobody = inkseal(tmp_path, "export", "other.md", "--format", "txt", "-o", "d.txt", "--tenant", "x")
    assert nobody.returncode == 2
    assert b"there is no tenant 'x'" in nobody.stderr


def test_a_platform_labels_a_file_from_the_command_line(tmp_path: Path) -> None:
    write_settings(tmp_path)
    inkseal(tmp_path, "keys", "new")
    (tmp_path / "a.docx").write_bytes(samples.docx(samples.BARE))
    (tmp_path / "plain.md").write_text("人写的\n", "utf-8")
    done = inkseal(
        tmp_path,
        "label",
        "a.docx",
        "--as",
        "confirmed",
        "--propagator",
        "Platform",
        "--number",
        "7",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["label"] == "1"
    assert said["show"]["zh"] == "该内容属于人工智能生成合成内容"
    assert said["AIGC"] == samples.FIELDS | {"ContentPropagator": "Platform", "PropagateID": "7"}
    report = json.loads(inkseal(tmp_path, "detect", "a.docx", "--json").stdout)
    assert report["file"]["labels"][0]["fields"] == said["AIGC"]
    refused = inkseal(tmp_path, "label", "plain.md", "--propagator", "P", "-o", "out.md")
    assert refused.returncode == 1
    assert not (tmp_path / "out.md").exists()
    declared = inkseal(tmp_path, "label", "plain.md", "--propagator", "P", "--declared", "-o", "out.md")
    assert "该内容可能为人工智能生成合成内容" in declared.stdout.decode()
    assert (tmp_path / "plain.md").read_text("utf-8") == "人写的\n"
    assert (tmp_path / "out.md").read_text("utf-8").startswith("---\nAIGC:\n  Label: '2'\n")
    assert sorted(p.name for p in tmp_path.glob("*.md")) == ["out.md", "plain.md"]
    for arguments in (
        ["--propagator", "某"],
        [],
    ):  # without one, provider.code would be it, and that is not set
        wrong = inkseal(tmp_path, "label", "a.docx", *arguments)
        assert (wrong.returncode, b"propagator" in wrong.stderr) == (2, True)
    events = [json.loads(line) for line in inkseal(tmp_path, "records", "export").stdout.splitlines()]
    assert next(event["content_id"] for event in events if event["kind"] == "label") == "7"
