"""Codes of others are checked by the libraries made for them."""

import pytest

from olhubd.model import check


@pytest.mark.parametrize(
    ("kind", "value", "valid"),
    [
        ("PL_NIP", "5252344078", True),
        ("PL_NIP", "525-234-40-78", True),
        ("PL_NIP", "5252344079", False),
        ("VAT_EU", "PL5252344078", True),
        ("VAT_EU", "nonsense", False),
        ("OTHER", "anything", None),
    ],
)
def test_tax_numbers(kind: str, value: str, valid: bool | None) -> None:
    """A wrong number is kept as it was given, with the verdict beside it."""
    found = check.tax_id(kind, value)
    assert (found.value, found.valid) == (value, valid)


def test_nip_comparison() -> None:
    """Part of CUS-12: prefix, spaces and dashes do not matter."""
    assert check.normal_tax_number("PL 525-234-40-78") == check.normal_tax_number("5252344078") == "5252344078"
    assert check.normal_tax_number("PL 525-234-40-78") != check.normal_tax_number("7740001454")


def test_currencies_and_countries() -> None:
    assert check.currency("PLN")
    assert not check.currency("ZLO")
    assert check.country("PL")
    assert not check.country("EU")
    assert not check.country("XX")


def test_ean() -> None:
    assert check.ean("5901234123457")
    assert not check.ean("5901234123458")


def test_article_numbers_have_one_form() -> None:
    """S28: filled to 14 digits, with a right check digit; a case is another article than its piece."""
    forms = ("0095205842258", "095205842258", "00095205842258", "0-95205-84225 8")
    assert {check.gtin(code) for code in forms} == {"00095205842258"}
    assert check.gtin("15901234123454") == "15901234123454" != check.gtin("5901234123457")
    wrong = ("5901234123458", "5.90123E+12", "0000000000000", "590123412345", "ABC", "", None)
    assert [check.gtin(code) for code in wrong] == [None] * len(wrong)
