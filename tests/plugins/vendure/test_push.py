"""Making an order in a shop that answers as Vendure does: by one call and step by step, seen from the connector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from olhubd.model import Money, Order, Payment, PaymentType, Shipment
from olhubd.plugin import AuthLost, Conflict, OutcomeUnknown, PluginError, Push, Rejected
from olhubd_kit.samples import sample
from olhubd_kit.simulator import serve
from olhubd_kit.test_host import InstantClock, account
from olhubd_vendure import Vendure, wire
from olhubd_vendure.push import Importer
from olhubd_vendure.queries import Mutation
from tests.fuzz.vendure import Duplicated, VendureStandIn
from tests.plugins.vendure.test_draft import Book

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WAYS = ("whole", "steps")


def pushed(order: Order | None = None, **options: Any) -> Push:
    order = order or sample("plain", "1", AT)
    return Push(order=order, reference="a:1", account="a", marketplace="allegro", **options)


class Later(InstantClock):
    """A clock that can be set forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


@asynccontextmanager
async def opened(stand: VendureStandIn, **settings: Any) -> AsyncIterator[tuple[Vendure, Later]]:
    clock = Later()
    async with (
        serve(stand) as base,
        account(Vendure, {**stand.settings(base), "placeholder_sku": None, **settings}, clock=clock) as shop,
    ):
        yield shop, clock


def stand_in(way: str) -> VendureStandIn:
    stand = VendureStandIn()
    stand.whole = way == "whole"
    stand.skus.update({line.sku: f"v{n}" for n, line in enumerate(sample("plain", "1", AT).lines) if line.sku})
    return stand


@pytest.mark.parametrize("way", WAYS)
async def test_an_order_is_made_and_read_back(way: str) -> None:
    """And once known to the shop, it is not made again."""
    stand = stand_in(way)
    async with opened(stand) as (shop, _):
        receipt = await shop.push_order(pushed())
        assert receipt.total == pushed().order.total
        assert receipt.status == "PaymentSettled"
        assert receipt.differences == ()
        assert [name for name in stand.asked if name[:1].islower()][:1] == [
            "createMarketplaceOrder" if way == "whole" else "createDraftOrder"
        ]
        stand.asked.clear()
        assert await shop.push_order(pushed()) == receipt
        assert not any(name[:1].islower() for name in stand.asked)


@pytest.mark.parametrize("way", WAYS)
async def test_a_mark_that_is_refused_and_not_shown_waits_for_a_person(way: str) -> None:
    """Another channel has it. Nobody knows better at the next try, and no try leaves a draft."""
    stand = stand_in(way)
    drafts: list[str] = []

    def refuse(document: str, variables: dict[str, Any]) -> Any:
        if "createDraftOrder" in document:
            drafts.append("made")
            return {"c0": {"__typename": "Order", "id": "1"}}
        if "deleteDraftOrder" in document:
            drafts.pop()
            return {"c0": {"__typename": "DeletionResponse", "result": "DELETED"}}
        raise Duplicated

    stand._change = refuse  # type: ignore[method-assign]
    async with opened(stand) as (shop, clock):
        for _ in range(2):
            with pytest.raises(Conflict, match="another channel"):
                await shop.push_order(pushed())
        assert clock.naps, "another try's order may be a moment late"
    assert drafts == []


