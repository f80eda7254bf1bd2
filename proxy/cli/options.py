"""What every command shares: the settings file, and mistakes as one clear line with exit code 2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from proxy.settings import Settings, SettingsError, load_settings

__all__ = ["config_option", "config_path", "settings_of", "usage_errors", "wrong"]

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="Settings file; else INKSEAL_CONFIG, else ./inkseal.yaml.",
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
