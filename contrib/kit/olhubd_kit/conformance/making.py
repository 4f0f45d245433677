"""Offers made: drafted, published, changed and ended, each by a step of its own, and found again by their mark.

The host looks an offer up by its mark before each try and publishes by another call. So what counts here is that a
look-up is exact, that what is made cannot be bought, and that no answer says more than the system knows. The
content is what the simulator's verbs `offer_draft`, `listings`, `offer_fields` and `buyable` give. What the rules
about failures ask of every call holds for these calls too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from olhubd.model import Money, Offer, OfferDraft, OfferState
from olhubd.plugin import NotFound, OfferSink, OfferTicket, PluginError, Rejected
from olhubd_kit.conformance.bench import Bench, SentRequest
from olhubd_kit.conformance.levels import MOST_ASKS, STRANGE
from olhubd_kit.conformance.lost import MOST_TRIES, MOST_WRITES, lose_answer
from olhubd_kit.conformance.rule import Tier, broken, check, rule
from olhubd_kit.faults import FaultKind

__all__ = ["draft_of", "followed", "made"]

LATER = 60.0
"""Seconds after which is done what is done later."""
MARK = "KIT-7"
LONGER = f"{MARK}1"
"""Another mark, which a search for a part of it would find too."""
DEARER = Decimal("7.77")
"""Added to a price, so that it is another one."""
FEWEST = 100
"""As many pieces no offer has by itself."""

Answer = Offer | OfferTicket


def _sink(bench: Bench) -> OfferSink:
    return bench.part(OfferSink)


async def draft_of(bench: Bench, sku: str) -> OfferDraft:
    """What the system would take as a new offer under this mark."""
    draft = await bench.do("offer_draft", sku)
    check(
        isinstance(draft, OfferDraft) and draft.sku == sku and draft.price is not None and draft.quantity,
        f"the simulator's verb 'offer_draft' gave {draft!r:.60}",
    )
    found: OfferDraft = draft
    return found


async def followed(bench: Bench, answer: Answer | None, sink: OfferSink | None = None) -> Offer:
    """The offer as it is read at last: a ticket is asked for its end, as the host does."""
    sink = sink or _sink(bench)
    for _ in range(MOST_ASKS):
        if not isinstance(answer, OfferTicket):
            break
        check(answer.after > 0, f"a ticket is to be asked for in {answer.after} seconds")
        bench.clock.advance(answer.after)
        answer = await sink.report_offer(answer.ticket)
    return answer if isinstance(answer, Offer) else broken(f"what was accepted ended in {answer!r:.60}")


async def made(bench: Bench, sku: str, *, publish: bool = False) -> tuple[OfferDraft, Offer]:
    """A new offer, with the draft that it was made of."""
    draft = await draft_of(bench, sku)
    offer = await followed(bench, await _sink(bench).create_offer(draft))
    if publish:
        offer = await followed(bench, await _sink(bench).publish_offer(offer.external_id))
    return draft, offer


async def _listings(bench: Bench, sku: str) -> list[str]:
    return list(await bench.do("listings", sku))


async def _buyable(bench: Bench, offer: str) -> int:
    there: Mapping[str, int] = await bench.do("buyable")
    return there.get(offer, 0)


async def _fields(bench: Bench, offer: str) -> dict[str, Any]:
    """What the system's books say of an offer."""
    found = dict(await bench.do("offer_fields", offer))
    if found.get("price") is not None:
        found["price"] = Decimal(found["price"])
    return found


def _said(draft: OfferDraft) -> dict[str, Any]:
    assert draft.price is not None
    return {"name": draft.name, "price": draft.price.rounded().amount, "quantity": draft.quantity}


def _dearer(draft: OfferDraft) -> Money:
    assert draft.price is not None
    return replace(draft.price, amount=draft.price.rounded().amount + DEARER)


