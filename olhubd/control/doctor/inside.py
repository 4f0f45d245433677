"""What only the daemon knows: of its accounts, their systems and sign-ins, of what is unmapped, of its alarms.

The systems are asked once for all checks of one examination, all at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from collections.abc import Mapping as Table
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from olhubd.control.api import journal, mappings
from olhubd.control.api.accounts import standing
from olhubd.control.api.schema.journal import JournalQuery
from olhubd.control.api.schema.mappings import Mapping, UnlinkedLine
from olhubd.control.doctor import machine
from olhubd.control.doctor.finding import CHECKS, Finding, fine, gather, look, skipped, wrong
from olhubd.control.http.api_tokens import ApiTokens
from olhubd.control.text.event_text import Severity
from olhubd.engine.account import AccountUnit
from olhubd.engine.calls import PluginFault
from olhubd.engine.hub import Hub
from olhubd.engine.monitor.vocabulary import told
from olhubd.model import Alarm, AlarmKind, Linking, code_of
from olhubd.plugin import AuthLost, Identity, OAuthLogin, PluginError, Probe
from olhubd.runtime.threads import apart
from olhubd.store import offers
from olhubd.store.accounts import AccountState

__all__ = ["KNOWN", "Examination"]

KNOWN = tuple(name for name, check in CHECKS.items() if check.inside)
_PATIENCE = 20.0
"""Seconds that a system has to say who it is."""
_READING = 60.0
"""Seconds for which the file is read."""
_OFF, _FAR_OFF = timedelta(seconds=10), timedelta(seconds=60)
"""What a clock may be off before somebody should look, and before it is wrong."""
_HEARD = timedelta(hours=1)
"""How old an answer's date may be to compare clocks by."""
_RECENT = timedelta(days=1)
_SHOWN = 5
_LOOSE = {
    Linking.NONE: (
        "that no stock item fits",
        "olhubd links add OFFER SKU; all of them: olhubd offers list --unlinked",
    ),
    Linking.PROPOSED: ("that may sell something, by one mark alone", "olhubd links suggest"),
    Linking.CONFLICT: ("that may sell one of several things", "olhubd links suggest"),
}
"""What is said of offers that are not linked, and what to do."""
_ADDRESS = "look whether its address in the settings is right and it is up"


class _Visit(msgspec.Struct, frozen=True, kw_only=True):
    """How a system answered: who it is, or why not; `skipped` is why it was not asked."""

    who: Identity | None = None
    failure: str | None = None
    lost: bool = False
    skipped: str | None = None


