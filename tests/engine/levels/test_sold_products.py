"""What offers sell by the catalogue of their marketplace: learned a few at a time, and linked by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from olhubd.decide.stock.policy import StockRule
from olhubd.engine.levels.relinking import relink
from olhubd.engine.operator.link_rows import LinkRow
from olhubd.model import CatalogueProduct, Linking, LinkOrigin, Offer, OfferContents, OfferProduct, OfferState
from olhubd.plugin import ContractBroken, OfferProducts, Unavailable
from olhubd.store import Database, offers
from tests.engine.levels.stall import Stall
from tests.engine.levels.test_linking import EAN, OTHER, Pulses, hands, items_of, listed, shows, told

WEEK = 7 * 86400.0


class Catalogue(OfferProducts):
    """A marketplace's catalogue in memory."""

    def __init__(self) -> None:
        self.sold: dict[str, dict[str, int]] = {}
        self.numbers: dict[str, tuple[str, ...]] = {}
        self.bent: set[str] = set()
        self.asked: list[str] = []
        self.looked_up: list[str] = []
        self.down = False

    def sells(self, offer: str, *eans: str, **pieces: int) -> None:
        """The offer sells the products of these numbers; `pieces` are of products by their names."""
        self.sold[offer] = {**{f"of-{ean}": 1 for ean in eans}, **pieces}
        for ean in eans:
            self.numbers[f"of-{ean}"] = (ean,)

    async def read_contents(self, offers: Sequence[str]) -> Sequence[OfferContents]:
        if self.down:
            raise Unavailable("down")
        if bent := self.bent & {*offers}:
            raise ContractBroken(f"{bent} makes no sense")
        self.asked += offers
        return [
            OfferContents(
                offer=one, products=tuple(OfferProduct(product=p, pieces=n) for p, n in self.sold[one].items())
            )
            for one in offers
            if one in self.sold
        ]

    async def read_catalogue(self, products: Sequence[str]) -> Sequence[CatalogueProduct]:
        self.looked_up += products
        return [CatalogueProduct(product=one, eans=self.numbers[one]) for one in products if one in self.numbers]


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture
async def stall(database: Database, catalogue: Catalogue) -> Stall:
    made = Stall(database)
    made.products = catalogue
    made.leveller = made.make_leveller()
    return made


async def learned(stall: Stall) -> None:
    await stall.turns(30)


async def test_an_offer_is_linked_by_the_number_of_its_product(stall: Stall, catalogue: Catalogue) -> None:
    """OFF-12: an offer that bears no EAN is linked through its product, where its name agrees; its reading does not
    take that away."""
    await stall.stock("A", 9, name="Kubek biały 300 ml", ean=EAN)
    await shows(stall, "111", name="Kubek biały ceramiczny 300 ml")
    await shows(stall, "222", name="Rower miejski")
    catalogue.sells("111", EAN)
    catalogue.sells("222", EAN)
    await learned(stall)
    assert await items_of(stall, "111") == {"p-A": (1, LinkOrigin.EAN, None)}
    assert (await listed(stall, "222")).linking is Linking.PROPOSED
    assert [one["offer"] for one in await told(stall, "offer.unknown")] == ["222"]
    offer = await shows(stall, "111", 4, name="Kubek biały ceramiczny 300 ml")
    assert (offer.offer.ean, offer.offer.quantity) == (EAN, 4)


async def test_each_offer_and_each_product_is_read_once_and_again_after_a_week(
    stall: Stall, catalogue: Catalogue
) -> None:
    """Within the budget: sixty offers of one product take sixty calls and one."""
    for number in range(60):
        await shows(stall, str(number))
        catalogue.sells(str(number), EAN)
    await learned(stall)
    assert (len(catalogue.asked), catalogue.looked_up) == (60, [f"of-{EAN}"])
    await shows(stall, "7", 3)
    await learned(stall)
    assert len(catalogue.asked) == 60
    stall.clock.passed += WEEK + 60
    await learned(stall)
    assert (len(catalogue.asked), len(catalogue.looked_up)) == (120, 1)


async def test_another_name_or_mark_has_its_products_read_again(stall: Stall, catalogue: Catalogue) -> None:
    catalogue.sells("111", EAN)
    await shows(stall, "111")
    await learned(stall)
    offer = await shows(stall, "111", name="Another")
    assert offer.offer.ean == EAN  # until it is read
    catalogue.sells("111", OTHER)
    await learned(stall)
    assert (await listed(stall, "111")).offer.ean == OTHER
    assert catalogue.asked == ["111", "111"]


async def test_a_set_takes_as_many_as_its_marketplace_says(stall: Stall, catalogue: Catalogue) -> None:
    """What was linked before it was known is lowered at once, and in doubt."""
    await stall.stock("A", 12, ean=EAN)
    await shows(stall, "111", 12, sku="A")
    await stall.turns(30)
    catalogue.sells("222", **{f"of-{EAN}": 6})
    catalogue.numbers[f"of-{EAN}"] = (EAN,)
    await shows(stall, "222", 2, sku="A")
    await learned(stall)
    offer = await listed(stall, "222")
    assert (offer.offer.set_size, offer.offer.ean) == (6, EAN)
    assert (await items_of(stall, "222"))["p-A"][0] == 6
    assert (await stall.level("222")).wanted == 2
    assert [one["offer"] for one in await told(stall, "link.doubted")] == ["222"]


async def test_another_product_of_a_linked_offer_is_a_doubt(stall: Stall, catalogue: Catalogue) -> None:
    await stall.stock("A", 9, ean=EAN)
    await shows(stall, "111", sku="A")
    catalogue.sells("111", EAN)
    await learned(stall)
    assert await told(stall, "link.doubted") == []
    catalogue.sells("111", OTHER)
    stall.clock.passed += WEEK + 60
    await learned(stall)
    assert [one["offer"] for one in await told(stall, "link.doubted")] == ["111"]


