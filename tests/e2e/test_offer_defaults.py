"""What an account's settings say of its new offers, and what its system requires before it makes any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from olhubd.engine.errors import NotPossible
from olhubd.engine.operator.offer_request import AskOutcome
from olhubd.model import Action, AlarmKind, code_of
from olhubd.plugin import RequiredSetting
from olhubd_allegro.connector import Allegro
from olhubd_allegro.listing import Listing
from tests.e2e.test_offer_making import DRAFT, Shopkeeper


@pytest.fixture
async def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shopkeeper]:
    monkeypatch.setattr(Listing, "offer_settle", Listing.offer_settle / 600)
    keeper = Shopkeeper(tmp_path)
    async with keeper.open():
        yield keeper


async def test_a_new_offer_begins_with_the_defaults_of_its_account(keeper: Shopkeeper) -> None:
    """ACC-13: a draft starts with the default category and may say another; an offer that is there stays as it is.
    The handling time likewise.
    """
    assert await keeper.make() is AskOutcome.ACCEPTED
    number = await keeper.on_sale()
    await keeper.settled()
    before = keeper.first.listing.listing(number)
    values = {"default_category": "257933", "handling_time": "2 d"}
    await keeper.hub.account_settings.change("first", values, "ann")
    draft = replace(DRAFT, sku="MADE-2")
    made = await keeper.hub.offer_making.create("first", draft, "ann", check=True)
    assert (made.draft.category, made.draft.handling_days) == ("257933", 2)
    own = await keeper.hub.offer_making.create(
        "first", replace(draft, category="4", handling_days=0), "ann", check=True
    )
    assert (own.draft.category, own.draft.handling_days) == ("4", 0)
    await keeper.settled()
    assert keeper.first.listing.listing(number) == before
    await keeper.hub.account_settings.change("first", {"handling_time": "36 h"}, "ann")
    made = await keeper.hub.offer_making.create("first", draft, "ann", check=True)
    assert made.draft.handling_days == 2, "a day that has begun counts"


async def test_what_is_required_is_warned_of_and_only_what_needs_it_is_refused(
    keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ACC-11, ACC-24: the alarm and the refusal name the setting; what needs none goes on; set, all is possible."""
    assert await keeper.make() is AskOutcome.ACCEPTED
    number = await keeper.on_sale()
    await keeper.settled()
    required = RequiredSetting(key="handling_time", actions=frozenset({Action.CREATE_OFFER}))
    monkeypatch.setattr(Allegro, "required_settings", (required,))
    await keeper.hub.checks.round()
    assert "handling_time" in keeper.hub.alarms.open[AlarmKind.SETTING, "first"].detail
    with pytest.raises(NotPossible) as refused:
        await keeper.hub.offer_making.create("first", replace(DRAFT, sku="MADE-2"), "ann")
    assert code_of(refused.value.args[0]) == "setting.missing"
    assert "first lacks the setting handling_time" in str(refused.value)
    assert await keeper.hub.offer_making.end("first", number, "ann") is AskOutcome.ACCEPTED
    await keeper.hub.unit("first").fetch()
    await keeper.hub.account_settings.change("first", {"handling_time": "1 d"}, "ann")
    await keeper.hub.checks.round()
    assert (AlarmKind.SETTING, "first") not in keeper.hub.alarms.open
    made = await keeper.hub.offer_making.create("first", replace(DRAFT, sku="MADE-2"), "ann")
    assert made.outcome is AskOutcome.ACCEPTED


ADDRESS = {
    "seller_address.street": "Polna 3",
    "seller_address.postcode": "90-001",
    "seller_address.city": "Łódź",
    "seller_address.region": "łódzkie",
    "seller_address.country": "PL",
}
PLACE = {"countryCode": "PL", "postCode": "90-001", "city": "Łódź", "province": "LODZKIE"}


async def test_a_new_offer_is_sent_from_the_address_of_its_account(keeper: Shopkeeper) -> None:
    """Part of ACC-12: that of the account and of no other, from then on; what is listed already stays."""
    theirs = {"postcode": "60-166", "city": "Poznań", "country": "PL"}
    assert await keeper.hub.account_settings.learn("first", "seller_address", theirs)
    await keeper.make()
    first = await keeper.on_sale()
    await keeper.settled()
    assert "location" not in keeper.first.listing.listing(first), "what Allegro said is not said to it again"
    await keeper.hub.account_settings.change("first", ADDRESS, "ann")
    await keeper.make(replace(DRAFT, sku="MADE-2"))
    second = await keeper.on_sale("MADE-2")
    await keeper.settled()
    assert keeper.first.listing.listing(second)["location"] == PLACE
    await keeper.hub.account_settings.change("first", {"seller_address.postcode": "90-002"}, "ann")
    await keeper.make(replace(DRAFT, sku="MADE-3"))
    third = await keeper.on_sale("MADE-3")
    await keeper.settled()
    assert keeper.first.listing.listing(third)["location"] == {**PLACE, "postCode": "90-002"}
    assert keeper.first.listing.listing(second)["location"] == PLACE
    other = await keeper.hub.offer_making.create("second", DRAFT, "ann", check=True)
    assert other.draft.ship_from is None


@pytest.mark.parametrize(
    ("key", "value"), [("region", None), ("region", "Bawaria"), ("postcode", "9001")], ids=["none", "wrong", "code"]
)
async def test_an_address_that_allegro_would_refuse_is_named_by_its_setting(
    keeper: Shopkeeper, key: str, value: str | None
) -> None:
    await keeper.hub.account_settings.change("first", {**ADDRESS, f"seller_address.{key}": value}, "ann")
    made = await keeper.hub.offer_making.create("first", DRAFT, "ann")
    (flaw,) = made.flaws
    assert (made.outcome, flaw.field) == (AskOutcome.REFUSED, f"seller_address.{key}")
    assert ("LODZKIE" in flaw.why) if key == "region" else ("00-001" in flaw.why)
    assert keeper.first.listing.sent == []


async def test_the_tax_is_that_of_the_sellers_own_marketplace(keeper: Shopkeeper) -> None:
    keeper.first.marketplace = "allegro-cz"
    made = await keeper.hub.offer_making.create("first", DRAFT, "ann")
    (flaw,) = made.flaws
    assert flaw.field == "tax"
    assert "21.00" in flaw.why
    await keeper.make(replace(DRAFT, tax="21"))
    offer = await keeper.on_sale()
    assert keeper.first.listing.listing(offer)["taxSettings"]["rates"] == [{"rate": "21.00", "countryCode": "CZ"}]