async def test_of_one_buyer_one_order_is_made_at_a_time() -> None:
    """However many wait, and whoever comes while the last of them is at it."""
    stand = stand_in("whole")
    inside = most = 0

    async def make(importer: Importer, count: int) -> None:
        nonlocal inside, most
        async with importer._one_of("jan@example.com"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            if count:
                group.create_task(make(importer, count - 1))
            await asyncio.sleep(0)
            inside -= 1

    async with opened(stand) as (shop, _):
        async with asyncio.TaskGroup() as group:
            for count in range(3):
                group.create_task(make(shop._importer, count))
        assert most == 1
        assert shop._importer._buyers == {}, "nobody is remembered for ever"


async def test_a_claim_that_fails_leaves_no_draft() -> None:
    """However it fails: an answer that says nothing, a failure of the server, a right that lacks."""
    problems: list[dict[str, Any]] = [
        {"message": "value too long", "extensions": {"code": "INTERNAL_SERVER_ERROR"}, "path": ["c0"]},
        {"message": "Forbidden", "extensions": {"code": "FORBIDDEN"}, "path": ["c0"]},
        {"message": "Not so", "extensions": {"code": "USER_INPUT_ERROR"}, "path": ["c0"]},
    ]
    for problem in problems:
        stand = stand_in("steps")
        stand.failing["setOrderCustomFields"] = problem
        async with opened(stand, username=None, password=None, api_key="k") as (shop, _):
            with pytest.raises(PluginError):
                await shop.push_order(pushed())
        assert [name for name in stand.asked if name[:1].islower()] == [
            "createDraftOrder",
            "setOrderCustomFields",
            "deleteDraftOrder",
        ], problem


async def test_a_claim_that_was_made_and_not_told_is_finished_by_the_next_try() -> None:
    """The draft carries the mark: removed, a call that is still on its way would have nothing to go on with."""
    stand = stand_in("steps")
    change = stand._change

    def mute(document: str, variables: dict[str, Any]) -> Any:
        done = change(document, variables)
        return {"c0": None} if "c0:setOrderCustomFields" in document else done

    async with opened(stand) as (shop, _):
        stand._change = mute  # type: ignore[method-assign]
        with pytest.raises(OutcomeUnknown):
            await shop.push_order(pushed())
        assert stand.book.order.custom("externalId") == "a:1"
        assert "deleteDraftOrder" not in stand.asked
        stand._change = change  # type: ignore[method-assign]
        assert (await shop.push_order(pushed())).status == "PaymentSettled"
    assert stand.asked.count("createDraftOrder") == 1


async def test_an_order_that_awaits_its_payment_is_paid_once_the_payment_is_there() -> None:
    """It is complete, and not as it shall be."""
    stand = stand_in("steps")
    async with opened(stand) as (shop, _):
        assert (await shop.push_order(pushed(status="ArrangingPayment"))).status == "ArrangingPayment"
        assert stand.book.order.custom("imported") is True
        assert (await shop.push_order(pushed())).status == "PaymentSettled"
    assert [(one.state, one.amount) for one in stand.book.order.payments or ()] == [
        ("Settled", pushed().order.total.minor())
    ]


async def test_only_drafts_that_nobody_is_about_to_claim_are_removed() -> None:
    """What another call made a moment ago is empty too; without it that call's order would have to be made anew."""
    stand = stand_in("steps")
    now = stand.book.order.created_at
    stand.drafts = {"lost": now - timedelta(hours=2), "young": now - timedelta(minutes=1)}
    async with opened(stand) as (shop, _):
        await shop.push_order(pushed())
    assert [*stand.drafts] == ["young"]


async def test_what_the_server_says_of_its_failure_is_told_without_what_it_quotes() -> None:
    """Whoever finally decides about an order whose outcome stays unknown has the server's own words for it."""
    stand = stand_in("whole")
    stand.failing["createMarketplaceOrder"] = {
        "message": "Incorrect string value: 'Brzęczyszczykiewicz' for column 'lastName' of j.k@poczta.example",
        "extensions": {"code": "INTERNAL_SERVER_ERROR"},
        "path": ["c0"],
    }
    async with opened(stand) as (shop, _):
        with pytest.raises(OutcomeUnknown) as doubt:
            await shop.push_order(pushed())
    said = str(doubt.value)
    assert "Incorrect string value: ... for column 'lastName' of [e-mail]" in said
    assert "Brzęcz" not in said


async def test_a_refusal_of_the_whole_order_is_told_by_its_line() -> None:
    stand = stand_in("whole")
    stand.refusing = {"errorCode": "INSUFFICIENT_STOCK_ERROR", "message": "Only 3 left", "about": None, "line": 1}
    sku = pushed().order.lines[1].sku
    async with opened(stand) as (shop, _):
        with pytest.raises(Rejected, match=f"of {sku}: Only 3 left") as refusal:
            await shop.push_order(pushed())
    assert (refusal.value.field, refusal.value.code) == (sku, "INSUFFICIENT_STOCK_ERROR")


async def test_another_total_is_told_by_what_makes_it() -> None:
    stand = stand_in("whole")
    sums = {"totalWithTax": 1, "shippingWithTax": 2, "discounts": ["Ten off"], "lines": [["line-1", 3]]}
    message = msgspec.json.encode(sums).decode()
    stand.refusing = {"errorCode": "TOTAL", "message": message, "about": "the total", "line": None}
    async with opened(stand) as (shop, _):
        with pytest.raises(Rejected) as refusal:
            await shop.push_order(pushed())
    for part in ("olhubd-shipping", "Ten off", "marketplacePrice"):
        assert part in str(refusal.value)


async def test_what_was_added_is_seen_after_a_refusal_and_after_a_while() -> None:
    stand = stand_in("whole")
    stand.delivers = False
    async with opened(stand, shipping_method=None) as (shop, clock):
        with pytest.raises(Rejected, match="delivery method"):
            await shop.push_order(pushed())
        stand.delivers = True
        await shop.push_order(pushed())
        stand.asked.clear()
        stand.book = Book()
        await shop.push_order(pushed())
        assert "ShippingMethods" not in stand.asked, "it is not asked each time"
        clock.ahead = 301
        await shop.push_order(pushed())
        assert "ShippingMethods" in stand.asked
        stand.asked.clear()
        await shop.probe()
        assert "ShippingMethods" in stand.asked


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        (lambda stand: stand.rights.discard("UpdateOrder"), "the right UpdateOrder"),
        (lambda stand: setattr(stand, "delivers", False), "a delivery method with the calculator olhubd-shipping"),
        (lambda stand: setattr(stand, "modern", False), "Vendure 3.1.7 or newer"),
        (lambda stand: stand.skus.pop("ANY"), "a product with the SKU ANY"),
        (
            lambda stand: setattr(stand, "checked", False),
            "the checker olhubd-only of the payment method marketplace",
        ),
    ],
)
async def test_the_probe_names_what_is_missing(change: Callable[[VendureStandIn], Any], lacks: str) -> None:
    stand = stand_in("steps")
    async with opened(stand, placeholder_sku="ANY", shipping_method=None) as (shop, _):
        assert "lacks" not in (await shop.probe()).details
        change(stand)
        assert lacks in (await shop.probe()).details["lacks"]


