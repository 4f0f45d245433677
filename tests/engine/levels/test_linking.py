"""Links between offers and stock items: made by what both say, doubted, and steered by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from olhubd.decide.stock.policy import StockRule
from olhubd.engine.errors import NotPossible
from olhubd.engine.in_force import InForce
from olhubd.engine.levels.relinking import relink
from olhubd.engine.operator.link_rows import LinkRow
from olhubd.engine.operator.links import LinkActions
from olhubd.model import Linking, LinkOrigin, Offer, OfferState, Product, Stage, code_of
from olhubd.store import Database, events, offers, oversold, stock_items
from olhubd.store.offers import StoredOffer
from tests.engine.levels.stall import Stall
from tests.orders import EPOCH, paid

EAN, OTHER = "5901234123457", "0710845860669"


class Force:
    """What is in force at the stall."""

    def __init__(self, stall: Stall) -> None:
        self._stall = stall

    def stock(self) -> list[StockRule]:
        return self._stall.rules

    def routes(self) -> object:
        return self._stall.routes


@pytest.fixture
async def stall(database: Database) -> Stall:
    return Stall(database)


def hands(stall: Stall) -> LinkActions:
    force: InForce = Force(stall)  # type: ignore[assignment]
    return LinkActions(force, stall.database, stall.clock, lambda: None)


async def listed(stall: Stall, number: str, account: str = "allegro") -> StoredOffer:
    return (await offers.by_external(stall.database.reader, account, [number]))[number]


async def shows(stall: Stall, number: str, quantity: int = 5, **more: object) -> StoredOffer:
    """An offer as its channel reports it."""
    stall.channel.list(number, quantity)
    fields = {"external_id": number, "name": number, "state": OfferState.ACTIVE, "quantity": quantity, **more}
    await stall.land("allegro", msgspec.convert(fields, Offer))
    return await listed(stall, number)


async def items_of(stall: Stall, number: str) -> dict[str, tuple[int, LinkOrigin, str | None]]:
    """What an offer sells: by the mark how many units, by what it was linked, and by whom."""
    offer = await listed(stall, number)
    links = (await offers.links_of(stall.database.reader, [offer.id])).get(offer.id, [])
    named = await stock_items.read(stall.database.reader, [one.item for one in links])
    return {named[one.item].level.external_id: (one.units, one.origin, one.made_by) for one in links}


async def told(stall: Stall, kind: str) -> list[dict[str, object]]:
    found = await events.since(stall.database.reader, 0, limit=1000)
    return [msgspec.json.decode(event.data) for event in found if event.kind == kind]


async def test_an_article_number_and_a_name_link_whichever_is_read_first(stall: Stall) -> None:
    await shows(stall, "111", name="Kubek biały", ean=EAN)
    assert (await listed(stall, "111")).linking is Linking.NONE
    await stall.stock("A", 5, name="Kubek biały", ean="05901234123457")
    assert await items_of(stall, "111") == {"p-A": (1, LinkOrigin.EAN, None)}
    await shows(stall, "222", name="Kubek biały", ean=EAN)
    assert await items_of(stall, "222") == {"p-A": (1, LinkOrigin.EAN, None)}


@pytest.mark.parametrize(("switch", "linking"), [(True, Linking.LINKED), (False, Linking.PROPOSED)])
async def test_linking_by_an_article_number_is_a_switch(stall: Stall, switch: bool, linking: Linking) -> None:
    """OFF-11."""
    stall.rules = [msgspec.structs.replace(stall.rules[0], link_by_ean=switch)]
    await stall.stock("A", 5, name="Kubek biały", ean=EAN)
    assert (await shows(stall, "111", name="Kubek biały", ean=EAN)).linking is linking


async def test_an_article_number_links_only_what_is_shared(stall: Stall) -> None:
    """OFF-12: where the products of the master are read, what it does not share is linked by its mark alone."""

    async def product(external_id: str, *, shared: bool = True) -> None:
        said = Product(external_id=external_id, name="Kubek biały", ean=EAN, shared=shared)
        await stall.land("shop", said)

    await stall.stock("A", 5, name="Kubek biały", ean=EAN)
    await product("p-another")
    await product("p-A", shared=False)
    assert (await shows(stall, "111", name="Kubek biały", ean=EAN)).linking is Linking.NONE
    await product("p-A")
    assert await items_of(stall, "111") == {"p-A": (1, LinkOrigin.EAN, None)}
    await product("p-A", shared=False)
    assert (await shows(stall, "222", name="Kubek biały", ean=EAN)).linking is Linking.NONE
    assert (await shows(stall, "333", name="Kubek biały", sku="A", ean=EAN)).linking is Linking.LINKED


async def test_an_article_number_links_nothing_before_the_first_import(stall: Stall) -> None:
    """OFF-12: stock is read at once, and products when a person asks for them, or at night."""
    stall.rules = [msgspec.structs.replace(stall.rules[0], shared_only=True)]
    await stall.stock("A", 5, name="Kubek biały", ean=EAN)
    assert (await shows(stall, "111", name="Kubek biały", ean=EAN)).linking is Linking.NONE
    await stall.land("shop", Product(external_id="p-another", name="Kubek biały", ean=EAN))
    assert await items_of(stall, "111") == {}
    await stall.land("shop", Product(external_id="p-A", name="Kubek biały", ean=EAN))
    assert await items_of(stall, "111") == {"p-A": (1, LinkOrigin.EAN, None)}


async def test_an_article_number_that_is_not_that_of_the_card_links_nothing(stall: Stall) -> None:
    """OFF-12."""
    await stall.stock("A", 5, name="Kubek biały", ean=EAN)
    assert (await shows(stall, "111", name="Kubek biały", ean=OTHER)).linking is Linking.NONE


async def test_what_is_not_sold_on_the_account_is_linked_to_none_of_its_offers(stall: Stall) -> None:
    await stall.stock("A", 5)
    (one,) = await stock_items.find(stall.database.reader, "A")
    await stall.land("erp", msgspec.structs.replace(one.level, external_id="e-1", sku="C", ean=EAN))
    assert (await shows(stall, "111", name="A", sku="C", ean=EAN)).linking is Linking.NONE


async def test_a_wrong_check_digit_links_nothing(stall: Stall) -> None:
    """S28: kept as a text, and never used to link."""
    await stall.stock("A", 5, name="Kubek biały", ean="5901234123458")
    offer = await shows(stall, "111", name="Kubek biały", ean="5901234123458")
    assert (offer.linking, offer.offer.ean) == (Linking.NONE, "5901234123458")


async def test_a_number_alone_is_proposed_and_two_items_are_a_conflict(stall: Stall) -> None:
    await stall.stock("A", 5, name="Rower", ean=OTHER)
    assert (await shows(stall, "111", name="Zestaw zaworów", ean=OTHER)).linking is Linking.PROPOSED
    await stall.stock("B", 5, name="Zestaw zaworów", ean=OTHER)
    assert (await listed(stall, "111")).linking is Linking.CONFLICT
    assert await items_of(stall, "111") == {}


async def test_a_conflict_ends_when_one_of_the_two_bears_another_mark(stall: Stall) -> None:
    await stall.stock("A", 5)
    (one,) = await stock_items.find(stall.database.reader, "A")
    other = msgspec.structs.replace(one.level, external_id="p-2")
    await stall.land("shop", other)
    assert (await shows(stall, "111", sku="A")).linking is Linking.CONFLICT
    await stall.land("shop", msgspec.structs.replace(other, sku="A-2"))
    assert await items_of(stall, "111") == {"p-A": (1, LinkOrigin.SKU, None)}


async def test_a_link_that_would_not_be_made_any_more_is_in_doubt(stall: Stall) -> None:
    """S27: the sisters of an item came later than its offer. It is lowered as before, and not raised."""
    await stall.stock("A", 5)
    await shows(stall, "111", 5, sku="A")
    await hands(stall).add(
        LinkRow(number=1, account="allegro", offer=(await shows(stall, "222")).offer.external_id, sku="A"), "eve"
    )
    (one,) = await stock_items.find(stall.database.reader, "A")
    await stall.land("shop", msgspec.structs.replace(one.level, external_id="p-2", quantity=9))
    await stall.stock("A", 8)
    await stall.turns(10)
    row, by_hand = await stall.level("111"), await stall.level("222")
    assert (row.wanted, code_of(row.held), by_hand.held) == (8, "link.not-certain", None)
    (doubt,) = await told(stall, "link.doubted")
    assert doubt["offer"] == "111"
    await stall.stock("A", 2)
    await stall.turns(10)
    assert stall.channel.shown["111"] == 2
    await hands(stall).confirm("allegro", "111", None, "eve")
    await stall.stock("B", 1)
    await stall.land("shop", msgspec.structs.replace(one.level, external_id="p-3"))
    assert (await stall.level("111")).held is None, "a person has said so"


async def test_another_article_number_of_the_item_is_a_doubt(stall: Stall) -> None:
    """S25, from the other side: the product was exchanged under its mark."""
    await stall.stock("A", 5, ean=EAN)
    await shows(stall, "111", 5, sku="A", ean=EAN)
    await stall.stock("A", 5, ean=OTHER)
    assert code_of((await stall.level("111")).held) == "link.not-certain"


async def test_a_set_takes_as_many_as_it_has(stall: Stall) -> None:
    await stall.stock("A", 25)
    await shows(stall, "111", sku="A", set_size=10)
    assert await items_of(stall, "111") == {"p-A": (10, LinkOrigin.SKU, None)}
    await stall.turns()
    assert (await stall.level("111")).wanted == 2


async def test_what_is_right_from_the_first_says_since_when(stall: Stall) -> None:
    await stall.stock("A", 5)
    stall.clock.passed = 30
    right = await shows(stall, "111", 5, sku="A")
    await shows(stall, "222", 4, sku="A")
    await stall.turns()
    assert (await stall.level("111")).confirmed_at == right.read_at
    assert (await stall.level("222")).confirmed_at is None


async def test_a_larger_set_lowers_at_once_and_a_yes_lets_it_be_raised(stall: Stall) -> None:
    """S26: 10 at the master, of a set of one: 10. Of a set of ten: 1, at once."""
    await stall.stock("A", 10)
    await shows(stall, "111", 10, sku="A", set_size=1)
    await stall.turns(10)
    stall.read_through = 0  # nothing is known of the orders, so nothing could be raised
    await shows(stall, "111", 10, sku="A", set_size=10)
    await stall.turns(10)
    assert stall.channel.calls == [("set", 1, ("111",))]
    (doubt,) = await told(stall, "link.doubted")
    assert doubt["reason_code"] == "link.set-size-changed"
    await stall.stock("A", 30)
    await stall.orders_read()
    await stall.turns(60)
    row = await stall.level("111")
    assert (row.wanted, row.confirmed, code_of(row.held)) == (3, 1, "link.set-size-changed")
    assert not stall.leveller.waiting
    await hands(stall).confirm("allegro", "111", None, "eve")
    await stall.orders_read()
    await stall.turns(60)
    assert stall.channel.shown["111"] == 3
    assert (await stall.level("111")).held is None
    assert await items_of(stall, "111") == {"p-A": (10, LinkOrigin.SKU, "eve")}


async def test_another_article_number_holds_what_would_be_raised_and_nothing_else(stall: Stall) -> None:
    """S25: a linked offer whose card was exchanged."""
    await stall.stock("A", 5, ean=EAN)
    await shows(stall, "111", 5, sku="A", ean=EAN)
    await shows(stall, "111", 5, sku="A", ean=OTHER)
    await stall.stock("A", 9, ean=EAN)
    await stall.orders_read()
    await stall.turns(60)
    assert stall.channel.calls == []
    row = await stall.level("111")
    assert (row.wanted, row.confirmed, code_of(row.reason)) == (9, 5, "link.ean-changed")
    await stall.stock("A", 3, ean=EAN)
    await stall.turns(10)
    assert stall.channel.calls == [("set", 3, ("111",))]


async def test_what_a_person_links_is_sold_from_then_on_and_before(stall: Stall) -> None:
    await stall.stock("A", 5)
    await shows(stall, "111", 5)
    await stall.land("allegro", stall.purchase("o1", "111", 2))
    await hands(stall).add(LinkRow(number=1, account="allegro", offer="111", sku="A"), "eve")
    assert await items_of(stall, "111") == {"p-A": (1, LinkOrigin.HAND, "eve")}
    assert await stall.unseen() == 2
    await stall.turns()
    assert (await stall.level("111")).wanted == 3
    assert await told(stall, "link.set") == [{"offer": "111", "items": "A"}]


@pytest.mark.parametrize("by", ["hand", "rows", "rule"])
async def test_who_bought_what_is_linked_later_and_is_not_there_is_written_when_it_is_linked(
    stall: Stall, by: str
) -> None:
    """In that transaction, and not when the master is read next."""
    await stall.stock("A", 1)
    stall.rules, rules = [], stall.rules
    await shows(stall, "111", 5, sku="A")
    stall.rules = rules
    await stall.land("allegro", stall.purchase("o1", "111", 1), stall.purchase("o2", "111", 2))
    row = LinkRow(number=1, account="allegro", offer="111", sku="A")
    if by == "hand":
        await hands(stall).add(row, "eve")
    elif by == "rows":
        assert await hands(stall).replace([row], "eve") == 1
    else:
        pulse = Pulses()
        await relink(stall.database, stall.clock, "allegro", stall.routes, stall.rules, pulse)  # type: ignore[arg-type]
    assert [(one.order, one.pieces) for one in await oversold.listing(stall.database.reader)] == [("o2", 2)]
    assert [(one["order"], one["pieces"]) for one in await told(stall, "stock.oversold")] == [(2, 2)]


async def test_what_a_person_unlinks_shows_what_it_shows_and_is_linked_by_nobody_else(stall: Stall) -> None:
    await stall.stock("A", 5)
    await shows(stall, "111", 5, sku="A")
    await stall.land("allegro", stall.purchase("o1", "111", 2))
    await stall.turns()
    assert await stall.unseen() == 2
    calls = [*stall.channel.calls]
    await hands(stall).remove("allegro", "111", None, "eve")
    assert await items_of(stall, "111") == {}
    assert await stall.unseen() == 0, "what was bought of it is no piece of the item"
    assert (await stall.level("111")).wanted is None
    await shows(stall, "111", 4, sku="A", ean=EAN)
    await stall.stock("A", 7, ean=EAN)
    assert (await listed(stall, "111")).linking is Linking.LEFT
    await stall.turns(10)
    assert stall.channel.calls == calls


async def test_an_offer_of_several_items_sells_the_least(stall: Stall) -> None:
    await stall.stock("A", 9)
    await stall.stock("B", 9)
    await shows(stall, "111", 1)
    act = hands(stall)
    await act.add(LinkRow(number=1, account="allegro", offer="111", sku="A", units=2), "eve")
    with pytest.raises(NotPossible) as refused:
        await act.add(LinkRow(number=1, account="allegro", offer="111", sku="B", units=3), "eve")
    assert code_of(refused.value.args[0]) == "link.taken"
    await act.add(LinkRow(number=1, account="allegro", offer="111", sku="B", units=3), "eve", part=True)
    await stall.turns()
    assert (await stall.level("111")).wanted == 3
    await act.remove("allegro", "111", "B", "eve")
    assert await items_of(stall, "111") == {"p-A": (2, LinkOrigin.HAND, "eve")}
    await stall.turns()
    assert (await stall.level("111")).wanted == 4


async def test_all_rows_that_are_wrong_are_named_and_none_is_done(stall: Stall) -> None:
    """An unknown offer, an item of another master, none and too many of it, two items of one name."""
    await stall.stock("A", 5)
    await stall.stock("B", 5)
    (one,) = await stock_items.find(stall.database.reader, "B")
    await stall.land("shop", msgspec.structs.replace(one.level, external_id="p-B2"))
    await stall.land("erp", msgspec.structs.replace(one.level, external_id="e-1", sku="C"))
    for number in ("111", "222", "333"):
        await shows(stall, number)
    given = [
        ("111", "A", None, None),
        ("999", "A", None, None),
        ("222", "B", None, None),
        ("222", "C", None, None),
        ("222", "Z", None, None),
        ("222", "A", None, 0),
        ("222", "B", "p-A", None),
        ("111", "A", None, 2),
        ("333", None, None, None),
        ("333", "A", None, None),
    ]
    rows = [
        LinkRow(number=n, account="allegro", offer=offer, sku=sku, item=item, units=units)
        for n, (offer, sku, item, units) in enumerate(given, 2)
    ]
    rows.append(LinkRow(number=99, account="nobody", offer="111", sku="A"))
    wrong = {(one.row, one.column, code_of(one.why)) for one in await hands(stall).problems(rows)}
    assert wrong == {
        (3, "offer", "none.offer"),
        (4, "sku", "link.which-item"),
        (5, "sku", "link.another-master"),
        (6, "sku", "none.stock-item"),
        (7, "units", "link.units"),
        (8, "sku", "link.another-sku"),
        (9, "offer", "link.twice"),
        (11, "offer", "link.emptied-twice"),
        (99, "account", "link.no-channel"),
    }
    with pytest.raises(NotPossible):
        await hands(stall).replace(rows, "eve")
    assert await items_of(stall, "111") == {}
    assert await told(stall, "link.set") == []


async def test_many_offers_at_once_sell_what_their_rows_say_and_asking_again_changes_nothing(stall: Stall) -> None:
    await stall.stock("A", 5)
    await stall.stock("B", 5)
    for number in ("111", "222", "333"):
        await shows(stall, number, sku="B")
    rows = [
        LinkRow(number=2, account="allegro", offer="111", sku="A", units=2),
        LinkRow(number=3, account="allegro", offer="111", item="p-B"),
        LinkRow(number=4, account="allegro", offer="222"),
    ]
    assert await hands(stall).replace(rows, "eve") == 2
    assert await hands(stall).replace(rows, "eve") == 0
    assert {name: units for name, (units, *_) in (await items_of(stall, "111")).items()} == {"p-A": 2, "p-B": 1}
    assert (await listed(stall, "222")).linking is Linking.LEFT
    assert await items_of(stall, "333") == {"p-B": (1, LinkOrigin.SKU, None)}
    assert len(await told(stall, "link.set")) == 1


async def test_all_offers_of_an_account_are_unlinked(stall: Stall) -> None:
    await stall.stock("A", 5)
    await shows(stall, "111", sku="A")
    await shows(stall, "222")
    assert await hands(stall).clear("allegro", "eve") == 1
    assert ((await listed(stall, "111")).linking, (await listed(stall, "222")).linking) == (
        Linking.LEFT,
        Linking.NONE,
    )


async def test_what_was_read_before_its_rule_is_linked_when_the_rule_is_there(stall: Stall) -> None:
    await stall.stock("A", 5)
    rules, stall.rules = stall.rules, [StockRule(master="erp", channels=frozenset({"allegro"}))]
    await shows(stall, "111", sku="A")
    assert await items_of(stall, "111") == {}

    class Pulse:
        def beat(self, _seconds: float) -> None:
            pass

    pulse = Pulse()
    args = (stall.database, stall.clock, "allegro", stall.routes)
    await relink(*args, rules, pulse)  # type: ignore[arg-type]
    assert await items_of(stall, "111") == {"p-A": (1, LinkOrigin.SKU, None)}
    await hands(stall).remove("allegro", "111", None, "eve")
    await relink(*args, rules, pulse)  # type: ignore[arg-type]
    assert await items_of(stall, "111") == {}


async def test_the_first_article_number_is_taken_over_and_another_one_is_a_doubt_once(stall: Stall) -> None:
    """The item bears none, so that the offer's own number is all there is to compare with."""
    await stall.stock("A", 9)
    await shows(stall, "111", 5, sku="A")
    await shows(stall, "111", 5, sku="A", ean=EAN)
    assert await told(stall, "link.doubted") == []
    await shows(stall, "111", 5, sku="A", ean=OTHER)
    await shows(stall, "111", 4, sku="A", ean=OTHER)
    await shows(stall, "111", 4, sku="A", ean=EAN)
    assert [one["offer"] for one in await told(stall, "link.doubted")] == ["111"]
    assert code_of((await stall.level("111")).held) == "link.ean-changed"


