"""The feature library 特征库."""

from __future__ import annotations

import getpass
from pathlib import Path

import click
import orjson

from proxy.cli.options import config_option, settings_of, usage_errors, wrong

__all__ = ["library"]


@click.group()
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
@config_option
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
    from proxy.commands.library import bootstrap_library
    from proxy.review.store import LibraryError

    if not publish:
        raise wrong("this version imports with --publish only, into an empty library")
    settings = settings_of(config_file)
    try:
        with usage_errors():
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
