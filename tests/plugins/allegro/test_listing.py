"""Offers made, changed and ended at Allegro, and what of a draft is refused before it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from olhubd.model import Money, Offer, OfferDraft, OfferParameter, OfferState, code_of
from olhubd.plugin import AccountBlocked, NotFound, OfferTicket, OutcomeUnknown, PluginError, Rejected, Unavailable
from olhubd_allegro import Allegro
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.allegro.listing_rules import CLOSED, OPEN, PARENT
from olhubd_kit.simulators.allegro.offers import OFFER
from olhubd_kit.test_host import account

NEW = OfferParameter(name="Stan", values=("Nowy",))
DRAFT = OfferDraft(
    sku="MADE-1",
    name="Kubek ceramiczny biały 330 ml",
    ean="5900001234501",
    price=Money(Decimal("24.90"), "PLN"),
    quantity=5,
    parameters=(NEW,),
    description="<p>Biały <b>kubek</b></p>",
    images=("https://shop.example/kubek.jpg",),
    shipping="Kurier i paczkomaty",
    handling_days=1,
    producer="Bolesławiec SA",
    safety="Nie wkładać do piekarnika",
    tax="23",
)


async def read(allegro: Allegro, answer: Offer | OfferTicket | None) -> Offer:
    for _ in range(9):
        if isinstance(answer, Offer):
            return answer
        assert answer is not None
        answer = await allegro.listing.report_offer(answer.ticket)
    raise AssertionError("it is never done")


async def made(allegro: Allegro, draft: OfferDraft = DRAFT) -> Offer:
    return await read(allegro, await allegro.listing.create_offer(draft))


async def test_an_offer_is_made_as_a_draft_with_all_that_was_said(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    offer = await made(allegro)
    assert (offer.state, offer.sku, offer.price, offer.quantity) == (
        OfferState.INACTIVE,
        "MADE-1",
        DRAFT.price,
        5,
    )
    (sent,) = simulator.listing.sent
    assert sent["publication"] == {"status": "INACTIVE", "republish": False}
    assert sent["productSet"][0]["product"] == {"id": "5900001234501", "idType": "GTIN"}
    assert sent["productSet"][0]["quantity"] == {"value": 1}
    assert sent["parameters"] == [{"id": "11323", "valuesIds": ["11323_1"]}]
    assert sent["delivery"]["handlingTime"] == "PT24H"
    assert sent["taxSettings"] == {"rates": [{"rate": "23.00", "countryCode": "PL"}], "subject": "GOODS"}
    assert set(sent["images"]) <= simulator.listing.images
    assert sent["description"]["sections"][0]["items"][0]["content"] == "<p>Biały <b>kubek</b></p>"


async def test_it_is_published_changed_and_ended(allegro: Allegro, simulator: AllegroSimulator) -> None:
    number = (await made(allegro)).external_id
    sink = allegro.listing
    offer = await read(allegro, await sink.publish_offer(number))
    assert (offer.state, simulator.book.buyable()[number]) == (OfferState.ACTIVE, 5)
    assert await sink.publish_offer(number) == offer, "twice is once"
    change = OfferDraft(sku="MADE-1", handling_days=3, price=Money(Decimal("19.00"), "PLN"))
    offer = await read(allegro, await sink.change_offer(number, change))
    assert offer.price == change.price
    assert simulator.listing.listing(number)["delivery"]["handlingTime"] == "P3D"
    assert simulator.listing.listing(number)["delivery"]["shippingRates"], "what was not said stays"
    offer = await read(allegro, await sink.end_offer(number))
    assert offer.state is OfferState.ENDED
    assert await sink.end_offer(number) == offer


async def test_a_parameter_is_changed_and_the_others_stay(allegro: Allegro, simulator: AllegroSimulator) -> None:
    """Allegro takes all of them or none, and by the category of the offer."""
    number = (await made(allegro)).external_id
    for name, value in (("Liczba w zestawie", "2"), ("Stan", "Używany")):
        change = OfferDraft(sku="MADE-1", parameters=(OfferParameter(name=name, values=(value,)),))
        await read(allegro, await allegro.listing.change_offer(number, change))
    assert simulator.listing.listing(number)["parameters"] == [
        {"id": "17448", "values": ["2"]},
        {"id": "11323", "valuesIds": ["11323_2"]},
    ]
    for field, change in (
        ("ean", OfferDraft(sku="MADE-1", ean="5900001234501")),
        ("safety", OfferDraft(sku="MADE-1", safety="Gorące")),
        ("parameters.Marka", OfferDraft(sku="MADE-1", parameters=(OfferParameter(name="Marka", values=("X",)),))),
    ):
        flaws = (await allegro.listing.prepare_offer(change, number)).flaws
        assert [(one.field, code_of(one.why)) for one in flaws] == [(field, "olhubd_allegro:fixed")]


async def test_what_is_accepted_and_done_later_is_asked_for(allegro: Allegro, simulator: AllegroSimulator) -> None:
    simulator.listing.accept_later(1, 0.2)
    ticket = await allegro.listing.create_offer(DRAFT)
    assert isinstance(ticket, OfferTicket)
    assert await allegro.listing.find_offers("MADE-1") == []
    waiting = await allegro.listing.report_offer(ticket.ticket)
    assert isinstance(waiting, OfferTicket)
    assert waiting.after == 2
    for operation in simulator.listing.operations.values():
        operation.at = simulator.now()
    done = await allegro.listing.report_offer(ticket.ticket)
    assert isinstance(done, Offer)
    assert await allegro.listing.find_offers("MADE-1") == [done]


async def test_what_fails_later_names_its_field(allegro: Allegro, simulator: AllegroSimulator) -> None:
    simulator.listing.accept_later(1, 0)
    simulator.listing.refuse_listings("images", "The picture is too small.")
    ticket = await allegro.listing.create_offer(DRAFT)
    assert isinstance(ticket, OfferTicket)
    with pytest.raises(Rejected, match="images: The picture is too small") as refused:
        await allegro.listing.report_offer(ticket.ticket)
    assert refused.value.field == "images"
    assert simulator.listing.listings("MADE-1") == []


async def test_all_that_allegro_refuses_is_said_with_its_fields(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    simulator.listing.refuse_listings("name", "Too many capitals.")
    simulator.listing.refuse_listings("location", "Where is it?")
    simulator.listing._planned = lambda: [  # type: ignore[method-assign]
        {"code": "X", "message": text, "details": None, "path": path, "userMessage": text}
        for path, text in simulator.listing._refused
    ]
    with pytest.raises(Rejected, match=r"name: Too many capitals\.; location: Where is it\?") as refused:
        await allegro.listing.create_offer(DRAFT)
    assert refused.value.field == "name"


async def test_a_lost_answer_is_unknown_and_the_offer_is_found_by_its_mark(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    simulator.faults.add(Fault(kind=FaultKind.LOSE, match="POST /sale/product-offers"))
    with pytest.raises(OutcomeUnknown):
        await allegro.listing.create_offer(DRAFT)
    (found,) = await allegro.listing.find_offers("MADE-1")
    assert [found.external_id] == simulator.listing.listings("MADE-1")


async def test_a_filter_that_is_not_obeyed_finds_nobody_elses_offer(
    allegro: Allegro, simulator: AllegroSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for by its mark, and Allegro answers with all that there are."""
    mine = await made(allegro)
    await made(allegro, replace(DRAFT, sku="MADE-1-XL"))
    api = allegro.listing._offers._api
    real, marks = api.get, list[Any]()

    async def deaf(path: str, into: Any, query: Any) -> Any:
        marks.append(query.pop("external.id", None))
        return await real(path, into, query)

    monkeypatch.setattr(api, "get", deaf)
    found = await allegro.listing.find_offers("MADE-1")
    assert (set(marks), [one.external_id for one in found]) == ({"MADE-1"}, [mine.external_id])
    assert len(simulator.book.offers) > 2