async def test_a_person_may_say_again_how_many_of_the_same_item_an_offer_has(stall: Stall) -> None:
    """It is linked to that item already, and to nothing else that would be taken away."""
    await stall.stock("A", 9)
    await shows(stall, "111", 5, sku="A")
    await hands(stall).add(LinkRow(number=1, account="allegro", offer="111", sku="A", units=2), "eve")
    assert await items_of(stall, "111") == {"p-A": (2, LinkOrigin.HAND, "eve")}
    await stall.turns()
    assert (await stall.level("111")).wanted == 4


class Pulses:
    def beat(self, _seconds: float) -> None:
        pass


@pytest.fixture
async def listening(stall: Stall) -> Stall:
    """Two offers were there before what links them was switched on."""
    stall.rules = []
    await stall.stock("A", 9)
    await shows(stall, "111", 5, sku="A")
    await shows(stall, "222", 5, sku="A")
    stall.clock.passed = 60
    stall.rules = [StockRule(master="shop", channels=frozenset({"allegro"}), link_on_events=True)]
    pulse = Pulses()
    for _ in range(2):  # another start is no other switch
        await relink(stall.database, stall.clock, "allegro", stall.routes, stall.rules, pulse)  # type: ignore[arg-type]
        stall.clock.passed += 60
    return stall


