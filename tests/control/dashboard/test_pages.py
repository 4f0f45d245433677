"""Each page with what really happened, and each button with what it does."""

from __future__ import annotations

import re

import pytest

from olhubd.control.dashboard.rendering import link
from olhubd.plugin import AuthLost
from olhubd_kit.faults import Fault, FaultKind
from tests.control.dashboard.browser import Browser, forms, visible
from tests.control.house import House

PAGES = (
    "/accounts/shop/settings",
    "/", "/orders", "/waiting", "/journal", "/runs", "/accounts", "/mappings", "/unlinked", "/settings", "/plugins",
    "/customers", "/statuses", "/stock", "/stock/plans", "/offers", "/offers/made", "/links",
)  # fmt: skip


async def hold(house: House) -> int:
    """Have the shop refuse an order; gives the delivery."""
    house.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=1))
    house.market.ledger.buy()
    found: list[int] = []

    async def there() -> bool:
        found[:] = [row["id"] for row in (await house.get("/deliveries", state="hold"))["items"]]
        return bool(found)

    await house.until(there)
    return found[0]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "pl-PL, de;q=0.9"])
async def test_pages_stand_before_anything_happened(house: House, path: str, language: str) -> None:
    async with Browser(house, language) as browser:
        await browser.enter()
        text = await browser.page(path)
        assert f'<html lang="{language[:2]}">' in text
        assert "Times are in UTC" in text or "Czas strefy UTC" in text


async def test_the_overview_says_that_all_is_well(busy: Browser) -> None:
    await busy.house.sell(3)
    text = visible(await busy.page("/"))
    assert "All is well 3 accounts are at work" in text
    assert "3 orders in 24 hours" in text
    assert "nothing is undelivered" in text
    assert re.search(r"market .* last run .* shop woocommerce to go 0 · held 0", text)
    assert re.search(r"#3 .* market · allegro", text)


async def test_the_overview_says_what_waits(busy: Browser) -> None:
    await hold(busy.house)
    await busy.house.ask("POST", "/accounts/stingy/pause", {"reason": "holidays"})
    text = visible(await busy.page("/"))
    assert "All is well 3" not in text
    assert "It works, and something waits for you" in text
    assert "1 delivery waits for a person" in text
    assert "stingy is paused: holidays" in text
    assert "1 wait for a person" in text


async def test_what_does_not_work_comes_first(busy: Browser) -> None:
    await hold(busy.house)
    await busy.house.hub.unit("market").lost(AuthLost("the grant is gone"))
    text = visible(await busy.page("/"))
    assert text.index("Something does not work") < text.index("market is parked: sign-in lost: the grant is gone")
    assert text.index("market is parked") < text.index("1 delivery waits for a person")


async def test_the_list_of_orders(busy: Browser) -> None:
    """CRD-01, CRD-08, CRD-13: filters together, with the mark of the marketplace."""
    first, second = await busy.house.sell(2)
    text = await busy.page("/orders")
    assert first in text
    assert second in text
    assert "market · allegro" in text
    text = await busy.page(f"/orders?q={first}&account=market&stage=confirmed")
    assert first in text
    assert second not in text
    assert "No order fits." in await busy.page(f"/orders?q={first}&account=shop&stage=")
    page = await busy.page("/orders?limit=1")
    older = re.search(r'href="(/orders\?[^"]*before=\d+)"', page)
    assert older is not None
    text = await busy.page(older[1].replace("&amp;", "&"))
    assert first in text
    assert second not in text


async def test_lists_name_no_person(busy: Browser) -> None:
    """The buyer's login is all that a list needs."""
    (sold,) = await busy.house.sell()
    order = (await busy.house.get(f"/orders/{sold}"))["order"]
    for path in PAGES:
        if path == "/customers":
            continue  # which is there to show them
        text = await busy.page(path)
        for field in ("email", "phone", "last_name"):
            assert f">{order['buyer'][field]}<" not in text
            assert f" {order['buyer'][field]} " not in text
    assert order["buyer"]["login"] in await busy.page("/orders")


