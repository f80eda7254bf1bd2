"""After several failures in a row nobody asks for a while, then one tries."""

from __future__ import annotations

import pytest

from proxy.breaker import Breaker


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def failing(time: Time, times: int) -> Breaker:
    breaker = Breaker(time)
    for _ in range(times):
        assert breaker.lets(3, 10)
        breaker.failed()
    return breaker


def test_it_opens_after_so_many_failures_and_not_before(time: Time) -> None:
    assert failing(time, 2).lets(3, 10)
    opened = failing(time, 3)
    assert not opened.lets(3, 10)
    assert opened.failed_in_a_row == 3


def test_an_answer_between_two_failures_counts_from_the_start_again(time: Time) -> None:
    breaker = failing(time, 2)
    breaker.answered()
    breaker.failed()
    breaker.failed()
    assert breaker.lets(3, 10)


def test_after_a_while_one_tries_and_its_answer_closes_it(time: Time) -> None:
    breaker = failing(time, 3)
    time.now += 9.9
    assert not breaker.lets(3, 10)
    time.now += 0.1
    assert breaker.lets(3, 10)
    assert not breaker.lets(3, 10)
    breaker.answered()
    assert breaker.lets(3, 10)
    assert breaker.lets(3, 10)


def test_the_failure_of_who_tries_opens_it_for_as_long_again(time: Time) -> None:
    breaker = failing(time, 3)
    time.now += 10
    assert breaker.lets(3, 10)
    breaker.failed()
    time.now += 9
    assert not breaker.lets(3, 10)
    time.now += 1
    assert breaker.lets(3, 10)


def test_who_left_while_trying_makes_room_for_another(time: Time) -> None:
    breaker = failing(time, 3)
    time.now += 10
    assert breaker.lets(3, 10)
    breaker.left()
    assert breaker.lets(3, 10)


def test_without_a_number_it_never_opens(time: Time) -> None:
    breaker = failing(time, 3)
    assert breaker.lets(0, 10)
