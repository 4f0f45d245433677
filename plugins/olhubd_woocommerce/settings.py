"""What a person writes about one WooCommerce shop."""

from __future__ import annotations

import enum
from datetime import timedelta

from pydantic import field_validator, model_validator

from olhubd.model import Fulfilment, PaymentType
from olhubd.plugin import Duration, Field, Secret, Settings, Url

__all__ = ["Auth", "CustomerPolicy", "WooCommerceSettings"]


_HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Auth(enum.StrEnum):
    """How to prove who calls."""

    AUTO = "auto"
    """Basic over https, OAuth 1.0a over plain http."""
    BASIC = "basic"
    OAUTH1 = "oauth1"
    """For a shop behind a TLS proxy that does not report it to WordPress."""
    QUERY = "query"
    """The key in the address, for a host that strips the Authorization header. Over https only."""


class CustomerPolicy(enum.StrEnum):
    """Under whom a forwarded order is filed in the shop."""

    GUEST = "guest"
    MATCH = "match"
    """Under one customer per marketplace buyer, found by the buyer's stable key and made when missing."""


class WooCommerceSettings(Settings):
    """One shop. Either a consumer key with its secret, or a user name with an application password."""

    url: Url
    """The shop's final address (https, with or without www as the shop itself uses it), without /wp-json."""
    consumer_key: Secret | None = None
    """WooCommerce > Settings > Advanced > REST API; rights: read and write; user: an administrator."""
    consumer_secret: Secret | None = None
    """Shown once together with the key."""
    username: str | None = None
    """A WordPress user, when an application password is used."""
    application_password: Secret | None = None
    """Users > Profile > Application passwords. Works over https only."""
    auth: Auth = Auth.AUTO
    """auto, basic, oauth1, or query where the host strips the Authorization header (https only)."""
    pretty_permalinks: bool = True
    """Off for a shop that answers only at /?rest_route=... (Settings > Permalinks: plain)."""
    customers: CustomerPolicy = CustomerPolicy.GUEST
    """guest or match. match files orders under customers only with notify_buyer, since a shop writes to the
    address of an order's customer and mails each new one; without it a customer that is there is noted in the
    order's meta."""
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    """Refuse orders in any other currency (ISO 4217). Without it an order keeps its own."""
    pickup_point_key: str = "_paczkomat_id"
    """The order meta in which the shop's parcel locker plugin keeps the point."""
    tax_id_key: str = "_billing_nip"
    """The order meta in which the shop keeps the buyer's tax number."""
    tracking_number_key: str = "_tracking_number"
    """The order meta for waybills, where neither fulfilments nor the Shipment Tracking plugin are there."""
    tracking_carrier_key: str = "_tracking_provider"
    """The order meta for the carrier that goes with it."""
    notify_buyer: bool = False
    """Whether the shop may write to the buyers of forwarded orders: of the order, its status and its parcels.

    Off, their addresses are in the orders' meta (_olhubd_email) and not where the shop would write to. Marketplaces
    mail their buyers themselves, and most forbid others to.
    """
    fulfilments: dict[str, Fulfilment] = Field(default_factory=dict)
    """What the statuses of other plugins mean, for example { packed = "ready" }."""
    payments: dict[str, PaymentType] = Field(default_factory=dict)
    """What the payment methods of other plugins are, for example { my_gateway = "online" }."""
    sold_states: tuple[str, ...] = ("publish",)
    """In which states of a product it may be sold elsewhere, such as ["publish", "private"]. Any other is sold out
    there, such as a draft or one that waits for approval. One in the bin is in no list: it is sold no more
    when the next reading of all products has ended."""
    shared_tag: str | None = None
    """The tag (its name or slug) by which products are shared; only these are imported.
    Without it all are. Stock is read of all products."""
    settle: Duration = Field(default=timedelta(seconds=60), gt=timedelta(0))
    """For how long after a lost answer an order may still appear, or a quantity be written: PHP keeps working
    when its caller is gone."""
    overlap: Duration = Field(default=timedelta(seconds=60), ge=timedelta(seconds=60))
    """How far each pull looks back, since rows become visible out of order."""
    timeout: Duration = Field(default=timedelta(seconds=30), gt=timedelta(0))
    """The limit of one call."""
    parallel: int = Field(default=4, ge=1)
    """Calls at one time. Fewer are made by themselves while the shop's answers come late."""

    @field_validator("fulfilments", mode="after")
    @classmethod
    def _as_the_api_says(cls, value: dict[str, Fulfilment]) -> dict[str, Fulfilment]:
        return {word.removeprefix("wc-"): meaning for word, meaning in value.items()}

    @model_validator(mode="after")
    def _complete(self) -> WooCommerceSettings:
        keys = (self.consumer_key, self.consumer_secret)
        for secret, name, other in zip(keys, ("consumer_key", "consumer_secret"), ("cs_", "ck_"), strict=True):
            if secret is not None and secret.get_secret_value().startswith(other):
                raise ValueError(
                    f"{name} begins with {other}: keys begin with ck_ and their secrets with cs_, they are swapped"
                )
        passwords = (self.username, self.application_password)
        if all(keys) == all(passwords) or any(keys) != all(keys) or any(passwords) != all(passwords):
            raise ValueError(
                "needs either consumer_key and consumer_secret, or username and application_password, not both"
            )
        if self.auth in (Auth.OAUTH1, Auth.QUERY) and not all(keys):
            raise ValueError(f"auth = {self.auth} needs consumer_key and consumer_secret")
        if self.auth is Auth.QUERY and self.url.scheme != "https" and self.url.host not in _HERE:
            raise ValueError("auth = query sends the key in the address, so url must begin with https://")
        if "/wp-json" in (self.url.path or ""):
            raise ValueError("url is the shop's address, without /wp-json")
        return self
