"""What Prometheus reads. Labels name accounts, feeds, plugins and states; never an order, never a person.

The numbers are read from the engine when they are asked for; nothing counts twice and nothing counts in vain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from olhubd import __version__
from olhubd.control.api.accounts import standing
from olhubd.control.api.schema.accounts import Account, AccountState
from olhubd.control.api.schema.base import Nothing
from olhubd.control.http.routes import Call, route
from olhubd.engine.access.budget import BudgetState
from olhubd.engine.hub import Hub
from olhubd.model import AlarmKind, DeliveryState, RunState

__all__ = ["ROUTES", "Snapshot"]

_SETTLED = frozenset({DeliveryState.CONFIRMED, DeliveryState.DROPPED})


class Snapshot(Collector):
    """The hub at one moment. `accounts` were read from the database before."""

    def __init__(self, hub: Hub, accounts: Iterable[Account]) -> None:
        self._hub = hub
        self._accounts = tuple(accounts)

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("olhubd_build", "The running version.", {"version": __version__})
        yield from self._feeds()
        yield from self._outbox()
        yield from self._states()
        yield from self._budgets()
        yield from self._alarms()
        yield from self._loops()

    def _feeds(self) -> Iterator[Metric]:
        labels = ("account", "feed")
        runs = CounterMetricFamily("olhubd_runs", "Executions of a feed.", labels=(*labels, "outcome"))
        counters = {
            "added": CounterMetricFamily(
                "olhubd_orders_landed", "Orders stored for the first time.", labels=labels
            ),
            "changed": CounterMetricFamily("olhubd_orders_changed", "Orders stored anew.", labels=labels),
            "seen": CounterMetricFamily("olhubd_records_seen", "Records that feeds told.", labels=labels),
            "quarantined": CounterMetricFamily(
                "olhubd_records_quarantined", "Records that could not be stored.", labels=labels
            ),
            "missed": CounterMetricFamily("olhubd_orders_missed", "Orders that only a sweep found.", labels=labels),
        }
        last = GaugeMetricFamily(
            "olhubd_run_last_success_timestamp_seconds", "When the last good run ended.", labels=labels
        )
        for key, totals in sorted(self._hub.runs.totals.items()):
            runs.add_metric((*key, "done"), totals.runs - totals.failed)
            runs.add_metric((*key, "failed"), totals.failed)
            for name, counter in counters.items():
                counter.add_metric(key, getattr(totals, name))
        for key, run in sorted(self._hub.runs.latest.items()):
            if run.state is RunState.DONE and run.ended_at is not None:
                last.add_metric(key, run.ended_at.timestamp())
        yield from (runs, *counters.values(), last)

    def _outbox(self) -> Iterator[Metric]:
        owed = GaugeMetricFamily(
            "olhubd_deliveries",
            "Deliveries that are not settled, and those that were refused for good.",
            labels=("target", "state"),
        )
        oldest = GaugeMetricFamily(
            "olhubd_delivery_oldest_open_seconds", "Age of the oldest delivery that is owed.", labels=("target",)
        )
        confirmed = CounterMetricFamily(
            "olhubd_deliveries_confirmed", "Deliveries that the target confirmed.", labels=("target",)
        )
        down = GaugeMetricFamily("olhubd_target_down", "Whether the target does not answer.", labels=("target",))
        now = self._hub.clock.now()
        for account in self._accounts:
            for state in DeliveryState:
                if state not in _SETTLED:
                    owed.add_metric((account.name, state.value), account.owed.get(state, 0))
            age = (now - account.oldest_owed_at).total_seconds() if account.oldest_owed_at else 0.0
            oldest.add_metric((account.name,), max(0.0, age))
            unit = self._hub.units.get(account.name)
            if unit is not None and unit.outbox.dispatcher is not None:
                confirmed.add_metric((account.name,), unit.outbox.dispatcher.confirmed)
            down.add_metric((account.name,), account.down)
        yield from (owed, oldest, confirmed, down)

    def _states(self) -> Iterator[Metric]:
        states = GaugeMetricFamily(
            "olhubd_account_state", "1 for the state the account is in.", labels=("account", "connector", "state")
        )
        quarantine = GaugeMetricFamily(
            "olhubd_quarantine_records", "Records that wait for somebody to mend them.", labels=("account",)
        )
        for account in self._accounts:
            for state in AccountState:
                states.add_metric((account.name, account.connector, state.value), account.state is state)
            quarantine.add_metric((account.name,), account.quarantined)
        yield from (states, quarantine)

    def _budgets(self) -> Iterator[Metric]:
        labels = ("plugin", "budget")
        left = GaugeMetricFamily("olhubd_budget_left", "Calls that could go at once.", labels=labels)
        shut = GaugeMetricFamily("olhubd_budget_shut", "Whether a 429 stopped all calls.", labels=labels)
        waiting = GaugeMetricFamily("olhubd_budget_waiting", "Calls that wait for their turn.", labels=labels)
        for gate in self._hub.budgets.snapshot():
            # A key may hold an application's id or a shop's address; a digest distinguishes them as well.
            digest = hashlib.blake2b(gate.key.encode(), digest_size=4).hexdigest()
            key = (gate.key.partition(":")[0], digest)
            left.add_metric(key, gate.left)
            shut.add_metric(key, gate.state is not BudgetState.OPEN)
            waiting.add_metric(key, sum(gate.waiting.values()))
        yield from (left, shut, waiting)

    def _alarms(self) -> Iterator[Metric]:
        on = GaugeMetricFamily("olhubd_alarm", "1 for each alarm that is on.", labels=("kind", "subject"))
        ran = CounterMetricFamily("olhubd_check_runs", "Things that a check looked at.", labels=("check",))
        found = CounterMetricFamily("olhubd_check_findings", "Things that it found wrong.", labels=("check",))
        told = CounterMetricFamily("olhubd_alarm_messages", "Messages about alarms.", labels=("channel", "outcome"))
        differs = GaugeMetricFamily(
            "olhubd_reconciliation_difference",
            "Orders that source and hub do not both hold, on the last day compared.",
            labels=("account",),
        )
        for alarm in self._hub.alarms.open.values():
            on.add_metric((alarm.kind.value, alarm.subject), 1)
        watch = self._hub.checks
        for kind in AlarmKind:
            ran.add_metric((kind.value,), watch.ran[kind])
            found.add_metric((kind.value,), watch.found[kind])
        for (channel, well), count in sorted(self._hub.alarm_sender.sent.items()):
            told.add_metric((channel.value, "done" if well else "failed"), count)
        for account, last in sorted(self._hub.reconciler.last.items()):
            differs.add_metric((account,), last.missing + last.surplus)
        yield from (on, ran, found, told, differs)

    def _loops(self) -> Iterator[Metric]:
        supervisor = self._hub.supervisor
        yield GaugeMetricFamily("olhubd_loops", "Tasks that the daemon runs.", len(supervisor))
        yield GaugeMetricFamily(
            "olhubd_loops_overdue", "Tasks that missed their deadline.", len(supervisor.overdue())
        )
        yield GaugeMetricFamily("olhubd_loops_failing", "Tasks that fail again and again.", len(supervisor.failing))


async def metrics(call: Call[Nothing, Nothing]) -> web.Response:
    """All metrics, in the Prometheus text format or OpenMetrics."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(Snapshot(call.hub, await standing(call.hub)))
    encode, content_type = choose_encoder(call.headers.get("Accept", ""))
    return web.Response(body=encode(registry), headers={"Content-Type": content_type})


ROUTES = (route("GET", "/metrics", metrics, media=("text/plain", "application/openmetrics-text")),)