async def test_from_the_switch_on_only_what_something_happens_to_is_linked(listening: Stall) -> None:
    """OFF-13, OFF-14: what was there stays as it is until it changes, also when its item is read again."""
    await listening.stock("A", 8)
    await listening.stock("A", 8, name="Another name")
    await shows(listening, "111", 5, sku="A")
    assert [await items_of(listening, one) for one in ("111", "222")] == [{}, {}]
    await shows(listening, "111", 4, sku="A")
    assert await items_of(listening, "111") == {"p-A": (1, LinkOrigin.SKU, None)}
    assert await items_of(listening, "222") == {}


async def test_a_picture_alone_links_nothing(listening: Stall) -> None:
    """OFF-13: what an offer looks like is nothing that happens to it, also when an upgrade begins to read it."""
    await shows(listening, "111", 5, sku="A")
    was = await items_of(listening, "111")
    offer = await shows(listening, "111", 5, sku="A", image="https://s.example/a.jpg")
    assert (offer.offer.image, await items_of(listening, "111"), was) == ("https://s.example/a.jpg", {}, {})
    await shows(listening, "111", 4, sku="A", image="https://s.example/b.jpg")
    assert await items_of(listening, "111") == {"p-A": (1, LinkOrigin.SKU, None)}


async def test_when_it_was_listed_is_no_event_where_it_is_merely_read_by_now(listening: Stall) -> None:
    """OFF-13: an upgrade begins to read it of all offers of a shop, which links none of them."""
    later = EPOCH + timedelta(seconds=61)
    await shows(listening, "111", 5, sku="A")
    await shows(listening, "111", 5, sku="A", listed_at=later)
    assert await items_of(listening, "111") == {}
    await shows(listening, "111", 5, sku="A", listed_at=later + timedelta(seconds=1))
    assert await items_of(listening, "111") == {"p-A": (1, LinkOrigin.SKU, None)}