async def test_a_link_leads_to_its_order_though_a_shop_has_one_of_that_number(busy: Browser) -> None:
    first, second = [(await busy.house.get(f"/orders/{one}"))["id"] for one in await busy.house.sell(2)]
    await busy.house.database.write(
        lambda tx: tx.execute("UPDATE orders SET number = ? WHERE id = ?", (str(first), second))
    )
    for order in (first, second):
        assert f"#{order}" in visible(await busy.page(f"/orders/{order}"))


async def test_the_card_has_all_of_it(busy: Browser) -> None:
    """CRD-04: one layout, the number, and the histories in one."""
    (sold,) = await busy.house.sell()
    card = await busy.house.get(f"/orders/{sold}")
    text = visible(await busy.page(f"/orders/{sold}"))
    assert f"Id at the source {sold}" in text
    for line in card["order"]["lines"]:
        assert line["name"] in text
    assert card["order"]["buyer"]["login"] in text
    assert f"shop: {card['copies'][0]['number'] or card['copies'][0]['external_id']}" in text
    assert "The order was seen for the first time" in text
    assert "told by the feed of orders of market (run" in text
    assert "the outcome of delivery" in text


async def test_nothing_that_a_buyer_writes_becomes_markup(busy: Browser) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    (sold,) = busy.house.market.ledger.buy(message=evil)
    await busy.house.until(busy.house.settled)
    text = await busy.page(f"/orders/{sold}")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>" not in text
    assert "<img src=x" not in text


def test_a_link_is_never_a_script() -> None:
    assert link("https://shop.example/1") == "https://shop.example/1"
    assert link("javascript:alert(1)") is None
    assert link(" javascript:alert(1)") is None
    assert link("data:text/html,x") is None
    assert link(None) is None


async def test_a_hold_is_retried(busy: Browser) -> None:
    delivery = await hold(busy.house)
    text = visible(await busy.page("/waiting"))
    assert "400" in text
    assert "Mend what is complained of" in text
    assert "Accept" not in text, "there is nothing at the shop"
    text = await busy.press("/waiting", f"/deliveries/{delivery}/retry")
    assert f"Delivery {delivery} is tried again." in text
    assert "is tried again" not in await busy.page("/waiting"), "a note is said once"
    await busy.house.until(busy.house.settled)
    order = (await busy.house.get(f"/deliveries/{delivery}"))["order"]["id"]
    told = await busy.house.get(f"/orders/{order}/events")
    released = next(event for event in told["events"] if event["kind"] == "delivery.released")
    assert (released["cause"], released["why"]) == (
        {"kind": "operator", "id": "dashboard"},
        "by somebody at the dashboard",
    )


async def test_a_hold_is_given_up_with_a_reason(busy: Browser) -> None:
    delivery = await hold(busy.house)
    path = f"/orders/{(await busy.house.get(f'/deliveries/{delivery}'))['order']['id']}"
    action = f"/deliveries/{delivery}/discard"
    (form,) = [form for form in forms(await busy.page(path)) if form.action == action]
    refused = await busy.post(form.action, form.fields)
    assert refused.status == 400, "not without a reason"
    text = visible(await busy.press(path, form.action, reason="made by hand"))
    assert f"Delivery {delivery} is given up." in text
    assert "given up: made by hand" in text
    found = await busy.house.get(f"/deliveries/{delivery}")
    assert (found["state"], found["reason"]) == ("discarded", "made by hand")


async def test_what_cannot_be_accepted_says_why(busy: Browser) -> None:
    delivery = await hold(busy.house)
    form = (await busy.page("/waiting")).split('name="form" value="')[1].split('"')[0]
    answer = await busy.post(f"/deliveries/{delivery}/accept", {"form": form, "back": "/waiting"})
    assert answer.status == 409
    assert "no order that could be accepted" in answer.text
    assert 'href="/waiting"' in answer.text


