"""Where a text comes from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from proxy.cli.options import config_option, settings_of, usage_errors

if TYPE_CHECKING:
    from proxy.commands.detect import Seen

__all__ = ["detect"]

_VERDICTS = ("confirmed", "possible", "suspected")
_COLOURS = {"confirmed": "red", "possible": "yellow", "suspected": "yellow", "not_found": "green"}
# By shape too: not everybody sees the colours, and pipes take them away.
_STYLES = {
    "carrier": ("●", "red"),
    "metadata": ("▤", "yellow"),
    "explicit": ("◆", "yellow"),
    "statistical": ("■", "green"),
    "fingerprint": ("▲", "blue"),
    "c2pa": ("◎", "cyan"),
    "foreign": ("○", "magenta"),
}
_SHOWN = 3_000  # characters of a text that a terminal gets to see


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--json", "as_json", is_flag=True, help="The whole report as JSON; of several files, one a line."
)
@click.option("--declared", is_flag=True, help="Whoever gave the text says that it is AI-generated.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a signed report of the one FILE here; PDF if the name ends so, else JSON.",
)
@click.option(
    "--check", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Verify a signed report."
)
@click.option(
    "--fail-on",
    type=click.Choice(_VERDICTS),
    help="Exit code 1 if any verdict is this one or a stronger one.",
)
@config_option
def detect(
    files: tuple[Path, ...],
    as_json: bool,
    declared: bool,
    report: Path | None,
    check: Path | None,
    fail_on: str | None,
    config_file: Path | None,
) -> None:
    """Say where FILES, or the text on standard input (-), come from.

    Text, Markdown, HTML, JSON, docx, pptx, xlsx, odt, pdf, epub, png and jpg.
    """
    from proxy.commands.detect import check_report, examine, report_file, signed

    settings = settings_of(config_file)
    if check is not None:
        with usage_errors():
            valid, document = check_report(settings, check)
        verdict = document.get("report", {}).get("verdict", "")
        click.echo(f"{'genuine' if valid else 'altered, or not signed here'}: {check} ({verdict})")
        sys.exit(0 if valid else 1)
    if not files:
        raise click.UsageError("name a file, or - for standard input")
    if report is not None and len(files) != 1:
        raise click.UsageError("--report takes one file")
    with usage_errors():
        seen = []
        for one in _with_progress(examine(settings, files, declared=declared), len(files)):
            seen.append(one)
            if as_json and len(files) > 1:
                click.echo(orjson.dumps(one.to_json()))
        if report is not None and seen[0].examined is not None:
            report.write_bytes(report_file(signed(settings, seen[0].examined), report.suffix))
    _tell(seen, as_json=as_json)
    if fail_on is not None:
        strong = _VERDICTS[: _VERDICTS.index(fail_on) + 1]
        if any(one.examined is not None and one.examined.report.verdict in strong for one in seen):
            sys.exit(1)


def _with_progress(seen: Iterator[Seen], count: int) -> Iterator[Seen]:
    if count < 3 or not sys.stderr.isatty():
        yield from seen
        return
    with click.progressbar(seen, length=count, label="examined", file=sys.stderr, show_pos=True) as bar:
        yield from bar


def _tell(seen: list[Seen], *, as_json: bool) -> None:
    """Prints what was found. Exit code 2 if a file could not be read."""
    if len(seen) == 1 and seen[0].examined is not None:
        if as_json:
            shown = seen[0].to_json()
            del shown["path"]
            click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
        else:
            _show(seen[0])
    elif not as_json and len(seen) > 1:
        _table(seen)
    unread = [one for one in seen if one.examined is None]
    for one in unread:
        click.echo(f"Error: {one.path}: {one.error}", err=True)
    if unread:
        sys.exit(2)


def _table(seen: list[Seen]) -> None:
    width = min(48, max(len(one.path) for one in seen))
    click.secho(f"{'file':<{width}}  {'verdict':<9}  label  found", bold=True)
    for one in seen:
        path = one.path if len(one.path) <= width else "…" + one.path[1 - width :]
        if one.examined is None:
            click.echo(f"{path:<{width}}  {'unread':<9}  -      {one.error}")
            continue
        report = one.examined.report
        found = dict.fromkeys(d.detector for d in report.detections if d.outcome != "absent")
        marks = "  ".join(f"{_STYLES[name][0]} {name}" for name in found)
        verdict = click.style(f"{report.verdict.replace('_', ' '):<9}", fg=_COLOURS[report.verdict])
        click.echo(f"{path:<{width}}  {verdict}  {report.label or '-':<5}  {marks}")


def _show(seen: Seen) -> None:
    """One report for a person at a terminal."""
    assert seen.examined is not None
    report, reading = seen.examined.report, seen.examined.reading
    click.secho(report.verdict.replace("_", " "), fg=_COLOURS[report.verdict], bold=True)
    for found in report.detections:
        symbol, colour = _STYLES[found.detector]
        absent = found.outcome == "absent"
        mark = "-" if absent else click.style(symbol, fg=colour)
        click.echo(f"{mark} {found.detector}: {found.outcome} - {found.technique}")
        if found.detail:
            click.echo(f"    {found.detail}")
        for key, value in (found.provenance or {}).items():
            click.echo(f"    {key}: {value}")
        if found.spans:
            shown = ", ".join(f"{start}-{end}" for start, end in found.spans[:8])
            more = f" and {len(found.spans) - 8} more" if len(found.spans) > 8 else ""
            click.echo(f"    characters {shown}{more}")
    if reading is not None:
        click.echo(f"implicit label ({reading.format}): {reading.verdict.replace('_', ' ')}")
        for line in (*reading.problems, *reading.notes):
            click.echo(f"    {line}")
    if _on_terminal() and any(found.spans for found in report.detections):
        _show_text(seen)
    click.echo(f"statutory label: {report.label or 'none'} ({report.basis})")
    click.echo(report.notice)


def _on_terminal() -> bool:
    return sys.stdout.isatty()


def _show_text(seen: Seen) -> None:
    """The text with what was found in it, coloured and with a symbol behind each stretch."""
    from proxy.console.heatmap import heat_map

    assert seen.examined is not None
    left = _SHOWN
    click.echo()
    for piece in heat_map(seen.examined.report, exact=True):
        text = piece.text[:left]
        left -= len(text)
        if piece.detectors:
            symbols = "".join(_STYLES[name][0] for name in piece.detectors)
            click.secho(text, nl=False, fg=_STYLES[piece.detectors[0]][1], underline=True)
            click.echo(symbols, nl=False)
        else:
            click.echo(text, nl=False)
        if left <= 0:
            click.echo(f" … (the first {_SHOWN} characters)", nl=False)
            break
    click.echo("\n")
