"""What all handlers share, and where the application keeps it."""

from __future__ import annotations

import asyncio
import weakref
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from olhubd.control.http.api_tokens import ApiTokens
from olhubd.control.http.login_throttle import LoginThrottle
from olhubd.control.process_control import ProcessControl
from olhubd.engine.access.signin import SignIns
from olhubd.engine.hub import Hub

__all__ = ["CONTEXT", "Context", "Stream"]


class Stream:
    """The place of one stream of events."""


@dataclass(kw_only=True)
class Context:
    hub: Hub
    signins: SignIns
    steer: ProcessControl
    keyring: ApiTokens
    attempts: LoginThrottle
    """Of bearer tokens; the login of the dashboard counts by itself."""
    log: Any
    addresses: tuple[str, ...] = ()
    """Where the endpoint listens."""
    under_way: set[tuple[str, str]] = field(default_factory=set)
    """Writes with a key that are being done: who asked, and the key."""
    examining: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one examination by the doctor that may go on."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the daemon ends."""
    streams: weakref.WeakSet[Stream] = field(default_factory=weakref.WeakSet)
    """Of events, that are open. One whose answer nobody took has never begun, and goes with that answer."""


CONTEXT = web.AppKey("context", Context)
