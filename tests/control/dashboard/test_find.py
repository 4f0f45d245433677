"""What an operator looks for in the pages: orders, files, the journal, mappings, settings; in Polish too."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from tests.control.dashboard.browser import Browser, visible
from tests.control.house import House


async def test_filters_hold_together_and_stay_in_the_form(busy: Browser) -> None:
    """CRD-02, CRD-13."""
    await busy.house.sell(2)
    text = await busy.page("/orders?connector=allegro&stage=confirmed&amount_from=0.01&account=&text=")
    assert len(re.findall(r'name="id" value="\d+"', text)) == 2
    assert '<option value="allegro" selected>' in text
    assert 'name="amount_from" type="text" value="0.01"' in text
    assert '<details class="more-filters" open>' in text
    assert "No order fits" in await busy.page("/orders?placed_to=2001-01-01")
    answer = await busy.get("/orders?placed_from=yesterday")
    assert answer.status == 400
    assert "must be a day" in visible(answer.text)


async def test_the_marked_or_the_filtered_become_a_file(busy: Browser) -> None:
    first, second = [(await busy.house.get(f"/orders/{one}"))["id"] for one in await busy.house.sell(2)]

    async def ids(path: str) -> set[int]:
        answer = await busy.get(path)
        assert answer.status == 200
        assert answer.headers["Content-Disposition"].startswith("attachment")
        return {int(row["id"]) for row in csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))}

    assert await ids("/orders/export?format=csv") == {first, second}
    assert await ids(f"/orders/export?format=csv&id={first}") == {first}
    assert await ids(f"/orders/export?format=csv&id={first}&id={second}&rows=lines&stage=cancelled") == {
        first,
        second,
    }
    assert await ids("/orders/export?format=csv&stage=cancelled") == set()
    async with Browser(busy.house) as stranger:
        answer = await stranger.get("/orders/export?format=csv")
        assert (answer.status, answer.headers["Location"][:6]) == (303, "/login")


async def test_the_history_is_told_in_polish(trading: House) -> None:
    """No English sentence of ours is left over."""
    (sold,) = await trading.sell()
    async with Browser(trading, "pl") as browser:
        await browser.enter()
        text = visible(await browser.page(f"/orders/{sold}"))
    assert "Zamówienie pojawiło się po raz pierwszy" in text
    assert "podało źródło: strumień zamówień, konto market" in text
    assert "potwierdzone, tam ma identyfikator" in text
    assert not re.search(r"the order was|told by|was confirmed", text)


async def test_the_journal_has_tabs_marks_and_details(busy: Browser) -> None:
    """LOG-08, LOG-09. Part of LOG-07."""
    await busy.house.sell()
    await busy.house.ask("POST", "/accounts/stingy/pause", {"reason": "holidays"})
    text = await busy.page("/journal?account=stingy")
    assert '<a href="/journal?account=stingy" aria-current="page">stingy</a>' in text
    assert len(re.findall(r'<li data-key="event-\d+" class="warning">', text)) == 1
    assert "Cause by a program with the token" in visible(text)
    assert "market" not in visible(text.partition('id="journal"')[2].partition("</section>")[0])
    assert "order.placed" in await busy.page("/journal?severity=info")
    assert "order.placed" not in await busy.page("/journal?severity=warning")


async def test_what_is_unmapped_or_without_a_product_is_shown(busy: Browser) -> None:
    """FWD-20. Part of FWD-21."""
    (sold,) = await busy.house.sell()
    card = await busy.house.get(f"/orders/{sold}")
    assert "Every line has its product" in await busy.page("/unlinked")
    line = card["order"]["lines"][0]

    async def unbind(tx: Any) -> None:
        told = f'["{line["external_id"]}"]'.encode()
        await tx.execute("UPDATE copies SET unlinked = ? WHERE order_id = ?", (told, card["id"]))

    await busy.house.database.write(unbind)
    assert line["name"] in visible(await busy.page("/unlinked"))
    assert "no product: 1" in await busy.page("/orders")
    text = visible(await busy.page("/mappings?unmapped=true"))
    assert f"{card['order']['shipping']['method']} market" in text
    assert "not mapped" in text


async def test_settings_show_no_secret_and_say_where_they_stand(busy: Browser) -> None:
    text = await busy.page("/settings")
    assert re.search(r"interval\s+0\.1 s\s+\S+\.toml:\d+", visible(text))
    for account in busy.house.hub.configuration.accounts.values():
        for _, value in account.settings:
            if hasattr(value, "get_secret_value"):
                assert value.get_secret_value() not in text
    assert "********" not in text, "a word stands for it"
