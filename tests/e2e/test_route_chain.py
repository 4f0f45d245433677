"""Every option of a route from the text of the configuration to what the shop holds.

The connectors' own tests show what becomes of a `Push`, and those of decisions what a route chooses. What lies
between them, the packing of an order for its route, is only seen by a test that holds both ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from olhubd.engine.errors import NotPossible
from olhubd.model import Action, Fulfilment, Shipment, Stage
from olhubd.store import feeds, orders, runs
from olhubd.store.accounts import AccountState
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.allegro.population import COURIER, LOCKER
from tests.e2e.test_hub import Seller

STATUSES = {"new": "pending", "paid": "processing", "cod": "on-hold"}


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Seller]:
    with structlog.testing.capture_logs():
        yield Seller(tmp_path)


def doc(seller: Seller, account: str, order: str) -> dict[str, Any]:
    """The order as the shop holds it."""
    entry = seller.in_shop(account, order)
    found: dict[str, Any] = seller.shop.ledger.sheets[int(entry.external_id)].doc
    return found


def meta(held: dict[str, Any]) -> dict[str, Any]:
    return {row["key"]: row["value"] for row in held["meta_data"]}


async def test_the_first_status_is_the_one_of_the_route(made: Seller) -> None:
    """IMP-22, IMP-23: one for cash on delivery, another for what is paid at once."""
    made.route["statuses"] = STATUSES
    async with made.open():
        (paid,) = made.first.ledger.buy(payment="ONLINE")
        (cash,) = made.first.ledger.buy(payment="CASH_ON_DELIVERY")
        await made.settled()
        assert [doc(made, "first", order)["status"] for order in (paid, cash)] == ["processing", "on-hold"]


async def test_the_general_status_is_for_whatever_has_none_of_its_own(made: Seller) -> None:
    """IMP-21."""
    made.route["statuses"] = {"new": "on-hold"}
    async with made.open():
        bought = [*made.first.ledger.buy(payment="ONLINE"), *made.first.ledger.buy(payment="CASH_ON_DELIVERY")]
        await made.settled()
        assert [doc(made, "first", order)["status"] for order in bought] == ["on-hold", "on-hold"]


async def test_what_a_route_includes_is_in_the_shop(made: Seller) -> None:
    """FWD-10, FWD-11, FWD-12. Part of FWD-13: passed on when the option is on."""
    made.route["include"] = ["login", "offer-ids", "note", "payment"]
    async with made.open():
        (order,) = made.first.ledger.buy(payment="ONLINE", buyer=7, message="ostrożnie", lines=1)
        await made.settled()
        form = made.first.ledger.find(order)
        assert form is not None
        held = doc(made, "first", order)
        assert meta(held)["olhubd_login"] == form.form["buyer"]["login"]
        assert meta(held["line_items"][0])["offer_id"] == form.form["lineItems"][0]["offer"]["id"]
        assert held["customer_note"] == "ostrożnie"
        assert held["transaction_id"] == form.form["payment"]["id"]


async def test_what_a_route_does_not_include_is_not_in_the_shop(made: Seller) -> None:
    """FWD-10, FWD-11, FWD-12. Part of FWD-13: and not when it is off."""
    made.route["include"] = []
    async with made.open():
        (order,) = made.first.ledger.buy(payment="ONLINE", buyer=7, message="ostrożnie", lines=1)
        await made.settled()
        form = made.first.ledger.find(order)
        assert form is not None
        held = doc(made, "first", order)
        assert form.form["buyer"]["login"] not in str(held)
        assert form.form["lineItems"][0]["offer"]["id"] not in str(held)
        assert held["customer_note"] == ""
        assert (held["payment_method_title"], held["transaction_id"]) == ("", "")


async def test_each_marketplace_account_has_its_own_table_of_methods(made: Seller) -> None:
    """FWD-16. Part of FWD-14: by id or by name to the shop's id. Part of FWD-17: two accounts, a table each."""
    made.route["from"] = ["first"]
    made.route["shipping"] = {COURIER[0]: "flat_rate:3", LOCKER[1]: "local_pickup:4"}
    made.route["payment"] = {"online": "przelewy24"}
    other = {**made.route, "from": ["second"], "shipping": {COURIER[1]: "free_shipping:9"}, "payment": {}}
    made.routes = [made.route, other]
    async with made.open():
        (one,) = made.first.ledger.buy(payment="ONLINE", pickup=False)
        (two,) = made.first.ledger.buy(payment="ONLINE", pickup=True)
        (three,) = made.second.ledger.buy(payment="ONLINE", pickup=False)
        (four,) = made.second.ledger.buy(payment="ONLINE", pickup=True)
        await made.settled()
        held = [doc(made, account, order) for account, order in
                (("first", one), ("first", two), ("second", three), ("second", four))]  # fmt: skip
        ways = [(row["method_id"], row.get("instance_id")) for h in held for row in h["shipping_lines"]]
        assert ways == [("flat_rate", "3"), ("local_pickup", "4"), ("free_shipping", "9"), ("other", None)]
        assert [h["payment_method"] for h in held][:2] == ["przelewy24", "przelewy24"]
        assert "przelewy24" not in str(held[2:])


