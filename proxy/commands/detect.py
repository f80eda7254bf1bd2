"""What `inkseal detect` does."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from detectors.issued import IssuedMarks
from detectors.panel import Panel
from proxy.commands.records import issued_numbers
from proxy.errors import ApiError
from proxy.examination import Examined, Submission
from proxy.examination import examine as examine_one
from proxy.house import Clock, iso_time
from proxy.keys import KeyFile
from proxy.settings import Settings
from proxy.signed import report_key, report_seed, sign_report, verify_report
from proxy.worker import fingerprint_store, key_ring, mark_lookup, mark_store, pinned_keys
from proxy.worker import panel as make_panel

__all__ = ["Seen", "check_report", "detectors_of", "examine", "report_file", "signed"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One of the files asked about, and what was found; or why it could not be read."""

    path: str
    examined: Examined | None
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        if self.examined is None:
            return {"path": self.path, "error": self.error}
        return {"path": self.path, **self.examined.to_json(public=False)}


def examine(settings: Settings, paths: Sequence[Path], *, declared: bool) -> Iterator[Seen]:
    """Each in turn, `-` from standard input. Raises FileNotFoundError or ValueError for keys that are not there."""
    if len(paths) == 1 and str(paths[0]) != "-" and not paths[0].exists():
        raise FileNotFoundError(f"{paths[0]}: No such file")
    with detectors_of(settings) as (panel, pinned):
        for path in paths:
            try:
                yield Seen(str(path), examine_one(panel, _submission(path, declared), pinned))
            except (OSError, ValueError) as error:
                yield Seen(str(path), None, getattr(error, "strerror", None) or str(error))
            except ApiError as error:
                yield Seen(str(path), None, str(error))


def _submission(path: Path, declared: bool) -> Submission:
    if str(path) != "-":
        return Submission(data=path.read_bytes(), name=path.name, declared=declared)
    try:
        return Submission(text=sys.stdin.buffer.read().decode("utf-8-sig"), declared=declared)
    except UnicodeDecodeError as error:
        raise ValueError(f"this is not UTF-8 text ({error.reason} at byte {error.start})") from error


@contextmanager
def detectors_of(settings: Settings) -> Iterator[tuple[Panel, Mapping[str, Sequence[str]]]]:
    """All detectors of this installation and the keys that make signatures authentic."""
    keys = _keys(settings)
    store, marks = fingerprint_store(settings), mark_store(settings)
    try:
        ring = key_ring(keys, settings.provider.names(), settings.keys.others)
        indexed = mark_lookup(settings, ring, marks)
        # What was put out before there was an index, or without it, stands in the records.
        recorded = IssuedMarks(ring, settings.provider.names(), lambda _: issued_numbers(settings, keys))
        panel = make_panel(
            settings,
            keys,
            ring,
            store,
            lambda grains: indexed(grains) or recorded(grains),
            lambda: [*marks.content_numbers(), *issued_numbers(settings, keys)],
        )
        yield panel, pinned_keys(settings, keys)
    finally:
        store.close()
        marks.close()


def _keys(settings: Settings) -> KeyFile:
    if not settings.keys.file.exists():
        raise FileNotFoundError(
            f"there is no key file {settings.keys.file}: marks can be verified only with the keys they were made with; "
            "run this where the proxy runs, or name its settings with --config"
        )
    return KeyFile.load(settings.keys.file, settings.keys.command)


def signed(settings: Settings, examined: Examined) -> dict[str, Any]:
    """The signed report of one examination, with all evidence."""
    key = report_key(report_seed(_keys(settings).derive))
    created = iso_time(Clock().now_ms())
    return sign_report(examined, key=key, producer=settings.provider.code, created=created, public=False)


def report_file(signed: dict[str, Any], suffix: str) -> bytes:
    """A signed report as the file that `suffix` asks for: .pdf, else JSON."""
    if suffix.lower() != ".pdf":
        return orjson.dumps(signed, option=orjson.OPT_INDENT_2)
    from proxy.console.report_pdf import report_pdf

    return report_pdf(signed, "zh")


def check_report(settings: Settings, path: Path) -> tuple[bool, dict[str, Any]]:
    """Whether a report was signed here and is unaltered, and its document. Raises OSError or ValueError."""
    raw = path.read_bytes()
    key = report_key(report_seed(_keys(settings).derive)).public_key()
    try:
        document = orjson.loads(raw)["document"]
        return verify_report(raw, key), dict(document)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is no report of a detection") from error
