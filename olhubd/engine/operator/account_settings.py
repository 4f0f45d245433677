"""Settings of accounts that a person changes while the daemon runs: checked, kept, and in force at once.

The database is under the file: what the file says is refused here, with the line that says it. What an account's
own system says of it is kept the same way, and is weaker than both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from olhubd.config import Configuration, KeptValue, Layer, Problem
from olhubd.config.effective import shown
from olhubd.config.kept import adjustable_fields, is_private, pin
from olhubd.config.problem import near
from olhubd.config.statuses import FIRST_KEYS
from olhubd.engine.errors import NotPossible
from olhubd.engine.event_log import EventLog
from olhubd.engine.in_force import InForce
from olhubd.engine.operator.start_date import check_start
from olhubd.engine.reload import Reloader
from olhubd.model import Reason
from olhubd.plugin import Clock, Log, OrderFeed
from olhubd.runtime.supervisor import Heartbeat
from olhubd.runtime.threads import apart
from olhubd.store import Database, Reader, Transaction, account_settings, accounts, feeds
from olhubd.store.account_settings import AccountSetting, SaidBy

__all__ = ["AccountSettingActions", "left_out"]

_LAYERS = {SaidBy.PERSON: Layer.DATABASE, SaidBy.SYSTEM: Layer.MARKETPLACE}


class AccountSettingActions:
    """Puts what is kept under each configuration that comes into force, and changes what is kept."""

    def __init__(
        self, in_force: InForce, reloader: Reloader, database: Database, clock: Clock, events: EventLog, log: Log
    ) -> None:
        self._in_force = in_force
        self._reloader = reloader
        self._database = database
        self._clock = clock
        self._events = events
        self._log = log
        self._changing = asyncio.Lock()
        """Held while one configuration is made of another, or a change in between would be lost."""

    async def begin(self) -> None:
        """Take what is kept into force, before any account begins."""
        self._in_force.take(await self._filled(self._in_force.configuration))

    async def reload(self, configuration: Configuration, who: str) -> dict[str, list[str]]:
        """Take another configuration into force, with what is kept. Returns what `Reloader.reload` does."""

        async def work(pulse: Heartbeat) -> dict[str, list[str]]:
            async with self._changing:
                return await self._reloader.take(await self._filled(configuration), who, pulse)

        return await self._reloader.finish("reload", work)

    async def change(self, account: str, values: Mapping[str, str | None], who: str) -> None:
        """Set these; None has the weaker places count again. All of them, or none, with NotPossible.

        What is kept comes into force also when the caller waits no longer.
        """

        await self._reloader.finish("change of settings", partial(self._change, account, values, who))

    async def _change(self, account: str, values: Mapping[str, str | None], who: str, pulse: Heartbeat) -> None:
        async with self._changing:
            before = self._in_force.configuration
            self._possible(before, account, values)
            self._listed(values)
            values = {**await self._beside(account, values), **values}
            now = self._clock.now()
            if "start" in values and not before.accounts[account].enabled:
                raise NotPossible(Reason("setting.start-off", account=account))
            if "start" in values:
                row = await accounts.get(self._database.reader, account)
                added = row.started_at if row else None
                begun = await feeds.get(self._database.reader, account, OrderFeed.name)
                since = (begun.since or added) if begun is not None and begun.cursor is not None else None
                check_start(values["start"], account, added, now, since)
            rows = [
                AccountSetting(
                    account=account, key=key, said_by=SaidBy.PERSON, value=text, changed_by=who, changed_at=now
                )
                for key, text in values.items()
                if text is not None
            ]
            after = await self._tried(before, account, values, rows, SaidBy.PERSON)
            if left_out(before, after, account):
                # With "*" as channels it would leave the rule in silence, and go on selling what it shows last.
                why = f"the stock sold on {account} needs its orders: name the channels in [[stock]] without it"
                raise NotPossible(Reason("setting.wrong", key="fetch_orders", problem=why))
            facts = _differences(before, after, account, values)
            if not facts and not rows:
                return

            async def work(tx: Transaction) -> None:
                await account_settings.remove(tx, account, values, SaidBy.PERSON)
                await account_settings.put(tx, rows)
                for one in facts:
                    kind = "account.setting-changed" if "new" in one else "account.setting-replaced"
                    await self._events.note(kind, one, who, account=account, tx=tx)

            await self._database.write(work)
            await self._take(after, who, pulse)

    async def learn(self, account: str, table: str, values: Mapping[str, str]) -> bool:
        """Keep what the account's own system says of one setting that is a table. False where that is known."""

        return await self._reloader.finish("learning of settings", partial(self._learn, account, table, values))

    async def _learn(self, account: str, table: str, values: Mapping[str, str], pulse: Heartbeat) -> bool:
        async with self._changing:
            before = self._in_force.configuration
            if account not in before.accounts:
                return False
            given = {f"{table}.{key}": text for key, text in values.items()}
            known = await account_settings.of_account(self._database.reader, account)
            told = {one.key: one.value for one in known if one.said_by is SaidBy.SYSTEM and _in(one.key, table)}
            if told == given:
                return False
            now = self._clock.now()
            rows = [
                AccountSetting(
                    account=account, key=key, said_by=SaidBy.SYSTEM, value=text, changed_by="hub", changed_at=now
                )
                for key, text in given.items()
            ]
            after = await self._tried(before, account, {**told, **given}, rows, SaidBy.SYSTEM)

            async def work(tx: Transaction) -> None:
                await account_settings.remove(tx, account, told, SaidBy.SYSTEM)
                await account_settings.put(tx, rows)
                facts = {"key": table}
                await self._events.note("account.setting-learned", facts, "hub", account=account, tx=tx)

            await self._database.write(work)
            await self._take(after, "hub", pulse)
            return True

    def _possible(self, configuration: Configuration, account: str, values: Mapping[str, str | None]) -> None:
        config = configuration.accounts.get(account)
        if config is None:
            raise NotPossible(Reason("none.account-configured", account=account))
        known = adjustable_fields(config.connector)
        for key in values:
            if key not in known:
                hint = near(key, known)
                raise NotPossible(Reason("setting.unknown", key=key, near=f" ({hint})" if hint else ""))
            if (origin := pin(configuration.origins, ("accounts", account, *key.split(".")))) is not None:
                raise NotPossible(Reason("setting.pinned", key=key, origin=str(origin)))

    def _listed(self, values: Mapping[str, str | None]) -> None:
        """Raise for a first status that is not in the seller's own list."""
        known = [one.name for one in self._in_force.statuses().items]
        for key in FIRST_KEYS.keys() & values.keys():
            if (name := values[key]) is not None and name not in known:
                hint = near(name, known)
                problem = f"there is no status {name!r} in the list of your own{f' ({hint})' if hint else ''}"
                raise NotPossible(Reason("setting.wrong", key=key, problem=problem))

    async def _beside(self, account: str, values: Mapping[str, str | None]) -> dict[str, str]:
        """What the account's system says of the tables of which a person sets a first part: half of one is none."""
        known = await account_settings.of_account(self._database.reader, account)
        own = {one.key.partition(".")[0] for one in known if one.said_by is SaidBy.PERSON}
        begun = {key.partition(".")[0] for key, text in values.items() if text is not None and "." in key}
        return {
            one.key: one.value
            for one in known
            if one.said_by is SaidBy.SYSTEM and one.key.partition(".")[0] in begun - own
        }

    async def _tried(
        self,
        before: Configuration,
        account: str,
        keys: Collection[str],
        rows: Sequence[AccountSetting],
        said_by: SaidBy,
    ) -> Configuration:
        """The configuration as it is with these rows. Raises NotPossible with what is wrong with one of them."""
        kept = [
            one
            for one in await account_settings.every(self._database.reader)
            if (one.account, one.said_by) != (account, said_by) or one.key not in keys
        ]
        after, refused = await self._checked(before, [*kept, *rows])
        for problem in _refusals(refused, account):
            key = problem.key.removeprefix(f"accounts.{account}.")
            hint = f" ({problem.hint})" if problem.hint else ""
            raise NotPossible(Reason("setting.wrong", key=key, problem=f"{problem.message}{hint}"))
        return after

    async def _take(self, configuration: Configuration, who: str, pulse: Heartbeat) -> None:
        before = self._in_force.configuration
        same = ("accounts", "routes", "stock", "prices")
        if all(getattr(before, name) == getattr(configuration, name) for name in same):
            self._in_force.take(configuration)  # nothing that runs goes by it
        else:
            await self._reloader.take(configuration, who, pulse)

    async def _filled(self, configuration: Configuration) -> Configuration:
        """With all that is kept. What does not fit any more has no effect, and is reported."""
        known = await accounts.every(self._database.reader)
        # What was set of another system, above all since when it was read, means nothing to this one.
        rows = [
            row
            for row in await account_settings.every(self._database.reader)
            if (config := configuration.accounts.get(row.account)) is None
            or (there := known.get(row.account)) is None
            or there.connector == config.connector.name
        ]
        if not rows:
            return configuration
        filled, refused = await self._checked(configuration, rows)
        for one, problem in refused.items():
            self._log.warning(
                "a setting in the database does not fit", account=one.account, key=one.key, reason=problem.message
            )
        return filled

    async def _checked(
        self, configuration: Configuration, rows: Sequence[AccountSetting]
    ) -> tuple[Configuration, dict[KeptValue, Problem]]:
        kept = [
            KeptValue(
                account=row.account,
                key=row.key,
                text=row.value,
                layer=_LAYERS[row.said_by],
                who=row.changed_by,
                at=row.changed_at,
            )
            for row in rows
            if row.account in configuration.accounts
        ]
        return await apart("settings", partial(configuration.filled, kept))

    async def kept(self, reader: Reader, account: str) -> dict[str, AccountSetting]:
        """What people have set of an account, by key."""
        rows = await account_settings.of_account(reader, account)
        return {row.key: row for row in rows if row.said_by is SaidBy.PERSON}


def left_out(before: Configuration, after: Configuration, account: str) -> bool:
    """Whether stock that was sold on an account is kept there no more."""
    was, is_ = ({rule.master for rule in each.stock if account in rule.channels} for each in (before, after))
    return not was <= is_


def _in(key: str, table: str) -> bool:
    return key.startswith(f"{table}.")


def _refusals(refused: Mapping[KeptValue, Problem], account: str) -> list[Problem]:
    """Those of the account whose setting is changed; what others keep was looked at when it was."""
    return [problem for one, problem in refused.items() if one.account == account]


def _differences(
    before: Configuration, after: Configuration, account: str, keys: Collection[str]
) -> list[dict[str, object]]:
    """What the change comes to, setting by setting. Nothing private is in it."""
    old, new = ({one.key: one.value for one in shown(each)} for each in (before, after))
    known = adjustable_fields(after.accounts[account].connector)
    found: list[dict[str, object]] = []
    for key in keys:
        path = f"accounts.{account}.{key}"
        if is_private(known[key]):
            found.append({"key": key})
        elif old.get(path) != new.get(path):
            found.append({"key": key, "old": old.get(path, ""), "new": new.get(path, "")})
    return found
