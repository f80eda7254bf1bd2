"""The register of content given without an explicit label, on application (标识办法 art. 9).

A user may ask for unlabelled content; the provider may give it once the agreement has settled who labels it
later and who answers for it, and keeps who got it for at least six months. So each grant says who applied, for what,
under which version of the agreement, who gets the content, from when to when, and who granted it. Only while one
is live does a tenant in label mode `unlabelled` get answers at all; the implicit label stays in every one of them.

Stored in one SQLite file beside the records, each row under a MAC; every grant and revocation is an event of the
records' chain as well, before (a grant) or right after (a revocation) it counts. A file that was put back from an older
copy has good MACs, so it is compared with the chain whenever a server starts (`faults_of`).
"""

from __future__ import annotations

import hmac
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from proxy.records.record import Record, utc_time

__all__ = [
    "GRANTERS",
    "Grant",
    "Register",
    "RegisterError",
    "event_of",
    "faults_of",
    "new_grant",
]

GRANTERS = ("approver", "admin")
"""Roles whose holders grant and revoke, once there are operators."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS grants (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL, body TEXT NOT NULL, mac BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS grants_tenant ON grants (tenant);
"""
_MUST_SAY = {
    "tenant": "which tenant's key the content is asked with",
    "applicant": "who applied",
    "purpose": "what the content is for",
    "agreement": "the version of the agreement that settles the duty to label and who answers for it",
    "recipient": "who gets the content",
    "granted_by": "who grants it",
}


class RegisterError(Exception):
    """The register cannot be read or was changed by other hands. Nothing goes out unlabelled then."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One application that was granted. Times are ISO 8601 UTC; `user` "": any end user of the tenant.

    `revoked` "" while it holds; else since when, `revoked_by` whom and for which `reason`.
    """

    id: str
    tenant: str
    user: str
    applicant: str
    purpose: str
    agreement: str
    recipient: str
    starts: str
    ends: str
    granted_by: str
    created: str
    revoked: str = ""
    revoked_by: str = ""
    reason: str = ""

    def state(self, now: str) -> str:
        """ "revoked", "waiting", "live" or "ended"."""
        if self.revoked:
            return "revoked"
        if now < self.starts:
            return "waiting"
        return "live" if now < self.ends else "ended"

    def covers(self, tenant: str, user: str, now: str) -> bool:
        """Whether this tenant's call for this end user may be answered without a label now."""
        return self.tenant == tenant and self.user in ("", user) and self.state(now) == "live"


def new_grant(identifier: str, said: Mapping[str, str], now: str) -> Grant:
    """A grant out of what was filled in. ValueError names everything that is missing or wrong."""
    known = {name: said.get(name, "").strip() for name in (*_MUST_SAY, "user")}
    problems = [f"{name}: say {what}" for name, what in _MUST_SAY.items() if not known[name]]
    times = {}
    for name, default in (("starts", now), ("ends", "")):
        try:
            times[name] = utc_time(said.get(name) or default)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if len(times) == 2 and times["ends"] <= max(times["starts"], now):
        problems.append("ends: the grant would have ended before it begins, or before now")
    if problems:
        raise ValueError("; ".join(problems))
    return Grant(id=identifier, created=now, **known, **times)


def event_of(grant: Grant, event: str, now: str) -> Record:
    """The grant or its revocation as an event of the chain. `event`: "grant" or "revoke"."""
    return Record(
        kind="unlabelled",
        request_id="",
        content_id="",
        status="",
        created=now,
        library_version="",
        fields={"event": event, **asdict(grant)},
    )


def faults_of(grants: Iterable[Grant], events: Iterable[Record], since: str) -> dict[str, str]:
    """Where the register says other than its events in the records' chain: what is wrong, by the grant's id.

    `since`: when the oldest record that is kept was made; of older grants none is looked for.
    """
    told: dict[str, set[str]] = {"grant": set(), "revoke": set()}
    for event in events:
        told[event.fields["event"]].add(event.fields["id"])
    known = {one.id: one for one in grants}
    faults = {
        at: f"grant {at} is recorded, and missing in the register" for at in told["grant"] - known.keys()
    }
    for one in known.values():
        if one.id not in told["grant"] and one.created >= since:
            faults[one.id] = f"grant {one.id} is in the register, and was never recorded"
        if one.id in told["revoke"] and not one.revoked:
            faults[one.id] = f"grant {one.id} counts, although its revocation is recorded"
    return dict(sorted(faults.items()))


class Register:
    """The grants of one installation. Several processes may share the file; each sees the others' changes at once."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._key = key
        self._distrusted: frozenset[str] = frozenset()

    def distrust(self, ids: Iterable[str]) -> None:
        """These grants count for nothing in this process: the records tell other than the register does."""
        self._distrusted = frozenset(ids)

    def add(self, grant: Grant) -> None:
        """Raises RegisterError."""
        with self._connection() as connection:
            body = self._body(grant)
            connection.execute(
                "INSERT INTO grants VALUES (?, ?, ?, ?)", (grant.id, grant.tenant, body, self._mac(body))
            )

    def revoke(self, identifier: str, *, by: str, reason: str, now: str) -> Grant:
        """End a grant at once. LookupError: there is none, or it is revoked already. Raises RegisterError."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            grant = next((g for g in self._read(connection) if g.id == identifier), None)
            if grant is None:
                raise LookupError(f"there is no grant {identifier}")
            if grant.revoked:
                raise LookupError(f"grant {identifier} was revoked already, at {grant.revoked}")
            grant = replace(grant, revoked=now, revoked_by=by, reason=reason)
            body = self._body(grant)
            connection.execute(
                "UPDATE grants SET body = ?, mac = ? WHERE id = ?", (body, self._mac(body), identifier)
            )
            connection.execute("COMMIT")
            return grant

    def all(self) -> list[Grant]:
        """Every grant, the newest first. Raises RegisterError."""
        if not self._path.exists():
            return []
        with self._connection() as connection:
            return sorted(self._read(connection), key=lambda grant: (grant.created, grant.id), reverse=True)

    def live(self, tenant: str, user: str, now: str) -> Grant | None:
        """The grant by which this call may be answered without a label; None where there is none."""
        if not self._path.exists():
            return None
        with self._connection() as connection:
            trusted = (g for g in self._read(connection, tenant) if g.id not in self._distrusted)
            return next((g for g in trusted if g.covers(tenant, user, now)), None)

    def _read(self, connection: sqlite3.Connection, tenant: str | None = None) -> Iterator[Grant]:
        where, values = ("", ()) if tenant is None else (" WHERE tenant = ?", (tenant,))
        for body, mac in connection.execute(f"SELECT body, mac FROM grants{where}", values):  # noqa: S608 - constants
            if not hmac.compare_digest(mac, self._mac(body)):
                raise RegisterError(f"a grant in {self._path} was changed by other hands")
            yield Grant(**json.loads(body))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = not self._path.exists()
            with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
                if fresh:
                    self._path.chmod(0o600)
                connection.executescript(_SCHEMA)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise RegisterError(f"the register {self._path} cannot be used: {error}") from error

    @staticmethod
    def _body(grant: Grant) -> str:
        return json.dumps(asdict(grant), ensure_ascii=False, sort_keys=True)

    def _mac(self, body: str) -> bytes:
        return hmac.digest(self._key, body.encode(), "sha256")
