"""The command line and a running hub, over its real socket."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from olhubd_kit.faults import Fault, FaultKind
from tests.cli.conftest import Terminal
from tests.control.house import House


async def test_status(house: House, terminal: Terminal) -> None:
    """Part of LOG-01: when the last run was, and whether it went well."""
    await house.sell(2)
    told = await terminal("status")
    assert re.search(r"^olhubd \S+ is ready, up ", told)
    assert re.search(r"^market +allegro +active +\d+ s ago", told, re.MULTILINE)
    assert re.search(r"^off +stingy +off", told, re.MULTILINE)
    found = await terminal.json("status")
    assert found["status"]["ready"] is True
    assert [account["name"] for account in found["accounts"]] == ["market", "shop", "stingy", "off"]


async def test_status_fails_while_a_loop_is_stuck(house: House, terminal: Terminal) -> None:
    async def stuck(pulse: Any) -> None:
        pulse.beat(0.0)
        await asyncio.Event().wait()

    house.hub.supervisor.start("a loop that hangs", stuck)
    await asyncio.sleep(0.05)
    told = await terminal("status", code=1)
    assert "NOT READY" in told
    assert "stuck: a loop that hangs" in told


async def test_without_the_socket_the_token_in_the_data_directory_serves(house: House, terminal: Terminal) -> None:
    port = house.base.rpartition(":")[2]
    lines = house.path.read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("socket")]
    house.path.write_text("\n".join(lines).replace("127.0.0.1:0", f"127.0.0.1:{port}"), encoding="utf-8")
    assert "is ready" in await terminal("status")
    assert "the bearer token is wrong" in await terminal("status", code=5, OLHUBD_TOKEN="wrong")
    (house.folder / "data" / "control.token").unlink()
    assert "a bearer token is needed" in await terminal("status", code=5)
    assert "is ready" in await terminal("status", OLHUBD_TOKEN=house.token)


async def test_fetching(house: House, terminal: Terminal) -> None:
    """Part of MAN-01: three times, then a code of its own and the time."""
    house.tiny.buy(2)
    assert await terminal("fetch", "stingy") == "stingy: 2 told, 2 new, 0 changed\n"
    for _ in range(2):
        await terminal("fetch", "stingy")
    assert "possible again at" in await terminal("fetch", "stingy", code=7)
    assert "switched off in the configuration" in await terminal("fetch", "off", code=1)
    assert "there is no account stingi; did you mean stingy?" in await terminal("fetch", "stingi", code=6)


async def test_the_import_log(house: House, terminal: Terminal) -> None:
    """LOG-02, LOG-03, LOG-05: each run with its numbers, by account."""
    house.tiny.buy(2)
    await terminal("fetch", "stingy")
    told = await terminal("runs", "--account", "stingy")
    assert re.search(r"stingy +orders +manual .* done +1 +2 +2 +0 +0$", told, re.MULTILINE)
    assert "stingy" not in await terminal("runs", "--account", "shop")


async def test_orders_are_listed_and_shown(house: House, terminal: Terminal) -> None:
    first, second = await house.sell(2)
    told = await terminal("orders", "list", "--account", "market")
    assert first in told
    assert second in told
    assert "PLN" in told
    assert first in await terminal("orders", "list", "--find", first)
    assert "More: --before" in await terminal("orders", "list", "--limit", "1")
    card = await terminal("orders", "show", first)
    assert f"market:{first}" in card
    assert "total" in card
    assert "at shop: " in card
    assert re.search(r"push-order +confirmed", card)
    assert (await terminal.json("orders", "show", first))["order"]["external_id"] == first
    assert "there is no order nothing" in await terminal("orders", "show", "nothing", code=6)


async def test_explaining_an_order(house: House, terminal: Terminal) -> None:
    """Invariant 3: what, when, why, and what it led to."""
    (sold,) = await house.sell()
    told = await terminal("explain", sold)
    assert told.startswith(f"Order market:{sold}")
    assert "the order was seen for the first time" in told
    assert "told by the feed of orders of market (run " in told
    assert re.search(r"-> delivery \d+: push-order to shop \(confirmed\)", told)
    assert re.search(r"delivery \d+ \(send the order to shop\) was confirmed, there it is \d+$", told, re.MULTILINE)
    assert told.endswith("Nothing is open.\n")


async def test_an_ambiguous_order_shows_its_candidates(house: House, terminal: Terminal) -> None:
    sold = await house.sell(2)
    ids = [(await house.get(f"/orders/{one}"))["id"] for one in sold]
    await house.database.write(
        lambda tx: tx.execute("UPDATE orders SET number = ? WHERE id = ?", (str(ids[0]), ids[1]))
    )
    told = await terminal("explain", str(ids[0]), code=6)
    assert all(f"market:{one}" in told for one in sold)


async def held(house: House, count: int = 1) -> list[int]:
    house.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=count))
    house.market.ledger.buy(count)
    found: list[int] = []

    async def there() -> bool:
        found[:] = [row["id"] for row in (await house.get("/deliveries", state="hold"))["items"]]
        return len(found) == count

    await house.until(there)
    return sorted(found)


async def test_held_deliveries_are_released(house: House, terminal: Terminal) -> None:
    assert await terminal("deliveries", "list") == "Nothing is owed.\n"
    assert await terminal("deliveries", "release", "--all") == "Nothing is held.\n"
    first, second, third = await held(house, 3)
    told = await terminal("deliveries", "list", "--state", "hold", "--target", "shop")
    assert told.count("push-order") == 3
    sold = (await house.get(f"/deliveries/{first}"))["order"]["external_id"]
    assert f"olhubd holds release {first}" in await terminal("explain", sold)
    assert await terminal("deliveries", "release", str(first)) == (
        f"delivery {first} (push-order to shop) is looked up before it is sent again, for it may be there\n"
    )
    rest = await terminal("deliveries", "release", "--all", "--target", "shop")
    assert re.findall(r"^delivery (\d+) .* is looked up before", rest, re.MULTILINE) == [str(second), str(third)]
    await house.until(house.settled)
    assert "is confirmed; nothing is to be done" in await terminal("deliveries", "retry", str(second), code=1)
    partly = await terminal("deliveries", "retry", str(second), str(third), "999", code=1)
    assert "3 of 3 deliveries could not be changed" in partly
    assert "there is no delivery 999" in partly


async def test_a_delivery_is_given_up(house: House, terminal: Terminal) -> None:
    (number,) = await held(house)
    assert "no order that could be accepted" in await terminal("deliveries", "accept", str(number), code=1)
    told = await terminal("deliveries", "discard", str(number), "--reason", "made by hand")
    assert told == f"delivery {number} (push-order to shop) is discarded\n"
    assert "given up" not in await terminal("status")
    twice = await terminal("deliveries", "discard", str(number), "--reason", "again", code=1)
    assert f"delivery {number} cannot be discarded: somebody has given it up already" in twice
    said = [one["kind"] for one in (await house.get("/journal"))["items"]]
    assert said.count("delivery.discarded") == 1
    sold = (await house.get(f"/deliveries/{number}"))["order"]["external_id"]
    assert "was given up: made by hand" in await terminal("explain", sold)
    assert str(number) in await terminal("deliveries", "list", "--all")


async def test_an_account_is_paused_and_resumed(house: House, terminal: Terminal) -> None:
    told = await terminal("pause", "shop", "--reason", "stock-taking")
    assert told == "shop is paused: stock-taking\n"
    assert "stock-taking" in await terminal("status")
    assert await terminal("resume", "shop") == "shop is active\n"


async def test_signing_in(house: House, terminal: Terminal) -> None:
    """ACC-01: the address and the code are told, and the end of it."""
    house.market.signin.consent = True
    told = await terminal("login", "market")
    assert "/skojarz-aplikacje?code=" in told
    assert f"Signed in to market as sklep_{house.market.seller}." in told
    house.market.seller = "99999999"
    assert f"belongs to sklep_{house.market.signin._seller}" in await terminal("login", "market", code=1)
    assert "has no sign-in" in await terminal("login", "shop", code=1)


async def test_quarantine(house: House, terminal: Terminal) -> None:
    assert await terminal("quarantine") == "Nothing is in quarantine.\n"
    (bought,) = house.tiny.buy()
    house.tiny.corrupt(bought)
    told = await terminal("fetch", "stingy")
    assert "1 could not be stored (olhubd quarantine)" in told
    assert re.search(rf"^stingy +{bought} ", await terminal("quarantine"), re.MULTILINE)
    assert f"stingy {bought}:\n" in await terminal("quarantine", "--raw")


async def test_reloading(house: House, terminal: Terminal) -> None:
    assert await terminal("reload") == "in force; no account is different\n"
    text = house.path.read_text(encoding="utf-8")
    house.path.write_text(text.replace("enabled = false", "enabled = true"), encoding="utf-8")
    assert await terminal("reload") == "begun: off\n"
    house.path.write_text(text.replace("interval", "intervall"), encoding="utf-8")
    told = await terminal("reload", code=3)
    assert "the old one stays" in told
    assert "intervall" in told


async def test_the_log_level(house: House, terminal: Terminal) -> None:
    assert await terminal("log-level", "debug") == "logs from debug on, until it restarts\n"
    assert house.levels == ["debug"]
