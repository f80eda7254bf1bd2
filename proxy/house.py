"""What one worker holds while it lives: made at the start, handed to every exchange."""

from __future__ import annotations

import asyncio
import fnmatch
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detectors.panel import Panel
from labelers.c2pa_manifest import C2paSigner
from labelers.provenance import KeyRing, Provenance
from proxy.breaker import Breaker
from proxy.errors import ApiError
from proxy.fallback import Resting, Route
from proxy.fingerprints.writer import IndexWriter
from proxy.governance.unlabelled import Register, RegisterError
from proxy.limits import Gate
from proxy.metrics import Metrics
from proxy.policy import Rules
from proxy.records.crypto import RecordCipher
from proxy.records.store import RecordStore
from proxy.review.entry import CATEGORIES
from proxy.review.library import Library
from proxy.review.pointers import Pointers, Rollout
from proxy.settings import Settings
from proxy.shadow import Shadow
from proxy.signature import LabelSigner
from proxy.steering import StatisticalMarks

__all__ = ["Clock", "House", "LiveLibrary", "iso_time"]

# Besides x-forwarded-*: what a reverse proxy or a CDN adds.
_FORWARDED = frozenset(["forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip"])


def iso_time(unix_ms: int) -> str:
    """ISO 8601 UTC with milliseconds."""
    return (
        datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


class Clock:
    """Time and chance, so that tests can bring their own."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return time.time_ns() // 1_000_000

    def random24(self) -> int:
        return int.from_bytes(os.urandom(3))

    def monotonic(self) -> float:
        """Seconds that never go back, for limits."""
        return time.monotonic()

    def request_id(self) -> str:
        return "req_" + secrets.token_hex(12)


@dataclass(slots=True)
class LiveLibrary:
    """The feature library that new requests get; swapped by one assignment, a stream keeps its own.

    `candidate`: the version on `trial` beside it; `failure`: why what is published could not be loaded.
    """

    pointers: Pointers
    current: Library | None = None
    trial: Rollout | None = None
    candidate: Library | None = None
    loaded_ms: int = 0
    failure: str = ""
    _counted: tuple[str, dict[str, int]] = field(default=("", {}))

    def entries(self) -> dict[str, int]:
        """How many are in force, by each of the 31 risks; counted once a version."""
        version = self.current.version if self.current is not None else ""
        if self._counted[0] != version or not self._counted[1]:
            none = dict.fromkeys(CATEGORIES, 0)
            self._counted = (version, dict(self.current.risks) if self.current is not None else none)
        return self._counted[1]

    def pick(self, tenant: str, caller: str) -> Library | None:
        """The library that judges this caller's request: a canary for those it is for."""
        if self.trial is not None and self.trial.state == "canary" and self.trial.takes(tenant, caller):
            return self.candidate
        return self.current

    @property
    def shadow(self) -> Library | None:
        """The version that only reads along."""
        return self.candidate if self.trial is not None and self.trial.state == "shadow" else None


@dataclass(slots=True)
class House:
    settings: Settings
    rules: Mapping[str, Rules]
    """By tenant name; "" for callers without a key."""
    upstreams: Sequence[Route]
    library: LiveLibrary
    records: RecordStore
    cipher: RecordCipher
    strip_marks: Callable[[str], str]
    ring: KeyRing
    panel: Panel
    fingerprints: IndexWriter[str]
    marks: IndexWriter[Provenance]
    """The index of issued carriers."""
    report_key: Ed25519PrivateKey
    """Signs the reports of the detector."""
    library_key: bytes = b""
    public_key: str = ""
    """What implicit labels are signed with, for others to pin; "" where they cannot be signed."""
    credentials: C2paSigner | None = None
    """Signs C2PA manifests of exported files; None where nobody does."""
    sign_label: LabelSigner | None = None
    """Fills ReservedCode1, for texts shown to be ours; None where this OpenSSL has no SM2."""
    pinned_keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Public SM2 keys by producer: whose signed labels are authentic."""
    admin_token_sha256: str | None = None
    unlabelled: Register | None = None
    """Applications for content without an explicit label; None where nothing is recorded."""
    clock: Clock = field(default_factory=Clock)
    live: int = 0
    """Exchanges under way."""
    draining: bool = False
    statistical: StatisticalMarks = field(default_factory=StatisticalMarks)
    gates: dict[str, Gate] = field(default_factory=dict)
    """The limits of each tenant, by name."""
    resting: Resting = field(default_factory=Resting)
    breakers: dict[str, Breaker] = field(default_factory=dict)
    """Of the upstreams that are second stages, by name."""
    metrics: Metrics = field(default_factory=Metrics)
    shadow: Shadow = field(default_factory=Shadow)
    worker: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(3)}")
    _keys: dict[bytes, str] = field(default_factory=dict)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        for tenant in self.settings.tenants:
            digest = tenant.key_sha256 or hashlib.sha256(tenant.key.encode()).hexdigest()
            self._keys[bytes.fromhex(digest)] = tenant.name
        now = self.clock.monotonic()
        self.gates[""] = Gate(now=now)
        for tenant in self.settings.tenants:
            self.gates[tenant.name] = Gate(**tenant.limits.model_dump(), now=now)

    def breaker(self, upstream: str) -> Breaker:
        """What keeps requests from asking a second stage that fails."""
        return self.breakers.setdefault(upstream, Breaker(self.clock.monotonic))

    def authenticate(self, headers: Mapping[str, str]) -> Rules:
        """The rules of the tenant whose key the caller showed. Raises ApiError (401)."""
        if not self._keys:
            if any(name in _FORWARDED or name.startswith("x-forwarded-") for name in headers):
                raise ApiError(
                    401,
                    "this proxy has no tenants, so it serves callers on this machine only, and this request was "
                    "forwarded from elsewhere. Configure tenants with keys",
                    code="tenants_required",
                )
            return self.rules[""]
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise ApiError(
                401,
                "no API key: send 'Authorization: Bearer <key>'",
                type_="authentication_error",
                code="invalid_api_key",
            )
        shown = hashlib.sha256(key.strip().encode("latin-1", "replace")).digest()
        found = ""
        for digest, tenant in self._keys.items():
            # All are compared, in constant time: how long it takes tells nothing about any key.
            if hmac.compare_digest(digest, shown):
                found = tenant
        if not found:
            raise ApiError(401, "incorrect API key", type_="authentication_error", code="invalid_api_key")
        return self.rules[found]

    def routes(self, model: str, rules: Rules) -> list[Route]:
        """The upstreams of a model, in the order to ask them. Raises ApiError (404).

        Those that name it, else those whose pattern fits: a text for a named upstream does not go to
        one that merely takes anything.
        """
        if any(fnmatch.fnmatchcase(model, pattern) for pattern in rules.models):
            for fits in (str.__eq__, fnmatch.fnmatchcase):
                found = [
                    (settings, upstream)
                    for settings, upstream in self.upstreams
                    if any(fits(model, pattern) for pattern in settings.models)
                ]
                if found:
                    return found
        raise ApiError(
            404,
            f"the model {model!r} does not exist or is not open to this key",
            param="model",
            code="model_not_found",
        )

    def unlabelled_grant(self, rules: Rules, user: str, now_ms: int) -> str:
        """The id of the grant by which this call may be answered without a label; "". Raises ApiError (503)."""
        if rules.labels.mode != "unlabelled" or self.unlabelled is None:
            return ""
        try:
            grant = self.unlabelled.live(rules.tenant, user, iso_time(now_ms))
        except RegisterError as error:
            raise ApiError(
                503,
                "the register of unlabelled content cannot be read, so nothing goes out by it; the operator must look",
                type_="server_error",
                code="register_unusable",
            ) from error
        return grant.id if grant is not None else ""

    def entered(self) -> None:
        self.live += 1
        self._idle.clear()

    def left(self) -> None:
        self.live -= 1
        if not self.live:
            self._idle.set()

    async def drained(self, seconds: float) -> bool:
        """Waits until no exchange is under way, so that their last records reach the store before it closes."""
        self.draining = True
        if not self.live:
            return True
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True
