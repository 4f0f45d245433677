"""Customers at the dashboard."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.control.dashboard.browser import Browser, visible
from tests.control.house import House
from tests.control.test_customers import foreign, lands


@pytest.fixture
async def clerk(house: House) -> AsyncIterator[Browser]:
    await lands(house, *foreign())
    async with Browser(house) as browser:
        await browser.enter()
        yield browser


async def test_customers_are_listed_and_found(clerk: Browser, house: House) -> None:
    """CUS-13: with their kind, in both languages."""
    text = visible(await clerk.page("/customers"))
    for word in ("acme", "domestic", "intra-EU", "extra-EU", "not known", "masked", "500 600 700"):
        assert word in text
    text = visible(await clerk.page("/customers?kind=intra-eu"))
    assert "DE" in text
    assert "acme" not in text
    assert "Nothing fits." in visible(await clerk.page("/customers?text=nobody"))
    async with Browser(house, "pl") as browser:
        await browser.enter()
        assert "spoza Unii Europejskiej" in visible(await browser.page("/customers"))


async def test_a_card_leads_to_the_orders(clerk: Browser) -> None:
    """CUS-02."""
    text = await clerk.page("/customers/1")
    for word in ("acme", "ACME", "525-24-45-767", "Nowa 2", "Prosta 1", "Orders (2)", "domestic"):
        assert word in visible(text)
    assert '<a href="/orders/' in text
    answer = await clerk.get("/customers/99")
    assert answer.status == 404
    assert "there is no customer 99" in visible(answer.text)


async def test_a_file_of_the_marked_the_page_or_all(clerk: Browser) -> None:
    """CUS-16: marked rows, the present view, or the whole list."""
    text = await clerk.page("/customers?kind=domestic")
    assert 'name="shown" value="1"' in text
    for query, found in (
        ("rows=marked&id=2&id=3&kind=domestic", {"2", "3"}),
        ("rows=shown&shown=1&kind=domestic", {"1"}),
        ("rows=all&kind=extra-eu", {"3"}),
        ("rows=all", {"1", "2", "3", "4"}),
    ):
        answer = await clerk.get(f"/customers/export?format=csv&{query}")
        rows = answer.text.lstrip("\ufeff").splitlines()[1:]
        assert {row.partition(",")[0] for row in rows} == found, query
    answer = await clerk.get("/customers/export?rows=shown&format=csv&text=nobody")
    assert answer.status == 400, "a page without any is not all of them"
    assert "shows no customers" in visible(answer.text)
    answer = await clerk.get("/customers/export?rows=marked&format=xml")
    assert answer.status == 400
    assert "no customer is marked" in visible(answer.text)
