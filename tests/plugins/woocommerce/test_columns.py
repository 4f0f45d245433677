"""Texts as wide as the shop's tables."""

from __future__ import annotations

from typing import Any

import msgspec

from olhubd_woocommerce.columns import encoded, fitted


def body(**billing: str) -> dict[str, Any]:
    row = {"name": "Mug", "quantity": 2, "meta_data": [{"key": "k", "value": "v" * 2000}]}
    return {"currency": "PLN", "set_paid": True, "billing": billing, "line_items": [row]}


def test_what_fits_is_not_built_anew() -> None:
    sent = body(phone="1" * 100, email="e" * 320)
    assert fitted(sent) is sent


def test_one_text_that_is_too_long_is_cut_and_the_rest_stays() -> None:
    sent = body(phone="1" * 101, email="e" * 320)
    assert fitted(sent) == body(phone="1" * 100, email="e" * 320)
    assert len(sent["billing"]["phone"]) == 101


def test_letters_are_counted_in_bytes_where_the_column_is() -> None:
    sent = body()
    sent["line_items"][0]["meta_data"][0]["value"] = "ł" * 40_000
    assert fitted(sent)["line_items"][0]["meta_data"][0]["value"] == "ł" * 32_767


def test_what_is_neither_text_nor_number_is_left_as_it_is() -> None:
    assert fitted({"tags": ["a", None, 1.5]}) == {"tags": ["a", None, 1.5]}


def test_what_is_sent_is_cut_the_same() -> None:
    for sent in (body(phone="1" * 101, email="e" * 320), body(phone="1" * 100)):
        assert msgspec.json.decode(encoded(sent)) == fitted(sent)
