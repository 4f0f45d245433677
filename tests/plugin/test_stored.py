"""The comparison that connectors fill their receipts with."""

from __future__ import annotations

from decimal import Decimal

from olhubd.plugin import Comparison, Difference
from tests.orders import pln


def test_lines_are_compared_by_our_marks_with_their_quantities() -> None:
    seen = Comparison()
    seen.lines([("a", 2), ("b", 1), ("c", 1)], [("a", 1), ("a", 1), ("b", Decimal(2)), ("d", 1)])
    assert [(one.field, one.what) for one in seen.differences] == [
        ("lines[b].quantity", "1 were sent, 2 are there"),
        ("lines[c]", "is not there"),
        ("lines[d]", "was not sent"),
    ]


def test_a_line_without_a_mark_is_told() -> None:
    seen = Comparison()
    seen.lines([("a", 1)], [("a", 1), (None, 1)])
    assert seen.differences == (Difference(field="lines", what="one that carries no mark of ours is there"),)


def test_a_text_is_the_same_whatever_its_white_space() -> None:
    seen = Comparison()
    seen.text("recipient.street", " Długa  1\n", "Długa 1")
    seen.text("recipient.city", "Łódź", "Lo\u0301dz\u0301".replace("L", "Ł"))
    seen.text("recipient.region", None, "")
    assert seen.differences == ()


def test_a_text_that_was_shortened_is_cut_and_another_one_is_not() -> None:
    seen = Comparison()
    seen.text("recipient.street", "Bardzo Długa 155", "Bardzo Długa")
    seen.text("recipient.city", "Gdynia", "Gdańsk")
    seen.text("buyer_note", "at the back", None)
    assert [(one.field, one.cut) for one in seen.differences] == [
        ("recipient.street", True),
        ("recipient.city", False),
        ("buyer_note", False),
    ]


def test_no_text_of_a_person_is_told() -> None:
    seen = Comparison()
    seen.text("recipient.street", "Wiejska 17", "Wiejska")
    seen.text("recipient.last_name", "Kowalska", "Nowak")
    told = " ".join(one.what for one in seen.differences)
    assert not any(word in told for word in ("Wiejska", "Kowalska", "Nowak"))


def test_sums_and_words_are_the_same_or_wrong() -> None:
    seen = Comparison()
    seen.money("shipping.cost", pln("9.99"), pln("9.990"))
    seen.money("shipping.cost", pln("0.00"), None)
    seen.word("currency", "PLN", "EUR")
    seen.word("reference", "allegro:1", "allegro:1")
    assert [one.what for one in seen.differences] == [
        "0.00 PLN was sent, nothing is there",
        "PLN was sent, EUR is there",
    ]
