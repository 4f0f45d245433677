"""Checks of codes that others define: currencies, countries, tax numbers, article numbers.

The rules come from the libraries made for them (Babel's CLDR lists, python-stdnum); this module only chooses
the rule and says yes, no, or "no rule known". It never corrects a value except for blanks and dashes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from olhubd.model.party import TaxId

__all__ = ["country", "currency", "ean", "gtin", "normal_tax_number", "tax_id"]

_TAX_RULES = {
    "PL_NIP": "stdnum.pl.nip",
    "CZ_DIC": "stdnum.cz.dic",
    "SK_IC_DPH": "stdnum.sk.dph",
    "HU_ADOSZAM": "stdnum.hu.anum",
    "VAT_EU": "stdnum.eu.vat",
}
_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "ZZ", "QO"})


@cache
def _currencies() -> frozenset[str]:
    from babel.numbers import list_currencies

    return frozenset(list_currencies())


@cache
def _countries() -> frozenset[str]:
    from babel import Locale

    codes = (str(code) for code in Locale("en").territories)
    return frozenset(c for c in codes if len(c) == 2 and c.isalpha() and c not in _NOT_COUNTRIES)


def currency(code: str) -> bool:
    """Whether `code` is an ISO 4217 currency."""
    return code in _currencies()


def country(code: str) -> bool:
    """Whether `code` is an ISO 3166 alpha-2 country."""
    return code in _countries()


@cache
def _rule(module: str) -> Callable[[str], bool]:
    is_valid: Callable[[str], bool] = import_module(module).is_valid
    return is_valid


def tax_id(kind: str, value: str) -> TaxId:
    """The tax number with the verdict of its check digits; a Hungarian group number lacks a rule, say."""
    module = _TAX_RULES.get(kind)
    return TaxId(kind=kind, value=value, valid=_rule(module)(value) if module else None)


def normal_tax_number(value: str, country_code: str = "PL") -> str:
    """The number without blanks, dashes and the country's prefix, for comparing two spellings of it."""
    compact = "".join(c for c in value.upper() if c.isalnum())
    return compact.removeprefix(country_code)


def ean(code: str) -> bool:
    """Whether `code` is an EAN-8, UPC-A, EAN-13 or GTIN-14 with a right check digit."""
    return _rule("stdnum.ean")(code)


def gtin(code: str | None) -> str | None:
    """The one form in which article numbers are compared: 14 digits, filled with zeros at the front.

    None for what is no article number: a wrong check digit, letters, another length, nothing but zeros. The number
    of a case of pieces has another first digit than that of the piece, and so is another number.
    """
    if code is None or not ean(code):
        return None
    digits = "".join(c for c in code if c.isdigit())
    return digits.zfill(14) if digits.strip("0") else None
