"""Asks the systems of accounts where their seller is: after a sign-in, and once a day.

What they say is kept with the settings of the account, under what a person or the file says. A question that is
refused stops nothing else: it needs a right of its own, which an account may go without.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from olhubd.engine.account import AccountUnit
from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.model import Address
from olhubd.plugin import Clock, Forbidden, Log, Permanent, PluginError, SellerProfile
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import FAILURES, Database, account_settings
from olhubd.store.account_settings import SaidBy

__all__ = ["SETTING", "SellerAddresses"]

SETTING = "seller_address"
_FIELDS = ("company", "street", "postcode", "city", "region", "country")
_LOOK = 60.0
"""Seconds between two looks whether somebody is to be asked."""
_FIRST = 60.0
"""Seconds until an account that begins is asked."""
_AGAIN, _LATER = 24 * 3600.0, 3600.0
"""Seconds until an answer is asked for again, and one that did not come."""
_PATIENCE = 30.0
_KEEPING = 600.0
"""Seconds that an answer may take to come into force: other changes go first, and its account begins again."""


class Keep(Protocol):
    """Keeps what the system of an account says of one setting that is a table."""

    async def __call__(self, account: str, table: str, values: Mapping[str, str], /) -> bool: ...


class SellerAddresses:
    """`signed_in` asks at once where nothing is known; `round` asks whose time has come."""

    def __init__(self, directory: Directory, database: Database, clock: Clock, keep: Keep, log: Log) -> None:
        self._directory = directory
        self._database = database
        self._clock = clock
        self._keep = keep
        self._log = log
        self._due: dict[str, float] = {}

    def start(self, supervisor: Supervisor) -> None:
        supervisor.every("seller addresses", _LOOK, self.round)

    async def signed_in(self) -> None:
        """Ask now the accounts of which nothing is known: one of them has just been signed in to."""
        known = {
            row.account
            for row in await account_settings.every(self._database.reader)
            if row.said_by is SaidBy.SYSTEM and row.key.startswith(f"{SETTING}.")
        }
        for unit in [unit for name, unit in self._directory.units.items() if name not in known]:
            await self._look(unit)

    async def round(self, pulse: Heartbeat) -> None:
        """Ask the accounts whose time has come, one after the other."""
        now = self._clock.monotonic()
        units = dict(self._directory.units)
        self._due = {name: self._due.get(name, now + _FIRST) for name in units}
        for name, unit in units.items():
            if self._due[name] <= now:
                pulse.beat(_PATIENCE + _KEEPING)
                await self._look(unit)

    async def _look(self, unit: AccountUnit) -> None:
        """Ask one account, and keep the answer. Says in the log where it cannot be kept."""
        profile = unit.connector.capability(SellerProfile)
        if profile is None or unit.at_rest is not None or not _granted(unit):
            return
        name = unit.name
        self._due[name] = self._clock.monotonic() + _LATER
        try:
            ask = _asked(profile.seller_address)
            found = await unit.calls.read(
                "seller_address", ask, (Address, type(None), PluginError), limit=_PATIENCE
            )
        except PluginError as error:
            self._log.info("does not say where its seller is", account=name, reason=str(error))
            return
        if self._directory.units.get(name) is not unit:
            return  # the account has begun again meanwhile, perhaps with another system
        self._due[name] = self._clock.monotonic() + _AGAIN
        if isinstance(found, PluginError):
            self._log.info("does not say where its seller is", account=name, reason=str(found))
            return
        values = {key: text for key in _FIELDS if found is not None and (text := getattr(found, key))}
        try:
            await self._keep(name, SETTING, values)
        except NotPossible as error:
            self._log.warning("the seller's address of its system does not fit", account=name, reason=str(error))
        except FAILURES as error:
            self._due[name] = self._clock.monotonic() + _LATER
            self._log.warning("the seller's address could not be kept", account=name, reason=str(error))


def _granted(unit: AccountUnit) -> bool:
    """Whether somebody has signed in, where somebody must."""
    keeper = unit.connection.keeper
    return keeper is None or not unit.connection.sign_in_flows or keeper.token is not None


def _asked(
    ask: Callable[[], Awaitable[Address | None]],
) -> Callable[[], Awaitable[Address | PluginError | None]]:
    """The question with a refusal as an answer, so that it counts against neither the key nor the account."""

    async def asked() -> Address | PluginError | None:
        try:
            return await ask()
        except (Permanent, Forbidden) as error:
            return error

    return asked
