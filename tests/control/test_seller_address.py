"""The seller's address as the account's system has it: read after a sign-in, shown with its place, read again."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from olhubd.control.text.event_text import tell
from olhubd.engine.access import seller_addresses
from olhubd.model import Address
from olhubd.plugin import SellerProfile
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import accounts, events
from olhubd.store.accounts import AccountState
from olhubd_kit.faults import Fault, FaultKind
from tests.control.dashboard.browser import Browser, visible
from tests.control.house import House
from tests.control.shelf import Shelf

POLICIES = "GET /after-sales-service-conditions/return-policies"


async def address(house: House, account: str = "market") -> dict[str, tuple[str, str]]:
    """Each part of it that is known, with the place that it comes from."""
    rows = (await house.get(f"/accounts/{account}/settings"))["items"]
    parts = [one for one in rows if one["key"].startswith("seller_address.") and one["value"]]
    return {one["key"].partition(".")[2]: (one["value"], one["place"]) for one in parts}


async def told(house: House, account: str = "market") -> Any:
    """Wait until it is known."""

    async def known() -> bool:
        return bool(await address(house, account))

    await house.until(known)
    return await address(house, account)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every round asks everybody."""
    for name in ("_FIRST", "_AGAIN", "_LATER"):
        monkeypatch.setattr(seller_addresses, name, 0.0)


@pytest.fixture
def untimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No round asks anybody."""
    monkeypatch.setattr(seller_addresses, "_FIRST", 1e9)


async def look(house: House) -> None:
    """The next round."""
    await house.hub.seller_addresses.round(Heartbeat("test", house.clock))


async def test_after_a_sign_in_everything_of_the_account_is_read_without_another_step(shelf: Shelf) -> None:
    """ACC-04: the login, the address and the offers."""
    found = await told(shelf)
    assert found == {
        "company": ("Sklep z Wszystkim", "marketplace"),
        "street": ("Grunwaldzka 182", "marketplace"),
        "postcode": ("60-166", "marketplace"),
        "city": ("Poznań", "marketplace"),
        "country": ("PL", "marketplace"),
    }
    assert (await shelf.get("/accounts/market"))["login"] == f"sklep_{shelf.market.seller}"
    offers = await shelf.get("/offers", account="market", limit=500)
    assert {one["external_id"] for one in offers["items"]} == set(shelf.market.book.offers)


async def test_nobody_waits_for_the_timer_after_a_sign_in(untimed: None, house: House) -> None:
    """Part of ACC-04."""
    await house.sign_in()
    assert (await told(house))["city"] == ("Poznań", "marketplace")


async def test_it_is_read_again_and_what_a_person_says_counts_instead(often: None, trading: House) -> None:
    await told(trading)
    before = await trading.events()
    trading.market.listing.move_seller("Polna 3", "00-625", "Warszawa")
    await look(trading)
    assert (await address(trading))["city"] == ("Warszawa", "marketplace")
    learned = [one for one in await events.since(trading.database.reader, before) if "setting" in one.kind]
    assert [(one.account, tell(one)) for one in learned] == [
        ("market", "market: the system of the account said what the setting seller_address is")
    ]
    assert "Polna" not in str(learned)
    own = {
        "seller_address.street": "Własna 1",
        "seller_address.postcode": "80-001",
        "seller_address.city": "Gdańsk",
    }
    body = {"values": own, "unset": []}
    assert (await trading.ask("POST", "/accounts/market/settings", body))[0] == 200
    trading.market.listing.move_seller("Inna 5", "30-001", "Kraków")
    await look(trading)
    assert (await address(trading))["city"] == ("Gdańsk", "database")
    body = {"values": {}, "unset": [*own, "seller_address.country", "seller_address.company"]}
    assert (await trading.ask("POST", "/accounts/market/settings", body))[0] == 200
    assert (await address(trading))["city"] == ("Kraków", "marketplace")
    trading.market.listing.move_seller()
    await look(trading)
    assert await address(trading) == {}, "the account has none any more"


async def test_what_came_from_a_system_that_the_account_has_no_more_is_not_kept(
    often: None, trading: House
) -> None:
    """The account began anew while the answer was on its way, perhaps with another system."""
    found = await told(trading)
    trading.market.listing.move_seller("Polna 3", "00-625", "Warszawa")
    unit, units = trading.hub.unit("market"), trading.hub.directory.units
    profile = unit.connector.capability(SellerProfile)
    assert profile is not None
    ask = profile.seller_address
    with pytest.MonkeyPatch.context() as patch:

        async def late() -> Address | None:
            answer = await ask()
            patch.delitem(units, "market")
            return answer

        patch.setattr(profile, "seller_address", late)
        await look(trading)
    assert await address(trading) == found


async def test_the_store_says_where_it_is(often: None, trading: House) -> None:
    trading.shop.place["address_2"] = "lok. 4"
    trading.shop.scheme.base = "US:CA"
    await look(trading)
    found = await told(trading, "shop")
    assert {key: value for key, (value, _) in found.items()} == {
        "street": "Polna 7, lok. 4",
        "postcode": "90-001",
        "city": "Łódź",
        "region": "CA",
        "country": "US",
    }


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_a_refused_question_stops_nothing_else(often: None, trading: House, status: int) -> None:
    """It needs a right of its own: no alarm says that a call is forbidden, and the account goes on."""
    found = await told(trading)
    unit = trading.hub.unit("market")
    trading.market.faults.add(Fault(kind=FaultKind.REFUSE, status=status, match=POLICIES, times=None))
    for _ in range(3):
        await look(trading)
    assert not unit.calls.forbidden
    row = await accounts.get(trading.database.reader, "market")
    assert row is not None
    assert row.state is AccountState.ACTIVE
    assert await address(trading) == found, "what was known stays"
    await trading.sell()


async def test_what_fits_no_setting_is_left_alone(often: None, trading: House) -> None:
    found = await told(trading)
    trading.market.listing.move_seller("Polna 3", "00-625", "Warszawa", "Polska")
    await look(trading)
    assert await address(trading) == found


async def test_who_is_not_at_work_is_not_asked(often: None, house: House) -> None:
    with capture_logs() as said:
        await look(house)
    assert await address(house) == {}
    assert not [one for one in said if one.get("account") == "market"], "nobody has signed in"


async def test_the_page_says_that_the_system_said_it(trading: House) -> None:
    await told(trading)
    async with Browser(trading) as browser:
        await browser.enter()
        page = await browser.page("/accounts/market/settings")
    assert "Grunwaldzka 182" in page
    assert "read from its system" in visible(page)
