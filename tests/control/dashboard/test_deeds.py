"""What an operator and an administrator do with the forms, and what the pages do not offer to whom."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest

from olhubd.control.api.schema.alarms import ReconciliationRow
from olhubd.control.api.schema.orders import OrderCard
from olhubd.control.api.schema.system import Status
from olhubd.control.dashboard.health import Level, findings, worst
from olhubd.control.dashboard.progress import StepState, steps
from olhubd.control.dashboard.reconciliation import grid
from olhubd.decide import alarm_rules
from olhubd.model import AlarmKind, Reconciliation, Scope
from olhubd.store import Transaction, quarantine, reconciliations
from olhubd.store.quarantine import QuarantineDraft
from tests.control.dashboard.browser import Browser, forms, visible
from tests.control.dashboard.test_pages import PAGES, hold
from tests.control.house import House
from tests.control.situations import placed, unforwarded
from tests.control.test_hold_causes import refused
from tests.control.test_holds import by_hand, held
from tests.control.trouble import quarantined


async def card(house: House, order: object) -> OrderCard:
    return msgspec.json.decode(msgspec.json.encode(await house.get(f"/orders/{order}")), type=OrderCard)


async def test_a_note_a_status_a_parcel_and_an_address(busy: Browser) -> None:
    """Each by its form on the card, each told at the top, and all of it on the card afterwards."""
    order = (await placed(busy.house))["order"]
    number = (await card(busy.house, order)).id
    path = f"/orders/{number}"
    assert "is saved" in visible(await busy.press(path, f"{path}/note", note="call first"))
    await busy.press(path, f"{path}/address", city="Gdynia", country="pl")
    await busy.press(path, f"{path}/status", status="ready")
    text = visible(await busy.press(path, f"{path}/shipments", carrier="INPOST", waybill="6200", url=""))
    assert "Order #1 has the parcel 6200." in text
    assert "call first" in text
    found = await card(busy.house, order)
    assert found.order.shipping.address is not None
    assert (found.order.shipping.address.city, found.order.shipping.address.country) == ("Gdynia", "PL")
    assert (found.order.fulfilment.value, found.order.shipments[0].waybill) == ("ready", "6200")
    assert "has no note any more" in await busy.press(path, f"{path}/note", note=" ")
    assert (await card(busy.house, order)).note is None


async def test_an_order_is_sent_on_by_hand(busy: Browser) -> None:
    """IMP-13, FWD-27: the button is there where a route leads and has not forwarded it."""
    order = (await unforwarded(busy.house))["order"]
    path = f"/orders/{(await card(busy.house, order)).id}"
    text = visible(await busy.press(path, f"{path}/forward"))
    assert "is sent on" in text
    assert f"{path}/forward" not in {form.action for form in forms(await busy.page(path))}


async def test_what_is_not_possible_is_not_offered_and_says_why(busy: Browser) -> None:
    (sold,) = await busy.house.sell()
    page = await busy.page(f"/orders/{sold}")
    assert "/orders/1/forward" not in {form.action for form in forms(page)}
    assert "shop has it already" in visible(page)


async def test_lines_are_edited_and_the_edit_is_undone(busy: Browser) -> None:
    """FWD-26, SRC-05: the form shows the lines, says that a shop which has the order is sent nothing, and what the
    marketplace says stands beside the edit with the button that takes it."""
    (sold,) = await busy.house.sell()
    page = await busy.page("/orders/1")
    assert "what you edit stays here and is not sent" in visible(page)
    edits = [form for form in forms(page) if form.action == "/orders/1/edit"]
    (lines,) = [form for form in edits if "id.0" in form.fields]
    changes = {"quantity.0": "9", "price.0": "2,50", "name.new": "Gift box", "quantity.new": "1", "price.new": "5"}
    assert (await busy.post("/orders/1/edit", {**lines.fields, **changes})).status == 303
    text = visible(await busy.page("/orders/1"))
    assert "Gift box" in text
    assert "The source says" in text
    found = await card(busy.house, sold)
    assert (found.order.lines[0].quantity, str(found.order.lines[0].price.amount)) == (9, "2.50")
    assert (await busy.post("/orders/1/edit", {**lines.fields, **changes})).status == 409, "it was seen before that"
    (invoice,) = [
        form
        for form in forms(await busy.page("/orders/1"))
        if form.action == "/orders/1/edit" and not {"id.0", "undo"} & form.fields.keys()
    ]
    party = {"invoice.company": "Kubek", "invoice.street": "Prosta 1", "invoice.postcode": "00-001"}
    party |= {"invoice.city": "Gdynia", "tax_number": "5260250274"}
    assert (await busy.post("/orders/1/edit", {**invoice.fields, **party})).status == 303
    undo = [form for form in forms(await busy.page("/orders/1")) if form.fields.get("undo") == "lines"]
    assert (await busy.post("/orders/1/edit", undo[0].fields)).status == 303
    found = await card(busy.house, sold)
    assert [part.value for part in found.edited.parts] == ["invoice"]
    assert found.order.invoice is not None
    assert found.order.invoice.address.company == "Kubek"


async def test_a_payment_is_booked_and_undone_on_the_card(busy: Browser) -> None:
    """CRD-05: with its comment in the history of payments, in a table of its own."""
    order = (await unforwarded(busy.house))["order"]
    path = f"/orders/{(await card(busy.house, order)).id}"
    if (await card(busy.house, order)).order.fully_paid:
        page = await busy.page(path)
        (lines,) = [form for form in forms(page) if form.action == f"{path}/edit" and "id.0" in form.fields]
        await busy.post(f"{path}/edit", {**lines.fields, "price.0": "999.00"})
    text = visible(await busy.press(path, f"{path}/payments", amount="1,00", comment="at the counter"))
    assert "is booked" in text
    assert "at the counter" in text
    text = visible(await busy.press(path, f"{path}/payments/1/undo"))
    assert "undone by" in text


async def test_an_order_entered_by_hand_is_adopted_by_its_number(busy: Browser) -> None:
    """Another total is refused first, with both sums, and taken with the box ticked."""
    row = await held(busy.house)
    number = await by_hand(busy.house, row, more="0.01")
    action = f"/deliveries/{row['id']}/adopt"
    (form,) = [form for form in forms(await busy.page("/waiting")) if form.action == action]
    refused = await busy.post(action, {**form.fields, "number": number})
    assert refused.status == 409
    assert "the buyer pays" in refused.text
    text = visible(await busy.press("/waiting", action, number=number, despite_total="true"))
    assert f"Delivery {row['id']} is settled by order {number}." in text
    assert "Nothing waits for you." in text


async def test_forty_that_wait_for_one_cause_are_tried_again_with_one_button(busy: Browser) -> None:
    """The page says how many and why once; the button takes those that it showed, and says what came of it."""
    rows = await refused(busy.house, 3)
    (one,) = (await busy.house.get("/hold-causes"))["items"]
    text = visible(await busy.page("/waiting"))
    assert "3 × " in text
    action = f"/hold-causes/{one['cause']}"
    assert "Tried again: 3." in visible(await busy.press("/waiting", f"{action}/retry"))

    async def sent() -> bool:
        states = [(await busy.house.get(f"/deliveries/{row['id']}"))["state"] for row in rows]
        return set(states) == {"confirmed"}

    await busy.house.until(sent)
    (*others, newest) = sorted((await refused(busy.house, 2)), key=lambda row: row["id"])
    assert newest["id"] not in {row["id"] for row in rows}
    only = visible(await busy.page(f"/waiting?cause={one['cause']}"))
    assert "Show everything that waits" in only
    await busy.press("/waiting", f"{action}/discard", reason="test purchases")
    assert {(await busy.house.get(f"/deliveries/{row['id']}"))["state"] for row in (*others, newest)} == {
        "discarded"
    }


async def test_who_may_only_look_is_offered_no_decision_about_all(busy: Browser) -> None:
    await refused(busy.house, 2)
    (form, *_) = [form for form in forms(await busy.page("/tokens")) if form.action == "/tokens"]
    made = await busy.post("/tokens", {**form.fields, "name": "wall", "scope": "read", "days": "30"})
    async with Browser(busy.house) as other:
        await other.enter(token=made.text.split("<code>")[1].split("<")[0])
        page = await other.page("/waiting")
        assert "2 × " in visible(page)
        assert not [form for form in forms(page) if form.action.startswith("/hold-causes/")]


async def test_a_record_in_quarantine_is_read_again_or_given_up(busy: Browser) -> None:
    """Its facts are shown without what is personal."""
    record = (await quarantined(busy.house))["record"]
    assert "once more" in await busy.press("/waiting", f"/quarantine/{record}/retry")
    found = (await busy.house.get("/quarantine"))["items"]
    if found:
        await busy.press("/waiting", f"/quarantine/{found[0]['id']}/discard", reason="made by hand")
    assert "quarantine/" not in await busy.page("/waiting")


async def test_an_account_is_renamed(busy: Browser) -> None:
    """Part of MAN-09: by hand only."""
    text = visible(await busy.press("/accounts", "/accounts/stingy/rename", title="The till"))
    assert "stingy is now called The till." in text
    assert "The till" in await busy.page("/accounts")


async def test_a_token_is_shown_once_and_revoked(busy: Browser) -> None:
    (form, *_) = [form for form in forms(await busy.page("/tokens")) if form.action == "/tokens"]
    made = await busy.post("/tokens", {**form.fields, "name": "till", "scope": "operate", "days": "30"})
    assert made.status == 200
    text = made.text.split("<code>")[1].split("<")[0]
    assert text.startswith("olhubd_")
    assert text not in await busy.page("/tokens")
    async with Browser(busy.house) as other:
        await other.enter(token=text)
        assert "opens nothing any more" in await busy.press("/tokens", "/tokens/till/revoke")
        assert (await other.get("/")).status == 303, "its session ended with it"


@pytest.mark.parametrize("scope", list(Scope))
async def test_nothing_is_offered_that_the_scope_does_not_allow(trading: House, scope: Scope) -> None:
    delivery = await hold(trading)
    order = (await trading.get(f"/deliveries/{delivery}"))["order"]["id"]
    async with Browser(trading) as browser:
        await browser.enter(token=await trading.make_token("till", scope))
        seen = {
            form.action for path in (*PAGES, f"/orders/{order}") for form in forms(await browser.page(path))
        }  # fmt: skip
        page = await browser.page("/")
        assert (seen == {"/logout"}) is (scope is Scope.READ), seen
        assert ("This login may look and change nothing." in page) is (scope is Scope.READ)
        assert ('href="/tokens"' in page) is (scope is Scope.ADMIN)
        assert (await browser.get("/tokens")).status == (200 if scope is Scope.ADMIN else 403)


async def test_an_order_is_found_by_any_of_its_numbers(busy: Browser) -> None:
    """Straight to the card where only one is meant; else to what may be."""
    (sold,) = await busy.house.sell()
    there = (await card(busy.house, sold)).copies[0].external_id
    for asked in (sold, "1", "%231", there):
        assert (await busy.get(f"/find?q={asked}")).headers["Location"] == "/orders/1", asked
    assert (await busy.get("/find?q=4711")).headers["Location"] == "/orders?q=4711"
    assert (await busy.get("/find?q=")).headers["Location"] == "/orders"


async def test_the_steps_tell_where_an_order_is(busy: Browser) -> None:
    (sold,) = await busy.house.sell()
    told = [(step.key, step.state) for step in steps(await card(busy.house, sold))]
    assert [key for key, _ in told if key not in ("step.paid", "step.cod")] == [
        "step.bought",
        "step.landed",
        "step.at",
        "step.shipped",
    ]
    assert [state for _, state in told] == [*[StepState.OK] * 4, StepState.TODO]
    row = await held(busy.house)
    there = next(step for step in steps(await card(busy.house, row["order"]["id"])) if step.key == "step.at")
    assert (there.state, there.number) == (StepState.WARN, None)


async def test_alarms_are_on_the_overview(busy: Browser) -> None:
    await busy.house.hub.alarms.settle(
        [
            alarm_rules.AlarmFinding(
                kind=AlarmKind.SILENCE, subject="market", detail="2 orders since 10:00 UTC, where 9 are usual"
            )
        ]
    )
    text = visible(await busy.page("/"))
    assert "Too few orders, market: 2 orders since 10:00 UTC, where 9 are usual" in text
    assert "Open alarms 1" in text
    status = msgspec.convert(await busy.house.get("/status"), Status)
    assert worst(findings(status, ())) is Level.WARN
    assert "verdict.alarm" in {one.key for one in findings(status, ())}


async def test_a_long_quarantine_is_read_on_with_its_own_place(busy: Browser) -> None:
    """A page holds a hundred; the records beyond it are one click away, and the deliveries stay where they are."""
    house, now = busy.house, busy.house.clock.now()
    refused = [QuarantineDraft(kind="order", external_id=f"R-{n}.", reason="odd", raw=b"{}") for n in range(130)]
    await house.database.write(lambda tx: quarantine.put(tx, "market", "orders", refused, now))
    first = await busy.page("/waiting")
    assert "R-129." in first
    assert "R-29." not in first
    assert '<span class="count">100+</span>' in first
    (rest,) = re.findall(r'href="(/waiting\?records=\d+#quarantine)"', first)
    second = await busy.page(rest.partition("#")[0])
    assert all(f"R-{n}." in second for n in range(30))
    assert "R-30." not in second
    assert not re.findall(r"href=\"/waiting\?records", second)


async def test_the_overview_has_all_accounts_of_its_days(busy: Browser) -> None:
    """Ninety accounts compare more days in a week than a page of the list holds."""
    house, now = busy.house, busy.house.clock.now()

    async def work(tx: Transaction) -> None:
        for number in range(90 * 8):
            day = (now - timedelta(days=8 - number // 90)).date()
            await reconciliations.put(
                tx,
                Reconciliation(
                    id=1000 + number, account=f"account-{number % 90:02}", day=day, since=now, until=now, source=1,
                    hub=1, missing=0, surplus=0, looks=1, looked_at=now,
                ),
            )  # fmt: skip

    await house.database.write(work)
    page = await busy.page("/")
    table = page[page.index('<table class="days') :]
    table = table[: table.index("</table>")]
    assert len(set(re.findall(r"account-\d\d", table))) == 90
    rows = re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
    assert all(row.count("<td") - row.count("<td></td>") >= 7 for row in rows if "account-" in row)


async def test_days_are_compared_with_zero_expected(house: House) -> None:
    now = house.clock.now()
    days = [
        ReconciliationRow(
            id=at, account=account, day=(now - timedelta(days=at)).date(), since=now, until=now, source=5,
            hub=5 - lost, missing=lost, surplus=0, names=(), looks=1, looked_at=now,
        )
        for account, lost in (("a", 0), ("b", 1))
        for at in range(9)
    ]  # fmt: skip
    found = grid(days[:-1])
    assert len(found.days) == 7
    assert found.days == tuple(sorted(found.days))
    assert found.difference == 7
    assert [name for name, _ in found.rows] == ["a", "b"]
    assert grid(()).days == ()
