"""Cells of CSV files that people open in a spreadsheet, which takes some texts for formulas."""

from __future__ import annotations

__all__ = ["cell"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(text: str) -> str:
    """The text, with an apostrophe before what would be a formula: names and notes are written by strangers."""
    return f"'{text}" if text.startswith(_FORMULA) else text
