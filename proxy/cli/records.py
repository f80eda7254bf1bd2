"""The records 日志."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import orjson

from proxy.cli.options import config_option, settings_of, usage_errors

__all__ = ["records"]


@click.group()
def records() -> None:
    """The records 日志."""


@records.command("verify")
@click.option("--against", help="The head noted at an earlier verify.")
@click.option("--json", "as_json", is_flag=True)
@config_option
def records_verify(against: str | None, as_json: bool, config_file: Path | None) -> None:
    """Recompute every chain and say whether anything was changed."""
    from proxy.commands.records import report_json, report_lines, verify_records

    settings = settings_of(config_file)
    with usage_errors():
        report = verify_records(settings, against)
    if as_json:
        click.echo(orjson.dumps(report_json(report), option=orjson.OPT_INDENT_2))
    else:
        for line in report_lines(report):
            click.echo(line)
    sys.exit(0 if report.ok else 1)


@records.command("export")
@click.option(
    "--format", "kind", type=click.Choice(["jsonl", "csv", "parquet"]), default="jsonl", show_default=True
)
@click.option(
    "-o", "output", type=click.Path(dir_okay=False, path_type=Path), help="File; standard output without it."
)
@click.option("--since", help="From this time, ISO 8601 UTC.")
@click.option("--until", help="Before this time, ISO 8601 UTC.")
@click.option("--decrypt", is_flag=True, help="With what was found, in clear.")
@config_option
def records_export(
    kind: str,
    output: Path | None,
    since: str | None,
    until: str | None,
    decrypt: bool,
    config_file: Path | None,
) -> None:
    """Write the records out, oldest first."""
    from proxy.commands.records import export_records

    settings = settings_of(config_file)
    with usage_errors():
        lines = export_records(settings, kind, output, since=since, until=until, decrypt=decrypt)
        if kind == "parquet":
            return
        if output is None:
            for line in lines:
                click.echo(line, nl=False)
        else:
            with output.open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(lines)


@records.command("search")
@click.option("--request-id", help="Our request id (x-request-id, review id).")
@click.option("--content-id", help="A content id (ProduceID of an answer, or what a detector read).")
@click.option("--content-id-end", help="Its last digits, as the message of a statistical mark tells them.")
@click.option("--kind", help="request, library, shadow (found by a version on trial), operator, notice, …")
@click.option("--status", type=click.Choice(["accepted", "closed", "blocked", "aborted"]))
@click.option("--since", help="From this time, ISO 8601 UTC.")
@click.option("--until", help="Before this time, ISO 8601 UTC.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--decrypt", is_flag=True, help="With what was found, in clear.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@config_option
def records_search(config_file: Path | None, as_json: bool, **query: Any) -> None:
    """Show the newest records that fit."""
    from proxy.commands.records import search_records

    settings = settings_of(config_file)
    with usage_errors():
        rows = search_records(settings, **query)
    for row in rows:
        if as_json:
            click.echo(orjson.dumps(row))
        else:
            reason = row["fields"].get("reason", "") if isinstance(row["fields"], dict) else ""
            parts = (
                row["created"],
                row["kind"],
                row["status"] or "-",
                row["request_id"],
                row["content_id"],
                reason or _shadowed(row),
            )
            click.echo("  ".join(part for part in parts if part))
    sys.exit(0 if rows else 1)


def _shadowed(row: dict[str, Any]) -> str:
    """What a version on trial found, in one line."""
    if row["kind"] != "shadow":
        return ""
    return ", ".join(
        f"{one['direction']} {one['action']} {one['entry']}{' (new)' if one['new'] else ''}"
        for one in row["fields"]["findings"]
    )
