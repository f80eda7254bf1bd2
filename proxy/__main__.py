"""The command line. Exit codes: 0 fine, 1 finding or failure of the thing checked, 2 wrong usage or configuration."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import orjson

from proxy.settings import Settings, SettingsError, load_settings

__all__ = ["main"]

_config = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="Settings file; else INKSEAL_CONFIG, else ./inkseal.yaml.",
)


def _config_path(config_file: Path | None) -> Path | None:
    if config_file is None and "INKSEAL_CONFIG" in os.environ:
        return Path(os.environ["INKSEAL_CONFIG"])
    if config_file is None and Path("inkseal.yaml").exists():
        return Path("inkseal.yaml")
    return config_file


def _settings(config_file: Path | None) -> Settings:
    try:
        return load_settings(_config_path(config_file), os.environ)
    except SettingsError as error:
        raise _wrong(str(error)) from error


def _wrong(message: str) -> click.ClickException:
    """Wrong usage or configuration."""
    return click.UsageError(message)


@contextmanager
def _usage_errors() -> Iterator[None]:
    """What cannot be read or does not fit becomes one clear line and exit code 2."""
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        raise _wrong(str(error)) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("inkseal"), prog_name="inkseal")
def main() -> None:
    """Inkseal 钤印: labels, watermarks, reviews and records AI text."""


@main.command()
@_config
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 256), help="Server processes.")
def serve(config_file: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Start the proxy."""
    from proxy.serve import run

    for name, value in (("HOST", host), ("PORT", port), ("WORKERS", workers)):
        if value is not None:
            os.environ[f"INKSEAL__SERVER__{name}"] = str(value)
    settings = _settings(config_file)
    with _usage_errors():
        run(settings, _config_path(config_file))


@main.command("check-config")
@_config
def check_config(config_file: Path | None) -> None:
    """Check the settings and say what they mean."""
    from proxy.commands import explain

    for line in explain(_settings(config_file)):
        click.echo(line)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option("--declared", is_flag=True, help="Whoever gave the text says that it is AI-generated.")
@_config
def detect(file: Path, as_json: bool, declared: bool, config_file: Path | None) -> None:
    """Say where the text in FILE (- for standard input) comes from."""
    from proxy.commands import examine, show

    settings = _settings(config_file)
    with _usage_errors():
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"{file}: is not UTF-8 text ({error.reason} at byte {error.start})") from error
        report = examine(settings, text, declared=declared)
    if as_json:
        click.echo(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2))
    else:
        show(report)


@main.group()
def library() -> None:
    """The feature library 特征库."""


@library.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--publish", is_flag=True, help="Make it the first live version, in one step.")
@click.option(
    "--refusals",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What is said instead of a blocked text 代答, YAML.",
)
@click.option("--reason", default="bootstrap", show_default=True)
@click.option("--as", "operator", default=getpass.getuser, help="Who does this; recorded.")
@click.option("--json", "as_json", is_flag=True)
@_config
def library_import(
    file: Path,
    publish: bool,
    refusals: Path | None,
    reason: str,
    operator: str,
    as_json: bool,
    config_file: Path | None,
) -> None:
    """Import entries from FILE (JSON Lines or CSV)."""
    from proxy.commands import bootstrap_library
    from proxy.review.store import LibraryError

    if not publish:
        raise _wrong("this version imports with --publish only, into an empty library")
    settings = _settings(config_file)
    try:
        with _usage_errors():
            report = bootstrap_library(settings, file, refusals, operator, reason)
    except LibraryError as error:
        raise click.ClickException(
            "\n".join([str(error), *(str(problem) for problem in error.problems)])
        ) from error
    if as_json:
        remarks = [f"{remark.entry_id}: {remark.text}" for remark in report.remarks]
        click.echo(orjson.dumps({"version": report.version, "entries": report.entries, "remarks": remarks}))
        return
    for remark in report.remarks:
        click.echo(f"note: {remark.entry_id}: {remark.text}", err=True)
    click.echo(f"published {report.entries} entries as version {report.version}")


@main.group()
def records() -> None:
    """The records 日志."""


@records.command("verify")
@click.option("--against", help="The head noted at an earlier verify.")
@click.option("--json", "as_json", is_flag=True)
@_config
def records_verify(against: str | None, as_json: bool, config_file: Path | None) -> None:
    """Recompute every chain and say whether anything was changed."""
    from proxy.commands import report_json, report_lines, verify_records

    settings = _settings(config_file)
    with _usage_errors():
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
@_config
def records_export(
    kind: str,
    output: Path | None,
    since: str | None,
    until: str | None,
    decrypt: bool,
    config_file: Path | None,
) -> None:
    """Write the records out, oldest first."""
    from proxy.commands import export_records

    settings = _settings(config_file)
    with _usage_errors():
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
@click.option("--status", type=click.Choice(["accepted", "closed", "blocked", "aborted"]))
@click.option("--since", help="From this time, ISO 8601 UTC.")
@click.option("--until", help="Before this time, ISO 8601 UTC.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--decrypt", is_flag=True, help="With what was found, in clear.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@_config
def records_search(config_file: Path | None, as_json: bool, **query: Any) -> None:
    """Show the newest records that fit."""
    from proxy.commands import search_records

    settings = _settings(config_file)
    with _usage_errors():
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
                reason,
            )
            click.echo("  ".join(part for part in parts if part))
    sys.exit(0 if rows else 1)


@main.group()
def keys() -> None:
    """The key file, from which every other key is derived."""


@keys.command("new")
@_config
def keys_new(config_file: Path | None) -> None:
    """Make the key file. There must be none yet."""
    from proxy.commands import new_keys

    settings = _settings(config_file)
    with _usage_errors():
        made = new_keys(settings)
    click.echo(f"made {made.path} (mode 0600), key epoch {made.current}; keep a copy in a safe place")


@keys.command("rotate")
@_config
def keys_rotate(config_file: Path | None) -> None:
    """Begin a new key epoch; the older ones verify only."""
    from proxy.commands import rotate_keys

    settings = _settings(config_file)
    with _usage_errors():
        made = rotate_keys(settings)
    click.echo(
        f"key epoch {made.current} signs from the next start of the server on; the older ones verify only"
    )


@keys.command("list")
@click.option("--json", "as_json", is_flag=True)
@_config
def keys_list(config_file: Path | None, as_json: bool) -> None:
    """The key epochs and their states. No secret is shown."""
    from proxy.commands import list_keys

    settings = _settings(config_file)
    with _usage_errors():
        epochs = list_keys(settings)
    if as_json:
        click.echo(orjson.dumps(epochs))
        return
    for epoch in epochs:
        click.echo(f"{epoch['kid']}  {epoch['state']:<7} since {epoch['created']}")


if __name__ == "__main__":
    main()
