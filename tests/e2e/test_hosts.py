"""Hosts of shops as reports tell of them: whatever they do to an answer, an order arrives once."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from aiohttp import web

from olhubd.engine.access import key_retry, refusals
from olhubd.engine.account import AccountUnit
from olhubd.model import Action, DeliveryState
from olhubd.store import events
from olhubd.store.accounts import AccountState
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from tests.e2e.test_hub import Seller


@contextlib.asynccontextmanager
async def selling_into(shop: WooCommerceSimulator, folder: Path) -> AsyncIterator[Seller]:
    seller = Seller(folder)
    seller.shop = shop
    with structlog.testing.capture_logs():
        async with seller.open():
            yield seller


class Weak(WooCommerceSimulator):
    """More than twenty orders in one answer end in a fatal error of PHP."""

    def _route(self, method: str, parts: list[str], params: Any, body: Any) -> Any:
        if method == "GET" and parts == ["wc", "v3", "orders"] and int(params.get("per_page", 10)) > 20:
            return (
                500,
                {"code": "internal_server_error", "message": "Critical error.", "data": {"status": 500}},
                {},
            )
        return super()._route(method, parts, params, body)


async def test_a_host_that_breaks_at_a_hundred_rows_is_asked_for_fewer(tmp_path: Path) -> None:
    """Else what became of a lost answer could never be found out there."""
    async with selling_into(Weak(3), tmp_path) as seller:
        seller.shop.faults.add(Fault(kind=FaultKind.LOSE, match="POST .*/orders$", times=1))
        seller.first.ledger.buy(paid=True)
        await seller.settled()
        assert len(seller.shop.books()) == 1
        # The order once; that it is paid is told once more, since it was found and not made.
        done = [one.action for one in await seller.deliveries(DeliveryState.CONFIRMED)]
        assert sorted(done) == [Action.PUSH_ORDER, Action.SET_PAYMENT]


class Wordy(WooCommerceSimulator):
    """A content security policy of 9,600 bytes in each answer."""

    async def _answer(self, request: web.Request, path: str, params: dict[str, str]) -> web.Response:
        made = await super()._answer(request, path, params)
        made.headers["Content-Security-Policy"] = " ".join(f"https://cdn{n}.example.com" for n in range(400))
        return made


class Marked(WooCommerceSimulator):
    """A byte order mark before each answer, from a file of the theme that was saved with one."""

    async def _answer(self, request: web.Request, path: str, params: dict[str, str]) -> web.Response:
        made = await super()._answer(request, path, params)
        assert isinstance(made.body, bytes)
        headers = {
            name: made.headers[name] for name in ("Content-Type", "Date", "X-WP-Total") if name in made.headers
        }
        return web.Response(status=made.status, body=b"\xef\xbb\xbf" + made.body, headers=headers)


@pytest.mark.parametrize("shop", [Wordy, Marked])
async def test_an_answer_that_is_dressed_up_is_an_answer(shop: type[WooCommerceSimulator], tmp_path: Path) -> None:
    """The order is confirmed by the answer to its one POST, and nobody looks it up."""
    async with selling_into(shop(3), tmp_path) as seller:
        seller.first.ledger.buy(paid=True)
        await seller.settled()
        assert seller.shop.calls["POST /wc/v3/orders"] == 1
        told = await events.latest(seller.database.reader, limit=1000)
        confirmed = [msgspec.json.decode(event.data) for event in told if event.kind == "delivery.confirmed"]
        assert confirmed
        assert not any(fact.get("looked_up") for fact in confirmed)


async def test_a_shop_that_is_being_updated_gets_its_order_within_the_minute(tmp_path: Path) -> None:
    """WordPress asks for ten minutes at each update, which takes seconds."""
    shop = WooCommerceSimulator(3)
    async with selling_into(shop, tmp_path) as seller:
        shop.maintenance_left = 10**6  # whoever calls meets it, and not the order alone
        seller.first.ledger.buy(paid=True)

        async def put_off() -> bool:
            return bool(await seller.deliveries(DeliveryState.RETRY))

        await seller.until(put_off)
        (delivery,) = await seller.deliveries(DeliveryState.RETRY)
        assert delivery.due_at - datetime.now(UTC) <= timedelta(seconds=60)
        assert "the site is being maintained" in (delivery.error or "")
        shop.maintenance_left = 0
        await seller.hub.unit("shop").go_ahead("anna")
        await seller.settled()


class Hasty(WooCommerceSimulator):
    """An account that asks eight at one time and waits for two seconds."""

    def settings(self, base: str) -> dict[str, Any]:
        return {**super().settings(base), "timeout": "2 s", "parallel": 8}


async def test_a_host_of_one_worker_is_asked_for_less_at_one_time(tmp_path: Path) -> None:
    """Eight calls at one time wait for each other, until the answers of most are lost."""
    shop = Hasty(3)
    async with selling_into(shop, tmp_path) as seller:
        shop.workers, shop.seconds = 1, 0.2
        seller.first.ledger.buy(16, paid=True)
        await seller.settled()
        assert len(seller.shop.books()) == 16
        (gate,) = [gate for gate in seller.hub.budgets.snapshot() if gate.key.startswith("woocommerce:")]
        assert gate.places < gate.parallel == 8


class Moody(WooCommerceSimulator):
    """Refuses one list of orders by 401, as a cache or a balancer does once in a while, or all from then on."""

    lists = 0
    refuses_at = 6
    for_good = False

    async def _answer(self, request: web.Request, path: str, params: dict[str, str]) -> web.Response:
        if request.method == "GET" and path.startswith("/wc/v3/orders"):
            self.lists += 1
        if self.lists == self.refuses_at or (self.for_good and self.lists > self.refuses_at):
            said = {"code": "woocommerce_rest_cannot_view", "message": "No.", "data": {"status": 401}}
            return web.json_response(said, status=401)
        return await super()._answer(request, path, params)


async def test_one_401_does_not_stop_a_shop_for_good(tmp_path: Path) -> None:
    """Invariant 24. A static key is no grant that somebody withdrew: the same call is answered the next time."""
    shop = Moody(3)
    async with selling_into(shop, tmp_path) as seller:
        await seller.until(lambda: _asked(shop, shop.refuses_at + 2))
        unit = seller.hub.unit("shop")
        assert unit.row.state is AccountState.ACTIVE
        seller.first.ledger.buy(paid=True)
        await seller.until(lambda: _ours(shop, 1))
        await seller.until(lambda: _works(unit))


async def _asked(shop: Moody, times: int) -> bool:
    return shop.lists >= times


async def _ours(shop: WooCommerceSimulator, count: int) -> bool:
    return len([entry for entry in shop.books() if entry.reference]) == count


async def _works(unit: AccountUnit) -> bool:
    return unit.trouble is None and unit.refused_since is None


async def test_a_key_that_stays_refused_is_told_and_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 24. Parked after minutes and not before, and on its way again by itself, with what was sold."""
    monkeypatch.setattr(refusals, "_LONG", 3.0)
    monkeypatch.setattr(key_retry, "_FIRST", 0.5)
    shop = Moody(3)
    shop.for_good = True
    async with selling_into(shop, tmp_path) as seller:
        unit = seller.hub.unit("shop")

        async def parked() -> bool:
            return unit.row.state is AccountState.PARKED

        await seller.until(parked)
        assert str(unit.row.reason).startswith("its key is refused: ")
        seller.first.ledger.buy(paid=True)
        shop.for_good = False
        await seller.until(lambda: _ours(shop, 1))
        assert unit.row.state is AccountState.ACTIVE