@pytest.mark.parametrize(
    "more", [{"stage": Stage.PLACED}, {"stage": Stage.CANCELLED}, {"surcharges": (paid("3.00"),)}]
)
async def test_what_happens_to_an_order_of_an_offer_links_it(listening: Stall, more: dict[str, Any]) -> None:
    """OFF-14: a purchase, a payment that is cancelled, a surcharge that is paid. It is reserved at once."""
    was = listening.purchase("o1", "222", 2)
    if more != {"stage": Stage.PLACED}:
        listening.rules, rules = [], listening.rules
        await listening.land("allegro", was)
        listening.rules = rules
        assert await items_of(listening, "222") == {}
    await listening.land("allegro", listening.purchase("o1", "222", 2, **more))
    assert await items_of(listening, "222") == {"p-A": (1, LinkOrigin.SKU, None)}
    assert await listening.unseen() == (0 if more.get("stage") is Stage.CANCELLED else 2)
    assert await items_of(listening, "111") == {}


async def test_an_order_that_links_its_offer_and_has_too_few_is_written(listening: Stall) -> None:
    await listening.stock("A", 1)
    await listening.land("allegro", listening.purchase("o1", "222", 3))
    (one,) = await oversold.listing(listening.database.reader)
    assert (one.order, one.pieces) == ("o1", 2)


async def test_an_offer_that_is_listed_after_the_switch_is_linked(listening: Stall) -> None:
    """OFF-13: one that is read for the first time and was listed before is not."""
    before, after = (EPOCH + timedelta(seconds=seconds) for seconds in (59, 61))
    for number, at in (("333", before), ("444", after)):
        said = Offer(external_id=number, name="A", sku="A", quantity=1, state=OfferState.ACTIVE, listed_at=at)
        await listening.land("allegro", said)
    assert [bool(await items_of(listening, one)) for one in ("333", "444")] == [False, True]
