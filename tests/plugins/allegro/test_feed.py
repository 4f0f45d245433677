"""Orders in: the journal's contiguous prefix, records that cannot be had, the sweep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from olhubd.model import Order, Reason, Stage
from olhubd.plugin import (
    AuthLost,
    ContractBroken,
    Cursor,
    Gone,
    Later,
    Page,
    RateLimited,
    Record,
    Rejected,
    Unavailable,
    Unreadable,
)
from olhubd_allegro import Allegro, sweep, wire
from olhubd_allegro.orders import READERS, STUBBORN
from olhubd_kit import conformance
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator, server
from olhubd_kit.test_host import CountingClientMaker, CountingGate, account

Drain = Callable[[Cursor], Awaitable[tuple[list[Record], Cursor]]]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def gate(allegro: Allegro) -> CountingGate:
    makers = allegro.account.make_client
    assert isinstance(makers, CountingClientMaker)
    (only,) = makers.gates.values()
    return only


def ids(page: Page) -> list[str]:
    return [record.external_id for record in page.records]


async def swept(allegro: Allegro, since: datetime = LONG_AGO) -> Counter[str]:
    found: Counter[str] = Counter()
    cursor: Cursor | None = None
    while True:
        page = await allegro.orders.sweep(since, cursor)
        found.update(ids(page))
        cursor = page.cursor
        if not page.more:
            return found


async def test_a_failure_in_the_middle_covers_what_came_before(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    start = await allegro.orders.start(None)
    forms = simulator.ledger.buy(20)
    bad = forms[11]
    simulator.faults.add(Fault(kind=FaultKind.ERROR, match=f"/{bad}$", times=None, status=503))

    page = await allegro.orders.pull(start)

    assert ids(page) == forms[:11]
    assert isinstance(page.failure, Unavailable)
    assert page.failure.status == 503
    named = (e for e in simulator.journal.entries if b'"checkoutForm"' in e.body)
    first = next(entry.id for entry in named if entry.form_id == bad)
    assert max(e.id for e in simulator.journal.entries if e.id < first) == int(page.cursor)

    simulator.faults.clear()
    again = await allegro.orders.pull(page.cursor)
    assert (ids(again), again.failure) == (forms[11:], None)


async def test_a_form_named_early_and_late_holds_the_cursor_at_its_first_event(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    start = await allegro.orders.start(None)
    forms = simulator.ledger.buy(8, ready=False, payment="ONLINE")
    entries = simulator.journal.entries
    first, early, *others = [entry.form_id for entry in entries if b'"checkoutForm"' in entry.body]
    place = next(entry.id for entry in entries if entry.form_id == early)
    simulator.ledger.advance(early)
    simulator.faults.add(Fault(kind=FaultKind.CUT, match=f"/{early}$", times=None))

    page = await allegro.orders.pull(start)

    assert ids(page) == [first]
    assert isinstance(page.failure, Unavailable)
    assert int(page.cursor) == max(entry.id for entry in entries if entry.id < place)
    simulator.faults.clear()
    assert ids(await allegro.orders.pull(page.cursor)) == [early, *others]
    assert {first, early, *others} <= set(forms)


async def test_a_form_that_never_stops_failing_lets_the_others_pass(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    cursor = await allegro.orders.start(None)
    forms = simulator.ledger.buy(3)
    simulator.faults.add(Fault(kind=FaultKind.ERROR, match=f"/{forms[0]}$", times=None, status=500))
    for _ in range(STUBBORN):
        page = await allegro.orders.pull(cursor)
        assert (ids(page), page.cursor) == ([], cursor)
        assert isinstance(page.failure, Unavailable)

    page = await allegro.orders.pull(cursor)

    assert page.failure is None
    assert ids(page) == forms
    assert isinstance(page.records[0], Later)
    assert page.cursor == str(simulator.journal.entries[-1].id)


async def test_failures_before_a_form_was_read_do_not_count(simulator: AllegroSimulator, allegro: Allegro) -> None:
    """It is put aside for failing again and again, not for having failed once upon a time."""
    start = await allegro.orders.start(None)
    (form,) = simulator.ledger.buy(1)
    fault = Fault(kind=FaultKind.ERROR, match=f"/{form}$", times=None, status=500)
    simulator.faults.add(fault)
    for _ in range(STUBBORN):
        assert (await allegro.orders.pull(start)).failure is not None
    simulator.faults.clear()
    page = await allegro.orders.pull(start)
    assert [type(record) for record in page.records] == [Order]

    simulator.ledger.fulfil(form, "PROCESSING")
    simulator.faults.add(fault)
    again = await allegro.orders.pull(page.cursor)

    assert isinstance(again.failure, Unavailable)
    assert (again.records, again.cursor) == ([], page.cursor)


async def test_no_more_than_some_forms_are_read_at_one_time(simulator: AllegroSimulator, allegro: Allegro) -> None:
    start = await allegro.orders.start(None)
    simulator.ledger.buy(50)
    simulator.faults.add(Fault(kind=FaultKind.SLOW, match="/order/checkout-forms/", times=None, seconds=0.002))

    await allegro.orders.pull(start)

    assert gate(allegro).most == READERS
    assert gate(allegro).inside == 0


async def test_a_full_page_asks_for_the_next(simulator: AllegroSimulator, allegro: Allegro, drain: Drain) -> None:
    start = await allegro.orders.start(None)
    forms = simulator.ledger.buy(400)
    assert len(simulator.journal.entries) > 1000

    first = await allegro.orders.pull(start)
    records, _ = await drain(start)

    assert first.more
    assert {record.external_id for record in records} == set(forms)


async def test_a_merged_purchase_is_gone_and_its_lines_live_on(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain
) -> None:
    start = await allegro.orders.start(None)
    old = simulator.ledger.buy(3, ready=False, buyer=5)
    lines = [line["id"] for form in old for line in simulator.ledger.purchases[form].form["lineItems"]]
    merged = simulator.ledger.merge(old)

    records, _ = await drain(start)

    told = {entry.form_id for entry in simulator.journal.entries if b'"checkoutForm"' in entry.body}
    gone = {record.external_id for record in records if isinstance(record, Gone)}
    (order,) = [record for record in records if isinstance(record, Order)]
    assert gone == told & set(old)
    assert order.external_id == merged
    assert [line.external_id for line in order.lines] == lines
    assert isinstance(await allegro.orders.read_order(old[0]), Gone)


async def test_a_form_behind_its_event_is_landed_and_read_again(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    start = await allegro.orders.start(None)
    (form,) = simulator.ledger.buy(1, ready=False, payment="ONLINE")
    simulator.ledger.advance(form)
    simulator.ledger.announce(form)

    page = await allegro.orders.pull(start)

    order, later = page.records
    assert isinstance(order, Order)
    assert order.stage is Stage.PLACED
    assert isinstance(later, Later)
    assert later.external_id == form
    assert page.cursor == str(simulator.journal.entries[-1].id)


async def test_an_unreadable_form_is_handed_over_raw(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain
) -> None:
    start = await allegro.orders.start(None)
    good, bad, other = simulator.ledger.buy(3)
    purchase = simulator.ledger.purchases[bad]
    purchase.form["lineItems"][0]["price"] = {"amount": "za darmo", "currency": "PLN"}
    purchase._body = None

    records, cursor = await drain(start)

    assert [record.external_id for record in records] == [good, bad, other]
    broken = records[1]
    assert isinstance(broken, Unreadable)
    assert broken.raw == purchase.body
    assert "$.lineItems[0].price.amount" in broken.reason
    assert "za darmo" not in broken.reason
    assert cursor == str(simulator.journal.entries[-1].id)
    # The sweep keeps it from its neighbours as well.
    kinds = {record.external_id: type(record) for record in (await allegro.orders.sweep(LONG_AGO, None)).records}
    assert kinds == {good: Order, bad: Unreadable, other: Order}


async def test_a_form_without_a_readable_time_is_handed_over_by_the_sweep(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    good, bad = simulator.ledger.buy(2)
    purchase = simulator.ledger.purchases[bad]
    purchase.form["updatedAt"] = "wczoraj"
    purchase._body = None

    page = await allegro.orders.sweep(LONG_AGO, None)

    assert [(record.external_id, type(record)) for record in page.records] == [(good, Order), (bad, Unreadable)]


async def test_a_firewalls_page_quarantines_nobody(simulator: AllegroSimulator, allegro: Allegro) -> None:
    start = await allegro.orders.start(None)
    forms = simulator.ledger.buy(3)
    simulator.faults.add(Fault(kind=FaultKind.ERROR, match=f"/{forms[1]}$", times=None, status=200))

    page = await allegro.orders.pull(start)

    assert ids(page) == forms[:1]
    assert isinstance(page.failure, Unavailable)


async def test_half_an_answer_is_asked_for_again(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain
) -> None:
    start = await allegro.orders.start(None)
    forms = simulator.ledger.buy(3)
    simulator.faults.add(
        Fault(kind=FaultKind.HALF, match="/order/events"),
        Fault(kind=FaultKind.HALF, match=f"/{forms[1]}$", times=2),
    )

    records, _ = await drain(start)

    assert [type(record) for record in records] == [Order, Order, Order]


async def test_a_lost_grant_ends_the_pull_and_leaks_nothing(simulator: AllegroSimulator, allegro: Allegro) -> None:
    start = await allegro.orders.start(None)
    simulator.ledger.buy(30)
    await allegro.orders.pull(start)
    simulator.signin.revoke()

    with pytest.raises(AuthLost):
        await allegro.orders.pull(start)

    assert gate(allegro).inside == 0


async def test_too_many_calls_close_the_gate_for_all(simulator: AllegroSimulator) -> None:
    """The block is counted per client id, and Allegro does not say for how long: the budget's pause does."""
    simulator.limit = 5
    async with (
        serve(simulator) as base,
        account(Allegro, simulator.settings(base), token=simulator.token()) as allegro,
    ):
        start = await allegro.orders.start(None)
        forms = simulator.ledger.buy(9)
        page = await allegro.orders.pull(start)

        assert isinstance(page.failure, RateLimited)
        assert ids(page) == forms[: len(page.records)]
        assert gate(allegro).closed
        assert set(gate(allegro).closed) == {None}
        assert gate(allegro).budget.pause == 60.0


