"""The steps of the procedure 入库程序 on the command line: propose, review, approve, publish and the way back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
import orjson

from proxy.cli.library import library
from proxy.cli.options import (
    as_option,
    config_option,
    json_option,
    procedure_errors,
    settings_of,
    waiting_for,
    wrong,
)

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.governance.lookback import Difference
    from proxy.governance.release import Release

__all__ = ["STEPS", "library"]

_reason = click.option("--reason", default="", help="Recorded with the step.")


@library.command("propose")
@click.argument("pattern", default="")
@click.option("--row", default="", help="The whole entry as a JSON object; - reads it from standard input.")
@click.option("--category", default="", help="One of the 31 risks, A.1.a to A.5.b.")
@click.option("--kind", default="")
@click.option("--severity", type=click.IntRange(1, 4))
@click.option("--action", default="", help="block, replace, mask, flag or log, in both directions.")
@click.option("--scope", default="", help="input, output or both.")
@click.option("--view", "views", multiple=True, help="raw, safe, evasion, pinyin.")
@click.option("--exception", "exceptions", multiple=True, help="An allow phrase.")
@click.option(
    "--source", "source_type", default="", help="主管部门通知, 投诉举报, 人工审核, 安全评估 or 自建."
)
@click.option("--ref", default="", help="Reference of the source.")
@_reason
@as_option
@json_option
@config_option
def propose(
    pattern: str,
    row: str,
    source_type: str,
    ref: str,
    reason: str,
    operator: str,
    as_json: bool,
    config_file: Path | None,
    **fields: Any,
) -> None:
    """Propose one entry: PATTERN with the options, or --row."""
    from proxy.commands.library import acting, open_desk
    from proxy.lookups import revision_row
    from proxy.review.entry import Entry

    if bool(pattern) == bool(row):
        raise wrong("give either a PATTERN with --category, or --row")
    settings = settings_of(config_file)
    with procedure_errors():
        if row:
            given = _row(sys.stdin.buffer.read() if row == "-" else row)
        else:
            given = {
                "pattern": pattern,
                **{k: list(v) if isinstance(v, tuple) else v for k, v in fields.items() if v},
            }
            if source_type or ref:
                given["source"] = {**({"type": source_type} if source_type else {}), "ref": ref}
        desk = open_desk(settings)
        made = desk.propose(Entry.from_row(given), acting(desk, operator), reason)
    one = made.revision
    if as_json:
        click.echo(orjson.dumps(revision_row(one), option=orjson.OPT_INDENT_2))
        return
    click.echo(f"proposed {one.id}, revision {one.number}")
    for remark in made.remarks:
        click.echo(f"note: {remark.text}", err=True)
    if one.hits_per_million:
        click.echo(f"note: {made.hits.told}:", err=True)
        for sample in one.samples:
            click.echo(f"  …{sample}…", err=True)
    if one.over(settings.library.budget_per_million):
        click.echo(
            "note: so it can only flag, unless it is approved with a reason (--waive REASON)", err=True
        )


def _row(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise wrong(f"--row is not JSON: {error}") from None


STEPS = {
    "review": "Say that entries are well made; whoever wrote them cannot.",
    "approve": "Approve reviewed entries; what is severe and blocks takes two approvals.",
    "reject": "Reject entries that are not in force.",
    "withdraw": "Take an own proposal back.",
    "confirm": "Confirm an emergency publication.",
    "suspend": "Take entries out of the next version for the time being.",
    "resume": "Put suspended entries into the next version again.",
    "retire": "Take entries out of the next version for good.",
}
_IN_FORCE = ("suspend", "resume", "retire")


def _step(name: str, text: str) -> None:
    def run(
        ids: tuple[str, ...],
        origin: str,
        reason: str,
        operator: str,
        as_json: bool,
        config_file: Path | None,
        waive: str = "",
    ) -> None:
        from proxy.commands.library import acting, open_desk

        if bool(ids) == bool(origin):
            raise wrong("name entries by id, or all of one import with --origin")
        settings = settings_of(config_file)
        with procedure_errors():
            desk = open_desk(settings)
            who = acting(desk, operator)
            done = desk.step(name, ids, who, origin=origin, reason=reason, waiver=waive)
        if as_json:
            click.echo(orjson.dumps([{"id": o.id, "version": o.number, "status": o.status} for o in done]))
            return
        for one in done[:20]:
            more = one.approvals_needed - len(one.entry.approvers)
            wait = f", {more} more approval to come" if name == "approve" and one.status == "reviewed" else ""
            click.echo(f"{one.id}/{one.number} is {one.status}{wait}")
        if len(done) > 20:
            click.echo(f"… and {len(done) - 20} more")
        if name in _IN_FORCE:
            click.echo("publish to put this in force: inkseal library publish")

    command: Callable[..., Any] = run
    if name == "approve":
        command = click.option(
            "--waive",
            default="",
            metavar="REASON",
            help="Let it block although it hits clean text too often.",
        )(command)
    for option in (config_option, json_option, as_option, _reason):
        command = option(command)
    command = click.option("--origin", default="", help="All that one import brought.")(command)
    command = click.argument("ids", nargs=-1)(command)
    library.command(name, help=text)(command)


for _name, _text in STEPS.items():
    _step(_name, _text)


@library.command("recategorise")
@click.argument("ids", nargs=-1, required=True)
@click.option("--category", required=True, help="One of the 31 risks.")
@_reason
@as_option
@config_option
def recategorise(
    ids: tuple[str, ...], category: str, reason: str, operator: str, config_file: Path | None
) -> None:
    """Propose entries anew in another category."""
    from proxy.commands.library import acting, open_desk

    settings = settings_of(config_file)
    with procedure_errors():
        desk = open_desk(settings)
        done = desk.recategorise(ids, category, acting(desk, operator), reason)
    click.echo(f"{len(done)} proposed in {category}")


@library.command("publish")
@click.option("--shadow", is_flag=True, help="On trial: matches and records only.")
@click.option("--canary", type=click.FloatRange(0, 100), help="On trial for so many percent of the users.")
@click.option("--tenant", "tenants", multiple=True, help="A canary for this tenant.")
@click.option(
    "--emergency", multiple=True, metavar="ID", help="This entry goes along unapproved, for 72 hours."
)
@click.option(
    "--waive", default="", metavar="REASON", help="Let an emergency block although it hits clean text."
)
@_reason
@as_option
@json_option
@config_option
def publish(
    shadow: bool,
    canary: float | None,
    tenants: tuple[str, ...],
    emergency: tuple[str, ...],
    waive: str,
    reason: str,
    operator: str,
    as_json: bool,
    config_file: Path | None,
) -> None:
    """Put what is approved in force, or on trial beside the live version."""
    from proxy.commands.library import acting, open_desk
    from proxy.desks import trial_of
    from proxy.governance.release import publish as put_in_force

    on_trial = canary is not None or bool(tenants)
    if shadow and on_trial:
        raise wrong("a trial is either --shadow or a canary")
    state = "shadow" if shadow else "canary" if on_trial else "live"
    settings = settings_of(config_file)
    with procedure_errors(), waiting_for("compiling the new version"):
        trial = trial_of(settings, state, canary or 0.0, tenants)
        desk = open_desk(settings)
        done = put_in_force(
            desk, acting(desk, operator), reason=reason, trial=trial, emergency=emergency, waiver=waive
        )
    _show_release(done, as_json)


@library.command("end-trial")
@_reason
@as_option
@config_option
def end_trial(reason: str, operator: str, config_file: Path | None) -> None:
    """Take the version on trial back; the live one stays."""
    from proxy.commands.library import acting, open_desk
    from proxy.governance.release import end_trial as take_back

    settings = settings_of(config_file)
    with procedure_errors():
        desk = open_desk(settings)
        take_back(desk, acting(desk, operator), reason)
    click.echo("the trial is over: no version is on trial, what is live stays")


@library.command("rollback")
@click.argument("version", default="")
@click.option("--reason", required=True, help="Recorded.")
@as_option
@json_option
@config_option
def rollback(version: str, reason: str, operator: str, as_json: bool, config_file: Path | None) -> None:
    """Put the version before in force again, or VERSION (its first digits)."""
    from proxy.commands.library import acting, open_desk
    from proxy.governance.release import rollback as go_back

    settings = settings_of(config_file)
    with procedure_errors(), waiting_for("going back"):
        desk = open_desk(settings)
        done = go_back(desk, acting(desk, operator), reason=reason, version=version)
    _show_release(done, as_json)
    if done.removed and not as_json:
        click.echo("note: what came since is suspended; inkseal library resume ID brings it back", err=True)


@library.command("diff")
@click.argument("old", default="")
@click.argument("new", default="live")
@json_option
@config_option
def diff(old: str, new: str, as_json: bool, config_file: Path | None) -> None:
    """What distinguishes version OLD (by default the one before) from NEW (by default the live one)."""
    from proxy.commands.library import open_desk
    from proxy.governance.release import diff as compare
    from proxy.lookups import full_version

    settings = settings_of(config_file)
    with procedure_errors():
        desk = open_desk(settings)
        if not old:
            with desk.store.reading() as ledger:
                old = next((row.version for row in ledger.versions() if row.state == "past"), "")
            if not old:
                raise wrong("there is no earlier version; name two")
        done = compare(desk, full_version(settings, old), full_version(settings, new))
    _show_release(done, as_json)


def _show_release(done: Release, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(asdict(done)))
        return
    state = f" ({done.state})" if done.state else ""
    click.echo(f"version {done.version}{state}: {done.entries} entries")
    for name in ("added", "changed", "removed"):
        ids = getattr(done, name)
        if ids:
            click.echo(f"{len(ids)} {name}: {', '.join(ids[:10])}{' …' if len(ids) > 10 else ''}")


@library.command("versions")
@json_option
@config_option
def versions(as_json: bool, config_file: Path | None) -> None:
    """The published versions, newest first, and which one each worker has."""
    from proxy.commands.library import open_desk
    from proxy.governance.workers import convergence, heartbeats
    from proxy.house import Clock
    from proxy.review.pointers import live_version

    settings = settings_of(config_file)
    with procedure_errors():
        with open_desk(settings).store.reading() as ledger:
            rows = ledger.versions()
        told = heartbeats(settings.review.library, Clock().now_ms())
        found = convergence(told, live_version(settings.review.library))
    if as_json:
        click.echo(
            orjson.dumps({"versions": [asdict(row) for row in rows], **found}, option=orjson.OPT_INDENT_2)
        )
        return
    for row in rows:
        click.echo(
            f"{row.version[:16]}  {row.state:<6} {row.at}  {row.entries} entries  {row.actor}  {row.reason}"
        )
    for one in found["workers"]:
        click.echo(
            f"worker {one['worker']}: {(one['version'] or 'none')[:16]}, seen {one['age_seconds']} s ago"
        )


@library.command("verify")
@json_option
@config_option
def verify(as_json: bool, config_file: Path | None) -> None:
    """Whether the database of the procedure is what the records tell. Exit code 1 if not."""
    from proxy.commands.library import open_desk
    from proxy.lookups import audit_of

    settings = settings_of(config_file)
    with procedure_errors():
        found = audit_of(settings, open_desk(settings))
    if as_json:
        click.echo(orjson.dumps({"ok": not found.faults, **asdict(found)}))
    else:
        for fault in found.faults:
            click.echo(f"FAULT {fault}")
        click.echo(
            f"{found.events} events and {found.revisions} revisions compared, {len(found.faults)} fault(s)"
        )
    sys.exit(1 if found.faults else 0)


@library.command("due")
@json_option
@config_option
def due(as_json: bool, config_file: Path | None) -> None:
    """What waits, for whom and until when: the weekly list. Exit code 1 when something is overdue."""
    from proxy.commands.library import open_desk
    from proxy.governance.due import waiting

    settings = settings_of(config_file)
    with procedure_errors():
        found = waiting(open_desk(settings))
    if as_json:
        click.echo(orjson.dumps([asdict(one) for one in found], option=orjson.OPT_INDENT_2))
    else:
        for one in found:
            click.echo(f"{'OVERDUE' if one.overdue else 'waits':<8} {one.role:<9} {one.text}")
            click.echo(f"         {', '.join(one.entries[:8])}{' …' if one.count > 8 else ''}")
        if not found:
            click.echo("nothing waits")
    sys.exit(1 if any(one.overdue for one in found) else 0)


@library.command("lookback")
@click.option(
    "--version",
    "version_start",
    default="next",
    show_default=True,
    help="A published version, or next: everything proposed so far.",
)
@click.option("--since", help="From this time, ISO 8601 UTC.")
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="So many requests at most."
)
@json_option
@config_option
def lookback(
    version_start: str, since: str | None, limit: int, as_json: bool, config_file: Path | None
) -> None:
    """Which recent answers another version would have judged otherwise, where texts or findings are kept."""
    from proxy.commands.library import open_desk
    from proxy.lookups import look_back_at
    from proxy.worker import key_file

    settings = settings_of(config_file)
    with procedure_errors():
        report = look_back_at(settings, open_desk(settings), key_file(settings), version_start, since, limit)
    if as_json:
        click.echo(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2))
        return
    click.echo(
        f"version {report.version[:16]}: {report.requests} requests, of {report.texts} the whole text is kept"
    )
    for name in ("caught", "released"):
        for one in getattr(report, name):
            click.echo(
                f"{name:<8} {one.created}  {one.request_id}  {one.direction} {one.action} {one.entry}: {one.text}{_place(one)}"
            )


def _place(one: Difference) -> str:
    return f" ({one.part}, {one.start}-{one.end})" if one.part else ""
