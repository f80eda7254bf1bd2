"""The contract of a record store, run over every backend; what only SQLite does: test_sqlite.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.records.crypto import RecordCipher
from proxy.records.record import month_of
from proxy.records.store import (
    NullStore,
    Query,
    Record,
    RecordError,
    RecordStore,
    StoredRecord,
    open_store,
    utc_now,
)
from tests.records.samples import NOW, Keys, event, record

MakeStore = Callable[..., RecordStore]

# One line a backend: what it is called and the URL of an empty place of its own.
BACKENDS: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda tmp_path: f"sqlite:///{tmp_path}/records",
}


@pytest.fixture(params=list(BACKENDS))
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    url = BACKENDS[request.param](tmp_path)

    def make(**changes: Any) -> RecordStore:
        return open_store(url, **{"keys": Keys(), "clock": lambda: NOW, **changes})

    return make


@pytest.fixture(params=["strict", "group", "relaxed"])
async def store(make_store: MakeStore, request: pytest.FixtureRequest) -> AsyncIterator[RecordStore]:
    opened = make_store(durability=request.param)
    await opened.open()
    yield opened
    await opened.close()


async def found(store: RecordStore, query: Query = Query()) -> list[StoredRecord]:  # noqa: B008 - frozen
    return [stored async for stored in store.read(query)]


async def requests(store: RecordStore, **query: Any) -> list[Record]:
    return [stored.record for stored in await found(store, Query(**{"kind": "request", **query}))]


async def test_what_was_appended_is_read_back(store: RecordStore) -> None:
    fields = {"label": {"mode": "text"}, "text": "标识\ud800", "big": 2**70, "none": None}
    await store.append(record(1, fields=fields))
    await store.close()
    assert await requests(store) == [record(1, fields=fields)]


async def test_a_durable_append_can_be_read_at_once(make_store: MakeStore) -> None:
    for durability in ("strict", "group"):
        store = make_store(durability=durability)
        await store.open()
        await store.append(record(1, kind=durability))
        assert len(await found(store, Query(kind=durability))) == 1
        await store.close()


async def test_a_secret_is_kept_sealed_and_opens_with_the_keys(make_store: MakeStore) -> None:
    store = make_store()
    await store.open()
    await store.append(record(1, secret={"finding": "stand-in"}))
    [stored] = await found(store, Query(kind="request"))
    assert stored.record.secret is None
    assert RecordCipher(Keys()).opened(stored).secret == {"finding": "stand-in"}
    await store.close()


async def test_an_answer_is_found_by_each_of_its_content_ids(make_store: MakeStore) -> None:
    store = make_store()
    await store.open()
    await store.append(record(1, fields={"content_ids": ["cid-1", "cid-1b", "cid-1c"]}))
    await store.append(record(2))
    for identifier in ("cid-1", "cid-1b", "cid-1c"):
        assert [r.request_id for r in await requests(store, content_id=identifier)] == ["req-1"]
    assert await requests(store, content_id="cid") == []
    await store.close()


async def test_an_answer_is_found_by_the_last_digits_of_its_content_ids(make_store: MakeStore) -> None:
    store = make_store()
    await store.open()
    await store.append(record(1, fields={"content_ids": ["cid-1", "0193abc0000001f3"]}))
    await store.append(record(2))
    assert [r.request_id for r in await requests(store, content_id_end="0001f3")] == ["req-1"]
    assert [r.request_id for r in await requests(store, content_id_end="id-2")] == ["req-2"]
    assert await requests(store, content_id_end="0001f4") == []
    await store.close()


TIMES = ["2026-04-30T23:59:59.999Z", "2026-05-01T00:00:00.000Z", "2026-05-02T00:00:00.000Z"]
ROWS = [
    record(1, created=TIMES[0]),
    record(1, "closed", created=TIMES[1]),
    record(2, "blocked", created=TIMES[2]),
    event("library", TIMES[2], version="lib-2"),
]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (Query(), [0, 1, 2, 3]),
        (Query(request_id="req-1"), [0, 1]),
        (Query(request_id=""), [3]),
        (Query(content_id="cid-2"), [2]),
        (Query(kind="request"), [0, 1, 2]),
        (Query(kind="library"), [3]),
        (Query(status="closed"), [1]),
        (Query(status=""), [3]),
        (Query(since=TIMES[1]), [1, 2, 3]),
        (Query(until=TIMES[1]), [0]),
        (Query(since=TIMES[1], until=TIMES[2]), [1]),
        (Query(since="2026-05"), [1, 2, 3]),
        (Query(request_id="req-1", status="closed", kind="request"), [1]),
        (Query(limit=1), [0]),
        (Query(limit=2), [0, 1]),
        (Query(limit=0), []),
        (Query(newest_first=True), [3, 2, 1, 0]),
        (Query(newest_first=True, limit=2), [3, 2]),
        (Query(request_id="nobody"), []),
        (Query(since="2030"), []),
    ],
)
async def test_queries(make_store: MakeStore, query: Query, rows: list[int]) -> None:
    store = make_store(clock=lambda: "2000-01-01T00:00:00.000Z", retention_days=100_000)
    await store.open()
    for item in ROWS:
        await store.append(item)
    own_event_left_out = [s.record for s in await found(store, query) if s.record.kind != "writer"]
    if query.limit is None or query.newest_first:
        assert own_event_left_out == [ROWS[i] for i in rows]
    else:
        assert len(await found(store, query)) == query.limit
    await store.close()


async def test_reading_gives_pages_without_losing_or_repeating_rows(make_store: MakeStore) -> None:
    store = make_store()
    await store.open()
    rows = [record(number) for number in range(501)]
    await asyncio.gather(*map(store.append, rows))
    assert await requests(store) == rows
    assert await requests(store, limit=300) == rows[:300]
    await store.close()


async def test_reading_can_be_given_up_half_way(make_store: MakeStore) -> None:
    store = make_store()
    await store.open()
    await asyncio.gather(*(store.append(record(number)) for number in range(300)))
    reading = store.read(Query())
    await anext(reading)
    await reading.aclose()  # type: ignore[attr-defined]
    await store.close()


async def test_an_append_before_opening_or_after_closing_is_refused(make_store: MakeStore) -> None:
    store = make_store()
    with pytest.raises(RecordError, match="not open"):
        await store.append(record(1))
    assert not await store.ready()
    await store.open()
    assert await store.ready()
    await store.close()
    await store.close()
    assert not await store.ready()
    with pytest.raises(RecordError, match="not open"):
        await store.append(record(1))


async def test_what_is_queued_at_closing_is_committed(make_store: MakeStore) -> None:
    store = make_store()
    await store.open()
    waiting = [asyncio.ensure_future(store.append(record(number))) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*waiting)
    assert len(await requests(store)) == 50


@pytest.mark.parametrize(
    "bad",
    [
        replace(record(1), fields={"a": object()}),
        replace(record(1), secret={"a": object()}),
        replace(record(1), created="yesterday"),
    ],
)
async def test_what_is_no_record_is_refused_at_once(store: RecordStore, bad: Record) -> None:
    with pytest.raises((TypeError, ValueError)):
        await store.append(bad)


async def test_a_record_that_cannot_be_stored_does_not_take_others_with_it(make_store: MakeStore) -> None:
    store = make_store()
    await store.open()
    rows = [record(1), replace(record(2), request_id="\ud800"), record(3)]
    results = await asyncio.gather(*map(store.append, rows), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), TypeError, type(None)]
    assert await requests(store) == [record(1), record(3)]
    await store.close()


async def test_a_cancelled_wait_does_not_take_the_record_back(make_store: MakeStore) -> None:
    store = make_store()
    await store.open()
    waiting = asyncio.ensure_future(store.append(record(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await store.append(record(2))
    assert await requests(store) == [record(1), record(2)]
    await store.close()


async def test_more_than_the_queue_holds_is_refused_and_later_accepted_again(make_store: MakeStore) -> None:
    store = make_store(max_queued=5)
    await store.open()
    results = await asyncio.gather(*(store.append(record(n)) for n in range(8)), return_exceptions=True)
    assert [type(result) for result in results] == [type(None)] * 5 + [RecordError] * 3
    await store.append(record(9))
    assert len(await requests(store)) == 6
    await store.close()


async def test_what_another_store_left_open_is_closed_as_aborted_at_the_next_opening(
    make_store: MakeStore,
) -> None:
    first = make_store()
    await first.open()
    for item in (record(1), record(2), record(1, "closed"), record(3)):
        await first.append(item)
    await first.close()
    second = make_store()
    await second.open()
    aborted = await requests(second, status="aborted")
    assert [(r.request_id, r.content_id, r.library_version) for r in aborted] == [
        ("req-2", "cid-2", "lib-1"),
        ("req-3", "cid-3", "lib-1"),
    ]
    assert aborted[0].fields["reason"] == "writer gone"
    await second.close()


async def test_what_a_living_store_has_open_stays_open(make_store: MakeStore) -> None:
    first, second = make_store(), make_store()
    await first.open()
    await first.append(record(1))
    await second.open()
    assert await requests(second, status="aborted") == []
    await first.append(record(1, "closed"))
    await first.close()
    await second.close()


async def test_several_stores_that_open_at_once_abort_each_request_once(make_store: MakeStore) -> None:
    first = make_store()
    await first.open()
    await asyncio.gather(*(first.append(record(number)) for number in range(20)))
    await first.close()
    stores = [make_store() for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    aborted = await requests(stores[0], status="aborted")
    assert sorted(r.request_id for r in aborted) == sorted(f"req-{n}" for n in range(20))
    await asyncio.gather(*(store.close() for store in stores))


async def test_expiry_removes_nothing_that_is_young(store: RecordStore) -> None:
    assert await store.expire() == []


@pytest.mark.parametrize(
    "url", ["", "sqlite", "sqlite:", "sqlite:///", "sqlite://host/x", "postgresql:///records", "./records"]
)
def test_an_unknown_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///\./data/records"):
        open_store(url, keys=Keys())


def test_an_unknown_durability_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="strict, group, relaxed"):
        open_store("sqlite:///x", keys=Keys(), durability="none")


async def test_a_relative_url_is_a_folder_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///./data/records", keys=Keys(), clock=lambda: NOW)
    await store.open()
    await store.close()
    assert (tmp_path / "data/records/records-202605.sqlite").is_file()


async def test_the_null_store_takes_everything_and_keeps_nothing() -> None:
    store: RecordStore = NullStore()
    await store.open()
    await store.append(record(1))
    assert await found(store) == []
    assert await store.ready()
    assert await store.expire() == []
    await store.close()


def test_the_clock_gives_utc_with_milliseconds() -> None:
    assert month_of(utc_now())
    assert len(utc_now()) == len(NOW)
