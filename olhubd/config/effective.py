"""The settings in force: as people read them, every value with where it was written and no secret; and the secrets,
for who must know what never to show."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import AnyUrl, BaseModel, SecretStr

from olhubd.config.accounts import spelled
from olhubd.config.loading import Configuration
from olhubd.config.seller import OfferDefaults, SellerAddress
from olhubd.config.statuses import FIRST_KEYS
from olhubd.config.tables import SECTIONS

__all__ = ["HIDDEN", "EffectiveSetting", "secrets", "shown"]

HIDDEN = "********"
"""Shown in place of every secret, of whatever length."""
_COMMON = (
    "title", "enabled", "profile", "fetch_orders", "interval", "adaptive", "sweep_interval", "sweep_window",
    "start", "parallel",
)  # fmt: skip
_KEYS = frozenset({"alarms.webhook_url"})
"""Addresses whose path is a secret: anybody who knows it may post there."""
_WRITTEN = {"target": "to", "sources": "from", "hold_seconds": "hold"}
"""What people write for a route where that is another word."""


class EffectiveSetting(NamedTuple):
    """One setting: its dotted key, its value as written, and where: a file's line, a variable or `default`."""

    key: str
    value: str
    origin: str


def shown(configuration: Configuration) -> Iterator[EffectiveSetting]:
    """All of them, section by section."""
    for key, value in _values(configuration):
        if isinstance(value, AnyUrl):
            value = _place(value, path=key not in _KEYS)
        yield EffectiveSetting(key, _told(value), str(configuration.origin(key)))


def secrets(configuration: Configuration) -> Iterator[str]:
    """All that is secret in it, whichever table holds it and however deep."""
    for key, value in _values(configuration):
        yield from _secrets(value, path=key in _KEYS)


def _secrets(value: Any, *, path: bool = False) -> Iterator[str]:
    """`path`: of an address, what follows its host is one too."""
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case AnyUrl():
            parts = urlsplit(str(value))
            for part in (parts.password, parts.password and unquote(parts.password)):
                if part:
                    yield part
            if path and (rest := f"{parts.path}{'?' if parts.query else ''}{parts.query}".strip("/")):
                yield rest
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secrets(getattr(value, name))
        case Mapping():
            for inner in value.values():
                yield from _secrets(inner)
        case list() | tuple() | set() | frozenset():
            for inner in value:
                yield from _secrets(inner)


def _values(configuration: Configuration) -> Iterator[tuple[str, Any]]:
    for section in SECTIONS:
        yield from _table(section, getattr(configuration, section))
    for name, account in configuration.accounts.items():
        yield f"accounts.{name}.connector", account.connector.name
        for key in _COMMON:
            yield f"accounts.{name}.{key}", getattr(account, key)
        yield f"accounts.{name}.products", account.products.mode
        yield f"accounts.{name}.products_from", account.products.day_begins
        yield f"accounts.{name}.products_once_a_day", account.products.once_a_day
        yield f"accounts.{name}.products_remind", account.products.remind
        for key, word in FIRST_KEYS.items():
            yield f"accounts.{name}.{key}", getattr(account.first, word)
        yield f"accounts.{name}.order_from", account.first.order_from
        yield f"accounts.{name}.status_leader", account.status_leader
        yield from _table(f"accounts.{name}", account.settings)
        yield from _offers(f"accounts.{name}", account.offers)
    for index, route in enumerate(configuration.routes):
        for key in route.__struct_fields__:
            yield f"routes.{index}.{_WRITTEN.get(key, key)}", getattr(route, key)

    for index, status in enumerate(configuration.statuses):
        for key in ("name", "title", "sends", "follows"):
            yield f"statuses.{index}.{key}", getattr(status, key)

    for index, rule in enumerate(configuration.stock):
        for key in ("master", "channels", "policy", "allocate_below"):
            yield f"stock.{index}.{key}", getattr(rule, key)
        yield f"stock.{index}.buffer", rule.buffer.pieces
        yield f"stock.{index}.buffer_share", rule.buffer.share
        yield f"stock.{index}.most_shown", rule.buffer.most
        yield f"stock.{index}.resume", rule.resume
        yield f"stock.{index}.weights", rule.weights

    for index, priced in enumerate(configuration.prices):
        for key in ("master", "channels", "price_list", "multiply", "add", "round_to", "ending", "floor", "tax"):
            yield f"prices.{index}.{key}", getattr(priced, key)
        yield f"prices.{index}.step", None if priced.step is None else int(priced.step * 100)

    for index, mail in enumerate(configuration.mails):
        yield f"mails.{index}.through", mail.through
        yield f"mails.{index}.from", frozenset(mail.sources)
        yield f"mails.{index}.on", tuple(mail.texts)
        yield f"mails.{index}.copies", mail.copies


def _offers(prefix: str, offers: OfferDefaults) -> Iterator[tuple[str, Any]]:
    """What concerns the offers of an account."""
    yield f"{prefix}.default_category", offers.default_category
    yield f"{prefix}.handling_time", offers.handling_time
    for key in SellerAddress.model_fields:
        address = offers.seller_address
        yield f"{prefix}.seller_address.{key}", None if address is None else getattr(address, key)


def _table(prefix: str, table: BaseModel) -> Iterator[tuple[str, Any]]:
    for key in type(table).model_fields:
        yield f"{prefix}.{key}", getattr(table, key)


def _place(address: AnyUrl, *, path: bool) -> str:
    """Where it is, without what only its owner knows: who they are there, and for some the rest of it too."""
    parts = urlsplit(str(address))
    rest = "" if (parts.path, parts.query) in (("", ""), ("/", "")) else HIDDEN
    if path:
        rest = urlunsplit(parts._replace(scheme="", netloc="")).removeprefix("/")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{rest}"


def _told(value: Any) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return HIDDEN
        case bool():
            return str(value).lower()
        case time():
            return value.isoformat("minutes")
        case timedelta():
            return spelled(value)
        case enum.Enum():
            return str(value.value)
        case Mapping():
            return ", ".join(f"{key} = {_told(inner)}" for key, inner in value.items())
        case frozenset():
            return ", ".join(sorted(map(_told, value)))
        case list() | tuple() if not hasattr(value, "_fields"):
            return ", ".join(map(_told, value))
    return str(value)
