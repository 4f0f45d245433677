"""The connector: one conversation for each mail, step by step, so that each failure has its place.

What matters is the last answer. Until the text has gone nothing was sent; after that only the server's own word
says whether it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable
from typing import ClassVar

import aiosmtplib

from olhubd.model import Reason
from olhubd.plugin import (
    Account,
    Connector,
    Defaults,
    Identity,
    MailSink,
    OutgoingMail,
    PluginError,
    Probe,
    Unavailable,
)
from olhubd_smtp.message import on_the_wire, written
from olhubd_smtp.settings import SmtpSettings, Tls
from olhubd_smtp.verdict import MailStep, no_answer, refusal

__all__ = ["Smtp"]

_OK = range(200, 300)
_GO_ON = 354
_NAME = "localhost"
"""What we call ourselves: the name that this machine gives itself may take a resolver seconds to find."""
_LAST = 4
"""Servers look at a text before they answer for it, which may take them minutes."""


class Smtp(Connector[SmtpSettings], MailSink, Probe):
    """One mail server."""

    name = "smtp"
    title = "SMTP"
    Settings = SmtpSettings
    defaults: ClassVar[Defaults] = Defaults(fetch_orders=False, parallel=2)

    def __init__(self, account: Account[SmtpSettings]) -> None:
        super().__init__(account)
        self.domain = self.settings.sender.rpartition("@")[2]
        self._timeout = self.settings.timeout.total_seconds()

    async def send_mail(self, mail: OutgoingMail) -> None:
        content = on_the_wire(written(mail, self.settings, self.account.clock.now()))
        async with self._conversation() as smtp:
            await self._said(
                MailStep.MAIL, smtp.execute_command(b"MAIL", f"FROM:<{self.settings.sender}>".encode())
            )
            await self._said(MailStep.RCPT, smtp.execute_command(b"RCPT", f"TO:<{mail.recipient}>".encode()))
            for copy in mail.copies:
                await self._copied(smtp, copy)
            await self._said(MailStep.DATA, smtp.execute_command(b"DATA"), wanted=range(_GO_ON, _GO_ON + 1))
            await self._said(MailStep.TEXT, self._text(smtp, content))

    async def _copied(self, smtp: aiosmtplib.SMTP, copy: str) -> None:
        """One more who gets it. That the server does not take that one is no reason to let the buyer wait."""
        try:
            await self._said(MailStep.RCPT, smtp.execute_command(b"RCPT", f"TO:<{copy}>".encode()))
        except Unavailable:
            raise
        except PluginError as error:
            self.log.warning("a copy is not sent", reason=str(error))

    async def _text(self, smtp: aiosmtplib.SMTP, content: bytes) -> aiosmtplib.SMTPResponse:
        if (wire := smtp.protocol) is None:
            raise aiosmtplib.SMTPServerDisconnected("gone before the text")
        wire.write(content)
        return await wire.read_response(timeout=self._timeout * _LAST)

    async def probe(self) -> Identity:
        async with self._conversation() as smtp:
            await self._said(MailStep.EHLO, smtp.execute_command(b"NOOP"))
            able = ", ".join(sorted(smtp.esmtp_extensions))
        settings = self.settings
        return Identity(
            id=f"{settings.user or settings.sender} at {settings.host}",
            login=settings.sender,
            details={"server": f"{settings.host}:{settings.port_or_usual}", "it can": able},
        )

    @contextlib.asynccontextmanager
    async def _conversation(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A server that has greeted us, that we trust, and that knows us."""
        settings = self.settings
        trust = await asyncio.to_thread(self._trusted) if settings.tls is not Tls.NONE else None
        smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port_or_usual,
            local_hostname=_NAME,
            timeout=self._timeout,
            use_tls=settings.tls is Tls.IMPLICIT,
            start_tls=False,
            tls_context=trust,
        )
        try:
            await self._said(MailStep.BANNER, smtp.connect())
            await self._said(MailStep.EHLO, smtp.ehlo())
            if settings.tls is Tls.STARTTLS:
                if not smtp.supports_extension("starttls"):
                    raise Unavailable(Reason("olhubd_smtp:no-starttls"))
                await self._said(MailStep.STARTTLS, smtp.starttls(tls_context=trust))
                await self._said(MailStep.EHLO, smtp.ehlo())
            if settings.user is not None and settings.password is not None:
                await self._said(
                    MailStep.AUTH, self._login(smtp, settings.user, settings.password.get_secret_value())
                )
            yield smtp
        finally:
            smtp.close()

    @staticmethod
    def _login(smtp: aiosmtplib.SMTP, user: str, password: str) -> Awaitable[aiosmtplib.SMTPResponse]:
        """One try by one way: who tries a wrong password by each way in turn is soon locked out."""
        offered = smtp.supported_auth_methods
        if "plain" in offered:
            return smtp.auth_plain(user, password)
        if "login" in offered:
            return smtp.auth_login(user, password)
        if "cram-md5" in offered:
            return smtp.auth_crammd5(user, password)
        raise Unavailable(Reason("olhubd_smtp:no-auth"))

    def _trusted(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.settings.certificate)
        except OSError as error:
            raise Unavailable(Reason("olhubd_smtp:certificate")) from error

    async def _said(
        self, step: MailStep, asked: Awaitable[aiosmtplib.SMTPResponse], wanted: range = _OK
    ) -> aiosmtplib.SMTPResponse:
        """The answer of a step that went well. Raises what `verdict` makes of any other."""
        try:
            answer = await asked
        except aiosmtplib.SMTPResponseException as error:
            raise refusal(step, error.code, error.message) from None
        except (aiosmtplib.SMTPTimeoutError, TimeoutError):
            raise no_answer(step, Reason("olhubd_smtp:silent", step=step.value)) from None
        except ssl.SSLError as error:
            raise no_answer(step, Reason("olhubd_smtp:tls", why=error.reason or type(error).__name__)) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            cause = error.__cause__
            if isinstance(cause, ssl.SSLError):
                why: str = Reason("olhubd_smtp:tls", why=cause.reason or type(cause).__name__)
            else:
                why = Reason("olhubd_smtp:cut", step=step.value)
            raise no_answer(step, why) from None
        if answer.code not in wanted:
            raise refusal(step, answer.code, answer.message)
        return answer