async def test_the_import_log(busy: Browser) -> None:
    """LOG-02, LOG-03. Part of LOG-01: when, how many also when none, errors."""
    await busy.house.sell(2)
    assert (await busy.house.ask("POST", "/accounts/stingy/fetch"))[0] == 200
    assert "stingy orders · " in visible(await busy.page("/runs"))
    text = visible(await busy.page("/runs?account=market"))
    assert "stingy" not in text.split("Runs, the newest first")[1]
    assert "Runs, the newest first" in text
    assert "market orders · " in text
    assert "shop" not in text.split("Runs, the newest first")[1]
    busy.house.market.faults.add(Fault(kind=FaultKind.ERROR, match="GET .*", status=500, times=40))

    async def failed() -> bool:
        return "failed" in visible(await busy.page("/runs?wrong=true")).split("Runs, the newest first")[-1]

    await busy.house.until(failed)
    assert " done " not in visible(await busy.page("/runs?wrong=true&account=market")).split("newest first")[-1]


async def test_an_unknown_filter_is_no_empty_list(busy: Browser) -> None:
    for path in ("/orders?acount=x", "/runs?account=nobody", "/orders?stage=none", "/orders/4711"):
        answer = await busy.get(path)
        assert answer.status in (400, 404), path
        assert 'role="alert"' in answer.text


async def test_an_account_is_paused_and_resumed(browser: Browser) -> None:
    text = visible(await browser.press("/accounts", "/accounts/stingy/pause", reason="stock-taking"))
    assert "stingy is paused." in text
    assert "stock-taking" in text
    row = browser.house.hub.unit("stingy").row
    assert (row.state.value, row.reason) == ("paused", "stock-taking")
    text = visible(await browser.press("/accounts", "/accounts/stingy/resume"))
    assert "stingy works again." in text
    assert browser.house.hub.unit("stingy").row.state.value == "active"


async def test_fetching_by_hand_has_its_limit(browser: Browser) -> None:
    """Part of MAN-01: the fourth time within the hour is refused with a sentence and a time."""
    for _ in range(3):
        text = visible(await browser.press("/accounts", "/accounts/stingy/fetch"))
        assert "stingy was fetched: 0 records, 0 new orders." in text
    form = (await browser.page("/accounts")).split('name="form" value="')[1].split('"')[0]
    answer = await browser.post("/accounts/stingy/fetch", {"form": form, "back": "/accounts"})
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 3000
    assert 'role="alert"' in answer.text


async def test_a_sign_in_shows_its_address_and_its_end(browser: Browser) -> None:
    text = await browser.press("/accounts", "/accounts/market/sign-in", flow="device")
    code = re.search(r'<code class="code">(.+?)</code>', text)
    assert code is not None
    assert "Waiting for you." in text
    assert 'http-equiv="refresh"' in text
    browser.house.market.consent(code[1])
    await browser.house.get("/accounts/market/sign-in", wait=20)
    text = await browser.page("/accounts/market/sign-in")
    assert "Signed in" in visible(text)
    assert 'http-equiv="refresh"' not in text
    assert "Sign-ins that end" in await browser.page("/accounts")


async def test_a_first_visit_is_light_and_stays_here(busy: Browser) -> None:
    """Under 150 kB with everything it loads, and nothing of it from elsewhere."""
    await busy.house.sell(3)
    text = await busy.page("/")
    weight = len(text.encode())
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    assert len(set(loaded)) == 3
    for path in set(loaded):
        answer = await busy.get(path)
        weight += len(answer.text.encode())
        assert "immutable" in answer.headers["Cache-Control"]
    assert weight < 150_000
    assert re.findall(r'(?:src|srcset|action)="(?:https?:)?//', text) == []
    assert (await busy.get("/static/style.css?v=other")).headers["Cache-Control"] == "no-store"
    assert (await busy.get("/static/..%2fpage.py")).status == 404
