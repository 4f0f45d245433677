"""Accounts over HTTP: fetching by hand, pausing, and signing in."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from olhubd.plugin import OfferSink, ValuesSpent
from olhubd_kit.faults import Fault, FaultKind
from tests.control.house import House, decoded


async def test_fetching_by_hand_says_what_came(trading: House) -> None:
    """MAN-03, LOG-03: at any time where the system does not mind, and the number is told."""
    trading.tiny.buy(2)
    status, answer = await trading.ask("POST", "/accounts/stingy/fetch")
    assert status == 200
    assert answer["run"]["trigger"] == "manual"
    assert answer["run"]["added"] == 2
    (run, *_) = (await trading.get("/runs", account="stingy"))["items"]
    assert (run["id"], run["state"], run["seen"]) == (answer["run"]["id"], "done", 2)


async def test_the_fourth_fetch_within_an_hour_is_refused(house: House) -> None:
    """Part of MAN-01: and it says when it is possible again."""
    for _ in range(3):
        assert (await house.ask("POST", "/accounts/stingy/fetch"))[0] == 200
    async with house.client.post("/api/v1/accounts/stingy/fetch") as response:
        assert response.status == 429
        assert 3500 < int(response.headers["Retry-After"]) <= 3600
        assert "possible again at" in (await decoded(response))["detail"]


async def test_a_fetch_that_a_reload_overtakes_is_done_by_who_came_after(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MAN-03. The account is begun anew while the fetch is told to the log of events."""
    note = house.hub.events.note

    async def overtaken(*arguments: Any, **named: Any) -> None:
        await note(*arguments, **named)
        monkeypatch.undo()
        text = house.path.read_text(encoding="utf-8")
        house.path.write_text(
            text.replace("[accounts.stingy]", '[accounts.stingy]\ninterval = "7 min"'), encoding="utf-8"
        )
        assert (await house.hub.reload(house.configuration()))["changed"] == ["stingy"]

    monkeypatch.setattr(house.hub.events, "note", overtaken)
    status, answer = await house.ask("POST", "/accounts/stingy/fetch")
    assert status == 200, answer
    assert (answer["run"]["trigger"], answer["run"]["state"]) == ("manual", "done")


async def test_more_values_may_be_changed_once_the_account_has_begun_again(trading: House) -> None:
    """What its clients of before declared holds no more, and what they changed counts on."""

    async def tell(most: int) -> None:
        text = re.sub(r"changes_per_minute = .*\n", "", trading.path.read_text(encoding="utf-8"))
        text = text.replace("[accounts.market]", f"[accounts.market]\nchanges_per_minute = {most}")
        trading.path.write_text(text, encoding="utf-8")
        assert (await trading.hub.reload(trading.configuration()))["changed"] == ["market"]

    async def bring_back(offer: str) -> None:
        sink = trading.hub.unit("market").connector.capability(OfferSink)
        assert sink is not None
        await sink.publish_offer(offer)

    offers = [trading.market.listing.mark_draft(f"MADE-{number}") for number in range(4)]
    await tell(1)
    await bring_back(offers[0])
    with pytest.raises(ValuesSpent):
        await bring_back(offers[1])
    await tell(3)
    await bring_back(offers[1])
    await bring_back(offers[2])
    with pytest.raises(ValuesSpent):
        await bring_back(offers[3])


async def test_two_who_fetch_at_once_share_a_run(trading: House) -> None:
    """MAN-10."""
    first, second = await asyncio.gather(*(trading.ask("POST", "/accounts/market/fetch") for _ in range(2)))
    assert first == second


async def test_an_account_that_is_off_says_why(house: House) -> None:
    """ACC-07: switched off in the configuration, nothing is fetched by hand either."""
    status, problem = await house.ask("POST", "/accounts/off/fetch")
    assert status == 409
    assert "switched off in the configuration" in problem["detail"]
    assert (await house.get("/accounts/off"))["state"] == "off"


async def test_a_slow_fetch_is_left_to_itself(trading: House) -> None:
    trading.market.faults.add(Fault(kind=FaultKind.SLOW, match="GET /order/events", seconds=0.5, times=None))
    status, answer = await trading.ask("POST", "/accounts/market/fetch", {"wait": 0.05})
    assert (status, answer) == (202, {"run": None})


