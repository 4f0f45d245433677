"""Telling of alarms: by mail to a real mail server, by web hook to a real web server, both on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import email
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email.policy import default
from itertools import pairwise
from typing import Any

import msgspec
import pytest
import structlog
from aiohttp import ClientSession, web
from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import AuthResult
from pydantic import SecretStr
from structlog.testing import capture_logs

from olhubd import config
from olhubd.decide.alarm_rules import AlarmFinding
from olhubd.engine.monitor.alarms import OpenAlarms
from olhubd.engine.monitor.notifier import AlarmSender, Channel
from olhubd.model import AlarmKind
from olhubd.runtime.supervisor import Supervisor
from olhubd.store import Database
from olhubd_kit.virtual_clock import VirtualClock

PARKED = AlarmFinding(kind=AlarmKind.PARKED, subject="market", detail="sign-in lost")
DISK = AlarmFinding(kind=AlarmKind.DISK, subject="data", detail="12 MB are left")


class Clockwork(VirtualClock):
    """Both its times go on by `pass_`."""

    def __init__(self) -> None:
        self._ahead = 0.0
        super().__init__(datetime(2026, 3, 10, 12, tzinfo=UTC))

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead

    def pass_(self, seconds: float) -> None:
        self._ahead += seconds


async def nothing() -> None:
    """What happens while a message is on its way, unless a test says otherwise."""


class Post:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.recipients: list[list[str]] = []
        self.refuse = False
        self.meanwhile: Callable[[], Awaitable[None]] = nothing

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        await self.meanwhile()
        if self.refuse:
            return "451 try again later, anna@example.com"
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"


class Hook:
    """A web server that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, Any], bytes, Any]] = []
        self.status = 204
        self.meanwhile: Callable[[], Awaitable[None]] = nothing

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        await self.meanwhile()
        if self.status < 300:
            self.got.append((msgspec.json.decode(body), body, request.headers))
        return web.Response(status=self.status)


class Stand:
    """Alarms, a herald and those who listen to it."""

    def __init__(self, database: Database, session: ClientSession, mail: int, hook: str) -> None:
        self.clock = Clockwork()
        log = structlog.get_logger()
        self.alarms = OpenAlarms(database, self.clock, log)
        self.settings = config.Alarms()
        self.herald = AlarmSender(self.alarms, lambda: self.settings, session, self.clock, log)
        self.post, self.hook = Post(), Hook()
        self.mail_port, self.hook_url = mail, hook

    def mails(self, **more: Any) -> None:
        self.settings = config.Alarms.model_validate(
            {
                "mail_to": ["anna@example.com", "jan@example.com"],
                "smtp_host": "127.0.0.1",
                "smtp_port": self.mail_port,
            }
            | more
        )

    def posts(self, **more: Any) -> None:
        self.settings = config.Alarms.model_validate({"webhook_url": self.hook_url} | more)


def vetted(_server: Any, _session: Any, _envelope: Any, _mechanism: str, shown: Any) -> AuthResult:
    return AuthResult(success=shown.password == b"right", handled=False)


@pytest.fixture
async def stand(database: Database) -> AsyncIterator[Stand]:
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        made = Stand(database, session, port, "")
        controller = UnthreadedController(
            made.post,
            hostname="127.0.0.1",
            port=port,
            loop=asyncio.get_running_loop(),
            authenticator=vetted,
            auth_require_tls=False,
        )
        controller.server = await controller._create_server()
        stack.callback(controller.server.close)
        app = web.Application()
        app.router.add_post("/hook", made.hook.take)
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        made.hook_url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield made


async def test_an_alarm_is_mailed_once_and_its_end_once(stand: Stand) -> None:
    stand.mails()
    await stand.alarms.settle([PARKED])
    for _ in range(3):
        await stand.herald.round()
    (mail,) = stand.post.mails
    assert mail["Subject"].endswith("alarm: parked market")
    assert "sign-in lost" in mail.get_content()
    assert stand.post.recipients == [["anna@example.com", "jan@example.com"]]
    await stand.alarms.settle([])
    for _ in range(3):
        await stand.herald.round()
    _, over = stand.post.mails
    assert "over: parked market" in over["Subject"]
    await stand.herald.round()
    assert len(stand.post.mails) == 2


async def test_several_at_a_time_are_one_mail(stand: Stand) -> None:
    stand.mails()
    await stand.alarms.settle([PARKED, DISK])
    await stand.herald.round()
    (mail,) = stand.post.mails
    assert mail["Subject"].endswith("and 1 more")
    assert "disk data: 12 MB are left" in mail.get_content()


async def test_a_mail_server_that_wants_a_password(stand: Stand) -> None:
    stand.mails(smtp_user="olhubd", smtp_password=SecretStr("wrong"))
    await stand.alarms.settle([PARKED])
    with capture_logs() as logs:
        await stand.herald.round()
    assert stand.post.mails == []
    assert stand.herald.trouble[Channel.MAIL].reason == "the mail server refused with 535"
    assert "wrong" not in str(logs)
    stand.mails(smtp_user="olhubd", smtp_password=SecretStr("right"))
    stand.clock.pass_(31)
    await stand.herald.round()
    assert len(stand.post.mails) == 1


