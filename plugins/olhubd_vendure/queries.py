"""The GraphQL documents. What is asked of an order depends on the custom fields the server has.

Mutations are put together from `Mutation`s, several in one request where one does not build on another's outcome:
Vendure carries them out one after the other, each in a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

__all__ = [
    "CHANGES",
    "CHANNEL",
    "COUNT",
    "CUSTOMERS",
    "KEYS",
    "LOGIN",
    "MARKS",
    "NOTES",
    "PAYMENT_METHODS",
    "SET_PRICES",
    "SET_STOCK",
    "SHIPPING_METHODS",
    "STATES",
    "STOCK_LOCATIONS",
    "STOCK_SETTINGS",
    "STRAYS",
    "WHOLE",
    "Mutation",
    "changes",
    "order",
    "orders",
    "products",
    "server",
    "stock",
    "variants",
]

_PLAIN = "{__typename}"
_UNION = "{__typename ... on ErrorResult{errorCode message}}"
_TRANSITION = (
    "{__typename ... on ErrorResult{errorCode message} ... on OrderStateTransitionError{transitionError}"
    " ... on Order{id state}}"
)
_MOVE = (
    "{__typename ... on ErrorResult{errorCode message} ... on FulfillmentStateTransitionError{transitionError}"
    " ... on Fulfillment{id state}}"
)
_WHOLE = "{order{id} refusal{errorCode message about line}}"
_DRAFT = {"orderId": "ID!"}

_MUTATIONS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "createDraftOrder": ({}, "{__typename id}"),
    "deleteDraftOrder": (_DRAFT, "{__typename result message}"),
    "setOrderCustomFields": ({"input": "UpdateOrderInput!"}, _PLAIN),
    "setCustomerForDraftOrder": (
        {**_DRAFT, "customerId": "ID", "input": "CreateCustomerInput"},
        _UNION,
    ),
    "addItemToDraftOrder": ({**_DRAFT, "input": "AddItemToDraftOrderInput!"}, _UNION),
    "adjustDraftOrderLine": ({**_DRAFT, "input": "AdjustDraftOrderLineInput!"}, _UNION),
    "removeDraftOrderLine": ({**_DRAFT, "orderLineId": "ID!"}, _UNION),
    "setDraftOrderShippingAddress": ({**_DRAFT, "input": "CreateAddressInput!"}, _PLAIN),
    "setDraftOrderBillingAddress": ({**_DRAFT, "input": "CreateAddressInput!"}, _PLAIN),
    "setDraftOrderShippingMethod": ({**_DRAFT, "shippingMethodId": "ID!"}, _UNION),
    "transitionOrderToState": ({"id": "ID!", "state": "String!"}, _TRANSITION),
    "addManualPaymentToOrder": (
        {"input": "ManualPaymentInput!"},
        "{__typename ... on ErrorResult{errorCode message} ... on Order{id state}}",
    ),
    "addMarketplacePayment": ({"input": "MarketplacePaymentInput!"}, "{__typename id state}"),
    "createMarketplaceOrder": ({"input": "MarketplaceOrderInput!"}, _WHOLE),
    "settlePayment": (
        {"id": "ID!"},
        "{__typename ... on ErrorResult{errorCode message} ... on Payment{id state}}",
    ),
    "addFulfillmentToOrder": (
        {"input": "FulfillOrderInput!"},
        "{__typename ... on ErrorResult{errorCode message} ... on Fulfillment{id}}",
    ),
    "transitionFulfillmentToState": ({"id": "ID!", "state": "String!"}, _MOVE),
    "cancelOrder": ({"input": "CancelOrderInput!"}, _TRANSITION),
    "addNoteToOrder": ({"input": "AddNoteToOrderInput!"}, _PLAIN),
}


class Mutation(msgspec.Struct, frozen=True):
    """One mutation with its arguments. `about` names its subject in the text of an error: a SKU, say."""

    name: str
    arguments: Mapping[str, Any] = {}
    about: str | None = None


def changes(calls: Sequence[Mutation]) -> tuple[str, str, dict[str, Any]]:
    """Name, document and variables of a request that carries out `calls`, answering as c0, c1 ..."""
    declared: list[str] = []
    fields: list[str] = []
    variables: dict[str, Any] = {}
    for number, call in enumerate(calls):
        types, selection = _MUTATIONS[call.name]
        given: list[str] = []
        for argument, value in call.arguments.items():
            variable = f"c{number}_{argument}"
            declared.append(f"${variable}:{types[argument]}")
            given.append(f"{argument}:${variable}")
            variables[variable] = value
        arguments = f"({','.join(given)})" if given else ""
        fields.append(f"c{number}:{call.name}{arguments}{selection}")
    head = f"({','.join(declared)})" if declared else ""
    name = "_".join(dict.fromkeys(call.name for call in calls))
    return name, f"mutation {name}{head}{{{' '.join(fields)}}}", variables


CHANGES = """query ListChanges($options:ProductVariantListOptions!){
  productVariants(options:$options){totalItems items{id updatedAt product{id updatedAt}
    prices{currencyCode price} taxRateApplied{value}}}
}"""
"""What says that a variant is otherwise: a price moves no time."""

LOGIN = """mutation Login($username:String!,$password:String!){
  login(username:$username,password:$password,rememberMe:true){__typename ... on ErrorResult{errorCode message}}
}"""

CHANNEL = "query Channel{activeChannel{id code defaultCurrencyCode}}"


def server(person: bool) -> str:
    """What the server keeps of an order; and for a person, which no key is, what they may do there."""
    me = "me{channels{id permissions}}" if person else ""
    return f"""query Server{{
  globalSettings{{serverConfig{{entityCustomFields{{entityName customFields{{
    ... on CustomField{{name type}} ... on StringCustomFieldConfig{{length}}}}}}}}}}
  activeChannel{{id code defaultCurrencyCode}}
  {me}
}}"""


PAYMENT_METHODS = """query PaymentMethods($options:PaymentMethodListOptions!){
  paymentMethods(options:$options){totalItems items{id code enabled handler{code} checker{code}}}
}"""

WHOLE = "query Whole{marketplaceOrders}"
"""Answered by the server plugin where it makes whole orders; elsewhere the document is not known."""

MARKS = """query Marks{input:__type(name:"AddItemToDraftOrderInput"){inputFields{name}}}"""

CUSTOMERS = """query FindCustomer($email:String!){
  customers(options:{take:2,filter:{emailAddress:{eq:$email}}}){items{id emailAddress user{id}}}
}"""

STATES = "query States{globalSettings{serverConfig{orderProcess{name}}}}"

SHIPPING_METHODS = """query ShippingMethods($options:ShippingMethodListOptions!){
  shippingMethods(options:$options){totalItems items{id code name calculator{code}}}
}"""

SET_PRICES = """mutation SetPrices($input:[UpdateProductVariantInput!]!){
  updateProductVariants(input:$input){id}
}"""

SET_STOCK = """mutation SetStock($input:[UpdateProductVariantInput!]!){
  updateProductVariants(input:$input){id}
}"""

STOCK_SETTINGS = """query StockSettings{
  globalSettings{trackInventory outOfStockThreshold serverConfig{moneyStrategyPrecision}}
  activeChannel{defaultCurrencyCode pricesIncludeTax availableCurrencyCodes}
}"""

STOCK_LOCATIONS = """query StockLocations($options:StockLocationListOptions!){
  stockLocations(options:$options){totalItems items{id name createdAt}}
}"""

COUNT = "query CountOrders($filter:OrderFilterParameter!){orders(options:{take:1,filter:$filter}){totalItems}}"

KEYS = """query ListKeys($options:OrderListOptions!){
  orders(options:$options){totalItems items{id state createdAt updatedAt orderPlacedAt}}
}"""

STRAYS = """query Strays($options:OrderListOptions!){
  activeAdministrator{id}
  orders(options:$options){totalItems
    items{id state totalQuantity customFields{externalId} customer{id}
      history(options:{take:10}){items{id administrator{id}}}}}
}"""

NOTES = """query Notes($id:ID!,$options:HistoryEntryListOptions!){
  order(id:$id){history(options:$options){totalItems items{id data}}}
}"""

_ADDRESS = "{fullName company streetLine1 streetLine2 city province postalCode countryCode phoneNumber}"


def _custom(names: Iterable[str]) -> str:
    listed = " ".join(sorted(names))
    return f"customFields{{{listed}}}" if listed else ""


def _order(fields: Iterable[str], line_fields: Iterable[str]) -> str:
    return f"""id code state active createdAt updatedAt orderPlacedAt currencyCode totalWithTax shippingWithTax
  customer{{id emailAddress firstName lastName phoneNumber user{{identifier}}}}
  shippingAddress{_ADDRESS} billingAddress{_ADDRESS}
  lines{{id quantity orderPlacedQuantity unitPriceWithTax linePriceWithTax proratedLinePriceWithTax taxRate
    productVariant{{id sku name}} {_custom(line_fields)}}}
  surcharges{{id description sku priceWithTax}}
  discounts{{description amountWithTax}}
  shippingLines{{shippingMethod{{id code name}}}}
  payments{{id method amount state createdAt transactionId refunds{{id total state}}}}
  fulfillments{{id state method createdAt trackingCode lines{{orderLineId quantity}}}}
  {_custom(fields)}"""


def order(fields: Iterable[str], line_fields: Iterable[str]) -> str:
    """One order by its id."""
    return f"query ReadOrder($id:ID!){{order(id:$id){{{_order(fields, line_fields)}}}}}"


def orders(fields: Iterable[str], line_fields: Iterable[str]) -> str:
    """A page of orders."""
    selection = _order(fields, line_fields)
    listed = f"orders(options:$options){{totalItems items{{{selection}}}}}"
    return f"query ListOrders($options:OrderListOptions!){{{listed}}}"


def products(ean_field: str | None) -> str:
    """Variants as the catalogue describes them, with what they cost in each currency of the channel."""
    fields = _custom([ean_field] if ean_field else [])
    pictures = "featuredAsset{source} assets{source}"
    return f"""query ListProducts($options:ProductVariantListOptions!){{
  productVariants(options:$options){{totalItems items{{id name sku enabled {pictures}
    product{{id name enabled description {pictures}}} options{{name group{{name}}}}
    prices{{currencyCode price}} taxRateApplied{{value}} {fields}}}}}
}}"""


def variants(ean_field: str | None) -> str:
    """Variants by SKU, or by EAN where there is a field for it."""
    fields = _custom([ean_field] if ean_field else [])
    return f"""query FindVariants($options:ProductVariantListOptions!){{
  productVariants(options:$options){{totalItems items{{id sku name enabled product{{enabled}} {fields}}}}}
}}"""


def stock(ean_field: str | None, *, priced: bool = False) -> str:
    """A page of variants with what each location holds of them, and `priced` with what they cost and look like."""
    fields = _custom([ean_field] if ean_field else [])
    picture = " featuredAsset{preview}" if priced else ""
    fields += (
        f" priceWithTax prices{{currencyCode price}} taxRateApplied{{value}} createdAt{picture}" if priced else ""
    )
    return f"""query ListStock($options:ProductVariantListOptions!){{
  productVariants(options:$options){{totalItems items{{id name sku enabled trackInventory
    useGlobalOutOfStockThreshold outOfStockThreshold product{{enabled name{picture}}}
    stockLevels{{stockLocationId stockOnHand stockAllocated}} {fields}}}}}
}}"""
