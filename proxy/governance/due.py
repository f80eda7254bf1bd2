"""What waits for somebody: the weekly review list, deadlines, and the notice that tells of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from proxy.governance.desk import Desk
from proxy.governance.people import SYSTEM
from proxy.governance.procedure import later
from proxy.governance.revision import iso_of
from proxy.governance.store import Ledger, Search
from proxy.review.checks import moment
from proxy.review.entry import Entry
from proxy.review.pointers import live_age_days

__all__ = ["ORDER_HOURS", "Sender", "Waiting", "notify", "waiting"]

ORDER_HOURS = 24.0  # for an authority's order that names no date
_NAMED = 50
_ORDER = "主管部门通知"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the list: what waits (`kind`), for whom, how many, the oldest since when, until when.

    `overdue`: the deadline has passed. `entries`: the first of them by deadline, else those that wait longest.
    """

    kind: str
    role: str
    count: int
    since: str
    deadline: str
    overdue: bool
    entries: tuple[str, ...]
    text: str


def waiting(desk: Desk) -> list[Waiting]:
    """Everything that waits, what is overdue first."""
    now = desk.now()
    with desk.store.reading() as ledger:
        found = [*_steps(ledger, now), *_dates(ledger, now), *_age(desk, now)]
    return sorted(found, key=lambda one: (not one.overdue, one.deadline or "9", one.kind))


def _steps(ledger: Ledger, now: str) -> Iterator[Waiting]:
    for status, kind, role, text in (
        ("proposed", "review", "reviewer", "proposed entries wait for review"),
        ("reviewed", "approval", "approver", "reviewed entries wait for approval"),
        ("approved", "publication", "approver", "approved entries wait for publication"),
    ):
        count = ledger.count(Search(status=(status,)))
        if count:
            first = list(ledger.find(Search(status=(status,), limit=_NAMED, oldest_first=True)))
            since = first[0].changed
            yield Waiting(kind, role, count, since, "", False, tuple(o.id for o in first), f"{count} {text}")
    orders = [
        (_order_deadline(one.entry, one.created), one)
        for status in ("proposed", "reviewed", "approved")
        for one in ledger.find(Search(status=(status,), source=_ORDER))
    ]
    if orders:
        orders.sort(key=lambda pair: pair[0])
        first_deadline = orders[0][0]
        yield Waiting(
            "order",
            "approver",
            len(orders),
            min(one.created for _, one in orders),
            first_deadline,
            first_deadline <= now,
            tuple(one.id for _, one in orders[:_NAMED]),
            f"{len(orders)} entries of authority orders are not in force; the first is due {first_deadline}",
        )


def _order_deadline(entry: Entry, created: str) -> str:
    """The day it is to take effect, else 24 hours from when it came."""
    return _iso(entry.effective_from) if entry.effective_from else later(created, ORDER_HOURS)


def _iso(time: str, *, end_of_day: bool = False) -> str:
    return iso_of(moment(time, "time", end_of_day=end_of_day))


def _dates(ledger: Ledger, now: str) -> Iterator[Waiting]:
    emergencies, reviews = [], []
    for one in ledger.find(Search(status=("published",), dated=True)):
        if one.emergency_until:
            emergencies.append((one.emergency_until, one.id))
        if one.entry.review_due:
            due = _iso(one.entry.review_due, end_of_day=True)
            if due <= later(now, 7 * 24):
                reviews.append((due, one.id))
    for kind, role, rows, text in (
        (
            "confirmation",
            "approver",
            emergencies,
            "emergency publications wait for confirmation; the first ends",
        ),
        ("renewal", "reviewer", reviews, "entries in force are to be looked through again; the first by"),
    ):
        if rows:
            rows.sort()
            deadline = rows[0][0]
            ids = tuple(entry_id for _, entry_id in rows[:_NAMED])
            said = f"{len(rows)} {text} {deadline}"
            yield Waiting(kind, role, len(rows), "", deadline, deadline <= now, ids, said)


def _age(desk: Desk, now: str) -> Iterator[Waiting]:
    age = live_age_days(desk.folder, round(datetime.fromisoformat(now).timestamp() * 1000))
    if age is not None and age > desk.settings.review_days:
        text = f"the library was published {age:.1f} days ago; it is to be renewed every {desk.settings.review_days}"
        yield Waiting("renew library", "approver", 1, "", "", True, (), text)


class Sender(Protocol):
    """Sends a notice and says what came of it: "" when it was taken, else why not."""

    def __call__(self, url: str, body: Mapping[str, Any], secret: str) -> str: ...


def notify(desk: Desk, send: Sender) -> Sequence[Waiting]:
    """Send what waits to the webhook, unless the same was sent lately. Returns what was told.

    One process sends: the notice is claimed before it goes. What came of it is recorded either way.
    """
    hook = desk.settings.webhook
    if not hook.url:
        return ()
    found = waiting(desk)
    now = desk.now()
    with desk.changing() as ledger:
        sent: dict[str, str] = ledger.fact("notices") or {}
        sent = {key: until for key, until in sent.items() if until > now}
        fresh = [one for one in found if _key(one) not in sent]
        if not fresh:
            return ()
        until = later(now, hook.repeat_hours)
        ledger.put_fact("notices", sent | {_key(one): until for one in fresh})
    body = {"service": "inkseal", "kind": "library", "at": now, "waiting": [asdict(one) for one in fresh]}
    failure = send(hook.url, body, hook.secret)
    with desk.changing() as ledger:
        if failure:
            kept: dict[str, str] = ledger.fact("notices") or {}
            # It is tried again before the day is over.
            soon = later(now, min(1.0, hook.repeat_hours))
            ledger.put_fact("notices", kept | {_key(one): soon for one in fresh})
        fields = {"url": hook.url, "failure": failure, "waiting": [one.text for one in fresh]}
        desk.record(ledger, "notice", SYSTEM, "", (), fields, at=desk.now())
    return fresh


def _key(one: Waiting) -> str:
    digest = hashlib.sha256("|".join((one.kind, str(one.overdue), *one.entries)).encode("utf-8"))
    return digest.hexdigest()[:16]
