"""Offers that the hub makes at Allegro, through a whole hub and over real sockets: none is lost or doubled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from msgspec.structs import replace

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.errors import NotPossible
from olhubd.engine.hub import Hub
from olhubd.engine.operator.kept_draft import keep_draft
from olhubd.engine.operator.newer_deeds import still_due
from olhubd.engine.operator.offer_request import AskOutcome
from olhubd.engine.outbox import offer_answer
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Delivery, DeliveryState, Money, OfferDraft, OfferParameter, code_of
from olhubd.plugin import Rejected
from olhubd.runtime.clock import SystemClock
from olhubd.store import Transaction, offer_drafts, offers, stock_items
from olhubd_allegro.listing import Listing
from olhubd_kit.faults import Fault, FaultKind
from tests.e2e.test_hub import Seller
from tests.e2e.test_levels import Warehouse

DRAFT = OfferDraft(
    sku="MADE-1",
    name="Kubek ceramiczny biały 330 ml",
    ean="5900001234501",
    price=Money(Decimal("24.90"), "PLN"),
    quantity=5,
    parameters=(OfferParameter(name="Stan", values=("Nowy",)),),
    shipping="Kurier i paczkomaty",
    tax="23",
)
MAKE = "POST /sale/product-offers"


class Shopkeeper(Seller):
    """A seller who makes offers."""

    async def make(self, draft: OfferDraft = DRAFT) -> AskOutcome:
        made = await self.hub.offer_making.create("first", draft, "ann")
        assert not made.flaws, made.flaws
        return made.outcome

    async def on_sale(self, sku: str = "MADE-1", pieces: int = 5) -> str:
        """Wait until it can be bought; its number."""

        async def there() -> bool:
            return list(self.first.book.available(sku).values()) == [pieces]

        await self.until(there)
        (number,) = self.first.listing.listings(sku)
        return number

    async def held(self) -> str:
        """Wait until something waits for a person; why."""

        async def there() -> bool:
            return bool(await self.deliveries(DeliveryState.HOLD))

        await self.until(there)
        (waiting,) = await self.deliveries(DeliveryState.HOLD)
        return waiting.reason or ""


@pytest.fixture
async def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shopkeeper]:
    monkeypatch.setattr(Listing, "offer_settle", Listing.offer_settle / 600)
    keeper = Shopkeeper(tmp_path)
    async with keeper.open():
        yield keeper


async def test_an_offer_is_made_published_and_mirrored(keeper: Shopkeeper) -> None:
    assert await keeper.make() is AskOutcome.ACCEPTED
    number = await keeper.on_sale()
    await keeper.settled()
    (known,) = (await offers.by_external(keeper.database.reader, "first", [number])).values()
    assert (known.offer.sku, known.offer.price) == ("MADE-1", DRAFT.price)
    draft = await offer_drafts.by_sku(keeper.database.reader, "first", "MADE-1")
    assert draft is not None
    assert draft.offer == number
    assert await keeper.make() is AskOutcome.UNCHANGED, "asked twice is asked once"
    assert keeper.first.listing.listings("MADE-1") == [number]


async def test_a_lost_answer_makes_no_second_offer(keeper: Shopkeeper) -> None:
    keeper.first.faults.add(Fault(kind=FaultKind.LOSE, match=MAKE))
    await keeper.make()
    await keeper.on_sale()
    await keeper.settled()
    assert len(keeper.first.listing.listings("MADE-1")) == 1
    assert "delivery.confirmed" in await keeper.kinds()


async def test_what_is_not_there_yet_when_it_is_looked_for_is_not_made_again(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer was lost, and Allegro works on it for a while: within the time in which that may be."""
    monkeypatch.setattr(Listing, "offer_settle", timedelta(seconds=3))
    keeper.first.listing.accept_later(1, 2)
    keeper.first.faults.add(Fault(kind=FaultKind.LOSE, match=MAKE))
    await keeper.make()
    await keeper.on_sale()
    await keeper.settled()
    assert len(keeper.first.listing.sent) == 1


