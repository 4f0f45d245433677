"""What the author's guide shows of two Tiny Shops: one is the stock master of the other, through a whole hub."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from olhubd import config
from olhubd.engine.access.http_session import open_session
from olhubd.engine.hub import Hub
from olhubd.plugin import loading
from olhubd.store import Database
from olhubd_kit.simulator import serve
from olhubd_tinyshop.connector import TinyShop
from tests.control.house import Brisk
from tests.waiting import until
from tinyshop_simulator import TinyShopSimulator

SHOWN = Path(__file__).parents[2] / "contrib" / "example_plugin" / "stock.toml"
WARE = "W20"


@contextlib.asynccontextmanager
async def opened(folder: Path, shop: TinyShopSimulator, outlet: TinyShopSimulator) -> AsyncIterator[None]:
    """The hub of the guide's configuration, which reads sooner and at other ports."""
    plugins = dataclasses.replace(
        loading.load(["allegro"], environ={}),
        connectors={"tinyshop": TinyShop},
        providers={"tinyshop": "tinyshop"},
    )
    async with contextlib.AsyncExitStack() as stack:
        text = SHOWN.read_text(encoding="utf-8").replace('interval = "10 s"', 'interval = "200 ms"')
        for base, one in (("http://127.0.0.1:8801", shop), ("http://127.0.0.1:8802", outlet)):
            assert base in text
            text = text.replace(base, await stack.enter_async_context(serve(one)))
        path = folder / "stock.toml"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        configuration = config.load(path, plugins, {})
        database = await stack.enter_async_context(Database.open(folder / "hub.sqlite"))
        session = await stack.enter_async_context(open_session())
        secrets: list[str] = []
        hub = Hub(configuration, database, session, Brisk(), structlog.get_logger(), secrets.append)
        await hub.start()
        stack.push_async_callback(hub.stop, 5)
        yield


@pytest.fixture
def shops() -> tuple[TinyShopSimulator, TinyShopSimulator]:
    return TinyShopSimulator(1), TinyShopSimulator(2)


async def test_one_tiny_shop_shows_what_the_other_has_and_sells_it(
    tmp_path: Path, shops: tuple[TinyShopSimulator, TinyShopSimulator]
) -> None:
    shop, outlet = shops
    async with opened(tmp_path, shop, outlet):
        shop.shelf.sell_item(WARE, 97)

        async def three() -> bool:
            return outlet.shelf.buyable()[WARE] == 3

        await until(three)
        sold = outlet.buy(2)

        async def alike() -> bool:
            there = [entry for entry in shop.books() if entry.reference is not None]
            return len(there) == len(sold) and shop.shelf.buyable() == outlet.shelf.buyable()

        await until(alike)
        assert sum(shop.shelf.buyable().values()) < 19 * 100 + 3, "the orders took nothing off the master"
