"""What an account has set up once and names in each offer: price lists of deliveries, policies, producers.

A draft names them as the account has called them, or by their identifiers. Where it names none and there is only
one, that one is meant.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from olhubd.model import Address, Reason
from olhubd.plugin import Account, Client, ListPage, by_offset, whole
from olhubd_allegro import wire_listing
from olhubd_allegro.settings import AllegroSettings

__all__ = ["FIELDS", "AccountTerms"]

_BELIEVED = timedelta(minutes=10)
_AFTER_SALES = "/after-sales-service-conditions"
_PAGE = 60
_PRODUCERS = 1000
FIELDS = ("shipping", "returns", "implied_warranty", "warranty", "producer")
"""The fields of a draft that name one."""
_OPTIONAL = frozenset({"warranty", "producer"})
"""Of these none is taken where none is named."""


class AccountTerms:
    """The names of one account's terms."""

    def __init__(self, account: Account[AllegroSettings], api: Client) -> None:
        self._account = account
        self._api = api
        self._reads: Mapping[str, Callable[[], Awaitable[Sequence[wire_listing.Named]]]] = {
            "shipping": self._shipping,
            "returns": self._returns,
            "implied_warranty": self._implied_warranties,
            "warranty": self._warranties,
            "producer": self._producers,
        }

    async def find(self, field: str, named: str | None, *, needed: bool) -> str | Reason | None:
        """The identifier of what is named; None where none is needed. A reason where it is not known which."""
        if named is None and (not needed or field in _OPTIONAL):
            return None
        known = await self._known(field, named)
        if named is None:
            if len(known) == 1:
                return known[0].id
            return (
                Reason("olhubd_allegro:term-needed", known=_called(known))
                if known
                else Reason("olhubd_allegro:term-none")
            )
        exact = [one for one in known if one.id == named]
        found = exact or [one for one in known if one.name.casefold() == named.strip().casefold()]
        if len(found) == 1:
            return found[0].id
        code = "olhubd_allegro:term-several" if found else "olhubd_allegro:term-unknown"
        return Reason(code, named=named, known=_called(known))

    async def name(self, field: str, id_: str | None) -> str | None:
        """What one is called, so that another account can be asked for its own of that name."""
        if id_ is None:
            return None
        return next((one.name or one.id for one in await self._known(field, id_) if one.id == id_), None)

    async def _known(self, field: str, named: str | None) -> Sequence[wire_listing.Named]:
        known = await self._account.remember(f"terms.{field}", _BELIEVED, self._reads[field])
        if named is not None and not any(named in (one.id, one.name) for one in known):
            # It may have been set up just now.
            known = await self._account.remember(f"terms.{field}", _BELIEVED, self._reads[field], fresh=True)
        return known

    async def _shipping(self) -> Sequence[wire_listing.Named]:
        return (await self._api.get("/sale/shipping-rates", wire_listing.ShippingRates)).shipping_rates

    async def address(self) -> Address | None:
        """The address of the seller's policies of returns, the only whole one that Allegro gives; None where they
        name none, or not one and the same. Policies of goods that Allegro's own warehouse sends do not count."""
        places = {
            (
                one.address.name,
                one.address.street,
                one.address.post_code,
                one.address.city,
                one.address.country_code,
            )
            for one in await self._returns()
            if one.address is not None and not one.is_fulfillment
        }
        if len(places) != 1:
            return None
        company, street, postcode, city, country = places.pop()
        if not (postcode and city and country):
            return None
        return Address(company=company, street=street, postcode=postcode, city=city, country=country)

    async def _returns(self) -> Sequence[wire_listing.ReturnPolicy]:
        path = f"{_AFTER_SALES}/return-policies"
        return (await self._api.get(path, wire_listing.ReturnPolicies, {"limit": _PAGE})).return_policies

    async def _implied_warranties(self) -> Sequence[wire_listing.Named]:
        path = f"{_AFTER_SALES}/implied-warranties"
        return (await self._api.get(path, wire_listing.ImpliedWarranties, {"limit": _PAGE})).implied_warranties

    async def _warranties(self) -> Sequence[wire_listing.Named]:
        path = f"{_AFTER_SALES}/warranties"
        return (await self._api.get(path, wire_listing.Warranties, {"limit": _PAGE})).warranties

    async def _producers(self) -> Sequence[wire_listing.Named]:
        async def fetch(offset: int) -> ListPage[wire_listing.Named]:
            query = {"limit": _PRODUCERS, "offset": offset}
            page = await self._api.get("/sale/responsible-producers", wire_listing.Producers, query)
            return ListPage(rows=page.responsible_producers, asked=_PRODUCERS, total=page.total_count)

        return await whole(by_offset(fetch, lambda one: one.id), "GET /sale/responsible-producers")


def _called(known: Sequence[wire_listing.Named]) -> str:
    return ", ".join(one.name or one.id for one in known[:20])