async def test_a_cursor_of_another_notation_is_refused(allegro: Allegro) -> None:
    with pytest.raises(ContractBroken):
        await allegro.orders.pull(Cursor("a40c15e0-1539"))


async def test_an_id_cannot_become_another_path(allegro: Allegro) -> None:
    with pytest.raises(Rejected):
        await allegro.orders.read_order("../../me")


async def test_the_sweep_finds_what_the_journal_never_told(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain
) -> None:
    """Events that were lost, and one that came after the cursor had passed its place."""
    start = await allegro.orders.start(None)
    told = simulator.ledger.buy(3)
    simulator.drop_events(count=3)
    (lost,) = simulator.ledger.buy(1, payment="ONLINE")
    simulator.delay_events(count=3, seconds=3600)
    (late,) = simulator.ledger.buy(1, payment="ONLINE")
    last = simulator.ledger.buy(1)

    records, _ = await drain(start)

    assert {record.external_id for record in records} == {*told, *last}
    assert set(await swept(allegro)) == {*told, lost, late, *last}


async def test_the_sweep_sees_a_change_that_moved_no_time(simulator: AllegroSimulator, allegro: Allegro) -> None:
    """Bought lately, changed in the seller's panel: neither an event nor a later time of change tells of it."""
    simulator.ledger.buy(2)
    (form,) = simulator.ledger.buy(1)
    purchase = simulator.ledger.purchases[form]
    purchase.updated = LONG_AGO  # not in the list by change at all
    since = min(one.bought for one in simulator.ledger.live())

    found = await swept(allegro, since)

    assert found[form] == 1
    assert set(found.values()) == {1, 2}


