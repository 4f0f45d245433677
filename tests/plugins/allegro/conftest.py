"""A simulated Allegro and a connector signed in to it, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from olhubd.plugin import Cursor, Page, Record
from olhubd_allegro import Allegro
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.test_host import account

Drain = Callable[[Cursor], Awaitable[tuple[list[Record], Cursor]]]


@pytest.fixture
def simulator() -> AllegroSimulator:
    return AllegroSimulator(seed=7)


@pytest.fixture
async def allegro(simulator: AllegroSimulator) -> AsyncIterator[Allegro]:
    async with (
        serve(simulator) as base,
        account(Allegro, simulator.settings(base), token=simulator.token()) as connector,
    ):
        yield connector


@pytest.fixture
def drain(allegro: Allegro) -> Drain:
    """Pull until there is no more; the records and where the cursor stands. A failure is raised."""

    async def pull(cursor: Cursor) -> tuple[list[Record], Cursor]:
        records: list[Record] = []
        while True:
            page: Page = await allegro.orders.pull(cursor)
            if page.failure is not None:
                raise page.failure
            records.extend(page.records)
            cursor = page.cursor
            if not page.more:
                return records, cursor

    return pull
