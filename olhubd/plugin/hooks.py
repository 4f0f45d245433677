"""The hooks by which plugins register. A hook registers; classes behave.

Hooks are synchronous; where the host allows it, an implementation may return an awaitable. Anything a hook gets
by the name `register` is called once per thing to register.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pluggy

from olhubd.model import Delivery, Event, Order

if TYPE_CHECKING:
    import click
    from aiohttp import web

    from olhubd.plugin.connector import RegisterConnector

__all__ = ["PROJECT", "Amendment", "hookimpl", "hookspec"]

PROJECT = "olhubd"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Amendment = Order | str | None
"""What `olhubd_amend_delivery` may return: another order to send, a reason to hold it, or None for no opinion."""


@hookspec
def olhubd_register_connectors(register: RegisterConnector) -> None:
    """Register the connectors of this plugin."""


@hookspec
def olhubd_register_commands(cli: click.Group) -> None:
    """Add commands to the command line."""


@hookspec
def olhubd_register_routes(app: web.Application) -> None:
    """Add routes to the control endpoint."""


@hookspec
def olhubd_register_checks(register: Callable[[str, Callable[[], str | None]], None]) -> None:
    """Register checks of the operator's set-up, each an id and a function that says what is wrong."""


@hookspec
def olhubd_observe_event(event: Event) -> Awaitable[None] | None:
    """See an event after it was stored."""


@hookspec(firstresult=True)
def olhubd_amend_delivery(delivery: Delivery, order: Order) -> Amendment | Awaitable[Amendment]:
    """Change or hold a delivery before it goes."""
    return None


@hookspec
def olhubd_redact_keys() -> list[str]:
    """Name fields that must never be shown in a log."""
    return []
