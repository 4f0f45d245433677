"""A list that a host cannot give a hundred rows of: fewer are asked for, and more again when that may be over."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from olhubd.plugin import ContractBroken, PageSize, Unavailable
from olhubd_kit.conformance.clock import FrozenClock


class Host:
    """Breaks under more than `most` rows, by `error`; remembers what it was asked for."""

    def __init__(self, most: int, status: int | None = 500) -> None:
        self.most, self.status = most, status
        self.asked: list[int] = []
        self.clock, self.log = FrozenClock(), LogCapture()
        self.size = PageSize(100, self.clock, structlog.wrap_logger(None, processors=[self.log]), smallest=5)

    async def fetch(self, rows: int) -> int:
        self.asked.append(rows)
        if rows > self.most:
            raise Unavailable("broken", status=self.status, strained=self.status in (None, 500, 502, 504))
        return rows

    async def read(self) -> list[int]:
        """What it was asked for in one reading."""
        self.asked = []
        assert await self.size.ask(self.fetch) <= self.most
        return self.asked


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_rows_are_halved_until_it_goes_and_that_is_remembered(status: int) -> None:
    host = Host(20, status)
    assert await host.read() == [100, 100, 50, 25, 12]
    assert await host.read() == [12]
    assert [entry["rows"] for entry in host.log.entries] == [12]


async def test_a_moments_failure_changes_nothing() -> None:
    host = Host(100)
    failed: list[int] = []

    async def once(rows: int) -> int:
        if not failed:
            failed.append(rows)
            raise Unavailable("a moment", status=502, strained=True)
        return rows

    assert await host.size.ask(once) == 100
    assert (host.size.rows, host.log.entries) == (100, [])


async def test_more_rows_are_tried_again_each_time_later() -> None:
    host = Host(60)
    assert await host.read() == [100, 100, 50]
    host.clock.advance(3599)
    assert await host.read() == [50]
    host.clock.advance(1)
    assert await host.read() == [100, 100, 50]
    host.clock.advance(7199)
    assert await host.read() == [50]
    host.most = 100
    host.clock.advance(1)
    assert await host.read() == [100]
    assert host.size.rows == 100
    assert len(host.log.entries) == 1


async def test_who_gives_no_answer_is_waited_for_twice_in_one_reading() -> None:
    """Each such wait is the whole limit of a call, and the call of the host has a limit too."""
    host = Host(12, None)
    with pytest.raises(Unavailable):
        await host.read()
    assert host.asked == [100, 50]
    with pytest.raises(Unavailable):
        await host.read()
    assert host.asked == [50, 25]
    assert await host.read() == [25, 12]


async def test_a_server_that_is_down_is_not_blamed_on_the_rows() -> None:
    host = Host(0)
    with pytest.raises(Unavailable):
        await host.read()
    assert host.asked == [100, 100, 50, 25, 12, 6, 5]
    host.most = 100
    assert await host.read() == [100]
    assert host.log.entries == []


@pytest.mark.parametrize("error", [Unavailable("maintenance", status=503), ContractBroken("odd")])
async def test_other_failures_are_nobodys_size(error: Exception) -> None:
    host = Host(100)

    async def fails(rows: int) -> Any:
        host.asked.append(rows)
        raise error

    with pytest.raises(type(error)):
        await host.size.ask(fails)
    assert (host.asked, host.size.rows) == ([100], 100)
