"""A customer of the shop itself, who buys over its storefront's API."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.e2e.shop import Clerk, Shop

__all__ = ["Buyer", "open_card_payments"]

CARD = "card"


def open_card_payments(clerk: Clerk) -> None:
    """Let customers pay by a card that is only authorised at first, where they cannot yet."""
    if CARD in {one["code"] for one in clerk.ask("{paymentMethods{items{code}}}")["paymentMethods"]["items"]}:
        return
    clerk.ask(
        "mutation($i:CreatePaymentMethodInput!){createPaymentMethod(input:$i){id}}",
        {
            "i": {
                "code": CARD,
                "enabled": True,
                "handler": {
                    "code": "dummy-payment-handler",
                    "arguments": [{"name": "automaticSettle", "value": "false"}],
                },
                "translations": [{"languageCode": "en", "name": "Card", "description": ""}],
            }
        },
    )


class Buyer:
    """One visit of the storefront."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._token: str | None = None

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The `data` of the answer; an answer with errors fails."""
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        request = urllib.request.Request(f"{self._shop.base}/shop-api", body, headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            self._token = response.headers["vendure-auth-token"] or self._token
            answer = json.load(response)
        if answer.get("errors"):
            raise AssertionError(answer["errors"])
        data: dict[str, Any] = answer["data"]
        return data

    def fill(self, sku: str, email: str, quantity: int = 1) -> dict[str, Any]:
        """A cart with so many pieces, up to the choice of the payment: the order as the storefront shows it."""
        find = "query($s:String!){productVariants(options:{filter:{sku:{eq:$s}}}){items{id}}}"
        variant = self._shop.clerk.ask(find, {"s": sku})["productVariants"]["items"][0]["id"]
        error = "__typename ... on ErrorResult{errorCode message}"
        add = f"mutation($v:ID!,$q:Int!){{addItemToOrder(productVariantId:$v,quantity:$q){{{error}}}}}"
        added = self.ask(add, {"v": variant, "q": quantity})["addItemToOrder"]
        assert added["__typename"] == "Order", added
        customer = {"emailAddress": email, "firstName": "Own", "lastName": "Customer"}
        self.ask(f"mutation($i:CreateCustomerInput!){{setCustomerForOrder(input:$i){{{error}}}}}", {"i": customer})
        place = {"streetLine1": "Polna 1", "city": "Warszawa", "countryCode": "PL"}
        self.ask(f"mutation($i:CreateAddressInput!){{setOrderShippingAddress(input:$i){{{error}}}}}", {"i": place})
        methods = self.ask("{eligibleShippingMethods{id code}}")["eligibleShippingMethods"]
        assert [one["code"] for one in methods] == [self._shop.plain_shipping]
        choose = f"mutation($i:[ID!]!){{setOrderShippingMethod(shippingMethodId:$i){{{error}}}}}"
        self.ask(choose, {"i": [methods[0]["id"]]})
        moved = self.ask(f'mutation{{transitionOrderToState(state:"ArrangingPayment"){{{error}}}}}')
        assert moved["transitionOrderToState"]["__typename"] == "Order", moved
        order: dict[str, Any] = self.ask("{activeOrder{id code state totalWithTax discounts{description}}}")[
            "activeOrder"
        ]
        return order

    def pay(self) -> str:
        """Pay by card; the state that follows."""
        paid = self.ask(
            "mutation($i:PaymentInput!){addPaymentToOrder(input:$i){__typename ... on Order{state}"
            " ... on ErrorResult{errorCode message}}}",
            {"i": {"method": CARD, "metadata": {}}},
        )["addPaymentToOrder"]
        assert paid["__typename"] == "Order", paid
        state: str = paid["state"]
        return state
