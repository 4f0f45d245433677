"""Accounts: the state of each, fetching by hand, pausing, names and removing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from olhubd.config import AccountConfig
from olhubd.control.api.lookup import unit
from olhubd.control.api.schema.accounts import (
    Account,
    Accounts,
    AccountState,
    FetchRequest,
    FetchResult,
    GoneAccount,
    PauseRequest,
    RenameRequest,
    ResumeRequest,
)
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.runs import RunRow
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, Reply, route
from olhubd.engine.hub import Hub
from olhubd.model import DeliveryState, Reason, Run, Scope, beside
from olhubd.store import accounts, credentials, deliveries, quarantine, runs

__all__ = ["ROUTES", "standing"]


class _Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of all accounts, gathered once for all of them."""

    rows: Mapping[str, accounts.AccountRow]
    signed: frozenset[str]
    owed: Mapping[str, dict[DeliveryState, int]]
    oldest: Mapping[str, datetime]
    quarantined: Mapping[str, int]
    runs: Mapping[str, dict[str, Run]]


async def standing(hub: Hub) -> tuple[Account, ...]:
    """All configured accounts, with their state."""
    reader = hub.database.reader
    owed: dict[str, dict[DeliveryState, int]] = {}
    for (target, state), count in (await deliveries.tally(reader)).items():
        owed.setdefault(target, {})[state] = count
    latest: dict[str, dict[str, Run]] = {}
    for (account, feed), run in hub.runs.latest.items():
        latest.setdefault(account, {})[feed] = run
    numbers = _Numbers(
        rows=await accounts.every(reader),
        signed=await credentials.every(reader),
        owed=owed,
        oldest=await deliveries.oldest_open(reader),
        quarantined=await quarantine.tally(reader),
        runs=latest,
    )
    return tuple(_account(hub, config, numbers) for config in hub.configuration.accounts.values())


def _account(hub: Hub, config: AccountConfig, numbers: _Numbers) -> Account:
    name = config.name
    at_work = hub.units.get(name)
    row = at_work.row if at_work else numbers.rows.get(name)
    keeper = at_work.connection.keeper if at_work else None
    poller = at_work.feeds.poller if at_work else None
    trouble = at_work.trouble if at_work else None
    flows = at_work.connection.sign_in_flows if at_work else ()
    signs_in = bool(flows) if at_work else "OAuthLogin" in config.connector.capabilities()
    rest = None if at_work else hub.directory.at_rest(name)
    state = AccountState(row.state.value) if row and at_work else AccountState.PARKED if rest else AccountState.OFF
    reason = rest or (row.reason if row else None)
    pace = at_work.feeds.interval_reason if at_work else None
    return Account(
        name=name,
        title=(row.title if row else None) or config.title,
        connector=config.connector.name,
        capabilities=config.connector.capabilities(),
        state=state,
        reason=reason,
        **beside("reason", reason),
        changed_at=row.changed_at if row else None,
        started_at=row.started_at if row else None,
        login=row.login if row else None,
        signed_in=name in numbers.signed if signs_in else None,
        sign_in_flows=flows,
        sign_in_ends_at=keeper.refresh_expires_at if keeper else None,
        fetches_orders=at_work is not None and at_work.feeds.orders is not None,
        profile=config.profile.value,
        interval=config.interval.total_seconds(),
        interval_now=at_work.feeds.interval if at_work else None,
        interval_reason=pace,
        **beside("interval_reason", pace),
        next_run=poller.next_run if poller and state is AccountState.ACTIVE else None,
        runs={feed: RunRow.of(run) for feed, run in numbers.runs.get(name, {}).items()},
        owed=numbers.owed.get(name, {}),
        oldest_owed_at=numbers.oldest.get(name),
        quarantined=numbers.quarantined.get(name, 0),
        down=at_work is not None and (at_work.outbox.down or (trouble is not None and poller is None)),
        failing_since=trouble.since if trouble else None,
        last_error=trouble.reason if trouble else None,
        shut_until=at_work.shut_until if at_work else None,
    )


async def listing(call: Call[Nothing, Nothing]) -> Accounts:
    """All that are configured, and those that no longer are."""
    return await _all(call.hub)


async def one(call: Call[Nothing, Nothing]) -> Account:
    """One account, with its state."""
    return await _one(call.hub, call.path["account"])


