"""The daemon as a whole: its state, its plugins, its configuration and its log."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from olhubd import __version__, config
from olhubd.control.api.accounts import standing
from olhubd.control.api.health import readiness
from olhubd.control.api.plugin_list import described
from olhubd.control.api.schema.alarms import AlarmRow
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.plugins import Plugins
from olhubd.control.api.schema.system import Budget, LogLevelAnswer, LogLevelRequest, ReloadResult, Status
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.engine.access.budget import BudgetStatus as Gate
from olhubd.engine.hub import Hub
from olhubd.model import DeliveryState, Reason, Scope
from olhubd.plugin import loading
from olhubd.store import deliveries, levels, quarantine, sales_stops

__all__ = ["ROUTES", "resident_bytes"]


async def status(call: Call[Nothing, Nothing]) -> Status:
    """The daemon at a glance."""
    hub = call.hub
    found = await readiness(hub)
    reader = hub.database.reader
    owed: Counter[DeliveryState] = Counter()
    for (_, state), count in (await deliveries.tally(reader)).items():
        owed[state] += count
    return Status(
        version=__version__,
        started_at=hub.started_at,
        now=hub.clock.now(),
        ready=found.ready,
        overdue=found.overdue,
        failing=tuple(sorted(hub.supervisor.failing)),
        loops=len(hub.supervisor),
        accounts=dict(Counter(account.state for account in await standing(hub))),
        owed=dict(owed),
        oldest_owed_at=min((await deliveries.oldest_open(reader)).values(), default=None),
        quarantined=sum((await quarantine.tally(reader)).values()),
        budgets=tuple(map(_budget, hub.budgets.snapshot())),
        not_resumed=await levels.unresumed(reader) if hub.in_force.stock() else {},
        sales_stopped=tuple(one.account for one in await sales_stops.every(reader)) if hub.in_force.stock() else (),
        resident_bytes=resident_bytes(),
        alarms=tuple(AlarmRow.of(alarm) for alarm in hub.alarms.open.values()),
        warnings=(*map(str, hub.configuration.warnings), *_troubles(hub)),
    )


def _troubles(hub: Hub) -> Iterator[str]:
    for channel, trouble in hub.alarm_sender.trouble.items():
        yield Reason(
            "warning.alarms", channel=channel.value, since=f"{trouble.since:%Y-%m-%d %H:%M}", why=trouble.reason
        )
    for plugin, stumble in hub.observers.failing.items():
        since, many = f"{stumble.since:%Y-%m-%d %H:%M} UTC", stumble.events
        yield f"the plugin {plugin} fails to observe events since {since}, {many} so far: {stumble.reason}"


def _budget(gate: Gate) -> Budget:
    return Budget(
        key=gate.key,
        state=gate.state.value,
        left=gate.left,
        active=gate.active,
        waiting=sum(gate.waiting.values()),
        closed_until=gate.closed_until,
    )


def resident_bytes() -> int | None:
    """The memory of this process that is in RAM; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


async def plugins(call: Call[Nothing, Nothing]) -> Plugins:
    """All installed plugins. One that no account needs is not loaded, so its connectors are not known."""
    return Plugins(items=described(call.hub.configuration.plugins, loading.installed()))


async def reload(call: Call[Nothing, Nothing]) -> ReloadResult:
    """Reload the configuration. When it is wrong the old one stays in force.

    One that takes longer than is waited for still goes on to its end.
    """
    changes = await call.context.steer.reload(call.who)
    return ReloadResult(
        begun=tuple(changes.get("begun", ())),
        changed=tuple(changes.get("changed", ())),
        ended=tuple(changes.get("ended", ())),
        warnings=tuple(map(str, call.hub.configuration.warnings)),
    )


async def log_level(call: Call[Nothing, LogLevelRequest]) -> LogLevelAnswer:
    """Log from this severity on, until the daemon restarts."""
    level = call.body.level
    known = [word.value for word in config.LogLevel]
    if level not in known:
        raise Refusal(400, "parameter", f"level: must be one of {', '.join(known)}", parameter="level")
    await call.hub.events.note("daemon.log-level-set", {"level": level}, call.who)
    await call.context.steer.log_level(level)
    return LogLevelAnswer(level=level)


ROUTES = (
    route("GET", "/api/v1/status", status),
    route("GET", "/api/v1/plugins", plugins),
    route("POST", "/api/v1/reload", reload, limit=120.0, scope=Scope.ADMIN, refusals=(422,)),
    route("POST", "/api/v1/log-level", log_level, scope=Scope.ADMIN),
)
