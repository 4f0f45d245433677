"""Pictures of goods, and what a browser may fetch for them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from olhubd.control.dashboard.pictures import PagePictures
from tests.control.dashboard.browser import Browser
from tests.control.shelf import KNOWN, Shelf


def shown_in(page: str) -> list[str]:
    return re.findall(r'<img class="thumb" src="([^"]*)"', page)


async def looked_at(browser: Browser, path: str) -> list[str]:
    """The pictures of a page, each of which its policy lets through."""
    answer = await browser.get(path)
    assert answer.status == 200, answer.text
    found = shown_in(answer.text)
    (allowed,) = re.findall(r"img-src ([^;]*);", answer.headers["Content-Security-Policy"])
    hosts = {re.sub(r"^(https?://[^/]+)/.*$", r"\1", address) for address in found}
    assert set(allowed.split()) == {"'self'", *hosts}
    return found


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://cdn.example/a.jpg", "https://cdn.example"),
        ("https://CDN.example:8443/a%20b.jpg?x=1;y", "https://cdn.example:8443"),
        ("http://127.0.0.1:8090/a.svg", "http://127.0.0.1:8090"),
        ("http://cdn.example/a.jpg", None),
        ("http://192.168.0.1/", None),
        ("https://user:secret@cdn.example/a.jpg", None),
        ("https://*/a.jpg", None),
        ("https://a.example;script-src *//a.jpg", None),
        ("https://a.example:x/a.jpg", None),
        ("https://[::1/a.jpg", None),
        ("data:image/png;base64,AAAA", None),
        ("javascript:alert(1)", None),
        ("//cdn.example/a.jpg", None),
        ("a.jpg", None),
        ("", None),
        (None, None),
    ],
)
def test_a_page_allows_the_hosts_of_its_pictures_and_no_others(address: str | None, allowed: str | None) -> None:
    pictures = PagePictures()
    assert pictures.show(address) == (address if allowed else None)
    assert pictures.sources == ("'self'" if allowed is None else f"'self' {allowed}")


def test_a_page_of_many_hosts_shows_some() -> None:
    """A header that is too long would keep the page itself from being read."""
    pictures = PagePictures()
    seen = [pictures.show(f"https://cdn{n}.example/a.jpg") for n in range(400)]
    assert sum(one is not None for one in seen) == 40
    assert pictures.show("https://cdn0.example/b.jpg")


async def test_an_offer_is_shown_with_its_picture(shelf: Shelf) -> None:
    """CRD-10, CRD-11: also where the offer is decided about."""
    async with Browser(shelf) as browser:
        await browser.enter()
        (picture,) = await looked_at(browser, f"/offers?sku={KNOWN}")
        assert picture == (await shelf.offer(KNOWN))["image"]
        async with browser.client.get(picture) as response:
            assert response.content_type == "image/svg+xml"
        (asked,) = {one for one in await looked_at(browser, "/links") if "TWIN" in one}
        assert asked == (await shelf.offer("TWIN"))["image"]


async def test_what_was_bought_is_shown_with_its_picture(shelf: Shelf) -> None:
    """CRD-12: a line has the picture of its offer, where its source brings none."""
    shelf.market.ledger.buy(wares=[(KNOWN, 1), ("KUB-BIA", 1)], payment="ONLINE")
    found: list[Any] = []

    async def landed() -> bool:
        found[:] = (await shelf.get("/orders", account="market"))["items"]
        return bool(found)

    await shelf.until(landed)
    card = await shelf.get(f"/orders/{found[0]['id']}")
    known = [(await shelf.offer(sku))["image"] for sku in (KNOWN, "KUB-BIA")]
    assert [card["pictures"][line["external_id"]] for line in card["order"]["lines"]] == known
    async with Browser(shelf) as browser:
        await browser.enter()
        assert await looked_at(browser, f"/orders/{found[0]['id']}") == known


async def test_a_page_without_pictures_allows_none(shelf: Shelf) -> None:
    async with Browser(shelf) as browser:
        await browser.enter()
        assert await looked_at(browser, "/runs") == []
