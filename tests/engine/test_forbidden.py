"""What a 403 comes to: a code that means a blocked account switches it off, one that nobody knows never does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from olhubd.control.api.schema.system import Status
from olhubd.control.dashboard.health import findings
from olhubd.control.text.event_text import tell
from olhubd.model import AlarmKind, code_of
from olhubd.store import events
from olhubd.store.accounts import AccountState
from olhubd_kit.faults import Fault, FaultKind
from tests.control.house import House

CODE = "AccountIsBlockedByTheMarketplace"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    with capture_logs():
        async with made.open():
            await made.sign_in()
            yield made


async def parked(house: House, name: str = "market") -> bool:
    return house.hub.unit(name).row.state is AccountState.PARKED


async def test_a_blocked_account_is_switched_off_with_its_reason(house: House) -> None:
    """Part of ACC-18. Part of ACC-21. Logged once, with its reason; at work again when somebody says so."""
    await house.sell(1)
    assert (await house.ask("POST", "/accounts/market/settings", {"values": {"blocked_codes": CODE}}))[0] == 200
    before = await house.events()
    house.market.block(CODE)
    await house.until(lambda: parked(house))
    unit = house.hub.unit("market")
    assert code_of(unit.row.reason) == "account.blocked"
    told = [one for one in await events.since(house.database.reader, before) if one.kind == "account.parked"]
    why = f"GET /order/events: 403 The account is blocked ({CODE})"
    said = f"market: the account was parked: the marketplace has blocked the account: {why}"
    assert [tell(one) for one in told] == [said]
    await house.hub.checks.round()
    assert (AlarmKind.PARKED, "market") in house.hub.alarms.open
    assert (AlarmKind.FORBIDDEN, "market") not in house.hub.alarms.open
    sold = house.market.ledger.buy(1)
    house.market.unblock()
    assert (await house.ask("POST", "/accounts/market/resume"))[0] == 200
    await house.until(house.settled)
    assert {entry.external_id for entry in house.market.books()} >= set(sold), "nothing of meanwhile is lost"


async def test_a_block_that_ends_the_grant_switches_it_off_too(house: House) -> None:
    """As the marketplace does it where no code says so."""
    house.market.block()
    await house.until(lambda: parked(house))
    assert code_of(house.hub.unit("market").row.reason) == "account.sign-in-lost"


async def test_a_code_that_nobody_knows_is_an_alarm_and_switches_nothing_off(house: House) -> None:
    """Both for what is read and for what is sent; when it is over, all goes on and the alarm is cleared."""
    await house.sell(1)
    house.market.faults.add(Fault(kind=FaultKind.REFUSE, status=403, times=None))
    house.shop.faults.add(Fault(kind=FaultKind.REFUSE, status=403, times=None))

    async def forbidden() -> bool:
        return bool(house.hub.unit("market").calls.forbidden)

    await house.until(forbidden)
    await house.hub.checks.round()
    alarm = house.hub.alarms.open[AlarmKind.FORBIDDEN, "market"]
    assert "GET /order/events: 403 The request is refused (VALIDATION_ERROR)" in alarm.detail
    status = msgspec.convert(await house.get("/status"), Status)
    assert AlarmKind.FORBIDDEN in {one.kind for one in findings(status, [])}, "the first page says so"
    assert house.hub.unit("market").row.state is AccountState.ACTIVE
    assert house.hub.unit("shop").row.state is AccountState.ACTIVE
    house.market.ledger.buy(1)
    house.market.faults.clear()

    async def held_up() -> bool:
        return bool(house.hub.unit("shop").calls.forbidden)

    await house.until(held_up)
    await house.hub.checks.round()
    assert (AlarmKind.FORBIDDEN, "shop") in house.hub.alarms.open
    assert (await house.get("/deliveries", state="hold"))["items"] == [], "no person is asked about each order"
    house.shop.faults.clear()
    await house.until(house.settled)
    await house.hub.checks.round()
    assert {kind for kind, _ in house.hub.alarms.open} & {AlarmKind.FORBIDDEN, AlarmKind.PARKED} == set()
    assert house.hub.unit("shop").row.state is AccountState.ACTIVE


async def test_a_blocked_sale_leaves_the_account_on(house: House) -> None:
    """What was sold before is still read and sent."""
    house.market.block("SellerAccountWithSellBlockadeException", r"^(POST|PUT|PATCH) /sale/")
    await house.sell(2)
    assert house.hub.unit("market").row.state is AccountState.ACTIVE
