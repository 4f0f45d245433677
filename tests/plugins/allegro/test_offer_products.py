"""Which products Allegro's offers sell: their sets, and the article numbers of their products."""

from __future__ import annotations

from typing import Any

import pytest

from olhubd.model import CatalogueProduct, OfferContents
from olhubd.plugin import ContractBroken, OfferProducts
from olhubd_allegro import Allegro
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.allegro.offers import OFFER

ONE, OTHER = str(OFFER + 1), str(OFFER + 2)
MUG, BLACK_MUG = "5900001234501", "5900001234570"


async def eans(allegro: Allegro, contents: OfferContents) -> list[tuple[tuple[str, ...], int]]:
    found = await allegro.product_sets.read_catalogue([one.product for one in contents.products])
    numbers = {one.product: one.eans for one in found}
    return [(numbers[one.product], one.pieces) for one in contents.products]


async def test_an_offer_bears_the_article_number_of_its_product(allegro: Allegro) -> None:
    """OFF-12: through the product of the catalogue, in the parameter that says of itself that it is the GTIN."""
    assert allegro.capability(OfferProducts) is allegro.product_sets
    (one,) = await allegro.product_sets.read_contents([ONE])
    assert await eans(allegro, one) == [((MUG,), 1)]


async def test_sets_have_their_quantities(allegro: Allegro, simulator: AllegroSimulator) -> None:
    simulator.listing.sold.set_products(ONE, [MUG], [6])
    simulator.listing.sold.set_products(OTHER, [MUG, BLACK_MUG], [2])
    six, both = await allegro.product_sets.read_contents([ONE, OTHER])
    assert await eans(allegro, six) == [((MUG,), 6)]
    assert await eans(allegro, both) == [((MUG,), 2), ((BLACK_MUG,), 1)]


async def test_a_product_may_bear_several_numbers_and_an_offer_none(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    simulator.listing.sold.name_product(MUG, [MUG, "5900001234648"])
    simulator.listing.sold.set_products(OTHER, [])
    one, none = await allegro.product_sets.read_contents([ONE, OTHER])
    assert await eans(allegro, one) == [((MUG, "5900001234648"), 1)]
    assert none.products == ()


async def test_what_is_not_there_is_left_out(allegro: Allegro) -> None:
    assert [one.offer for one in await allegro.product_sets.read_contents(["7999999999", ONE])] == [ONE]
    assert await allegro.product_sets.read_catalogue(["00000000-0000-4000-8000-000000000000"]) == []


async def test_only_the_parameter_that_says_so_is_the_article_number(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    product = simulator.listing.catalogue[MUG]
    code = {"id": "1", "name": "Kod", "values": ["4006381333931"], "options": {"identifiesProduct": True}}
    product["parameters"] = [code, {"id": "2", "name": "Bez opcji", "values": ["4006381333931"]}]
    (one,) = await allegro.product_sets.read_catalogue([product["id"]])
    assert one == CatalogueProduct(product=product["id"])


@pytest.mark.parametrize(
    "element",
    [
        {"quantity": {"value": 1}},
        {"product": {"id": None}, "quantity": {"value": 1}},
        {"product": {"id": "p"}, "quantity": {"value": 0}},
        {"product": {"id": "p"}, "quantity": {"value": "6"}},
        {"product": {"id": "p"}, "quantity": 6},
    ],
)
async def test_a_set_that_makes_no_sense_is_no_set_of_one_piece(
    allegro: Allegro, simulator: AllegroSimulator, element: dict[str, Any]
) -> None:
    simulator.book.contents = lambda _offer: [element]
    with pytest.raises(ContractBroken):
        await allegro.product_sets.read_contents([ONE])


async def test_the_details_of_another_offer_say_nothing(
    allegro: Allegro, simulator: AllegroSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    detailed = simulator.book.detailed

    def another(offer: str) -> Any:
        return detailed(OTHER)

    monkeypatch.setattr(simulator.book, "detailed", another)
    with pytest.raises(ContractBroken):
        await allegro.product_sets.read_contents([ONE])


async def test_a_product_named_twice_is_one_with_the_pieces_of_both(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    element = {"product": {"id": "p"}}
    simulator.book.contents = lambda _offer: [element, {**element, "quantity": {"value": 2}}]
    (one,) = await allegro.product_sets.read_contents([ONE])
    assert [(part.product, part.pieces) for part in one.products] == [("p", 3)]
