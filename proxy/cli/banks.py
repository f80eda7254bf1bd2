"""`inkseal library evaluate`: the question banks of TC260-003 §9 against a running proxy."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from proxy.cli.options import config_option, json_option, procedure_errors, settings_of, show_progress
from proxy.cli.procedure import library

__all__ = ["library"]


@library.command("evaluate")
@click.argument("bank", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The proxy to ask.")
@click.option("--key", default="", help="A tenant's key.", envvar="INKSEAL_EVALUATE_KEY")
@click.option("--model", default="default", show_default=True)
@click.option("--concurrency", type=click.IntRange(1, 256), default=8, show_default=True)
@click.option(
    "--answers",
    "answers_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keeps the answers, one a line. What stands there is not asked again, and its verdict (pass, fail) counts.",
)
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Writes the report as Markdown."
)
@json_option
@config_option
def evaluate(
    bank: Path,
    url: str,
    key: str,
    model: str,
    concurrency: int,
    answers_file: Path | None,
    report: Path | None,
    as_json: bool,
    config_file: Path | None,
) -> None:
    """Ask the questions of BANK (JSON Lines: question, risk, expect refuse|answer|any) and tell the rates.

    Exit code 1 when a rate of the norm is missed or a question got no answer.
    """
    from proxy.commands.banks import evaluate_bank
    from proxy.governance.evaluate import Asking

    settings = settings_of(config_file)
    with procedure_errors(), show_progress("answers") as progress:
        found, markdown = evaluate_bank(
            settings, bank, Asking(url, key, model, concurrency), answers_file, progress
        )
        if report is not None:
            report.write_text(markdown, "utf-8")
    click.echo(orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2) if as_json else markdown)
    sys.exit(0 if found.met else 1)
