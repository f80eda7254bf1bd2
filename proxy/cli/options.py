"""What every command shares: the settings file, and mistakes as one clear line with exit code 2."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from proxy.settings import Settings, SettingsError, load_settings

__all__ = [
    "as_option",
    "config_option",
    "config_path",
    "json_option",
    "procedure_errors",
    "settings_of",
    "show_progress",
    "usage_errors",
    "waiting_for",
    "wrong",
]

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="Settings file; else INKSEAL_CONFIG, else ./inkseal.yaml.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
as_option = click.option(
    "--as",
    "operator",
    default=getpass.getuser,
    help="Who does this; recorded. A known operator, once there are any.",
)


def config_path(config_file: Path | None) -> Path | None:
    if config_file is None and "INKSEAL_CONFIG" in os.environ:
        return Path(os.environ["INKSEAL_CONFIG"])
    if config_file is None and Path("inkseal.yaml").exists():
        return Path("inkseal.yaml")
    return config_file


def settings_of(config_file: Path | None) -> Settings:
    try:
        return load_settings(config_path(config_file), os.environ)
    except SettingsError as error:
        raise wrong(str(error)) from error


def wrong(message: str) -> click.ClickException:
    """Wrong usage or configuration."""
    return click.UsageError(message)


@contextmanager
def usage_errors() -> Iterator[None]:
    """What cannot be read or does not fit becomes one clear line and exit code 2."""
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        raise wrong(str(error)) from error


@contextmanager
def procedure_errors() -> Iterator[None]:
    """What the procedure refuses, or a damaged library, is exit code 1; wrong usage stays 2."""
    from proxy.governance.people import ProcedureError
    from proxy.governance.store import TamperedError, UnavailableError
    from proxy.records.record import RecordError
    from proxy.review.failures import LibraryError

    try:
        yield
    except ProcedureError as error:
        if error.status in (400, 401, 404):
            raise wrong(str(error)) from error
        raise click.ClickException(str(error)) from error
    except LibraryError as error:
        lines = [str(error), *(str(problem) for problem in error.problems)]
        raise click.ClickException("\n".join(lines)) from error
    except (TamperedError, UnavailableError, RecordError) as error:
        raise click.ClickException(str(error)) from error
    except (OSError, ValueError, ImportError) as error:
        raise wrong(str(error)) from error


@contextmanager
def show_progress(what: str) -> Iterator[Callable[[int], None] | None]:
    """Counts on a terminal, nothing when piped."""
    if not sys.stderr.isatty():
        yield None
        return

    def show(count: int) -> None:
        click.echo(f"\r{count:,} {what}", err=True, nl=False)

    try:
        yield show
    finally:
        click.echo("\r\033[K", err=True, nl=False)


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Says on a terminal what takes so long, nothing when piped."""
    with show_progress(what) as progress:
        if progress is not None:
            click.echo(f"{what} …", err=True, nl=False)
        yield
