"""A system that asked to be left alone, and a person who knows better: the shut budget is opened by hand."""

from __future__ import annotations

from typing import Any

from olhubd_kit.faults import Fault, FaultKind
from tests.control.house import House

SHUT = Fault(kind=FaultKind.REFUSE, match="GET /journal", status=429, retry_after=86_400, times=1)


async def shut(house: House) -> dict[str, Any]:
    """The account whose system has just said that it had enough."""
    house.tiny.faults.add(SHUT)
    await house.ask("POST", "/accounts/stingy/fetch")
    found: dict[str, Any] = await house.get("/accounts/stingy")
    return found


async def test_a_shut_budget_is_told_and_a_person_opens_it(trading: House) -> None:
    """What was sold is there at once, and not when the system's time is over; who did it is told."""
    account = await shut(trading)
    assert account["state"] == "active"
    assert account["shut_until"] is not None
    trading.tiny.buy(1)
    status, answer = await trading.ask("POST", "/accounts/stingy/resume")
    assert (status, answer["shut_until"]) == (200, None)

    async def landed() -> bool:
        return bool((await trading.get("/orders", account="stingy"))["items"])

    await trading.until(landed)
    told = [event for event in (await trading.get("/events"))["items"] if event["kind"] == "account.opened"]
    assert [event["account"] for event in told] == ["stingy"]


async def test_who_waits_for_nothing_is_let_go_for_nothing(trading: House) -> None:
    assert (await trading.ask("POST", "/accounts/stingy/resume"))[0] == 200
    assert "account.opened" not in {event["kind"] for event in (await trading.get("/events"))["items"]}


async def test_what_is_to_be_tried_again_is_due_at_once(trading: House) -> None:
    """The deliveries of a shop that asked for a time, too; those whose outcome is unknown keep theirs."""
    trading.shop.faults.add(
        Fault(kind=FaultKind.REFUSE, match="GET /wp-json/wc/v3/", status=429, retry_after=600, times=1)
    )
    trading.market.ledger.buy(1)

    async def waiting() -> bool:
        return bool((await trading.get("/deliveries", state="retry"))["items"])

    await trading.until(waiting)
    assert trading.shop.books() == []
    assert (await trading.ask("POST", "/accounts/shop/resume"))[0] == 200

    async def there() -> bool:
        return len(trading.shop.books()) == 1

    await trading.until(there)
