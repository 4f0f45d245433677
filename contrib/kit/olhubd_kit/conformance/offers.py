"""The account's offers as its feed reports them: what buyers can buy, in which state, and who ended it.

The truth is what the simulator's `offered` says. What all feeds must keep, such as a list
that shifts, is in `streams`.
"""

from __future__ import annotations

from olhubd.model import EndedBy, Kind, Offer, OfferState, OfferTerms
from olhubd.plugin import LevelSink, Page, PluginError, Unreadable
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.rule import NotApplicable, Tier, check, rule
from olhubd_kit.conformance.whole import KindReading, feed_of, full_pass, one_of
from olhubd_kit.simulator import BookedOffer

_FEED = "OfferFeed"
MANY = 150
"""More than a page of most systems shows."""
STOOD = 5
"""Pieces of each offer before a rule begins."""
PAUSE = 3 * 86400.0
"""Seconds for which nobody reads: longer than a marketplace keeps its journal."""
FROZEN = "FROZEN"
"""A state that no system has yet."""


def _books(bench: Bench) -> dict[str, BookedOffer]:
    found = {one.external_id: one for one in bench.simulator.offered()}
    if not found:
        raise NotApplicable("the simulator's `offered` holds no offers", lacking=True)
    return found


async def _offers(bench: Bench, count: int) -> list[str]:
    return [str(one) for one in await bench.do("list_offers", count, quantity=STOOD)]


def _offer(reading: KindReading, key: str) -> Offer:
    return one_of(reading.records, key, Offer)


def _fits(offer: Offer, booked: BookedOffer) -> None:
    """Whether it says what buyers see."""
    key = booked.external_id
    said = f"offer {key} is reported as {offer.state} with {offer.quantity}: {offer.buyable} to buy"
    check(offer.buyable == booked.buyable, f"{said}, and buyers can buy {booked.buyable}")
    check(offer.external_state, f"offer {key} comes without the system's own word for its state")


@rule("OFFER-01", Tier.BRONZE, _FEED)
async def each_offer_comes_with_what_buyers_can_buy(bench: Bench) -> None:
    """Each offer on sale comes as ACTIVE, with its quantity, the system's own word for its state and its SKU."""
    reading = await KindReading.begun(bench, Kind.OFFER)
    offers = await _offers(bench, 3)
    await reading.go_on()
    for key in offers:
        offer, booked = _offer(reading, key), _books(bench)[key]
        _fits(offer, booked)
        check(
            offer.sku == booked.sku, f"offer {key} has the SKU {booked.sku!r}, and is reported with {offer.sku!r}"
        )


@rule("OFFER-02", Tier.BRONZE, _FEED)
async def what_has_ended_is_not_on_sale(bench: Bench) -> None:
    """An offer that ends comes again as one that nobody can buy, whatever it still holds; the others go on."""
    reading = await KindReading.begun(bench, Kind.OFFER)
    one, other = await _offers(bench, 2)
    await reading.go_on()
    await bench.do("end_offer", one, by=EndedBy.SELLER.value)
    await reading.go_on()
    for key in (one, other):
        _fits(_offer(reading, key), _books(bench)[key])
    state = _offer(reading, one).state
    check(state in (OfferState.ENDED, OfferState.INACTIVE), f"an offer that has ended is reported as {state}")


@rule("OFFER-03", Tier.BRONZE, _FEED)
async def what_is_bought_out_comes_back_with_what_is_put_in(bench: Bench) -> None:
    """An offer of which all is bought comes again with nothing to buy, and once more when pieces are put in."""
    reading = await KindReading.begun(bench, Kind.OFFER)
    [one] = await _offers(bench, 1)
    await reading.go_on()
    for pieces in (2, STOOD - 2):
        await bench.do("sell_offer", one, pieces=pieces)
        await reading.go_on()
        _fits(_offer(reading, one), _books(bench)[one])
    await bench.do("set_quantity", one, 4)
    await reading.go_on()
    _fits(_offer(reading, one), _books(bench)[one])


