"""Health, readiness, metrics and status: what a machine or an operator sees at a glance."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from olhubd.runtime.supervisor import Heartbeat
from tests.control.house import House


async def test_ready_while_all_is_well(house: House) -> None:
    assert await house.get("/healthz") == {"alive": True}
    assert await house.get("/readyz") == {"ready": True, "database": True, "overdue": {}}


async def test_a_stuck_loop_is_named(house: House) -> None:
    """Invariant 14: a missed deadline turns readiness to 503, and says whose."""

    async def stuck(pulse: Heartbeat) -> None:
        pulse.beat(0.0)
        await asyncio.Event().wait()

    house.hub.supervisor.start("a loop that hangs", stuck)
    await asyncio.sleep(0.05)
    status, told = await house.ask("GET", "/readyz")
    assert status == 503
    assert set(told["overdue"]) == {"a loop that hangs"}
    assert (await house.get("/healthz"))["alive"], "the process itself lives"
    found = await house.get("/status")
    assert found["ready"] is False
    assert "a loop that hangs" in found["overdue"]


async def test_a_database_that_does_not_answer_is_not_ready(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(self: object, within: float = 2.0) -> bool:
        return False

    monkeypatch.setattr(type(house.hub.database), "answers", silent)
    status, told = await house.ask("GET", "/readyz")
    assert (status, told["database"]) == (503, False)


async def test_metrics_count_what_happened(trading: House) -> None:
    await trading.sell(3)
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(await trading.get("/metrics"))
        for sample in family.samples
    }
    assert samples["olhubd_orders_landed_total", "market", "orders"] == 3
    assert samples["olhubd_deliveries_confirmed_total", "shop"] >= 3
    assert samples["olhubd_deliveries", "hold", "shop"] == 0
    assert samples["olhubd_account_state", "active", "allegro", "market"] == 1
    assert samples["olhubd_account_state", "allegro", "market", "parked"] == 0
    assert samples["olhubd_account_state", "off", "off", "stingy"] == 1
    assert samples["olhubd_loops_overdue",] == 0
    assert samples["olhubd_delivery_oldest_open_seconds", "shop"] == 0
    assert samples["process_resident_memory_bytes",] > 1e6
    assert any(key[0] == "olhubd_budget_left" and "allegro" in key for key in samples)


async def test_metrics_name_no_person_and_no_order(trading: House) -> None:
    """Invariant 12: everything personal that the market knows is searched for in what is written."""
    sold = await trading.sell(5)
    text = await trading.get("/metrics")
    rows = await trading.database.reader.fetch("SELECT buyer, external_id, number FROM orders")
    assert len(rows) == 5
    for canary in {str(value) for row in rows for value in row if value} | set(sold):
        assert canary not in text
    assert trading.market.settings("")["client_id"] not in text


async def test_status_sums_up(trading: House) -> None:
    await trading.sell(2)
    found = await trading.get("/status")
    assert found["ready"] is True
    assert found["accounts"] == {"active": 3, "off": 1}
    assert found["owed"] == {}
    assert found["resident_bytes"] > 1e6
    assert {budget["key"].split(":")[0] for budget in found["budgets"]} >= {"allegro", "woocommerce"}


async def test_plugins_tell_what_they_can(house: House) -> None:
    items = {plugin["name"]: plugin for plugin in (await house.get("/plugins"))["items"]}
    (connector,) = items["allegro"]["connectors"]
    assert "OrderFeed" in connector["capabilities"]
    assert items["allegro"]["version"]
    assert items["vendure"] == {
        "name": "vendure",
        "version": items["vendure"]["version"],
        "loaded": False,
        "failed": None,
        "connectors": [],
    }
