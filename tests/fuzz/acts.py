"""All that each bundled connector can be asked to do, as the host asks it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from olhubd.model import Kind, Money, Payment, PaymentType, Shipment, reference
from olhubd.plugin import (
    CancelSink,
    Connector,
    Cursor,
    DeviceGrant,
    OAuthLogin,
    OrderCount,
    OrderLookup,
    OrderSink,
    Page,
    PaymentSink,
    Probe,
    Push,
    ShipmentSink,
    StatusList,
    StatusSink,
    Token,
)
from olhubd_allegro import Allegro
from olhubd_kit.samples import sample
from olhubd_kit.simulator import Simulator
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_vendure import Vendure
from olhubd_woocommerce.connector import WooCommerce
from tests.fuzz.vendure import VendureStandIn
from tests.plugins.woocommerce.orders import push_of

__all__ = ["STANDS", "Act", "Stand"]

Act = Callable[[Any, list[str]], Awaitable[Any]]
"""Gets the connector and the ids of the orders that are there."""
MARK = reference("allegro", "A1")
_PAGES = 12


def _ago(hours: int) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


class Stand(NamedTuple):
    """A connector, who stands in for its system, and what both are put to. `open` fills the books."""

    connector: type[Connector[Any]]
    simulator: Callable[[], Simulator]
    open: Callable[[Any], list[str]]
    acts: Mapping[str, Act]


async def pull(connector: Any, _ids: list[str]) -> list[Page]:
    """From the beginning to the end, as long as it goes on."""
    cursor = await connector.feed(Kind.ORDER).start(_ago(5))
    pages = [await connector.feed(Kind.ORDER).pull(cursor)]
    while pages[-1].more and pages[-1].failure is None and len(pages) < _PAGES:
        pages.append(await connector.feed(Kind.ORDER).pull(pages[-1].cursor))
    return pages


async def journal(connector: Any, _ids: list[str]) -> list[Page]:
    """From where the journal was before anything happened."""
    pages = [await connector.feed(Kind.ORDER).pull(Cursor("0"))]
    while pages[-1].more and pages[-1].failure is None and len(pages) < _PAGES:
        pages.append(await connector.feed(Kind.ORDER).pull(pages[-1].cursor))
    return pages


async def sweep(connector: Any, _ids: list[str]) -> list[Page]:
    since = _ago(5)
    pages = [await connector.feed(Kind.ORDER).sweep(since, None)]
    while pages[-1].more and pages[-1].failure is None and len(pages) < _PAGES:
        pages.append(await connector.feed(Kind.ORDER).sweep(since, pages[-1].cursor))
    return pages


async def start(connector: Any, _ids: list[str]) -> Any:
    return await connector.feed(Kind.ORDER).start(None)


async def count(connector: Any, _ids: list[str]) -> Any:
    return await connector.capability(OrderCount).count_orders(_ago(5), _ago(0))


async def read(connector: Any, ids: list[str]) -> Any:
    return await connector.capability(OrderLookup).read_order(ids[0])


async def probe(connector: Any, _ids: list[str]) -> Any:
    return await connector.capability(Probe).probe()


async def statuses(connector: Any, _ids: list[str]) -> Any:
    return await connector.capability(StatusList).statuses()


async def ship(connector: Any, ids: list[str]) -> Any:
    return await connector.capability(ShipmentSink).add_shipment(
        ids[0], Shipment(waybill="W2", carrier="DPD", carrier_name="DPD")
    )


async def find(connector: Any, _ids: list[str]) -> Any:
    return await connector.capability(OrderSink).find_order(MARK, timedelta(hours=5))


async def number(connector: Any, ids: list[str]) -> Any:
    return await connector.capability(OrderSink).find_by_number(ids[0]), await connector.capability(
        OrderSink
    ).find_by_number("CODE5")


async def cancel(connector: Any, ids: list[str]) -> Any:
    return await connector.capability(CancelSink).cancel_order(ids[0], "changed my mind")


async def pay(connector: Any, ids: list[str]) -> Any:
    payment = Payment(type=PaymentType.ONLINE, external_id="pay-9", paid=Money(Decimal("28.99"), "PLN"))
    return await connector.capability(PaymentSink).set_payment(ids[0], payment, Money(Decimal("28.99"), "PLN"))


def move(word: str) -> Act:
    async def act(connector: Any, ids: list[str]) -> Any:
        return await connector.capability(StatusSink).set_status(ids[0], word)

    return act


async def push(connector: Any, _ids: list[str]) -> Any:
    return await connector.capability(OrderSink).push_order(push_of())


async def push_much(connector: Any, _ids: list[str]) -> Any:
    """Services, a pick-up point, an invoice, all with their own way into the shop."""
    order = sample("serviced", "A1", _ago(1))
    return await connector.capability(OrderSink).push_order(
        Push(order=order, reference=MARK, account="allegro", marketplace="allegro-pl")
    )


async def withdraw(connector: Any, _ids: list[str]) -> Any:
    return await connector.capability(OrderSink).withdraw_order(MARK)


async def begin_device(connector: Any, _ids: list[str]) -> Any:
    return await connector.capability(OAuthLogin).begin_device()


async def poll_device(connector: Any, _ids: list[str]) -> Any:
    grant = await connector.capability(OAuthLogin).begin_device()
    honest = DeviceGrant(
        device_code=grant.device_code, user_code=grant.user_code, url="", interval=1, expires_at=_ago(-1)
    )
    return await connector.capability(OAuthLogin).poll_device(honest)


async def exchange(connector: Any, _ids: list[str]) -> Any:
    return await connector.capability(OAuthLogin).exchange("code", "http://127.0.0.1/back", "verifier")


async def refresh(connector: Any, _ids: list[str]) -> Any:
    token: Token = connector.account.tokens.token
    return await connector.capability(OAuthLogin).refresh(token)


def _market(simulator: AllegroSimulator) -> list[str]:
    simulator.signin.consent = True
    return simulator.ledger.buy(3)


def _shop(simulator: WooCommerceSimulator) -> list[str]:
    return [str(id_) for _ in range(3) for id_ in simulator.buy()]


def _vendure(simulator: VendureStandIn) -> list[str]:
    return [order.id for order in simulator.orders]


_FEED: dict[str, Act] = {
    "start": start, "pull": pull, "sweep": sweep, "count": count, "read": read, "probe": probe,
    "statuses": statuses,
}  # fmt: skip
_SINK: dict[str, Act] = {
    "push": push, "push much": push_much, "find": find, "number": number, "cancel": cancel, "pay": pay,
    "ship": ship,
}  # fmt: skip

STANDS = {
    "allegro": Stand(
        Allegro,
        lambda: AllegroSimulator(seed=7),
        _market,
        {
            **_FEED,
            "journal": journal,
            "ship": ship,
            "status": move("SENT"),
            "device": begin_device,
            "poll": poll_device,
            "exchange": exchange,
            "refresh": refresh,
        },
    ),
    "woocommerce": Stand(
        WooCommerce, lambda: WooCommerceSimulator(seed=3), _shop, {**_FEED, **_SINK, "status": move("completed")}
    ),
    "vendure": Stand(
        Vendure, VendureStandIn, _vendure, {**_FEED, **_SINK, "status": move("Shipped"), "withdraw": withdraw}
    ),
}
