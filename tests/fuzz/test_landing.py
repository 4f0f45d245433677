"""A whole hub whose systems answer garbage now and then: in the end every order is in the shop once, for its total.

Nothing is lost for an answer that nobody can read, nothing is sent twice for one, and no task of the hub dies.
"""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from tests.control.house import House
from tests.fuzz.distort import BODIES, Distortion, Kind
from tests.fuzz.effort import effort_of, tried
from tests.fuzz.mangler import Mangler

PAGES = [number for number, body in enumerate(BODIES) if body[:1] not in b'[{"']
"""Bodies that nobody takes for an answer; an empty list, say, would be a lie that fits."""


def mangled(simulator: Any) -> Mangler:
    """Put a mangler in front of what the simulator will serve."""
    mangler, application = Mangler(), simulator.application

    def made() -> web.Application:
        app: web.Application = application()
        app.middlewares.insert(0, mangler.middleware)
        return app

    simulator.application = made
    return mangler


@pytest.mark.parametrize("seed", range(effort_of(2, share=0.01)))
async def test_garbage_loses_and_doubles_nothing(seed: int, tmp_path: Path) -> None:
    """Invariants 1, 2, 4 and 6."""
    chosen = random.Random(seed)
    house = House(tmp_path)
    house.shop = WooCommerceSimulator(3, now=house.clock.now)  # signatures tell the time
    house.shop_keys = {"settle": "1 s"}  # a clock that jumps puts in doubt what was under way
    manglers = [mangled(house.market), mangled(house.shop)]

    def plan(request: web.Request, _number: int) -> Distortion | None:
        if request.path.startswith(("/auth", "/_sim")) or chosen.random() > 0.15:
            return None
        return Distortion(Kind.BODY, 0, chosen.choice(PAGES))

    with capture_logs() as log:
        async with house.open():
            await house.sign_in()
            for mangler in manglers:
                mangler.plan = plan
            for _ in range(4):
                house.market.ledger.buy(3)
                struck = sum(mangler.struck for mangler in manglers)
                await house.until(_beyond(manglers, struck + 3))
            for mangler in manglers:
                tried("answers, through the whole hub", mangler.struck)
                mangler.rest()
            house.clock.ahead = timedelta(hours=2)  # what was left open is looked up now, and the sweep is due
            for account in ("market", "shop"):
                await house.ask("POST", f"/accounts/{account}/resume")
            await house.until(house.settled)
            sold = {entry.external_id: entry for entry in house.market.books() if entry.due}
            there = [entry for entry in house.shop.books() if entry.reference is not None]
            assert len(sold) == len(there) == len({entry.reference for entry in there}) == 12
            assert sorted(str(entry.total) for entry in there) == sorted(str(e.total) for e in sold.values())
            assert (await house.ask("GET", "/readyz"))[0] == 200
    assert not [entry for entry in log if entry.get("exc_info")]


def _beyond(manglers: list[Mangler], count: int) -> Any:
    async def enough() -> bool:
        return sum(mangler.struck for mangler in manglers) >= count

    return enough
