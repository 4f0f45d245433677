"""Templates of mails: marks of connectors, and what no template is let do."""

from __future__ import annotations

import re

import pytest

from olhubd.decide.mails.rule import MailText, Occasion, due, message_id
from olhubd.decide.mails.template import LONGEST, TemplateFailed, check, fill
from olhubd.decide.mails.values import sample_values

KNOWN = ("allegro", "woocommerce", "tiny-shop")
VALUES = sample_values(Occasion.SENT)


def text(source: str, connector: str) -> str:
    return fill(MailText(subject="x", text=source), connector, VALUES).text.strip()


@pytest.mark.parametrize(
    ("source", "allegro", "other"),
    [
        ("a IF_ALLEGRO b ENDIF_ALLEGRO c", "a  b  c", "a  c"),
        ("IF_NOT_ALLEGRO b ENDIF_NOT_ALLEGRO", "", "b"),
        ("IF_ALLEGRO\none\ntwo\nENDIF_ALLEGRO", "one\ntwo", ""),
        ("IF_NOT_ALLEGRO x IF_TINY_SHOP y ENDIF_TINY_SHOP ENDIF_NOT_ALLEGRO", "", "x  y"),
        ("WHATIF_ALLEGRO", "WHATIF_ALLEGRO", "WHATIF_ALLEGRO"),
    ],
)
def test_marks_limit_a_text_to_a_connector_and_nest(source: str, allegro: str, other: str) -> None:
    """NOT-08, NOT-09"""
    check(source, KNOWN, values=VALUES)
    assert text(source, "allegro") == allegro
    assert text(source, "tiny-shop") == other


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x\nIF_ALEGRO a ENDIF_ALEGRO", "line 2: IF_ALEGRO names no connector; did you mean ALLEGRO?"),
        ("IF_ALLEGRO a", "IF_ALLEGRO has no end"),
        ("ENDIF_ALLEGRO", "ends what did not begin last"),
        ("IF_ALLEGRO IF_WOOCOMMERCE ENDIF_ALLEGRO ENDIF_WOOCOMMERCE", "ends what did not begin last"),
        ("{% for a in range(10 ** 9) %}{% endfor %}", "for may not be used"),
        ("{% for a in lines %}{% for b in lines %}x{% endfor %}{% endfor %}", "for may not be used"),
        ("{{ 'x' * 30000000 }}", "mul may not be used"),
        ("{{ 9 ** 9 ** 9 }}", "pow may not be used"),
        ("{% set a = 'x' %}", "assign may not be used"),
        ("{% macro a() %}{{ a() }}{% endmacro %}", "may not be used"),
        ("{% include 'secret' %}", "include may not be used"),
        ("{{ number.__class__.__mro__ }}", "unsafe"),
        ("{{ number.format(1) }}", "call may not be used"),
        ("{{ lines|map(attribute='__class__') }}", "map may not be used"),
        ("{{ number|replace('1', number) }}", "replace may not be used"),
        ("{{ ordr }}", "'ordr' is undefined"),
        ("\n{% if number %}", "line 2:"),
        ("x" * (LONGEST + 1), "longer than"),
    ],
)
def test_what_a_template_may_not_do_is_refused_with_its_place(source: str, said: str) -> None:
    with pytest.raises(TemplateFailed, match=re.escape(said)):
        check(source, KNOWN, values=VALUES)


def test_what_comes_of_a_template_is_bounded() -> None:
    values = {**VALUES, "lines": [{"name": "x" * 100}] * 1000}
    with pytest.raises(TemplateFailed, match="longer than"):
        fill(MailText(subject="x", text="{% for line in lines %}{{ line.name }}{% endfor %}"), "allegro", values)


def test_what_an_order_says_is_never_markup() -> None:
    source = "<p>{% for line in lines %}{{ line.name }}{% endfor %}</p>"
    found = fill(MailText(subject="a\nb", text="{{ waybill }}", html=source), "allegro", VALUES)
    assert found.html == "<p>Kubek &lt;Żółw&gt; &amp; spodek</p>"
    assert found.subject == "a b"
    assert not found.empty
    hostile = {**VALUES, "shop": "{{ number.__class__ }} IF_ALLEGRO"}
    assert fill(MailText(subject="x", text="{{ shop }}"), "allegro", hostile).text == hostile["shop"] + "\n"


def test_a_parcel_is_one_occasion_whoever_reports_it() -> None:
    shop = due("copy.shipped", b'{"target":"shop","carrier":"X","waybill":"W1"}')
    market = due("order.shipped", b'{"carrier":"INPOST","waybill":"W1"}')
    assert shop is not None
    assert market is not None
    assert shop.key == market.key
    assert due("order.noted", b"{}") is None


def test_a_message_id_is_the_same_whatever_database_says_it() -> None:
    one = message_id("allegro", "A1", "received", "shop.example")
    assert one == message_id("allegro", "A1", "received", "shop.example")
    assert (
        len({one, message_id("allegro", "A1", "paid", "shop.example"), message_id("b", "A1", "received", "s")}) == 3
    )
    assert one.endswith("@shop.example>")