async def test_an_old_vendure_is_told_before_anything_is_written() -> None:
    stand = stand_in("steps")
    stand.modern = False
    async with opened(stand) as (shop, _):
        with pytest.raises(Rejected, match=r"older than 3\.1\.7"):
            await shop.push_order(pushed())
    assert not any(name[:1].islower() for name in stand.asked)


async def test_a_right_that_lacks_is_told_before_anything_is_written() -> None:
    stand = stand_in("steps")
    stand.rights.discard("UpdateOrder")
    async with opened(stand) as (shop, _):
        with pytest.raises(AuthLost, match="UpdateOrder"):
            await shop.push_order(pushed())
    assert not any(name[:1].islower() for name in stand.asked)


async def test_a_product_that_is_not_sold_is_refused_by_its_sku() -> None:
    stand = stand_in("whole")
    sku = pushed().order.lines[0].sku or ""
    stand.disabled.add(sku)
    async with opened(stand) as (shop, _):
        with pytest.raises(Rejected, match=f"{sku} is disabled"):
            await shop.push_order(pushed())


async def test_a_look_up_needs_no_more_of_an_order_than_that_it_is_there() -> None:
    """A field beside the matter that cannot be read does not hide it; it is for a person to look at."""
    stand = stand_in("whole")
    async with opened(stand) as (shop, _):
        receipt = await shop.push_order(pushed())
        everything = stand._all

        def bent() -> list[Any]:
            return [{**row, "payments": "none", "customer": 7} for row in everything()]

        stand._all = bent  # type: ignore[method-assign]
        found = await shop.find_order("a:1", timedelta(hours=1))
        assert found is not None
        assert (found.external_id, found.total) == (receipt.external_id, receipt.total)
        (difference,) = (await shop.compare_order(pushed(), found)).differences
        assert difference.field == "order"
        assert not difference.cut


