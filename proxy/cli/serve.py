"""Starting the proxy, and looking at its settings first."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from proxy.cli.options import config_option, config_path, settings_of, usage_errors

__all__ = ["check_config", "serve"]


@click.command()
@config_option
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 256), help="Server processes.")
def serve(config_file: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Start the proxy."""
    from proxy.serve import run

    for name, value in (("HOST", host), ("PORT", port), ("WORKERS", workers)):
        if value is not None:
            os.environ[f"INKSEAL__SERVER__{name}"] = str(value)
    settings = settings_of(config_file)
    with usage_errors():
        run(settings, config_path(config_file))


@click.command("check-config")
@config_option
@click.option(
    "--probe", is_flag=True, help="Ask the upstreams, with a handful of tiny requests, what they can do."
)
def check_config(config_file: Path | None, probe: bool) -> None:
    """Check the settings and say what they mean."""
    from proxy.commands.settings import explain

    settings = settings_of(config_file)
    for line in explain(settings):
        click.echo(line)
    if not probe:
        return
    from proxy.commands.probe import probe_upstreams

    with usage_errors():
        lines, answered = asyncio.run(probe_upstreams(settings))
    for line in lines:
        click.echo(line)
    if not answered:
        raise SystemExit(1)
