"""A real browser: the policy lets our own pages work, forms are taken, and a new order appears without a reload.

Needs Chromium and the package playwright, which nothing else here does; skipped without them.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.control.house import House

api = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture
async def window(trading: House) -> AsyncIterator[Any]:
    """A page of a browser that collects what it complains of."""
    async with api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 360, "height": 800}, locale="en-GB")
        page.complaints = []
        page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(trading.base) else page.complaints.append(asked.url),
        )
        yield page
        await browser.close()


async def test_an_operator_s_walk(window: Any, trading: House) -> None:
    await window.goto(f"{trading.base}/orders")
    await window.fill("#token", trading.token)
    await window.click("button.main")
    assert window.url == f"{trading.base}/orders"
    await window.goto(f"{trading.base}/")
    await api.expect(window.locator("#live.on")).to_be_visible()
    await api.expect(window.locator("#verdict")).to_contain_text("All is well")
    (sold,) = await trading.sell()
    row = window.locator("#latest tbody tr")
    await api.expect(row).to_have_count(1, timeout=20_000)
    await row.locator("a").click()
    await api.expect(window.locator("#more")).to_contain_text(sold)
    for path in ("/", "/orders", "/orders/1", "/waiting", "/runs", "/accounts"):
        await window.goto(trading.base + path)
        wide = await window.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is wider than the phone"
    button = window.locator("#stingy button", has_text="Fetch now")
    for _ in range(3):
        await button.click()
        await api.expect(window.locator(".note")).to_contain_text("stingy was fetched")
    assert window.complaints == []
    await button.click()
    await api.expect(window.locator(".problem")).to_be_visible()