async def test_the_sweep_misses_nothing_while_forms_move(simulator: AllegroSimulator, allegro: Allegro) -> None:
    """Each page makes earlier forms jump to the end; paging by offset would leave out as many."""
    forms = simulator.ledger.buy(350)
    found: Counter[str] = Counter()
    cursor: Cursor | None = None
    for step in range(100):
        page = await allegro.orders.sweep(LONG_AGO, cursor)
        found.update(ids(page))
        cursor = page.cursor
        if not page.more:
            break
        for form in forms[step * 20 : step * 20 + 20] if step < 4 else ():
            simulator.ledger.fulfil(form, "PROCESSING")
    assert set(found) == set(forms)
    assert step < 20


async def test_the_sweep_goes_on_from_the_first_purchase_of_a_form(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    """A form of two purchases stands last on its page; others were bought between the two."""
    forms = simulator.ledger.buy(150)
    purchases = sorted((simulator.ledger.purchases[form] for form in forms), key=lambda one: one.bought)
    for one in purchases:
        one.updated = LONG_AGO  # not in the list by change at all
    merged = purchases[sweep.LIMIT - 1].form
    bought = (purchases[-1].bought + timedelta(days=2)).isoformat().replace("+00:00", "Z")
    merged["lineItems"].append(merged["lineItems"][0] | {"id": "later", "boughtAt": bought})
    purchases[sweep.LIMIT - 1]._body = None

    assert set(await swept(allegro, purchases[0].bought)) == set(forms)


async def test_the_sweep_passes_a_crowd_at_one_instant(simulator: AllegroSimulator, allegro: Allegro) -> None:
    forms = simulator.ledger.buy(250)
    instant = simulator.ledger.purchases[forms[0]].updated
    for form in forms:
        purchase = simulator.ledger.purchases[form]
        purchase.updated = purchase.bought = instant
        moment = purchase.form["updatedAt"] = simulator.ledger.purchases[forms[0]].form["updatedAt"]
        for line in purchase.form["lineItems"]:
            line["boughtAt"] = moment
        purchase._body = None

    assert set(await swept(allegro)) == set(forms)


async def test_the_sweep_goes_beyond_the_farthest_offset(
    simulator: AllegroSimulator, allegro: Allegro, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Allegro refuses offsets past ten thousand; here it is three hundred."""
    monkeypatch.setattr(server, "FARTHEST", 300)
    forms = simulator.ledger.buy(700)

    found = await swept(allegro)

    assert set(found) == set(forms)
    assert max(found.values()) == 2  # once by change, once by purchase


async def test_the_sweep_looks_back_no_further_than_asked(simulator: AllegroSimulator, allegro: Allegro) -> None:
    old = simulator.ledger.buy(3)
    for form in old:
        simulator.ledger.purchases[form].updated -= timedelta(days=9)
        simulator.ledger.purchases[form].bought -= timedelta(days=9)
    new = simulator.ledger.buy(2)

    assert set(await swept(allegro, simulator.now() - timedelta(days=3))) == set(new)


@pytest.mark.parametrize("rows", [1, 2, 7, 50])
async def test_the_sweep_reads_to_the_end_where_pages_are_capped(
    rows: int, simulator: AllegroSimulator, allegro: Allegro
) -> None:
    """A page with fewer forms than were asked for is not the last one."""
    forms = simulator.ledger.buy(60)
    simulator.cap_pages(rows)
    assert set(await swept(allegro)) == set(forms)


async def test_the_sweep_passes_a_crowd_at_one_instant_in_capped_pages(
    simulator: AllegroSimulator, allegro: Allegro, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator.ledger, "tick", lambda: datetime(2026, 11, 21, 9, tzinfo=UTC))
    forms = simulator.ledger.buy(40)
    simulator.cap_pages(6)
    assert set(await swept(allegro)) == set(forms)


@pytest.mark.parametrize("total", [None, 0, 7, 60, 90])
def test_a_count_that_is_none_ends_no_sweep_early(total: int | None) -> None:
    began = datetime(2026, 11, 1, 12, tzinfo=UTC)
    keys = [wire.FormKey(id=f"{n}", updated_at=began + timedelta(seconds=n // 9)) for n in range(60)]
    place: sweep.SweepPosition | None = sweep.SweepPosition.begin(began)
    seen: set[str] = set()
    for _ in range(300):
        if place is None or place.walk is not sweep.OrderSweep.CHANGED:
            break
        fitting = [key for key in keys if key.updated_at is not None and key.updated_at >= place.bound]
        page = fitting[place.offset : place.offset + 10]
        seen |= {key.id for key in page}
        place = place.after(page, total)
    assert seen == {key.id for key in keys}
    assert place is not None
    assert place.walk is sweep.OrderSweep.BOUGHT


def test_a_crowd_beyond_the_farthest_offset_bars_no_other() -> None:
    """No more than ten thousand of one instant can be asked for; what was changed after it is still told."""
    began = datetime(2026, 11, 1, 12, tzinfo=UTC)
    keys = [wire.FormKey(id=f"{n}", updated_at=began) for n in range(server.FARTHEST + 300)]
    later = [wire.FormKey(id=f"later {n}", updated_at=began + timedelta(seconds=n + 1)) for n in range(5)]
    cut_off = []
    place: sweep.SweepPosition | None = sweep.SweepPosition.begin(began)
    seen: set[str] = set()
    while place is not None and place.walk is sweep.OrderSweep.CHANGED:
        assert place.offset + sweep.LIMIT <= server.FARTHEST, "the list refuses it"
        fitting = [*(keys if place.bound <= began else ()), *later]
        page = fitting[place.offset : place.offset + sweep.LIMIT]
        seen |= {key.id for key in page}
        place = place.after(page, len(fitting))
        cut_off += [place.cut_off] if place is not None and place.cut_off is not None else []
    assert seen >= {key.id for key in (*keys[: server.FARTHEST - sweep.LIMIT], *later)}
    assert cut_off == [began], "and that it was not told whole is said, once"


async def test_a_crowd_that_the_list_does_not_show_waits_for_a_person(
    simulator: AllegroSimulator, allegro: Allegro, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name and in words, once for each walk; a crowd that the list shows whole is no matter."""
    monkeypatch.setattr(server, "FARTHEST", 400)
    monkeypatch.setattr(sweep, "FARTHEST", 400)
    monkeypatch.setattr(simulator.ledger, "tick", lambda: datetime(2026, 11, 21, 9, tzinfo=UTC))
    simulator.ledger.buy(250)
    assert not [name for name in await swept(allegro) if " " in name]
    simulator.ledger.buy(250)
    page, records = None, list[Record]()
    while page is None or page.more:
        page = await allegro.orders.sweep(LONG_AGO, page.cursor if page is not None else None)
        records += page.records
    told = [record for record in records if isinstance(record, Unreadable)]
    at = "2026-11-21T09:00:00.000Z"
    assert [one.external_id for one in told] == [f"updatedAt {at}", f"lineItems.boughtAt {at}"]
    assert {one.kind for one in told} == {"instant"}, "it is no order, so nobody asks for it again"
    assert all(one.reason == Reason("olhubd_allegro:crowd", n=10_000, at=at) for one in told)
    assert {record.external_id for record in records if isinstance(record, Order)}


def test_forms_that_leave_a_crowd_at_one_instant_let_no_other_slip() -> None:
    """They are packed while they are read: each takes a place from all that stand behind it."""
    began = datetime(2026, 11, 1, 12, tzinfo=UTC)
    changed = {f"{n:02}": began for n in range(60)}
    place: sweep.SweepPosition | None = sweep.SweepPosition.begin(began)
    seen: set[str] = set()
    for turn in range(300):
        if place is None or place.walk is not sweep.OrderSweep.CHANGED:
            break
        fitting = sorted((at, id_) for id_, at in changed.items() if at >= place.bound)
        page = [wire.FormKey(id=id_, updated_at=at) for at, id_ in fitting[place.offset : place.offset + 10]]
        seen |= {key.id for key in page}
        place = place.after(page, len(fitting))
        packed = sorted(id_ for id_ in seen if changed[id_] == began)[:3]
        changed |= dict.fromkeys(packed, began + timedelta(seconds=turn + 1))
    assert seen == set(changed)


def test_forms_in_another_order_are_no_list() -> None:
    """Asked on from the last one's time, all that stood before it would be left out in silence."""
    began = datetime(2026, 11, 1, 12, tzinfo=UTC)
    place = sweep.SweepPosition.begin(began)
    back = [wire.FormKey(id=f"{n}", updated_at=began - timedelta(seconds=n)) for n in range(5)]
    with pytest.raises(ContractBroken, match="not in the order that was asked for, by updatedAt"):
        place.after(back, 200)
    senseless = wire.FormKey(id="x", updated_at=datetime.max.replace(tzinfo=UTC))
    assert place.after([senseless, wire.FormKey(id="y", updated_at=began)], 200) is not None
    bought = sweep.SweepPosition(since=began, bound=began, walk=sweep.OrderSweep.BOUGHT)

    def form(number: int, *seconds: int) -> wire.FormKey:
        lines = [wire.LineKey(bought_at=began + timedelta(seconds=at)) for at in seconds]
        return wire.FormKey(id=f"{number}", line_items=lines)

    # A purchase of two days stands by the one or by the other.
    assert bought.after([form(1, 5), form(2, 3, 9), form(3, 6)], 200) is not None
    with pytest.raises(ContractBroken, match="boughtAt"):
        bought.after([form(1, 5), form(2, 3, 4), form(3, 6)], 200)
    with pytest.raises(ContractBroken, match="boughtAt"):  # older than the first, whatever the second stands by
        bought.after([form(1, 5), form(2, 1, 9), form(3, 3)], 200)


def test_a_place_survives_its_cursor() -> None:
    place = sweep.SweepPosition.begin(datetime(2026, 11, 1, 12, tzinfo=UTC))
    keys = [wire.FormKey(id=f"{n}", updated_at=place.since + timedelta(seconds=n)) for n in range(100)]
    following = place.after(keys)
    assert following is not None
    assert sweep.SweepPosition.of(following.cursor) == following
    assert following.query["updatedAt.gte"] == "2026-11-01T12:01:39.000Z"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("boughtAt", "0001-01-01T00:00:00+14:00"),  # before the calendar begins
        ("boughtAt", "9999-12-31T23:59:59-14:00"),
        ("id", None),  # the form of another order
    ],
)
async def test_a_form_that_makes_no_sense_stops_nobody(
    simulator: AllegroSimulator, allegro: Allegro, drain: Drain, field: str, value: str | None
) -> None:
    """What fits its type and cannot be true is handed over raw, and the journal moves on."""
    start = await allegro.orders.start(None)
    good, bad, other = simulator.ledger.buy(3)
    purchase = simulator.ledger.purchases[bad]
    if value is None:
        purchase.form["id"] = good
    else:
        purchase.form["lineItems"][0][field] = value
    purchase._body = None

    records, cursor = await drain(start)

    assert {record.external_id: type(record) for record in records} == {good: Order, bad: Unreadable, other: Order}
    assert cursor == str(simulator.journal.entries[-1].id)


async def test_times_without_a_zone_stand_beside_times_with_one(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    (mixed,) = simulator.ledger.buy(1, lines=2)
    purchase = simulator.ledger.purchases[mixed]
    purchase.form["lineItems"][0]["boughtAt"] = "2026-01-01T10:00:00"
    purchase._body = None
    record = await allegro.orders.read_order(mixed)
    assert isinstance(record, Order)
    assert record.placed_at == datetime(2026, 1, 1, 10, tzinfo=UTC)


class Capped(AllegroSimulator):
    """Its list of forms gives seven a page at most."""

    def __init__(self, seed: int = 0, now: Callable[[], datetime] | None = None) -> None:
        super().__init__(seed, now)
        self.cap_pages(7)


LISTS = [rule for rule in conformance.concerning(Allegro) if rule.family in ("SWEEP", "COUNT")]


@pytest.mark.parametrize("rule", LISTS, ids=lambda rule: rule.id)
async def test_the_rules_of_lists_hold_where_pages_are_capped(rule: conformance.Rule) -> None:
    result = await conformance.try_rule(rule, Allegro, Capped)
    assert result.verdict is not conformance.RuleVerdict.FAIL, result.reason
