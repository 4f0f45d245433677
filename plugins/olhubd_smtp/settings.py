"""What a person writes about one mail server: where it is, who we are there, and who the mails are from."""

from __future__ import annotations

import enum
import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import field_validator, model_validator

from olhubd.plugin import Duration, Field, Secret, Settings

__all__ = ["SmtpSettings", "Tls"]

_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")


class Tls(enum.StrEnum):
    """How the connection is protected."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


_PORTS = {Tls.IMPLICIT: 465, Tls.STARTTLS: 587, Tls.NONE: 25}


class SmtpSettings(Settings):
    """One mail server that sends for one address."""

    host: str = Field(min_length=1, pattern=r"^\S+$")
    """Name of the mail server, such as `smtp.example.com`."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Its port. Default: 465 with `implicit`, 587 with `starttls`, 25 with `none`."""
    tls: Tls = Tls.IMPLICIT
    """`implicit`: TLS from the first byte; `starttls`: TLS by a command, without which nothing is sent; `none`: no
    TLS, for a server on this machine alone."""
    certificate: Path | None = None
    """A certificate authority (PEM) to be trusted in place of the system's, for a server of your own."""
    user: str | None = None
    """The user, where the server wants one."""
    password: Secret | None = None
    """The user's password."""
    sender: str
    """The address that mails are from. Marketplaces drop mails to masked addresses that come from one they do not
    know: enter it there among the addresses of the account."""
    sender_name: str | None = Field(default=None, max_length=100)
    """The name beside it, as buyers know the seller."""
    reply_to: str | None = None
    """Where answers go. Default: to the sender."""
    timeout: Duration = Field(default=timedelta(seconds=30), gt=timedelta(0), le=timedelta(minutes=5))
    """How long the server may take for each answer; for the last one, after the text, four times as long."""

    @field_validator("sender", "reply_to")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and (not _ADDRESS.fullmatch(value) or not value.isascii()):
            raise ValueError('is no mail address: write it like "shop@example.com", without a name')
        return value

    @field_validator("sender_name")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            raise ValueError("must be one line of text")
        return value

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.user is None) is not (self.password is None):
            raise ValueError("user and password go together")
        if self.tls is Tls.NONE and not _is_loopback(self.host):
            raise ValueError(
                'tls = "none" would send the password and the buyers\' names as they are over a network:'
                ' write "implicit" or "starttls", or use a mail server on this machine'
            )
        return self

    @property
    def port_or_usual(self) -> int:
        return self.port or _PORTS[self.tls]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
