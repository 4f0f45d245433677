"""What another system said is never said again in other words, although a sentence of ours would fit it."""

from __future__ import annotations

import pytest

from olhubd.control.sentences import reasons

ANOTHERS = (
    "The shop knows no field x",
    "The shop knows no product: do it there by hand",
    "POST /wc/v3/orders: 400 The shop knows no field x (rest_invalid_param)",
    "POST /wc/v3/orders: 400 it has no lines",
    "PUT /order/checkout-forms/1/fulfillment: 422 it is cancelled",
    "GET /orders: 409 the order is on its way to Kraków, which may have it already",
    "GET /orders: 400 line 3 has quantity 0",
    "Order 5: 3 on hold",
    "EURO is not a currency that we take",
    "in 5 days",
)


@pytest.mark.parametrize("text", ANOTHERS)
def test_the_words_of_another_system_stay_as_they_came(text: str) -> None:
    assert reasons.told(text, "pl") == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Tiny Shop knows no set-status: do it there by hand",
            "Tiny Shop nie zna działania set-status: zrób to tam ręcznie",
        ),
        ("it has no lines", "nie ma pozycji"),
        ("3 on hold: olhubd holds list", "wstrzymane: 3 (olhubd holds list)"),
        ("GET /orders: no answer (TimeoutError)", "GET /orders: brak odpowiedzi (TimeoutError)"),
        (
            "POST /orders: done or not, but 502 it has no lines",
            "POST /orders: nie wiadomo, czy wykonano; 502 it has no lines",
        ),
        ("sign-in lost: GET /me: 401 it is cancelled", "utracono zalogowanie: GET /me: 401 it is cancelled"),
    ],
)
def test_our_own_words_around_them_are_said(text: str, said: str) -> None:
    assert reasons.told(text, "pl") == said
