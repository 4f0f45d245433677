"""The table `[[mails]]`: which buyers are written to, at which occasions, and by which templates."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from olhubd.config.tables import Table
from olhubd.config.values import read_names
from olhubd.decide.mails.rule import Occasion

__all__ = ["MailLanguage", "MailTable"]


class MailLanguage(enum.StrEnum):
    POLISH = "pl"
    ENGLISH = "en"


class MailTable(Table):
    """Buyers of some accounts get mails through an account of a mail server. Nobody is written to about what was
    before it was switched on, and no mail goes twice."""

    through: str
    """The account of the mail server."""
    sources: Annotated[tuple[str, ...], BeforeValidator(read_names)] = Field(alias="from")
    """Names of the accounts whose buyers are written to, or "*": every account whose orders are read."""
    on: tuple[Occasion, ...] = Field(min_length=1)
    """When: `received`, the order is complete; `paid`; `sent`, a parcel has its number; `cancelled`."""
    double: bool = False
    """Write also about what the marketplace informs its buyers of itself. Allegro does so of all of these, and
    blocks mails that double its own."""
    language: MailLanguage = MailLanguage.POLISH
    """Of the templates that olhubd brings: `pl` or `en`."""
    folder: Path | None = None
    """Where templates of your own are: `received.txt`, whose first line is the subject, and `received.html`; so for
    each occasion. What is not there is olhubd's own."""
    copies: Annotated[tuple[str, ...], BeforeValidator(read_names)] = ()
    """Addresses that get each mail too, unseen by the buyer."""
