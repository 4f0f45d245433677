"""Allegro's habits, one test each, numbered as in the list of platform quirks.

15, 17, 18, 19 and 20 are about stock commands, creating offers, delivery price lists and labels, which the plugin
does not touch; its README lists them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from olhubd.model import Fulfilment, Order, PaymentType, Shipment, Stage
from olhubd.plugin import AuthLost, Conflict, Cursor, Record, Rejected, Temporary
from olhubd_allegro import Allegro
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.test_host import CountingClientMaker, KeptToken, account

pytestmark = pytest.mark.proves("allegro", "quirks", each=range(1, 21))

Drain = Callable[[Cursor], Awaitable[tuple[list[Record], Cursor]]]


async def read(allegro: Allegro, form_id: str) -> Order:
    record = await allegro.orders.read_order(form_id)
    assert isinstance(record, Order)
    return record


async def test_quirk_01_the_journal_is_hints_and_its_ids_are_numbers(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain
) -> None:
    start = await allegro.orders.start(None)
    ids = simulator.ledger.buy(30, payment="ONLINE")
    simulator.reorder_events(90)
    simulator.duplicate_events(20)

    records, cursor = await drain(start)

    # Some 110 events of 30 forms: each form once, as it is now, whatever its events say and in which order.
    assert sorted(r.external_id for r in records if isinstance(r, Order)) == sorted(ids)
    assert {r.stage for r in records if isinstance(r, Order)} == {Stage.CONFIRMED}
    # The ids crossed from four digits to five on the way; as text 9990 would come after 10000.
    assert simulator.journal.entries[0].id < 10_000 < int(cursor)
    assert cursor == str(simulator.journal.entries[-1].id)


async def test_quirk_02_an_empty_page_keeps_the_cursor(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain
) -> None:
    simulator.ledger.buy(2)
    _, cursor = await drain(await allegro.orders.start(None))

    page = await allegro.orders.pull(cursor)

    assert (list(page.records), page.cursor, page.more) == ([], cursor, False)


async def test_quirk_03_a_newcomer_starts_now_and_looks_back_by_the_list(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain
) -> None:
    old = simulator.ledger.buy(5)
    since = simulator.now() - timedelta(days=1)

    start = await allegro.orders.start(since)

    assert (await drain(start))[0] == []
    page = await allegro.orders.sweep(since, None)
    assert {r.external_id for r in page.records} == set(old)


async def test_quirk_03_a_journal_without_events_has_a_beginning(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain
) -> None:
    start = await allegro.orders.start(None)
    assert (await drain(start)) == ([], start)

    bought = simulator.ledger.buy(1)
    records, _ = await drain(start)

    assert [r.external_id for r in records] == bought


async def test_quirk_04_only_ready_for_processing_is_confirmed(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    """IMP-15: before the delivery form there is neither address nor payment."""
    (form,) = simulator.ledger.buy(1, ready=False, payment="ONLINE")
    bought = await read(allegro, form)
    simulator.ledger.advance(form)
    filled = await read(allegro, form)
    simulator.ledger.advance(form)
    ready = await read(allegro, form)

    assert [(o.stage, o.external_stage) for o in (bought, filled, ready)] == [
        (Stage.PLACED, "BOUGHT"),
        (Stage.PLACED, "FILLED_IN"),
        (Stage.CONFIRMED, "READY_FOR_PROCESSING"),
    ]
    assert bought.payment is None
    assert bought.shipping.address is None
    assert filled.recipient is not None
    assert not filled.fully_paid
    assert ready.fully_paid


async def test_quirk_04_a_purchase_without_a_form_is_passed_over(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain
) -> None:
    start = await allegro.orders.start(None)
    forms = simulator.ledger.buy(20, ready=False)
    told = {
        entry.form_id for entry in simulator.journal.entries if b'"checkoutForm"' in entry.body
    }  # the others are known only when their form is filled in
    assert len(told) < len(forms)

    records, cursor = await drain(start)

    assert {r.external_id for r in records} == told
    assert cursor == str(simulator.journal.entries[-1].id)


async def test_quirk_05_cash_on_delivery_is_finished_yet_not_paid(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    """IMP-19: no payment where none is booked."""
    (form,) = simulator.ledger.buy(1, payment="CASH_ON_DELIVERY")
    assert simulator.ledger.purchases[form].form["payment"]["finishedAt"]

    order = await read(allegro, form)

    assert order.payment is not None
    assert order.payment.type is PaymentType.CASH_ON_DELIVERY
    assert (order.payment.paid, order.payment.finished_at) == (None, None)
    assert order.stage is Stage.CONFIRMED
    assert not order.fully_paid


async def test_quirk_06_the_date_of_sale_is_the_first_purchase(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    """IMP-16; two purchases merged later count from the earlier one."""
    first, second = simulator.ledger.buy(2, ready=False, buyer=3)
    bought = simulator.ledger.purchases[first].bought
    form = simulator.ledger.merge([second, first])

    order = await read(allegro, form)

    assert order.placed_at == bought
    assert order.updated_at is not None
    assert order.updated_at > order.placed_at


@pytest.mark.parametrize(
    ("by", "stage", "fulfilment"),
    [
        ("buyer", Stage.CANCELLED, Fulfilment.NEW),
        ("auto", Stage.CANCELLED, Fulfilment.NEW),
        ("seller", Stage.CONFIRMED, Fulfilment.CANCELLED),
    ],
)
async def test_quirk_07_cancelled_has_two_faces(
    simulator: AllegroSimulator, allegro: Allegro, by: str, stage: Stage, fulfilment: Fulfilment
) -> None:
    (form,) = simulator.ledger.buy(1)
    simulator.ledger.cancel(form, by=by)

    order = await read(allegro, form)

    assert (order.stage, order.fulfilment) == (stage, fulfilment)
    with pytest.raises(Conflict):
        await allegro.set_status(form, "PROCESSING")
    after = await read(allegro, form)
    assert (after.stage, after.fulfilment) == (stage, fulfilment)


async def test_quirk_08_a_mask_changes_with_each_purchase_and_its_beginning_stays(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    mine, again, other = (simulator.ledger.buy(1, buyer=number)[0] for number in (1, 1, 2))
    one, two, three = [(await read(allegro, form)).buyer for form in (mine, again, other)]

    assert one.email != two.email
    assert one.email_key == two.email_key != three.email_key
    assert one.email_masked
    assert one.email is not None
    assert "+" in one.email
    assert (one.external_id, one.login) == (two.external_id, two.login)


async def test_quirk_09_a_pickup_point_stands_in_for_an_empty_address(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    (form,) = simulator.ledger.buy(1, pickup=True, bare=True)
    raw = simulator.ledger.purchases[form].form
    assert raw["delivery"]["address"] == {}

    order = await read(allegro, form)

    assert order.shipping.address is None
    assert order.shipping.pickup_point is not None
    assert order.shipping.pickup_point.id == raw["delivery"]["pickupPoint"]["id"]
    assert order.recipient == order.shipping.pickup_point.address
    # The buyer's own says postCode where all others say zipCode.
    assert order.buyer.address is not None
    assert order.buyer.address.postcode == raw["buyer"]["address"]["postCode"]


async def test_quirk_10_gross_prices_add_up_to_what_is_to_be_paid(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain
) -> None:
    start = await allegro.orders.start(None)
    simulator.ledger.buy(60)
    simulator.ledger.buy(20, services=True, deposit=True, discount=True, voucher=True)
    (untaxed,) = simulator.ledger.buy(1, tax=False)
    for entry in simulator.books()[:10]:
        simulator.ledger.surcharge(entry.external_id)

    records, _ = await drain(start)

    orders = {r.external_id: r for r in records if isinstance(r, Order)}
    assert {key: order.expected_total() for key, order in orders.items()} == {
        entry.external_id: entry.total for entry in simulator.books()
    }
    assert all(order.prices_include_tax for order in orders.values())
    assert {line.tax for line in orders[untaxed].lines} == {None}


async def test_quirk_11_to_be_sent_by_is_the_end_of_dispatch(simulator: AllegroSimulator, allegro: Allegro) -> None:
    (form,) = simulator.ledger.buy(1)
    time = simulator.ledger.purchases[form].form["delivery"]["time"]

    shipping = (await read(allegro, form)).shipping

    assert shipping.dispatch_by is not None
    assert f"{shipping.dispatch_by:%Y-%m-%dT%H:%M:%S}" == time["dispatch"]["to"][:19]
    assert shipping.deliver_by is not None
    assert shipping.deliver_by > shipping.dispatch_by


async def test_quirk_12_sign_in_and_api_are_two_hosts_of_one_budget(simulator: AllegroSimulator) -> None:
    settings = simulator.settings("http://127.0.0.1:1")
    for name in ("api_url", "auth_url"):
        del settings[name]
    async with account(Allegro, settings | {"sandbox": False}) as allegro:
        assert allegro.settings.api == "https://api.allegro.pl"
        assert allegro.login.authorize_url("https://a.example/", "s", "c").startswith(
            "https://allegro.pl/auth/oauth/"
        )
        makers = allegro.account.make_client
        assert isinstance(makers, CountingClientMaker)
        (gate,) = makers.gates.values()
        assert (gate.budget.calls, gate.budget.per) == (9000, 60.0)
        assert gate.budget.key == f"allegro:{settings['client_id']}"


async def test_quirk_13_every_call_names_a_language(simulator: AllegroSimulator) -> None:
    """The status resource knows English alone, whatever the account speaks; the simulator refuses all else."""
    (form,) = simulator.ledger.buy(1)
    async with serve(simulator) as base:
        settings = simulator.settings(base) | {"language": "pl-PL"}
        async with account(Allegro, settings, token=simulator.token()) as allegro:
            await allegro.set_status(form, "PROCESSING")
            with pytest.raises(Rejected, match="not a status"):
                await allegro.set_status(form, "RETURNED")
    assert simulator.ledger.purchases[form].seller_status == "PROCESSING"


async def test_quirk_14_only_a_definite_refusal_loses_the_grant(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    """ACC-19: an expired token is renewed unseen, a failing sign-in tried again, a withdrawn consent final."""
    keeper = allegro.account.tokens
    assert isinstance(keeper, KeptToken)
    simulator.signin.expire()
    assert (await allegro.probe()).id == simulator.seller
    assert keeper.renewed == 1

    simulator.signin.expire()
    for kind in (FaultKind.CUT, FaultKind.ERROR):
        simulator.faults.add(Fault(kind=kind, match="POST /auth/oauth/token$", status=503))
        with pytest.raises(Temporary):
            await allegro.probe()
    assert (await allegro.probe()).id == simulator.seller

    simulator.signin.revoke()
    with pytest.raises(AuthLost) as lost:
        await allegro.probe()
    assert lost.value.code == "invalid_grant"
    assert keeper.token is not None
    assert keeper.token.refresh is not None
    assert keeper.token.refresh not in str(lost.value)
    assert keeper.token.owner == simulator.seller


async def test_quirk_16_a_parcel_is_attached_once_and_409_proves_nothing(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    forms = simulator.ledger.buy(11)
    parcel = Shipment(waybill="620 123 456", carrier="inpost")
    for form in forms[:10]:
        await allegro.add_shipment(form, parcel)
        await allegro.add_shipment(form, Shipment(waybill="620123456", carrier="INPOST"))
    assert {tuple(entry.shipments) for entry in simulator.books()[:10]} == {("620123456",)}

    # Used too often: the same 409 as for a number that is there already, told apart by looking.
    with pytest.raises(Conflict):
        await allegro.add_shipment(forms[10], parcel)
    assert simulator.books()[10].shipments == []


async def test_quirk_16_a_cancel_after_sending_is_a_conflict(simulator: AllegroSimulator, allegro: Allegro) -> None:
    (form,) = simulator.ledger.buy(1)
    await allegro.set_status(form, "SENT")
    with pytest.raises(Conflict, match="too late"):
        await allegro.set_status(form, "CANCELLED")
    assert simulator.ledger.purchases[form].seller_status == "SENT"


async def test_quirk_16_an_unlisted_carrier_goes_by_its_name(simulator: AllegroSimulator, allegro: Allegro) -> None:
    (form,) = simulator.ledger.buy(1)
    name = "Kurier z Bardzo Długą Nazwą Sp. z o.o."
    await allegro.add_shipment(form, Shipment(waybill="A1", carrier="local", carrier_name=name))
    await allegro.add_shipment(form, Shipment(waybill="A2", carrier="ALLEGRO"))

    parcels = simulator.ledger.purchases[form].shipments
    assert [(one["carrierId"], one["carrierName"]) for one in parcels] == [
        ("OTHER", name[:30]),
        ("OTHER", "ALLEGRO"),
    ]
