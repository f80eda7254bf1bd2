"""The named people of the procedure, their roles and tokens."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from proxy.cli.options import as_option, config_option, json_option, procedure_errors, settings_of

__all__ = ["operators"]


@click.group()
def operators() -> None:
    """The operators: named people with roles (operator, reviewer, approver, auditor, admin)."""


@operators.command("add")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, help="operator, reviewer, approver, auditor or admin."
)
@as_option
@json_option
@config_option
def operators_add(
    name: str, roles: tuple[str, ...], operator: str, as_json: bool, config_file: Path | None
) -> None:
    """Add NAME and show the token, this once."""
    from proxy.commands.operators import add_operator

    settings = settings_of(config_file)
    with procedure_errors():
        given = [role for given in roles for role in given.split(",")]
        token = add_operator(settings, name, given, operator)
    if as_json:
        click.echo(orjson.dumps({"name": name, "roles": sorted(set(given)), "token": token}))
    else:
        click.echo(f"{name} ({', '.join(sorted(set(given)))}). The token, shown this once: {token}")


@operators.command("list")
@json_option
@config_option
def operators_list(as_json: bool, config_file: Path | None) -> None:
    """The operators and their roles. No token is shown."""
    from proxy.commands.library import open_desk

    settings = settings_of(config_file)
    with procedure_errors():
        found = open_desk(settings).operators()
    if as_json:
        rows = [
            {
                "name": o.name,
                "roles": o.roles,
                "created": o.created,
                "created_by": o.created_by,
                "revoked": o.revoked,
            }
            for o in found
        ]
        click.echo(orjson.dumps(rows))
        return
    for one in found:
        state = f"revoked {one.revoked}" if one.revoked else f"since {one.created}"
        click.echo(f"{one.name:<20} {', '.join(one.roles):<40} {state}")


@operators.command("revoke")
@click.argument("name")
@click.option("--reason", default="", help="Recorded.")
@as_option
@config_option
def operators_revoke(name: str, reason: str, operator: str, config_file: Path | None) -> None:
    """Make the token of NAME worthless. The name stays taken."""
    from proxy.commands.operators import revoke_operator

    settings = settings_of(config_file)
    with procedure_errors():
        revoke_operator(settings, name, operator, reason)
    click.echo(f"{name} is revoked")
