"""When the products and price lists of a stock master are read."""

from __future__ import annotations

import enum

__all__ = ["ProductImport"]


class ProductImport(enum.StrEnum):
    """What an account's configuration says of it."""

    OFF = "off"
    ALWAYS = "always"
    """After each interval."""
