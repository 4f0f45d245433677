"""What is sent to Allegro for a draft of an offer, and what of the draft Allegro would refuse.

The rules of a category and the names of the account's terms are read for it; nothing is changed there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

import msgspec

from olhubd.model import Address, OfferDraft, OfferFlaw, Reason
from olhubd.plugin import Account, Client, NotFound, PreparedOffer
from olhubd_allegro import description, wire, wire_listing
from olhubd_allegro.account_terms import FIELDS, AccountTerms
from olhubd_allegro.parameters import fit
from olhubd_allegro.settings import AllegroSettings

__all__ = ["HANDLING", "OfferBody"]

_BELIEVED = timedelta(hours=1)
HANDLING = {0: "PT0S", 1: "PT24H"} | {days: f"P{days}D" for days in (2, 3, 4, 5, 7, 10, 14, 21, 30, 60)}
"""Within how many days an offer may be handed over, in Allegro's words."""
_SHORTEST_NAME, _LONGEST_NAME = 12, 75
_MOST_IMAGES = 16
_LONGEST_SAFETY = 5000
_AFTER_SALES = {"returns": "returnPolicy", "implied_warranty": "impliedWarranty", "warranty": "warranty"}
_COUNTRIES = {"allegro-pl": "PL", "allegro-cz": "CZ", "allegro-sk": "SK", "allegro-hu": "HU"}
"""In which country the tax of an offer is due: where its seller's own marketplace is."""
_PLAIN_COUNTRY = "PL"
_FIXED = ("ean", "product", "producer", "safety")
"""Of an offer that is there these stand in the set of its products, which Allegro replaces whole."""
_PROVINCES = (
    *("DOLNOSLASKIE", "KUJAWSKO_POMORSKIE", "LUBELSKIE", "LUBUSKIE", "LODZKIE", "MALOPOLSKIE", "MAZOWIECKIE"),
    *("OPOLSKIE", "PODKARPACKIE", "PODLASKIE", "POMORSKIE", "SLASKIE", "SWIETOKRZYSKIE", "WARMINSKO_MAZURSKIE"),
    *("WIELKOPOLSKIE", "ZACHODNIOPOMORSKIE"),
)
_GTIN_NAMES = ("EAN (GTIN)", "EAN", "GTIN")


