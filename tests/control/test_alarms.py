"""Alarms and reconciliations as programs and the command line get them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from olhubd.model import Reconciliation
from olhubd.store import Transaction, reconciliations
from tests.control.house import House, decoded

DAY = date(2026, 1, 31)
MIDNIGHT = datetime(2026, 1, 31, tzinfo=UTC)


async def test_what_is_wrong_is_listed_until_it_is_not(house: House) -> None:
    """Nobody has signed in at first; status, list and metric say so, and none of them afterwards."""
    await house.hub.checks.round()
    (alarm,) = (await house.get("/alarms", kind="sign-in"))["items"]
    assert (alarm["kind"], alarm["subject"], alarm["cleared_at"]) == ("sign-in", "market", None)
    assert alarm["id"] in [one["id"] for one in (await house.get("/status"))["alarms"]]
    assert 'olhubd_alarm{kind="sign-in",subject="market"} 1.0' in await house.get("/metrics")
    await house.sign_in()

    async def over() -> bool:
        await house.hub.checks.round()
        return not (await house.get("/alarms", kind="sign-in"))["items"]

    await house.until(over)
    assert 'olhubd_alarm{kind="sign-in"' not in await house.get("/metrics")
    assert alarm["id"] in [one["id"] for one in (await house.get("/alarms", past="true", kind="sign-in"))["items"]]


async def test_checks_tell_how_often_they_ran(trading: House) -> None:
    await trading.hub.checks.round()
    metrics = await trading.get("/metrics")
    ran = {
        line.split('check="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1])
        for line in metrics.splitlines()
        if line.startswith("olhubd_check_runs_total{")
    }
    assert ran["feed"] > 0
    assert ran["disk"] > 0
    assert ran["silence"] == 0, "nothing to judge by yet, and it says so"


async def test_reconciliations_are_paged_and_filtered(house: House) -> None:
    async def day(number: int, account: str, missing: int) -> Reconciliation:
        return Reconciliation(
            id=await house.database.next_id("reconciliations"),
            account=account,
            day=DAY - timedelta(days=number),
            since=MIDNIGHT - timedelta(days=number),
            until=MIDNIGHT - timedelta(days=number - 1),
            source=7,
            hub=7 - missing,
            missing=missing,
            surplus=0,
            names=("a-1",) if missing else (),
            looks=2,
            looked_at=MIDNIGHT,
        )

    days = [await day(1, "market", 0), await day(2, "market", 1), await day(1, "stingy", 0)]

    async def work(tx: Transaction) -> None:
        for one in days:
            await reconciliations.put(tx, one)

    await house.database.write(work)
    first = await house.get("/reconciliations", limit="2")
    assert [one["account"] for one in first["items"]] == ["stingy", "market"]
    rest = await house.get("/reconciliations", limit="2", before=str(first["next"]))
    assert [one["day"] for one in rest["items"]] == ["2026-01-30"]
    (wrong,) = (await house.get("/reconciliations", different="true"))["items"]
    assert (wrong["source"], wrong["hub"], wrong["missing"], wrong["names"]) == (7, 6, 1, ["a-1"])
    assert len((await house.get("/reconciliations", account="market"))["items"]) == 2


async def test_a_day_is_compared_by_hand_or_it_is_said_why_not(trading: House) -> None:
    today = trading.hub.clock.now().date()
    for body, why in (
        ({"day": today.isoformat()}, "not over yet"),
        ({"day": "2020-01-01"}, "takes no orders from before"),
        ({"day": "9999-12-31"}, "not over yet"),
        ({"day": "0001-01-01"}, "takes no orders from before"),
    ):
        answer = await trading.client.post("/api/v1/accounts/market/reconcile", json=body)
        assert answer.status == 409
        assert why in (await decoded(answer))["detail"]
    unit = trading.hub.unit("market")
    assert unit.feeds.orders is not None
    unit.feeds.orders._since = trading.hub.clock.now() - timedelta(days=3)
    answer = await trading.client.post("/api/v1/accounts/market/reconcile", json={})
    assert answer.status == 200
    found = await decoded(answer)
    assert (found["day"], found["source"], found["hub"], found["looks"]) == (
        (today - timedelta(days=1)).isoformat(), 0, 0, 1,
    )  # fmt: skip
    answer = await trading.client.post("/api/v1/accounts/shop/reconcile", json={})
    assert answer.status == 409
    assert "fetches no orders" in (await decoded(answer))["detail"]
