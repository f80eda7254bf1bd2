"""Puts a worker together from the settings, and starts the server."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detectors.c2pa_text import C2paTextDetector, available
from detectors.carrier_search import Lookup
from detectors.fingerprint import FingerprintDetector
from detectors.issued import IssuedMarks, MarkValues, indexed_numbers
from detectors.panel import Panel
from detectors.sketch import Fingerprinter
from labelers.provenance import KeyRing
from labelers.reserved_code import public_key
from labelers.sm2 import Sm2Error
from labelers.watermarks import SCHEMES, WatermarkScheme
from labelers.watermarks.carrier import strip_own
from proxy.api.callers import Callers
from proxy.api.detect import detect_router
from proxy.api.export import export_router
from proxy.api.label import label_router
from proxy.api.library import library_router
from proxy.api.unlabelled import unlabelled_router
from proxy.app import InksealApp, create_app
from proxy.console.api_docs import api_docs_router
from proxy.console.labeling_policy import labeling_policy_router
from proxy.console.verify import verify_router
from proxy.content_credentials import content_signer, trusted_roots
from proxy.desks import last_in_force
from proxy.fallback import Route
from proxy.files.api import files_router
from proxy.fingerprints.sqlite import SqliteFingerprints
from proxy.fingerprints.store import FingerprintStore
from proxy.fingerprints.writer import IndexWriter
from proxy.following import follow_library, keep_library, tell_version
from proxy.governance.unlabelled import Register, RegisterError, faults_of
from proxy.house import Clock, House, LiveLibrary, iso_time
from proxy.keys import KeyFile
from proxy.policy import Rules
from proxy.records.crypto import RecordCipher
from proxy.records.monthly import read_records
from proxy.records.record import Query
from proxy.records.store import NullStore, RecordStore, open_store
from proxy.review.failures import LibraryError
from proxy.review.pointers import Pointers
from proxy.review.store import load_version
from proxy.settings import Carrier, Settings, Tenant
from proxy.shared_keys import epoch_state, read_shared
from proxy.signature import LabelSigner, label_signer, signing_key
from proxy.signed import report_key, report_seed
from proxy.steering import StatisticalMarks
from proxy.tokenizing import tokenizers_of
from proxy.upstreams import build

__all__ = [
    "build_house",
    "fingerprint_key",
    "fingerprint_store",
    "first_start",
    "key_file",
    "key_ring",
    "library_key",
    "make_app",
    "mark_lookup",
    "mark_store",
    "panel",
    "pinned_keys",
    "unlabelled_register",
]

log = logging.getLogger("inkseal")

RETENTION_SECONDS = 24 * 3600.0


def first_start(settings: Settings) -> str:
    """Makes the key file and the admin token, once an installation. Returns the token if it is new, else "".

    Raises PermissionError or ValueError for a key file that cannot be used.
    """
    keys = key_file(settings)
    if settings.admin.token or keys.admin_token_sha256 is not None:
        return ""
    token = "ink-admin-" + secrets.token_urlsafe(24)
    _, mine = keys.claim_admin_token(hashlib.sha256(token.encode()).hexdigest())
    return token if mine else ""


def key_file(settings: Settings) -> KeyFile:
    """The keys of this installation, made if there are none yet."""
    now = iso_time(Clock().now_ms())
    return KeyFile.load_or_create(
        settings.keys.file, now=now, provider=settings.provider.code, command=settings.keys.command
    )


def key_ring(keys: KeyFile, producers: Sequence[str], others: Sequence[Path] = ()) -> KeyRing:
    """The watermark keys of the key file, and beside them those that other providers shared."""
    return KeyRing(
        keys.master,
        keys.current,
        epochs={epoch.kid: epoch_state(epoch) for epoch in keys.epochs},
        producers=producers,
        others=[read_shared(path) for path in others],
    )


def library_key(keys: KeyFile) -> bytes:
    """What signs the snapshots of the feature library."""
    return keys.derive("inkseal|library|1")


def fingerprint_key(keys: KeyFile) -> bytes:
    """What makes fingerprints: without it nobody can tell which words one stands for."""
    return keys.derive("inkseal|fingerprint|1")


def fingerprint_store(settings: Settings) -> SqliteFingerprints:
    """The fingerprints of this installation, not yet open."""
    return SqliteFingerprints(settings.server.data_dir / "fingerprints", settings.fingerprints.retention_days)


def mark_store(settings: Settings) -> SqliteFingerprints:
    """The index of issued marks of this installation, not yet open. It is kept as long as the records are."""
    return SqliteFingerprints(settings.server.data_dir / "marks", settings.records.retention_days, "marks")


def mark_lookup(settings: Settings, ring: KeyRing, marks: FingerprintStore) -> Lookup:
    """Which answers the grains of a fragment may belong to, by the index of issued marks."""
    return IssuedMarks(ring, settings.provider.names(), indexed_numbers(marks))


def panel(
    settings: Settings,
    keys: KeyFile,
    ring: KeyRing,
    store: FingerprintStore,
    lookup: Lookup | None = None,
    issued: Callable[[], Sequence[int]] = tuple,
) -> Panel:
    """All detectors, with the keys and the labels of every tenant. `lookup`: the index of issued marks; `issued`: the numbers in it.

    Raises OSError or ValueError for trusted roots that cannot be read.
    """
    sections = [settings.labels, *(settings.for_tenant(tenant)[0] for tenant in settings.tenants)]
    labels = tuple(dict.fromkeys(label for section in sections for label in section.own()))
    fingerprinter = Fingerprinter(fingerprint_key(keys))
    traces = FingerprintDetector(fingerprinter, store, settings.provider.code, labels)
    roots = trusted_roots(settings.content_credentials)
    c2pa = C2paTextDetector(lambda: datetime.now(UTC), roots or None) if available() else None
    return Panel(
        ring,
        labels,
        fingerprints=traces,
        lookup=lookup,
        c2pa=c2pa,
        roots=roots,
        tokenizers=tokenizers_of(settings),
        green_list=settings.detection.green_list,
        issued=issued,
    )


def unlabelled_register(settings: Settings, keys: KeyFile) -> Register:
    """Who may be given content without an explicit label."""
    return Register(settings.server.data_dir / "unlabelled.sqlite", keys.derive("inkseal|unlabelled|1"))


def check_register(settings: Settings, register: Register) -> None:
    """Grants that the records' chain does not bear out count for nothing, and the log says why."""
    folder = Path(settings.records.url.removeprefix("sqlite:///"))
    try:
        grants = register.all()
    except RegisterError as error:
        log.error("%s", error)  # and every call that would need it is refused
        return
    if not grants or not folder.is_dir():
        return
    events = [stored.record for stored in read_records(folder, Query(kind="unlabelled"))]
    oldest = next((stored.record.created for stored in read_records(folder, Query(limit=1))), "")
    faults = faults_of(grants, events, oldest)
    for fault in faults.values():
        log.error("the register of unlabelled content differs from the records: %s", fault)
    register.distrust(faults)