class Examination:
    """One examination of the daemon."""

    def __init__(self, hub: Hub, keyring: ApiTokens) -> None:
        self._hub = hub
        self._keyring = keyring
        self._visits: Table[str, _Visit] | None = None
        self._tokens_are_told = False
        self._place = machine.place(hub.configuration, hub.database.path)
        self._checks: Table[str, Callable[[], Awaitable[Iterable[Finding]]]] = {
            "PLUGINS": self._plugins,
            "FILES": self._files,
            "DISK": self._disk,
            "INTEGRITY": self._integrity,
            "ALARMS": self._alarms,
            "ERRORS": self._errors,
            "REACH": self._reach,
            "CLOCK": self._clock,
            "TOKENS": self._tokens,
            "SCOPES": self._scopes,
            "ACCESS": self._access,
            "UNLINKED": self._unlinked,
            "OFFERS": self._offers,
            "WORDS": self._words,
            "UNMAPPED": self._unmapped,
        }

    async def examine(self, wanted: Iterable[str] = ()) -> list[Finding]:
        """What the wanted checks find, or all of them; those of plugins come last."""
        names = list(wanted) or [*KNOWN]
        self._tokens_are_told = "TOKENS" in names
        found: list[Finding] = []
        for name in KNOWN:
            if name in names:
                found += gather(name, await self._checks[name]())
        others = [name for name in names if name not in CHECKS]
        if others or not wanted:
            own = await apart("checks", lambda: list(machine.own_checks(self._hub.configuration, others)))
            for name, one in own:
                found += gather(name, [one])
        return found

    async def _plugins(self) -> Iterable[Finding]:
        return machine.plugins(self._hub.configuration)

    async def _files(self) -> Iterable[Finding]:
        return await apart("files", lambda: list(machine.files(self._place)))

    async def _disk(self) -> Iterable[Finding]:
        return await apart("disk", lambda: list(machine.disk(self._place)))

    async def _integrity(self) -> Iterable[Finding]:
        return await machine.database(self._place, _READING)

    async def _alarms(self) -> Iterable[Finding]:
        found = [
            wrong(
                f"{alarm.kind.value} since {_moment(alarm.raised_at)}: {alarm.detail}",
                self._way(alarm),
                alarm.subject,
            )
            for alarm in self._hub.alarms.open.values()
            if not (self._tokens_are_told and alarm.kind is AlarmKind.SIGN_IN and self._signs_in(alarm.subject))
        ]
        return found or [fine("no alarm is on")]

    def _signs_in(self, name: str) -> bool:
        unit = self._hub.units.get(name)
        return unit is not None and bool(unit.connection.sign_in_flows)

    def _sign_in(self, name: str) -> str:
        if self._signs_in(name):
            return f"olhubd login {name}"
        return "write the right key into its settings, then: olhubd reload"

    def _parked(self, alarm: Alarm) -> str:
        if code_of(alarm.detail) in ("account.sign-in-lost", "account.key-refused", "alarm.key-refused"):
            return self._sign_in(alarm.subject)
        return f"mend what it says, then: olhubd resume {alarm.subject}"

    def _unreached(self, name: str) -> str:
        """Where there is no feed, there are no runs that could say more."""
        account = self._hub.configuration.accounts.get(name)
        fed = account is not None and account.fetch_orders
        return f"{_ADDRESS}; when it failed: olhubd runs --account {name}" if fed else _ADDRESS

    def _way(self, alarm: Alarm) -> str:
        ways = {
            AlarmKind.HOLD: "olhubd holds list",
            AlarmKind.QUARANTINE: "olhubd holds list",
            AlarmKind.OVERSOLD: "olhubd stock oversold list --open",
            AlarmKind.WORDS: "olhubd doctor WORDS",
            AlarmKind.LINKS: f"olhubd links list --account {alarm.subject}",
            AlarmKind.SIGN_IN: self._sign_in(alarm.subject),
            AlarmKind.IMPORT_DUE: f"olhubd fetch {alarm.subject} --products",
            AlarmKind.PARKED: self._parked(alarm),
            AlarmKind.SETTING: f"olhubd account settings {alarm.subject}",
            AlarmKind.FORBIDDEN: f"look at the account there; is a right missing: {self._sign_in(alarm.subject)}",
            AlarmKind.TARGET_DOWN: f"{_ADDRESS}; what is owed goes when it is back",
            AlarmKind.FEED: f"olhubd runs --account {alarm.subject}",
            AlarmKind.RECONCILIATION: "olhubd reconcile --different",
        }
        return ways.get(alarm.kind, "see the alarm's paragraph in docs/operator.md")

    async def _errors(self) -> Iterable[Finding]:
        page = await journal.pages(self._hub, JournalQuery(severity=Severity.ERROR, limit=500))
        since = self._hub.clock.now() - _RECENT
        found = [entry for entry in page.items if entry.at >= since]
        if not found:
            return [fine("nothing went wrong within the last day")]
        last = found[0]
        many = f"{len(found)} or more" if page.next is not None and len(found) == len(page.items) else len(found)
        text = f"{many} within the last day, the last at {_moment(last.at)}: {last.text}"
        return [look(text, "olhubd journal --severity error")]

    async def _words(self) -> Iterable[Finding]:
        """Asked again: somebody may just have mended one."""
        wording = self._hub.vocabulary
        await wording.look()
        found = [
            (wrong if one.sent else look)(
                told(one, self._hub.configuration), "mend it there, then: olhubd reload", one.account
            )
            for one in wording.unknown
        ]
        silent = [skipped(f"cannot be asked for its words: {why}", name) for name, why in wording.silent.items()]
        return [*found, *silent] or [fine("every word that is named is there")]

    # The systems of the accounts

    async def _visited(self) -> Table[str, _Visit]:
        if self._visits is None:
            units = self._hub.units
            answers = await asyncio.gather(*map(_visit, units.values()))
            self._visits = dict(zip(units, answers, strict=True))
        return self._visits

    async def _reach(self) -> Iterable[Finding]:
        return [self._reached(name, visit) for name, visit in (await self._visited()).items()] or _no_accounts()

    def _reached(self, name: str, visit: _Visit) -> Finding:
        if visit.skipped is not None:
            return skipped(visit.skipped, name)
        if visit.who is None:
            mend = self._sign_in(name) if visit.lost else self._unreached(name)
            return wrong(visit.failure or "does not answer", mend, name)
        unit = self._hub.units.get(name)
        if unit is not None and unit.row.owner not in (None, visit.who.id):
            text = f"{visit.who.login} answers there, but the account belongs to {unit.row.login or unit.row.owner}"
            return wrong(
                text, f"set its address right, or if the shop has moved: olhubd resume {name} --moved", name
            )
        more = "".join(f"; {what}: {said}" for what, said in visit.who.details.items())
        return fine(f"answers as {visit.who.login}{more}", name)

    async def _clock(self) -> Iterable[Finding]:
        await self._visited()
        return [self._off(unit) for unit in self._hub.units.values()] or _no_accounts()

    def _off(self, unit: AccountUnit) -> Finding:
        if unit.connection.dated is None:
            return skipped("its system has not answered yet", unit.name)
        told, at = unit.connection.dated
        if self._hub.clock.now() - at > _HEARD:
            return skipped("its system has not answered within the last hour", unit.name)
        try:
            there = parsedate_to_datetime(told) + timedelta(milliseconds=500)  # it has whole seconds
            off = at - there
        except (TypeError, ValueError):
            return skipped("its answers bear no date that could be read", unit.name)
        seconds = abs(off.total_seconds())
        if seconds < _OFF.total_seconds():
            return fine(f"this clock and its are less than {_OFF.total_seconds():.0f} s apart", unit.name)
        text = f"this clock is {seconds:.0f} s {'ahead of' if off > timedelta(0) else 'behind'} its"
        mend = "timedatectl set-ntp true; should the others agree with this clock, it is theirs that is wrong"
        return (wrong if seconds >= _FAR_OFF.total_seconds() else look)(text, mend, unit.name)

    async def _tokens(self) -> Iterable[Finding]:
        ahead, now = self._hub.configuration.alarms.sign_in_ahead, self._hub.clock.now()
        found: list[Finding] = []
        for account in await standing(self._hub):
            mend, ends = f"olhubd login {account.name}", account.sign_in_ends_at
            if account.signed_in is None or account.name not in self._hub.units:
                continue
            if not account.signed_in:
                found.append(wrong("nobody has signed in", mend, account.name))
            elif ends is None:
                found.append(fine("signed in; its system does not tell until when", account.name))
            elif ends <= now:
                found.append(wrong(f"the sign-in ended at {_moment(ends)}", mend, account.name))
            elif ends - now <= ahead:
                found.append(look(f"somebody must sign in again before {_moment(ends)}", mend, account.name))
            else:
                found.append(fine(f"signed in until {_moment(ends)}", account.name))
        return found or [fine("no account needs a sign-in")]

    async def _scopes(self) -> Iterable[Finding]:
        await self._visited()  # by which a token is loaded and fresh
        units = self._hub.units.items()
        found = [one for name, unit in units if (one := _granted(unit, self._uses(name))) is not None]
        return found or [fine("no account needs a sign-in")]

    def _uses(self, account: str) -> set[str]:
        """The capabilities, by their names, for which rules of stock and prices use an account."""
        uses: set[str] = set()
        if any(account in rule.channels for rule in self._hub.in_force.stock()):
            uses |= {"OfferFeed", "LevelSink"}
        if any(account in rule.channels for rule in self._hub.in_force.prices()):
            uses.add("PriceSink")
        return uses

    # What people have to do

    async def _access(self) -> Iterable[Finding]:
        now = self._hub.clock.now()
        ahead = self._hub.configuration.alarms.sign_in_ahead
        found: list[Finding] = []
        for row in await self._keyring.listing():
            if row.expires_at is None or row.expires_at - now > ahead:
                continue
            mend = f"olhubd token create NAME --scope {row.scope.value}; then: olhubd token revoke {row.name}"
            word = "ended at" if row.expires_at <= now else "ends at"
            found.append(look(f"{word} {_moment(row.expires_at)}", mend, row.name))
        return found or [fine(f"none ends within {ahead.days} days")]

    async def _unlinked(self) -> Iterable[Finding]:
        lines = (await mappings.free(self._hub)).items
        if not lines:
            return [fine("every order line has its product")]
        names = ", ".join(_named(line) for line in lines[:_SHOWN])
        more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        what = "offer" if len(lines) == 1 else "offers"
        mend = "give the product this SKU in the shop, or the offer the product's; all of them: olhubd unlinked"
        return [look(f"{len(lines)} {what} without a product: {names}{more}", mend)]

    async def _offers(self) -> Iterable[Finding]:
        """Before orders are carried on is the time to know it: what is not linked is not reserved, nor levelled."""
        if not self._hub.in_force.stock():
            return [skipped("no stock is sold on other accounts")]
        reader = self._hub.database.reader
        found = [
            look(f"{count} {'offer' if count == 1 else 'offers'} {_LOOSE[state][0]}", _LOOSE[state][1], account)
            for (account, state), count in sorted((await offers.tally(reader)).items())
            if state in _LOOSE
        ]
        found += [
            wrong(
                f"{count} {'offer is' if count == 1 else 'offers are'} not raised: what was linked has changed",
                f"olhubd links list --doubted --account {account}",
                account,
            )
            for account, count in sorted((await offers.doubted(reader)).items())
        ]
        return found or [fine("it is known of every offer what it sells")]

    async def _unmapped(self) -> Iterable[Finding]:
        words = [one for one in await mappings.words(self._hub) if one.mapped is None]
        if not words:
            return [fine("every word that was seen is mapped")]
        mend = "map it in the route's table; all of them: olhubd mappings --unmapped"
        found = [
            look(f"the {one.kind.value} {_called(one)} became nothing in {_orders(one.orders)}", mend, one.account)
            for one in words[:_SHOWN]
        ]
        if len(words) > _SHOWN:
            found.append(look(f"{len(words) - _SHOWN} more words are not mapped", "olhubd mappings --unmapped"))
        return found


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count} orders"


