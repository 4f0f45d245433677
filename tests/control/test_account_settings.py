"""Settings of an account that live in the database under the file: set, shown with their places, in force."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from olhubd.control.text.event_text import tell
from olhubd.engine.errors import NotPossible
from olhubd.model import Scope
from olhubd.store import account_settings, events
from olhubd.store.account_settings import SaidBy
from tests.control.dashboard.browser import Browser, forms, visible
from tests.control.house import House

SHOP = "/accounts/shop/settings"
ADDRESS = {
    "seller_address.street": "Prosta 1",
    "seller_address.postcode": "00-001",
    "seller_address.city": "Warszawa",
    "seller_address.country": "PL",
}


async def rows(house: House, account: str = "shop") -> dict[str, dict[str, Any]]:
    return {one["key"]: one for one in (await house.get(f"/accounts/{account}/settings"))["items"]}


async def put(house: House, account: str = "shop", /, **values: str | None) -> tuple[int, Any]:
    given = {key: text for key, text in values.items() if text is not None}
    body = {"values": given, "unset": [key for key in values if key not in given]}
    return await house.ask("POST", f"/accounts/{account}/settings", body)


async def test_a_setting_is_in_force_without_a_restart_and_says_where_it_comes_from(house: House) -> None:
    """What is fetched, and how often, by timer and by hand."""
    unit = house.hub.unit("stingy")
    assert (await rows(house, "stingy"))["interval"]["place"] == "default"
    status, answer = await put(house, "stingy", interval="7 min", fetch_orders="false")
    assert status == 200, answer
    found = {one["key"]: one for one in answer["items"]}
    assert (found["interval"]["value"], found["interval"]["place"]) == ("7 min", "database")
    assert found["interval"]["changed_by"] is not None
    assert found["interval"]["changed_at"] is not None
    assert house.hub.unit("stingy") is not unit, "it goes by the new settings"
    assert house.hub.unit("stingy").config.interval == timedelta(minutes=7)
    assert house.hub.unit("stingy").feeds.orders is None, "nothing is fetched by timer"
    status, refused = await house.ask("POST", "/accounts/stingy/fetch")
    assert (status, refused["type"]) == (409, "urn:olhubd:problem:not-possible"), "nor by hand"
    assert (await put(house, "stingy", fetch_orders=None, interval=None))[0] == 200
    assert house.hub.unit("stingy").feeds.orders is not None
    assert (await rows(house, "stingy"))["interval"]["place"] == "default"


async def test_what_concerns_offers_alone_interrupts_nothing(house: House) -> None:
    unit = house.hub.unit("market")
    assert (await put(house, "market", default_category="257933", handling_time="2 d", **ADDRESS))[0] == 200
    assert house.hub.unit("market") is unit
    offers = house.hub.configuration.accounts["market"].offers
    assert (offers.default_category, offers.handling_time) == ("257933", timedelta(days=2))
    assert offers.seller_address is not None
    assert offers.seller_address.address.city == "Warszawa"
    assert (await put(house, "market", **{"seller_address.city": "Gdynia"}))[0] == 200, (
        "one part of a known address"
    )
    offers = house.hub.configuration.accounts["market"].offers
    assert offers.seller_address is not None
    assert (offers.seller_address.city, offers.seller_address.street) == ("Gdynia", "Prosta 1")


async def test_the_file_pins_and_the_database_fills(house: House) -> None:
    """What the file says holds whatever the database has, also after a reload."""
    status, refused = await put(house, interval="5 min", default_category="1")
    assert (status, refused["type"]) == (409, "urn:olhubd:problem:not-possible")
    assert re.search(r"interval is pinned at .*olhubd\.toml:\d+: change it there, and reload", refused["detail"])
    assert (await rows(house))["default_category"]["place"] == "default", "all or nothing"
    assert (await put(house, default_category="1"))[0] == 200
    house.path.write_text(
        house.path.read_text().replace("[accounts.shop]", '[accounts.shop]\ndefault_category = "2"')
    )
    await house.hub.reload(house.configuration())
    found = (await rows(house))["default_category"]
    assert (found["value"], found["place"], found["pinned"]) == ("2", "file", True)
    house.path.write_text(house.path.read_text().replace('default_category = "2"\n', ""))
    await house.hub.reload(house.configuration())
    found = (await rows(house))["default_category"]
    assert (found["value"], found["place"]) == ("1", "database")


async def test_what_is_kept_is_there_for_the_next_process(house: House) -> None:
    assert (await put(house, "stingy", interval="9 min"))[0] == 200
    fresh = house.configuration()
    assert fresh.accounts["stingy"].interval != timedelta(minutes=9)
    house.hub.in_force.take(fresh)
    await house.hub.account_settings.begin()
    assert house.hub.configuration.accounts["stingy"].interval == timedelta(minutes=9)


async def test_what_does_not_fit_any_more_keeps_nobody_from_beginning(house: House) -> None:
    now = house.clock.now()
    rows_ = [
        account_settings.AccountSetting(
            account=account, key=key, said_by=SaidBy.PERSON, value=value, changed_by="ola", changed_at=now
        )
        for account, key, value in (
            ("stingy", "interval", "soon"),
            ("stingy", "gone_with_a_version", "1"),
            ("stingy", "parallel", "3"),
            ("nobody", "parallel", "3"),
        )
    ]
    await house.database.write(lambda tx: account_settings.put(tx, rows_))
    await house.hub.reload(house.configuration())
    config = house.hub.configuration.accounts["stingy"]
    assert config.parallel == 3, "the others hold"
    assert (await rows(house, "stingy"))["interval"]["place"] == "default"


async def test_each_change_is_an_event_without_what_is_private(house: House) -> None:
    before = await house.events()
    assert (await put(house, "market", default_category="257933", **ADDRESS))[0] == 200
    found = [one for one in await events.since(house.database.reader, before) if one.kind.startswith("account.")]
    assert [tell(one) for one in found] == [
        "market: the setting default_category was changed from “” to “257933”",
        "market: the setting seller_address.street was changed",
        "market: the setting seller_address.postcode was changed",
        "market: the setting seller_address.city was changed",
        "market: the setting seller_address.country was changed",
    ]
    assert {(one.cause.kind, one.account) for one in found} == {("operator", "market")}
    assert "Prosta" not in str(found)
    assert "Warszawa" not in str(found)


async def test_what_the_system_says_is_weaker_than_a_person(house: House) -> None:
    """The address as the marketplace has it is shown, and a person's counts above it."""
    theirs = {"street": "Inna 2", "postcode": "80-001", "city": "Gdansk", "country": "PL"}
    keeper = house.hub.account_settings
    assert await keeper.learn("market", "seller_address", theirs)
    assert not await keeper.learn("market", "seller_address", theirs), "no news, no event"
    assert (await rows(house, "market"))["seller_address.city"]["place"] == "marketplace"
    assert (await put(house, "market", **{"seller_address.city": "Sopot"}))[0] == 200
    found = await rows(house, "market")
    assert (found["seller_address.city"]["value"], found["seller_address.street"]["value"]) == ("Sopot", "Inna 2")
    assert {found[f"seller_address.{key}"]["place"] for key in theirs} == {"database"}, "an address is of one place"
    assert await keeper.learn("market", "seller_address", {**theirs, "city": "Elblag"})
    assert (await rows(house, "market"))["seller_address.city"]["value"] == "Sopot"
    assert (await put(house, "market", **{f"seller_address.{key}": None for key in theirs}))[0] == 200
    assert (await rows(house, "market"))["seller_address.city"]["value"] == "Elblag"