async def test_an_offer_that_is_being_changed_is_changed_later(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    number = (await made(allegro)).external_id
    simulator.listing.accept_later(1, 60)
    await allegro.listing.change_offer(number, OfferDraft(sku="MADE-1", handling_days=2))
    with pytest.raises(Unavailable):
        await allegro.listing.change_offer(number, OfferDraft(sku="MADE-1", handling_days=3))


async def test_a_change_whose_answer_is_lost_may_still_act(allegro: Allegro, simulator: AllegroSimulator) -> None:
    """Sent once more at once it would count as done, and the first could undo what is changed after that."""
    number = (await made(allegro)).external_id
    simulator.faults.add(Fault(kind=FaultKind.LATE, match="PATCH /sale/product-offers", seconds=0.1))
    with pytest.raises(OutcomeUnknown):
        await allegro.listing.change_offer(number, OfferDraft(sku="MADE-1", price=Money(Decimal("19.00"), "PLN")))
    await simulator.faults.settle()


async def test_a_ticket_that_nobody_knows_says_nothing(allegro: Allegro) -> None:
    for ticket in ("operation:7:8", "command:7:8", "offer:7", "7", ""):
        assert await allegro.listing.report_offer(ticket) is None


async def test_what_is_not_known_at_allegro_is_described_whole(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    """No quantity beside an inline product: Allegro refuses that."""
    draft = replace(
        DRAFT,
        ean="5901234123457",
        parameters=(NEW, OfferParameter(name="marka", values=("Własna",))),
    )
    offer = await made(allegro, draft)
    product = simulator.listing.sent[-1]["productSet"][0]
    assert offer.state is OfferState.INACTIVE
    assert "quantity" not in product
    assert product["product"]["category"] == {"id": OPEN}
    assert {"id": "225693", "values": ["5901234123457"]} in product["product"]["parameters"]
    assert {"id": "237206", "values": ["Własna"]} in product["product"]["parameters"]


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a forbidden tag": ({"description": "<p>a</p><script>x</script>"}, "description", "description-tag"),
    "an attribute": ({"description": '<p style="x">a</p>'}, "description", "description-attribute"),
    "bold in a heading": ({"description": "<h1><b>a</b></h1>"}, "description", "description-inside"),
    "text outside of a block": ({"description": "<p>a</p>b"}, "description", "description-text"),
    "a list item outside of a list": ({"description": "<li>a</li>"}, "description", "description-outside"),
    "an open tag": ({"description": "<p>a"}, "description", "description-open"),
    "tags that cross": ({"description": "<p><b>a</p></b>"}, "description", "description-closed"),
    "a long description": ({"description": "ą" * 20_001}, "description", "description-long"),
    "a short name": ({"name": "Kubek"}, "name", "name-length"),
    "a closed category": ({"category": CLOSED}, "category", "category-closed"),
    "a category with others below it": ({"category": PARENT}, "category", "category-parent"),
    "a category that is not there": ({"category": "1"}, "category", "category-unknown"),
    "no suggestion": (
        {"ean": None, "name": "Coś nienazwane zupełnie"},
        "category",
        "category-needed",
    ),
    "a parameter of no such name": (
        {"parameters": (NEW, OfferParameter(name="Smak", values=("x",)))},
        "parameters.Smak",
        "parameter-unknown",
    ),
    "a parameter that is missing": ({"parameters": ()}, "parameters.Stan", "parameter-needed-of"),
    "a word that is not in the list": (
        {"parameters": (OfferParameter(name="Stan", values=("Stary",)),)},
        "parameters.Stan",
        "parameter-word",
    ),
    "two of one": (
        {"parameters": (OfferParameter(name="Stan", values=("Nowy", "Używany")),)},
        "parameters.Stan",
        "parameter-one",
    ),
    "the same twice": ({"parameters": (NEW, replace(NEW, name="11323"))}, "parameters.11323", "parameter-twice"),
    "a text for a number": (
        {"parameters": (NEW, OfferParameter(name="Pojemność", values=("duża",)))},
        "parameters.Pojemność",
        "parameter-number",
    ),
    "a number beyond its limits": (
        {"parameters": (NEW, OfferParameter(name="Pojemność", values=("6000",)))},
        "parameters.Pojemność",
        "parameter-limits",
    ),
    "too many places": (
        {"parameters": (NEW, OfferParameter(name="Pojemność", values=("1,25",)))},
        "parameters.Pojemność",
        "parameter-places",
    ),
    "half a piece": (
        {"parameters": (NEW, OfferParameter(name="Liczba w zestawie", values=("1.5",)))},
        "parameters.Liczba w zestawie",
        "parameter-number",
    ),
    "a short text": (
        {"parameters": (NEW, OfferParameter(name="EAN (GTIN)", values=("12",)))},
        "parameters.EAN (GTIN)",
        "parameter-length",
    ),
    "a price list of deliveries that is not there": ({"shipping": "Gołąb"}, "shipping", "term-unknown"),
    "no price list of deliveries though there are two": ({"shipping": None}, "shipping", "term-needed"),
    "a policy that is not there": ({"returns": "30 dni"}, "returns", "term-unknown"),
    "a producer that is not there": ({"producer": "Nikt"}, "producer", "term-unknown"),
    "a tax rate that is none": ({"tax": "22"}, "tax", "tax"),
    "a handling time between two": ({"handling_days": 6}, "handling_days", "handling"),
    "too many pictures": (
        {"images": tuple(f"https://shop.example/{n}.jpg" for n in range(17))},
        "images",
        "images",
    ),
    "a product that is not there": ({"ean": None, "product": "7"}, "product", "product-unknown"),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
async def test_what_would_be_refused_is_said_with_its_field_before_anything_is_sent(
    allegro: Allegro, simulator: AllegroSimulator, change: tuple[dict[str, Any], str, str]
) -> None:
    words, field, code = change
    draft = replace(DRAFT, **words)
    prepared = await allegro.listing.prepare_offer(draft)
    assert [(one.field, code_of(one.why)) for one in prepared.flaws] == [(field, f"olhubd_allegro:{code}")]
    with pytest.raises(Rejected) as refused:
        await allegro.listing.create_offer(draft)
    assert refused.value.field == field
    assert simulator.listing.listings("MADE-1") == []


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("https://shop.example/large.jpg", "image-large"),
        ("https://shop.example/k.gif", "image-kind"),
        ("https://shop.example/gone.jpg", "image-refused"),
    ],
)
async def test_a_picture_that_allegro_does_not_take_is_named(
    allegro: Allegro, simulator: AllegroSimulator, image: str, code: str
) -> None:
    with pytest.raises(Rejected) as refused:
        await made(allegro, replace(DRAFT, images=("https://shop.example/k.jpg", image)))
    assert refused.value.field == "images"
    assert code_of(refused.value.args[0]) == f"olhubd_allegro:{code}"
    assert image in str(refused.value)
    assert simulator.listing.listings("MADE-1") == []