async def test_what_the_system_answers_is_told(trading: House) -> None:
    """LOG-12: a refused action shows the other side's message."""
    trading.tiny.faults.add(Fault(kind=FaultKind.REFUSE, match="GET /journal", status=400, times=None))
    status, problem = await trading.ask("POST", "/accounts/stingy/fetch")
    assert status == 502
    assert "400" in problem["detail"]


async def test_a_paused_account_rests_until_resumed(trading: House) -> None:
    """ACC-08: what was sold meanwhile arrives, once each."""
    status, account = await trading.ask("POST", "/accounts/market/pause", {"reason": "stock-taking"})
    assert (status, account["state"], account["reason"]) == (200, "paused", "stock-taking")
    status, problem = await trading.ask("POST", "/accounts/market/fetch")
    assert status == 409
    assert "stock-taking" in problem["detail"]
    sold = trading.market.ledger.buy(3)
    await asyncio.sleep(0.3)
    assert (await trading.get("/orders", account="market"))["items"] == []
    assert (await trading.ask("POST", "/accounts/market/resume"))[1]["state"] == "active"
    await trading.until(trading.settled)
    found = (await trading.get("/orders", account="market"))["items"]
    assert sorted(order["external_id"] for order in found) == sorted(sold)


async def test_pausing_twice_is_pausing_once(trading: House) -> None:
    for _ in range(2):
        assert (await trading.ask("POST", "/accounts/shop/pause"))[0] == 200
    rows = await trading.database.reader.fetch("SELECT id FROM events WHERE kind = 'account.paused'")
    assert len(rows) == 1


# Signing in


async def parked(house: House) -> bool:
    return bool((await house.get("/accounts/market"))["state"] == "parked")


async def begin(house: House) -> Any:
    status, begun = await house.ask("POST", "/accounts/market/sign-in")
    assert status == 202
    assert begun["state"] == "pending"
    return begun


async def test_signing_in_wakes_a_parked_account(house: House) -> None:
    """ACC-01. Part of ACC-04: no password, no second step; what waits is fetched at once."""
    await house.until(lambda: parked(house))
    before = await house.get("/accounts/market")
    assert before["signed_in"] is False
    begun = await begin(house)
    assert begun["url"].startswith("http")
    assert begun["user_code"] in begun["url"]
    house.market.consent(begun["user_code"])
    ended = await house.get("/accounts/market/sign-in", wait=20)
    assert (ended["state"], ended["login"]) == ("done", f"sklep_{house.market.seller}")
    account = await house.get("/accounts/market")
    assert account["state"] == "active"
    assert account["signed_in"] is True
    assert account["login"] == f"sklep_{house.market.seller}"
    assert account["sign_in_ends_at"] is not None
    await house.sell()


async def test_signing_in_again_keeps_everything(trading: House) -> None:
    """ACC-10, SRC-01: an account that works is signed in once more; its orders, cursor and settings stay."""
    (sold,) = await trading.sell()
    before = await trading.get("/accounts/market")
    cursor = await trading.database.reader.fetch("SELECT feed, cursor FROM feeds WHERE account = 'market'")
    begun = await begin(trading)
    trading.market.consent(begun["user_code"])
    ended = await trading.get("/accounts/market/sign-in", wait=20)
    assert ended["state"] == "done"
    assert not {"access", "refresh", "token"} & ended.keys()
    after = await trading.get("/accounts/market")
    kept = ("connector", "title", "state", "login", "interval")
    assert [after.get(key) for key in kept] == [before.get(key) for key in kept]
    known = await trading.database.reader.fetch("SELECT feed, cursor FROM feeds WHERE account = 'market'")
    assert known[0] == cursor[0]
    assert (await trading.get(f"/orders/{sold}"))["id"]
    (new,) = await trading.sell()
    assert new != sold