async def test_a_creation_that_is_worked_on_for_long_makes_no_second_offer(keeper: Shopkeeper) -> None:
    """Its ticket is kept, so a restart asks for the same one."""
    keeper.first.listing.accept_later(1, 3600)
    await keeper.make()

    async def accepted() -> bool:
        return any(one.ticket for one in await keeper.deliveries(DeliveryState.SENT))

    await keeper.until(accepted)
    await keeper.hub.stop(5)
    for operation in keeper.first.listing.operations.values():
        operation.at = keeper.first.now()
    keeper.hub = Hub(keeper.configuration(), keeper.database, keeper.session, SystemClock(), structlog.get_logger())
    await keeper.hub.start()
    await keeper.on_sale()
    assert len(keeper.first.listing.sent) == 1


async def test_an_older_database_makes_no_second_offer(keeper: Shopkeeper) -> None:
    """After a restore nothing is known of it, and it is asked for once more."""
    await keeper.make()
    number = await keeper.on_sale()
    await keeper.settled()

    async def forget(tx: Transaction) -> None:
        for table in ("offer_drafts", "offers", "deliveries"):
            await tx.execute(f"DELETE FROM {table}")

    await keeper.database.write(forget)
    assert await keeper.make() is AskOutcome.ACCEPTED
    await keeper.settled()
    assert keeper.first.listing.listings("MADE-1") == [number]
    draft = await offer_drafts.by_sku(keeper.database.reader, "first", "MADE-1")
    assert draft is not None
    assert draft.offer == number


