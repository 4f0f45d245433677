"""Customers from a terminal."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Terminal
from tests.control.house import House
from tests.control.test_customers import foreign, lands


async def test_customers_are_listed_shown_and_written(house: House, terminal: Terminal, tmp_path: Path) -> None:
    """CUS-13, CUS-14, CUS-15, CUS-16: by filter, by number, and as a file for its owner alone."""
    assert "No customers." in await terminal("customers", "list")
    await lands(house, *foreign())
    rows = (await terminal.json("customers", "list", "--all"))["items"]
    assert [row["kind"] for row in rows] == [None, "extra-eu", "intra-eu", "domestic"]
    assert "More: --before " in await terminal("customers", "list", "--limit", "1")
    (one,) = (await terminal.json("customers", "list", "--text", "525 244", "--kind", "domestic"))["items"]
    told = await terminal("customers", "show", str(one["id"]))
    for word in ("acme", "a+1@allegromail.pl (masked)", "525-24-45-767", "domestic (PL)", "Nowa 2", "F2"):
        assert word in told
    assert "there is no customer 99" in await terminal("customers", "show", "99", code=None)
    file = tmp_path / "customers.xml"
    await terminal("customers", "export", "1", "3", "--format", "xml", "-o", str(file))
    assert file.read_text().count("<customer>") == 2
    assert file.stat().st_mode & 0o077 == 0
    assert (await terminal("customers", "export", "--kind", "intra-eu")).count("\n") == 2