@pytest.mark.parametrize("off", ["sync_status", "sync_payment", "sync_shipments"])
async def test_each_of_the_three_is_switched_apart(made: Seller, off: str) -> None:
    """SYN-10, SYN-15: what is off is not sent, and the other two are."""
    made.route |= {"statuses": {"new": "pending", "sent": "completed"}, off: False}
    async with made.open():
        (order,) = made.first.ledger.buy(payment="ONLINE")
        await made.settled()
        made.first.ledger.fulfil(order, "SENT")
        made.first.ledger.surcharge(order)
        (row,) = await orders.listing(made.database.reader)
        await made.hub.order_actions.ship(row.id, Shipment(carrier="DPD", waybill="00340434"), "anna")
        made.first.ledger.ship(order)
        actions = {
            "sync_status": Action.SET_STATUS,
            "sync_payment": Action.SET_PAYMENT,
            "sync_shipments": Action.ADD_SHIPMENT,
        }
        wanted = set(actions.values()) - {actions[off]}

        async def sent() -> bool:
            return wanted <= {d.action for d in await made.deliveries() if d.target == "shop"}

        await made.until(sent)
        await asyncio.sleep(0.5)
        assert actions[off] not in {d.action for d in await made.deliveries() if d.target == "shop"}


async def test_accounts_of_one_marketplace_are_kept_apart(made: Seller) -> None:
    """ACC-06: each has its own settings, sign-in, cursor and log."""
    async with made.open():
        made.second.ledger.buy(3)
        await made.settled()
        before = await feeds.of_account(made.database.reader, "first")
        made.first.ledger.buy(1)
        await made.settled()
        cursors = {name: await feeds.of_account(made.database.reader, name) for name in ("first", "second")}
        assert cursors["first"]["orders"].cursor != before["orders"].cursor
        assert cursors["first"]["orders"].cursor != cursors["second"]["orders"].cursor
        made.second.signin.revoke()
        made.second.signin.expire()

        async def parked() -> bool:
            return made.hub.unit("second").row.state.value == "parked"

        await made.until(parked)
        (order,) = made.first.ledger.buy(1)
        await made.settled_of("first", order)
        added = {name: sum(run.added for run in await runs.listing(made.database.reader, account=name, limit=100))
                 for name in ("first", "second")}  # fmt: skip
        assert added == {"first": 2, "second": 3}


async def test_a_status_of_ours_is_in_the_shop_within_the_hour(made: Seller) -> None:
    """SYN-03, SYN-04: it goes when it is set, not at a timer."""
    made.route["statuses"] = {"sent": "completed"}
    async with made.open():
        (order,) = made.first.ledger.buy(payment="ONLINE")
        await made.settled()
        (row,) = await orders.listing(made.database.reader)
        await made.hub.order_actions.status(row.id, Fulfilment.SENT, "anna")

        async def there() -> bool:
            return bool(doc(made, "first", order)["status"] == "completed")

        await made.until(there)


