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
    """Say where FILE, or the text on standard input (-), comes from.

    Text, Markdown, HTML, JSON, docx, pptx, xlsx, odt, pdf, epub, png and jpg.
    """
    from proxy.commands.detect import examine, examine_file, show

    settings = settings_of(config_file)
    reading = None
    with usage_errors():
        if str(file) == "-":
            try:
                text = sys.stdin.buffer.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise ValueError(f"this is not UTF-8 text ({error.reason} at byte {error.start})") from error
            report = examine(settings, text, declared=declared)
        else:
            report, reading = examine_file(settings, file.read_bytes(), file.name, declared=declared)
    if as_json:
        shown = report.to_json() | ({"file": reading.to_json()} if reading is not None else {})
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
    else:
        show(report, reading)