WRONG: dict[str, tuple[dict[str, str | None], str]] = {
    "a span without a unit": ({"sweep_window": "5"}, "sweep_window: has no unit that is known"),
    "a unit that is none": ({"sweep_window": "5 fortnights"}, "sweep_window: has no unit that is known"),
    "a negative time": ({"handling_time": "-1 d"}, "handling_time: must not be negative"),
    "a switch that is none": ({"fetch_orders": "maybe"}, "fetch_orders: must be true or false"),
    "a number that is none": ({"parallel": "many"}, "parallel: must be a whole number"),
    "brackets in brackets": ({"parallel": "[" * 499}, "parallel: must be a whole number"),
    "too many at one time": ({"parallel": "9999"}, "parallel: must be less than or equal to 256"),
    "a mode that is none": ({"products": "hourly"}, "products: must be 'off', 'by-hand', 'daily' or 'always'"),
    "a time of day that is none": ({"products_from": "25:00"}, "products_from: is no time of a day"),
    "half an address": ({"seller_address.city": "Gdynia"}, "seller_address.country: is missing"),
    "a country in full": ({**ADDRESS, "seller_address.country": "Poland"}, "seller_address.country: "),
    "a key that is none": (
        {"intervall": "5 min"},
        "intervall is no setting of the account that can be changed here (did",
    ),
    "a secret": ({"api_key": "x"}, "api_key is no setting of the account that can be changed here"),
    "the connector": ({"connector": "allegro"}, "connector is no setting of the account"),
    "a category that is empty": ({"default_category": ""}, "default_category: "),
}


