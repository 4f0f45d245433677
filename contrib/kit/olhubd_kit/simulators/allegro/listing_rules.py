"""What the simulated Allegro asks of an offer: categories, their parameters, the seller's terms, the catalogue.

Data alone. One category is open, one is closed and one has others below it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from olhubd_kit.catalogue import ShelfProduct
from olhubd_kit.simulators.allegro.population import Json

__all__ = [
    "CATEGORIES",
    "CLOSED",
    "HANDLING",
    "OPEN",
    "PARAMETERS",
    "PARENT",
    "PLACE",
    "PROVINCES",
    "RATES",
    "TERMS",
    "catalogue",
    "gtin",
    "product",
    "tax",
    "term_id",
]

OPEN, CLOSED, PARENT = "257931", "257999", "257000"
_OPTIONS = {
    "advertisement": False,
    "advertisementPriceOptional": False,
    "offersWithProductPublicationEnabled": True,
    "productCreationEnabled": True,
    "sellerCanRequirePurchaseComments": False,
}
CATEGORIES: Mapping[str, Json] = {
    OPEN: {"id": OPEN, "name": "Kubki", "leaf": True, "options": _OPTIONS, "parent": {"id": PARENT}},
    CLOSED: {
        "id": CLOSED,
        "name": "Kubki wycofane",
        "leaf": True,
        "options": {**_OPTIONS, "offersWithProductPublicationEnabled": False},
        "parent": {"id": PARENT},
    },
    PARENT: {"id": PARENT, "name": "Kuchnia", "leaf": False, "options": _OPTIONS},
}


def _parameter(id_: str, name: str, type_: str, *, product: bool, **more: object) -> Json:
    options = {
        "ambiguousValueId": None,
        "dependsOnParameterId": None,
        "describesProduct": product,
        "customValuesEnabled": bool(more.pop("custom", False)),
    }
    asked = {"required": False, "requiredForProduct": False, "unit": None}
    return {"id": id_, "name": name, "type": type_, **asked, "options": options, **more}


PARAMETERS: Sequence[Json] = (
    _parameter(
        "11323",
        "Stan",
        "dictionary",
        product=False,
        required=True,
        restrictions={"multipleChoices": False},
        dictionary=[{"id": "11323_1", "value": "Nowy"}, {"id": "11323_2", "value": "Używany"}],
    ),
    _parameter(
        "237206",
        "Marka",
        "dictionary",
        product=True,
        requiredForProduct=True,
        custom=True,
        restrictions={"multipleChoices": False},
        dictionary=[{"id": "237206_1", "value": "Bolesławiec"}],
    ),
    _parameter(
        "225693",
        "EAN (GTIN)",
        "string",
        product=True,
        restrictions={"minLength": 8, "maxLength": 14, "allowedNumberOfValues": 1},
    ),
    _parameter(
        "8553",
        "Pojemność",
        "float",
        product=True,
        unit="ml",
        restrictions={"min": 1, "max": 5000, "range": False, "precision": 1},
    ),
    _parameter(
        "17448",
        "Liczba w zestawie",
        "integer",
        product=False,
        restrictions={"min": 1, "max": 24, "range": False},
    ),
)
RATES: Mapping[str, Sequence[int]] = {"PL": (23, 8, 5, 0), "CZ": (21, 12, 0)}
"""The rates of the tax of a country."""
PROVINCES = frozenset(
    [
        "DOLNOSLASKIE",
        "KUJAWSKO_POMORSKIE",
        "LUBELSKIE",
        "LUBUSKIE",
        "LODZKIE",
        "MALOPOLSKIE",
        "MAZOWIECKIE",
        "OPOLSKIE",
        "PODKARPACKIE",
        "PODLASKIE",
        "POMORSKIE",
        "SLASKIE",
        "SWIETOKRZYSKIE",
        "WARMINSKO_MAZURSKIE",
        "WIELKOPOLSKIE",
        "ZACHODNIOPOMORSKIE",
    ]
)


def tax(country: str | None) -> Json:
    """What may be said of the tax of an offer; of all countries where none is named."""
    rates = [
        {
            "countryCode": name,
            "values": [{"label": f"{rate}%", "value": f"{rate}.00", "exemptionRequired": False} for rate in some],
        }
        for name, some in RATES.items()
        if country in (None, name)
    ]
    return {
        "subjects": [{"label": "Towar", "value": "GOODS"}],
        "rates": rates,
        "exemptions": [{"label": "Zwolniony", "value": "MONEY_EQUIVALENT"}],
    }


HANDLING = frozenset({"PT0S", "PT24H", "P2D", "P3D", "P4D", "P5D", "P7D", "P10D", "P14D", "P21D", "P30D", "P60D"})


def term_id(kind: str, name: str, seller: str = "") -> str:
    """The identifier of one of the seller's terms: each seller has others of the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{seller}/{kind}/{name}"))


TERMS: Mapping[str, Sequence[str]] = {
    "shipping-rates": ("Kurier i paczkomaty", "Tylko paleta"),
    "return-policies": ("14 dni",),
    "implied-warranties": ("Reklamacje",),
    "warranties": ("Gwarancja 2 lata",),
    "responsible-producers": ("Bolesławiec SA", "Ceramika sp. z o.o."),
}
"""What the seller has set up, by its names."""
PLACE: Json = {
    "name": "Sklep z Wszystkim",
    "street": "Grunwaldzka 182",
    "postCode": "60-166",
    "city": "Poznań",
    "countryCode": "PL",
}


def catalogue(wares: Sequence[ShelfProduct]) -> Mapping[str, Json]:
    """The products that Allegro knows, by their article numbers."""
    return {one.ean: product(one.ean, one.name) for one in wares if one.ean}


def product(ean: str, name: str) -> Json:
    """A product of the catalogue that bears this article number."""
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, ean)),
        "name": name,
        "category": {"id": OPEN, "path": [{"id": PARENT, "name": "Kuchnia"}, {"id": OPEN, "name": "Kubki"}]},
        "images": [],
        "parameters": [gtin([ean])],
        "publication": {"status": "LISTED"},
    }


def gtin(eans: Sequence[str]) -> Json:
    """The parameter of a product that says of itself that it is the article number."""
    return {
        "id": "225693",
        "name": "EAN (GTIN)",
        "values": list(eans),
        "options": {"identifiesProduct": True, "isGTIN": True},
    }
