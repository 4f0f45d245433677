"""Laws of the pages: every language has every word, templates have none of their own, and all of them compile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from olhubd.control.api.schema.accounts import AccountState
from olhubd.control.dashboard.locale import PageLocale, chosen
from olhubd.control.dashboard.rendering import TEMPLATES, environment
from olhubd.decide.override import EditedPart
from olhubd.decide.product_import import ProductImport
from olhubd.model import (
    Action,
    CustomerKind,
    DeliveryState,
    Fulfilment,
    Linking,
    LinkOrigin,
    Money,
    OfferState,
    PaymentType,
    PriceBasis,
    ProductKind,
    ProductState,
    RunState,
    Stage,
)
from tests.text.catalogues import texts

PLACES = sorted(path.name for path in TEMPLATES.iterdir())
OURS = {"olhubd", "SKU", "EAN", "CSV", "XML", "JSON", "API"}


WORDS = texts("dashboard", "en")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("stage", Stage),
        ("fulfilment", Fulfilment),
        ("part", EditedPart),
        ("payment", PaymentType),
        ("delivery", DeliveryState),
        ("action", Action),
        ("run", RunState),
        ("account", AccountState),
        ("offer", OfferState),
        ("linking", Linking),
        ("origin", LinkOrigin),
        ("product-kind", ProductKind),
        ("product-state", ProductState),
        ("basis", PriceBasis),
        ("customer-kind", CustomerKind),
        ("import-mode", tuple(mode for mode in ProductImport if mode is not ProductImport.OFF)),
    ],
)
def test_every_word_of_the_model_is_spoken(kind: str, values: Iterable[Stage]) -> None:
    assert [value for value in values if f"{kind}.{value.value}" not in WORDS] == []


@pytest.mark.parametrize("name", PLACES)
def test_templates_compile_and_ask_for_words_that_are_there(name: str) -> None:
    environment().get_template(name)
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    asked = set(re.findall(r"\b[tn]\(\s*[\"']([^\"']+)[\"']", source))
    parts = {key for key in asked if key.endswith(".")}  # the rest of the key is a word of the model
    assert {key for key in parts if not any(known.startswith(key) for known in WORDS)} == set()
    assert asked - parts - WORDS.keys() == set()


@pytest.mark.parametrize("name", PLACES)
def test_templates_have_no_words_of_their_own(name: str) -> None:
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", source, flags=re.DOTALL)
    said = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', bare)
    said.append(re.sub(r"<title>|<[^>]*>", " ", bare))
    found = {word for text in said for word in re.findall(r"[^\W\d_]{2,}", text)}
    assert found - OURS == set()


def test_every_word_is_used() -> None:
    """A word that nothing says is left over from something."""
    sources = [*TEMPLATES.iterdir(), *TEMPLATES.parent.glob("*.py")]
    said = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    kinds = (
        "stage fulfilment payment delivery action kind run account feed trigger level verdict severity"
        " severity-from flow mapping tier quality alarm scope advice fact counting term offer linking origin decide"
        " plan braked setting setting-from made making-field cause found product-kind product-state import-mode"
        " basis for-all customer-kind customers-rows leader part"
    )
    by_value = tuple(f"{kind}." for kind in kinds.split())
    quoted = set(re.findall(r"[\"']([\w.-]+)[\"']", said))
    assert [key for key in WORDS if not key.startswith(by_value) and key not in quoted] == []


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("pl", "pl"),
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("en-GB,en;q=0.9,pl;q=0.8", "en"),
        ("de-DE, pl;q=0.5", "pl"),
        ("de", "en"),
        ("pl;q=0", "en"),
        ("pl;q=nan, en;q=x, ;;", "en"),
    ],
)
def test_the_language_is_the_browser_s(accepted: str, language: str) -> None:
    assert chosen(accepted) == language


def test_numbers_are_written_as_people_write_them() -> None:
    now = datetime(2026, 7, 1, 12, tzinfo=UTC)
    english, polish = (PageLocale(one, ZoneInfo("Europe/Warsaw"), now) for one in ("en", "pl"))
    price = Money(Decimal("1234.50"), "PLN")
    assert english.money(price) == "1,234.50 PLN"
    assert polish.money(price) == "1\N{NO-BREAK SPACE}234,50\N{NO-BREAK SPACE}zł"
    assert [polish.n("orders", count) for count in (1, 2, 5, 22)] == [
        "1 zamówienie",
        "2 zamówienia",
        "5 zamówień",
        "22 zamówienia",
    ]
    assert english.time(now) == "14:00:00"
    assert english.exact(now) == "1 Jul 2026 14:00:00 Europe/Warsaw"
    assert polish.time(now - timedelta(days=1)) == "30 cze 14:00"
    assert english.span(timedelta(hours=2, minutes=10, seconds=5)) == "2 h 10 min"
    assert polish.span(1.25) == "1,2 s"
    assert english.ago(now - timedelta(seconds=90)) == "1 min 30 s ago"
    assert english.ago(now + timedelta(seconds=30)) == "in 30 s"
