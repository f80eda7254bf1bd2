"""Content without an explicit label, on application (标识办法 art. 9)."""

from __future__ import annotations

import getpass
from pathlib import Path

import click
import orjson

from proxy.cli.options import config_option, procedure_errors, settings_of, usage_errors

__all__ = ["unlabelled"]

_operator = click.option("--as", "operator", default=getpass.getuser, help="Who does this; recorded.")


@click.group()
def unlabelled() -> None:
    """The register of applications for content without an explicit label (标识办法 art. 9)."""


@unlabelled.command("grant")
@click.option("--tenant", required=True, help="The tenant whose key the content is asked with.")
@click.option("--user", default="", help="Only for this end user (X-AIGC-User); else for all of the tenant.")
@click.option("--applicant", required=True, help="Who applied.")
@click.option("--purpose", required=True, help="What the content is for.")
@click.option(
    "--agreement", required=True, help="Version of the agreement that settles who labels and who answers."
)
@click.option("--recipient", required=True, help="Who gets the content.")
@click.option("--from", "starts", default="", help="ISO date or time; else now.")
@click.option("--to", "ends", required=True, help="ISO date or time at which it ends.")
@click.option("--json", "as_json", is_flag=True)
@_operator
@config_option
def unlabelled_grant(operator: str, as_json: bool, config_file: Path | None, **said: str) -> None:
    """Grant an application. From then on this tenant's answers bear no explicit label."""
    from proxy.commands.unlabelled import grant

    settings = settings_of(config_file)
    with procedure_errors():
        made = grant(settings, {**said, "granted_by": operator})
    click.echo(orjson.dumps(made) if as_json else f"granted {made['id']}: {_line(made)}")


@unlabelled.command("list")
@click.option("--json", "as_json", is_flag=True)
@config_option
def unlabelled_list(as_json: bool, config_file: Path | None) -> None:
    """All grants, the newest first, checked against the records. Exit code 1 if the two differ."""
    from proxy.commands.unlabelled import faults, grants

    settings = settings_of(config_file)
    with usage_errors():
        listed, wrong = grants(settings), faults(settings)
    for one in listed:
        click.echo(orjson.dumps(one) if as_json else f"{one['id']}  {one['state']:<7} {_line(one)}")
    for fault in wrong:
        click.echo(f"FAULT {fault}", err=True)
    if wrong:
        raise SystemExit(1)


@unlabelled.command("revoke")
@click.argument("identifier")
@click.option("--reason", required=True)
@_operator
@config_option
def unlabelled_revoke(identifier: str, reason: str, operator: str, config_file: Path | None) -> None:
    """End a grant at once; the next request is refused."""
    from proxy.commands.unlabelled import revoke

    settings = settings_of(config_file)
    with procedure_errors():
        revoke(settings, identifier, operator, reason)
    click.echo(f"revoked {identifier}")


def _line(grant: dict[str, str]) -> str:
    whom = grant["tenant"] + (f"/{grant['user']}" if grant["user"] else "")
    return (
        f"{whom} until {grant['ends']}, applied for by {grant['applicant']} ({grant['purpose']}), "
        f"given to {grant['recipient']}, agreement {grant['agreement']}, granted by {grant['granted_by']}"
    )
