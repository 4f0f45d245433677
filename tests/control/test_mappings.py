"""Mappings, lines without a product, and settings over HTTP: what nobody told the hub yet, and what it was told."""

from __future__ import annotations

import re
from typing import Any

from tests.control.house import House


async def words(house: House, **query: Any) -> dict[tuple[str, str], dict[str, Any]]:
    items = (await house.get("/mappings", **query))["items"]
    return {(item["kind"], item["value"]): item for item in items}


async def test_words_that_nobody_mapped_are_counted_as_orders_land(trading: House) -> None:
    sold = await trading.sell(3)
    cards = [(await trading.get(f"/orders/{one}")) for one in sold]
    found = await words(trading)
    methods = [card["order"]["shipping"]["method_id"] for card in cards]
    for method in set(methods):
        one = found["delivery", method]
        assert (one["account"], one["target"], one["mapped"]) == ("market", "shop", None)
        assert one["orders"] == methods.count(method)
        assert one["label"] == next(
            card["order"]["shipping"]["method"]
            for card in cards
            if card["order"]["shipping"]["method_id"] == method
        )
        last = max(card["id"] for card in cards if card["order"]["shipping"]["method_id"] == method)
        assert one["example"] == last
    assert sum(one["orders"] for (kind, _), one in found.items() if kind == "payment") == 3
    stage = found["stage", cards[0]["order"]["external_stage"]]
    assert (stage["mapped"], stage["target"]) == ("confirmed", None)
    only = await words(trading, unmapped="true")
    assert only
    assert all(one["mapped"] is None for one in only.values())
    assert {kind for kind, _ in await words(trading, kind="payment")} == {"payment"}


async def test_an_order_counts_once_however_often_it_is_told(trading: House) -> None:
    (sold,) = await trading.sell()
    before = await words(trading)
    trading.market.ledger.cancel(sold)

    async def cancelled() -> bool:
        return bool((await trading.get("/orders", stage="cancelled"))["items"])

    await trading.until(cancelled)
    after = await words(trading)
    assert {key: one["orders"] for key, one in after.items() if key in before} == {
        key: one["orders"] for key, one in before.items()
    }
    assert any(
        kind == "stage" and one["orders"] == 1
        for (kind, value), one in after.items()
        if (kind, value) not in before
    )


async def test_what_is_mapped_says_where(trading: House) -> None:
    (sold,) = await trading.sell()
    method = (await trading.get(f"/orders/{sold}"))["order"]["shipping"]["method_id"]
    text = trading.path.read_text(encoding="utf-8")
    text += f'\n[routes.shipping]\n"{method}" = "flat_rate"\nabsent = "local_pickup"\n'
    text += '[routes.payment]\nonline = "payu"\n[routes.statuses]\nsent = "completed"\n'
    trading.path.write_text(text, encoding="utf-8")
    assert (await trading.ask("POST", "/reload"))[0] == 200
    found = await words(trading)
    one = found["delivery", method]
    assert one["mapped"] == "flat_rate"
    line = next(number for number, row in enumerate(text.splitlines(), 1) if method in row)
    assert re.fullmatch(rf".*\.toml:{line}", one["origin"])
    never = found["delivery", "absent"]
    assert (never["mapped"], never["orders"], never["example"]) == ("local_pickup", 0, None)
    assert found["progress", "sent"]["mapped"] == "completed"
    assert (await trading.get("/mappings"))["items"][-1]["mapped"] is not None, "what is unmapped comes first"


async def test_lines_without_a_product_are_told_by_offer(trading: House) -> None:
    """FWD-20. Part of FWD-21: what to link, before and after forwarding, with how many orders wait for it."""
    cards = [await trading.get(f"/orders/{one}") for one in await trading.sell(2)]
    lines = [card["order"]["lines"][0] for card in cards]

    async def unbind(tx: Any) -> None:
        for card, line in zip(cards, lines, strict=True):
            told = f'["{line["external_id"]}"]'.encode()
            await tx.execute("UPDATE copies SET unlinked = ? WHERE order_id = ?", (told, card["id"]))

    assert (await trading.get("/unlinked")) == {"items": [], "looked_at": 0, "all": True}
    await trading.database.write(unbind)
    found = await trading.get("/unlinked")
    assert found["looked_at"] == 2
    assert {(one["offer_id"], one["target"]) for one in found["items"]} == {
        (line["offer_id"], "shop") for line in lines
    }
    assert sum(one["orders"] for one in found["items"]) == 2
    assert (await trading.get("/unlinked", account="shop"))["items"] == []


async def test_settings_tell_where_they_are_from_and_no_secret(house: House) -> None:
    found = await house.get("/settings")
    by_key = {one["key"]: one for one in found["items"]}
    assert re.fullmatch(r".*\.toml:\d+", by_key["accounts.market.interval"]["origin"])
    assert (
        by_key["engine.shutdown_timeout" if "engine.shutdown_timeout" in by_key else "accounts.market.parallel"][
            "origin"
        ]
        == "default"
    )
    secrets = [one for one in found["items"] if one["value"] == "********"]
    assert {one["key"] for one in secrets} >= {"accounts.market.client_secret"}
    told = str(found)
    for name, account in house.hub.configuration.accounts.items():
        for value in account.settings:
            reveal = getattr(value[1], "get_secret_value", None)
            if reveal is not None:
                assert reveal() not in told, (name, value[0])
