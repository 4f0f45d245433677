"""What the simulated seller has listed by a program: offers that are made and changed, at once or later.

As at Allegro: nothing is deduplicated, so two requests are two offers; what is accepted is worked on for a while,
and an operation says what became of it; a draft may lack what an active offer needs, and says so.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from olhubd.model import Money, OfferDraft, OfferParameter
from olhubd_kit.catalogue import PRODUCTS, ShelfProduct
from olhubd_kit.simulator import Verb
from olhubd_kit.simulators.allegro.listing_rules import (
    HANDLING,
    OPEN,
    PARAMETERS,
    PLACE,
    PROVINCES,
    RATES,
    TERMS,
    term_id,
)
from olhubd_kit.simulators.allegro.offered_products import OfferedProducts
from olhubd_kit.simulators.allegro.offers import OFFER, OfferBook
from olhubd_kit.simulators.allegro.population import Json

__all__ = ["ListingBook", "Operation"]

_TAGS = re.compile(r"</?(\w+)([^>]*)>")
_ALLOWED = frozenset({"h1", "h2", "p", "ul", "ol", "li", "b"})
_TERMS = {
    "shipping-rates": ("delivery", "shippingRates"),
    "return-policies": ("afterSalesServices", "returnPolicy"),
    "implied-warranties": ("afterSalesServices", "impliedWarranty"),
    "warranties": ("afterSalesServices", "warranty"),
}
_TOLD = frozenset(
    {
        "productSet",
        "category",
        "parameters",
        "images",
        "description",
        "delivery",
        "afterSalesServices",
        "taxSettings",
        "payments",
        "location",
    }
)
"""What the details of an offer repeat of what was said of it."""
_MADE = 500_000
"""Numbers of offers that a program made are higher by this."""


class Operation:
    """What was accepted and is done at `at`; `errors` is what became of it."""

    def __init__(self, offer: str, at: datetime, act: Callable[[], None], errors: Sequence[Json]) -> None:
        self.id = str(uuid.uuid4())
        self.offer = offer
        self.at = at
        self.started = at
        self.act: Callable[[], None] | None = act
        self.errors = errors


class ListingBook:
    """What one seller's programs have listed, over the book of all offers."""

    def __init__(
        self, book: OfferBook, seller: str, now: Callable[[], datetime], wares: Sequence[ShelfProduct] = PRODUCTS
    ) -> None:
        self.book = book
        self.seller = seller
        self._now = now
        self.sold = OfferedProducts(book, wares)
        self.catalogue = self.sold.catalogue
        self.terms = {
            kind: [{"id": term_id(kind, name, seller), "name": name} for name in names]
            for kind, names in TERMS.items()
        }
        self.place: Json | None = dict(PLACE)
        """Where goods are sent back to, by all policies of returns."""
        self.operations: dict[str, Operation] = {}
        self.images: set[str] = set()
        self.bodies: dict[str, Json] = {}
        """What was said of the offers that were made or changed."""
        book.described = self._described
        book.made = self._work
        self.sent: list[Json] = []
        """All requests that made an offer."""
        self._made = 0
        self._later: list[float] = []
        self._refused: list[tuple[str, str]] = []

    def verbs(self) -> Mapping[str, Verb]:
        """What can be done to listing from outside."""
        return {
            "accept_later": self.accept_later,
            "refuse_listings": self.refuse_listings,
            "listings": self.listings,
            "listing": self.listing,
            "rename_term": self.rename_term,
            "mark_draft": self.mark_draft,
            "offer_draft": self.offer_draft,
            "offer_fields": self.offer_fields,
            "move_seller": self.move_seller,
            **self.sold.verbs(),
        }

    def accept_later(self, count: int = 1, seconds: float = 30.0) -> None:
        """Answer the next `count` offers made or changed with 202, and do them so many seconds later."""
        self._later += [seconds] * count

    def refuse_listings(
        self, path: str = "parameters", message: str = "The value is not allowed.", count: int = 1
    ) -> None:
        """Refuse the next `count` offers made or changed, for this field; what is done later fails then."""
        self._refused += [(path, message)] * count

    def listings(self, sku: str) -> list[str]:
        """The numbers of all offers that bear this mark of the seller."""
        self.act()
        return [id_ for id_, one in self.book.offers.items() if (one["external"] or {}).get("id") == sku]

    def listing(self, offer: str) -> Json:
        """An offer as its details are."""
        self.act()
        found = self.book.detailed(offer)
        if found is None:
            raise ValueError(f"the seller has no offer {offer}")
        return found

    def offer_draft(self, sku: str) -> OfferDraft:
        """What a seller would list who sells mugs, under this mark."""
        return OfferDraft(
            sku=sku,
            name="Kubek ceramiczny biały 330 ml",
            ean=next(iter(self.catalogue)),
            price=Money(Decimal("24.90"), "PLN"),
            quantity=5,
            parameters=(OfferParameter(name="Stan", values=("Nowy",)),),
            description="<p>Biały <b>kubek</b></p>",
            shipping=TERMS["shipping-rates"][0],
            handling_days=1,
            producer=TERMS["responsible-producers"][0],
        )

    def offer_fields(self, offer: str) -> Json:
        """The name of an offer, its price as text, and its quantity."""
        found = self.listing(offer)
        price = (found["sellingMode"] or {}).get("price") or {}
        return {
            "name": found["name"],
            "price": price.get("amount"),
            "quantity": found["stock"]["available"],
        }

    def rename_term(self, kind: str, name: str, to: str) -> None:
        """The seller calls one of their terms otherwise; it stays the same one."""
        for one in self.terms[kind]:
            if one["name"] == name:
                one["name"] = to

    def move_seller(self, street: str = "", postcode: str = "", city: str = "", country: str = "PL") -> None:
        """The seller is at another place; without a city their policies name none."""
        place = {"name": "Sklep z Wszystkim", "street": street, "postCode": postcode, "city": city}
        self.place = {**place, "countryCode": country} if city else None

    def mark_draft(self, sku: str) -> str:
        """The seller lists something by hand as a draft; its number."""
        return self._make({"external": {"id": sku}, "name": sku, "stock": {"available": 1, "unit": "UNIT"}})

    # Requests

    def make(self, body: Json) -> tuple[str, Operation | None, Sequence[Json]]:
        """Make an offer. Gives its number, the operation where it is done later, and what is wrong with it."""
        self.sent.append(body)
        errors = [*self._planned(), *self._flaws(body, new=True)]
        if self._later:
            number = self._number()
            return number, self._accept(number, lambda: self._put(number, body), errors), ()
        if errors:
            return "", None, errors
        return self._make(body), None, ()

    def edit(self, offer: str, body: Json) -> tuple[Operation | None, Sequence[Json]]:
        """Change an offer. Gives the operation where it is done later, and what is wrong with it."""
        errors = [*self._planned(), *self._flaws(body, new=False)]
        if self._later:
            return self._accept(offer, lambda: self._merge(offer, body), errors), ()
        if not errors:
            self._merge(offer, body)
        return None, errors

    def under_way(self, offer: str) -> bool:
        """Whether an earlier change of the offer is not done."""
        self.act()
        return any(one.offer == offer and one.act is not None for one in self.operations.values())

    def act(self) -> None:
        """Do what is due of the operations."""
        self.book.act()

    def _work(self) -> None:
        for one in list(self.operations.values()):
            if one.act is not None and one.at <= self._now():
                act, one.act = one.act, None
                if not one.errors:
                    act()

    def upload(self, url: str) -> tuple[int, str]:
        """Fetch a picture from an address: the status, and where it is kept."""
        if "large" in url:
            return 413, ""
        if url.endswith((".gif", ".bmp", ".svg")):
            return 415, ""
        if "gone" in url:
            return 422, ""
        kept = f"https://a.allegroimg.com/original/{uuid.uuid5(uuid.NAMESPACE_URL, url).hex[:24]}"
        self.images.add(kept)
        return 201, kept

    # The book

    def _accept(self, offer: str, act: Callable[[], None], errors: Sequence[Json]) -> Operation:
        found = Operation(offer, self._now() + timedelta(seconds=self._later.pop(0)), act, errors)
        self.operations[found.id] = found
        return found

    def _planned(self) -> list[Json]:
        return [_error(*self._refused.pop(0))] if self._refused else []

    def _number(self) -> str:
        self._made += 1
        return str(OFFER + _MADE + self._made)

    def _make(self, body: Json) -> str:
        number = self._number()
        self._put(number, body)
        return number

    def _put(self, number: str, body: Json) -> None:
        sku = (body.get("external") or {}).get("id")
        quantity = (body.get("stock") or {}).get("available", 0)
        asked = (body.get("publication") or {}).get("status", "INACTIVE")
        elements = [self._resolved(one) for one in body.get("productSet") or ()]
        row = {
            "id": number,
            "name": body.get("name") or sku or number,
            "external": {"id": sku} if sku is not None else None,
            "sellingMode": body.get("sellingMode") or {"format": "BUY_NOW"},
            "stock": {"available": quantity, "sold": 0},
            "publication": {"status": "INACTIVE"},
            "isFulfillment": False,
        }
        self.bodies[number] = {**body, "productSet": elements}
        self.book.put_draft(number, row)
        if asked == "ACTIVE" and quantity:
            self.book.set_quantity(number, quantity)

    def _resolved(self, element: Json) -> Json:
        """A product of an offer by Allegro's own identifier; one that is not known yet joins the catalogue."""
        said = element.get("product") or {}
        by_number = self.catalogue.get(said.get("id", ""))
        if by_number is not None:
            product = {"id": by_number["id"]}
        elif said.get("id") is not None:
            product = {"id": said["id"]}
        else:
            id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, str(said.get("name"))))
            category = {**said["category"], "path": []}
            number = next((one["values"][0] for one in said.get("parameters") or () if one["id"] == "225693"), id_)
            self.catalogue[number] = {"id": id_, "name": said["name"], "category": category}
            product = {"id": id_}
        return {**element, "product": product}

    def _merge(self, offer: str, body: Json) -> None:
        row = self.book.offers[offer]
        kept = self.bodies.setdefault(offer, {})
        for name, part in body.items():
            old = kept.get(name)
            kept[name] = {**old, **part} if isinstance(part, dict) and isinstance(old, dict) else part
        row["name"] = body.get("name", row["name"])
        row["sellingMode"] = {**row["sellingMode"], **body.get("sellingMode", {})}
        self.book.edited(offer, body["stock"]["available"] if "stock" in body else None)

    def _described(self, offer: str) -> Json:
        body = {name: part for name, part in self.bodies.get(offer, {}).items() if name in _TOLD}
        if offer in self.sold.said:
            body.pop("productSet", None)
        if "productSet" in body:
            body["productSet"] = [_element(one) for one in body["productSet"]]
        return body

    # What Allegro refuses

    def _flaws(self, body: Json, *, new: bool) -> list[Json]:
        found: list[Json] = []
        if new:
            found += self._product(body)
        elif "category" in body:
            found += self._category(body["category"].get("id"), "category.id")
        if new and "stock" not in body:
            found.append(_error("stock", "Stock is required."))
        price = ((body.get("sellingMode") or {}).get("price") or {}).get("amount")
        if (price is not None or new) and not re.fullmatch(r"\d*[1-9]\d*\.\d\d|0\.\d[1-9]|0\.[1-9]\d", price or ""):
            found.append(_error("sellingMode.price.amount", "The price must be above zero."))
        for element in (body.get("description") or {}).get("sections") or ():
            for item in element["items"]:
                found += _description(item.get("content") or "")
        handling = (body.get("delivery") or {}).get("handlingTime")
        if handling is not None and handling not in HANDLING:
            found.append(_error("delivery.handlingTime", "The handling time is not allowed."))
        for kind, (outer, inner) in _TERMS.items():
            id_ = ((body.get(outer) or {}).get(inner) or {}).get("id")
            if id_ is not None and id_ not in {one["id"] for one in self.terms[kind]}:
                found.append(_error(f"{outer}.{inner}.id", f"There is no {inner} of this identifier."))
        for element in body.get("productSet") or ():
            producer = (element.get("responsibleProducer") or {}).get("id")
            if producer is not None and producer not in {one["id"] for one in self.terms["responsible-producers"]}:
                found.append(_error("productSet[0].responsibleProducer.id", "There is no such producer."))
        for rate in (body.get("taxSettings") or {}).get("rates") or ():
            if float(rate["rate"]) not in RATES.get(rate.get("countryCode"), ()):
                found.append(_error("taxSettings.rates[0].rate", "The tax rate is not allowed."))
        place = body.get("location")
        if place is not None and place.get("countryCode") == "PL":
            if place.get("province") not in PROVINCES:
                found.append(_error("location.province", "The province is not allowed."))
            if not re.fullmatch(r"\d\d-\d\d\d", place.get("postCode") or ""):
                found.append(_error("location.postCode", "The post code is wrong."))
        if new:
            given = {one["id"] for one in body.get("parameters") or ()}
            for rule in PARAMETERS:
                if rule["required"] and rule["id"] not in given:
                    found.append(_error("parameters", f"Parameter {rule['name']} is required."))
        return found

    def _product(self, body: Json) -> list[Json]:
        element: Json = next(iter(body.get("productSet") or ()), {})
        sold: Json = element.get("product") or {}
        known = {one["id"] for one in self.catalogue.values()} | self.catalogue.keys()
        if sold.get("id") is not None:
            return [] if sold["id"] in known else [_error("productSet[0].product.id", "The product is not known.")]
        if not sold.get("name"):
            return [_error("productSet[0].product", "A product is required.")]
        found = self._category((sold.get("category") or {}).get("id"), "productSet[0].product.category.id")
        given = {one["id"] for one in sold.get("parameters") or ()}
        found += [
            _error("productSet[0].product.parameters", f"Parameter {rule['name']} is required.")
            for rule in PARAMETERS
            if rule["requiredForProduct"] and rule["id"] not in given
        ]
        if next(iter(body["productSet"])).get("quantity") is not None:
            found.append(_error("productSet[0].quantity", "An inline product must not have a quantity."))
        return found

    def _category(self, id_: Any, path: str) -> list[Json]:
        return [] if id_ == OPEN else [_error(path, "Offers cannot be listed in this category.")]


def _element(said: Json) -> Json:
    """A product of an offer as its details have it, without the words by which it was looked up."""
    producer = {name: part for name, part in (said.get("responsibleProducer") or {}).items() if name == "id"}
    return said | ({"responsibleProducer": producer} if producer else {})


def _description(content: str) -> list[Json]:
    for tag, attributes in _TAGS.findall(content):
        if tag not in _ALLOWED or attributes.strip():
            return [_error("description.sections[0].items[0].content", f"The tag {tag} is not allowed.")]
    if not _TAGS.match(content):
        return [_error("description.sections[0].items[0].content", "A text must stand in a block.")]
    return []


def _error(path: str, message: str) -> Json:
    return {
        "code": "ConstraintViolationException",
        "message": message,
        "details": None,
        "path": path,
        "userMessage": message,
        "metadata": {},
    }
