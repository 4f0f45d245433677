"""The table of prices as people write it. The docstrings of the fields are the configuration reference."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from olhubd.config.tables import Table, unit
from olhubd.config.values import read_names
from olhubd.model import DEFAULT_LIST

__all__ = ["PriceTable"]


class PriceTable(Table):
    """The prices of one account go to the offers of others. Only a price that its list has newly brought is sent,
    and only to offers whose own switch is on (`olhubd prices follow`): those that were listed after this table was
    written have it on, older ones off."""

    master: str
    """The account whose price list it is. Its stock must be sold on the channels, see `[[stock]]`."""
    channels: Annotated[tuple[str, ...], BeforeValidator(read_names)]
    """Names of the accounts whose offers cost so much, or "*": all that sell its stock and take a price."""
    price_list: str = Field(default=DEFAULT_LIST, min_length=1)
    """The price list, by its name at the master; `olhubd prices lists` has those that were read."""
    multiply: Decimal = Field(default=Decimal(1), gt=0, le=100, allow_inf_nan=False)
    """By what the price of the list is multiplied: "1.05" is five per cent more."""
    add: Decimal = Field(default=Decimal(0), allow_inf_nan=False, json_schema_extra=unit("currency units"))
    """What is added then, with tax; less than zero is taken off."""
    round_to: Decimal | None = Field(
        default=None, gt=0, allow_inf_nan=False, json_schema_extra=unit("currency units")
    )
    """To what the result is rounded, to the nearest: "0.10", "1.00". The smallest coin where nothing is said."""
    ending: Decimal = Field(default=Decimal(0), ge=0, allow_inf_nan=False, json_schema_extra=unit("currency units"))
    """What each price ends with, less than `round_to`: "0.99" with `round_to = "1.00"` gives 12.99."""
    floor: Decimal | None = Field(default=None, gt=0, allow_inf_nan=False, json_schema_extra=unit("currency units"))
    """The lowest price that is ever sent, with tax. A price of zero never is. An order that was bought for less
    waits for a person before it goes to a shop."""
    step: int | None = Field(default=50, ge=1, json_schema_extra=unit("per cent"))
    """By how much of itself a price may change by itself. What changes by more waits until a person approves it."""
    tax: Decimal | None = Field(default=None, ge=0, le=100, allow_inf_nan=False, json_schema_extra=unit("per cent"))
    """The tax that is added to a net price where its list does not say it. Without either it is not sent."""
    resume_price: bool = False
    """Whether an offer that comes back, by itself or by hand, costs what the list says then, though the list has
    brought nothing new. Off, it keeps the price that it had. One whose own switch is off keeps it in any case."""
