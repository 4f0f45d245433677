"""The handlers of all actions, one module each. A new action is a new module: its handler is found here."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

from olhubd.decide.window import COLLECTED
from olhubd.engine.outbox.handler import Handler, WaitRule
from olhubd.model import Action
from olhubd.store.deliveries import Precedence

__all__ = ["HANDLERS", "PRECEDENCE"]


def _handlers() -> Iterator[Handler[Any]]:
    for found in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{found.name}")
        for one in vars(module).values():
            here = isinstance(one, type) and issubclass(one, Handler) and one.__module__ == module.__name__
            if here and not inspect.isabstract(one):
                yield one()


HANDLERS: Mapping[Action, Handler[Any]] = {handler.action: handler for handler in _handlers()}

PRECEDENCE = Precedence(
    never=tuple(a.value for a, handler in HANDLERS.items() if handler.waits_behind is WaitRule.NEVER),
    until_held=tuple(a.value for a, handler in HANDLERS.items() if handler.waits_behind is WaitRule.UNTIL_HELD),
    overtaking=tuple(a.value for a, handler in HANDLERS.items() if handler.overtakes),
    collected=tuple(sorted(action.value for action in COLLECTED)),
    passing=tuple((a.value, other.value) for a, handler in HANDLERS.items() for other in sorted(handler.passes)),
)
"""What later deliveries do not wait for, as the store claims by it."""
