"""A real browser walks as an operator does, in both languages and both schemes, and axe finds no barrier.

Needs Chromium and the packages of the extra `browser`, which nothing else here does; skipped without them.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.control.catalogue import Catalogue
from tests.control.dashboard.test_pages import PAGES, hold
from tests.control.dashboard.test_polish import every_event, trouble
from tests.control.house import House
from tests.control.shelf import KNOWN, Shelf
from tests.text.catalogues import texts

api = pytest.importorskip("playwright.async_api", reason="playwright is not installed: pip install '.[browser]'")
axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe-playwright-python is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.xdist_group("chromium"),  # one at a time is enough for a machine
]
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-dev-shm-usage",
]  # fmt: skip
PHONE, TABLET, DESK = 360, 768, 1280
_OVERLAID = """() => {
  const seen = one => !one.closest('details') && one.offsetHeight;
  const all = [...document.querySelectorAll('main form')].filter(seen);
  const apart = (a, b) => a.bottom <= b.top || b.bottom <= a.top || a.right <= b.left || b.right <= a.left;
  return all.filter((one, at) => all.slice(0, at).some(
    other => !apart(one.getBoundingClientRect(), other.getBoundingClientRect()))
  ).map(one => 'lies over another form: ' + one.getAttribute('action'));
}"""


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    async with api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


class Window:
    """A page of a browser that collects what it complains of, and what it asks for elsewhere."""

    def __init__(self, page: Any, house: House, language: str) -> None:
        self.page = page
        self.house = house
        self.words: Any = texts("dashboard", language)
        self.complaints: list[str] = []
        self.loaded: dict[str, int] = {}
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        """All comes from the house; pictures of goods come from their market, which hears of no page."""
        pictured = request.resource_type == "image" and "/pictures/" in request.url
        if not request.url.startswith(self.house.base) and not (pictured and not request.headers.get("referer")):
            self.complaints.append(request.url)

    async def go(self, path: str) -> None:
        await self.page.goto(self.house.base + path)

    async def enter(self, path: str = "/", token: str | None = None) -> None:
        await self.go(path)
        await self.page.fill("#token", token or self.house.token)
        await self.page.click("button.main")
        assert self.page.url == self.house.base + path

    def button(self, within: str, key: str) -> Any:
        return self.page.locator(f"{within} button", has_text=str(self.words[key]))

    async def says(self, key: str) -> None:
        """The note at the top begins as the word of this key does."""
        await api.expect(self.page.locator(".note")).to_contain_text(str(self.words[key]).partition("{")[0].strip())

    async def barriers(self) -> list[str]:
        """What axe finds that is serious or worse, and whether the page is too wide."""
        found = (await axe.Axe().run(self.page)).response["violations"]
        told = [
            f"{one['id']}: {node['html'][:160]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
        return told + await self.wide() + await self.overlaid()

    async def barriers_of(self, path: str) -> dict[str, list[str]]:
        """The barriers of one page by where they were found: as it opens, and with all forms open by width."""
        await self.go(path)
        found = {path: await self.barriers()}
        for summary in await self.page.locator("main details > summary").all():
            await summary.evaluate("one => one.parentElement.open = true")
        for width in (TABLET, PHONE):
            await self.page.set_viewport_size({"width": width, "height": 800})
            found[f"{path} at {width}"] = await self.wide()
        found[f"{path} on a phone"] = await self.barriers()
        await self.page.set_viewport_size({"width": DESK, "height": 800})
        return found

    async def wide(self) -> list[str]:
        """Whether the page scrolls sideways."""
        pixels = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return [f"{pixels} pixels too wide"] if pixels > 0 else []

    async def overlaid(self) -> list[str]:
        """The forms that lie over another one, but for those that a person opens."""
        found: list[str] = await self.page.evaluate(_OVERLAID)
        return found


async def opened(
    chromium: Any, house: House, *, width: int = DESK, language: str = "en", scheme: str = "light"
) -> Window:
    locale = {"en": "en-GB", "pl": "pl-PL"}[language]
    page = await chromium.new_page(
        viewport={"width": width, "height": 800}, locale=locale, color_scheme=scheme, accept_downloads=True
    )
    return Window(page, house, language)


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_an_operator_s_walk(chromium: Any, trading: House, language: str) -> None:
    """Log in, see an order arrive, follow its history, release a hold, fetch until the limit answers, export."""
    trading.path.write_text(trading.path.read_text().replace('to = "shop"', 'to = "shop"\nunlinked = "hold"'))
    await trading.hub.reload(trading.configuration())
    window = await opened(chromium, trading, language=language)
    page = window.page
    await window.enter()
    await api.expect(page.locator("#live.on")).to_be_visible()
    await api.expect(page.locator("#verdict")).to_contain_text(str(window.words["verdict.ok"]))

    (sold,) = await trading.sell()
    row = page.locator("#latest tbody tr")
    await api.expect(row).to_have_count(1, timeout=20_000)
    await row.locator("a").first.click()
    await api.expect(page.locator("#more")).to_contain_text(sold)
    await api.expect(page.locator("#steps li.ok")).not_to_have_count(0)
    await page.locator("#history .cause a").first.click()
    assert "#d" in page.url, "a cause leads to its delivery"

    trading.shop.catalogue.products.clear()
    trading.market.ledger.buy()
    await window.go("/waiting")
    waits = page.locator("#waiting .hold")
    await api.expect(waits).to_have_count(1, timeout=20_000)
    await window.button("#waiting", "do.release").click()
    await window.says("note.release")
    await api.expect(page.locator("#waiting .empty")).to_be_visible(timeout=20_000)

    await window.go("/accounts")
    for _ in range(3):
        await window.button("#stingy", "do.fetch").click()
        await window.says("note.fetched")
    await window.go("/orders")
    async with page.expect_download() as download:
        await page.click("button[value=csv]")
    saved = await (await download.value).path()
    assert sold in saved.read_text(encoding="utf-8-sig")
    assert window.complaints == []
    await window.go("/accounts")
    await window.button("#stingy", "do.fetch").click()
    await api.expect(page.locator(".problem")).to_be_visible()


async def test_a_person_signs_in_by_the_browser(chromium: Any, house: House) -> None:
    """Part of ACC-04. Over the marketplace's own page, back into the hub, and on to the accounts with one click."""
    window = await opened(chromium, house)
    page = window.page
    await window.enter("/accounts")
    await window.button("#market", "flow.code").click()
    await api.expect(page.locator("#signin")).to_contain_text(f"{house.base}/signin/callback")
    assert await window.barriers() == []
    async with page.context.expect_page() as other:
        await page.locator("#signin a.button").click()
    market = await other.value
    await market.get_by_role("link", name="Zgadzam się", exact=True).click()
    await api.expect(market.locator(".signin")).to_contain_text(f"market: sklep_{house.market.seller}")
    assert market.url.startswith(f"{house.base}/signin/callback")
    await api.expect(page.locator("#signin")).to_contain_text("Signed in", timeout=20_000)
    await market.locator(".signin a").click()
    await api.expect(market.locator("#market")).to_contain_text(f"sklep_{house.market.seller}")
    assert window.complaints == []


