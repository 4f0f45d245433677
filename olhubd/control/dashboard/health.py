"""Whether all is well, and if not, what is wrong: pure, from what the API says of the daemon and its accounts."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from olhubd.control.api.schema.accounts import Account, AccountState
from olhubd.control.api.schema.system import Status
from olhubd.model import AlarmKind, DeliveryState, RunState

__all__ = ["HealthFinding", "Level", "findings", "level", "worst"]

_LATE = timedelta(minutes=15)
_SOON = timedelta(days=14)


class Level(enum.StrEnum):
    """How bad it is; the order is that of gravity."""

    OK = "ok"
    IDLE = "idle"
    """Off by somebody's will."""
    WARN = "warn"
    """Waits for a person, and what else there is goes on."""
    BAD = "bad"
    """Something does not work."""


_ALARMS = {
    AlarmKind.SILENCE: Level.WARN,
    AlarmKind.FEED: Level.BAD,
    AlarmKind.RETENTION: Level.BAD,
    AlarmKind.MISSED: Level.WARN,
    AlarmKind.RECONCILIATION: Level.BAD,
    AlarmKind.UNCHECKED: Level.WARN,
    AlarmKind.DISK: Level.BAD,
    AlarmKind.BRAKE: Level.WARN,
    AlarmKind.FORBIDDEN: Level.BAD,
    AlarmKind.SETTING: Level.WARN,
    AlarmKind.IMPORT_DUE: Level.WARN,
}
"""Alarms beside what is read of the daemon and its accounts here at once."""


@dataclass(frozen=True)
class HealthFinding:
    """One thing that is not as it should be: a key of the catalogue, its values, and where to handle it."""

    level: Level
    key: str
    href: str
    count: int | None = None
    kind: AlarmKind | None = None
    values: Mapping[str, object] = field(default_factory=dict)


def level(account: Account) -> Level:
    """The state of one account."""
    if account.state is AccountState.PARKED or account.down or _failing(account):
        return Level.BAD
    if account.state is not AccountState.ACTIVE:
        return Level.IDLE
    held = account.owed.get(DeliveryState.HOLD, 0)
    return Level.WARN if account.signed_in is False or account.quarantined or held else Level.OK


def _failing(account: Account) -> bool:
    run = account.runs.get("orders")
    failed = account.last_error is not None or (run is not None and run.state is RunState.FAILED)
    # What fetches no orders may have other feeds; one that was never reached has none at work, and is down.
    return account.state is AccountState.ACTIVE and failed and (account.fetches_orders or not account.down)


def findings(status: Status, accounts: Sequence[Account]) -> list[HealthFinding]:
    """The gravest first; empty when all is well."""
    found = [*_daemon(status)]
    for account in accounts:
        found.extend(_account(account, status.now))
    found.extend(_alarms(status))
    held = status.owed.get(DeliveryState.HOLD, 0)
    if held:
        found.append(HealthFinding(Level.WARN, "verdict.held", "/waiting", held))
    if status.quarantined:
        found.append(HealthFinding(Level.WARN, "verdict.quarantined", "/waiting#quarantine", status.quarantined))
    if status.warnings:
        found.append(HealthFinding(Level.WARN, "verdict.warnings", "#warnings", len(status.warnings)))
    if not accounts:
        found.append(HealthFinding(Level.WARN, "verdict.no-accounts", "/accounts"))
    gravity = list(Level)
    return sorted(found, key=lambda finding: -gravity.index(finding.level))


def _daemon(status: Status) -> list[HealthFinding]:
    found = []
    if status.overdue:
        found.append(HealthFinding(Level.BAD, "verdict.stuck", "#", values={"loops": ", ".join(status.overdue)}))
    elif not status.ready:
        found.append(HealthFinding(Level.BAD, "verdict.database", "#"))
    failing = [name for name in status.failing if name not in status.overdue]
    if failing:
        found.append(HealthFinding(Level.BAD, "verdict.failing", "#", values={"loops": ", ".join(failing)}))
    since = status.oldest_owed_at
    if since is not None and status.now - since > _LATE and not status.owed.get(DeliveryState.HOLD):
        found.append(HealthFinding(Level.WARN, "verdict.late", "#oldest", values={"span": status.now - since}))
    return found


def _alarms(status: Status) -> list[HealthFinding]:
    """Those that say what nothing else here says."""
    found = []
    for alarm in status.alarms:
        if alarm.kind in _ALARMS:
            values = {"subject": alarm.subject, "reason": alarm.detail}
            found.append(
                HealthFinding(_ALARMS[alarm.kind], "verdict.alarm", "#alarms", kind=alarm.kind, values=values)
            )
    return found


def _account(account: Account, now: datetime) -> list[HealthFinding]:
    href = f"/accounts#{quote(account.name)}"
    values = {"account": account.name, "reason": account.reason or ""}
    found = []
    if account.state is AccountState.PARKED:
        found.append(HealthFinding(Level.BAD, "verdict.parked", href, values=values))
    elif account.state is AccountState.PAUSED:
        found.append(HealthFinding(Level.WARN, "verdict.paused", href, values=values))
    elif account.state is AccountState.ACTIVE:
        if account.signed_in is False:
            found.append(HealthFinding(Level.WARN, "verdict.signed-out", href, values=values))
        elif _failing(account):
            run = account.runs.get("orders")
            error = account.last_error or (run.error if run is not None else None) or ""
            found.append(HealthFinding(Level.BAD, "verdict.run", href, values={**values, "reason": error}))
        if account.down:
            found.append(HealthFinding(Level.BAD, "verdict.down", href, values=values))
    ends = account.sign_in_ends_at
    if ends is not None and ends - now < _SOON:
        found.append(HealthFinding(Level.WARN, "verdict.ends", href, values={**values, "span": ends - now}))
    return found


def worst(found: Sequence[HealthFinding]) -> Level:
    return found[0].level if found else Level.OK