@rule("MAKE-01", Tier.BRONZE, "OfferSink")
async def what_is_made_is_a_draft_with_its_mark(bench: Bench) -> None:
    """One request makes one offer, with the name, price, pieces and mark of its draft. Nobody can buy it, and it is
    read as what it is.
    """
    draft, offer = await made(bench, MARK)
    known = await _listings(bench, MARK)
    check(known == [offer.external_id], f"one offer was made, and under its mark there are {known}")
    fields = await _fields(bench, offer.external_id)
    wrong = {name: fields.get(name) for name, value in _said(draft).items() if fields.get(name) != value}
    check(not wrong, f"of what was said the offer has otherwise: {wrong}")
    pieces = await _buyable(bench, offer.external_id)
    check(not pieces, f"nobody published the offer, and buyers can buy {pieces}")
    for how, one in (("given", offer), ("read", await _sink(bench).read_offer(offer.external_id))):
        check(one is not None and one.external_id == offer.external_id, f"the offer is {how} as {one!r:.60}")
        assert one is not None
        check(one.state not in (OfferState.ACTIVE, OfferState.ENDED), f"a draft is {how} as {one.state.value}")
        shown = (one.sku, one.price, one.quantity)
        check(shown == (MARK, draft.price, draft.quantity), f"the offer is {how} with {shown}")


@rule("MAKE-02", Tier.BRONZE, "OfferSink")
async def a_look_up_finds_all_of_exactly_this_mark(bench: Bench) -> None:
    """A look-up gives all offers that bear this mark, drafts and ended ones too, and no other; nothing only where
    there is none.
    """
    _, one = await made(bench, MARK)
    _, other = await made(bench, LONGER, publish=True)
    for sku, offers in ((MARK, [one]), (LONGER, [other]), (f"{MARK}-none", [])):
        found = sorted(found.external_id for found in await _sink(bench).find_offers(sku))
        wanted = [offer.external_id for offer in offers]
        check(found == wanted, f"the offers under {sku} are {wanted}, and found are {found}")
    await bench.do("end_offer", other.external_id, by="seller")
    states = [(found.external_id, found.state) for found in await _sink(bench).find_offers(LONGER)]
    ended = OfferState.ENDED
    check(
        len(states) == 1 and states[0][1] is not OfferState.ACTIVE,
        f"one offer that has ended is found as {states}, not as {ended.value}",
    )


@rule("MAKE-03", Tier.BRONZE, "OfferSink")
async def publishing_is_a_step_of_its_own(bench: Bench) -> None:
    """What is published can be bought, its pieces once and no others; published again it stays as it is."""
    draft, offer = await made(bench, MARK)
    _, other = await made(bench, LONGER)
    for time in ("once", "twice"):
        there = await followed(bench, await _sink(bench).publish_offer(offer.external_id))
        pieces = await _buyable(bench, offer.external_id)
        check(pieces == draft.quantity, f"published {time}, buyers can buy {pieces} of {draft.quantity}")
        check(there.state is OfferState.ACTIVE, f"published {time}, it is given as {there.state.value}")
    check(not await _buyable(bench, other.external_id), "an offer that nobody named was published")
    known = await _listings(bench, MARK)
    check(len(known) == 1, f"publishing has made {len(known)} offers of one")


@rule("MAKE-04", Tier.BRONZE, "OfferSink")
async def what_was_ended_stays_ended(bench: Bench) -> None:
    """An offer that is ended cannot be bought. Ended again it stays so, and no change brings it back."""
    draft, offer = await made(bench, MARK, publish=True)
    _, other = await made(bench, LONGER, publish=True)
    for time in ("once", "twice"):
        there = await followed(bench, await _sink(bench).end_offer(offer.external_id))
        check(there.state is not OfferState.ACTIVE, f"ended {time}, it is given as {there.state.value}")
        pieces = await _buyable(bench, offer.external_id)
        check(not pieces, f"ended {time}, buyers can buy {pieces}")
    check(await _buyable(bench, other.external_id), "an offer that nobody named was ended")
    change = OfferDraft(sku=MARK, price=_dearer(draft))
    answer = await bench.attempt(lambda: _sink(bench).change_offer(offer.external_id, change))
    if not isinstance(answer, PluginError):
        there = await followed(bench, answer)
        check(there.state is not OfferState.ACTIVE, f"changed after its end, it is given as {there.state.value}")
    pieces = await _buyable(bench, offer.external_id)
    check(not pieces, f"a change after the end lets buyers buy {pieces}")