async def test_what_cannot_be_mailed_waits_longer_each_time_and_is_not_lost(stand: Stand) -> None:
    """Told once that it fails and once that it works; the server's words, with an address in them, nowhere."""
    stand.mails()
    stand.post.refuse = True
    await stand.alarms.settle([PARKED])
    with capture_logs() as logs:
        tries = []
        for second in range(0, 400, 5):
            before = stand.herald.sent[Channel.MAIL, False]
            await stand.herald.round()
            if stand.herald.sent[Channel.MAIL, False] > before:
                tries.append(second)
            stand.clock.pass_(5)
        assert tries[0] == 0
        pauses = [later - earlier for earlier, later in pairwise(tries)]
        assert pauses == [30, 60, 120]
        stand.post.refuse = False
        await stand.alarms.settle([])
        stand.clock.pass_(3600)
        await stand.herald.round()
    assert [entry["event"] for entry in logs if "told" in entry["event"]] == [
        "alarms cannot be told",
        "alarms can be told again",
    ]
    assert "anna" not in str(logs)
    (mail,) = stand.post.mails
    assert "over: parked" in mail["Subject"], "raised and over meanwhile: one mail tells both"
    assert stand.herald.trouble == {}


async def test_a_web_hook_gets_each_alarm_signed(stand: Stand) -> None:
    stand.posts(webhook_secret=SecretStr("between us"))
    await stand.alarms.settle([PARKED, DISK])
    await stand.herald.round()
    await stand.alarms.settle([DISK])
    await stand.herald.round()
    assert [(one["kind"], one["state"]) for one, _, _ in stand.hook.got] == [
        ("parked", "raised"),
        ("disk", "raised"),
        ("parked", "cleared"),
    ]
    for _, body, headers in stand.hook.got:
        signed = headers["Olhubd-Timestamp"].encode() + b"." + body
        digest = hmac.new(b"between us", signed, hashlib.sha256).hexdigest()
        assert headers["Olhubd-Signature"] == f"sha256={digest}"


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_web_hook_that_does_not_take_it_gets_it_later(stand: Stand, status: int) -> None:
    stand.posts()
    stand.hook.status = status
    await stand.alarms.settle([PARKED])
    await stand.herald.round()
    assert stand.herald.trouble[Channel.WEBHOOK].reason == f"it answered {status}"
    stand.hook.status = 200
    await stand.herald.round()
    assert stand.hook.got == [], "not before its pause is over"
    stand.clock.pass_(30)
    await stand.herald.round()
    ((one, _, headers),) = stand.hook.got
    assert one["id"] == 1
    assert "Olhubd-Signature" not in headers


async def test_one_channel_that_fails_holds_up_no_other(stand: Stand) -> None:
    stand.mails(webhook_url=stand.hook_url)
    stand.post.refuse = True
    await stand.alarms.settle([PARKED])
    await stand.herald.round()
    assert len(stand.hook.got) == 1
    stand.post.refuse = False
    stand.clock.pass_(30)
    await stand.herald.round()
    assert len(stand.post.mails) == 1
    assert len(stand.hook.got) == 1


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("channel", Channel)
async def test_what_changes_while_it_is_told_is_told_too(stand: Stand, channel: Channel, ends: bool) -> None:
    """An alarm may end, or come again, while its message is on its way: the last message tells how it is."""
    if channel is Channel.MAIL:
        stand.mails()
    else:
        stand.posts()
    await stand.alarms.settle([PARKED])
    if not ends:
        await stand.herald.round()
        await stand.alarms.settle([])

    async def turn() -> None:
        stand.post.meanwhile = stand.hook.meanwhile = nothing
        await stand.alarms.settle([] if ends else [PARKED])

    stand.post.meanwhile = stand.hook.meanwhile = turn
    await stand.herald.round()
    told = [mail["Subject"].partition("] ")[2] for mail in stand.post.mails]
    told += [f"{one['state']}: {one['kind']} {one['subject']}" for one, _, _ in stand.hook.got]
    raised, over = ("alarm", "over") if channel is Channel.MAIL else ("raised", "cleared")
    states = [raised, over] if ends else [raised, over, raised]
    assert told == [f"{state}: parked market" for state in states]
    assert stand.alarms.untold(channel) == []


async def test_what_was_told_is_not_told_again_after_a_restart(stand: Stand, database: Database) -> None:
    stand.posts()
    await stand.alarms.settle([PARKED])
    await stand.herald.round()
    again = OpenAlarms(database, stand.clock, structlog.get_logger())
    await again.load()
    assert again.untold("webhook") == []
    assert [alarm.kind for alarm in again.untold("mail")] == [AlarmKind.PARKED]
    assert set(again.open) == {(AlarmKind.PARKED, "market")}


async def test_a_task_of_its_own_tells_at_once(stand: Stand) -> None:
    """Nobody waits a minute for an alarm."""
    stand.posts()
    supervisor = Supervisor(stand.clock, structlog.get_logger())
    supervisor.start("alarm messages", stand.herald.main)
    await asyncio.sleep(0.05)
    await stand.alarms.settle([PARKED])
    await eventually(lambda: len(stand.hook.got) == 1)
    await supervisor.stop_all()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
