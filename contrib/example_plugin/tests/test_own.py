"""What no rule of the kit can know of Tiny Shop: its own words, and what becomes of its own oddities."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from olhubd.plugin import OutcomeUnknown, Push
from olhubd_kit.aside import kept_aside
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.samples import sample
from olhubd_kit.simulator import serve
from olhubd_kit.test_host import account
from olhubd_tinyshop.connector import TinyShop
from tinyshop_simulator import TinyShopSimulator


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[tuple[TinyShop, TinyShopSimulator]]:
    """A connector with an account at a simulator, behind a real socket."""
    simulator = TinyShopSimulator(seed=1)
    async with serve(simulator) as base, account(TinyShop, simulator.settings(base)) as shop:
        yield shop, simulator


def test_an_amount_that_is_none_is_kept_aside_and_its_neighbour_comes() -> None:
    async def trial() -> None:
        async with opened() as (shop, simulator):
            cursor = await shop.orders.start(None)
            well, torn = simulator.buy(2)
            simulator.corrupt(torn)
            page = await shop.orders.pull(cursor)
            assert [record.external_id for record in page.records] == [well, torn]
            [aside] = kept_aside(shop.orders, page.records)
            assert (aside.kind, aside.external_id) == ("order", torn)
            assert "total" in aside.reason

    asyncio.run(trial())


def test_an_order_whose_answer_was_lost_is_found_by_its_mark() -> None:
    async def trial() -> None:
        async with opened() as (shop, simulator):
            order = sample("plain", "1", datetime.now(UTC))
            push = Push(order=order, reference="market:1", account="market", marketplace="market")
            simulator.faults.add(Fault(kind=FaultKind.LOSE, match="POST /orders"))
            with pytest.raises(OutcomeUnknown):
                await shop.push_order(push)
            found = await shop.find_order("market:1", age=timedelta(minutes=1))
            [entry] = simulator.books()
            assert found is not None
            assert (found.external_id, found.total) == (entry.external_id, order.total)

    asyncio.run(trial())
