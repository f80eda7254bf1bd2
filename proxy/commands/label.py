"""What `inkseal label` does."""

from __future__ import annotations

import asyncio

from labelers.provenance import Provenance, content_number
from proxy.commands.detect import detectors_of
from proxy.commands.records import append_record
from proxy.errors import ApiError
from proxy.examination import Submission, examine
from proxy.files.bounded import embed_bounded
from proxy.files.label import Labelling, decide, label_record
from proxy.house import Clock, iso_time
from proxy.keys import KeyFile
from proxy.records.record import Record
from proxy.settings import Settings

__all__ = ["label_file"]


def label_file(
    settings: Settings,
    data: bytes,
    name: str,
    *,
    claim: str,
    propagator: str,
    number: str,
    declared: bool,
    operator: str,
) -> tuple[bytes, Labelling]:
    """The labelled file and what was decided; recorded before it is given out.

    Raises EvidenceError, RecordError, and ValueError for files and codes that cannot be used.
    """
    clock = Clock()
    now = clock.now_ms()
    if not propagator and settings.provider.code == "UNSET":
        raise ValueError("--propagator: say who spreads the file, for provider.code is not set")
    propagator = propagator or settings.provider.code
    number = number or Provenance(propagator, content_number(now, clock.random24())).content_id
    with detectors_of(settings) as (panel, pinned):
        try:
            seen = examine(panel, Submission(data=data, name=name, declared=declared), pinned)
        except ApiError as error:
            raise ValueError(str(error)) from error
    assert seen.reading is not None  # a file was handed in
    labelling = decide(seen.reading, seen.report, claim=claim, propagator=propagator, number=number)
    made = embed_bounded(data, name, labelling.fields)
    if settings.records.enabled:
        fields = {"operator": operator, "declared": declared, **label_record(labelling, data, made)}
        event = Record("label", clock.request_id(), number, "", iso_time(now), "", fields)
        keys = KeyFile.load(settings.keys.file, settings.keys.command)
        asyncio.run(append_record(settings, keys, event))
    return made, labelling