@rule("MAKE-05", Tier.BRONZE, "OfferSink")
async def a_change_replaces_only_what_it_says(bench: Bench) -> None:
    """A change replaces what it says and keeps the rest: neither a draft is published nor an offer ended by it. The
    same once more changes nothing, and an offer is no other one by it.
    """
    draft, offer = await made(bench, MARK)
    _, sold = await made(bench, LONGER, publish=True)
    kept = {one: await _fields(bench, one) for one in (offer.external_id, sold.external_id)}
    price = _dearer(draft)
    for time in ("once", "twice"):
        for one, sku in ((offer.external_id, MARK), (sold.external_id, LONGER)):
            there = await followed(bench, await _sink(bench).change_offer(one, OfferDraft(sku=sku, price=price)))
            check(there.external_id == one, f"offer {one} was changed, and {there.external_id} is given")
            check(there.price == price, f"changed {time}, the price is given as {there.price}")
            fields, wanted = await _fields(bench, one), {**kept[one], "price": price.amount}
            wrong = sorted(name for name in wanted if fields.get(name) != wanted[name])
            check(not wrong, f"a change of the price alone, made {time}, left otherwise: {', '.join(wrong)}")
            known = await _listings(bench, sku)
            check(known == [one], f"a change has made {len(known)} offers of one")
    check(not await _buyable(bench, offer.external_id), "a change has published a draft")
    check(await _buyable(bench, sold.external_id), "a change has taken an offer off sale")


@rule("MAKE-06", Tier.BRONZE, "OfferSink")
async def a_check_sends_nothing(bench: Bench) -> None:
    """To say what would be sent makes no offer and changes none. A draft that is right has no flaw and a body."""
    _, offer = await made(bench, LONGER)
    draft, before = await draft_of(bench, MARK), await _fields(bench, offer.external_id)
    change = OfferDraft(sku=LONGER, price=_dearer(draft))
    for prepared in (
        await _sink(bench).prepare_offer(draft),
        await _sink(bench).prepare_offer(change, offer.external_id),
    ):
        wrong = ", ".join(one.field for one in prepared.flaws)
        check(not wrong, f"of what would be taken is said to be wrong: {wrong}")
        check(prepared.body, "what would be sent is not said")
    check(not await _listings(bench, MARK), "a check has made an offer")
    check(await _fields(bench, offer.external_id) == before, "a check has changed an offer")


@rule("MAKE-07", Tier.SILVER, "OfferSink")
async def an_offer_whose_answer_is_lost_is_not_known(bench: Bench) -> None:
    """When the answer to a new offer is lost, OutcomeUnknown is raised. Within the time to settle a look-up finds
    the one offer by its mark, also after a restart.
    """
    marks = [f"{MARK}-{number}" for number in range(MOST_WRITES)]

    async def write(number: int) -> Answer:
        return await _sink(bench).create_offer(await draft_of(bench, marks[number]))

    async def done(number: int) -> bool:
        return bool(await _listings(bench, marks[number]))

    mark = marks[await lose_answer(bench, write, done)]
    bench.clock.advance(_sink(bench).offer_settle.total_seconds())
    known = await _listings(bench, mark)
    check(len(known) == 1, f"one request whose answer was lost has made {len(known)} offers")
    async with bench.restarted() as another:
        sink = another.capability(OfferSink)
        found = [one.external_id for one in await sink.find_offers(mark)] if sink is not None else []
    check(found == known, f"the offer is there, and a look-up finds {found}")


@rule("MAKE-08", Tier.SILVER, "OfferSink")
async def an_offer_that_never_arrived_is_not_there(bench: Bench) -> None:
    """A new offer that never arrived raises an error, and a look-up finds nothing of it."""
    draft = await draft_of(bench, MARK)
    bench.strike(FaultKind.CUT, times=None)
    lost = await bench.attempt(lambda: _sink(bench).create_offer(draft))
    bench.faults.clear()
    check(isinstance(lost, PluginError), f"with its connection cut a new offer gave {lost!r:.60}")
    found = await _sink(bench).find_offers(MARK)
    check(not found, f"of an offer that never arrived a look-up finds {len(found)}")


