"""Finding, exporting and following from a terminal: the daemon answers what the commands ask."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec

from tests.cli.conftest import Terminal
from tests.control.house import House


async def test_orders_are_found_by_what_fits(house: House, terminal: Terminal) -> None:
    """CRD-02, CRD-13."""
    first, second = await house.sell(2)
    ids = {one: (await house.get(f"/orders/{one}"))["id"] for one in (first, second)}
    total = (await house.get(f"/orders/{first}"))["order"]["total"]["amount"]
    found = await terminal.json("orders", "list", "--connector", "allegro", "--least", total, "--most", total)
    assert ids[first] in {row["id"] for row in found["items"]}
    assert (await terminal.json("orders", "list", "--to", "2001-01-01"))["items"] == []
    assert (await terminal.json("orders", "list", "--unlinked"))["items"] == []
    told = await terminal("orders", "list", "--from", "1.1.2020", code=2)
    assert "placed_from: must be a day" in told


async def test_orders_are_written_to_a_file(house: House, terminal: Terminal, tmp_path: Path) -> None:
    sold = await house.sell(3)
    ids = sorted([(await house.get(f"/orders/{one}"))["id"] for one in sold])
    path = tmp_path / "orders.csv"
    path.touch(mode=0o644)
    assert await terminal("orders", "export", "-o", str(path)) == ""
    assert path.stat().st_mode & 0o777 == 0o600, "it holds personal data, and was there for all to read"
    with path.open(encoding="utf-8", newline="") as file:
        assert sorted(int(row["id"]) for row in csv.DictReader(file)) == ids
    marked = await terminal("orders", "export", str(ids[0]), "--lines")
    assert {row["id"] for row in csv.DictReader(io.StringIO(marked))} == {str(ids[0])}
    whole = msgspec.json.decode(await terminal("orders", "export", "--format", "json"))
    assert {order["order"]["external_id"] for order in whole} == set(sold)
    path = tmp_path / "absent"
    await terminal("orders", "export", "--account", "nobody", "-o", str(path), code=6)
    assert not path.exists() or path.read_bytes() == b"", "a refusal is no file"


async def test_a_shorter_export_replaces_a_longer_one(house: House, terminal: Terminal, tmp_path: Path) -> None:
    """What is left of the older one would be read as orders of today."""
    await house.sell()
    path, fresh = tmp_path / "orders.csv", tmp_path / "fresh.csv"
    path.write_text("an older export\n" * 10_000, encoding="utf-8")
    for file in (path, fresh):
        await terminal("orders", "export", "-o", str(file))
    assert path.read_bytes() == fresh.read_bytes()


async def test_the_journal_is_read_like_a_log(house: House, terminal: Terminal) -> None:
    """LOG-08. Part of LOG-07: the latest last, what is grave is marked, an account or an order alone."""
    (sold,) = await house.sell()
    await house.ask("POST", "/accounts/stingy/pause", {"reason": "holidays"})
    lines = (await terminal("journal", "--account", "stingy")).splitlines()
    assert lines[-1].endswith("warning  stingy: the account was paused: holidays (by a program with the token)")
    told = await terminal("journal", "--order", sold)
    assert told.index("seen for the first time") < told.index("was confirmed")
    assert await terminal("journal", "--text", "no such words") == "Nothing happened that fits.\n"


async def test_words_and_lines_that_wait_for_somebody(house: House, terminal: Terminal) -> None:
    """Nothing waits."""
    (sold,) = await house.sell()
    way = (await house.get(f"/orders/{sold}"))["order"]["shipping"]
    told = await terminal("mappings", "--unmapped", "--kind", "delivery")
    assert way["method"] in told
    assert "not mapped" in told
    assert await terminal("unlinked") == "Every line has its product.\n"
