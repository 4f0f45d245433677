"""Pauses after failures double up to a limit and begin again after a success."""

from __future__ import annotations

from olhubd.runtime.backoff import Backoff, delay


def test_each_failure_doubles_the_pause_up_to_its_limit() -> None:
    assert [delay(failures, 2.0, 60.0) for failures in range(8)] == [2, 2, 4, 8, 16, 32, 60, 60]
    assert delay(10_000, 2.0, 3600.0) == 3600.0
    assert delay(1, 90.0, 60.0) == 60.0


def test_a_success_begins_again() -> None:
    backoff = Backoff(1.0, 5.0)
    assert [backoff.next() for _ in range(4)] == [1, 2, 4, 5]
    backoff.reset()
    assert backoff.next() == 1