@rule("OFFER-04", Tier.SILVER, _FEED)
async def a_state_that_is_not_known_is_unknown(bench: Bench) -> None:
    """A state word that nobody has heard of is UNKNOWN beside the word itself: neither ended nor on sale."""
    reading = await KindReading.begun(bench, Kind.OFFER)
    [one] = await _offers(bench, 1)
    await bench.do("set_offer_state", one, state=FROZEN)
    await reading.go_on()
    offer = _offer(reading, one)
    check(offer.state is OfferState.UNKNOWN, f"the state {FROZEN} is reported as {offer.state}")
    check(offer.external_state == FROZEN, f"the state {FROZEN} is reported in the word {offer.external_state!r}")


@rule("OFFER-05", Tier.SILVER, _FEED)
async def a_quantity_that_is_not_told_is_none(bench: Bench) -> None:
    """An offer that comes without its quantity has None, or is Unreadable: zero would sell it out everywhere."""
    reading = await KindReading.begun(bench, Kind.OFFER)
    one, other = await _offers(bench, 2)
    await bench.do("hide_quantity", one)
    await reading.go_on()
    found = reading.records.get(one)
    if not isinstance(found, Unreadable):
        offer = _offer(reading, one)
        check(offer.quantity is None, f"a quantity that the system does not send is reported as {offer.quantity}")
    _fits(_offer(reading, other), _books(bench)[other])


@rule("OFFER-06", Tier.BRONZE, _FEED)
async def no_mark_is_none(bench: Bench) -> None:
    """An offer without the seller's own mark has the SKU None: an empty text would be one mark of many."""
    reading = await KindReading.begun(bench, Kind.OFFER)
    [one] = await _offers(bench, 1)
    await bench.do("unmark_offer", one)
    await reading.go_on()
    check(_offer(reading, one).sku is None, f"no mark is reported as {_offer(reading, one).sku!r}")


@rule("OFFER-07", Tier.SILVER, _FEED)
async def what_is_taken_away_is_not_on_sale(bench: Bench) -> None:
    """An offer that is archived or deleted is never reported as one that can be bought; the others go on."""
    reading = await KindReading.begun(bench, Kind.OFFER)
    one, other = await _offers(bench, 2)
    await reading.go_on()
    await bench.do("take", feed_of(bench, Kind.OFFER).name, kind=Kind.OFFER, id=one)
    reading.records.clear()
    await reading.settle()
    found = reading.records.get(one)
    check(not isinstance(found, Offer) or found.buyable == 0, f"an offer that is not there came as {found!r:.80}")
    if other in reading.records:
        _fits(_offer(reading, other), _books(bench)[other])


@rule("OFFER-08", Tier.SILVER, _FEED)
async def a_pause_longer_than_the_journal_loses_nothing(bench: Bench) -> None:
    """What happened while nobody read for three days is known when the feed has been read on to its end, and swept
    where it can be: also what the system's journal has forgotten by then.
    """
    reading = await KindReading.begun(bench, Kind.OFFER)
    ended, changed, same = await _offers(bench, 3)
    await reading.go_on()
    await bench.do("end_offer", ended, by=EndedBy.SELLER.value)
    await bench.do("set_quantity", changed, 2)
    [new] = await _offers(bench, 1)
    bench.clock.advance(PAUSE)
    await reading.settle()
    for key in (ended, changed, same, new):
        _fits(_offer(reading, key), _books(bench)[key])


@rule("OFFER-09", Tier.SILVER, _FEED)
async def an_unreadable_offer_is_its_own_failure_in_a_full_pass(bench: Bench) -> None:
    """In a sweep an offer that cannot be understood is Unreadable, and all others come."""
    feed = feed_of(bench, Kind.OFFER)
    bad, *good = await _offers(bench, 3)
    await bench.do("spoil", feed.name, kind=Kind.OFFER, id=bad)
    found = (await full_pass(bench, feed)).latest
    check(isinstance(found.get(bad), Unreadable), f"what cannot be understood came as {found.get(bad)!r:.80}")
    for key in good:
        _fits(one_of(found, key, Offer), _books(bench)[key])


