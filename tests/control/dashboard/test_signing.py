"""Signing in by the browser, begun with a button: what the pages say, and what is pasted by hand."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession

from tests.control.dashboard.browser import Browser, visible
from tests.control.house import House

PAGE = "/accounts/market/sign-in"


async def sent_back(text: str, decision: str = "agree") -> str:
    """Where the marketplace sends the person whose page this is."""
    link = re.search(r'<a class="button main" href="(.+?)"', text)
    assert link is not None, text
    url = f"{unescape(link[1])}&decision={decision}"
    async with ClientSession() as other, other.get(url, allow_redirects=False) as page:
        return page.headers["Location"]


async def test_both_ways_are_offered_and_the_first_is_the_usual_one(browser: Browser) -> None:
    text = await browser.page("/accounts")
    assert re.findall(r'name="flow" value="(\w+)"', text) == ["device", "code"]
    assert "Sign in by a code" in text
    assert "Sign in by the browser" in text


async def test_the_browser_comes_back_and_needs_no_session_for_that(browser: Browser) -> None:
    """A browser sends no strict cookie where another site led it; the state says whose it is."""
    text = await browser.press("/accounts", PAGE, flow="code")
    assert f"{browser.house.base}/signin/callback" in text
    back = await sent_back(text)
    async with Browser(browser.house) as stranger:
        answer = await stranger.get(back.removeprefix(browser.house.base))
    assert answer.status == 200
    assert f"Signed in market: sklep_{browser.house.market.seller}" in visible(answer.text)
    query = parse_qs(urlsplit(back).query)
    assert query["code"][0] not in answer.text
    assert query["state"][0] not in answer.text
    assert "Signed in" in visible(await browser.page(PAGE))


async def test_an_address_is_pasted(browser: Browser) -> None:
    text = await browser.press("/accounts", PAGE, flow="code")
    address = (await sent_back(text)).replace(browser.house.base, "https://not.here")
    assert "Signed in" in visible(await browser.press(PAGE, f"{PAGE}/return", address=address))


@pytest.mark.parametrize(
    ("language", "says"),
    [("en", "the address holds no code: copy all of it"), ("pl", "w adresie nie ma kodu: skopiuj go w całości")],
)
async def test_a_wrong_address_is_told(trading: House, language: str, says: str) -> None:
    async with Browser(trading, language) as browser:
        await browser.enter()
        await browser.press("/accounts", PAGE, flow="code")
        fields = re.findall(r'name="form" value="(\w+)"', await browser.page(PAGE))
        wrong = {"form": fields[0], "back": PAGE, "address": "https://allegro.pl/?state=1"}
        answer = await browser.post(f"{PAGE}/return", wrong)
        assert answer.status == 400
        assert says in visible(answer.text)
        assert (await browser.get(PAGE)).status == 200


@pytest.mark.parametrize(
    ("language", "refused", "again"),
    [
        ("en", "the person refused the sign-in", "no sign-in waits for this address"),
        ("pl", "osoba odmówiła zgody na logowanie", "żadne logowanie nie czeka na ten adres"),
    ],
)
async def test_a_refusal_is_told_in_the_browsers_language(
    trading: House, language: str, refused: str, again: str
) -> None:
    async with Browser(trading, language) as browser:
        await browser.enter()
        back = await sent_back(await browser.press("/accounts", PAGE, flow="code"), "refuse")
        path = back.removeprefix(trading.base)
        assert refused in visible((await browser.get(path)).text)
        assert again in visible((await browser.get(path)).text)
        text = await browser.page(PAGE)
        assert refused in visible(text)
        assert 'name="flow" value="code"' in text, "again by the same way"