async def test_what_is_described_can_be_made_again(allegro: Allegro, simulator: AllegroSimulator) -> None:
    """By the names of policies, so that another account finds its own."""
    offer = await made(allegro)
    described = await allegro.listing.describe_offer(offer.external_id)
    assert (described.shipping, described.returns, described.producer) == (
        "Kurier i paczkomaty",
        "14 dni",
        "Bolesławiec SA",
    )
    assert (described.handling_days, described.tax, described.safety) == (1, "23.00", DRAFT.safety)
    again = await made(allegro, replace(described, sku="MADE-2"))
    first, second = (simulator.listing.bodies[one.external_id] for one in (offer, again))
    for name in ("delivery", "afterSalesServices", "taxSettings", "parameters", "description", "sellingMode"):
        assert first[name] == second[name], name
    with pytest.raises(NotFound):
        await allegro.listing.describe_offer("1")


async def test_a_set_is_not_copied_as_one_piece(allegro: Allegro, simulator: AllegroSimulator) -> None:
    """At the price of all of them."""
    number = (await made(allegro)).external_id
    simulator.listing.bodies[number]["productSet"][0]["quantity"] = {"value": 6}
    with pytest.raises(Rejected) as refused:
        await allegro.listing.describe_offer(number)
    assert code_of(refused.value.args[0]) == "olhubd_allegro:set"