async def test_the_keyboard_finds_an_order(chromium: Any, trading: House) -> None:
    """A slash, the number, Enter: the card. Escape closes what is open, and what is behind it keeps the focus."""
    (sold,) = await trading.sell()
    window = await opened(chromium, trading)
    page = window.page
    await window.enter()
    await api.expect(page.locator("#live.on")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type(sold)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{trading.base}/orders/1")
    summary = page.locator("#deeds summary").first
    await summary.press("Enter")
    await api.expect(page.locator("#deeds textarea[name=note]")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.type("call first")
    await page.keyboard.press("Escape")
    await api.expect(page.locator("#deeds textarea[name=note]")).to_be_hidden()
    await api.expect(summary).to_be_focused()
    assert window.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_has_a_barrier(chromium: Any, trading: House, scheme: str) -> None:
    """With all that can be on one: WCAG by axe, and no page that scrolls sideways. The login is one of them."""
    delivery = await hold(trading)
    order = (await trading.get(f"/deliveries/{delivery}"))["order"]["id"]
    await every_event(trading, order)
    await trouble(trading)
    window = await opened(chromium, trading, scheme=scheme, language="pl")
    await window.go("/login")
    found = {"/login": await window.barriers()}
    await window.enter()
    for path in (*PAGES, "/tokens", f"/orders/{order}", "/api", "/orders/4711"):
        await window.go(path)
        found[path] = await window.barriers()
        for width in (TABLET, PHONE):
            await window.page.set_viewport_size({"width": width, "height": 800})
            found[f"{path} at {width}"] = await window.wide()
        if scheme == "light":  # what a width changes, a scheme does not
            found[f"{path} on a phone"] = await window.barriers()
        await window.page.set_viewport_size({"width": DESK, "height": 800})
    await window.go(f"/orders/{order}")
    for summary in await window.page.locator("main details > summary").all():
        await summary.evaluate("one => one.parentElement.open = true")
    found["with all forms open"] = await window.barriers()
    assert {path: told for path, told in found.items() if told} == {}


async def test_a_long_path_does_not_make_the_login_wide(chromium: Any, house: House) -> None:
    """On a phone the place of the token breaks into lines rather than scroll."""
    window = await opened(chromium, house, width=390)
    await window.go("/login")
    sideways = "[...document.querySelectorAll('pre')].map(one => one.scrollWidth - one.clientWidth)"
    assert await window.page.evaluate(sideways) == [0]


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_a_conflict_is_decided_on_a_phone(chromium: Any, shelf: Shelf, language: str) -> None:
    """Two items of one mark: a person says which, with one touch, and unlinks it again."""
    window = await opened(chromium, shelf, width=PHONE, language=language)
    await window.enter("/links")
    mine = f"#conflict form:has(input[name=item][value='{shelf.twins[0]}'])"
    await window.page.click(f"{mine} button")
    await window.says("note.linked")
    await api.expect(window.page.locator("#conflict")).to_have_count(0)
    await window.go(f"/offers?text={shelf.twin}")
    await window.page.click("#offers details.ask summary")
    await window.button("#offers details.ask", "links.unlink").click()
    await window.says("note.unlinked")
    await api.expect(window.page.locator("#offers")).to_contain_text(str(window.words["linking.left"]))
    assert window.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_of_goods_has_a_barrier(chromium: Any, shelf: Shelf, scheme: str) -> None:
    """With items, offers that are linked and not, and a conflict."""
    window = await opened(chromium, shelf, scheme=scheme, language="pl")
    await window.enter()
    found: dict[str, list[str]] = {}
    conflicts = "/offers?linking=conflict&sku=TWIN"
    for path in ("/stock", "/offers", "/offers/made", "/links", f"/stock?text={KNOWN}", conflicts):
        found |= await window.barriers_of(path)
    assert {path: told for path, told in found.items() if told} == {}
    assert window.complaints == []


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_a_catalogue_is_imported_on_a_phone(chromium: Any, catalogue: Catalogue, language: str) -> None:
    """One touch reads all; what a shop has lost is accepted with its number before the eyes."""
    window = await opened(chromium, catalogue, width=PHONE, language=language)
    await window.enter("/imports")
    await window.button("#standing", "imports.do-all").click()
    await window.says("note.imported")
    await api.expect(window.page.locator("#standing")).to_contain_text(str(window.words["imports.had"]))
    lost = catalogue.lose(4)
    await window.button("#standing", "imports.do-all").click()
    await window.says("note.import-failed")
    await window.page.click("#standing details.ask summary")
    accept = window.page.locator("#standing details.ask button")
    await api.expect(accept).to_contain_text(str(lost))
    await accept.click()
    await window.says("note.imported")
    await window.go("/products?gone=true")
    await api.expect(window.page.locator("#products tbody tr")).to_have_count(lost)
    await window.page.locator("#products tbody tr a").first.click()
    await api.expect(window.page.locator("#head")).to_contain_text(str(window.words["products.gone"]))
    assert await window.wide() == []
    assert window.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_of_the_catalogue_has_a_barrier(chromium: Any, catalogue: Catalogue, scheme: str) -> None:
    """Before the first import and after, what waits for a person, one product of each kind, nothing found."""
    window = await opened(chromium, catalogue, scheme=scheme, language="pl")
    await window.enter()
    found: dict[str, list[str]] = {}
    for path in ("/imports", "/products", "/prices"):
        found |= await window.barriers_of(path)
    await catalogue.imported(full=True)
    known = await catalogue.every("/products", sku=KNOWN)
    whole = await catalogue.every("/products", kind="parent")
    catalogue.lose(4)
    await catalogue.ask("POST", "/accounts/shop/fetch", {"products": True, "full": True})
    for path in (
        "/imports?account=shop",
        "/products?kind=variant&sku=none",
        "/products?account=shop",
        "/prices?account=shop",
        *(f"/products/{row['id']}" for row in (*known, *whole)),
    ):
        found |= await window.barriers_of(path)
    assert {path: told for path, told in found.items() if told} == {}
    assert window.complaints == []
