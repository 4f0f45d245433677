"""A reason of ours is said in each language; what another system said is never said in other words."""

from __future__ import annotations

import pytest

from olhubd.control.text.formatter import Formatter
from olhubd.model import Money, Reason
from olhubd.plugin import Rejected

ANOTHERS = (
    "The shop knows no field x",
    "The shop knows no product: do it there by hand",
    "GET /orders: 400 The shop knows no field x",
    "POST /wc/v3/orders: 400 The shop knows no field x (rest_invalid_param)",
    "POST /wc/v3/orders: 400 it has no lines",
    "PUT /order/checkout-forms/1/fulfillment: 422 it is cancelled",
    "GET /orders: 409 the order is on its way to Kraków, which may have it already",
    "it has no lines",
    "Order 5: 3 on hold",
    "in 5 days",
)


@pytest.mark.parametrize("text", ANOTHERS)
@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_words_of_another_system_stay_as_they_came(text: str, language: str) -> None:
    """Although a sentence of ours may read the same."""
    voice = Formatter(language)
    assert voice.reason(text) == text
    assert voice.reason(str(Rejected(text))) == text
    assert voice.reason(Reason("both", first=text, second=text)) == f"{text}; {text}"


@pytest.mark.parametrize(
    ("reason", "english", "polish"),
    [
        (
            Reason("unable.action", target="Tiny Shop", action="set-status"),
            "Tiny Shop knows no set-status: do it there by hand",
            "Tiny Shop nie zna działania set-status: zrób to tam ręcznie",
        ),
        (Reason("order.no-lines"), "it has no lines", "nie ma pozycji"),
        (
            Reason("alarm.held", held=3, dead=0),
            "3 on hold: olhubd holds list",
            "wstrzymane: 3 (olhubd holds list)",
        ),
        (
            Reason("call.no-answer", call="GET /orders", why="TimeoutError"),
            "GET /orders: no answer (TimeoutError)",
            "GET /orders: brak odpowiedzi (TimeoutError)",
        ),
        (
            Reason("call.unknown", call="POST /orders", why="502 it has no lines"),
            "POST /orders: done or not, but 502 it has no lines",
            "POST /orders: nie wiadomo, czy wykonano; 502 it has no lines",
        ),
        (
            Reason("account.sign-in-lost", error=Rejected("GET /me: 401 it is cancelled")),
            "sign-in lost: GET /me: 401 it is cancelled",
            "utracono zalogowanie: GET /me: 401 it is cancelled",
        ),
        (
            Reason("alarm.unread", error=Rejected(Reason("call.time-out", seconds="30"))),
            "could not be read yet: no answer within 30 s",
            "nie udało się jeszcze odczytać: brak odpowiedzi w ciągu 30 s",
        ),
    ],
    ids=lambda value: value.code if isinstance(value, Reason) else "",
)
def test_our_own_words_around_them_are_said(reason: Reason, english: str, polish: str) -> None:
    assert str(reason) == english
    assert Formatter("en").reason(reason) == english
    assert Formatter("pl").reason(reason) == polish


def test_an_amount_is_written_as_the_language_writes_it() -> None:
    reason = Reason("stored.total", there=Money.of_minor(1250, "PLN"), expected=Money.of_minor(1300, "PLN"))
    assert reason == "the target stored a total of 12.50 PLN, the buyer pays 13.00 PLN"
    said = Formatter("pl", lambda money: f"{money.amount} zł").reason(reason)
    assert said == "sklep zapisał sumę 12.50 zł, a kupujący płaci 13.00 zł"


def test_a_code_of_another_version_is_shown_in_the_words_that_were_stored() -> None:
    told = Reason.of({"code": "moon.full", "values": {"of": "cheese"}, "text": "the moon is full of cheese"})
    assert Formatter("pl").reason(told) == "the moon is full of cheese"
    other = Reason.of({"code": "route.gone", "values": {}, "text": "no route leads there"})
    assert Formatter("pl").reason(other) == "no route leads there"
