"""A text of ours as a file, labelled inside: proof first, then the file, then the record of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from detectors.panel import Panel
from labelers.c2pa_manifest import C2paError, C2paSigner
from labelers.explicit import LabelStrings
from labelers.files import MEDIA_TYPES, FileError, write
from labelers.files.sheet import make_sheet
from labelers.locales import locale_of
from labelers.metadata import aigc_fields
from proxy.content_credentials import credentialed
from proxy.files.ours import NotOursError, Proof, prove, without_labels
from proxy.house import House, iso_time
from proxy.policy import Rules
from proxy.records.record import Record
from proxy.records.store import RecordStore

__all__ = ["Exported", "Exporter", "NotOursError", "exporter_of"]

MAX_TEXT = 200_000  # characters


@dataclass(frozen=True, slots=True)
class Exported:
    """The file, its name, the implicit label in it, and what showed that the text is ours."""

    data: bytes
    name: str
    fields: Mapping[str, str]
    proof: Proof


@dataclass(frozen=True, slots=True)
class Exporter:
    """What exporting needs of an installation, for one tenant. `sign` makes ReservedCode1, None where nothing can.

    `credentials`: who signs C2PA manifests, None where nobody does.
    """

    panel: Panel
    records: RecordStore
    digest: Callable[[str], str]
    strings: Mapping[str, LabelStrings]
    own_labels: Sequence[str]
    positions: Sequence[str]
    inline_every: int
    producer_of: Callable[[str], str]
    sign: Callable[[Mapping[str, str]], str] | None
    credentials: C2paSigner | None = None

    async def export(
        self, text: str, kind: str, content_id: str = "", *, request_id: str, now: int, by: Mapping[str, str]
    ) -> Exported:
        """`kind`: a key of `labelers.files.WRITERS`; `now`: Unix milliseconds; `by`: who, for the record.

        The file depends on the text, its number and the settings alone (a C2PA manifest aside, which no two times is the
        same): its date is that of the answer. Raises NotOursError, FileError, and RecordError where the export cannot be recorded.
        """
        proof = await prove(
            text,
            content_id.lower(),
            panel=self.panel,
            records=self.records,
            digest=self.digest,
            labels=self.own_labels,
            producer_of=self.producer_of,
        )
        made, fields = await asyncio.to_thread(self._made, without_labels(text, self.own_labels), kind, proof)
        await self.records.append(
            Record(
                kind="export",
                request_id=request_id,
                content_id=proof.content_id,
                status="",
                created=iso_time(now),
                library_version="",
                fields={
                    **by,
                    "format": kind,
                    "basis": proof.basis,
                    "producer": proof.producer,
                    "chars": len(text),
                    "bytes": len(made),
                    "sha256": hashlib.sha256(made).hexdigest(),
                },
            )
        )
        return Exported(made, f"{proof.content_id}.{kind}", fields, proof)

    def _made(self, text: str, kind: str, proof: Proof) -> tuple[bytes, dict[str, str]]:
        fields = aigc_fields(proof.producer, proof.content_id)
        if self.sign is not None:
            fields["ReservedCode1"] = self.sign(fields)
        locale = locale_of(text, self.strings)
        created = datetime.fromtimestamp(proof.created_ms / 1000, UTC)
        sheet = make_sheet(
            text,
            fields,
            self.strings[locale],
            # Whatever the interface shows: a file carries the label itself.
            positions=self.positions or ("start",),
            created=created,
            inline_every=self.inline_every,
            locale=locale,
        )
        made, media_type = write(sheet, kind), MEDIA_TYPES[kind].partition(";")[0]
        try:
            made = credentialed(
                made, media_type, self.credentials, when=iso_time(proof.created_ms), title=proof.content_id
            )
        except C2paError as error:
            raise FileError(str(error)) from error
        return made, fields


def exporter_of(house: House, rules: Rules) -> Exporter:
    """The exporter of one tenant."""
    return Exporter(
        panel=house.panel,
        records=house.records,
        digest=house.cipher.digest,
        strings=rules.strings,
        own_labels=rules.own_labels,
        positions=rules.labels.positions,
        inline_every=rules.labels.inline_every_chars,
        producer_of=rules.producer_of,
        sign=house.sign_label,
        credentials=house.credentials,
    )