async def test_a_linked_offer_that_turns_out_to_sell_several_is_in_doubt(
    stall: Stall, catalogue: Catalogue
) -> None:
    """Linked to a part by the seller's mark, it would sell what its other parts have not."""
    await stall.stock("A", 9, ean=EAN)
    await stall.stock("B", 9, ean=OTHER)
    await shows(stall, "111", sku="A")
    catalogue.sells("111", EAN, OTHER)
    await learned(stall)
    assert [one["offer"] for one in await told(stall, "link.doubted")] == ["111"]


async def test_a_set_of_several_without_a_mark_is_proposed(stall: Stall, catalogue: Catalogue) -> None:
    await stall.stock("A", 9, ean=EAN)
    await stall.stock("B", 9, ean=OTHER)
    await shows(stall, "111")
    catalogue.sells("111", EAN, OTHER)
    await learned(stall)
    offer = await listed(stall, "111")
    assert (offer.linking, offer.offer.ean, offer.offer.set_size) == (Linking.PROPOSED, None, None)


async def test_of_several_numbers_the_one_counts_that_an_item_bears(stall: Stall, catalogue: Catalogue) -> None:
    await stall.stock("A", 9, ean=OTHER)
    for number in ("111", "222"):
        await shows(stall, number)
    catalogue.sells("111", two=1)
    catalogue.sells("222", foreign=1)
    catalogue.numbers |= {"two": (EAN, OTHER, "123"), "foreign": (EAN, "4006381333931")}
    await learned(stall)
    assert [(await listed(stall, one)).offer.ean for one in ("111", "222")] == [OTHER, None]


async def test_one_that_makes_no_sense_keeps_nobody_from_the_others(stall: Stall, catalogue: Catalogue) -> None:
    for number in ("111", "222", "333"):
        await shows(stall, number)
        catalogue.sells(number, EAN)
    catalogue.bent = {"222"}
    await learned(stall)
    assert [(await listed(stall, one)).offer.ean for one in ("111", "222", "333")] == [EAN, None, EAN]


async def test_what_is_down_is_asked_again_and_holds_up_no_quantity(stall: Stall, catalogue: Catalogue) -> None:
    await stall.stock("A", 3)
    await shows(stall, "111", 5, sku="A")
    catalogue.sells("111", EAN)
    catalogue.down = True
    await stall.turns(30)
    assert (await stall.level("111")).confirmed == 3
    catalogue.down = False
    stall.clock.passed += 600
    await learned(stall)
    assert (await listed(stall, "111")).offer.ean == EAN


async def test_what_is_learned_is_no_event(stall: Stall, catalogue: Catalogue) -> None:
    """OFF-13: where offers are linked on events, one that was there stays as it is, and one listed since is
    linked when its product is known."""
    await stall.stock("A", 9, name="Kubek biały", ean=EAN)
    stall.rules = [StockRule(master="shop", channels=frozenset({"allegro"}), link_on_events=True)]
    await relink(stall.database, stall.clock, "allegro", stall.routes, stall.rules, Pulses())  # type: ignore[arg-type]
    for number, seconds in (("111", -60), ("222", 60)):
        at = stall.clock.now() + timedelta(seconds=seconds)
        said = Offer(external_id=number, name="Kubek biały", quantity=1, state=OfferState.ACTIVE, listed_at=at)
        stall.channel.list(number, 1)
        await stall.land("allegro", said)
        catalogue.sells(number, EAN)
    await learned(stall)
    assert [one.ean for one in [(await listed(stall, n)).offer for n in ("111", "222")]] == [EAN, EAN]
    assert await items_of(stall, "111") == {}
    assert await items_of(stall, "222") == {"p-A": (1, LinkOrigin.EAN, None)}
    assert await offers.linked_accounts(stall.database.reader, ["allegro"]) == {"allegro": 1}


@pytest.mark.parametrize("several", [False, True])
async def test_a_set_that_sells_other_pieces_is_doubted_whoever_linked_it(
    stall: Stall, catalogue: Catalogue, several: bool
) -> None:
    """OFF-13: an offer that a person linked sells three pieces of what it sold one of: no more than three sets are
    shown of nine pieces, until a person confirms it. One that never changes is left alone."""
    await stall.stock("A", 9, ean=EAN)
    await stall.stock("B", 9, ean=OTHER)
    await shows(stall, "111", 9)
    catalogue.sells("111", *((EAN, OTHER) if several else (EAN,)))
    await learned(stall)
    by_hand = hands(stall)
    await by_hand.add(LinkRow(number=1, account="allegro", offer="111", sku="A", units=1), "ann")
    if several:
        await by_hand.add(LinkRow(number=1, account="allegro", offer="111", sku="B", units=1), "ann", part=True)
    stall.clock.passed += WEEK + 60
    await learned(stall)
    assert (await stall.level("111")).wanted == 9
    assert await told(stall, "link.doubted") == []
    catalogue.sells("111", OTHER, **{f"of-{EAN}": 3})
    catalogue.numbers[f"of-{EAN}"] = (EAN,)
    stall.clock.passed += WEEK + 60
    await learned(stall)
    assert (await stall.level("111")).wanted == 3
    doubts = await told(stall, "link.doubted")
    assert len(doubts) == (2 if several else 1)
    linked = await items_of(stall, "111")
    assert linked["p-A"][0] == 3
    stall.clock.passed += WEEK + 60
    await learned(stall)
    assert len(await told(stall, "link.doubted")) == len(doubts)
