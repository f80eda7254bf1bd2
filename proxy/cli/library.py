"""The feature library 特征库: bringing in, taking out, looking up and trying. The steps are in `procedure`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from proxy.cli.options import (
    as_option,
    config_option,
    json_option,
    procedure_errors,
    settings_of,
    show_progress,
    waiting_for,
    wrong,
)

if TYPE_CHECKING:
    from proxy.governance.intake import Intake

__all__ = ["library"]

_NOTES = 20  # remarks of the entry standard that are told one by one
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def library() -> None:
    """The feature library 特征库."""


@library.command("import")
@click.argument("file", type=_file)
@click.option("--publish", is_flag=True, help="Make it the first live version, in one step.")
@click.option("--preview", is_flag=True, help="Only say what each row is: new, duplicate, conflict, invalid.")
@click.option("--update", is_flag=True, help="Propose changes of entries that are there with other content.")
@click.option("--refusals", type=_file, help="What is said instead of a blocked text 代答, YAML.")
@click.option("--reason", default="", help="Recorded with the event.")
@as_option
@json_option
@config_option
def library_import(
    file: Path,
    publish: bool,
    preview: bool,
    update: bool,
    refusals: Path | None,
    reason: str,
    operator: str,
    as_json: bool,
    config_file: Path | None,
) -> None:
    """Propose the entries of FILE (JSON Lines, CSV or XLSX), all or none."""
    from proxy.commands.library import bootstrap_library, import_entries

    settings = settings_of(config_file)
    if publish and (preview or update):
        raise wrong(
            "--publish makes the first library of an empty one; it goes with neither --preview nor --update"
        )
    if refusals is not None and not publish:
        raise wrong("--refusals goes with --publish; later: inkseal library refusals FILE")
    if not publish:
        with procedure_errors(), show_progress("rows") as progress:
            taken = import_entries(
                settings, file, operator, reason, preview=preview, update=update, progress=progress
            )
        _show_intake(taken, preview, as_json)
        return
    with procedure_errors(), waiting_for("reading and compiling"):
        report = bootstrap_library(settings, file, refusals, operator, reason or "bootstrap")
    if as_json:
        remarks = [f"{remark.entry_id}: {remark.text}" for remark in report.remarks]
        click.echo(orjson.dumps({"version": report.version, "entries": report.entries, "remarks": remarks}))
        return
    for remark in report.remarks[:_NOTES]:
        click.echo(f"note: {remark.entry_id}: {remark.text}", err=True)
    more = len(report.remarks) - _NOTES
    if more > 0:
        click.echo(f"note: the entry standard says something of {more:,} more; --json lists all", err=True)
    click.echo(f"published {report.entries} entries as version {report.version}")


def _show_intake(taken: Intake, preview: bool, as_json: bool) -> None:
    counts = {n: getattr(taken, n) for n in ("new", "changed", "duplicate", "conflict", "invalid")}
    lines = [{"place": one.place, "kind": one.kind, "text": one.text} for one in taken.lines]
    if as_json:
        done = {**counts, "event": taken.event, "examined": taken.examined, "lines": lines}
        click.echo(orjson.dumps(done))
    else:
        for one in taken.lines:
            click.echo(f"{one.place}: {one.kind}: {one.text}", err=True)
        click.echo(", ".join(f"{count} {name}" for name, count in counts.items()))
        if taken.event:
            click.echo(f"proposed; find them with: inkseal library search --origin {taken.event}")
        if not taken.examined:
            click.echo(
                "note: the dry run and the checks against each other come with the approval: many rows"
            )
    if taken.refused:
        if not preview and not as_json:
            click.echo("nothing was brought in: mend or remove the rows above", err=True)
        sys.exit(1)


@library.command("export")
@click.option(
    "--format", "kind", type=click.Choice(["jsonl", "csv", "xlsx"]), default="jsonl", show_default=True
)
@click.option(
    "-o", "output", type=click.Path(dir_okay=False, path_type=Path), help="File; else standard output."
)
@click.option(
    "--version", "version_start", default="", help='A published version (its first digits, or "live").'
)
@click.option("--status", multiple=True, default=("published",), show_default=True)
@config_option
def library_export(
    kind: str, output: Path | None, version_start: str, status: tuple[str, ...], config_file: Path | None
) -> None:
    """Write the entries in force, or those of a version or of some statuses."""
    from proxy.commands.library import open_desk
    from proxy.lookups import export_entries
    from proxy.review.interchange import write_csv, write_jsonl, write_xlsx

    settings = settings_of(config_file)
    if kind == "xlsx" and output is None:
        raise wrong("xlsx is a binary format: name a file with -o")
    with procedure_errors():
        entries = export_entries(settings, open_desk(settings), version_start, status)
        if kind == "xlsx":
            assert output is not None
            with output.open("wb") as target:
                write_xlsx(entries, target)
            return
        text = write_jsonl(entries) if kind == "jsonl" else write_csv(entries)
        if output is None:
            click.echo(text, nl=False)
        else:
            output.write_text(text, encoding="utf-8", newline="")


@library.command("refusals")
@click.argument("file", type=_file, required=False)
@click.option("--reason", default="", help="Recorded with the event.")
@as_option
@config_option
def library_refusals(file: Path | None, reason: str, operator: str, config_file: Path | None) -> None:
    """Take the refusal texts 代答 of FILE (YAML), in force with the next publication; without FILE show them."""
    from proxy.commands.library import refusals_yaml, set_refusals

    settings = settings_of(config_file)
    with procedure_errors():
        if file is None:
            click.echo(refusals_yaml(settings), nl=False)
            return
        count = set_refusals(settings, file, operator, reason)
    click.echo(f"{count} texts; publish to put them in force")


@library.command("test")
@click.argument("text")
@click.option("--version", "version_start", default="", help="Another published version than the live one.")
@json_option
@config_option
def library_test(text: str, version_start: str, as_json: bool, config_file: Path | None) -> None:
    """Which entries are found in TEXT (- for standard input), in which view, and what would happen."""
    from proxy.lookups import hits_of
    from proxy.worker import key_file, library_key

    settings = settings_of(config_file)
    if text == "-":
        with procedure_errors():
            text = sys.stdin.buffer.read().decode("utf-8-sig")
    with procedure_errors():
        report = hits_of(settings, library_key(key_file(settings)), text, version_start)
    if as_json:
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    else:
        for hit in report["hits"]:
            start, end = hit["span"]
            click.echo(
                f"{hit['direction']:<6} {hit['action']:<7} {hit['category']}  {hit['entry']} ({hit['pattern']}) "
                f"in the {hit['view']} view at {start}-{end}: {hit['text']}"
            )
        if not report["hits"]:
            click.echo("nothing is found")


@library.command("stats")
@json_option
@config_option
def library_stats(as_json: bool, config_file: Path | None) -> None:
    """Entries by status and by risk against the norm; days since the last publication."""
    from proxy.commands.library import open_desk
    from proxy.lookups import stats_of

    settings = settings_of(config_file)
    with procedure_errors():
        stats = stats_of(settings, open_desk(settings))
    if as_json:
        click.echo(orjson.dumps(stats, option=orjson.OPT_INDENT_2))
        return
    age = stats["days_since_publish"]
    since = f", published {age:.1f} days ago" if age is not None else ""
    click.echo(f"live version: {stats['live'] or 'none'}{since}")
    click.echo(", ".join(f"{count} {status}" for status, count in stats["by_status"].items()) or "no entries")
    for one in stats["strays"]:
        click.echo(f"! {one['entry']} ({one['pattern']}) {one['field']}: {one['text']}")
    for risk in stats["risks"]:
        asked = f" of {risk['norm']}" if risk["norm"] else ""
        mark = " " if risk["enough"] else "!"
        click.echo(f"{mark} {risk['category']}  {risk['entries']:>6}{asked:<7} {risk['name']}")
    total = stats["total"]
    click.echo(f"{' ' if total['enough'] else '!'} A.1 + A.2: {total['entries']} of {total['norm']}")


@library.command("search")
@click.argument("text", default="")
@click.option("--id", "ids", multiple=True, help="Entry id.")
@click.option("--status", multiple=True)
@click.option("--category", default="")
@click.option("--source", default="", help="Source type, like 主管部门通知.")
@click.option("--author", default="")
@click.option(
    "--version", "version_start", default="", help='In that published version ("live" for this one).'
)
@click.option("--review-id", default="", help="Found in that request (x-inkseal-review-id).")
@click.option("--origin", default="", help="Brought in by that import.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@json_option
@config_option
def library_search(
    text: str, version_start: str, review_id: str, as_json: bool, config_file: Path | None, **query: Any
) -> None:
    """The entries with TEXT in their pattern, or by the options. Exit code 1 when there is none."""
    from proxy.commands.library import open_desk
    from proxy.governance.store import Search
    from proxy.lookups import revision_row, search_revisions

    settings = settings_of(config_file)
    with procedure_errors():
        search = Search(text=text, **query)
        found = search_revisions(settings, open_desk(settings), search, version_start, review_id)
    for one in found:
        if as_json:
            click.echo(orjson.dumps(revision_row(one)))
        else:
            entry = one.entry
            click.echo(
                f"{entry.id}/{one.number}  {one.status:<9} {entry.category} {entry.severity}  {entry.pattern}  "
                f"({entry.source.type}, {entry.author or '-'})"
            )
    sys.exit(0 if found else 1)


@library.command("show")
@click.argument("entry_id")
@json_option
@config_option
def library_show(entry_id: str, as_json: bool, config_file: Path | None) -> None:
    """One entry and everything that was done with it."""
    from proxy.commands.library import open_desk
    from proxy.lookups import revision_row

    settings = settings_of(config_file)
    with procedure_errors():
        revision, events = open_desk(settings).history(entry_id)
    if revision is None:
        raise click.ClickException(f"there is no entry {entry_id}")
    if as_json:
        told = [
            {n: getattr(e, n) for n in ("at", "action", "actor", "how", "reason", "fields")} for e in events
        ]
        click.echo(
            orjson.dumps({"entry": revision_row(revision), "events": told}, option=orjson.OPT_INDENT_2)
        )
        return
    for name, value in revision_row(revision).items():
        click.echo(f"{name}: {value}")
    for event in events:
        click.echo(f"  {event.at}  {event.action} by {event.actor} ({event.how})  {event.reason}".rstrip())


@library.command("variants")
@click.argument("pattern")
@click.option("--category", default="A.1.a", show_default=True)
@json_option
@config_option
def library_variants(pattern: str, category: str, as_json: bool, config_file: Path | None) -> None:
    """How PATTERN may be disguised 变体, and whether an entry of it (all views) finds that by itself."""
    from proxy.review.entry import Entry
    from proxy.review.variants import variants

    settings_of(config_file)
    with procedure_errors():
        entry = Entry(pattern, category, views=("safe", "evasion", "pinyin"))
        found = variants(entry)
    for one in found:
        if as_json:
            click.echo(orjson.dumps({"way": one.way, "text": one.text, "found": one.found, "acts": one.acts}))
        else:
            told = "found" if one.acts else "flags" if one.found else "MISSED"
            click.echo(f"{told:<7} {one.way:<12} {one.text}")
