"""What plugins change of an order before it goes out."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from pluggy import PluginManager

from olhubd.engine.outbox.target import Amend
from olhubd.model import Delivery, Order

__all__ = ["Amendments"]


class Amendments:
    """The hook of the plugins that are loaded at the moment."""

    def __init__(self, manager: Callable[[], PluginManager]) -> None:
        self._manager = manager

    def wanted(self) -> Amend | None:
        """What amends a delivery; None where no plugin does."""
        return self._amend if self._manager().hook.olhubd_amend_delivery.get_hookimpls() else None

    async def _amend(self, delivery: Delivery, order: Order) -> Order | str | None:
        result = self._manager().hook.olhubd_amend_delivery(delivery=delivery, order=order)
        if inspect.isawaitable(result):
            result = await result
        amended: Order | str | None = result
        return amended
