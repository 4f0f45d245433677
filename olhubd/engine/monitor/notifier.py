"""Sending alarms by mail and web hook, where that is configured.

Each alarm is sent twice on each channel: when it was raised and when it was cleared. What cannot be sent is tried
again after a growing pause, for as long as it takes, and holds up nothing else; that it fails is logged once and
shown in the status. After a crash a message may be sent twice, so each message carries the alarm's number.
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import hmac
import smtplib
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial

import aiohttp
import msgspec

from olhubd import __version__, config
from olhubd.engine.monitor.alarms import OpenAlarms
from olhubd.model import Alarm, Reason, code_of, plain
from olhubd.plugin import Clock, Log
from olhubd.runtime.backoff import delay
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.runtime.threads import apart

__all__ = ["AlarmSender", "Channel", "ChannelFailure"]

_LIMIT = 20.0
"""Seconds for one message."""
_FIRST, _LONGEST = 30.0, 3600.0
_QUIET = 60.0


class Channel(enum.StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"


class ChannelFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a channel does not work, since when, and when it is tried again."""

    reason: str
    since: datetime
    tries: int
    again: float


class AlarmSender:
    """Sends what `alarms` has that was not sent."""

    def __init__(
        self,
        alarms: OpenAlarms,
        settings: Callable[[], config.Alarms],
        session: aiohttp.ClientSession,
        clock: Clock,
        log: Log,
    ) -> None:
        self._alarms = alarms
        self._settings = settings
        self._session = session
        self._clock = clock
        self._log = log
        self._host = socket.gethostname()
        self.trouble: dict[Channel, ChannelFailure] = {}
        self.sent: Counter[tuple[Channel, bool]] = Counter()

    def start(self, supervisor: Supervisor) -> None:
        supervisor.start("alarm messages", self.main)

    async def main(self, pulse: Heartbeat) -> None:
        """Send, for ever."""
        while True:
            pulse.beat(_QUIET * 2 + 20 * _LIMIT)
            self._alarms.changed.clear()
            await self.round(pulse)
            pulse.well()
            pulse.beat(_QUIET * 2)
            alarm = asyncio.get_running_loop().call_later(self._pause(), self._alarms.changed.set)
            try:
                await self._alarms.changed.wait()
            finally:
                alarm.cancel()

    async def round(self, pulse: Heartbeat | None = None) -> None:
        """Send once what waits, on the channels that are not resting."""
        settings = self._settings()
        channels = self._channels(settings)
        self.trouble = {channel: trouble for channel, trouble in self.trouble.items() if channel in channels}
        for channel in channels:
            trouble = self.trouble.get(channel)
            if trouble is not None and self._clock.monotonic() < trouble.again:
                continue
            while waiting := self._alarms.untold(channel):
                # All in one mail; a program gets one at a time.
                part = waiting if channel is Channel.MAIL else waiting[:1]
                if pulse is not None:
                    pulse.beat(_QUIET * 2 + 20 * _LIMIT)
                if not await self._tell(channel, settings, part):
                    break
        self._alarms.forget(channel.value for channel in channels)

    def _channels(self, settings: config.Alarms) -> list[Channel]:
        wanted = {Channel.MAIL: bool(settings.mail_to), Channel.WEBHOOK: settings.webhook_url is not None}
        return [channel for channel, on in wanted.items() if on]

    def _pause(self) -> float:
        now = self._clock.monotonic()
        return min([_QUIET, *(max(1.0, trouble.again - now) for trouble in self.trouble.values())])

    async def _tell(self, channel: Channel, settings: config.Alarms, part: Sequence[Alarm]) -> bool:
        try:
            async with asyncio.timeout(_LIMIT + 5):
                if channel is Channel.MAIL:
                    await apart("mail", partial(_send, settings, self._mail(settings, part)))
                else:
                    await self._post(settings, part[0])
        except (OSError, smtplib.SMTPException, aiohttp.ClientError, TimeoutError, ValueError) as error:
            self.sent[channel, False] += 1
            self._failed(channel, _words(error))
            return False
        self.sent[channel, True] += 1
        if self.trouble.pop(channel, None) is not None:
            self._log.info("alarms can be told again", channel=channel.value)
        await self._alarms.told(channel.value, part)
        return True

    def _failed(self, channel: Channel, reason: str) -> None:
        before = self.trouble.get(channel)
        tries = before.tries + 1 if before is not None else 1
        pause = delay(tries, _FIRST, _LONGEST)
        self.trouble[channel] = ChannelFailure(
            reason=reason,
            since=before.since if before is not None else self._clock.now(),
            tries=tries,
            again=self._clock.monotonic() + pause,
        )
        if before is None:
            self._log.error("alarms cannot be told", channel=channel.value, reason=reason)

    def _mail(self, settings: config.Alarms, part: Sequence[Alarm]) -> EmailMessage:
        message = EmailMessage()
        first = part[0]
        more = f" and {len(part) - 1} more" if len(part) > 1 else ""
        message["Subject"] = f"[olhubd {self._host}] {_state(first)}: {first.kind.value} {first.subject}{more}"
        message["From"] = settings.mail_from or f"olhubd@{self._host}"
        message["To"] = ", ".join(settings.mail_to)
        message["Date"] = format_datetime(self._clock.now())
        message["Auto-Submitted"] = "auto-generated"
        message.set_content("\n".join([*map(_line, part), "", "All that is wrong now: olhubd alarms", ""]))
        return message

    async def _post(self, settings: config.Alarms, alarm: Alarm) -> None:
        body = msgspec.json.encode(
            {
                "id": alarm.id,
                "kind": alarm.kind,
                "subject": alarm.subject,
                "state": alarm.state,
                "detail": plain(alarm.detail),
                "detail_code": code_of(alarm.detail),
                "raised_at": alarm.raised_at,
                "cleared_at": alarm.cleared_at,
                "host": self._host,
            }
        )
        headers = {"Content-Type": "application/json", "User-Agent": f"olhubd/{__version__}"}
        if settings.webhook_secret is not None:
            at = str(int(self._clock.now().timestamp()))
            key = settings.webhook_secret.get_secret_value().encode()
            digest = hmac.new(key, at.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers |= {"Olhubd-Timestamp": at, "Olhubd-Signature": f"sha256={digest}"}
        async with self._session.post(
            str(settings.webhook_url),
            data=body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=_LIMIT),
            allow_redirects=False,
        ) as response:
            if not 200 <= response.status < 300:
                raise OSError(Reason("webhook.answered", status=response.status))


