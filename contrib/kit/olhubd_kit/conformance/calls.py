"""Every call that a connector can make, ready to be made: for rules that hold for all of them."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from olhubd.model import Fulfilment, OfferDraft, Payment, PaymentType, Shipment
from olhubd.plugin import (
    CancelSink,
    DeliveryMethodList,
    Feed,
    LevelSink,
    MailSink,
    OfferProducts,
    OfferSink,
    OfferTicket,
    OrderCount,
    OrderLookup,
    OrderSink,
    Page,
    PaymentMethodList,
    PaymentSink,
    PluginError,
    PriceSink,
    Probe,
    SellerProfile,
    ShipmentSink,
    StatusList,
    StatusSink,
)
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.find import find
from olhubd_kit.conformance.levels import call_of
from olhubd_kit.conformance.mails import mail_of
from olhubd_kit.conformance.making import draft_of, followed
from olhubd_kit.conformance.prices import price_call
from olhubd_kit.conformance.push import push_of
from olhubd_kit.conformance.rule import FEED, skip
from olhubd_kit.conformance.small import subject

__all__ = ["LANDED", "Call", "every_call", "outcome"]

Call = Callable[[], Awaitable[Any]]
LANDED = "landed of "
"""How the call is named that acknowledges what a feed has delivered; the name of the feed follows."""


async def every_call(bench: Bench) -> Mapping[str, Call]:
    """One call for each method of each declared capability, on orders that exist, with news in the feed."""
    calls: dict[str, Call] = {}
    feed = bench.has("OrderFeed") or bench.has("OrderLookup")
    bought = await bench.buy(3) if feed else []
    if bench.has("OrderFeed"):
        cursor = await bench.origin()
        calls["pull"] = lambda: bench.feed.pull(cursor)
        if bench.has("Sweep"):
            calls["sweep"] = lambda: bench.sweeper.sweep(bench.long_ago, None)
    for other in bench.others if bench.has(FEED) else []:
        await _other(bench, other, calls)
    if bench.has("OrderCount"):
        since, until = bench.long_ago, bench.clock.now() + timedelta(days=1)
        calls["count_orders"] = lambda: bench.part(OrderCount).count_orders(since, until)
    if bench.has("OrderLookup"):
        calls["read_order"] = lambda: bench.part(OrderLookup).read_order(bought[0])
    if bench.has("OrderSink"):
        push = push_of(bench, external_id="call-1")
        calls["push_order"] = lambda: bench.part(OrderSink).push_order(push)
        calls["find_order"] = lambda: find(bench, push.reference)
    if bench.has("Probe"):
        calls["probe"] = bench.part(Probe).probe
    if bench.has("SellerProfile"):
        calls["seller_address"] = bench.part(SellerProfile).seller_address
    if bench.has("StatusList"):
        made = bench.session.calls
        await bench.part(StatusList).statuses()
        if bench.session.calls > made:  # where the list is fixed, no call can fail
            calls["statuses"] = bench.part(StatusList).statuses
    if bench.has("DeliveryMethodList"):
        calls["delivery_methods"] = bench.part(DeliveryMethodList).delivery_methods
    if bench.has("PaymentMethodList"):
        calls["payment_methods"] = bench.part(PaymentMethodList).payment_methods
    if any(bench.has(name) for name in ("StatusSink", "PaymentSink", "ShipmentSink", "CancelSink")):
        await _small(bench, calls)
    if bench.has("LevelSink"):
        await _levels(bench, calls)
    if bench.has("MailSink"):
        calls["send_mail"] = lambda: bench.part(MailSink).send_mail(mail_of("call"))
    if bench.has("PriceSink"):
        await _prices(bench, calls)
    if bench.has("OfferSink"):
        await _making(bench, calls)
    if bench.has("OfferProducts"):
        await _sold(bench, calls)
    if not calls:
        skip("none of the declared capabilities makes calls that this rule knows")
    return calls


async def _other(bench: Bench, feed: Feed, calls: dict[str, Call]) -> None:
    made = bench.session.calls
    cursor = await feed.start(None)
    if bench.session.calls > made:  # a list begins at its first row, for which nobody is asked
        calls[f"start of {feed.name}"] = lambda: feed.start(None)
    calls[f"pull of {feed.name}"] = lambda: feed.pull(cursor)
    if type(feed).landed is not Feed.landed:
        calls[f"{LANDED}{feed.name}"] = lambda: feed.landed(cursor)


async def _small(bench: Bench, calls: dict[str, Call]) -> None:
    order = await subject(bench)
    total = bench.books()[order].total
    if bench.has("StatusSink"):
        word = bench.part(StatusSink).status_for(Fulfilment.PROCESSING)
        if word is not None:
            calls["set_status"] = lambda: bench.part(StatusSink).set_status(order, word)
    if bench.has("PaymentSink"):
        payment = Payment(type=PaymentType.ONLINE, finished_at=bench.clock.now())
        calls["set_payment"] = lambda: bench.part(PaymentSink).set_payment(order, payment, total)
    if bench.has("ShipmentSink"):
        parcel = Shipment(carrier="INPOST", waybill="620111222333444555666777")
        calls["add_shipment"] = lambda: bench.part(ShipmentSink).add_shipment(order, parcel)
    if bench.has("CancelSink"):
        calls["cancel_order"] = lambda: bench.part(CancelSink).cancel_order(order, "the buyer withdrew")


async def _levels(bench: Bench, calls: dict[str, Call]) -> None:
    offers = list(await bench.do("list_offers", 2))
    sink, call, command = bench.part(LevelSink), call_of(bench, offers, 3), str(uuid.uuid4())
    await sink.write_levels(command, call)
    calls["write_levels"] = lambda: sink.write_levels(str(uuid.uuid4()), call)
    calls["report_levels"] = lambda: sink.report_levels(command, call)
    calls["read_levels"] = lambda: sink.read_levels(offers)
    if sink.resumes or sink.renews:
        calls["read_terms"] = lambda: sink.read_terms(offers)


async def _prices(bench: Bench, calls: dict[str, Call]) -> None:
    offers = list(await bench.do("list_offers", 2))
    sink, call, command = bench.part(PriceSink), price_call(bench, offers, "12.00"), str(uuid.uuid4())
    await sink.write_prices(command, call)
    calls["write_prices"] = lambda: sink.write_prices(str(uuid.uuid4()), call)
    calls["report_prices"] = lambda: sink.report_prices(command, call)
    calls["read_prices"] = lambda: sink.read_prices(offers)


async def _making(bench: Bench, calls: dict[str, Call]) -> None:
    sink, number = bench.part(OfferSink), str(uuid.uuid4())
    draft = await draft_of(bench, number)
    if "accept_later" in bench.simulator.verbs():
        await bench.do("accept_later", 1, seconds=0.0)
    answer = await sink.create_offer(draft)
    ticket = answer.ticket if isinstance(answer, OfferTicket) else None
    offer = (await followed(bench, answer)).external_id
    change = OfferDraft(sku=number, price=draft.price)
    # By marks of their own: twice would be two under one.
    calls["create_offer"] = lambda: sink.create_offer(replace(draft, sku=str(uuid.uuid4())))
    calls["find_offers"] = lambda: sink.find_offers(number)
    calls["read_offer"] = lambda: sink.read_offer(offer)
    calls["change_offer"] = lambda: sink.change_offer(offer, change)
    calls["publish_offer"] = lambda: sink.publish_offer(offer)
    calls["end_offer"] = lambda: sink.end_offer(offer)
    calls["describe_offer"] = lambda: sink.describe_offer(offer)
    if ticket is not None:
        calls["report_offer"] = lambda: sink.report_offer(ticket)
    made = bench.session.calls
    await sink.prepare_offer(draft)
    if bench.session.calls > made:  # by what it remembers it asks nobody, and no call can fail
        calls["prepare_offer"] = lambda: sink.prepare_offer(draft)


async def _sold(bench: Bench, calls: dict[str, Call]) -> None:
    part = bench.part(OfferProducts)
    offers = [one.external_id for one in bench.simulator.offered()]
    contents = await part.read_contents(offers)
    products = [one.product for some in contents for one in some.products]
    calls["read_contents"] = lambda: part.read_contents(offers)
    if products:
        calls["read_catalogue"] = lambda: part.read_catalogue(products)


async def outcome(bench: Bench, call: Call) -> Any:
    """What the call gave; the plugin error it raised, or that its page carries."""
    answer = await bench.attempt(call)
    if isinstance(answer, Page) and isinstance(answer.failure, PluginError):
        return answer.failure
    return answer
