"""What a person writes about one Vendure shop: where it is, who we are there, and what stands for what it lacks."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import model_validator

from olhubd.plugin import Duration, Field, Secret, Settings, Url

__all__ = ["VendureSettings"]


class VendureSettings(Settings):
    """One channel of one Vendure server, reached over its admin API."""

    url: Url
    """Address of the server without the path of the admin API, for example `https://shop.example`."""
    admin_path: str = Field(default="/admin-api", pattern=r"^/[^?#]*$")
    """Path of the admin API, as `apiOptions.adminApiPath` sets it."""
    api_key: Secret | None = None
    """Key made under Settings, API keys. It cannot open the dashboard; but the server hashes it again at each
    call, which costs it about a third of a second."""
    username: str | None = None
    """Identifier of an administrator made for this, in place of an API key. Signing in is done once."""
    password: Secret | None = None
    """Password of that administrator."""
    channel_token: Secret | None = None
    """Token of the channel to work in; without it the default channel. Its currency is the orders' currency."""
    shipping_method: str | None = None
    """Code or id of the delivery method for orders whose own method the route does not map. Without it the first
    one that has the calculator `olhubd-shipping`."""
    payment_method: str | None = None
    """Code of the payment method to be recorded where the route does not map one."""
    placeholder_sku: str | None = None
    """SKU of a variant that stands for lines without product, charges and discounts. It should not track stock."""
    ean_field: str | None = "ean"
    """Custom field of ProductVariant that holds the EAN, used where the server has it; the SKU is tried first."""
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    """Country (ISO 3166 alpha-2) of addresses that name none; without it such orders are refused."""
    notify_buyer: bool = False
    """Whether the shop may write to the buyers of forwarded orders, and knows its own customers among them by their
    e-mail address.

    Off, the shop gets an address that leads nowhere, since Vendure requires one, and the buyer's own is in the
    custom field `marketplaceEmail`. Marketplaces mail their buyers themselves, and most forbid others to."""
    email_domain: str = Field(default="marketplace.invalid", pattern=r"^[A-Za-z0-9.-]+$")
    """Domain of the addresses that lead nowhere. The default exists nowhere (RFC 2606)."""
    whole_orders: bool = True
    """Whether an order is made by one call where the server plugin offers it; off, step by step as elsewhere."""
    fulfillment_handler: str = "manual-fulfillment"
    """Code of the fulfilment handler that takes the arguments `method` and `trackingCode`."""
    stock_locations: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Names or ids of the stock locations whose pieces are sold, where the account is the master of a stock.
    Without it the shop's first one alone: one that is added later counts only when it is named here."""
    stock_interval: Duration = Field(default=timedelta(minutes=1), gt=timedelta(0))
    """How long after one reading of the stock began the next one begins at the soonest. Each reads all variants."""
    parallel: int = Field(default=4, ge=1, le=64)
    """How many calls may be under way at one time."""
    timeout: float = Field(default=60.0, ge=1, le=600)
    """Seconds after which a call without answer is given up. Vendure answers late when its database is busy."""

    settle: Duration = Field(default=timedelta(seconds=90), gt=timedelta(0))
    """For how long after a lost answer a call may still be carried out. No other quantity is sent until then.
    What was left behind by an order that was cancelled meanwhile is removed only then."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        login = self.username is not None and self.password is not None
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        if login == (self.api_key is not None):
            raise ValueError("give either api_key, or username and password")
        return self
