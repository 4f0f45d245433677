"""What a handler declares is what the rule for all actions does: a small one of its own for each."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from olhubd import config
from olhubd.decide import plan
from olhubd.decide.hold import Hold
from olhubd.decide.plan import PlannedDelivery, StatusPayload
from olhubd.engine.directory import Directory
from olhubd.engine.event_log import EventLog
from olhubd.engine.in_force import InForce
from olhubd.engine.operator.deliveries import DeliveryActions
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.engine.outbox.handler import Done, Handler, OnHold, Result, Submitted
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.target import CapabilityMissing, TargetAccount
from olhubd.model import Action, Delivery, DeliveryState, Kind, Money, OrderId, Payment, Reason, Shipment, Stage
from olhubd.plugin import (
    Conflict,
    Connector,
    ContractBroken,
    OutcomeUnknown,
    PaymentSink,
    PluginError,
    Rejected,
    Settings,
    StatusSink,
    Unavailable,
)
from olhubd.store import Database, deliveries, events
from tests.engine.test_dispatcher import Bench, Shop
from tests.engine.test_doubt import owe
from tests.orders import order, paid


@pytest.fixture
async def bench(database: Database) -> Any:
    bench = Bench(database)
    yield bench
    if bench.task is not None:
        bench.task.cancel()
        await asyncio.gather(bench.task, return_exceptions=True)


class Command(Handler[StatusSink]):
    """A status that the target takes as a command: it answers with a number, and carries it out later."""

    action = Action.SET_STATUS
    capability = StatusSink

    def __init__(self, *reports: Result | PluginError | None, after: float = 0.02) -> None:
        self.reports = list(reports)
        self.after = after
        self.sent = 0
        self.asked: list[str] = []

    async def perform(self, target: TargetAccount, job: Job[Any]) -> Result:
        self.sent += 1
        return Submitted(f"command-{self.sent}", self.after)

    async def report(self, target: TargetAccount, job: Job[Any], ticket: str) -> Result | None:
        self.asked.append(ticket)
        said = self.reports.pop(0) if self.reports else Done()
        if isinstance(said, PluginError):
            raise said
        return said


class Creation(Command):
    """The same for what would be two: it is looked up where the target knows no command any more."""

    creates = True
    looks_up = True
    there = False
    looked = 0

    async def look_up(self, target: TargetAccount, job: Job[Any]) -> Result | None:
        self.looked += 1
        return Done() if self.there else None


async def given(bench: Bench, handler: Handler[Any]) -> None:
    """The order is at the shop, and something is owed that this handler carries out."""
    bench.use(handler)
    await bench.kill()
    await bench.land(order("A"))
    await bench.settled(1)
    await owe(bench, plan.status_at("shop", "sent", 0))


async def second(bench: Bench) -> Delivery:
    found = await deliveries.get(bench.database.reader, 2)
    assert found is not None
    return found


async def told(bench: Bench) -> list[str]:
    history = await events.of_order(bench.database.reader, OrderId(1))
    return [event.kind for event in history if event.kind.startswith("delivery.")]


async def test_what_is_submitted_stays_sent_until_its_report_says_that_it_is_done(bench: Bench) -> None:
    handler = Command(Submitted("command-1", 0.02), Submitted("command-1", 0.02))
    await given(bench, handler)
    await bench.until("confirmed", "confirmed")
    assert handler.sent == 1
    assert handler.asked == ["command-1"] * 3
    done = await second(bench)
    assert (done.attempts, done.ticket) == (1, None)
    assert await told(bench) == ["delivery.confirmed", "delivery.submitted", "delivery.confirmed"]


async def test_a_report_is_asked_for_after_the_time_that_the_target_named(bench: Bench) -> None:
    handler = Command(after=1234.0)
    await given(bench, handler)
    async with asyncio.timeout(10):
        while (row := await second(bench)).ticket is None:
            await asyncio.sleep(0.01)
    assert (row.state, row.ticket) == (DeliveryState.SENT, "command-1")
    assert timedelta(seconds=1200) < row.due_at - bench.clock.now() <= timedelta(seconds=1234)
    assert handler.asked == []


async def test_a_ticket_outlives_the_process(bench: Bench) -> None:
    """The next one asks for the report, and submits nothing a second time."""
    handler = Command(*[Submitted("command-1", 0.02)] * 1000)
    await given(bench, handler)
    async with asyncio.timeout(10):
        while len(handler.asked) < 3:
            await asyncio.sleep(0.01)
    await bench.kill()
    handler.reports.clear()
    await bench.until("confirmed", "confirmed")
    assert handler.sent == 1


@pytest.mark.parametrize(
    "error", [Unavailable("503"), OutcomeUnknown("no answer"), ContractBroken("the answer is not JSON")]
)
async def test_a_report_that_cannot_be_had_settles_nothing(bench: Bench, error: PluginError) -> None:
    handler = Command(error, error)
    await given(bench, handler)
    await bench.until("confirmed", "confirmed")
    assert (handler.sent, handler.asked) == (1, ["command-1"] * 3)


class Breaks(Command):
    """Its report fails in one way until it is mended."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault: Exception | None = fault

    async def report(self, target: TargetAccount, job: Job[Any], ticket: str) -> Result | None:
        self.asked.append(ticket)
        if self.fault is not None:
            raise self.fault
        return Done()