@pytest.mark.parametrize("case", WRONG)
async def test_wrong_input_is_refused_with_its_field_and_changes_nothing(house: House, case: str) -> None:
    values, sentence = WRONG[case]
    before, kept = await house.events(), await account_settings.every(house.database.reader)
    status, refused = await house.ask("POST", "/accounts/stingy/settings", {"values": values})
    assert (status, refused["type"]) == (409, "urn:olhubd:problem:not-possible")
    assert sentence in refused["detail"], refused["detail"]
    since = {one.kind for one in await events.since(house.database.reader, before)}
    assert not since & {"account.setting-changed", "account.setting-replaced", "daemon.reloaded"}
    assert await account_settings.every(house.database.reader) == kept
    with pytest.raises(NotPossible):
        await house.hub.account_settings.change("stingy", values, "ola")


async def test_an_account_that_is_not_there(house: House) -> None:
    for method in ("GET", "POST"):
        body = {"values": {"interval": "5 min"}} if method == "POST" else None
        status, refused = await house.ask(method, "/accounts/nobody/settings", body)
        assert (status, refused["type"]) == (404, "urn:olhubd:problem:not-found")


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_the_form_sets_what_was_changed_in_it_and_nothing_else(house: House, language: str) -> None:
    async with Browser(house, language) as browser:
        await browser.enter(token=await house.make_token("anna", Scope.OPERATE))
        page = await browser.page("/accounts/shop/settings")
        form = next(one for one in forms(page) if one.action == "/accounts/shop/settings")
        assert "set.interval" not in form.fields, "the file pins it"
        assert "olhubd.toml" in page
        answer = await browser.post(form.action, {**form.fields, "set.default_category": "77"})
        assert answer.status == 303, answer.text
        text = visible(await browser.page("/accounts/shop/settings"))
        assert ("set here" if language == "en" else "ustawione tutaj") in text
        stored = await account_settings.every(house.database.reader)
        assert [(one.key, one.value, one.changed_by) for one in stored] == [
            ("default_category", "77", "dashboard:anna")
        ]
        form = next(
            one for one in forms(await browser.page("/accounts/shop/settings")) if one.action == form.action
        )
        answer = await browser.post(form.action, {**form.fields, "set.default_category": ""})
        assert answer.status == 303
        assert await account_settings.every(house.database.reader) == []
        answer = await browser.post(form.action, {**form.fields, "set.parallel": "many", "was.parallel": ""})
        assert answer.status == 409
        assert "parallel: must be a whole number" in visible(answer.text)