async def _one(hub: Hub, name: str) -> Account:
    for account in await standing(hub):
        if account.name == name:
            if not account.runs:
                account = msgspec.structs.replace(account, runs=await _earlier(hub, name))
            return account
    unit(hub, name)  # says why
    raise Refusal(404, "not-found", Reason("none.account", account=name))


async def _earlier(hub: Hub, name: str) -> dict[str, RunRow]:
    """The last runs before this process began."""
    found: dict[str, RunRow] = {}
    for run in await runs.listing(hub.database.reader, account=name):
        found.setdefault(run.feed, RunRow.of(run))
    return found


async def fetch(call: Call[Nothing, FetchRequest]) -> Reply[FetchResult]:
    """Fetch orders, or products, now, or join the run under way. 202 while it is not over yet."""
    at_work, asked = unit(call.hub, call.path["account"]), call.body
    if asked.products:
        at_work.importing()  # what is refused is not logged
        facts = {name: True for name in ("full", "accept_gone") if getattr(asked, name)}
        await call.hub.events.note("account.products-fetched", facts, call.who, account=at_work.name)
    else:
        at_work.fetchable()
        await call.hub.events.note("account.fetched", {}, call.who, account=at_work.name)
    run: Run | None = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(asked.wait):
            at_work = unit(call.hub, at_work.name)  # a reload may have restarted it meanwhile
            if asked.products:
                run = await at_work.import_products(full=asked.full, accept_gone=asked.accept_gone)
            else:
                run = await at_work.fetch()
    if run is None:
        return Reply(content=FetchResult(run=None), status=202)
    return Reply(content=FetchResult(run=RunRow.of(run)), status=200)


async def pause(call: Call[Nothing, PauseRequest]) -> Account:
    """Fetch nothing and deliver nothing until somebody resumes it, restarts included."""
    at_work = unit(call.hub, call.path["account"])
    if at_work.row.state is not accounts.AccountState.PAUSED:
        await at_work.pause(call.body.reason, call.who)
    return await _one(call.hub, at_work.name)


async def resume(call: Call[Nothing, ResumeRequest]) -> Account:
    """Go on where it stopped. One that was parked since another system answers needs `moved`.

    An active one that waits for a time goes on at once: after a 429, or after failures.
    """
    at_work = unit(call.hub, call.path["account"])
    if at_work.row.state is accounts.AccountState.ACTIVE:
        await at_work.go_ahead(call.who)
    else:
        await at_work.resume(call.who, moved=call.body.moved)
    return await _one(call.hub, at_work.name)


async def rename(call: Call[Nothing, RenameRequest]) -> Account:
    """Call it otherwise. Its key, its orders and the marks on them stay."""
    name = _configured(call)
    await call.hub.account_actions.rename(name, call.body.title, call.who)
    return await _one(call.hub, name)


async def remove(call: Call[Nothing, Nothing]) -> Accounts:
    """Forget an account that the configuration names no more. Refused while anything of it is still pending."""
    name = call.path["account"]
    if name not in await accounts.every(call.hub.database.reader):
        raise Refusal(404, "not-found", Reason("none.account", account=name))
    await call.hub.account_actions.remove(name, call.who)
    return await _all(call.hub)


def _configured(call: Call[Nothing, RenameRequest]) -> str:
    name = call.path["account"]
    if name not in call.hub.configuration.accounts:
        raise Refusal(404, "not-found", Reason("none.account-configured", account=name))
    return name


async def _all(hub: Hub) -> Accounts:
    gone = [
        GoneAccount(
            name=row.name,
            title=row.title or row.name,
            connector=row.connector,
            login=row.login,
            ties=await hub.account_actions.ties(hub.database.reader, row.name),
        )
        for row in await hub.account_actions.gone()
    ]
    return Accounts(items=await standing(hub), gone=tuple(gone))


ROUTES = (
    route("GET", "/api/v1/accounts", listing),
    route("GET", "/api/v1/accounts/{account}", one),
    route("POST", "/api/v1/accounts/{account}/fetch", fetch, limit=90.0, statuses=(200, 202), refusals=(502,)),
    route("POST", "/api/v1/accounts/{account}/pause", pause),
    route("POST", "/api/v1/accounts/{account}/resume", resume, refusals=(409,)),
    route("POST", "/api/v1/accounts/{account}/rename", rename),
    route("POST", "/api/v1/accounts/{account}/remove", remove, scope=Scope.ADMIN, refusals=(409,)),
)