def build_house(settings: Settings) -> House:
    """Everything a worker holds, not yet started. Raises what the parts raise for settings they cannot use."""
    keys = KeyFile.load(settings.keys.file, settings.keys.command)
    ring = key_ring(keys, settings.provider.names(), settings.keys.others)
    records: RecordStore = NullStore()
    if settings.records.enabled:
        records = open_store(
            settings.records.url,
            keys=keys,
            durability=settings.records.durability,
            retention_days=settings.records.retention_days,
        )
    upstreams: list[Route] = [(one, build(one)) for one in settings.upstreams]
    tenants: list[Tenant | None] = list(settings.tenants) or [None]
    signer = _signer(settings, keys)
    rules = [_rules(settings, tenant, ring, signer) for tenant in tenants]
    store, marks = fingerprint_store(settings), mark_store(settings)
    return House(
        settings=settings,
        rules={one.tenant: one for one in rules},
        upstreams=upstreams,
        library=_live_library(settings, keys),
        records=records,
        cipher=RecordCipher(keys),
        strip_marks=strip_own,
        ring=ring,
        panel=panel(settings, keys, ring, store, mark_lookup(settings, ring, marks), marks.content_numbers),
        fingerprints=IndexWriter(Fingerprinter(fingerprint_key(keys)), store),
        marks=IndexWriter(MarkValues(ring), marks, "marks"),
        report_key=report_key(report_seed(keys.derive)),
        statistical=StatisticalMarks.of(ring, rules, settings.upstreams, settings.detection.tokenizers),
        library_key=library_key(keys),
        sign_label=signer,
        credentials=content_signer(settings.content_credentials),
        pinned_keys=pinned_keys(settings, keys),
        public_key=public_key(signing_key(keys)) if signer is not None else "",
        unlabelled=unlabelled_register(settings, keys) if settings.records.enabled else None,
        admin_token_sha256=(
            hashlib.sha256(settings.admin.token.encode()).hexdigest()
            if settings.admin.token
            else keys.admin_token_sha256
        ),
    )


