"""Holds, orders and accounts steered from a terminal, against a running hub."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from olhubd.cli.alarms import _row
from olhubd.cli.deliveries import _held
from olhubd.cli.session import Session
from olhubd.control.api.schema.alarms import ReconciliationRow
from olhubd.engine.feed.account_feeds import AccountFeeds
from olhubd.engine.feed.pace import AS_SET
from olhubd.model import Reason
from olhubd.store import quarantine
from olhubd.store.quarantine import QuarantineDraft
from olhubd_kit.faults import Fault, FaultKind
from tests.cli.conftest import Terminal
from tests.control.house import House
from tests.control.test_hold_causes import refused
from tests.control.test_paging import filled


async def held(house: House) -> Any:
    """A delivery that the shop refused."""
    house.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=1))
    house.market.ledger.buy()
    found: list[Any] = []

    async def there() -> bool:
        found[:] = (await house.get("/deliveries", state="hold"))["items"]
        return bool(found)

    await house.until(there)
    return found[0]


async def test_a_hold_is_seen_understood_and_adopted(house: House, terminal: Terminal) -> None:
    id_ = str((await held(house))["id"])
    assert "retry | release | adopt | discard" in await terminal("holds", "list")
    told = await terminal("holds", "show", id_)
    assert "adopt it by its number" in told
    assert "accept   not now: the target has no order that could be accepted" in told
    (number,) = house.shop.buy()
    assert "the buyer pays" in await terminal("holds", "adopt", id_, number, code=1)
    done = await terminal("holds", "adopt", id_, number, "--despite-total")
    assert done == f"delivery {id_} is confirmed: order {number} at shop\n"
    assert await terminal.json("holds", "list") == {"deliveries": [], "records": []}


async def test_a_hold_is_given_up_with_a_reason(house: House, terminal: Terminal) -> None:
    row = await held(house)
    await terminal("holds", "discard", str(row["id"]), code=2)
    assert "is discarded" in await terminal("holds", "discard", str(row["id"]), "--reason", "a test purchase")
    assert "a test purchase" in await terminal("explain", row["order"]["external_id"])


async def test_all_that_wait_for_a_cause_are_decided_about_at_once(house: House, terminal: Terminal) -> None:
    """They are listed by cause, tried again by its name, and given up with a reason."""
    rows = await refused(house, 3)
    (one,) = (await terminal.json("holds", "causes"))["items"]
    assert (one["count"], one["target"]) == (3, "shop")
    listed = await terminal("holds", "causes")
    assert one["cause"] in listed
    assert "retry | discard" in listed
    house.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=1))
    assert await terminal("holds", "retry", "--cause", one["cause"]) == "retry: 3 of 3 deliveries\n"

    async def settled() -> bool:
        states = [(await house.get(f"/deliveries/{row['id']}"))["state"] for row in rows]
        return sorted(states) == ["confirmed", "confirmed", "hold"]

    await house.until(settled)
    await terminal("holds", "discard", "--cause", one["cause"], code=2)
    done = await terminal("holds", "discard", "--cause", one["cause"], "--reason", "a test purchase")
    assert done == "discard: 1 of 1 deliveries\n"
    assert await terminal("holds", "causes") == "No delivery waits for a person.\n"


async def test_a_cause_that_is_none_and_numbers_beside_one_are_refused(house: House, terminal: Terminal) -> None:
    await refused(house, 1)
    told = await terminal("holds", "retry", "--cause", "feedbeef", code=1)
    assert "nothing waits for the cause 'feedbeef'" in told
    assert "either" in await terminal("holds", "retry", "1", "--cause", "feedbeef", code=2)
    await terminal("holds", "retry", code=2)
    (one,) = (await terminal.json("holds", "causes"))["items"]
    told = await terminal("holds", "release", "--cause", one["cause"], code=1)
    assert "1 of 1 could not be changed" in told
    assert "no rule of a route holds delivery" in told
    await terminal("holds", "accept", "--cause", one["cause"], code=2)


async def test_what_cannot_be_named_is_refused(terminal: Terminal) -> None:
    assert "'x7' is neither the number of a delivery" in await terminal("holds", "retry", "x7", code=2)
    assert "cannot be released" in await terminal("holds", "release", "q1", code=2)
    await terminal("holds", "retry", "99", code=6)
    await terminal("holds", "retry", "q99", code=6)


async def test_of_several_holds_one_that_is_refused_is_told(house: House, terminal: Terminal) -> None:
    """The others are done; a script sees by the exit code that not all are."""
    id_ = str((await held(house))["id"])
    partly = await terminal("holds", "discard", id_, "999", "q99", "--reason", "a test purchase", code=1)
    assert f"delivery {id_} (push-order to shop) is discarded\n" in partly
    assert "2 of 3 could not be changed" in partly
    assert "  999: there is no delivery 999" in partly
    assert "  q99: " in partly
    assert (await house.get(f"/deliveries/{id_}"))["state"] == "discarded"


async def test_mails_that_may_have_gone_are_not_let_go_with_all_others(house: House, terminal: Terminal) -> None:
    """Each would be written once more: it waits for a word of its own."""
    first, second = sorted(row["id"] for row in await refused(house, 2))
    change = "UPDATE deliveries SET action = 'send-mail', sent_at = created_at WHERE id = ?"
    await house.database.write(lambda tx: tx.execute(change, (first,)))
    released = await terminal("deliveries", "release", "--all")
    assert f"delivery {second} " in released
    assert f"delivery {first} " not in released


async def test_holds_of_more_than_a_page_are_all_found(house: House, terminal: Terminal) -> None:
    """The daemon gives five hundred a page: whoever lists or releases them all reads on, the oldest first."""
    first = (await held(house))["id"]
    names = [row[1] for row in await house.database.reader.fetch("PRAGMA table_info(deliveries)")]
    others = {"id": "id + n", "key": "key || n"}
    copied = ", ".join(others.get(name, name) for name in names)
    await house.database.write(
        lambda tx: tx.execute(
            "WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 500)"
            f" INSERT INTO deliveries SELECT {copied} FROM deliveries, counted WHERE id = ?",
            (first,),
        )
    )
    every = list(range(first, first + 501))
    rows = (await terminal.json("holds", "list"))["deliveries"]
    assert sorted(row["id"] for row in rows) == every
    assert list(await asyncio.to_thread(_held, Session(house.path), "shop")) == every


async def test_records_of_more_than_a_page_are_all_found(house: House, terminal: Terminal) -> None:
    """Also the oldest one by its number."""
    now = house.clock.now()
    refused = [
        QuarantineDraft(kind="order", external_id=f"R{number}", reason="odd", raw=b"{}") for number in range(501)
    ]
    await house.database.write(lambda tx: quarantine.put(tx, "market", "orders", refused, now))
    rows = (await terminal.json("holds", "list"))["records"]
    assert {row["external_id"] for row in rows} == {one.external_id for one in refused}
    oldest = rows[-1]["id"]
    assert "market R0" in await terminal("holds", "show", f"q{oldest}")
    assert "R500" in await terminal("holds", "list")
    await terminal("holds", "show", "q999999", code=6)


LISTS = (
    ("runs",),
    ("alarms", "--past"),
    ("quarantine",),
    ("reconcile",),
    ("orders", "list"),
    ("deliveries", "list", "--all"),
)


@pytest.mark.parametrize("command", LISTS, ids=lambda command: command[0])
async def test_a_list_says_that_it_goes_on_and_is_read_to_its_end(
    house: House, terminal: Terminal, command: tuple[str, ...]
) -> None:
    await filled(house)
    pages, before = 0, list[str]()
    while True:
        told = await terminal(*command, "--limit", "2", *before)
        pages += 1
        more = re.search(r"^More: (--before) ([0-9]+)$", told, re.MULTILINE)
        if more is None:
            break
        before = list(more.groups())
    assert pages > 1
    assert "More: --before" in await terminal(*command, "--limit", "1", "--csv"), "beside the rows"


async def test_the_log_says_that_there_is_more(house: House, terminal: Terminal) -> None:
    await house.sell(2)
    assert "More: --after 0\n" in await terminal("events", "--limit", "1")
    told = await terminal("events", "--limit", "2", "--after", "0")
    assert "More: --after 2\n" in told
    assert "More" not in await terminal("events", "--limit", "500", "--after", "0")


def test_days_name_as_many_orders_as_they_can_and_count_the_rest() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    row = ReconciliationRow(
        id=1, account="market", day=now.date(), since=now, until=now, source=30, hub=23, missing=7, surplus=0,
        names=tuple("ABCDEFG"), looks=1, looked_at=now,
    )  # fmt: skip
    assert _row(row)[-1] == "A, B, C, D, E and 2 more"
    assert _row(msgspec.structs.replace(row, missing=5, names=tuple("ABCDE")))[-1] == "A, B, C, D, E"


async def test_an_order_is_changed(house: House, terminal: Terminal) -> None:
    (sold,) = await house.sell()
    assert await terminal("orders", "note", sold, "rang") == f"order market:{sold}: note: rang\n"
    done = await terminal("orders", "status", sold, "ready")
    assert done == f"order market:{sold}: its status is ready; goes to: market (READY_FOR_SHIPMENT)\n"
    await terminal("orders", "ship", sold, "--carrier", "DPD", "--waybill", "1234")
    assert "the address was changed" in await terminal("orders", "address", sold, "--city", "Gdynia")
    assert "shop has it already" in await terminal("orders", "forward", sold, code=1)
    await terminal("orders", "address", sold, code=2)
    card = await terminal.json("orders", "show", sold)
    assert card["note"] == "rang"
    assert [parcel["waybill"] for parcel in card["order"]["shipments"]] == ["1234"]


async def test_an_order_is_edited_and_a_payment_is_booked(house: House, terminal: Terminal) -> None:
    """FWD-26, SRC-05: by the numbers of lines that the card shows, and undone by the number of the payment."""
    (sold,) = await house.sell()
    line = (await terminal.json("orders", "show", sold))["order"]["lines"][0]["external_id"]
    assert line in await terminal("orders", "show", sold)
    told = await terminal(
        "orders", "edit", sold, "--quantity", line, "7", "--price", line, "2.50", "--add", "Gift box", "1", "5.00"
    )  # fmt: skip
    assert "not sent to shop, which has it already" in told
    lines = (await terminal.json("orders", "show", sold))["order"]["lines"]
    (changed,) = [one for one in lines if one["external_id"] == line]
    assert (changed["quantity"], changed["price"]["amount"], lines[-1]["name"]) == (7, "2.50", "Gift box")
    assert "lines edited here; the source says otherwise" in await terminal("orders", "show", sold)
    assert "it has" in await terminal("orders", "edit", sold, "--remove", "nope", code=2)
    assert "whole number" in await terminal("orders", "edit", sold, "--quantity", line, "many", code=2)
    await terminal("orders", "edit", sold, code=2)
    await terminal("orders", "edit", sold, "--undo", "lines")
    assert (await terminal.json("orders", "show", sold))["edited"]["parts"] == []
    await terminal("orders", "edit", sold, "--quantity", line, "50")
    assert "payment 1 of 2.00 PLN is booked" in await terminal("orders", "pay", sold, "2.00", "--comment", "till")
    assert ": till" in await terminal("orders", "show", sold)
    assert "payment 1 is undone" in await terminal("orders", "unpay", sold, "1")


async def test_an_account_says_how_often_its_orders_are_read_and_why(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AccountFeeds, "interval", property(lambda self: 90.0))
    monkeypatch.setattr(AccountFeeds, "interval_reason", Reason("poll.order-came"))
    told = await terminal("account", "show", "stingy")
    assert re.search(r"^Title +stingy$", told, re.MULTILINE)
    assert re.search(r"^State +active$", told, re.MULTILINE)
    words = "read every 1 min 30 s, at least every 1 h: an order came a short time ago"
    assert re.search(rf"^Orders +{words}$", told, re.MULTILINE)
    monkeypatch.setattr(AccountFeeds, "interval", property(lambda self: 3600.0))
    monkeypatch.setattr(AccountFeeds, "interval_reason", AS_SET)
    assert re.search(
        r"^Orders +read every 1 h: it is set so$", await terminal("account", "show", "stingy"), re.MULTILINE
    )
    assert "Orders" not in await terminal("account", "show", "off")


async def test_an_account_is_called_otherwise_and_not_removed_while_configured(terminal: Terminal) -> None:
    assert await terminal("account", "rename", "market", "Allegro, ogród") == "market is called Allegro, ogród\n"
    told = await terminal("account", "remove", "shop", code=1)
    assert "take [accounts.shop] and its routes out, reload, then remove it" in told