@rule("MAKE-09", Tier.SILVER, "OfferSink")
async def a_refusal_names_its_field(bench: Bench) -> None:
    """What the system refuses raises Rejected with the field that it names, at once or when it was accepted first.
    Nothing is made or changed by it.
    """
    draft, offer = await made(bench, LONGER)
    before, change = await _fields(bench, offer.external_id), OfferDraft(sku=LONGER, price=_dearer(draft))
    new = await draft_of(bench, MARK)

    async def refused(what: str, call: Callable[[], Awaitable[Answer]]) -> None:
        await bench.do("refuse_listings", count=1)

        async def whole() -> Offer:
            return await followed(bench, await call())

        error = await bench.attempt(whole)
        check(isinstance(error, Rejected), f"{what} that is refused gave {error!r:.60}, not Rejected")
        check(getattr(error, "field", None), f"{what} is refused for a field, and the error names none")

    await refused("a new offer", lambda: _sink(bench).create_offer(new))
    await refused("a change", lambda: _sink(bench).change_offer(offer.external_id, change))
    await bench.do("accept_later", 1, seconds=LATER)
    await refused("a new offer done later", lambda: _sink(bench).create_offer(new))
    check(not await _listings(bench, MARK), "what was refused is there")
    check(await _fields(bench, offer.external_id) == before, "a change that was refused was made")


@rule("MAKE-10", Tier.SILVER, "OfferSink")
async def what_is_done_later_is_followed(bench: Bench) -> None:
    """What is accepted and done later is a ticket until then, also after a restart: it is not sent again, and
    not called done before.
    """
    draft = await draft_of(bench, MARK)
    await bench.do("accept_later", 1, seconds=LATER)
    answer = await _sink(bench).create_offer(draft)
    check(isinstance(answer, OfferTicket), f"what is done in a minute gave {answer!r:.60}")
    assert isinstance(answer, OfferTicket)
    async with bench.restarted() as another:
        sink = another.capability(OfferSink) or _sink(bench)
        report = await sink.report_offer(answer.ticket)
        check(isinstance(report, OfferTicket), f"the report of what is done in a minute is {report!r:.60}")
        bench.clock.advance(LATER)
        offer = await followed(bench, await sink.report_offer(answer.ticket), sink)
    known = await _listings(bench, MARK)
    check(known == [offer.external_id], f"{offer.external_id} was reported, and under its mark there are {known}")
    change = OfferDraft(sku=MARK, price=_dearer(draft))
    await bench.do("accept_later", 1, seconds=LATER)
    later = await _sink(bench).change_offer(offer.external_id, change)
    check(isinstance(later, OfferTicket), f"a change that is done in a minute gave {later!r:.60}")
    there = await followed(bench, later)
    check(there.price == change.price, f"the change was reported as done, and the price is {there.price}")


@rule("MAKE-11", Tier.SILVER, "OfferSink")
async def somebody_elses_draft_is_left_alone(bench: Bench) -> None:
    """A draft that the seller made by hand is found by its mark as it stands, so that the host sees that it is not
    its own; nothing that is made beside it changes or publishes it.
    """
    theirs = str(await bench.do("mark_draft", MARK))
    before, draft = await _fields(bench, theirs), await draft_of(bench, MARK)
    found = {one.external_id: one for one in await _sink(bench).find_offers(MARK)}
    check(theirs in found, f"a draft made by hand is {theirs}, and found are {sorted(found)}")
    one = found[theirs]
    shown = (one.price.rounded().amount if one.price is not None else None, one.quantity)
    stands = (before.get("price"), before.get("quantity"))
    check(shown == stands, f"by the books it stands at {stands}, and is found at {shown}")
    await bench.attempt(lambda: _sink(bench).create_offer(draft))
    bench.clock.advance(_sink(bench).offer_settle.total_seconds())
    check(await _fields(bench, theirs) == before, "a new offer was written over a draft of the seller's")
    check(not await _buyable(bench, theirs), "a new offer has published a draft of the seller's")


@rule("MAKE-12", Tier.SILVER, "OfferSink")
async def what_is_not_there_is_said_so(bench: Bench) -> None:
    """A ticket that the system does not know and an offer that is not there are None; what would describe or change
    it raises an error of the connector's.
    """
    sink = _sink(bench)
    for ticket in ("", "7", f"offer:{STRANGE}"):
        report = await sink.report_offer(ticket)
        check(report is None, f"the report under a ticket that nobody gave is {report!r:.60}")
    there = await sink.read_offer(STRANGE)
    check(there is None, f"an offer that is not there is read as {there!r:.60}")
    described = await bench.attempt(lambda: sink.describe_offer(STRANGE))
    check(isinstance(described, NotFound), f"an offer that is not there is described as {described!r:.60}")
    for name, call in (("publish", sink.publish_offer), ("end", sink.end_offer)):
        answer = await bench.attempt(lambda call=call: call(STRANGE))  # type: ignore[misc]
        if isinstance(answer, OfferTicket):
            answer = await bench.attempt(lambda ticket=answer: followed(bench, ticket))  # type: ignore[misc]
        check(isinstance(answer, PluginError), f"to {name} an offer that is not there gave {answer!r:.60}")


