"""The journal over HTTP: what it tells, by whom, how grave, how far back, and as it happens."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from olhubd.control.api import journal
from olhubd.store import Reader
from tests.control.house import House

MONTH = 31 * 86_400 * 1_000_000


async def told(house: House, **query: Any) -> list[dict[str, Any]]:
    """Without alarms, which come of the house and not of what a test does in it."""
    items: list[dict[str, Any]] = (await house.get("/journal", **query))["items"]
    return [item for item in items if not item["kind"].startswith("alarm.")]


async def test_everything_is_told_the_newest_first_and_grave_things_are_marked(trading: House) -> None:
    """LOG-08, LOG-09, LOG-12. Part of LOG-07: a tab for each integration, a type, and details with the cause."""
    await trading.sell()
    await trading.ask("POST", "/accounts/stingy/pause", {"reason": "holidays"})
    items = await told(trading)
    assert [item["at"] for item in items] == sorted((item["at"] for item in items), reverse=True)
    by_kind = {item["kind"]: item for item in items}
    assert {"order.placed", "delivery.confirmed", "account.paused", "account.signed-in"} <= by_kind.keys()
    paused = by_kind["account.paused"]
    assert (paused["severity"], paused["text"]) == ("warning", "stingy: the account was paused: holidays")
    assert paused["data"] == {"reason": "holidays"}
    assert by_kind["order.placed"]["severity"] == "info"
    assert "told by the feed of orders of market" in by_kind["order.placed"]["why"]
    # Nobody had signed in to the market at first.
    assert [item["kind"] for item in await told(trading, severity="warning")] == [
        "account.paused",
        "account.parked",
    ]
    assert [item["kind"] for item in await told(trading, severity="error")] == ["account.parked"]
    assert {item["account"] for item in await told(trading, account="market")} == {"market"}
    assert [item["kind"] for item in await told(trading, account="stingy")] == ["account.paused"]


async def test_its_text_and_its_orders_are_found(trading: House) -> None:
    first, second = await trading.sell(2)
    ids = {one: (await trading.get(f"/orders/{one}"))["id"] for one in (first, second)}
    assert {item["order_id"] for item in await told(trading, q=first)} == {ids[first]}
    assert await told(trading, q="nothing of the kind") == []
    kinds = {item["kind"] for item in await told(trading, text="SEEN FOR THE FIRST")}
    assert kinds == {"order.placed"}
    assert await told(trading, text="no such words") == []


async def test_a_run_that_failed_is_told_among_the_rest(trading: House) -> None:
    """Part of LOG-10: nothing that went wrong is only in the import log."""
    wrong = {"id": 10**6, "error": "the shop is on fire", "state": "failed"}
    await trading.database.write(
        lambda tx: tx.execute(
            "INSERT INTO runs (id, account, feed, trigger, started_at, ended_at, state, polls, seen, added,"
            " changed, quarantined, missed, error)"
            " VALUES (?, 'shop', 'orders', 'timer', ?, ?, ?, 1, 0, 0, 0, 0, 0, ?)",
            (wrong["id"], 2**51, 2**51, wrong["state"], wrong["error"]),
        )
    )
    (entry,) = await told(trading, severity="error", account="shop")
    assert (entry["kind"], entry["account"]) == ("run.failed", "shop")
    assert entry["text"] == "shop: a run of the feed of orders failed: the shop is on fire"
    assert entry["id"] == f"run-{wrong['id']}"
    assert (await told(trading))[0]["id"] == entry["id"]


async def test_deactivations_fade_after_thirty_days(house: House) -> None:
    """ACC-22. Part of LOG-11: hidden from the default view, still there with all."""
    await house.ask("POST", "/accounts/stingy/pause", {"reason": "old"})
    await house.database.write(lambda tx: tx.execute("UPDATE events SET at = at - ?", (MONTH,)))
    assert "account.paused" not in {item["kind"] for item in await told(house)}
    assert "account.paused" in {item["kind"] for item in await told(house, all="true")}
    await house.ask("POST", "/accounts/stingy/resume")
    await house.ask("POST", "/accounts/stingy/pause", {"reason": "new"})
    assert [item["data"] for item in await told(house, severity="warning")] == [{"reason": "new"}]


@pytest.mark.parametrize("query", [{}, {"text": "the"}, {"account": "market"}])
async def test_pages_join_without_a_gap(trading: House, query: dict[str, str]) -> None:
    await trading.sell(3)
    whole = [item["id"] for item in (await trading.get("/journal", limit=500, **query))["items"]]
    assert len(whole) > 5
    seen: list[str] = []
    place: dict[str, str] = {}
    while True:
        page = await trading.get("/journal", limit=4, **query, **place)
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        place = {"before": page["next"]}
    assert seen == whole


async def test_a_rare_text_is_looked_for_a_page_at_a_time(trading: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_MOST", 3)
    await trading.sell(2)
    page = await trading.get("/journal", text="somebody signed in")
    assert page["items"] == []
    assert page["looked_back_to"] is not None
    found: list[Any] = []
    while page["next"] is not None:
        page = await trading.get("/journal", text="somebody signed in", before=page["next"])
        found += page["items"]
    assert [item["kind"] for item in found] == ["account.signed-in"]


async def test_a_page_costs_no_question_for_each_of_its_entries(
    trading: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        await trading.sell()
    asked: list[str] = []
    kind = type(trading.hub.database.reader)
    fetch = kind.fetch

    async def counted(reader: Reader, sql: str, parameters: Any = ()) -> list[Any]:
        asked.append(sql)
        return await fetch(reader, sql, parameters)

    caused = [one for one in await told(trading) if one["cause"]["kind"] == "run"]
    monkeypatch.setattr(kind, "fetch", counted)
    assert [one for one in await told(trading) if one["cause"]["kind"] == "run"] == caused
    monkeypatch.undo()
    assert len(caused) >= 4
    assert all(one["why"].startswith("told by the feed") for one in caused)
    assert len([sql for sql in asked if "FROM runs WHERE id IN" in sql]) == 1


async def test_it_can_be_followed(house: House) -> None:
    seen: list[str] = []
    newest = (await house.get("/journal"))["newest"]
    waiting = asyncio.ensure_future(house.get("/journal", after=newest, wait=20))
    await house.ask("POST", "/accounts/stingy/pause", {"reason": "now"})
    while "account.paused" not in seen:
        page = await waiting
        assert page["items"], "it answers when something happened"
        seen += [item["kind"] for item in page["items"]]
        waiting = asyncio.ensure_future(house.get("/journal", after=page["newest"], wait=20))
    waiting.cancel()


async def test_an_unknown_kind_is_told_by_its_facts(house: House) -> None:
    """From a newer version, or a plugin."""
    await house.hub.events.note("plugin.sneezed", {"times": 3}, "ewa", account="market")
    entry = (await told(house))[0]
    assert (entry["kind"], entry["severity"], entry["text"]) == (
        "plugin.sneezed",
        "info",
        "plugin.sneezed: times 3",
    )
    assert msgspec.json.encode(entry["data"]) == b'{"times":3}'


@pytest.mark.parametrize(
    "query", [{"before": "x"}, {"severity": "awful"}, {"account": "nobody"}, {"after": "1"}, {"limit": "0"}]
)
async def test_what_makes_no_sense_is_refused(house: House, query: dict[str, str]) -> None:
    status, problem = await house.ask("GET", "/journal", **query)
    assert status == 400
    assert problem["parameter"] in query
