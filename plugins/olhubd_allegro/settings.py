"""What a person writes about one Allegro account, and which hosts follow from it.

Test mode decides about every host at once: an account never talks to both worlds.
"""

from __future__ import annotations

import enum
from typing import Annotated, Literal, Self

from pydantic import model_validator
from yarl import URL

from olhubd.plugin import Field, Secret, Settings, Url, adjustable

__all__ = ["AllegroSettings", "Realm", "realm"]


class Realm(enum.StrEnum):
    """One of Allegro's two worlds; nothing of one is known in the other, accounts and tokens included."""

    PRODUCTION = "allegro.pl"
    SANDBOX = "allegro.pl.allegrosandbox.pl"


def realm(url: str) -> Realm | None:
    """To which world an address belongs; None for any other host, a simulator's say, and for what is none."""
    try:
        host = URL(url).host or ""
    except ValueError:
        return None
    for one in (Realm.SANDBOX, Realm.PRODUCTION):
        if host == one or host.endswith(f".{one}"):
            return one
    return None


class AllegroSettings(Settings):
    """One seller's account, reached through an application registered at apps.developer.allegro.pl."""

    client_id: str = Field(min_length=1)
    """Client ID of the registered application. Accounts that name the same one share its 9000 calls a minute."""
    client_secret: Secret
    """Client Secret of the same application."""
    application: str = Field(min_length=1, pattern=r"^[!-~]([ -~]*[!-~])?$")
    """Name of the registered application. Goes into the User-Agent header, without which Allegro blocks callers."""
    contact: Url
    """Address of a page about your application or firm, for the same header."""
    redirect_uri: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """The address that the application is registered with for sign-ins by the browser, letter for letter. Absent:
    the hub's own, which the sign-in shows."""
    sandbox: bool = False
    """Test mode: every call goes to the allegrosandbox.pl hosts. It needs its own application and sign-in."""
    language: Literal["pl-PL", "en-US", "uk-UA", "sk-SK", "cs-CZ", "hu-HU"] = "pl-PL"
    """In which language Allegro explains its refusals."""
    calls_per_minute: int = Field(default=9000, ge=1)
    """The quota of the client id, shared by all accounts that use it. 9000 unless Allegro agreed to another."""
    changes_per_minute: int = Field(default=9000, ge=1)
    """How many offers of this account may be changed in a minute by commands: quantities, prices and publications,
    each for itself. 9000 unless Allegro agreed to another."""
    changes_per_hour: int = Field(default=250_000, ge=1)
    """How many offers of this account may be changed in an hour by commands for quantities, and by those for
    publications."""
    price_changes_per_hour: int = Field(default=150_000, ge=1)
    """How many prices of this account may be changed in an hour by commands."""
    blocked_codes: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        default=(), json_schema_extra=adjustable()
    )
    """Codes of a refusal (403) by which Allegro means that the account itself is blocked, and which switch it off.
    Allegro documents none; the alarm `forbidden` says which code came."""
    api_url: Url | None = None
    """Another address of the REST API, for a simulator or a proxy. Normally absent: `sandbox` chooses."""
    auth_url: Url | None = None
    """Another address of the sign-in pages, for a simulator or a proxy. Normally absent: `sandbox` chooses."""

    upload_url: Url | None = None
    """Another address for uploads of pictures, for a simulator or a proxy. Normally absent: `sandbox` chooses."""

    @property
    def is_sandbox(self) -> bool:
        return self.sandbox

    @property
    def realm(self) -> Realm:
        return Realm.SANDBOX if self.sandbox else Realm.PRODUCTION

    @property
    def api(self) -> str:
        """Base address of the REST API."""
        return str(self.api_url or f"https://api.{self.realm}").rstrip("/")

    @property
    def upload(self) -> str:
        """Base address for uploads, which are taken at a host of their own."""
        return str(self.upload_url or self.api_url or f"https://upload.{self.realm}").rstrip("/")

    @property
    def auth(self) -> str:
        """Base address of the sign-in, which lives on the web host and not on the API's."""
        return str(self.auth_url or f"https://{self.realm}").rstrip("/")

    @model_validator(mode="after")
    def _one_world(self) -> Self:
        for name, url in (("api_url", self.api), ("auth_url", self.auth), ("upload_url", self.upload)):
            if realm(url) not in (None, self.realm):
                mode = "on" if self.sandbox else "off"
                raise ValueError(
                    f"{name} is of the other world: sandbox is {mode}, so the hosts are of {self.realm}"
                )
        return self
