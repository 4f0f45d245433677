"""Quantities of Allegro's offers: planned in few commands, reported task by task, read where buyers see them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web

from olhubd.model import EndedBy, LevelStep, Offer, OfferState
from olhubd.plugin import Accepted, ContractBroken, LevelCall, LevelWish, OutcomeUnknown, RowOutcome, Unavailable
from olhubd_allegro import Allegro
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.allegro import AllegroSimulator, answers
from olhubd_kit.simulators.allegro.offers import OFFER

ONE, OTHER = str(OFFER + 1), str(OFFER + 2)


def wish(offer: str, value: int, shown: int = 9, refused: int = 0) -> LevelWish:
    return LevelWish(offer=offer, value=value, shown=shown, refused=refused)


async def written(allegro: Allegro, call: LevelCall) -> Sequence[RowOutcome]:
    command = str(uuid.uuid4())
    assert isinstance(await allegro.levels.write_levels(command, call), Accepted)
    outcomes = await allegro.levels.report_levels(command, call)
    assert outcomes is not None
    assert not isinstance(outcomes, Accepted)
    return outcomes


def test_equal_values_share_a_command_and_sold_out_goes_first(allegro: Allegro) -> None:
    """Part of S22: 9,500 rows to zero and 500 of one value: ten calls to end them, then one."""
    wishes = [wish(str(number), 0) for number in range(9_500)] + [wish(f"b{n}", 7) for n in range(500)]
    calls = allegro.levels.plan_levels(wishes)
    assert [(call.action, call.value, len(call.offers)) for call in calls] == [
        *[("end", None, 1000)] * 9,
        ("end", None, 500),
        ("set", 7, 500),
    ]


def test_an_offer_that_cannot_be_lowered_is_ended(allegro: Allegro) -> None:
    (call,) = allegro.levels.plan_levels([wish(ONE, 1, shown=5, refused=2)])
    assert (call.action, call.value) == ("end", None)
    (call,) = allegro.levels.plan_levels([wish(ONE, 9, shown=5, refused=5)])
    assert (call.action, call.value) == ("set", 9)


def test_what_is_allocated_is_changed_and_gets_no_number(allegro: Allegro) -> None:
    """Equal changes share a command; one to zero is the end of the offer, which puts back nothing."""
    wishes = [
        LevelWish(offer="a", value=5, shown=3, change=2),
        LevelWish(offer="b", value=9, shown=7, change=2),
        LevelWish(offer="c", value=2, shown=2),
        LevelWish(offer="d", value=1, shown=4, change=-3),
        LevelWish(offer="e", value=0, shown=4, change=-4),
    ]
    calls = allegro.levels.plan_levels(wishes)
    assert [(call.action, call.value, call.change, call.offers) for call in calls] == [
        ("change", None, -3, ("d",)),
        ("end", None, None, ("e",)),
        ("set", 2, None, ("c",)),
        ("change", None, 2, ("a", "b")),
    ]


async def test_a_change_leaves_what_is_sold_meanwhile_sold(allegro: Allegro, simulator: AllegroSimulator) -> None:
    simulator.book.set_quantity(ONE, 5)
    simulator.book.sold(ONE, 2)
    outcomes = await written(allegro, LevelCall(action="change", change=4, offers=(ONE,)))
    assert [one.done for one in outcomes] == [True]
    outcomes = await written(allegro, LevelCall(action="change", change=-7, offers=(ONE,)))
    assert [(one.done, one.error) for one in outcomes] == [(False, "STOCK_TOO_LOW")]
    (shown,) = await allegro.levels.read_levels([ONE])
    assert (shown.quantity, shown.active) == (7, True)


async def test_a_value_is_set_and_zero_ends_the_offer(allegro: Allegro, simulator: AllegroSimulator) -> None:
    assert [one.done for one in await written(allegro, LevelCall(action="set", value=4, offers=(ONE,)))] == [True]
    assert [one.done for one in await written(allegro, LevelCall(action="end", offers=(OTHER,)))] == [True]
    shown = {one.offer: (one.quantity, one.active) for one in await allegro.levels.read_levels([ONE, OTHER])}
    assert shown == {ONE: (4, True), OTHER: (100, False)}
    assert simulator.book.offers[OTHER]["publication"]["status"] == "ENDED"


async def test_a_row_that_makes_no_sense_is_neither_gone_nor_sold_out(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    simulator.book.offers[ONE]["publication"] = "?"
    simulator.book.offers[OTHER]["stock"] = None
    shown = {one.offer: (one.quantity, one.active) for one in await allegro.levels.read_levels([ONE, OTHER])}
    assert shown == {ONE: (None, True), OTHER: (None, True)}


async def test_a_state_that_is_not_known_is_not_taken_for_ended(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    simulator.book.offers[ONE]["publication"] = {"status": "PROMOTED_ELSEWHERE"}
    (shown,) = await allegro.levels.read_levels([ONE])
    assert (shown.quantity, shown.active) == (None, True)


async def test_fewer_offers_than_are_counted_say_of_none_that_it_is_gone(
    allegro: Allegro, simulator: AllegroSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    give = answers.answer

    def hide(body: dict[str, Any], status: int = 200) -> web.Response:
        shown = [row for row in body["offers"] if row["id"] != OTHER] if "offers" in body else None
        return give(body if shown is None else {**body, "offers": shown}, status)

    monkeypatch.setattr("olhubd_kit.simulators.allegro.offer_routes.answer", hide)
    shown = {one.offer: one for one in await allegro.levels.read_levels([ONE, OTHER])}
    assert (shown[OTHER].quantity, shown[OTHER].active) == (None, True)
    assert shown[ONE].quantity == simulator.book.buyable()[ONE]
    assert [one.offer for one in await allegro.levels.read_terms([ONE, OTHER])] == [ONE]
    with pytest.raises(Unavailable):
        await allegro.offers.bearing("KUB-CZA")


async def test_one_task_of_many_fails_by_itself(allegro: Allegro, simulator: AllegroSimulator) -> None:
    simulator.book.fail_tasks([OTHER])
    offers = (ONE, OTHER, "12345")
    outcomes = {one.offer: one for one in await written(allegro, LevelCall(action="set", value=4, offers=offers))}
    assert outcomes[ONE].done
    assert outcomes[OTHER] == RowOutcome(offer=OTHER, done=False, error="RESPONSIBLE_PRODUCER_NOT_SPECIFIED")
    assert outcomes["12345"].error == "The offer does not exist."


async def test_a_task_in_a_state_that_is_not_known_is_neither_done_nor_refused(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    """What is taken for refused is sent once more, and a change that was done all the same would be done twice."""
    call = LevelCall(action="change", change=4, offers=(ONE, OTHER))
    await written(allegro, call)
    (command,) = simulator.book.commands.values()
    command.tasks[ONE] = ("PARTIALLY_APPLIED", None)
    assert await allegro.levels.report_levels(command.id, call) == [RowOutcome(offer=OTHER, done=True)]


async def test_a_report_of_a_thousand_is_read_to_its_end(allegro: Allegro, simulator: AllegroSimulator) -> None:
    """S21."""
    offers = tuple(simulator.book.list_offer(f"S{number}", 9) for number in range(1000))
    simulator.book.fail_tasks([offers[732]])
    outcomes = await written(allegro, LevelCall(action="set", value=4, offers=offers))
    assert [one.offer for one in outcomes if not one.done] == [offers[732]]
    assert len(outcomes) == 1000


async def test_a_command_that_is_under_way_is_asked_for_again(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    simulator.book.delay_commands(3600.0)
    call = LevelCall(action="set", value=4, offers=(ONE,))
    await allegro.levels.write_levels("1", call)
    assert isinstance(await allegro.levels.report_levels("1", call), Accepted)


async def test_a_lost_answer_is_no_answer_and_the_command_is_found(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    simulator.faults.add(Fault(kind=FaultKind.LOSE, match="PUT /sale/offer-quantity"))
    call = LevelCall(action="set", value=4, offers=(ONE,))
    with pytest.raises(OutcomeUnknown):
        await allegro.levels.write_levels("1", call)
    assert await allegro.levels.report_levels("1", call) == [RowOutcome(offer=ONE, done=True)]
    assert await allegro.levels.report_levels("2", call) is None


async def test_a_used_number_is_never_taken_for_done(allegro: Allegro, simulator: AllegroSimulator) -> None:
    """S20."""
    await written(allegro, LevelCall(action="set", value=4, offers=(ONE,)))
    (number,) = simulator.book.commands
    with pytest.raises(OutcomeUnknown):
        await allegro.levels.write_levels(number, LevelCall(action="set", value=9, offers=(ONE,)))


async def test_offers_are_read_whole_and_then_as_they_change(allegro: Allegro, simulator: AllegroSimulator) -> None:
    page = await allegro.offers.pull(await allegro.offers.start(None))
    while page.cursor.startswith("all:"):
        page = await allegro.offers.pull(page.cursor)
    assert len(page.records) == len(simulator.book.offers)
    while page.more:
        page = await allegro.offers.pull(page.cursor)
    at = (await allegro.offers.pull(page.cursor)).cursor
    assert (await allegro.offers.pull(at)).records == ()
    simulator.book.sold(ONE, 98)
    simulator.book.set_quantity(OTHER, 0)
    found = (await allegro.offers.pull(at)).records
    assert [(one.external_id, one.quantity, one.state, one.sku) for one in found if isinstance(one, Offer)] == [
        (ONE, 2, OfferState.ACTIVE, "KUB-BIA"),
        (OTHER, 0, OfferState.ENDED, "KUB-CZA"),
    ]


async def test_a_purchase_lowers_its_offer(simulator: AllegroSimulator) -> None:
    simulator.ledger.buy(sku="TAL-27", quantity=3, lines=1)
    assert simulator.book.available("TAL-27") == {str(OFFER + 3): 97}


def test_what_sells_too_much_goes_first_and_what_comes_back_last(allegro: Allegro) -> None:
    wishes = [
        LevelWish(offer="1", value=5, shown=0, step=LevelStep.ACTIVATE),
        LevelWish(offer="2", value=5, shown=0, step=LevelStep.FILL),
        LevelWish(offer="3", value=7, shown=0, step=LevelStep.ACTIVATE),
        LevelWish(offer="4", value=5, shown=9),
        LevelWish(offer="5", value=0, shown=9),
    ]
    calls = allegro.levels.plan_levels(wishes)
    assert [(call.action, call.value, call.offers, call.ends) for call in calls] == [
        ("end", None, ("5",), True),
        ("set", 5, ("4",), False),
        ("set", 5, ("2",), False),
        ("activate", None, ("1", "3"), False),
    ]


async def test_an_offer_that_has_ended_is_filled_and_activated_under_its_number(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    """Part of OFF-22: what keeps its number is the same offer."""
    simulator.book.set_quantity(ONE, 0)
    assert not (await written(allegro, LevelCall(action="activate", offers=(ONE,))))[0].done
    await written(allegro, LevelCall(action="set", value=4, offers=(ONE,)))
    (shown,) = await allegro.levels.read_levels([ONE])
    assert (shown.quantity, shown.active) == (4, False)
    assert (await written(allegro, LevelCall(action="activate", offers=(ONE,))))[0].done
    (shown,) = await allegro.levels.read_levels([ONE])
    assert (shown.quantity, shown.active) == (4, True)


@pytest.mark.parametrize(
    ("by", "ended_by"),
    [
        ("USER", EndedBy.SELLER),
        ("EMPTY_STOCK", EndedBy.SOLD_OUT),
        ("EXPIRATION", EndedBy.EXPIRED),
        ("ADMIN", EndedBy.MARKETPLACE),
        ("PRODUCT_DETACHMENT", EndedBy.MARKETPLACE),
        ("ERROR", EndedBy.UNKNOWN),
    ],
)
async def test_terms_say_when_and_by_whom_an_offer_ended(
    allegro: Allegro, simulator: AllegroSimulator, by: str, ended_by: EndedBy
) -> None:
    simulator.book.end_offer(ONE, by, days=2)
    one, other = await allegro.levels.read_terms([ONE, OTHER, "12345"])
    assert (one.state, one.ended_by, one.buy_now, one.renews) == (OfferState.ENDED, ended_by, True, False)
    assert one.ended_at is not None
    assert one.ended_at == simulator.book.ended_at[ONE].replace(microsecond=one.ended_at.microsecond), (
        "to the second, by the list and not by an event"
    )
    assert (other.state, other.ended_by, other.ended_at) == (OfferState.ACTIVE, None, None)


async def test_terms_say_what_lists_itself_again_and_what_is_sold_by_bids(
    allegro: Allegro, simulator: AllegroSimulator
) -> None:
    auction = simulator.book.list_offer("AUC", 1, selling="AUCTION")
    simulator.book.renew_offers([ONE])
    found = {terms.offer: terms for terms in await allegro.levels.read_terms([ONE, auction])}
    assert found[ONE].renews
    assert found[auction].buy_now is False
    before = set(simulator.book.offers)
    simulator.book.sold(ONE, 100)
    (made,) = set(simulator.book.offers) - before
    assert simulator.book.available("KUB-BIA") == {ONE: 0, made: 100}, "with all that it began with"


async def test_the_tasks_of_another_deed_are_no_report(allegro: Allegro, simulator: AllegroSimulator) -> None:
    """S20: a number that was used for an end says nothing of an activation, or of a quantity."""
    await written(allegro, LevelCall(action="end", offers=(ONE,)))
    (command,) = simulator.book.commands.values()
    field = command.outcomes

    def outcomes() -> list[dict[str, object]]:
        return [{**task, "field": "quantity"} for task in field()]

    command.outcomes = outcomes  # type: ignore[method-assign]
    with pytest.raises(ContractBroken):
        await allegro.levels.report_levels(command.id, LevelCall(action="end", offers=(ONE,)))


@pytest.mark.parametrize(
    ("task", "error"),
    [
        ({"errors": [{"code": "C", "message": "m", "userMessage": "Cena jest za niska."}]}, "Cena jest za niska."),
        ({"errors": [{"code": "C", "message": "too low", "userMessage": None}], "message": "no"}, "too low"),
        ({"errors": [{"code": "PRICE_TOO_LOW", "message": None, "userMessage": ""}]}, "PRICE_TOO_LOW"),
        ({"errors": [], "message": "The offer was archived."}, "The offer was archived."),
        ({"errors": None, "message": "The offer was archived."}, "The offer was archived."),
        ({"errors": None, "message": None}, "FAIL"),
    ],
)
async def test_why_a_row_was_refused_is_what_a_person_understands_best(
    allegro: Allegro, simulator: AllegroSimulator, task: dict[str, Any], error: str
) -> None:
    simulator.book.fail_tasks([ONE])
    call = LevelCall(action="set", value=4, offers=(ONE,))
    await written(allegro, call)
    (command,) = simulator.book.commands.values()
    told = [{**one, **task} for one in command.outcomes()]
    command.outcomes = lambda: told  # type: ignore[method-assign]
    outcomes = await allegro.levels.report_levels(command.id, call)
    assert outcomes == [RowOutcome(offer=ONE, done=False, error=error)]
