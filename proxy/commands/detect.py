"""What `inkseal detect` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import click

from detectors import files
from detectors.detection import Outcome
from detectors.files import UNREADABLE, FileReading
from detectors.panel import Panel
from detectors.verdict import Report
from proxy.files.bounded import read_bounded
from proxy.keys import KeyFile
from proxy.settings import Settings
from proxy.worker import fingerprint_store, key_ring, pinned_keys
from proxy.worker import panel as make_panel

__all__ = ["detectors_of", "examine", "examine_file", "show"]


def examine(settings: Settings, text: str, *, declared: bool) -> Report:
    """Reads every mark in `text`. Raises FileNotFoundError or ValueError for keys that are not there."""
    with detectors_of(settings) as (panel, _):
        return panel.examine(text, declared=declared)


def examine_file(settings: Settings, data: bytes, name: str, *, declared: bool) -> tuple[Report, FileReading]:
    """The same for a file: its metadata too. Raises ValueError for one that cannot be read."""
    with detectors_of(settings) as (panel, pinned):
        reading = read_bounded(data, name)
        if reading.verdict == UNREADABLE:
            raise ValueError(f"{name}: {reading.reason}")
        return files.examine(reading, panel, declared=declared, pinned_keys=pinned), reading


@contextmanager
def detectors_of(settings: Settings) -> Iterator[tuple[Panel, Mapping[str, Sequence[str]]]]:
    """All detectors of this installation and the keys that make signatures authentic."""
    if not settings.keys.file.exists():
        raise FileNotFoundError(
            f"there is no key file {settings.keys.file}: marks can be verified only with the keys they were made with; "
            "run this where the proxy runs, or name its settings with --config"
        )
    keys = KeyFile.load(settings.keys.file, settings.keys.command)
    store = fingerprint_store(settings)
    try:
        ring = key_ring(keys, settings.provider.names(), settings.keys.others)
        yield make_panel(settings, keys, ring, store), pinned_keys(settings, keys)
    finally:
        store.close()


_COLOURS = {"confirmed": "red", "possible": "yellow", "suspected": "yellow", "not_found": "green"}


def show(report: Report, reading: FileReading | None = None) -> None:
    """The report for a person at a terminal."""
    click.secho(report.verdict.replace("_", " "), fg=_COLOURS[report.verdict], bold=True)
    for found in report.detections:
        mark = "-" if found.outcome is Outcome.ABSENT else "*"
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
    click.echo(report.to_json()["notice"])
