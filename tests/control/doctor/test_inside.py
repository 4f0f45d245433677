"""What the daemon finds when it examines itself: each check goes wrong, and is well again once that is mended."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from olhubd.control.doctor.inside import KNOWN
from olhubd.decide.alarm_rules import AlarmFinding
from olhubd.engine.account import AccountUnit
from olhubd.model import AlarmKind, Reason, Scope
from olhubd.plugin import Token, hookimpl
from olhubd_kit.faults import Fault, FaultKind
from tests.control.house import House
from tests.control.shelf import Shelf
from tests.waiting import until


async def found(house: House, check: str, subject: str | None = None) -> dict[str, Any]:
    """The worst that a check says, of one account where that is named."""
    answer = await house.get("/doctor", check=check)
    items = [item for item in answer["items"] if subject in (None, item["subject"])]
    worst = min(items, key=lambda item: ("wrong", "look", "fine", "skipped").index(item["state"]))
    assert worst["check"] == check
    assert (worst["mend"] is None) == (worst["state"] in ("fine", "skipped")), "what is not well has a way out"
    assert answer["well"] == all(item["state"] != "wrong" for item in answer["items"])
    result: dict[str, Any] = worst
    return result


async def state(house: House, check: str, subject: str | None = None) -> str:
    return str((await found(house, check, subject))["state"])


async def test_everything_is_looked_at(trading: House) -> None:
    told = [item["check"] for item in (await trading.get("/doctor"))["items"]]
    assert list(dict.fromkeys(told)) == list(KNOWN)


async def test_a_check_that_there_is_not(house: House) -> None:
    status, refused = await house.ask("GET", "/doctor", check="CLOK")
    assert (status, refused["parameter"]) == (400, "check")
    assert "CLOCK" in refused["detail"]
    status, refused = await house.ask("GET", "/doctor", check="SERVICE")
    assert status == 400
    assert "SERVICE is for the command line" in refused["detail"]


@pytest.mark.parametrize(("ahead", "told"), [(0, "fine"), (20, "look"), (-20, "look"), (300, "wrong")])
async def test_clock(house: House, ahead: int, told: str) -> None:
    """By the date of an answer that the examination itself asks for."""
    house.clock.ahead = timedelta(seconds=ahead)
    one = await found(house, "CLOCK", "shop")
    assert one["state"] == told
    if told != "fine":
        assert ("behind" if ahead < 0 else "ahead") in one["text"]


async def test_clock_needs_an_answer(house: House) -> None:
    house.shop.faults.add(Fault(kind=FaultKind.LOSE, times=None))

    async def skipped() -> bool:
        # What was asked before the fault may still be answered.
        house.hub.units["shop"].connection.dated = None
        return await state(house, "CLOCK", "shop") == "skipped"

    await until(skipped)


async def test_reach(trading: House) -> None:
    assert await state(trading, "REACH", "shop") == "fine"
    trading.shop.faults.add(Fault(kind=FaultKind.REFUSE, status=401, times=None))
    one = await found(trading, "REACH", "shop")
    assert one["state"] == "wrong"
    await trading.ask("POST", "/accounts/shop/pause")
    assert await state(trading, "REACH", "shop") == "skipped"
    assert await state(trading, "REACH", "stingy") == "skipped", "it cannot be asked"


async def test_a_fault_in_one_connector_hides_no_other(trading: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise KeyError("user")

    monkeypatch.setattr(trading.hub.units["shop"].connector, "probe", broken)
    one = await found(trading, "REACH", "shop")
    assert (one["state"], one["text"]) == ("wrong", "its connector failed: KeyError")
    assert await state(trading, "REACH", "market") == "fine"


async def test_reach_finds_another_shop(trading: House) -> None:
    unit = trading.hub.units["market"]
    unit.record.row = msgspec.structs.replace(unit.row, owner="of somebody else")
    one = await found(trading, "REACH", "market")
    assert one["state"] == "wrong"
    assert "but the account belongs to" in one["text"]


async def test_tokens(house: House) -> None:
    """Who must sign in, and when."""
    one = await found(house, "TOKENS", "market")
    assert (one["state"], one["mend"]) == ("wrong", "olhubd login market")
    await house.sign_in()
    assert await state(house, "TOKENS", "market") == "fine"
    settings = house.hub.configuration
    alarms = settings.alarms.model_copy(update={"sign_in_ahead": timedelta(days=100)})
    house.hub.in_force.take(dataclasses.replace(settings, alarms=alarms))
    assert await state(house, "TOKENS", "market") == "look"
    await adopt(house, refresh_expires_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert "ended at 2026-01-01" in (await found(house, "TOKENS", "market"))["text"]


async def adopt(house: House, **changes: Any) -> None:
    """Give the market's account a token of other facts."""
    token, keeper = held(house.hub.units["market"]), house.hub.units["market"].connection.keeper
    assert keeper is not None
    await keeper.adopt(msgspec.structs.replace(token, **changes))


def held(unit: AccountUnit) -> Token:
    assert unit.connection.keeper is not None
    assert unit.connection.keeper.token is not None
    return unit.connection.keeper.token


