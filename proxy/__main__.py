"""The command line. Exit codes: 0 fine, 1 finding or failure of the thing checked, 2 wrong usage or configuration.

A group of commands is a file in `proxy/cli` and a line here; what it does, apart from reading its arguments
and printing, stands in `proxy/commands` and is loaded when it is called.
"""

from __future__ import annotations

from importlib.metadata import version

import click

from proxy.cli.banks import library
from proxy.cli.detect import detect
from proxy.cli.export import export
from proxy.cli.keys import keys
from proxy.cli.label import label
from proxy.cli.operators import operators
from proxy.cli.records import records
from proxy.cli.serve import check_config, serve
from proxy.cli.unlabelled import unlabelled

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("inkseal"), prog_name="inkseal")
def main() -> None:
    """Inkseal 钤印: labels, watermarks, reviews and records AI text."""


for _command in (serve, check_config, detect, export, label, library, operators, records, keys, unlabelled):
    main.add_command(_command)


if __name__ == "__main__":
    main()
