"""An account's connector as it was made: what it goes by, who keeps its token, and its calls outside of orders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from types import NoneType
from typing import Any

from olhubd.config import AccountConfig
from olhubd.engine.access.refusals import KeyRefusals
from olhubd.engine.access.token_store import TokenStore
from olhubd.engine.access.tokens import LIMIT, TokenKeeper
from olhubd.engine.calls import Calls
from olhubd.engine.services import Services
from olhubd.model import Fulfilment, Reason
from olhubd.plugin import (
    Account,
    AuthLost,
    Connector,
    Flow,
    Identity,
    Log,
    OAuthLogin,
    PluginError,
    Probe,
    StatusSink,
    Token,
    Tokens,
)

__all__ = ["Connection"]

_CLOSING = 5.0
"""Seconds that a connector may take to close."""


class Connection:
    """Made again with its account. `lost` parks that; raises PluginFault where the connector cannot be made."""

    def __init__(
        self, config: AccountConfig, services: Services, log: Log, lost: Callable[[AuthLost], Awaitable[None]]
    ) -> None:
        self._config = config
        self._services = services
        self._log = log
        self.dated: tuple[str, datetime] | None = None
        """The date that the last answer of its system bore, and when it came."""
        self.budgets: set[str] = set()
        """The keys of the budgets by which its connector calls."""
        signs_in = config.connector.can(OAuthLogin)
        # Nobody withdraws a key in passing, and a sign-in's own keeper knows when it is refused for good.
        self.refusals = None if signs_in else KeyRefusals(services.clock)
        self.calls = Calls(
            config.name,
            services.clock,
            log,
            services.strays,
            limit=lambda: services.in_force.policy.timeout,
            refusals=self.refusals,
        )
        keeper = TokenKeeper(
            config.name,
            TokenStore(services.database, services.clock),
            self._refresh if signs_in else None,
            services.clock,
            lost,
            services.learned,
            obtain=self._obtain if signs_in else None,
        )
        self.keeper = keeper if signs_in else None
        self.connector = self.visitor(keeper)

    @property
    def sign_in_flows(self) -> tuple[Flow, ...]:
        """How a person signs in, the usual way first; none where nobody has to."""
        login = self.connector.capability(OAuthLogin)
        return tuple(flow for flow in login.flows if flow is not Flow.CLIENT) if login is not None else ()

    def visitor(self, tokens: Tokens) -> Connector[Any]:
        """Another instance of the account's connector, which goes by `tokens`: to ask whose they are, say."""
        config, services = self._config, self._services
        account = Account(
            name=config.name,
            settings=config.settings,
            log=self._log,
            clock=services.clock,
            tokens=tokens,
            make_client=services.clients.of(self._date, self.budgets),
        )

        def make() -> Connector[Any]:
            made: Connector[Any] = config.connector(account)
            made.check_parts()
            return made

        made: Connector[Any] = self.calls.ask("__init__", make, Connector)
        return made

    def _date(self, told: str) -> None:
        self.dated = (told, self._services.clock.now())
        self._services.lineage.heard(self._config.name, told)

    async def _refresh(self, token: Token) -> Token:
        login = self.connector.capability(OAuthLogin)
        if login is None:
            raise AuthLost(Reason("sign-in.none", system=self.connector.title))
        fresh: Token = await self.calls.write("refresh", lambda: login.refresh(token), Token, limit=LIMIT)
        return fresh

    async def _obtain(self) -> Token | None:
        """A token that no person grants; None where one must."""
        login = self.connector.capability(OAuthLogin)
        if login is None or Flow.CLIENT not in login.flows:
            return None
        token: Token = await self.calls.write("obtain", login.obtain, Token, limit=LIMIT)
        return token

    async def visited(self, limit: float | None = None, *, told: bool = True) -> Identity:
        """Who answers there. Without `told` a refused key is reported as such at once."""
        probe = self.connector.capability(Probe)
        assert probe is not None
        found: Identity = await self.calls.read("probe", probe.probe, Identity, limit=limit, told=told)
        return found

    def word_for(self, state: Fulfilment) -> str | None:
        """This system's word for a state of ours; None where it has none, or cannot say."""
        sink = self.connector.capability(StatusSink)
        if sink is None:
            return None
        try:
            word: str | None = self.calls.ask("status_for", lambda: sink.status_for(state), (str, NoneType))
        except PluginError:
            return None
        return word

    async def close(self) -> None:
        """Let go of what it opened. It works no more, and a task that waits for its end goes on."""
        try:
            await self.calls.read("close", self.connector.close, limit=_CLOSING)
        except PluginError as error:
            self._log.error("cannot be closed", reason=str(error))
        finally:
            # Its clients call no more: with other settings the account more values may be changed.
            self._services.budgets.leave(self.budgets, id(self.budgets))
