"""Offers made and published from a terminal."""

from __future__ import annotations

from tests.cli.conftest import Terminal
from tests.control.house import House


async def test_a_draft_is_published_by_its_number(house: House, terminal: Terminal) -> None:
    """With nothing beside it, and once."""
    number = house.market.listing.mark_draft("D-1")
    assert house.market.book.buyable()[number] == 0
    for more in ("--check", "--handling-days=2"):
        await terminal("offers", "change", "market", number, "--publish", more, code=2)
    told = await terminal.json("offers", "change", "market", number, "--publish")
    assert (told["outcome"], told["account"]) == ("accepted", "market")

    async def bought() -> bool:
        return house.market.book.buyable()[number] == 1

    await house.until(bought)

    async def known() -> bool:
        told = await terminal.json("offers", "change", "market", number, "--publish")
        return bool(told["outcome"] == "unchanged")

    await house.until(known)
