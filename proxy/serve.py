"""Starts the server processes."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

import uvicorn

from proxy.app import InksealApp
from proxy.review.failures import LibraryError
from proxy.review.pointers import live_at, live_version
from proxy.review.store import load_version, renew
from proxy.settings import Settings, load_settings
from proxy.worker import build_house, first_start, key_file, library_key, make_app

__all__ = ["app_factory", "notices", "run"]

GRACE_SECONDS = 20
# Detection, fingerprints and records work in threads. With Python's 5 ms a token waits that long for each of them.
SWITCH_SECONDS = 0.0005


def notices(settings: Settings) -> list[str]:
    """What an operator should know before anybody relies on this server."""
    said = []
    if settings.provider.code == "UNSET":
        said.append(
            "provider.code is UNSET: labels name nobody who answers for them; this is for trying out on loopback"
        )
    said += settings.provider.warnings()
    if not settings.tenants:
        said.append("no tenants: every caller on this machine is served, whatever key it shows")
    if not settings.records.enabled:
        said.append("records are off: nothing is kept; this is for benchmarks")
    credentials = settings.content_credentials
    if credentials.enabled and credentials.certificate is None:
        said.append(
            "content_credentials has no certificate: exported files carry no signed metadata (C2PA); get a certificate for "
            "claim signing and name it in content_credentials.certificate and private_key"
        )
    review = settings.review
    if not (review.input and review.output):
        said.append(
            "review is switched off for "
            + " and ".join(n for n in ("input", "output") if not getattr(review, n))
        )
    if (review.input or review.output) and live_version(review.library) is None:
        said.append(
            f"no feature library is published in {review.library}: nothing is reviewed; "
            "publish one with: inkseal library import FILE --publish"
        )
    return said + _marks_not_read(settings)


def _marks_not_read(settings: Settings) -> list[str]:
    """Statistical marks that these settings have written and that nobody would read, or not as a message."""
    marks = [settings.for_tenant(tenant)[1].statistical for tenant in settings.tenants or (None,)]
    schemes = {one.scheme for one in marks}
    said = []
    engines = [one.name for one in settings.upstreams if one.capabilities.engine not in (None, "none")]
    if engines and schemes & {"engine", "auto"} and not settings.detection.tokenizers:
        said.append(
            f"the engine of {', '.join(engines)} marks tokens, and detection.tokenizers is empty: nobody can read that mark; "
            f"list upstream:{engines[0]} there, or the model's tokenizer"
        )
    if "green_list" in schemes and not settings.detection.green_list:
        said.append("green_list is written and not read: set detection.green_list")
    without = sorted({one.scheme for one in marks if one.payload} & {"substitution", "engine", "green_list"})
    if without:
        said.append(
            f"watermarks.statistical.payload: {', '.join(without)} carries no message, so it changes nothing there"
        )
    return said


def run(settings: Settings, config_file: Path | None) -> None:
    """Serves until it is stopped. Raises ValueError or OSError for what cannot work, before anything listens."""
    token = first_start(settings)
    if token:
        print(f"The admin token, shown this once: {token}", file=sys.stderr)  # noqa: T201
    try:
        _load(settings.review.library, library_key(key_file(settings)))
    except LibraryError as error:
        raise ValueError(
            f"{error}; publish the library again or restore {settings.review.library}"
        ) from error
    build_house(settings)  # whatever is wrong shows here, once, and not in every worker
    for notice in notices(settings):
        print(f"note: {notice}", file=sys.stderr)  # noqa: T201
    if config_file is not None:
        os.environ["INKSEAL_CONFIG"] = str(config_file)
    server = settings.server
    print(f"Inkseal on http://{server.host}:{server.port} ({server.workers} worker(s))", file=sys.stderr)  # noqa: T201
    uvicorn.run(
        "proxy.serve:app_factory",
        factory=True,
        host=server.host,
        port=server.port,
        workers=server.workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        # Who forwards must not be able to say who called.
        proxy_headers=False,
        backlog=4096,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _load(folder: Path, key: bytes) -> None:
    """Look whether the library in force can be loaded; compile it once, not in every worker, after an upgrade."""
    version = live_at(folder, key).version
    if version:
        with suppress(OSError):  # who may not write there compiles in every worker
            renew(folder, version, key)
        load_version(folder, version, key)


def app_factory() -> InksealApp:
    """The application of one server process; the settings come from where the supervisor found them."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    sys.setswitchinterval(SWITCH_SECONDS)
    path = os.environ.get("INKSEAL_CONFIG")
    return make_app(load_settings(Path(path) if path else None, os.environ))
