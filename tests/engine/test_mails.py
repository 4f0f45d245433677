"""Mails to buyers, from the event to a mail server on loopback: each at most once, and none about the past."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import structlog

from olhubd import config
from olhubd.decide.mails.rule import MailRule, MailText, Occasion
from olhubd.engine.calls import Calls, OverdueCalls
from olhubd.engine.directory import Directory
from olhubd.engine.event_log import EventLog
from olhubd.engine.in_force import InForce
from olhubd.engine.mails.follower import MailPlanner
from olhubd.engine.operator.deliveries import DeliveryActions
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.engine.outbox.attempt import Executor, RetryPolicy
from olhubd.engine.outbox.dispatcher import Dispatcher
from olhubd.model import Buyer, Order, Shipment, Stage
from olhubd.store import Database, deliveries, events
from olhubd_kit import test_host
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_smtp import Smtp
from tests.engine.test_dispatcher import Bench
from tests.orders import order, paid
from tests.plugins.smtp.simulator import SmtpSimulator

THANKS = MailText(subject="Order {{ number }}", text="IF_ALLEGRO Allegro! ENDIF_ALLEGRO\n{{ buyer.first_name }}\n")
RULE = MailRule(through="post", sources={"allegro": "allegro"}, texts=dict.fromkeys(Occasion, THANKS), copies=())
NOW = datetime.now(UTC) + timedelta(hours=12)
"""After every switch, however long ago this was imported."""
BUYER = Buyer(login="zofia", first_name="Zofia", email="zofia@buyer.example")


def bought(external_id: str = "m1", **more: Any) -> Order:
    more = {"placed_at": NOW, "buyer": BUYER, "stage": Stage.CONFIRMED, **more}
    return msgspec.structs.replace(order(external_id), **more)


def with_money(order: Order) -> Order:
    return msgspec.structs.replace(order, payment=paid(str(order.total.amount)))


class PostBench(Bench):
    """Its target is a mail server."""

    post: Smtp

    def __init__(self, database: Database, post: Smtp) -> None:
        self.post = post
        self.rules: list[MailRule] = [RULE]
        super().__init__(database)
        self.routes = []
        self.planner = MailPlanner(
            lambda: self.rules, database, self.clock, lambda _targets: self.dispatcher.wake()
        )

    def make(self) -> Dispatcher:
        log = structlog.get_logger()
        policy = RetryPolicy(backoff_first=0.03, backoff_max=0.2, look_up_after=0.02, timeout=self.timeout)
        executor = Executor(
            "post",
            self.post,
            self.clock,
            log,
            policy,
            lambda: self.routes,
            lambda account: None,
            lambda: self.amend,
            self.lineage,
            Calls("post", self.clock, log, OverdueCalls(), limit=lambda: policy.timeout),
            HANDLERS,
            mails=lambda: self.rules,
        )
        return Dispatcher(
            "post",
            executor,
            self.database,
            self.clock,
            log,
            parallel=2,
            policy=policy,
            wake_others=lambda targets: None,
            lost=self.park,
            displaced=self.displaced.set,
        )


@pytest.fixture
def server() -> SmtpSimulator:
    return SmtpSimulator()


@pytest.fixture
async def bench(database: Database, server: SmtpSimulator) -> AsyncIterator[PostBench]:
    async with (
        serve(server) as base,
        test_host.account(Smtp, {**server.settings(base), "timeout": "300 ms"}) as post,
    ):
        bench = PostBench(database, post)
        await bench.planner.round()
        bench.start()
        yield bench
        if bench.task is not None:
            bench.task.cancel()
            await asyncio.gather(bench.task, return_exceptions=True)


async def test_each_occasion_is_written_about_once(bench: PostBench, server: SmtpSimulator) -> None:
    """NOT-03, NOT-08. Part of NOT-11."""
    one = bought()
    await bench.land(one)
    await bench.planner.round()
    await bench.until("confirmed")
    await bench.land(with_money(one))
    await bench.land(msgspec.structs.replace(with_money(one), shipments=(Shipment(carrier="X", waybill="W1"),)))
    await bench.planner.round()
    await bench.planner.round()
    await bench.until("confirmed", "confirmed", "confirmed")
    assert [mail["recipients"] for mail in server.mails] == [[BUYER.email]] * 3
    assert server.mails[0]["subject"] == "Order m1"
    assert server.mails[0]["text"].split() == ["Allegro!", "Zofia"]
    assert len({mail["message_id"] for mail in server.mails}) == 3
    assert all(mail["message_id"].endswith("@seller.example>") for mail in server.mails)
    kinds = [event.kind for event in await events.since(bench.database.reader, 0)]
    assert [kind for kind in kinds if kind.startswith("mail.")] == ["mail.received", "mail.paid", "mail.sent"]


async def test_without_a_rule_nobody_is_written_to_and_the_past_stays_past(
    bench: PostBench, server: SmtpSimulator
) -> None:
    """NOT-02"""
    bench.rules = []
    await bench.planner.round()
    await bench.land(bought("before"))
    await bench.planner.round()
    bench.rules = [RULE]
    await bench.planner.round()
    await bench.land(bought("old", placed_at=NOW - timedelta(days=3)), with_money(bought("before")), bought("new"))
    await bench.planner.round()
    await bench.until("confirmed", "confirmed")
    assert sorted(mail["subject"] for mail in server.mails) == ["Order before", "Order new"]


async def test_what_its_marketplace_says_itself_is_not_written(bench: PostBench, server: SmtpSimulator) -> None:
    """Part of NOT-01."""
    bench.rules = [msgspec.structs.replace(RULE, quiet={"allegro": frozenset({Occasion.RECEIVED, Occasion.SENT})})]
    await bench.planner.round()
    await bench.land(with_money(bought()))
    await bench.planner.round()
    await bench.until("confirmed")
    assert len(server.mails) == 1


async def test_a_mail_with_nothing_in_it_is_not_sent(bench: PostBench, server: SmtpSimulator) -> None:
    """NOT-10"""
    nothing = MailText(subject="x", text="\nIF_NOT_ALLEGRO\nHello\nENDIF_NOT_ALLEGRO\n")
    bench.rules = [msgspec.structs.replace(RULE, texts={Occasion.RECEIVED: nothing})]
    await bench.land(bought())
    await bench.planner.round()
    await bench.until("dropped")
    assert server.mails == []


@pytest.mark.parametrize("there", [True, False])
async def test_a_lost_answer_is_a_hold_and_a_person_decides(
    bench: PostBench, server: SmtpSimulator, there: bool
) -> None:
    server.faults.add(Fault(kind=FaultKind.CUT, match="text" if there else "354"))
    await bench.land(bought())
    await bench.planner.round()
    await bench.until("hold")
    assert len(server.mails) == int(there)
    [held] = await deliveries.listing(bench.database.reader)
    assert held.external_id is not None, "a person may say that it has gone"
    actions = await person(bench)
    if there:
        await actions.accept(held.id, "ann")
        await bench.until("confirmed")
        assert [mail["message_id"] for mail in server.mails] == [held.external_id]
    else:
        await actions.retry(held.id, "ann")
        bench.dispatcher.wake()
        await bench.until("confirmed")
        assert [mail["message_id"] for mail in server.mails] == [held.external_id]


async def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_held(
    bench: PostBench, server: SmtpSimulator
) -> None:
    server.faults.add(Fault(kind=FaultKind.ERROR, match="RCPT", status=200, body="450 4.2.0 greylisted", times=2))
    await bench.land(bought())
    await bench.planner.round()
    await bench.until("confirmed")
    server.refuse_recipient("gone@buyer.example")
    await bench.land(bought("m2", buyer=msgspec.structs.replace(BUYER, email="gone@buyer.example")))
    await bench.planner.round()
    await bench.until("confirmed", "hold")
    assert len(server.mails) == 1


async def test_a_process_that_dies_sends_nothing_twice(bench: PostBench, server: SmtpSimulator) -> None:
    server.faults.add(Fault(kind=FaultKind.HANG, match="text"))
    await bench.land(bought())
    await bench.planner.round()

    for _ in range(500):
        if server.mails:
            break
        await asyncio.sleep(0.01)
    await bench.kill()
    await bench.until("hold")
    assert len(server.mails) == 1


async def test_a_cancelled_order_is_not_thanked_for(bench: PostBench, server: SmtpSimulator) -> None:
    server.faults.add(Fault(kind=FaultKind.ERROR, match="RCPT", status=200, body="450 4.2.0 later", times=1))
    bench.rules = [msgspec.structs.replace(RULE, texts={Occasion.RECEIVED: THANKS, Occasion.CANCELLED: THANKS})]
    await bench.planner.round()
    bench.dispatcher.pause()
    await bench.land(bought())
    await bench.planner.round()
    await bench.land(bought(stage=Stage.CANCELLED))
    await bench.planner.round()
    server.faults.clear()
    bench.dispatcher.resume()
    await bench.until("dropped", "confirmed")
    assert len(server.mails) == 1


async def person(bench: PostBench) -> DeliveryActions:
    path = bench.database.path.with_name("olhubd.toml")
    path.write_text("[daemon]\n")
    settings = InForce(config.load(path, None, {}))
    log = EventLog(bench.database, bench.clock)
    return DeliveryActions(Directory(settings), settings, bench.database, bench.clock, log)


def with_parcel(order: Order, waybill: str, made_at: datetime | None = None) -> Order:
    return msgspec.structs.replace(order, shipments=(Shipment(carrier="X", waybill=waybill, created_at=made_at),))


async def test_a_parcel_is_one_however_its_number_was_typed(bench: PostBench, server: SmtpSimulator) -> None:
    bench.rules = [msgspec.structs.replace(RULE, texts={Occasion.SENT: THANKS})]
    await bench.planner.round()
    await bench.land(bought())
    for waybill in ("jd 0123", "JD0123"):
        await bench.land(with_parcel(bought(), waybill))
        await bench.planner.round()
    await bench.until("confirmed")
    assert len(server.mails) == 1


async def test_a_parcel_that_an_order_brings_along_is_written_about(
    bench: PostBench, server: SmtpSimulator
) -> None:
    """Packed before the hub heard of it: no event tells of the parcel, only of the order."""
    bench.rules = [msgspec.structs.replace(RULE, texts={Occasion.SENT: THANKS})]
    await bench.planner.round()
    await bench.land(with_parcel(bought(), "W1"))
    await bench.planner.round()
    await bench.land(with_parcel(bought(number="N1"), "W1"))
    await bench.planner.round()
    await bench.until("confirmed")
    assert len(server.mails) == 1


async def test_a_parcel_of_before_the_switch_is_the_past(bench: PostBench, server: SmtpSimulator) -> None:
    """NOT-02: that it became known only now makes it no news to its buyer."""
    bench.rules = [msgspec.structs.replace(RULE, texts={Occasion.SENT: THANKS})]
    await bench.planner.round()
    long_ago = NOW - timedelta(days=30)
    await bench.land(bought(placed_at=long_ago), bought("m2"))
    await bench.land(with_parcel(bought(placed_at=long_ago), "W1", long_ago), with_parcel(bought("m2"), "W2", NOW))
    await bench.planner.round()
    await bench.until("confirmed")
    assert [mail["subject"] for mail in server.mails] == ["Order m2"]


async def test_who_cancelled_and_thought_better_of_it_is_not_told_of_the_first(
    bench: PostBench, server: SmtpSimulator
) -> None:
    bench.rules = [msgspec.structs.replace(RULE, texts={Occasion.CANCELLED: THANKS})]
    await bench.planner.round()
    bench.dispatcher.pause()
    await bench.land(bought())
    await bench.land(bought(stage=Stage.CANCELLED))
    await bench.planner.round()
    await bench.land(bought())
    bench.dispatcher.resume()
    await bench.until("dropped")
    assert server.mails == []


async def test_the_buyer_reads_the_number_that_they_know(bench: PostBench, server: SmtpSimulator) -> None:
    await bench.land(bought(number="FV/2026/17"))
    await bench.planner.round()
    await bench.until("confirmed")
    assert server.mails[0]["subject"] == "Order FV/2026/17"


async def test_a_mail_account_that_is_moved_repeats_nothing_and_misses_nothing(bench: PostBench) -> None:
    """What went through the old account is done; what happened before the planner saw the new one is no past."""
    bench.dispatcher.pause()
    await bench.land(bought())
    await bench.planner.round()
    bench.rules = [msgspec.structs.replace(RULE, through="post2")]
    await bench.land(bought(stage=Stage.CANCELLED))
    await bench.planner.round()
    await bench.land(bought())
    await bench.planner.round()
    rows = await deliveries.listing(bench.database.reader)
    assert sorted((row.target, row.key) for row in rows) == [("post", "received"), ("post2", "cancelled")]