async def test_signing_in_ends_its_alarms_at_once(house: House) -> None:
    """And not a minute later, when they are looked for again."""
    await house.until(lambda: parked(house))
    await house.hub.supervisor.stop("alarms")  # the one that looks once a minute
    await house.hub.checks.round()

    async def alarms() -> set[str]:
        return {alarm["kind"] for alarm in (await house.get("/alarms"))["items"] if alarm["subject"] == "market"}

    async def over() -> bool:
        return not await alarms()

    assert await alarms() == {"parked", "sign-in"}
    house.market.consent((await begin(house))["user_code"])
    await house.until(over)


async def test_the_code_that_waits_is_given_again(house: House) -> None:
    assert (await begin(house))["user_code"] == (await begin(house))["user_code"]


async def test_a_person_may_refuse(house: House) -> None:
    begun = await begin(house)
    house.market.consent(begun["user_code"], granted=False)
    ended = await house.get("/accounts/market/sign-in", wait=20)
    assert ended["state"] == "failed"
    assert "refused" in ended["reason"]
    assert (await begin(house))["user_code"] != begun["user_code"], "and may try again"


async def test_another_sellers_sign_in_is_refused(trading: House) -> None:
    """Whose orders would these be? What was granted before goes on working."""
    was, trading.market.seller = trading.market.seller, "99999999"
    begun = await begin(trading)
    trading.market.consent(begun["user_code"])
    ended = await trading.get("/accounts/market/sign-in", wait=20)
    assert ended["state"] == "failed"
    assert f"belongs to sklep_{was}" in ended["reason"]
    trading.market.seller = was
    await trading.sell()
    assert (await trading.get("/accounts/market"))["login"] == f"sklep_{was}"


async def test_signing_in_survives_a_bad_line(house: House) -> None:
    """Lost and refused answers while it waits cost the person nothing."""
    house.market.faults.add(Fault(kind=FaultKind.ERROR, match="POST /auth/oauth/token", status=503, times=1))
    house.market.faults.add(Fault(kind=FaultKind.ERROR, match="GET /me", status=503, times=4))
    await house.sign_in()


async def test_a_key_needs_no_sign_in(house: House) -> None:
    status, problem = await house.ask("POST", "/accounts/shop/sign-in")
    assert status == 409
    assert "has no sign-in" in problem["detail"]
    assert (await house.get("/accounts/shop"))["signed_in"] is None


async def test_no_token_is_ever_shown(trading: House) -> None:
    """SRC-01, invariant 12."""
    rows = await trading.database.reader.fetch("SELECT token FROM credentials")
    import msgspec

    secrets = [value for row in rows for value in (msgspec.json.decode(row[0])["access"], trading.token)]
    for path in ("/accounts", "/accounts/market", "/accounts/market/sign-in", "/status", "/runs"):
        text = str(await trading.get(path))
        assert not any(secret in text for secret in secrets)


@pytest.mark.parametrize("path", ["/reload", "/log-level"])
async def test_steering(house: House, path: str) -> None:
    if path == "/log-level":
        assert await house.ask("POST", path, {"level": "warning"}) == (200, {"level": "warning"})
        assert (await house.ask("POST", path, {"level": "loud"}))[0] == 400
        assert house.levels == ["warning"]
        return
    text = house.path.read_text(encoding="utf-8")
    house.path.write_text(text.replace("enabled = false", "enabled = true"), encoding="utf-8")
    status, answer = await house.ask("POST", path)
    assert (status, answer["begun"]) == (200, ["off"])
    assert (await house.get("/accounts/off"))["state"] == "active"
    house.path.write_text(text.replace("[engine]", "[engin]"), encoding="utf-8")
    status, problem = await house.ask("POST", path)
    assert status == 422
    assert any("engin" in line and "olhubd.toml:" in line for line in problem["problems"])
    assert (await house.get("/status"))["ready"] is True


async def test_products_are_not_read_by_hand_where_the_account_says_that_they_are_not(trading: House) -> None:
    """The refusal names the setting; nothing is logged, since nothing was done."""
    before = await trading.events()
    status, problem = await trading.ask("POST", "/accounts/market/fetch", {"products": True})
    assert status == 409
    assert "products =" in problem["detail"]
    assert await trading.done_since(before) == []