def _named(line: UnlinkedLine) -> str:
    return (
        line.sku or line.ean or line.offer_id or line.name or f"a line without a name in order #{line.last_order}"
    )


def _called(word: Mapping) -> str:
    return repr(word.value) if word.label == word.value else f"{word.label!r} ({word.value})"


async def _visit(unit: AccountUnit) -> _Visit:
    if unit.row.state is not AccountState.ACTIVE:
        return _Visit(skipped=f"is {unit.row.state.value}: {unit.row.reason or 'by a person'}")
    if not unit.connector.can(Probe):
        return _Visit(skipped="its connector cannot ask who it is")
    try:
        return _Visit(who=await unit.connection.visited(_PATIENCE, told=False))
    except PluginFault as error:
        return _Visit(failure=f"its connector failed: {error.kind}")
    except PluginError as error:
        return _Visit(failure=str(error), lost=isinstance(error, AuthLost))


def _granted(unit: AccountUnit, uses: Collection[str]) -> Finding | None:
    login = unit.connector.capability(OAuthLogin)
    if unit.connection.keeper is None or login is None:
        return None
    token = unit.connection.keeper.token
    needed = {*login.scopes, *(scope for name in uses for scope in login.scopes_for.get(name, ()))}
    if token is None:
        return skipped("nobody has signed in", unit.name)
    if not needed or not token.scopes:
        whose = (
            "the connector does not tell what it needs"
            if not needed
            else "its system does not tell what it granted"
        )
        return skipped(whose, unit.name)
    if missing := sorted(needed - set(token.scopes)):
        text = f"the sign-in does not allow {', '.join(missing)}"
        mend = f"allow it where the application is registered, then: olhubd login {unit.name}"
        return wrong(text, mend, unit.name)
    return fine("the sign-in allows all that is needed", unit.name)


def _no_accounts() -> list[Finding]:
    return [skipped("no account is at work")]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