@pytest.mark.parametrize("deed", ["ship", "status", "cancel"])
async def test_an_answer_alone_is_not_enough(deed: str) -> None:
    """The shop answers without doing anything: what was wanted is not there, so it is not done."""
    stand = stand_in("whole")
    stand._act = lambda call, arguments: ""  # type: ignore[method-assign]
    async with opened(stand) as (shop, _):
        with pytest.raises(OutcomeUnknown):
            match deed:
                case "ship":
                    await shop.clerk.add_shipment("6", Shipment(waybill="W2", carrier="INPOST"))
                case "status":
                    await shop.clerk.set_status("6", "Delivered")
                case _:
                    await shop.clerk.cancel_order("6", "changed")


async def test_null_for_an_answer_says_nothing_of_what_was_done() -> None:
    stand = stand_in("whole")
    stand._change = lambda document, variables: {"c0": None}  # type: ignore[method-assign]
    async with opened(stand) as (shop, _):
        with pytest.raises(OutcomeUnknown, match="says nothing of it"):
            await shop._shop.api.change(Mutation("settlePayment", {"id": "1"}))


async def test_a_cancelled_order_is_left_alone() -> None:
    stand = stand_in("whole")
    stand.orders = [msgspec.structs.replace(stand.orders[0], state="Cancelled")]
    order = pushed().order
    async with opened(stand) as (shop, _):
        for deed in (
            shop.clerk.add_shipment("5", Shipment(waybill="W2", carrier="INPOST")),
            shop.clerk.set_status("5", "Shipped"),
            shop.clerk.set_payment("5", Payment(type=PaymentType.ONLINE), order.total),
        ):
            with pytest.raises(Conflict, match="cancelled in the shop"):
                await deed
        await shop.clerk.set_status("5", "Cancelled")
        await shop.clerk.cancel_order("5", "again")
    assert not any(name[:1].islower() for name in stand.asked)


async def test_a_call_of_several_that_fails_is_named_alone() -> None:
    stand = stand_in("steps")
    stand.failing["addItemToDraftOrder"] = {
        "message": "No ProductVariant with the id 22",
        "extensions": {"code": "ENTITY_NOT_FOUND"},
        "path": ["c2"],
    }
    async with opened(stand) as (shop, _):
        with pytest.raises(PluginError) as refusal:
            await shop.push_order(pushed())
    assert ": addItemToDraftOrder of " in str(refusal.value)
    assert "setCustomer" not in str(refusal.value)


def packed(stand: VendureStandIn) -> None:
    """An order of two lines and a charge, of which the first line is sent."""
    (order, *_) = stand.orders
    (line,) = order.lines
    placeholder = wire.Variant(id="999", sku="ANY")
    lines = [
        msgspec.structs.replace(line, id="a", quantity=1, custom_fields={"marketplaceLineId": "L1"}),
        msgspec.structs.replace(line, id="b", quantity=1, custom_fields={"marketplaceLineId": "L2"}),
        msgspec.structs.replace(
            line,
            id="c",
            quantity=1,
            product_variant=placeholder,
            custom_fields={"marketplaceLineId": "charge 1"},
        ),
        msgspec.structs.replace(
            line, id="d", quantity=1, product_variant=placeholder, custom_fields={"marketplaceLineId": "L3"}
        ),
    ]
    sent = wire.Fulfillment(
        id="9",
        state="Shipped",
        method="DPD",
        created_at=AT,
        tracking_code="W0",
        lines=[wire.FulfillmentLine(order_line_id="a", quantity=1)],
    )
    stand.orders = [msgspec.structs.replace(order, lines=lines, fulfillments=[sent])]