@rule("OFFER-10", Tier.GOLD, _FEED)
async def a_full_pass_is_complete_or_fails(bench: Bench) -> None:
    """A sweep brings every offer that is there, ended ones too, or it fails: also where pages end early and offers
    leave the list between two pages.
    """
    feed = feed_of(bench, Kind.OFFER)
    offers = await _offers(bench, MANY)
    await bench.do("end_offer", offers[-1], by=EndedBy.SELLER.value)
    taken = iter(offers[:4])

    async def takes(_page: Page) -> None:
        for key in (next(taken, None), next(taken, None)):
            if key is not None:
                await bench.do("take", feed.name, kind=Kind.OFFER, id=key)

    await bench.do("short_pages", 2)
    try:
        found = (await full_pass(bench, feed, takes)).latest
    except PluginError:
        return
    lost = sorted(set(_books(bench)) - set(found))
    check(not lost, f"a full pass ended without {len(lost)} offers ({', '.join(lost[:5])})")


def _terms_of(bench: Bench) -> LevelSink:
    sink = bench.part(LevelSink)
    if not (sink.resumes or sink.renews):
        raise NotApplicable(
            "its offers neither come back nor renew themselves, so nobody asks for terms", natural=True
        )
    return sink


async def _terms(bench: Bench, offer: str) -> OfferTerms:
    found = {one.offer: one for one in await _terms_of(bench).read_terms([offer])}
    check(offer in found, f"there are no terms of offer {offer}, which is there")
    return found[offer]


@rule("OFFER-11", Tier.SILVER, _FEED, "LevelSink")
async def who_ended_an_offer_is_known(bench: Bench) -> None:
    """The terms of an offer that has ended say when, and who ended it; those of one that is on sale say neither."""
    _terms_of(bench)
    kinds = [EndedBy.SELLER, EndedBy.SOLD_OUT, EndedBy.EXPIRED, EndedBy.MARKETPLACE]
    *offers, other = await _offers(bench, len(kinds) + 1)
    for key, by in zip(offers, kinds, strict=True):
        await bench.do("end_offer", key, by=by.value)
    for key in offers:
        terms, wanted = await _terms(bench, key), _books(bench)[key].ended_by
        check(
            terms.ended_by is wanted,
            f"an offer that was ended by {wanted} is reported as ended by {terms.ended_by}",
        )
        check(terms.ended_at is not None, f"of an offer that was ended by {wanted} nobody says when")
    terms = await _terms(bench, other)
    check(terms.state is OfferState.ACTIVE, f"the terms of an offer on sale say that it is {terms.state}")
    check(terms.ended_at is None and terms.ended_by is None, "the terms of an offer on sale say that it has ended")


@rule("OFFER-12", Tier.SILVER, _FEED, "LevelSink")
async def what_renews_itself_is_known(bench: Bench) -> None:
    """Where the system lists offers again by itself, the terms say of each whether it does; not saying is None."""
    if not _terms_of(bench).renews:
        raise NotApplicable("the system lists nothing again by itself", natural=True)
    one, other = await _offers(bench, 2)
    await bench.do("renew_offers", [one], on=True)
    said = {key: (await _terms(bench, key)).renews for key in (one, other)}
    check(said == {one: True, other: False}, f"one of two offers renews itself, and the terms say {said}")


@rule("OFFER-13", Tier.SILVER, _FEED, "LevelSink")
async def a_state_that_is_not_known_shows_no_number(bench: Bench) -> None:
    """`read_levels` of an offer in a state that nobody has heard of says that it is there, with a quantity of None:
    a number would be written over, and zero taken for sold out.
    """
    one, other = await _offers(bench, 2)
    await bench.do("set_offer_state", one, state=FROZEN)
    read = {level.offer: level for level in await bench.part(LevelSink).read_levels([one, other])}
    check(one in read, f"an offer in the state {FROZEN} is left out, as if it were not there")
    check(read[one].quantity is None, f"an offer in the state {FROZEN} is read as {read[one].quantity} pieces")
    check(read[other].quantity == STOOD, f"beside it an offer of {STOOD} is read as {read[other].quantity}")