def _live_library(settings: Settings, keys: KeyFile) -> LiveLibrary:
    """What is in force. Where its pointer was tampered with while nobody served: what the procedure last put in force.

    Raises LibraryError where that is not known either.
    """
    folder, key = settings.review.library, library_key(keys)
    known = last_in_force(settings, keys)
    pointers = Pointers(folder, key, known.get("live", 0), known.get("trial", 0))
    failure = ""
    try:
        version = pointers.live()
    except LibraryError as error:
        version, failure = known.get("version"), str(error)
        if version is None:
            raise
        log.error("the feature library in force is the one that the procedure knows: %s", error)
    current = load_version(folder, version, key) if version is not None else None
    return LiveLibrary(pointers, current, failure=failure)


def pinned_keys(settings: Settings, keys: KeyFile) -> dict[str, list[str]]:
    """The public keys that make a signed implicit label authentic, by producer: ours and the trusted ones."""
    pinned = {producer: list(known) for producer, known in settings.signature.trusted.items()}
    try:
        own = public_key(signing_key(keys))
    except Sm2Error:
        return pinned
    for name in settings.provider.names():
        pinned.setdefault(name, []).append(own)
    return pinned


def _signer(settings: Settings, keys: KeyFile) -> LabelSigner | None:
    """None where OpenSSL has no SM2. Raises ValueError if the operator wants answers signed all the same."""
    try:
        return label_signer(signing_key(keys), prehash=settings.signature.prehash)
    except Sm2Error as error:
        if settings.signature.api:
            raise ValueError(
                f"signature.api: {error}; switch it off or use a Python with OpenSSL 3"
            ) from error
        log.warning("implicit labels cannot be signed here: %s", error)
        return None


def _carrier(ring: KeyRing, carrier: Carrier) -> WatermarkScheme:
    return SCHEMES["carrier"](ring, carrier.profile, kinds=carrier.kinds, second=carrier.second)


def _rules(settings: Settings, tenant: Tenant | None, ring: KeyRing, signer: LabelSigner | None) -> Rules:
    labels, watermarks, review = settings.for_tenant(tenant)
    return Rules(
        tenant=tenant.name if tenant is not None else "",
        producer=settings.provider.code,
        services=tuple(settings.provider.service_codes().items()),
        labels=labels,
        review=review,
        strings=labels.wording(),
        own_labels=labels.own(),
        carrier=_carrier(ring, watermarks.carrier) if watermarks.carrier_on else None,
        key_id=ring.current,
        models=tuple(tenant.models) if tenant is not None else ("*",),
        due_above_tokens=watermarks.due_above_tokens,
        sign=signer if settings.signature.api else None,
        fingerprints=settings.fingerprints_for(tenant),
        marks_indexed=watermarks.carrier.index and settings.records.enabled,
        statistical=watermarks.statistical,
    )


def make_app(settings: Settings) -> InksealApp:
    """The application that a server process runs."""
    house = build_house(settings)
    background: list[Callable[[], Awaitable[None]]] = [
        lambda: follow_library(house),
        lambda: tell_version(house),
        lambda: house.shadow.run(house),
    ]
    if settings.records.enabled:
        background.append(lambda: _keep_retention(house))
        background.append(lambda: keep_library(house))
    background += [lambda: _keep_index(house, house.fingerprints), lambda: _keep_index(house, house.marks)]
    if house.statistical.curious:
        background.append(lambda: house.statistical.explore(house.upstreams))
    app = create_app(house, background)
    callers = Callers(house)
    app.include_router(detect_router(house, callers))
    app.include_router(files_router(house, callers))
    app.include_router(export_router(house))
    app.include_router(label_router(house))
    app.include_router(verify_router(house, callers))
    app.include_router(labeling_policy_router(settings, house.public_key))
    app.include_router(library_router(house))
    app.include_router(api_docs_router(app.openapi))
    if house.unlabelled is not None:
        check_register(settings, house.unlabelled)
        app.include_router(unlabelled_router(house, house.unlabelled))
    return app


async def _keep_retention(house: House) -> None:
    while True:
        for name in await house.records.expire():
            log.info("records past their retention were removed: %s", name)
        await asyncio.sleep(RETENTION_SECONDS)


async def _keep_index(house: House, index: IndexWriter[Any]) -> None:
    while True:
        for name in await asyncio.to_thread(index.expire, house.clock.now_ms()):
            log.info("an index past its retention was removed: %s", name)
        await asyncio.sleep(RETENTION_SECONDS)
