"""What `inkseal detect` does."""

from __future__ import annotations

import click

from detectors.detection import Outcome
from detectors.verdict import Report
from proxy.keys import KeyFile
from proxy.settings import Settings
from proxy.worker import fingerprint_store, key_ring, panel

__all__ = ["examine", "show"]


def examine(settings: Settings, text: str, *, declared: bool) -> Report:
    """Reads every mark in `text`. Raises FileNotFoundError or ValueError for keys that are not there."""
    if not settings.keys.file.exists():
        raise FileNotFoundError(
            f"there is no key file {settings.keys.file}: marks can be verified only with the keys they were made with; "
            "run this where the proxy runs, or name its settings with --config"
        )
    keys = KeyFile.load(settings.keys.file, settings.keys.command)
    store = fingerprint_store(settings)
    try:
        made = panel(settings, keys, key_ring(keys, settings.provider.names(), settings.keys.others), store)
        return made.examine(text, declared=declared)
    finally:
        store.close()


_COLOURS = {"confirmed": "red", "possible": "yellow", "suspected": "yellow", "not_found": "green"}


def show(report: Report) -> None:
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
    click.echo(report.to_json()["notice"])