async def test_a_refusal_leaves_the_account_on(made: Seller) -> None:
    """ACC-20: what Allegro says is told to whoever waits for it, and its orders go on coming."""
    made.route["mark_processing"] = True
    refusal = Fault(kind=FaultKind.ERROR, match="PUT .*/fulfillment", status=422, times=None)
    async with made.open():
        made.first.faults.add(refusal)
        made.first.ledger.buy(1)

        async def refused() -> bool:
            return any(d.target == "first" and d.reason for d in await made.deliveries())

        await made.until(refused)
        assert made.hub.unit("first").row.state is AccountState.ACTIVE
        (told,) = [d for d in await made.deliveries() if d.target == "first"]
        assert "422" in (told.reason or "")
        (other,) = made.first.ledger.buy(1)
        await made.settled_of("first", other)


async def test_an_account_that_nobody_signed_in_says_so(made: Seller) -> None:
    """Part of ACC-24: before that it reads nothing, and says what is missing."""
    made.signed_in = ("first",)
    async with made.open():
        unit = made.hub.unit("second")

        async def parked() -> bool:
            return unit.row.state is AccountState.PARKED

        await made.until(parked)
        assert "sign" in (unit.row.reason or "")
        with pytest.raises(NotPossible, match="sign"):
            await unit.fetch()


async def test_by_hand_the_start_holds_as_well(made: Seller) -> None:
    """MAN-05, IMP-36: bought before the account began; and off means off."""
    made.first.ledger.buy(2)
    await asyncio.sleep(1.5)  # an order of the very second in which an account begins is taken
    async with made.open():
        assert (await made.hub.unit("first").fetch()).added == 0
        (order,) = made.first.ledger.buy(1)
        await made.settled_of("first", order)
        assert [row.external_id for row in await orders.listing(made.database.reader)] == [order]
        await made.hub.unit("first").pause("holidays", "anna")
        with pytest.raises(NotPossible, match="holidays"):
            await made.hub.unit("first").fetch()


async def test_what_no_event_tells_the_second_look_finds(made: Seller) -> None:
    """Part of IMP-26 and IMP-27: a payment and a changed address that the journal never told."""
    made.keys = {"sweep_interval": "300 ms"}
    made.route["forward"] = False
    async with made.open():
        (order,) = made.first.ledger.buy(ready=False, payment="ONLINE")

        async def known() -> bool:
            return bool(await orders.listing(made.database.reader))

        await made.until(known)
        made.first.drop_events(10)
        made.first.ledger.advance(order)
        made.first.ledger.pay(order)
        made.first.ledger.change_address(order)
        form = made.first.ledger.find(order)
        assert form is not None

        async def looked() -> bool:
            (row,) = await orders.listing(made.database.reader)
            held = await orders.get(made.database.reader, row.id)
            assert held is not None
            address = held.order.shipping.address
            street = address.street if address is not None else None
            return held.order.fully_paid and street == form.form["delivery"]["address"]["street"]

        await made.until(looked)


async def test_both_directions_at_once(made: Seller) -> None:
    """FWD-25, CRD-09, IMP-34, IMP-35: each once in both, and in one list. Part of SRC-08."""
    async with made.open():
        await asyncio.sleep(1.1)  # the shop counts in whole seconds
        (own,) = made.shop.buy(1)
        (order,) = made.first.ledger.buy(1)
        await made.settled_of("first", order)

        async def both() -> bool:
            return len(await orders.listing(made.database.reader, limit=100)) >= 2

        await made.until(both)
        await asyncio.sleep(0.6)  # the shop's feed has told its copy of ours back by now
        held = await orders.listing(made.database.reader, limit=100)
        assert {(row.account, row.external_id) for row in held} == {("first", order), ("shop", own)}
        assert len(held) == 2
        assert {row.stage for row in held} == {Stage.CONFIRMED}
        assert len([e for e in made.shop.books() if e.reference]) == 1
        assert len(made.shop.books()) == 2


async def test_a_shop_whose_orders_are_not_wanted_is_not_asked_for_them(made: Seller) -> None:
    """IMP-32."""
    made.wanted = False
    made.route |= {"status_back": {}, "shipments_back": False}
    async with made.open():
        made.shop.buy(2)
        (order,) = made.first.ledger.buy(1)
        await made.settled()
        await asyncio.sleep(0.6)
        held = await orders.listing(made.database.reader, limit=100)
        assert [(row.account, row.external_id) for row in held] == [("first", order)]
        assert await runs.listing(made.database.reader, account="shop") == []
        known = await feeds.of_account(made.database.reader, "shop")
        assert known == {}, "nothing reads it"