async def test_scopes(trading: House) -> None:
    assert await state(trading, "SCOPES", "market") == "fine"
    await adopt(trading, scopes=("allegro:api:orders:read", "allegro:api:profile:read"))
    one = await found(trading, "SCOPES", "market")
    assert one["state"] == "wrong"
    assert one["text"] == "the sign-in does not allow allegro:api:orders:write"
    await adopt(trading, scopes=())
    assert await state(trading, "SCOPES", "market") == "skipped"


async def test_scopes_of_an_account_on_which_stock_is_sold(tmp_path: Path) -> None:
    """What was signed in for orders alone may not write offers: that is known before one of them is refused."""
    shelf = Shelf(tmp_path)
    with capture_logs():
        async with shelf.open():
            await shelf.sign_in()
            assert await state(shelf, "SCOPES", "market") == "fine"
            orders = ("allegro:api:orders:read", "allegro:api:orders:write", "allegro:api:profile:read")
            await adopt(shelf, scopes=orders)
            one = await found(shelf, "SCOPES", "market")
            assert (one["state"], one["text"]) == (
                "wrong",
                "the sign-in does not allow allegro:api:sale:offers:read, allegro:api:sale:offers:write",
            )
            assert "olhubd login market" in one["mend"]
            # Where no stock is sold on it, it allows all that is needed.
            shelf.hub.in_force.take(dataclasses.replace(shelf.hub.configuration, stock=()))
            assert await state(shelf, "SCOPES", "market") == "fine"


async def test_access(house: House) -> None:
    await house.make_token("till", Scope.READ, timedelta(days=90))
    assert await state(house, "ACCESS") == "fine"
    await house.make_token("reports", Scope.READ, timedelta(days=3))
    one = await found(house, "ACCESS")
    assert (one["state"], one["subject"]) == ("look", "reports")


async def test_alarms(trading: House) -> None:
    await trading.hub.supervisor.stop("alarms")  # what is found by itself is another test's
    await trading.hub.alarms.settle([])
    assert await state(trading, "ALARMS") == "fine"
    await trading.hub.alarms.settle([AlarmFinding(kind=AlarmKind.HOLD, subject="shop", detail="3 wait")])
    one = await found(trading, "ALARMS")
    assert (one["state"], one["subject"], one["mend"]) == (
        "wrong",
        "shop",
        "olhubd holds list",
    )
    for kind, detail, way in (
        (
            AlarmKind.PARKED,
            Reason("account.sign-in-lost", error=Reason("sign-in.nobody", account="shop")),
            "write the right key",
        ),  # it has no sign-in
        (AlarmKind.PARKED, "blocked: for a debt", "olhubd resume shop"),
        (AlarmKind.TARGET_DOWN, "has not answered yet", "address"),
    ):
        await trading.hub.alarms.settle([AlarmFinding(kind=kind, subject="shop", detail=detail)])
        assert way in (await found(trading, "ALARMS"))["mend"]


async def test_errors(house: House) -> None:
    """Nobody has signed in, which was told as an error; two days later that is long ago."""

    async def parked() -> bool:
        return str((await house.get("/accounts/market"))["state"]) == "parked"

    await house.until(parked)
    assert await state(house, "ERRORS") == "look"
    house.clock.ahead = timedelta(days=2)
    assert await state(house, "ERRORS") == "fine"


async def test_unmapped(trading: House) -> None:
    assert await state(trading, "UNMAPPED") == "fine"
    await trading.sell()
    one = await found(trading, "UNMAPPED", "market")
    assert one["state"] == "look"
    assert one["text"].endswith("became nothing in 1 order")


async def test_unlinked(trading: House) -> None:
    """Part of FWD-21: which offers have no product."""
    assert await state(trading, "UNLINKED") == "fine"
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    line = f'["{card["order"]["lines"][0]["external_id"]}"]'.encode()
    await trading.database.write(
        lambda tx: tx.execute("UPDATE copies SET unlinked = ? WHERE order_id = ?", (line, card["id"]))
    )
    one = await found(trading, "UNLINKED")
    assert one["state"] == "look"
    assert "without a product" in one["text"]


class Own:
    """A plugin with a check of its own, which asks a scale."""

    told: str | None = None

    @hookimpl
    def olhubd_register_checks(self, register: Any) -> None:
        register("SCALE", lambda: self.told)


async def test_checks_of_plugins(house: House) -> None:
    own = Own()
    house.hub.configuration.plugins.manager.register(own)
    try:
        assert await state(house, "SCALE") == "fine"
        own.told = "the scale is not connected"
        one = await found(house, "SCALE")
        assert (one["state"], one["text"]) == ("wrong", "the scale is not connected")
        assert (await house.get("/doctor"))["items"][-1]["check"] == "SCALE"
    finally:
        house.hub.configuration.plugins.manager.unregister(own)


async def test_plugins_files_disk_and_the_database_are_looked_at_from_inside(house: House) -> None:
    """How each goes wrong is tried without a daemon."""
    (house.folder / "data").chmod(0o700)
    for check in ("PLUGINS", "FILES", "DISK", "INTEGRITY"):
        assert await state(house, check) == "fine", check
    house.socket.rename(house.folder / "elsewhere.sock")
    assert "the socket is gone" in (await found(house, "FILES"))["text"]
