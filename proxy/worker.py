"""Puts a worker together from the settings, and starts the server."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from detectors.fingerprint import FingerprintDetector, Fingerprinter
from detectors.panel import Panel
from labelers.provenance import Epoch, KeyRing, KeyState
from labelers.sm2 import Sm2Error
from labelers.watermarks import SCHEMES
from labelers.watermarks.carrier import strip_own
from proxy.api import detect_router
from proxy.app import InksealApp, create_app
from proxy.fallback import Route
from proxy.fingerprints.sqlite import SqliteFingerprints
from proxy.fingerprints.store import FingerprintStore
from proxy.fingerprints.writer import FingerprintWriter
from proxy.house import Clock, House, LiveLibrary, iso_time
from proxy.keys import ACTIVE, KeyFile
from proxy.policy import Rules
from proxy.records.crypto import RecordCipher
from proxy.records.store import NullStore, RecordStore, open_store
from proxy.review.store import LibraryError, live_version, load_live
from proxy.settings import Settings, Tenant
from proxy.signature import LabelSigner, label_signer, signing_key
from proxy.steering import StatisticalMarks
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
    "panel",
]

log = logging.getLogger("inkseal")

LIBRARY_POLL_SECONDS = 1.0
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
    return KeyFile.load_or_create(settings.keys.file, now=now, provider=settings.provider.code)


def key_ring(keys: KeyFile, producers: Sequence[str]) -> KeyRing:
    """The watermark keys of the key file."""
    epochs = {
        epoch.kid: Epoch(KeyState.ACTIVE if epoch.state == ACTIVE else KeyState.VERIFY_ONLY)
        for epoch in keys.epochs
    }
    return KeyRing(keys.master, keys.current, epochs=epochs, producers=producers)


def library_key(keys: KeyFile) -> bytes:
    """What signs the snapshots of the feature library."""
    return keys.derive("inkseal|library|1")


def fingerprint_key(keys: KeyFile) -> bytes:
    """What makes fingerprints: without it nobody can tell which words one stands for."""
    return keys.derive("inkseal|fingerprint|1")


def fingerprint_store(settings: Settings) -> SqliteFingerprints:
    """The fingerprints of this installation, not yet open."""
    return SqliteFingerprints(settings.server.data_dir / "fingerprints", settings.fingerprints.retention_days)


def panel(settings: Settings, keys: KeyFile, ring: KeyRing, store: FingerprintStore) -> Panel:
    """All detectors, with the keys and the labels of every tenant."""
    sections = [settings.labels, *(settings.for_tenant(tenant)[0] for tenant in settings.tenants)]
    labels = tuple(dict.fromkeys(label for section in sections for label in section.own()))
    fingerprinter = Fingerprinter(fingerprint_key(keys))
    traces = FingerprintDetector(fingerprinter, store, settings.provider.code, labels)
    return Panel(ring, labels, fingerprints=traces)


def build_house(settings: Settings) -> House:
    """Everything a worker holds, not yet started. Raises what the parts raise for settings they cannot use."""
    keys = KeyFile.load(settings.keys.file)
    ring = key_ring(keys, settings.provider.names())
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
    store = fingerprint_store(settings)
    return House(
        settings=settings,
        rules={one.tenant: one for one in rules},
        upstreams=upstreams,
        library=LiveLibrary(load_live(settings.review.library, library_key(keys))),
        records=records,
        cipher=RecordCipher(keys),
        strip_marks=strip_own,
        ring=ring,
        panel=panel(settings, keys, ring, store),
        fingerprints=FingerprintWriter(Fingerprinter(fingerprint_key(keys)), store),
        statistical=StatisticalMarks.of(ring, rules, settings.upstreams),
        library_key=library_key(keys),
        sign_label=signer,
        admin_token_sha256=(
            hashlib.sha256(settings.admin.token.encode()).hexdigest()
            if settings.admin.token
            else keys.admin_token_sha256
        ),
    )


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
        carrier=SCHEMES["carrier"](ring, watermarks.carrier.profile) if watermarks.carrier_on else None,
        key_id=ring.current,
        models=tuple(tenant.models) if tenant is not None else ("*",),
        due_above_tokens=watermarks.due_above_tokens,
        sign=signer if settings.signature.api else None,
        fingerprints=settings.fingerprints_for(tenant),
        statistical=watermarks.statistical,
    )


def make_app(settings: Settings) -> InksealApp:
    """The application that a server process runs."""
    house = build_house(settings)
    background: list[Callable[[], Awaitable[None]]] = [lambda: _follow_library(house)]
    if settings.records.enabled:
        background.append(lambda: _keep_retention(house))
    background.append(lambda: _keep_fingerprints(house))
    if house.statistical.unknown:
        background.append(lambda: house.statistical.explore(house.upstreams))
    app = create_app(house, background)
    app.include_router(detect_router(house))
    return app


async def _follow_library(house: House) -> None:
    """Swaps the library when another version goes live; a stream under way keeps its own."""
    folder: Path = house.settings.review.library
    while True:
        await asyncio.sleep(LIBRARY_POLL_SECONDS)
        current = house.library.current
        try:
            if live_version(folder) == (current.version if current is not None else None):
                continue
            house.library.current = await asyncio.to_thread(load_live, folder, house.library_key)
        except (LibraryError, OSError) as error:
            # The library that was checked when it was loaded goes on serving.
            log.error("the live feature library cannot be loaded, the one before stays: %s", error)


async def _keep_retention(house: House) -> None:
    while True:
        for name in await house.records.expire():
            log.info("records past their retention were removed: %s", name)
        await asyncio.sleep(RETENTION_SECONDS)


async def _keep_fingerprints(house: House) -> None:
    while True:
        for name in await asyncio.to_thread(house.fingerprints.expire, house.clock.now_ms()):
            log.info("fingerprints past their retention were removed: %s", name)
        await asyncio.sleep(RETENTION_SECONDS)