@rule("MAKE-13", Tier.SILVER, "OfferSink")
async def what_is_described_can_be_made_again(bench: Bench) -> None:
    """A description has the fields of its offer: the system takes it as a draft under another mark, and the new
    offer has the same name and price.
    """
    draft, offer = await made(bench, MARK)
    described = await _sink(bench).describe_offer(offer.external_id)
    check(described.sku == MARK, f"the offer bears {MARK}, and is described under {described.sku}")
    again = replace(described, sku=LONGER, quantity=draft.quantity)
    prepared = await _sink(bench).prepare_offer(again)
    check(not prepared.flaws, f"of what it describes it refuses {', '.join(one.field for one in prepared.flaws)}")
    new = await followed(bench, await _sink(bench).create_offer(again))
    first, second = [await _fields(bench, one.external_id) for one in (offer, new)]
    wrong = sorted(name for name in ("name", "price") if first.get(name) != second.get(name))
    check(not wrong, f"made by its description it has another {', '.join(wrong)}")


@rule("MAKE-14", Tier.SILVER, "OfferSink")
async def a_change_is_not_repeated_by_itself(bench: Bench) -> None:
    """When the answer to a change is lost, OutcomeUnknown is raised. One of pieces is sent once: sent again, it
    would put on sale what was bought in between. One of anything else is sent three times at most.
    """
    draft, offer = await made(bench, MARK, publish=True)
    await _pieces_stay_sold(bench, offer.external_id)
    await _gives_up(bench, offer.external_id, draft)


async def _pieces_stay_sold(bench: Bench, offer: str) -> None:
    """Buyers buy a piece when a change of pieces has acted, before the connector asks for anything more."""
    bought: set[int] = set()

    async def there() -> int:
        pieces: int = (await _fields(bench, offer))["quantity"]
        return pieces

    async def write(number: int) -> Answer:
        wanted = FEWEST + 2 * number

        async def buy(asked: SentRequest) -> None:
            if number not in bought and await there() == wanted:
                bought.add(number)
                await bench.do("sell_offer", offer, pieces=1)

        bench.session.before = buy
        try:
            return await _sink(bench).change_offer(offer, OfferDraft(sku=MARK, quantity=wanted))
        finally:
            bench.session.before = None
            again = number in bought and await there() == wanted
            check(not again, "a change of pieces was sent again by itself, and a piece that was sold is for sale")

    async def done(number: int) -> bool:
        return await there() in (FEWEST + 2 * number, FEWEST + 2 * number - 1)

    await lose_answer(bench, write, done)


async def _gives_up(bench: Bench, offer: str, draft: OfferDraft) -> None:
    """Of a change of the price all answers are lost, from the one on that says it was made."""
    assert draft.price is not None
    prices = [draft.price.rounded().amount + DEARER + number for number in range(MOST_WRITES)]

    async def done(number: int) -> bool:
        costs: Decimal | None = (await _fields(bench, offer))["price"]
        return costs == prices[number]

    async def write(number: int) -> Answer:
        asked: list[SentRequest] = []
        acted = 0

        async def lose(one: SentRequest) -> None:
            nonlocal acted
            if not acted and await done(number):
                acted = len(asked)
                bench.strike(FaultKind.LOSE, times=MOST_WRITES)
            asked.append(one)

        bench.session.before = lose
        price = Money(prices[number], draft.price.currency)  # type: ignore[union-attr]
        try:
            return await _sink(bench).change_offer(offer, OfferDraft(sku=MARK, price=price))
        finally:
            bench.session.before = None
            times = asked.count(asked[acted - 1]) if acted else 0
            said = f"one change whose answers were lost was sent {times} times, and {MOST_TRIES} is the most"
            check(times <= MOST_TRIES, said)

    await lose_answer(bench, write, done)
