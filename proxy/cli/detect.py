"""Where a text comes from."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from proxy.cli.options import config_option, settings_of, usage_errors

__all__ = ["detect"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option("--declared", is_flag=True, help="Whoever gave the text says that it is AI-generated.")
@config_option
def detect(file: Path, as_json: bool, declared: bool, config_file: Path | None) -> None:
    """Say where the text in FILE (- for standard input) comes from."""
    from proxy.commands.detect import examine, show

    settings = settings_of(config_file)
    with usage_errors():
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