async def test_what_is_refused_waits_with_its_field_and_goes_on_when_it_is_put_right(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: what is surely not there need not settle."""
    monkeypatch.setattr(Listing, "offer_settle", timedelta(hours=1))
    keeper.first.listing.refuse_listings("images", "The picture is too small.")
    await keeper.make()
    assert "images: The picture is too small." in await keeper.held()
    assert keeper.first.listing.listings("MADE-1") == []
    better = replace(DRAFT, price=Money(Decimal("19.90"), "PLN"))
    assert await keeper.make(better) is AskOutcome.ACCEPTED
    number = await keeper.on_sale()
    assert keeper.first.book.prices.prices()[number] == "19.90"


async def test_an_offer_with_that_mark_is_not_made_again(keeper: Shopkeeper) -> None:
    """One that has ended is brought back instead: two would sell the same as soon as anybody does that."""
    number = keeper.first.book.list_offer("MADE-1", 3)
    keeper.first.book.end_offer(number)
    await keeper.make()
    assert code_of(await keeper.held()) == "making.ended"
    assert await keeper.hub.offer_making.end("first", number, "ann") is AskOutcome.UNCHANGED, "it was read for that"
    with pytest.raises(NotPossible) as refused:
        await keeper.make(replace(DRAFT, quantity=6))
    assert code_of(str(refused.value)) == "making.there"
    assert keeper.first.listing.listings("MADE-1") == [number]


async def test_an_offer_of_that_mark_that_is_another_is_not_published(keeper: Shopkeeper) -> None:
    """A draft of the seller's own, which the hub has never read, would be sold as it stands."""
    number = keeper.first.listing.mark_draft("MADE-1")
    await keeper.make()
    assert code_of(await keeper.held()) == "making.there"
    assert keeper.first.book.available("MADE-1") == {number: 0}
    (waiting,) = await keeper.deliveries(DeliveryState.HOLD)
    await keeper.hub.delivery_actions.retry(waiting.id, "ann")
    assert code_of(await keeper.held()) == "making.there"
    assert keeper.first.book.available("MADE-1") == {number: 0}
    assert keeper.first.listing.sent == []


async def test_nothing_is_sent_for_a_draft_that_is_wrong_or_only_looked_at(keeper: Shopkeeper) -> None:
    wrong = replace(DRAFT, tax=None, price=Money(Decimal(0), "PLN"), ean="5900001234502", parameters=())
    made = await keeper.hub.offer_making.create("first", wrong, "ann")
    assert made.outcome is AskOutcome.REFUSED
    assert [one.field for one in made.flaws] == ["ean", "price", "tax"]
    made = await keeper.hub.offer_making.create("first", replace(wrong, ean=DRAFT.ean), "ann")
    assert [one.field for one in made.flaws] == ["price", "tax", "parameters.Stan"]
    looked = await keeper.hub.offer_making.create("first", DRAFT, "ann", check=True)
    assert looked.outcome is AskOutcome.CHECKED
    assert looked.prepared is not None
    assert looked.prepared.body["external"] == {"id": "MADE-1"}
    assert await offer_drafts.listing(keeper.database.reader, None, None, 9) == []
    assert keeper.first.listing.sent == []


async def test_an_offer_is_changed_and_ended(keeper: Shopkeeper) -> None:
    await keeper.make()
    number = await keeper.on_sale()
    making = keeper.hub.offer_making
    change = OfferDraft(sku="MADE-1", handling_days=3)
    assert (await making.change("first", number, change, "ann")).outcome is AskOutcome.ACCEPTED
    await keeper.settled()
    assert keeper.first.listing.listing(number)["delivery"]["handlingTime"] == "P3D"
    assert await making.end("first", number, "ann") is AskOutcome.ACCEPTED
    await keeper.settled()
    assert keeper.first.book.available("MADE-1") == {number: 0}


async def test_what_is_ended_before_it_was_published_stays_ended(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its publishing is about its draft, and waits for nothing that is about the offer."""

    async def refused(_self: Listing, _offer: str) -> None:
        raise Rejected("later")

    real = Listing.publish_offer
    monkeypatch.setattr(Listing, "publish_offer", refused)
    await keeper.make()
    await keeper.held()
    (number,) = keeper.first.listing.listings("MADE-1")
    assert await keeper.hub.offer_making.end("first", number, "ann") is AskOutcome.ACCEPTED
    monkeypatch.setattr(Listing, "publish_offer", real)
    await keeper.settled()
    assert await keeper.deliveries(DeliveryState.HOLD) == []
    assert keeper.first.book.available("MADE-1") == {number: 0}


async def test_an_offer_that_was_never_read_is_changed_and_is_known_as_it_is_now(keeper: Shopkeeper) -> None:
    """No stock is kept for the account, so that its offers are read only when somebody asks for something."""
    number = keeper.first.book.list_offer("", 3)
    making = keeper.hub.offer_making
    change = OfferDraft(sku="", handling_days=3)
    made = await making.change("first", number, change, "ann")
    assert (made.flaws, made.outcome) == ((), AskOutcome.ACCEPTED)
    await keeper.settled()
    assert await making.end("first", number, "ann") is AskOutcome.ACCEPTED
    await keeper.settled()
    keeper.first.book.set_quantity(number, 3)  # by hand
    assert await making.end("first", number, "ann") is AskOutcome.ACCEPTED, "it is on sale again"


async def test_pieces_that_were_bought_meanwhile_do_not_come_back(keeper: Shopkeeper) -> None:
    """The change was made and its answer lost: buyers took three since."""
    await keeper.make()
    number = await keeper.on_sale()
    keeper.first.faults.add(Fault(kind=FaultKind.LOSE, match="PATCH /sale/product-offers"))
    change = OfferDraft(sku="MADE-1", quantity=10)
    assert (await keeper.hub.offer_making.change("first", number, change, "ann")).outcome is AskOutcome.ACCEPTED
    assert code_of(await keeper.held()) == "doubt.tried"
    assert keeper.first.book.available("MADE-1") == {number: 10}


async def test_a_change_that_is_retried_leaves_what_was_asked_for_later(keeper: Shopkeeper) -> None:
    """The first one was refused and waits for a person; the second one is done meanwhile."""
    await keeper.make()
    number = await keeper.on_sale()
    making, actions = keeper.hub.offer_making, keeper.hub.delivery_actions
    keeper.first.listing.refuse_listings("delivery", "Not now.")
    both = OfferDraft(sku="MADE-1", price=Money(Decimal("30.00"), "PLN"), handling_days=3)
    await making.change("first", number, both, "ann")
    await keeper.held()
    later = OfferDraft(sku="MADE-1", price=Money(Decimal("27.00"), "PLN"))
    await making.change("first", number, later, "ann")

    async def changed() -> bool:
        return keeper.first.book.prices.prices()[number] == "27.00"

    await keeper.until(changed)
    (waiting,) = await keeper.deliveries(DeliveryState.HOLD)
    await actions.retry(waiting.id, "ann")
    await keeper.settled()
    assert keeper.first.book.prices.prices()[number] == "27.00"
    assert keeper.first.listing.listing(number)["delivery"]["handlingTime"] == "P3D", "nobody asked for another one"

    keeper.first.listing.refuse_listings("price", "Not now.")
    await making.change("first", number, replace(later, price=Money(Decimal("31.00"), "PLN")), "ann")
    await keeper.held()
    await making.change("first", number, later, "ann")

    await keeper.settled()
    (waiting,) = await keeper.deliveries(DeliveryState.HOLD)
    with pytest.raises(NotPossible) as refused:
        await actions.retry(waiting.id, "ann")
    assert code_of(str(refused.value)) == "delivery.overtaken"
    assert keeper.first.book.prices.prices()[number] == "27.00"


async def test_a_change_that_the_offer_does_not_show_is_not_done(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was answered as ever. What differs is named by its field; shown late it is looked at again."""
    await keeper.make()
    number = await keeper.on_sale()
    monkeypatch.setattr(keeper.first.listing, "_merge", lambda _offer, _body: None)
    monkeypatch.setattr(offer_answer, "_SHOWN_LATE", timedelta(0))
    change = OfferDraft(sku="MADE-1", price=Money(Decimal("27.00"), "PLN"), name="Kubek ceramiczny czarny")
    await keeper.hub.offer_making.change("first", number, change, "ann")
    held = await keeper.held()
    assert code_of(held) == "making.differs"
    for words in ("24.90", "27.00", "price", "name"):
        assert words in held
    (waiting,) = await keeper.deliveries(DeliveryState.HOLD)
    await keeper.hub.delivery_actions.discard(waiting.id, "ann", "not needed")

    looks: list[str] = []
    real = keeper.first.book.detailed

    def late(offer: str) -> Any:
        looks.append(offer)
        if len(looks) == 7:
            keeper.first.book.prices.set_price(number, "28.00")
        return real(offer)

    monkeypatch.setattr(keeper.first.book, "detailed", late)
    monkeypatch.setattr(offer_answer, "_SHOWN_LATE", timedelta(hours=1))
    monkeypatch.setattr(offer_answer, "_LOOKS", 0.01)
    await keeper.hub.offer_making.change(
        "first", number, replace(change, name=None, price=Money(Decimal(28), "PLN")), "ann"
    )
    await keeper.settled()
    assert len(looks) >= 7
    assert await keeper.deliveries(DeliveryState.HOLD) == []


async def test_a_new_offer_that_costs_otherwise_is_not_published(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = keeper.first.listing._put

    def dearer(number: str, body: Any) -> None:
        real(number, body | {"sellingMode": {"format": "BUY_NOW", "price": {"amount": "99.00", "currency": "PLN"}}})

    monkeypatch.setattr(keeper.first.listing, "_put", dearer)
    monkeypatch.setattr(offer_answer, "_SHOWN_LATE", timedelta(0))
    await keeper.make()
    held = await keeper.held()
    assert code_of(held) == "making.differs"
    assert "price" in held
    assert list(keeper.first.book.available("MADE-1").values()) == [0]


async def test_a_new_offer_that_shows_its_price_late_is_looked_at_again_and_published(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a change is: nobody has to see to what is right a moment later."""
    put, look = keeper.first.listing._put, keeper.first.book.detailed
    looks: list[str] = []

    def dearer(number: str, body: Any) -> None:
        put(number, body | {"sellingMode": {"format": "BUY_NOW", "price": {"amount": "99.00", "currency": "PLN"}}})

    def late(offer: str) -> Any:
        looks.append(offer)
        if len(looks) == 4:
            keeper.first.book.prices.set_price(offer, "24.90")
        return look(offer)

    monkeypatch.setattr(keeper.first.listing, "_put", dearer)
    monkeypatch.setattr(keeper.first.book, "detailed", late)
    monkeypatch.setattr(offer_answer, "_SHOWN_LATE", timedelta(hours=1))
    monkeypatch.setattr(offer_answer, "_LOOKS", 0.01)
    await keeper.make()
    await keeper.on_sale()
    assert await keeper.deliveries(DeliveryState.HOLD) == []


async def test_an_offer_that_was_deleted_is_made_again_under_its_mark(keeper: Shopkeeper) -> None:
    """The seller has thrown the draft away at the marketplace; nothing of the first one publishes the second."""
    assert (
        await keeper.hub.offer_making.create("first", DRAFT, "ann", publish=False)
    ).outcome is AskOutcome.ACCEPTED
    await keeper.settled()
    (number,) = keeper.first.listing.listings("MADE-1")
    with pytest.raises(NotPossible):
        await keeper.make(replace(DRAFT, handling_days=2))
    keeper.first.book.offers.pop(number)
    again = await keeper.hub.offer_making.create("first", DRAFT, "ann", publish=False)
    assert again.outcome is AskOutcome.ACCEPTED
    await keeper.settled()
    (second,) = keeper.first.listing.listings("MADE-1")
    assert second != number
    draft = await offer_drafts.by_sku(keeper.database.reader, "first", "MADE-1")
    assert draft is not None
    assert draft.offer == second
    assert keeper.first.book.available("MADE-1") == {second: 0}


async def test_what_was_given_up_in_doubt_is_waited_for_before_it_is_made_again(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request is on its way for as long as that may take; a person gave it up and asked anew."""
    monkeypatch.setattr(Listing, "offer_settle", timedelta(hours=1))
    keeper.first.faults.add(Fault(kind=FaultKind.LATE, match=MAKE, seconds=3600))
    await keeper.make()

    async def unknown() -> bool:
        return any(one.unknown_tries for one in await keeper.deliveries(DeliveryState.SENT))

    await keeper.until(unknown)

    async def given_up(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET state = 'hold' WHERE action = 'create-offer'")

    await keeper.database.write(given_up)
    (waiting,) = await keeper.deliveries(DeliveryState.HOLD)
    await keeper.hub.delivery_actions.discard(waiting.id, "ann", "too long")
    assert await keeper.make(replace(DRAFT, handling_days=2)) is AskOutcome.ACCEPTED

    async def looked() -> bool:
        found = await keeper.deliveries(DeliveryState.SENT)
        return any(one.attempts and code_of(one.error) == "delivery.settling" for one in found)

    await keeper.until(looked)
    assert keeper.first.listing.sent == [], "the first one may still come"


async def test_a_creation_that_was_given_up_is_not_tried_beside_a_later_one(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two deliveries of the draft a person retries the older one while the request of the newer is on its way:
    nothing is there to be found, and it would be made twice."""
    monkeypatch.setattr(Listing, "offer_settle", timedelta(seconds=3))
    keeper.first.listing.refuse_listings("price", "Not now.")
    await keeper.make()
    await keeper.held()
    (refused,) = await keeper.deliveries(DeliveryState.HOLD)
    actions = keeper.hub.delivery_actions
    await actions.discard(refused.id, "ann", "wrong")
    keeper.first.faults.add(Fault(kind=FaultKind.LATE, match=MAKE, seconds=2))
    await keeper.make(replace(DRAFT, handling_days=2))
    with pytest.raises(NotPossible) as said:
        await actions.retry(refused.id, "ann")
    assert code_of(str(said.value)) == "delivery.overtaken"
    await keeper.on_sale()
    await keeper.settled()
    assert len(keeper.first.listing.listings("MADE-1")) == 1


async def test_a_creation_is_not_tried_beside_a_later_one_that_was_given_up_in_doubt(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request of the later one may still act, and is not there yet to be found."""
    monkeypatch.setattr(Listing, "offer_settle", timedelta(hours=1))
    keeper.first.listing.refuse_listings("price", "Not now.")
    await keeper.make()
    await keeper.held()
    (refused,) = await keeper.deliveries(DeliveryState.HOLD)
    actions = keeper.hub.delivery_actions
    await actions.discard(refused.id, "ann", "wrong")
    keeper.first.faults.add(Fault(kind=FaultKind.LATE, match=MAKE, seconds=3600))
    await keeper.make(replace(DRAFT, handling_days=2))

    async def unknown() -> bool:
        return any(one.unknown_tries for one in await keeper.deliveries(DeliveryState.SENT))

    await keeper.until(unknown)

    async def given_up(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET state = 'hold' WHERE state = 'sent'")

    await keeper.database.write(given_up)
    (later,) = await keeper.deliveries(DeliveryState.HOLD)
    await actions.discard(later.id, "ann", "too long")
    with pytest.raises(NotPossible) as said:
        await actions.retry(refused.id, "ann")
    assert code_of(str(said.value)) == "delivery.overtaken"
    assert keeper.first.listing.listings("MADE-1") == []


async def back_to_hold(keeper: Shopkeeper, action: str) -> Delivery:
    """As if it had been refused when it was done: it waits for a person."""

    async def refused(tx: Transaction) -> None:
        await tx.execute(
            "UPDATE deliveries SET state = 'hold', finished_at = NULL, sent_at = NULL WHERE action = ?", (action,)
        )

    await keeper.settled()
    await keeper.database.write(refused)
    (waiting,) = await keeper.deliveries(DeliveryState.HOLD)
    return waiting


async def drafted(keeper: Shopkeeper) -> str:
    """An offer that is made and that nobody can buy."""
    await keeper.hub.offer_making.create("first", DRAFT, "ann", publish=False)

    async def there() -> bool:
        return bool(keeper.first.listing.listings("MADE-1"))

    await keeper.until(there)
    await keeper.settled()
    return keeper.first.listing.listings("MADE-1")[0]


async def test_an_end_that_waited_ends_nothing_that_was_published_since(keeper: Shopkeeper) -> None:
    number = await drafted(keeper)
    making, actions = keeper.hub.offer_making, keeper.hub.delivery_actions
    await making.end("first", number, "ann")
    waiting = await back_to_hold(keeper, "end-offer")
    await making.publish("first", number, "ann")
    await keeper.on_sale()
    await keeper.settled()
    with pytest.raises(NotPossible) as said:
        await actions.retry(waiting.id, "ann")
    assert code_of(str(said.value)) == "delivery.published-since"
    await keeper.settled()
    assert list(keeper.first.book.available("MADE-1").values()) == [5]
    await making.end("first", number, "ann")

    async def off_sale() -> bool:
        return list(keeper.first.book.available("MADE-1").values()) == [0]

    await keeper.until(off_sale)
    await keeper.settled()
    reader = keeper.database.reader
    # It is off sale by the last word, so that it may be done once more, until stock control is to bring it back.
    assert await still_due(reader, waiting, [], []) == waiting

    async def resumed(tx: Transaction) -> None:
        recorder = Recorder(tx, datetime.now(UTC), Cause("operator", "ann"))
        await recorder.event("stock.resume-asked", "first", waiting.subject, {"offer": number})
        await recorder.write(tx)

    await keeper.database.write(resumed)
    with pytest.raises(NotPossible):
        await still_due(reader, waiting, [], [])


async def test_a_publishing_that_waited_publishes_nothing_that_was_ended_since(keeper: Shopkeeper) -> None:
    """Refused after the end was asked for, it waits; tried again by hand, it would be the last."""
    number = await drafted(keeper)
    making, actions = keeper.hub.offer_making, keeper.hub.delivery_actions
    await making.publish("first", number, "ann")
    await keeper.on_sale()
    await keeper.settled()
    await making.end("first", number, "ann")
    waiting = await back_to_hold(keeper, "publish-offer")
    with pytest.raises(NotPossible) as said:
        await actions.retry(waiting.id, "ann")
    assert code_of(str(said.value)) == "delivery.ended-since"
    await keeper.settled()
    assert list(keeper.first.book.available("MADE-1").values()) == [0]


async def test_a_change_that_waited_overwrites_nothing_that_is_kept_since(keeper: Shopkeeper) -> None:
    """Stock control and price lists have the last word on pieces and prices; all else is still due."""
    number = await drafted(keeper)
    making, reader = keeper.hub.offer_making, keeper.database.reader
    keeper.first.listing.refuse_listings("delivery", "Not now.")
    both = OfferDraft(sku="MADE-1", quantity=9, price=Money(Decimal("30.00"), "PLN"), handling_days=3)
    await making.change("first", number, both, "ann")
    await keeper.held()
    (waiting,) = await keeper.deliveries(DeliveryState.HOLD)
    stock = [StockRule(master="shop", channels=frozenset({"first"}))]
    assert await still_due(reader, waiting, [], []) == waiting
    kept = await still_due(reader, waiting, stock, [])
    assert msgspec.json.decode(kept.payload, type=OfferDraft) == replace(both, quantity=None)
    pieces = replace(waiting, payload=msgspec.Raw(msgspec.json.encode(OfferDraft(sku="MADE-1", quantity=9))))
    with pytest.raises(NotPossible) as said:
        await still_due(reader, pieces, stock, [])
    assert code_of(str(said.value)) == "delivery.kept-since"
    listed = (await offers.by_external(reader, "first", [number]))[number]
    await keeper.database.write(lambda tx: offers.follow_prices(tx, [listed.id], True))
    prices = [PriceRule(master="shop", channels=frozenset({"first"}), price_list="a")]
    kept = await still_due(reader, waiting, stock, prices)
    assert msgspec.json.decode(kept.payload, type=OfferDraft) == OfferDraft(sku="MADE-1", handling_days=3)


async def test_an_offer_is_copied_to_another_account_by_the_names_of_its_terms(keeper: Shopkeeper) -> None:
    await keeper.make()
    number = await keeper.on_sale()
    over = OfferDraft(sku="", price=Money(Decimal("26.90"), "PLN"), handling_days=0)
    made = await keeper.hub.offer_making.copy("first", number, "second", "ann", over=over)
    assert [one.field for one in made.flaws] == ["quantity"], "its pieces are for sale on the first account"
    assert made.draft.handling_days == 0
    over = replace(over, quantity=5)
    made = await keeper.hub.offer_making.copy("first", number, "second", "ann", over=over)
    assert made.flaws == ()

    async def there() -> bool:
        return list(keeper.second.book.available("MADE-1").values()) == [5]

    await keeper.until(there)
    (copied,) = keeper.second.listing.listings("MADE-1")
    assert keeper.second.book.prices.prices()[copied] == "26.90"
    first, second = keeper.first.listing.listing(number), keeper.second.listing.listing(copied)
    assert first["delivery"]["shippingRates"] != second["delivery"]["shippingRates"], "each account has its own"


async def test_a_change_waits_for_what_was_given_up_in_doubt(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its request is on its way for as long as that may take, and would undo what is asked for after it."""
    await keeper.make()
    number = await keeper.on_sale()
    await keeper.settled()
    monkeypatch.setattr(Listing, "offer_settle", timedelta(seconds=3))
    keeper.first.faults.add(Fault(kind=FaultKind.LATE, match="PATCH /sale/product-offers", seconds=2))
    making = keeper.hub.offer_making
    wrong = OfferDraft(sku="MADE-1", price=Money(Decimal("2.70"), "PLN"), quantity=4)
    await making.change("first", number, wrong, "ann")

    async def unknown() -> bool:
        return any(one.unknown_tries for one in await keeper.deliveries(DeliveryState.RETRY))

    await keeper.until(unknown)
    (waiting,) = await keeper.deliveries(DeliveryState.RETRY)
    await keeper.hub.delivery_actions.discard(waiting.id, "ann", "a wrong price")
    right = OfferDraft(sku="MADE-1", price=Money(Decimal("27.00"), "PLN"))
    await making.change("first", number, right, "ann")
    await keeper.settled()
    await keeper.first.faults.settle()
    assert keeper.first.book.prices.prices()[number] == "27.00"


async def test_a_draft_is_published_by_hand_and_what_has_ended_is_not(keeper: Shopkeeper) -> None:
    making = keeper.hub.offer_making
    made = await making.create("first", DRAFT, "ann", publish=False)
    assert made.outcome is AskOutcome.ACCEPTED
    await keeper.settled()
    (number,) = keeper.first.listing.listings("MADE-1")
    assert keeper.first.book.available("MADE-1") == {number: 0}, "it is a draft until somebody says more"
    assert await making.publish("first", number, "ann") is AskOutcome.ACCEPTED
    assert await keeper.on_sale() == number
    await keeper.settled()
    assert await making.publish("first", number, "ann") is AskOutcome.UNCHANGED
    assert await making.end("first", number, "ann") is AskOutcome.ACCEPTED
    await keeper.settled()
    with pytest.raises(NotPossible) as refused:
        await making.publish("first", number, "ann")
    assert code_of(refused.value.args[0]) == "making.ended"


async def test_an_account_whose_system_lists_no_offers_is_refused_by_its_name(keeper: Shopkeeper) -> None:
    making = keeper.hub.offer_making
    for ask in (
        making.create("shop", DRAFT, "ann"),
        making.change("shop", "1", DRAFT, "ann"),
        making.end("shop", "1", "ann"),
        making.publish("shop", "1", "ann"),
        making.copy("shop", "1", "first", "ann", over=DRAFT),
    ):
        with pytest.raises(NotPossible, match="shop") as refused:
            await ask
        assert code_of(refused.value.args[0]) == "making.unable"


async def test_what_was_asked_of_a_system_that_lists_no_offers_waits_for_a_person(keeper: Shopkeeper) -> None:
    """As where the connector could when it was asked, and cannot any more."""

    async def keep(tx: Transaction) -> None:
        recorder = Recorder(tx, datetime.now(UTC), Cause("operator", "ann"))
        await keep_draft(tx, recorder, "shop", DRAFT, "ann", publish=True)

    await keeper.database.write(keep)
    keeper.hub.directory.wake(["shop"])
    assert code_of(await keeper.held()) == "unable.offers"
    (waiting,) = await keeper.deliveries(DeliveryState.HOLD)
    assert waiting.sent_at is None


class Stocked(Warehouse, Shopkeeper):
    """The shop's stock is kept for the accounts."""


async def test_what_is_in_stock_is_published_with_what_may_be_sold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quantity comes from stock: it is linked by its mark, filled, read, and only then activated."""
    monkeypatch.setattr(Listing, "offer_settle", Listing.offer_settle / 600)
    keeper = Stocked(tmp_path)
    async with keeper.open():
        await keeper.shows(100)
        keeper.shop.add_product("NEW-1", {"name": "Kubek", "manage_stock": True, "stock_quantity": 7})

        async def counted() -> bool:
            return bool(await stock_items.find(keeper.database.reader, "NEW-1"))

        await keeper.until(counted)
        # Another item has the number of the mug, and by that the link would be in doubt.
        keeper.first.listing.sold.name_product("4006381333931", ["4006381333931"])
        draft = replace(DRAFT, sku="NEW-1", ean="4006381333931")
        made = await keeper.hub.offer_making.create("first", draft, "ann")
        assert [one.field for one in made.flaws] == ["quantity"]
        await keeper.make(replace(draft, quantity=None))
        number = await keeper.on_sale("NEW-1", 7)
        assert keeper.first.listing.sent[-1]["stock"]["available"] == 0
        assert "stock.resume-asked" in await keeper.kinds()
        keeper.restock(-2, "NEW-1")
        await keeper.on_sale("NEW-1", 5)
        assert keeper.first.listing.listings("NEW-1") == [number]
