"""Waiting in the middle of code that does not wait."""

from __future__ import annotations

import asyncio
import gc

import pytest

from proxy.suspended import suspended, waiting_for


async def later(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def test_a_step_gets_its_answers_and_returns() -> None:
    def step() -> int:
        return sum(waiting_for(later(number)) for number in range(5))

    assert await suspended(step) == 10
    assert await suspended(lambda: 7) == 7


async def test_several_steps_wait_side_by_side() -> None:
    gates = [asyncio.Event() for _ in range(3)]
    order: list[int] = []

    def step(number: int) -> int:
        waiting_for(gates[number].wait())
        order.append(number)
        return number

    tasks = [asyncio.create_task(suspended(lambda n=n: step(n))) for n in range(3)]  # type: ignore[misc]
    await asyncio.sleep(0)
    for number in (2, 0, 1):
        gates[number].set()
        await tasks[number]
    assert order == [2, 0, 1]


async def test_errors_come_out_where_the_step_waits_and_may_be_caught_there() -> None:
    async def fails() -> int:
        raise ValueError("no")

    def caught() -> str:
        try:
            waiting_for(fails())
        except ValueError as error:
            return f"{error}, {waiting_for(later(1))}"
        return ""

    assert await suspended(caught) == "no, 1"
    with pytest.raises(ValueError, match="no"):
        await suspended(lambda: waiting_for(fails()))
    with pytest.raises(ZeroDivisionError):
        await suspended(lambda: 1 // 0)


async def test_cancelling_unwinds_the_step() -> None:
    left: list[str] = []

    def step() -> None:
        try:
            waiting_for(asyncio.Event().wait())
        finally:
            left.append("left")

    task = asyncio.create_task(suspended(step))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left == ["left"]


async def test_a_coroutine_that_is_thrown_away_unwinds_the_step() -> None:
    left: list[str] = []

    async def forever() -> None:
        await asyncio.Event().wait()

    def step() -> None:
        try:
            waiting_for(forever())
        finally:
            left.append("left")

    coroutine = suspended(step)
    coroutine.send(None)
    coroutine.close()
    gc.collect()
    assert left == ["left"]