class NewCommand(Breaks):
    """The same for what would be two."""

    creates = True
    looks_up = True


@pytest.mark.parametrize("make", [Breaks, NewCommand])
@pytest.mark.parametrize(
    "fault",
    [
        ZeroDivisionError("a fault of the connector"),
        ContractBroken("the answer is not JSON"),
        CapabilityMissing(Reason("unable.action", target="Shop", action="set-status")),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_report_that_stays_broken_is_held_with_its_ticket_and_asked_for_again(
    bench: Bench, make: type[Breaks], fault: Exception
) -> None:
    """The target may still do it, so a person's retry asks for the report and submits nothing a second time."""
    handler = make(fault)
    with capture_logs():  # a trace with all that is in it takes a second to print
        await given(bench, handler)
        await bench.until("confirmed", "hold")
    held = await second(bench)
    assert held.ticket == "command-1"
    assert held.sent_at is not None
    handler.fault = None
    await retried(bench, held.id)
    await bench.until("confirmed", "confirmed")
    assert handler.sent == 1
    assert set(handler.asked) == {"command-1"}


async def retried(bench: Bench, number: int) -> None:
    """A person tries it again."""
    path = bench.database.path.with_name("olhubd.toml")
    path.write_text("[daemon]\n")
    in_force = InForce(config.load(path, None, {}))
    directory = Directory(in_force)
    actions = DeliveryActions(
        directory, in_force, bench.database, bench.clock, EventLog(bench.database, bench.clock)
    )
    await actions.retry(number, "test")
    bench.dispatcher.wake()


async def test_a_report_that_refuses_waits_for_a_person_and_is_submitted_anew_then(bench: Bench) -> None:
    handler = Command(Rejected("no such status"))
    await given(bench, handler)
    await bench.until("confirmed", "hold")
    held = await second(bench)
    assert (held.reason, held.ticket) == ("no such status", None)


async def test_a_setting_whose_ticket_is_unknown_is_set_again(bench: Bench) -> None:
    handler = Command(None)
    await given(bench, handler)
    await bench.until("confirmed", "confirmed")
    assert (handler.sent, handler.asked) == (2, ["command-1", "command-2"])


@pytest.mark.parametrize("there", [True, False])
async def test_a_creation_whose_ticket_is_unknown_is_looked_up(bench: Bench, there: bool) -> None:
    handler = Creation(None)
    handler.there = there
    await given(bench, handler)
    await bench.until("confirmed", "confirmed")
    assert handler.looked >= 1
    assert handler.sent == (1 if there else 2)


async def test_what_can_be_looked_up_nowhere_goes_once_at_most(bench: Bench) -> None:
    """A letter, say: nobody can tell whether it was sent, so a person is asked."""

    class Letter(Handler[StatusSink]):
        action = Action.SET_STATUS
        capability = StatusSink
        creates = True
        looks_up = True
        sent: ClassVar[int] = 0

        async def perform(self, target: TargetAccount, job: Job[Any]) -> Result:
            Letter.sent += 1
            raise OutcomeUnknown("no answer after DATA")

        async def look_up(self, target: TargetAccount, job: Job[Any]) -> Result | None:
            return OnHold(reason="it may have been sent", kind=Hold.DOUBT, sent=True)

    await given(bench, Letter())
    await bench.until("confirmed", "hold")
    assert Letter.sent == 1


PAYLOADS = {
    Action.SET_STATUS: StatusPayload("sent"),
    Action.ADD_SHIPMENT: Shipment(carrier="INPOST", waybill="620"),
}


class Bare(Connector[Settings]):
    """A system that can do nothing."""

    name = "bare"
    title = "Bare"

    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    "action",
    [action for action, one in HANDLERS.items() if one.capability is not None and Kind.ORDER in one.kinds],
)
async def test_a_missing_capability_is_a_hold_with_its_reason(bench: Bench, action: Action) -> None:
    """Always, and never a silent drop."""
    bench.start()
    await bench.land(order("A"))
    await bench.settled(1)
    bench.shop = Bare()  # type: ignore[assignment]
    await bench.kill()
    if action is Action.PUSH_ORDER:
        await bench.land(order("B"))
    elif action is Action.CANCEL_ORDER:
        await bench.land(order("A", stage=Stage.CANCELLED))
    else:
        await owe(
            bench, PlannedDelivery(target="shop", action=action, cause=0, key="x", payload=PAYLOADS.get(action))
        )
    await bench.until("confirmed", "hold")
    held = await second(bench)
    assert held.state is DeliveryState.HOLD
    assert held.reason == Reason(HANDLERS[action].unable, target="Bare", action=action.value)


class Late(Shop, PaymentSink):
    """It takes no payment any more."""

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        raise Conflict("the purchase is cancelled")


@pytest.mark.parametrize("action", [Action.SET_STATUS, Action.SET_PAYMENT])
async def test_a_setting_that_comes_too_late_is_given_up_and_nobody_has_to_see_to_it(
    bench: Bench, action: Action
) -> None:
    bench.shop = Late()
    await bench.kill()
    await bench.land(order("A", payment=paid("3.00")))
    await bench.settled(1)
    await owe(bench, PlannedDelivery(target="shop", action=action, cause=0, key="x", payload=PAYLOADS.get(action)))
    await bench.until("confirmed", "dead")
    assert (await told(bench))[-1] == "delivery.refused"