class _Product(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the product that is to be sold: its category, and whether Allegro has it at all."""

    category: str | None = None
    known: bool = False
    category_name: str | None = None


class OfferBody:
    """Makes the requests of one account."""

    def __init__(self, account: Account[AllegroSettings], api: Client) -> None:
        self._account = account
        self._api = api
        self.terms = AccountTerms(account, api)

    async def of(
        self, draft: OfferDraft, *, new: bool, there: wire_listing.FullOffer | None = None
    ) -> PreparedOffer:
        """The request for a draft. Of an offer that is there it holds only what the draft says.

        `there` is that offer, where the draft says anything of its parameters.
        """
        flaws: list[OfferFlaw] = []
        body: dict[str, Any] = {}
        if new:
            body |= {"external": {"id": draft.sku}, "publication": {"status": "INACTIVE", "republish": False}}
        if not new:
            fixed = [field for field in _FIXED if getattr(draft, field)]
            flaws += [OfferFlaw(field=field, why=Reason("olhubd_allegro:fixed")) for field in fixed]
            draft = msgspec.structs.replace(draft, **dict.fromkeys(_FIXED))
        placed = draft
        if there is not None:
            sold = next((one.product.id for one in there.product_set if one.product is not None), None)
            listed = there.category.id if there.category is not None else None
            placed = msgspec.structs.replace(draft, category=draft.category or listed, product=sold)
        product = await self._product(placed, flaws) if new or placed.category or draft.parameters else _Product()
        self._plain(draft, body, flaws)
        await self._goods(draft, product, body, flaws, new=new, there=there)
        await self._terms(draft, body, flaws, new=new)
        await self._tax(draft, product.category, body, flaws)
        if new and draft.ship_from is not None:
            body["location"] = _location(draft.ship_from, flaws)
        return PreparedOffer(flaws=tuple(flaws), body=body, category=product.category_name or product.category)

    def _plain(self, draft: OfferDraft, body: dict[str, Any], flaws: list[OfferFlaw]) -> None:
        """What needs no question."""
        if draft.name is not None:
            body["name"] = name = " ".join(draft.name.split())
            if not _SHORTEST_NAME <= len(name) <= _LONGEST_NAME:
                why = Reason(
                    "olhubd_allegro:name-length", length=len(name), least=_SHORTEST_NAME, most=_LONGEST_NAME
                )
                flaws.append(OfferFlaw(field="name", why=why))
        if draft.price is not None:
            price = draft.price.rounded()
            selling = {"price": {"amount": str(price.amount), "currency": price.currency}}
            body["sellingMode"] = {"format": "BUY_NOW"} | selling
        if draft.quantity is not None or "external" in body:
            body["stock"] = {"available": draft.quantity or 0, "unit": "UNIT"}
        if draft.handling_days is not None:
            if (word := HANDLING.get(draft.handling_days)) is None:
                allowed = ", ".join(map(str, HANDLING))
                why = Reason("olhubd_allegro:handling", days=draft.handling_days, allowed=allowed)
                flaws.append(OfferFlaw(field="handling_days", why=why))
            body.setdefault("delivery", {})["handlingTime"] = word
        if draft.description is not None:
            if (wrong := description.wrong(draft.description)) is not None:
                flaws.append(OfferFlaw(field="description", why=wrong))
            body["description"] = description.sections(draft.description)
        if draft.images:
            if len(draft.images) > _MOST_IMAGES:
                flaws.append(OfferFlaw(field="images", why=Reason("olhubd_allegro:images", most=_MOST_IMAGES)))
            body["images"] = list(draft.images)
        if draft.safety is not None and len(draft.safety) > _LONGEST_SAFETY:
            flaws.append(OfferFlaw(field="safety", why=Reason("olhubd_allegro:too-long", most=_LONGEST_SAFETY)))

    async def _goods(
        self,
        draft: OfferDraft,
        product: _Product,
        body: dict[str, Any],
        flaws: list[OfferFlaw],
        *,
        new: bool,
        there: wire_listing.FullOffer | None = None,
    ) -> None:
        """What is sold: the product, its category and their parameters."""
        element: dict[str, Any] = {}
        rules: Sequence[wire_listing.CategoryParameter] = ()
        if product.category is not None:
            rules = await self._parameters(product.category)
            fitted = fit(draft.parameters, rules, new_product=new and not product.known, partial=not new)
            flaws.extend(fitted.flaws)
            if fitted.offer:
                # Allegro replaces them whole.
                body["parameters"] = [*_others(there, fitted.offer), *fitted.offer]
            if not new:
                called = {rule.id: rule.name for rule in rules}
                for one in fitted.product:
                    why = Reason("olhubd_allegro:fixed")
                    flaws.append(OfferFlaw(field=f"parameters.{called[one['id']]}", why=why))
        elif draft.parameters and not new and not flaws:
            flaws.append(OfferFlaw(field="category", why=Reason("olhubd_allegro:category-needed")))
        if new:
            element["product"] = self._sold(draft, product, fitted.product if product.category else (), rules)
            if product.known:
                element["quantity"] = {"value": 1}
        producer = await self._term(draft, "producer", flaws, needed=new)
        if producer is not None:
            element["responsibleProducer"] = {"type": "ID", "id": producer}
        if draft.safety is not None:
            element["safetyInformation"] = {"type": "TEXT", "description": draft.safety}
        if element:
            body["productSet"] = [element]
        if draft.category is not None:
            body["category"] = {"id": draft.category}

    def _sold(
        self,
        draft: OfferDraft,
        product: _Product,
        parameters: Sequence[Mapping[str, Any]],
        rules: Sequence[wire_listing.CategoryParameter],
    ) -> dict[str, Any]:
        """The product as Allegro takes it: by its number, by its article number, or all that is known."""
        if draft.product is not None:
            return {"id": draft.product}
        if product.known:
            return {"id": draft.ean, "idType": "GTIN"}
        described: dict[str, Any] = {"name": draft.name, "parameters": list(parameters)}
        if product.category is not None:
            described["category"] = {"id": product.category}
        if draft.images:
            described["images"] = list(draft.images)
        number = next((rule for rule in rules if rule.name in _GTIN_NAMES), None)
        if draft.ean is not None and number is not None and all(one["id"] != number.id for one in parameters):
            described["parameters"] = [*parameters, {"id": number.id, "values": [draft.ean]}]
        return described

    async def _terms(self, draft: OfferDraft, body: dict[str, Any], flaws: list[OfferFlaw], *, new: bool) -> None:
        shipping = await self._term(draft, "shipping", flaws, needed=new)
        if shipping is not None:
            body.setdefault("delivery", {})["shippingRates"] = {"id": shipping}
        after: dict[str, Any] = {}
        for field, name in _AFTER_SALES.items():
            if (id_ := await self._term(draft, field, flaws, needed=new)) is not None:
                after[name] = {"id": id_}
        if after:
            body["afterSalesServices"] = after

    async def _term(self, draft: OfferDraft, field: str, flaws: list[OfferFlaw], *, needed: bool) -> str | None:
        assert field in FIELDS
        found = await self.terms.find(field, getattr(draft, field), needed=needed)
        if isinstance(found, Reason):
            flaws.append(OfferFlaw(field=field, why=found))
            return None
        return found

    async def _tax(
        self, draft: OfferDraft, category: str | None, body: dict[str, Any], flaws: list[OfferFlaw]
    ) -> None:
        if draft.tax is None:
            return
        country = await self._account.remember("tax.country", _BELIEVED, self._read_country)
        if category is None:
            body["taxSettings"] = _settings(draft.tax, None, country)
            return
        known = await self._account.remember(
            f"tax.{category}", _BELIEVED, lambda: self._read_tax(category, country)
        )
        rates = [one.value for some in known.rates if some.country_code == country for one in some.values]
        exemptions = [one.value for one in known.exemptions]
        rate = _rate(draft.tax)
        chosen = next((one for one in rates if rate is not None and _rate(one) == rate), None)
        if rates and chosen is None and draft.tax not in exemptions:
            words = ", ".join([*rates, *exemptions])
            flaws.append(OfferFlaw(field="tax", why=Reason("olhubd_allegro:tax", given=draft.tax, words=words)))
        body["taxSettings"] = _settings(chosen or draft.tax, [one.value for one in known.subjects], country)
        if chosen is not None:
            body["payments"] = {"invoice": "VAT"}

    async def _read_country(self) -> str:
        own = (await self._api.get("/me", wire.Me)).base_marketplace
        return _COUNTRIES.get(own.id or "", _PLAIN_COUNTRY) if own is not None else _PLAIN_COUNTRY

    async def _read_tax(self, category: str, country: str) -> wire_listing.TaxSettings:
        query = {"category.id": category, "countryCode": country}
        return await self._api.get("/sale/tax-settings", wire_listing.TaxSettings, query)

    # The category

    async def _product(self, draft: OfferDraft, flaws: list[OfferFlaw]) -> _Product:
        """In which category it is to be listed, and whether Allegro knows the product."""
        category, known = draft.category, draft.product is not None
        if draft.ean is not None and draft.product is None:
            found = await self._by_ean(draft.ean)
            if len(found) > 1:
                ids = ", ".join(one.id for one in found)
                flaws.append(OfferFlaw(field="ean", why=Reason("olhubd_allegro:products", ids=ids)))
                return _Product(known=True)
            known = bool(found)
            category = category or (found[0].category.id if found else None)
        elif draft.product is not None and category is None:
            category = await self._of_product(draft.product, flaws)
        name: str | None = None
        if category is None and draft.name and not known:
            category, name = await self._suggested(draft.name)
            if category is None:
                flaws.append(OfferFlaw(field="category", why=Reason("olhubd_allegro:category-needed")))
        if category is None:
            return _Product(known=known)
        checked = await self._category(category)
        if checked is None:
            flaws.append(
                OfferFlaw(field="category", why=Reason("olhubd_allegro:category-unknown", category=category))
            )
            return _Product(known=known)
        closed = checked.options is not None and checked.options.offers_with_product_publication_enabled is False
        if closed or checked.leaf is False:
            code = "olhubd_allegro:category-closed" if closed else "olhubd_allegro:category-parent"
            why = Reason(code, category=category, name=checked.name)
            flaws.append(OfferFlaw(field="category", why=why))
        return _Product(category=category, known=known, category_name=name or checked.name)

    async def _by_ean(self, ean: str) -> Sequence[wire_listing.Product]:
        query = {"phrase": ean, "mode": "GTIN", "language": "pl-PL"}
        return (await self._api.get("/sale/products", wire_listing.Products, query)).products

    async def _of_product(self, product: str, flaws: list[OfferFlaw]) -> str | None:
        try:
            found = await self._api.get(f"/sale/products/{_part(product)}", wire_listing.Product)
        except NotFound:
            why = Reason("olhubd_allegro:product-unknown", product=product)
            flaws.append(OfferFlaw(field="product", why=why))
            return None
        return found.category.id

    async def _suggested(self, name: str) -> tuple[str | None, str | None]:
        """The category that Allegro suggests first for a title, and what it is called."""
        query = {"name": name}
        found = await self._api.get("/sale/matching-categories", wire_listing.MatchingCategories, query)
        first = next(iter(found.matching_categories), None)
        return (first.id, first.name) if first is not None else (None, None)

    async def _category(self, category: str) -> wire_listing.Category | None:
        async def load() -> wire_listing.Category | None:
            try:
                return await self._api.get(f"/sale/categories/{_part(category)}", wire_listing.Category)
            except NotFound:
                return None

        return await self._account.remember(f"category.{category}", _BELIEVED, load)

    async def _parameters(self, category: str) -> Sequence[wire_listing.CategoryParameter]:
        async def load() -> Sequence[wire_listing.CategoryParameter]:
            path = f"/sale/categories/{_part(category)}/parameters"
            return (await self._api.get(path, wire_listing.CategoryParameters)).parameters

        return await self._account.remember(f"parameters.{category}", _BELIEVED, load)


def _settings(tax: str, subjects: Sequence[str] | None, country: str) -> dict[str, Any]:
    rate = _rate(tax)
    rates = [{"rate": f"{rate:.2f}", "countryCode": country}] if rate is not None else []
    settings: dict[str, Any] = {"rates": rates}
    if subjects and "GOODS" in subjects:
        settings["subject"] = "GOODS"
    if rate is None:
        settings["exemption"] = tax
    return settings


def _location(place: Address, flaws: list[OfferFlaw]) -> dict[str, Any]:
    """Where it is sent from. In Poland Allegro asks for the province, by a word of its own."""
    found = {"countryCode": place.country, "postCode": place.postcode, "city": place.city}
    if place.country == "PL":
        province = _plain(place.region or "")
        if province not in _PROVINCES:
            why = Reason("olhubd_allegro:province", given=place.region or "", words=", ".join(_PROVINCES))
            flaws.append(OfferFlaw(field="seller_address.region", why=why))
        if not re.fullmatch(r"[0-9]{2}-[0-9]{3}", place.postcode or ""):
            why = Reason("olhubd_allegro:postcode", given=place.postcode or "")
            flaws.append(OfferFlaw(field="seller_address.postcode", why=why))
        found["province"] = province
    return found


def _plain(region: str) -> str:
    """A province as Allegro spells it: in capitals, without accents, parts joined by a low line."""
    letters = unicodedata.normalize("NFKD", region.strip().upper().replace("Ł", "L"))
    return re.sub(r"[-\s]+", "_", "".join(one for one in letters if not unicodedata.combining(one)))


def _others(there: wire_listing.FullOffer | None, given: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The parameters of an offer that is there of which nothing is said."""
    said = {one["id"] for one in given}
    found: list[Mapping[str, Any]] = []
    for one in there.parameters if there is not None else ():
        parts = {"valuesIds": one.values_ids, "values": one.values, "rangeValue": one.range_value}
        if one.id not in said:
            found.append({"id": one.id, **{name: part for name, part in parts.items() if part}})
    return found


def _rate(tax: str) -> Decimal | None:
    try:
        rate = Decimal(tax.strip().removesuffix("%").strip().replace(",", "."))
    except InvalidOperation:
        return None
    return rate if rate.is_finite() else None


def _part(id_: str) -> str:
    """An identifier as a part of an address; what is none leads nowhere else."""
    return quote(id_, safe="")
