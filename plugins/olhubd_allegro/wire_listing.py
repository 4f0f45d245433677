"""What Allegro answers about offers that are made: their details, and the rules and names that they need."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from olhubd.plugin import Side
from olhubd_allegro import wire_offers

__all__ = [
    "AfterSales",
    "Category",
    "CategoryOptions",
    "CategoryParameter",
    "CategoryParameters",
    "Condition",
    "Conditions",
    "Delivery",
    "DictionaryValue",
    "Flaw",
    "FullOffer",
    "Image",
    "ImpliedWarranties",
    "Key",
    "ListingPublication",
    "MatchingCategories",
    "Named",
    "OfferTax",
    "OfferValue",
    "ParameterOptions",
    "PolicyAddress",
    "Producers",
    "Product",
    "ProductCategory",
    "Products",
    "Rate",
    "Restrictions",
    "ReturnPolicies",
    "ReturnPolicy",
    "Safety",
    "SetElement",
    "SetProduct",
    "SetQuantity",
    "ShippingRates",
    "TaxRates",
    "TaxSettings",
    "TaxValue",
    "TaxWord",
    "Validation",
    "Warranties",
]


class _Wire(msgspec.Struct, rename="camel", gc=False):
    pass


class Named(_Wire):
    """A policy, a price list or a producer, as the account has called it."""

    id: str
    name: Side[str] = ""


class ShippingRates(_Wire):
    shipping_rates: list[Named]


class PolicyAddress(_Wire):
    """Where goods are sent back to."""

    name: Side[str | None] = None
    street: Side[str | None] = None
    post_code: Side[str | None] = None
    city: Side[str | None] = None
    country_code: Side[str | None] = None


class ReturnPolicy(Named):
    is_fulfillment: Side[bool | None] = None
    address: Side[PolicyAddress | None] = None


class ReturnPolicies(_Wire):
    return_policies: list[ReturnPolicy]


class ImpliedWarranties(_Wire):
    implied_warranties: list[Named]


class Warranties(_Wire):
    warranties: list[Named]


class Producers(_Wire):
    responsible_producers: list[Named]
    total_count: int | None = None


class CategoryOptions(_Wire):
    offers_with_product_publication_enabled: bool | None = None
    product_creation_enabled: bool | None = None


class Category(_Wire):
    id: str
    name: Side[str] = ""
    leaf: bool | None = None
    options: Side[CategoryOptions | None] = None


class MatchingCategories(_Wire):
    matching_categories: list[Named]


class Condition(_Wire):
    id: str
    one_of_value_ids: list[str | int] = []


class Conditions(_Wire):
    parameters_with_value: list[Condition] = []
    parameters_without_value: list[Named] = []


class ParameterOptions(_Wire):
    describes_product: bool | None = None
    custom_values_enabled: bool | None = None


class Restrictions(_Wire):
    min: Decimal | None = None
    max: Decimal | None = None
    range: bool | None = None
    precision: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    allowed_number_of_values: int | None = None
    multiple_choices: bool | None = None


class DictionaryValue(_Wire):
    id: str | int
    value: str


class CategoryParameter(_Wire):
    """What a category asks of an offer, or of the product that it sells."""

    id: str
    type: str
    name: Side[str] = ""
    required: bool | None = None
    required_for_product: bool | None = None
    required_if: Side[Conditions | None] = None
    unit: Side[str | None] = None
    options: Side[ParameterOptions | None] = None
    restrictions: Side[Restrictions | None] = None
    dictionary: list[DictionaryValue] | None = None


class CategoryParameters(_Wire):
    parameters: list[CategoryParameter]


class TaxValue(_Wire):
    value: str
    exemption_required: bool | None = None


class TaxRates(_Wire):
    country_code: str
    values: list[TaxValue] = []


class TaxWord(_Wire):
    value: str


class TaxSettings(_Wire):
    subjects: list[TaxWord] = []
    rates: list[TaxRates] = []
    exemptions: list[TaxWord] = []


class ProductCategory(_Wire):
    id: str


class Product(_Wire):
    id: str
    category: ProductCategory


class Products(_Wire):
    products: list[Product]


class Image(_Wire):
    location: str


class Key(_Wire):
    id: str | None = None


class ListingPublication(_Wire):
    status: str
    republish: bool | None = None


class Flaw(_Wire):
    code: Side[str | None] = None
    message: Side[str | None] = None
    user_message: Side[str | None] = None
    path: Side[str | None] = None


class Validation(_Wire):
    errors: list[Flaw] = []


class OfferValue(_Wire):
    id: str
    name: Side[str | None] = None
    values: Side[list[str] | None] = None
    values_ids: Side[list[str] | None] = None
    range_value: Side[dict[str, Any] | None] = None


class SetProduct(_Wire):
    id: str | None = None
    parameters: Side[list[OfferValue]] = []


class Safety(_Wire):
    type: Side[str | None] = None
    description: Side[str | None] = None


class SetQuantity(_Wire):
    value: int | None = None


class SetElement(_Wire):
    quantity: Side[SetQuantity | None] = None
    product: SetProduct | None = None
    responsible_producer: Side[Key | None] = None
    safety_information: Side[Safety | None] = None


class Delivery(_Wire):
    handling_time: Side[str | None] = None
    shipping_rates: Side[Key | None] = None


class AfterSales(_Wire):
    implied_warranty: Side[Key | None] = None
    return_policy: Side[Key | None] = None
    warranty: Side[Key | None] = None


class Rate(_Wire):
    rate: Side[str | None] = None
    country_code: Side[str | None] = None


class OfferTax(_Wire):
    rates: Side[list[Rate]] = []
    exemption: Side[str | None] = None


class FullOffer(_Wire):
    """An offer with all that a new one of the same would need."""

    id: str
    publication: ListingPublication
    name: Side[str] = ""
    external: Side[wire_offers.External | None] = None
    selling_mode: Side[wire_offers.SellingMode | None] = None
    stock: Side[wire_offers.OfferStock | None] = None
    category: Side[Key | None] = None
    product_set: Side[list[SetElement]] = []
    parameters: Side[list[OfferValue]] = []
    images: Side[list[str]] = []
    description: Side[dict[str, Any] | None] = None
    delivery: Side[Delivery | None] = None
    after_sales_services: Side[AfterSales | None] = None
    tax_settings: Side[OfferTax | None] = None
    validation: Side[Validation | None] = None
