"""Waiting in the middle of code that does not wait.

What carries a text is pure and knows no `await`; once in a thousand answers something deep in it has to be asked of
somebody else. Then the whole step is set aside, the event loop goes on with everybody else, and the step
continues with the answer. Nothing is created for a step that asks nothing but a greenlet, and no task in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

__all__ = ["suspended", "waiting_for"]

T = TypeVar("T")


async def suspended(step: Callable[[], T]) -> T:
    """What `step` returns; it may call `waiting_for`. Cancellation is raised where the step waits."""
    child = greenlet(step)
    result: Any = child.switch()
    while not child.dead:
        try:
            answer = await result
        except BaseException as error:
            result = child.throw(error)
        else:
            result = child.switch(answer)
    done: T = result
    return done


def waiting_for(answer: Coroutine[Any, Any, T]) -> T:
    """The answer, while the step that asks is set aside. Raises what it raises."""
    parent = getcurrent().parent
    assert parent is not None, "outside of a suspended step nobody can wait"
    got: T = parent.switch(answer)
    return got
