"""`olhubd config`: the configuration in force with where each value comes from, and the schema for editors."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from olhubd.cli.session import Session, session_command

if TYPE_CHECKING:
    from pydantic import BaseModel

    from olhubd.config import Configuration

__all__ = ["config"]

_HIDDEN = "********"
_COMMON = (
    "title", "enabled", "fetch_orders", "interval", "sweep_interval", "sweep_window", "start", "parallel",
)  # fmt: skip


@click.group()
def config() -> None:
    """The configuration in force, and its schema for editors."""


@config.command()
@session_command()
def show(session: Session) -> None:
    """Every value in force and the file and line it comes from. Secrets are not shown.

    It reads the files, not the daemon: after a change, this is what a reload would take into force.
    """
    from olhubd.config import load

    configuration = load(session.config, None, os.environ)
    rows = [(key, _told(value), str(configuration.origin(key))) for key, value in _values(configuration)]
    printer = session.printer
    if not printer.json([{"key": key, "value": value, "origin": origin} for key, value, origin in rows]):
        printer.table(("KEY", "VALUE", "FROM"), rows, "")


@config.command()
@click.option("--json", "_json", is_flag=True, help="Accepted for uniformity; a schema is always JSON.")
def schema(_json: bool) -> None:
    """Print the JSON Schema of the configuration file, with the keys of all installed connectors.

    \b
    Example:
      olhubd config schema > olhubd.schema.json
    """
    import msgspec

    from olhubd.config import schema as make
    from olhubd.plugin import loading

    made = make(loading.load(None, environ=os.environ))
    click.echo(msgspec.json.format(msgspec.json.encode(made), indent=2))


def _values(configuration: Configuration) -> Iterator[tuple[str, Any]]:
    for section in ("daemon", "control", "engine"):
        yield from _table(section, getattr(configuration, section))
    for name, account in configuration.accounts.items():
        yield f"accounts.{name}.connector", account.connector.name
        for key in _COMMON:
            yield f"accounts.{name}.{key}", getattr(account, key)
        yield from _table(f"accounts.{name}", account.settings)
    for index, route in enumerate(configuration.routes):
        for key in route.__struct_fields__:
            yield f"routes.{index}.{key}", getattr(route, key)


def _table(prefix: str, table: BaseModel) -> Iterator[tuple[str, Any]]:
    for key in type(table).model_fields:
        yield f"{prefix}.{key}", getattr(table, key)


def _told(value: Any) -> str:
    from pydantic import SecretStr

    from olhubd.config.accounts import spelled

    match value:
        case None:
            return ""
        case SecretStr():
            return _HIDDEN
        case bool():
            return str(value).lower()
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