async def test_what_a_draft_lacks_keeps_it_from_being_published(
    allegro: Allegro, simulator: AllegroSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = await made(allegro)
    real = simulator.book.detailed
    lacking = [{"code": "X", "message": "m", "details": None, "path": "location", "userMessage": "Where is it?"}]

    def detailed(id_: str) -> Any:
        found = real(id_)
        return found and {**found, "validation": {"errors": lacking}}

    monkeypatch.setattr(simulator.book, "detailed", detailed)
    with pytest.raises(Rejected, match="Where is it") as refused:
        await allegro.listing.publish_offer(offer.external_id)
    assert refused.value.field == "location"
    assert simulator.book.buyable()[offer.external_id] == 0


async def test_a_command_that_fails_says_why(allegro: Allegro, simulator: AllegroSimulator) -> None:
    simulator.book.fail_tasks([str(OFFER + 1)], "RESPONSIBLE_PRODUCER_NOT_SPECIFIED")
    ticket = await allegro.listing.end_offer(str(OFFER + 1))
    assert isinstance(ticket, OfferTicket)
    with pytest.raises(Rejected, match="RESPONSIBLE_PRODUCER_NOT_SPECIFIED"):
        await allegro.listing.report_offer(ticket.ticket)


@pytest.fixture
async def other() -> AsyncIterator[Allegro]:
    """Another seller's account."""
    simulator = AllegroSimulator(seed=8)
    async with (
        serve(simulator) as base,
        account(Allegro, simulator.settings(base), token=simulator.token()) as connector,
    ):
        yield connector


async def test_another_account_finds_its_own_terms_by_their_names(allegro: Allegro, other: Allegro) -> None:
    offer = await made(allegro)
    described = await allegro.listing.describe_offer(offer.external_id)
    mine = (await allegro.listing.prepare_offer(described)).body["afterSalesServices"]
    theirs = await other.listing.prepare_offer(described)
    assert theirs.flaws == ()
    assert theirs.body["afterSalesServices"] != mine
    with pytest.raises(PluginError):
        await other.listing.describe_offer(offer.external_id)


@pytest.mark.parametrize("match", ["POST /sale/product-offers", "POST /sale/images"])
async def test_a_blocked_account_is_said_of_offers_and_pictures_too(
    simulator: AllegroSimulator, match: str
) -> None:
    """By the codes that the operator has named, as of any other call."""
    async with serve(simulator) as base:
        settings = {**simulator.settings(base), "blocked_codes": ["AccountClosed"]}
        async with account(Allegro, settings, token=simulator.token()) as allegro:
            await allegro.listing.prepare_offer(DRAFT)
            simulator.block("AccountClosed", match)
            with pytest.raises(AccountBlocked):
                await allegro.listing.create_offer(DRAFT)
    assert simulator.listing.listings("MADE-1") == []
