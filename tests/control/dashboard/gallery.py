"""Pictures of every page at three widths and in both schemes, from a daemon with the data of a day.

    python -m tests.control.dashboard.gallery build/screenshots

It plays a day in a minute: two simulated marketplaces, a simulated shop, a real daemon. What only time would bring,
a day's orders by the hour and a week of comparisons, is written while the daemon is down.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import socket
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from olhubd.model import Reconciliation
from olhubd.store import Database, Transaction, quarantine, reconciliations
from olhubd_kit.demo_stack import DemoStack, open_stage
from olhubd_kit.faults import Fault, FaultKind

__all__ = ["main"]

MARKETS = ("allegro-main", "allegro-outlet")
PAGES = {
    "overview": "/", "orders": "/orders", "waiting": "/waiting", "journal": "/journal", "runs": "/runs",
    "accounts": "/accounts", "mappings": "/mappings", "unlinked": "/unlinked",
    "stock": "/stock", "plans": "/stock/plans", "offers": "/offers", "links": "/links",
    "products": "/products", "prices": "/prices", "imports": "/imports", "settings": "/settings",
    "customers": "/customers", "plugins": "/plugins", "tokens": "/tokens", "api": "/api",
}  # fmt: skip
WIDTHS = {"phone": 360, "tablet": 768, "desktop": 1280}
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-dev-shm-usage",
]  # fmt: skip


async def trade(stage: DemoStack) -> None:
    """A day's orders, most of them through, one refused by the shop, one lost on its way and found again."""
    for name in MARKETS:
        await stage.markets[name].do(stage.session, "buy", count=14)
    await stage.settle(60)


async def trouble(stage: DemoStack) -> None:
    """What waits for a person."""
    shop: Any = stage.shop
    fault = Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=1)
    await shop.misbehave(stage.session, fault)
    await stage.markets[MARKETS[0]].do(stage.session, "buy")
    while not await stage.held():
        await asyncio.sleep(0.2)
    await stage.markets[MARKETS[1]].do(stage.session, "buy", count=3)
    await stage.settle(5)
    await stage.daemon.call(
        "POST", "/api/v1/tokens", {"name": "warehouse", "scope": "operate", "lifetime": 7776000}
    )
    await stage.daemon.call("POST", "/api/v1/tokens", {"name": "reports", "scope": "read"})


async def age(folder: Path) -> None:
    """Spread the orders over the last hours, and add a week of comparisons and a record that could not land."""
    now, dice = datetime.now(UTC), random.Random(7)

    async def work(tx: Transaction) -> None:
        rows = await tx.fetch("SELECT id FROM orders ORDER BY id LIMIT 26")
        for (id_,) in rows:
            hours = min(23.0, abs(dice.gauss(9, 6)))
            back = int(hours * 3_600_000_000)
            await tx.execute(
                "UPDATE orders SET placed_at = placed_at - ?, created_at = created_at - ? WHERE id = ?",
                (back, back, id_),
            )
            slow = int(dice.uniform(0.4, 9) * 1_000_000)
            await tx.execute(
                "UPDATE copies SET created_at = created_at - ? + ? WHERE order_id = ?", (back, slow, id_)
            )
        refused = quarantine.QuarantineDraft(
            kind="order",
            external_id="29738e61-7f6a-11e8-ac45-09db60ede9d6",
            reason="its parts sum up to 118.99 PLN, but its total is 121.99 PLN",
            raw=b'{"id": "29738e61", "total": {"amount": "121.99", "currency": "PLN"}, "buyer": {"login": "jan"}}',
        )
        await quarantine.put(tx, MARKETS[0], "orders", [refused], now - timedelta(minutes=48))
        for number in range(14):
            day = (now - timedelta(days=1 + number // 2)).date()
            count = dice.randint(18, 64)
            await reconciliations.put(
                tx,
                Reconciliation(
                    id=number + 1, account=MARKETS[number % 2], day=day, since=now, until=now, source=count,
                    hub=count, missing=0, surplus=0, looks=1, looked_at=now,
                ),
            )  # fmt: skip

    async with Database.open(folder / "data" / "olhubd.sqlite") as database:
        await database.write(work)


async def pictures(base: str, token: str, order: int, into: Path) -> None:
    """Every page; English at all widths, dark at the desk, Polish at the desk for the two that people see most."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for width, pixels in WIDTHS.items():
            for scheme in ("light", "dark") if width == "desktop" else ("light",):
                for locale in ("en-GB", "pl-PL") if width == "desktop" and scheme == "light" else ("en-GB",):
                    page = await browser.new_page(
                        viewport={"width": pixels, "height": 800}, color_scheme=scheme, locale=locale
                    )
                    tail = f"{width}-{scheme}" + ("-pl" if locale == "pl-PL" else "")
                    await page.goto(f"{base}/login")
                    await shoot(page, into / f"login-{tail}.png")
                    await page.fill("#token", token)
                    await page.click("button.main")
                    for name, path in {**PAGES, "order": f"/orders/{order}", "order-done": "/orders/31"}.items():
                        if locale == "pl-PL" and name not in ("overview", "order", "waiting"):
                            continue
                        await page.goto(base + path)
                        await page.locator("#live.on").wait_for()
                        await shoot(page, into / f"{name}-{tail}.png")
                    await page.close()
        await browser.close()


async def shoot(page: Any, path: Path) -> None:
    """All of a page, as a window that is high enough shows it."""
    width = page.viewport_size["width"]
    high = min(4000, await page.evaluate("document.documentElement.scrollHeight"))
    await page.set_viewport_size({"width": width, "height": max(800, high)})
    await page.screenshot(path=path)
    await page.set_viewport_size({"width": width, "height": 800})


async def main(into: Path) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="olhubd-gallery-") as name:
        folder = Path(name)
        async with open_stage(
            folder,
            markets=MARKETS,
            seed=11,
            account={"interval": "1 s", "sweep_interval": "5 s"},
            target={"fetch_orders": True, "interval": "5 s", "settle": "3 s"},
            route={"mark_processing": True, "status_back": {"completed": "SENT"}},
            engine={"backoff_first": "500 ms", "backoff_max": "5 s"},
            listen=f"127.0.0.1:{port}",
        ) as stage:
            await trade(stage)
            await trouble(stage)
            held = (await stage.daemon.get("/api/v1/deliveries?state=hold"))["items"][0]["order"]["id"]
            await stage.daemon.kill()
            await age(folder)
            await stage.daemon.start()
            await asyncio.sleep(4)
            token = (folder / "data" / "control.token").read_text(encoding="ascii").strip()
            await pictures(f"http://127.0.0.1:{port}", token, held, into)


if __name__ == "__main__":
    goal = Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots")
    goal.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(goal))
