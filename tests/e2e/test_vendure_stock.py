"""What a real Vendure has in stock, read while its owner and its customers change it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from olhubd.model import Counting, Order, Payment, PaymentType, StockLevel
from olhubd.plugin import LevelCall, OutcomeUnknown, Page
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.proxy import Proxy
from olhubd_kit.samples import sample
from olhubd_kit.test_host import account
from olhubd_vendure import Vendure
from tests.e2e.shop import Shop, add_product
from tests.e2e.test_vendure import now, push

pytestmark = [pytest.mark.xdist_group("vendure"), pytest.mark.proves("vendure", "real-server")]

_numbers = itertools.count(1)


def made(vendure: Shop, **variant: Any) -> str:
    """A new variant of its own; its SKU."""
    sku = f"STOCK-{next(_numbers)}"
    add_product(vendure.clerk, f"Stock {sku}", sku, {"price": 1000, "trackInventory": "TRUE", **variant})
    return sku


async def stock(vendure: Shop, **settings: Any) -> dict[str, StockLevel]:
    """All that one reading reports, by SKU."""
    async with account(Vendure, vendure.settings(**settings)) as shop:
        found: dict[str, StockLevel] = {}
        page = Page(records=(), cursor=await shop.stock.start(None), more=True)
        while page.more:
            page = await shop.stock.pull(page.cursor)
            found.update({one.sku or "": one for one in page.records if isinstance(one, StockLevel)})
        return found


async def test_what_an_order_allocates_is_not_free_and_comes_back_with_its_cancellation(vendure: Shop) -> None:
    """The states that `lowered_by` names are those in which the server itself has taken the pieces."""
    order = sample("plain", f"stock-{next(_numbers)}", now())
    line = order.lines[0]
    assert line.sku is not None
    before = (await stock(vendure))[line.sku].free
    assert before is not None
    async with account(Vendure, vendure.settings()) as shop:
        receipt = await shop.push_order(push(order))
        assert receipt.status in shop.stock.lowered_by
        taken = (await stock(vendure))[line.sku]
        assert (taken.free, taken.counting) == (before - line.quantity, Counting.COUNTED)
        vendure.clerk.ship(receipt.external_id, "INPOST", "1")
        sent = (await stock(vendure))[line.sku]
        assert sent.free == before - line.quantity, "off the shelf now, and allocated no more"
        assert sent.quantity == (taken.quantity or 0) - line.quantity
        second = await shop.push_order(push(sample("plain", f"stock-{next(_numbers)}", now())))
        await shop.clerk.cancel_order(second.external_id, "changed")
        assert "Cancelled" not in shop.stock.lowered_by
    assert (await stock(vendure))[line.sku].free == before - line.quantity


async def test_what_a_buyer_bought_is_taken_whole_though_it_is_gone_when_it_is_paid(vendure: Shop) -> None:
    """It waited unpaid, for which nothing is allocated. Below zero is what the shop owes and does not have."""
    order = sample("unpaid", f"stock-{next(_numbers)}", now())
    line = order.lines[0]
    sku = line.sku or ""
    on_hand, _ = vendure.clerk.stock(sku)
    try:
        async with account(Vendure, vendure.settings()) as shop:
            receipt = await shop.push_order(push(order, status="ArrangingPayment"))
            assert receipt.status not in shop.stock.lowered_by
            vendure.clerk.set_stock(sku, vendure.clerk.stock(sku)[1])
            assert (await stock(vendure))[sku].free == 0
            await shop.clerk.set_payment(receipt.external_id, Payment(type=PaymentType.TRANSFER), order.total)
            assert (await stock(vendure))[sku].free == -line.quantity
            assert vendure.clerk.allocated(sku)[receipt.external_id] == line.quantity
            await shop.clerk.cancel_order(receipt.external_id, "changed")
            assert (await stock(vendure))[sku].free == 0
    finally:
        vendure.clerk.set_stock(sku, on_hand)


async def test_not_tracked_disabled_and_deleted_variants(vendure: Shop) -> None:
    loose, gone, off = made(vendure, trackInventory="FALSE"), made(vendure), made(vendure, enabled=False)
    inherits = made(vendure, trackInventory="INHERIT")
    variant = "query($s:String!){productVariants(options:{filter:{sku:{eq:$s}}}){items{id}}}"
    id_ = vendure.clerk.ask(variant, {"s": gone})["productVariants"]["items"][0]["id"]
    vendure.clerk.ask("mutation($i:ID!){deleteProductVariant(id:$i){result}}", {"i": id_})
    found = await stock(vendure)
    assert found[loose].counting is Counting.UNTRACKED
    assert (found[inherits].counting, found[inherits].free) == (Counting.COUNTED, 0)
    assert (found[off].on_sale, found[off].external_state) == (False, "disabled")
    assert gone not in found


async def test_only_named_locations_count(vendure: Shop) -> None:
    """S5: what a location holds that was added since is not sold before somebody names it."""
    sku = made(vendure)
    vendure.clerk.set_stock(sku, 3)
    add = 'mutation{createStockLocation(input:{name:"Outlet",description:""}){id}}'
    outlet = vendure.clerk.ask(add)["createStockLocation"]["id"]
    try:
        variant = "query($s:String!){productVariants(options:{filter:{sku:{eq:$s}}}){items{id}}}"
        id_ = vendure.clerk.ask(variant, {"s": sku})["productVariants"]["items"][0]["id"]
        level = {"stockLocationId": outlet, "stockOnHand": 50}
        change = "mutation($i:[UpdateProductVariantInput!]!){updateProductVariants(input:$i){id}}"
        vendure.clerk.ask(change, {"i": [{"id": id_, "stockLevels": [level]}]})
        assert (await stock(vendure))[sku].free == 3
        assert (await stock(vendure, stock_locations=["Outlet"]))[sku].free == 50
    finally:
        remove = "mutation($i:ID!){deleteStockLocation(input:{id:$i}){result}}"
        vendure.clerk.ask(remove, {"i": outlet})


async def test_no_more_is_taken_from_two_locations_than_was_bought(vendure: Shop) -> None:
    """The server asks the second one for the whole quantity, and what is too much would never be given back."""
    order = sample("serviced", f"stock-{next(_numbers)}", now())
    line = next(one for one in order.lines if one.quantity > 1)
    sku = line.sku or ""
    on_hand, taken = vendure.clerk.stock(sku)
    add = 'mutation{createStockLocation(input:{name:"Second",description:""}){id}}'
    second = vendure.clerk.ask(add)["createStockLocation"]["id"]
    try:
        vendure.clerk.set_stock(sku, taken + line.quantity - 1)
        variant = "query($s:String!){productVariants(options:{filter:{sku:{eq:$s}}}){items{id}}}"
        id_ = vendure.clerk.ask(variant, {"s": sku})["productVariants"]["items"][0]["id"]
        level = {"stockLocationId": second, "stockOnHand": 50}
        change = "mutation($i:[UpdateProductVariantInput!]!){updateProductVariants(input:$i){id}}"
        vendure.clerk.ask(change, {"i": [{"id": id_, "stockLevels": [level]}]})
        async with account(Vendure, vendure.settings()) as shop:
            receipt = await shop.push_order(push(order))
            assert vendure.clerk.allocated(sku)[receipt.external_id] == line.quantity
            await shop.clerk.cancel_order(receipt.external_id, "changed")
    finally:
        vendure.clerk.ask("mutation($i:ID!){deleteStockLocation(input:{id:$i}){result}}", {"i": second})
        vendure.clerk.set_stock(sku, on_hand)


async def test_pages_of_a_lowered_limit_hold_every_variant(vendure: Shop) -> None:
    """Ids of a real server, in its own order; what it counts is what comes."""
    count = vendure.clerk.ask("{productVariants{totalItems}}")["productVariants"]["totalItems"]
    async with account(Vendure, vendure.settings()) as shop:
        shop._shop.most = 4
        page = await shop.stock.sweep(now(), None)
        found = [one.external_id for one in page.records]
        while page.more:
            page = await shop.stock.sweep(now(), page.cursor)
            found += [one.external_id for one in page.records]
    assert len(found) == len(set(found)) == count


async def test_a_written_quantity_is_what_is_free_whatever_is_allocated(vendure: Shop, proxy: Proxy) -> None:
    """A write says what buyers can buy; a sale of its own the shop takes off by itself; one whose answer is lost is
    found. An offer's number is that of the line of an order."""
    order = sample("plain", f"stock-{next(_numbers)}", now())
    sku = order.lines[0].sku or ""
    on_hand, _ = vendure.clerk.stock(sku)
    try:
        async with account(Vendure, vendure.settings(proxy.base)) as shop:
            receipt = await shop.push_order(push(order))
            read = await shop.orders.read_order(receipt.external_id)
            assert isinstance(read, Order)
            offer = read.lines[0].offer_id or ""
            gone = vendure.absent
            rows = await shop.levels.write_levels("1", LevelCall(action="set", offers=(offer, gone), value=7))
            assert isinstance(rows, list)
            assert {row.offer: row.done for row in rows} == {offer: True, gone: False}
            assert await free(shop, offer) == 7
            assert vendure.clerk.stock(sku)[0] - vendure.clerk.stock(sku)[1] == 7
            await shop.push_order(push(sample("plain", f"stock-{next(_numbers)}", now())))
            assert await free(shop, offer) == 7 - order.lines[0].quantity
            proxy.faults.add(Fault(kind=FaultKind.LOSE, match="SetStock"))
            call = LevelCall(action="set", offers=(offer,), value=0)
            with pytest.raises(OutcomeUnknown):
                await shop.levels.write_levels("2", call)
            (row,) = await shop.levels.report_levels("2", call) or ()  # type: ignore[misc]
            assert (row.offer, row.done, await free(shop, offer)) == (offer, True, 0)
            page = await shop.offers.sweep(now(), None)
            assert offer in {one.external_id for one in page.records}
    finally:
        vendure.clerk.set_stock(sku, on_hand)


async def free(shop: Vendure, offer: str) -> int | None:
    (one,) = await shop.levels.read_levels([offer])
    assert one.active
    return one.quantity