@pytest.mark.parametrize(
    ("named", "sent"),
    [
        (("L1",), []),
        (("L2",), ["b", "c"]),
        (("L1", "L2"), ["b", "c"]),
        (("L3",), ["c", "d"]),
        (("never heard of",), []),
        ((), ["b", "c", "d"]),
    ],
)
async def test_a_parcel_takes_what_it_names_and_what_nobody_ever_names(
    named: tuple[str, ...], sent: list[str]
) -> None:
    """Never another line in the place of one that is sent; a charge goes along, a line without product is goods."""
    stand = stand_in("whole")
    packed(stand)
    async with opened(stand, placeholder_sku="ANY") as (shop, _):
        await shop.clerk.add_shipment("5", Shipment(waybill="W1", carrier="INPOST", line_ids=named))
    (order,) = stand.orders
    parcels = [one for one in order.fulfillments or [] if one.tracking_code == "W1"]
    assert [part.order_line_id for one in parcels for part in one.lines] == sent
    assert ("INPOST: W1" in stand.notes) is (not sent)


async def test_what_was_in_a_parcel_that_was_cancelled_is_sent_by_the_next() -> None:
    """Somebody in the shop took the parcel back: its goods are still to be sent."""
    stand = stand_in("whole")
    packed(stand)
    (order,) = stand.orders
    (parcel,) = order.fulfillments or []
    stand.orders = [
        msgspec.structs.replace(order, fulfillments=[msgspec.structs.replace(parcel, state="Cancelled")])
    ]
    async with opened(stand, placeholder_sku="ANY") as (shop, _):
        await shop.clerk.add_shipment("5", Shipment(waybill="W1", carrier="INPOST", line_ids=("L1",)))
    (order,) = stand.orders
    parcels = [one for one in order.fulfillments or [] if one.tracking_code == "W1"]
    assert [part.order_line_id for one in parcels for part in one.lines] == ["a", "c"]


async def test_a_parcel_that_an_earlier_try_made_and_did_not_send_off_is_sent_off() -> None:
    """The answer to its move was lost: it is there under its number, and nobody would ever be told that it left."""
    stand = stand_in("whole")
    packed(stand)
    (order,) = stand.orders
    (parcel,) = order.fulfillments or []
    stand.orders = [msgspec.structs.replace(order, fulfillments=[msgspec.structs.replace(parcel, state="Pending")])]
    async with opened(stand) as (shop, _):
        for _again in range(2):
            await shop.clerk.add_shipment("5", Shipment(waybill="W0", carrier="DPD", line_ids=("L1",)))
    (order,) = stand.orders
    assert [(one.tracking_code, one.state) for one in order.fulfillments or []] == [("W0", "Shipped")]


async def test_an_order_whose_parcel_is_on_its_way_is_not_cancelled() -> None:
    """What has left cannot be put back on the shelf: a person decides."""
    stand = stand_in("whole")
    packed(stand)
    (before,) = stand.orders
    async with opened(stand, placeholder_sku="ANY") as (shop, _):
        with pytest.raises(Conflict, match="too late to cancel"):
            await shop.clerk.cancel_order("5", "changed")
    assert stand.orders == [before]


@pytest.mark.parametrize("state", ["Declined", "Cancelled", "Error", "Created"])
async def test_money_that_never_came_is_no_payment(state: str) -> None:
    """A card that was declined, then a transfer: what was received is recorded, and a second time it is there."""
    stand = stand_in("whole")
    (order, *_) = stand.orders
    (failed,) = order.payments or []
    failed = msgspec.structs.replace(failed, state=state)
    stand.orders = [msgspec.structs.replace(order, state="ArrangingPayment", payments=[failed])]
    paid = Money.of_minor(order.total_with_tax, "PLN")
    async with opened(stand) as (shop, _):
        for _again in range(2):
            await shop.clerk.set_payment("5", Payment(type=PaymentType.TRANSFER), paid)
    (order,) = stand.orders
    assert [one.state for one in order.payments or []] == [state, "Settled"]
