"""Prices of Allegro's offers: planned in few commands, reported task by task, read as the seller has set them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal

import pytest

from olhubd.model import Money, Offer
from olhubd.plugin import Accepted, OutcomeUnknown, PriceCall, PriceWish, RowOutcome
from olhubd_allegro import Allegro
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.allegro.offers import OFFER

ONE, OTHER = str(OFFER + 1), str(OFFER + 2)


def pln(amount: str) -> Money:
    return Money(Decimal(amount), "PLN")


def wish(offer: str, amount: str) -> PriceWish:
    return PriceWish(offer=offer, price=pln(amount), shown=pln("24.90"))


async def written(allegro: Allegro, call: PriceCall) -> Sequence[RowOutcome]:
    command = str(uuid.uuid4())
    assert isinstance(await allegro.prices.write_prices(command, call), Accepted)
    outcomes = await allegro.prices.report_prices(command, call)
    assert outcomes is not None
    assert not isinstance(outcomes, Accepted)
    return outcomes


def test_equal_prices_share_a_command(allegro: Allegro) -> None:
    """1,500 rows of one price and one of another: three commands."""
    calls = allegro.prices.plan_prices([wish(f"a{n}", "12.00") for n in range(1500)] + [wish("b", "12.01")])
    assert [(str(call.price), len(call.offers)) for call in calls] == [
        ("12.00 PLN", 1000),
        ("12.00 PLN", 500),
        ("12.01 PLN", 1),
    ]


async def test_a_price_is_set_and_read(allegro: Allegro, simulator: AllegroSimulator) -> None:
    assert [one.done for one in await written(allegro, PriceCall(action="set", price=pln("7"), offers=(ONE,)))] == [
        True
    ]
    assert simulator.book.prices.prices()[ONE] == "7.00"
    read = {one.offer: one.price for one in await allegro.prices.read_prices([ONE, OTHER, "12345"])}
    assert read == {ONE: pln("7.00"), OTHER: pln("26.90")}


async def test_one_task_of_many_fails_by_itself(allegro: Allegro, simulator: AllegroSimulator) -> None:
    simulator.book.fail_tasks([OTHER], kind="price")
    call = PriceCall(action="set", price=pln("7.00"), offers=(ONE, OTHER, "12345"))
    outcomes = {one.offer: one for one in await written(allegro, call)}
    assert outcomes[ONE].done
    assert outcomes[OTHER] == RowOutcome(offer=OTHER, done=False, error="RESPONSIBLE_PRODUCER_NOT_SPECIFIED")
    assert outcomes["12345"].error == "The offer does not exist."


async def test_a_lost_answer_is_no_answer_and_the_command_is_found(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    simulator.faults.add(Fault(kind=FaultKind.LOSE, match="PUT /sale/offer-price"))
    call = PriceCall(action="set", price=pln("7.00"), offers=(ONE,))
    with pytest.raises(OutcomeUnknown):
        await allegro.prices.write_prices("1", call)
    assert await allegro.prices.report_prices("1", call) == [RowOutcome(offer=ONE, done=True)]
    assert await allegro.prices.report_prices("2", call) is None


async def test_a_rule_of_allegro_keeps_its_price_and_is_named(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    """S10: the command is reported as done, and the offer costs what the rule says: only reading shows it."""
    simulator.book.prices.automate_price(ONE, "30.00", "rule-7")
    assert [one.done for one in await written(allegro, PriceCall(action="set", price=pln("7"), offers=(ONE,)))] == [
        True
    ]
    (shown,) = await allegro.prices.read_prices([ONE])
    assert shown.price == pln("30.00")
    (offer,) = await allegro.offers.read([ONE])
    assert isinstance(offer, Offer)
    assert (offer.price, offer.price_rule) == (pln("30.00"), "rule-7")


async def test_an_offer_says_what_it_costs_and_since_when_it_is_listed(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    auction = simulator.book.list_offer("BIDS", 1, selling="AUCTION")
    (offer, bids) = await allegro.offers.read([ONE, auction])
    assert isinstance(offer, Offer)
    assert isinstance(bids, Offer)
    assert (offer.price, offer.price_rule, bids.price) == (pln("24.90"), None, None)
    assert offer.listed_at is not None
    assert abs((offer.listed_at - simulator.now()).total_seconds()) < 60


async def test_another_price_is_news_of_the_journal(allegro: Allegro, simulator: AllegroSimulator) -> None:
    cursor = await allegro.offers.start(None)
    while (page := await allegro.offers.pull(cursor)).more:
        cursor = page.cursor
    simulator.book.prices.set_prices([OTHER], "19.99")
    (changed,) = (await allegro.offers.pull(page.cursor)).records
    assert isinstance(changed, Offer)
    assert (changed.external_id, changed.price) == (OTHER, pln("19.99"))


async def test_an_offer_says_what_it_looks_like(allegro: Allegro, simulator: AllegroSimulator) -> None:
    """CRD-10: by the address of its main picture; a wrong one costs the offer nothing."""
    simulator.book.unmark_offer(simulator.book.list_offer("BARE", 1))
    found = [one for one in await allegro.offers.read([ONE, *simulator.book.unmarked]) if isinstance(one, Offer)]
    assert [bool(one.image) for one in found] == [True, False]
    assert found[0].image is not None
    assert found[0].image.endswith("/pictures/KUB-BIA.svg")
