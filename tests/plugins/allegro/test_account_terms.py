"""The seller's address at Allegro: that of the policies of returns, where they name one and the same."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from olhubd.model import Address
from olhubd_allegro import Allegro, wire_listing
from olhubd_allegro.account_terms import AccountTerms

POZNAN = {"name": "Sklep", "street": "Polna 1", "postCode": "60-166", "city": "Poznań", "countryCode": "PL"}
LODZ = {**POZNAN, "city": "Łódź", "postCode": "90-001"}
KNOWN = Address(company="Sklep", street="Polna 1", postcode="60-166", city="Poznań", country="PL")


def policy(address: Mapping[str, str | None] | None, **more: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "name": "14 dni", "isFulfillment": False, "address": address, **more}


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([], None),
        ([policy(POZNAN)], KNOWN),
        ([policy(POZNAN), policy(POZNAN), policy(None)], KNOWN),
        ([policy(POZNAN), policy(LODZ)], None),
        ([policy(POZNAN), policy(LODZ, isFulfillment=True)], KNOWN),
        ([policy({**POZNAN, "postCode": None})], None),
        (
            [policy({**POZNAN, "name": None, "street": None})],
            Address(postcode="60-166", city="Poznań", country="PL"),
        ),
    ],
    ids=["none", "one", "the same twice", "two", "one of a warehouse", "without a postcode", "a town alone"],
)
async def test_one_address_is_told_and_none_is_chosen(
    allegro: Allegro, monkeypatch: pytest.MonkeyPatch, policies: list[Any], expected: Address | None
) -> None:
    async def returns(_self: AccountTerms) -> list[wire_listing.ReturnPolicy]:
        return msgspec.convert(policies, list[wire_listing.ReturnPolicy])

    monkeypatch.setattr(AccountTerms, "_returns", returns)
    assert await allegro.seller_address() == expected
