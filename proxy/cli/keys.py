"""The key file."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from labelers.reserved_code import SM3_WITH_SM2
from proxy.cli.options import as_option, config_option, procedure_errors, settings_of, usage_errors

__all__ = ["keys"]


reason_option = click.option("--reason", default="", help="Recorded with the event.")


@click.group()
def keys() -> None:
    """The key file, from which every other key is derived."""


@keys.command("new")
@config_option
def keys_new(config_file: Path | None) -> None:
    """Make the key file. There must be none yet."""
    from proxy.commands.keys import new_keys

    settings = settings_of(config_file)
    with usage_errors():
        made = new_keys(settings)
    click.echo(f"made {made.path} (mode 0600), key epoch {made.current}; keep a copy in a safe place")


@keys.command("rotate")
@reason_option
@as_option
@config_option
def keys_rotate(config_file: Path | None, operator: str, reason: str) -> None:
    """Begin a new key epoch; the older ones verify only."""
    from proxy.commands.keys import rotate_keys

    settings = settings_of(config_file)
    with procedure_errors():
        made = rotate_keys(settings, operator, reason)
    click.echo(
        f"key epoch {made.current} signs from the next start of the server on; the older ones verify only"
    )


@keys.command("leak")
@click.argument("kid", type=int)
@click.option(
    "--not-after", default="", metavar="ID|TIME", help="Marks up to this content id or time still verify."
)
@reason_option
@as_option
@config_option
def keys_leak(config_file: Path | None, kid: int, not_after: str, operator: str, reason: str) -> None:
    """Note that the key of epoch KID is known to others: it vouches for nothing, or for nothing later.

    Without --not-after it vouches for nothing: whoever has the key can date a forgery back.
    """
    from proxy.commands.keys import leak_key

    settings = settings_of(config_file)
    with procedure_errors():
        made = leak_key(settings, kid, not_after, operator, reason)
    told = next(epoch for epoch in made.epochs if epoch.kid == kid)
    upto = (
        f"vouches for content ids up to {told.not_after}"
        if told.not_after
        else "vouches for nothing any more"
    )
    click.echo(f"key epoch {kid} is leaked and {upto}; epoch {made.current} signs. Restart the server")


@keys.command("share")
@click.argument("kids", type=int, nargs=-1, required=True)
@click.option(
    "-o", "out", type=click.Path(path_type=Path), required=True, help="The file to make, mode 0600."
)
@reason_option
@as_option
@config_option
def keys_share(
    config_file: Path | None, kids: tuple[int, ...], out: Path, operator: str, reason: str
) -> None:
    """Write the keys of epochs KIDS, which verify only, for another provider (its setting keys.others)."""
    from proxy.commands.keys import share_keys

    settings = settings_of(config_file)
    with procedure_errors():
        share_keys(settings, kids, out, operator, reason)
    click.echo(
        f"wrote {out}; it verifies marks of epochs {', '.join(map(str, kids))}. Hand it over in a safe way"
    )


@keys.command("list")
@click.option("--json", "as_json", is_flag=True)
@config_option
def keys_list(config_file: Path | None, as_json: bool) -> None:
    """The key epochs and their states. No secret is shown."""
    from proxy.commands.keys import list_keys

    settings = settings_of(config_file)
    with usage_errors():
        epochs = list_keys(settings)
    if as_json:
        click.echo(orjson.dumps(epochs))
        return
    for epoch in epochs:
        upto = f", up to {epoch['not_after']}" if "not_after" in epoch else ""
        click.echo(f"{epoch['kid']}  {epoch['state']:<7} since {epoch['created']}{upto}")


@keys.command("public")
@click.option("--json", "as_json", is_flag=True)
@config_option
def keys_public(config_file: Path | None, as_json: bool) -> None:
    """The public key that our implicit labels are signed with (SM3withSM2), for others to pin."""
    from proxy.commands.keys import public_signing_key

    settings = settings_of(config_file)
    with usage_errors():
        key = public_signing_key(settings)
    if as_json:
        click.echo(
            orjson.dumps({"producer": settings.provider.code, "algorithm": SM3_WITH_SM2, "public_key": key})
        )
        return
    click.echo(key)


@keys.command("engine")
@click.argument("kid", type=int, required=False)
@config_option
def keys_engine(config_file: Path | None, kid: int | None) -> None:
    """The key that an engine's plug-in draws with in epoch KID (the current one), in hex. It opens nothing else."""
    from proxy.commands.keys import engine_keys

    settings = settings_of(config_file)
    with usage_errors():
        click.echo(engine_keys(settings, kid))
