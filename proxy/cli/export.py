"""Texts of ours as files."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import click
import orjson

from proxy.cli.options import config_option, settings_of, usage_errors

__all__ = ["export"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["docx", "epub", "html", "json", "md", "pdf", "txt"]),
    required=True,
)
@click.option(
    "-o", "output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write."
)
@click.option("--content-id", default="", help="The answer's content id (ProduceID), if you know it.")
@click.option("--tenant", default="", help="Whose labels; else the general ones.")
@click.option("--as", "operator", default=getpass.getuser, help="Who does this; recorded.")
@click.option("--json", "as_json", is_flag=True)
@config_option
def export(
    file: Path,
    kind: str,
    output: Path,
    content_id: str,
    tenant: str,
    operator: str,
    as_json: bool,
    config_file: Path | None,
) -> None:
    """Write the answer in FILE (Markdown; - for standard input) as a labelled document.

    Only for texts that are shown to be outputs of this service: exit code 1 for any other, and nothing is written.
    """
    from proxy.commands.export import export_text
    from proxy.files.export import NotOursError
    from proxy.records.record import RecordError

    settings = settings_of(config_file)
    with usage_errors():
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"{file}: is not UTF-8 text ({error.reason} at byte {error.start})") from error
        try:
            made = export_text(settings, text, kind, content_id, tenant=tenant, operator=operator)
        except NotOursError as error:
            raise click.ClickException(str(error)) from error
        except RecordError as error:
            raise click.ClickException(f"this cannot be recorded, so nothing was written: {error}") from error
        output.write_bytes(made.data)
    about = {
        "file": str(output),
        "content_id": made.proof.content_id,
        "basis": made.proof.basis,
        "label": dict(made.fields),
    }
    if as_json:
        click.echo(orjson.dumps(about))
    else:
        click.echo(
            f"wrote {output}: answer {made.proof.content_id}, shown to be ours by its {made.proof.basis}"
        )
