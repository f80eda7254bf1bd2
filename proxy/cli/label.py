"""Labelling files that others made, as a platform that spreads them (标识办法 art. 6)."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import click
import orjson

from proxy.cli.options import config_option, settings_of, usage_errors

__all__ = ["label"]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--as",
    "claim",
    type=click.Choice(["confirmed", "possible", "suspected"]),
    help="属于, 可能 or 疑似; without it whatever the evidence gives.",
)
@click.option(
    "--propagator", default="", help="Name or 27-character code of who spreads the file; else provider.code."
)
@click.option("--number", default="", help="The propagator's number of this content; else one is made.")
@click.option("--declared", is_flag=True, help="Whoever uploaded the file declares that it is AI-generated.")
@click.option(
    "-o", "output", type=click.Path(dir_okay=False, path_type=Path), help="Else FILE itself is replaced."
)
@click.option("--operator", default=getpass.getuser, help="Who does this; recorded.")
@click.option("--json", "as_json", is_flag=True)
@config_option
def label(
    file: Path,
    claim: str | None,
    propagator: str,
    number: str,
    declared: bool,
    output: Path | None,
    operator: str,
    as_json: bool,
    config_file: Path | None,
) -> None:
    """Examine FILE, write the propagation elements into its implicit label, and say what to show beside it.

    Exit code 1 if the evidence gives no such label; then nothing is written.
    """
    from proxy.commands.label import label_file
    from proxy.files.label import EvidenceError
    from proxy.records.record import RecordError

    settings = settings_of(config_file)
    output = output or file
    with usage_errors():
        try:
            made, labelling = label_file(
                settings,
                file.read_bytes(),
                file.name,
                claim=claim or "",
                propagator=propagator,
                number=number,
                declared=declared,
                operator=operator,
            )
        except EvidenceError as error:
            raise click.ClickException(str(error)) from error
        except RecordError as error:
            raise click.ClickException(f"this cannot be recorded, so nothing was written: {error}") from error
        beside = output.with_name(f".{output.name}.part")
        beside.write_bytes(made)
        os.replace(beside, output)
    chinese, english = labelling.shown
    if as_json:
        shown = {"zh": chinese, "en": english}
        about = {"file": str(output), "label": labelling.label, "basis": labelling.basis, "show": shown}
        click.echo(orjson.dumps(about | {"AIGC": dict(labelling.fields)}))
        return
    click.echo(f"wrote {output}: Label {labelling.label} ({labelling.basis})")
    click.echo(f"show beside the content: {chinese} {english}")