def _send(settings: config.Alarms, message: EmailMessage) -> None:
    """Hand the mail to its server. Blocking; it runs in a thread."""
    host, port, how = settings.smtp_host, settings.smtp_port, settings.smtp_security
    trust = ssl.create_default_context()
    # The name this machine gives itself may take a resolver seconds to find.
    name = "localhost"
    server: smtplib.SMTP
    if how is config.Security.TLS:
        server = smtplib.SMTP_SSL(host, port, name, timeout=_LIMIT, context=trust)
    else:
        server = smtplib.SMTP(host, port, name, timeout=_LIMIT)
    with server as session:
        if how is config.Security.STARTTLS:
            session.starttls(context=trust)
        if settings.smtp_user is not None and settings.smtp_password is not None:
            session.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        session.send_message(message)


def _state(alarm: Alarm) -> str:
    return "alarm" if alarm.open else "over"


def _line(alarm: Alarm) -> str:
    until = f", over since {alarm.cleared_at:%H:%M} UTC" if alarm.cleared_at is not None else ""
    since = f"{alarm.raised_at:%Y-%m-%d %H:%M} UTC"
    return f"{_state(alarm)} {alarm.id}: {alarm.kind.value} {alarm.subject}: {alarm.detail} (since {since}{until})"


def _words(error: Exception) -> str:
    """What went wrong, without what the other side says about our mail or our address."""
    if isinstance(error, smtplib.SMTPResponseException):
        return Reason("mail.refused", code=error.smtp_code)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return Reason("mail.recipients")
    if isinstance(error, smtplib.SMTPException):
        return Reason("mail.failed", error=type(error).__name__)
    if isinstance(error, TimeoutError):
        return Reason("call.time-out", seconds=f"{_LIMIT:g}")
    if isinstance(error, aiohttp.ClientError):
        return Reason("webhook.unreachable", error=type(error).__name__)
    return str(error) or type(error).__name__
