"""A mail server on loopback that keeps what it takes, and that fails where it is told to. It speaks SMTP itself.

A fault strikes a conversation at a step: "banner", "EHLO", "AUTH", "MAIL", "RCPT", "DATA" before the command is
obeyed, "text" once the whole mail has arrived. `Fault.match` names the step; "." is the first one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from email import message_from_bytes
from email.policy import default
from typing import Any, AnyStr, ClassVar

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import BookedOrder, Simulator, Verb

__all__ = ["PASSWORD", "SENDER", "USER", "MailServer", "SmtpSimulator"]

USER, PASSWORD, SENDER = "shop@seller.example", "correct horse", "shop@seller.example"
logging.getLogger("mail.log").addHandler(logging.NullHandler())  # what the server says of itself is for nobody


class MailServer(SMTP):
    """One conversation."""

    def __init__(self, simulator: SmtpSimulator, **options: Any) -> None:
        super().__init__(simulator, authenticator=simulator.authenticate, auth_require_tls=False, **options)
        self._simulator = simulator

    async def push(self, status: AnyStr) -> None:
        text = status if isinstance(status, str) else status.decode()
        if text.startswith("220 ") and "Ready to start TLS" not in text:
            await self.strike("banner")
        await super().push(status)
        if text.startswith("354"):
            await self.strike("354")

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        if not await self.strike("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        if not await self.strike("STARTTLS"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        if not await self.strike("AUTH"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        if not await self.strike("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        if not await self.strike("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if not await self.strike("DATA"):
            await super().smtp_DATA(arg)

    async def strike(self, step: str) -> bool:
        """Whether the server has answered otherwise than by obeying. Where it ends the conversation, all ends."""
        fault = self._simulator.pick(step)
        if fault is None:
            return False
        match fault.kind:
            case FaultKind.CUT | FaultKind.LOSE:
                self.end()
            case FaultKind.RESET:
                self.end(reset=True)
            case FaultKind.HANG:
                await asyncio.sleep(3600)
            case FaultKind.REFUSE:
                await SMTP.push(self, _words(fault.status))
                return True
            case _:
                await SMTP.push(self, fault.body if fault.status == 200 else _words(fault.status))
                self.end()
        raise asyncio.CancelledError

    def end(self, *, reset: bool = False) -> None:
        if self.transport is not None:
            if reset:
                # Closed with no time to linger, it is reset.
                raw = self.transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.close()


def _words(status: int) -> str:
    """The refusal of a mail server for what the kit says in HTTP's numbers."""
    codes = {401: "535 5.7.8 authentication failed", 403: "550 5.7.1 not allowed", 429: "421 4.7.0 too many"}
    if status in codes:
        return codes[status]
    return f"{status if status < 500 or status > 504 else 451} said no"


class SmtpSimulator(Simulator):
    """A mail server with its books."""

    connector = "smtp"
    protocol: ClassVar[str] = "SMTP"
    tls: ClassVar[str] = "none"

    def __init__(self, seed: int = 0, now: Any = None, trust: ssl.SSLContext | None = None) -> None:
        super().__init__(seed, now)
        self.port = 0
        self.trust = trust
        self.mails: list[dict[str, Any]] = []
        self.conversations = 0
        self.refused: dict[str, str] = {}
        self.answer: str | None = None
        """What it says to a whole mail in place of taking it."""

    @contextlib.asynccontextmanager
    async def beside(self, host: str) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {
            "hostname": "mail.test",
            "tls_context": self.trust if self.tls == "starttls" else None,
        }
        over = self.trust if self.tls == "implicit" else None
        server = await loop.create_server(lambda: self._conversation(options), host, 0, ssl=over)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    def _conversation(self, options: dict[str, Any]) -> MailServer:
        self.conversations += 1
        return MailServer(self, **options)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return ()

    def settings(self, base: str) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "tls": "none",
            "user": USER,
            "password": PASSWORD,
            "sender": SENDER,
            "sender_name": "Sklep Żółw",
            "timeout": "1 s",
        }

    def books(self) -> list[BookedOrder]:
        return []

    def refusal(self, status: int) -> web.Response:
        return web.Response(status=status, text=_words(status))

    def verbs(self) -> Mapping[str, Verb]:
        return {"mails_taken": lambda: list(self.mails), "refuse_recipient": self.refuse_recipient}

    def refuse_recipient(self, address: str) -> None:
        """There is no such mailbox."""
        self.refused[address] = "550 5.1.1 no such user"

    def pick(self, step: str) -> Fault | None:
        """The fault that strikes here."""
        for fault in self.faults.at_large():
            before = fault.kind in (FaultKind.LOSE, FaultKind.RESET, FaultKind.ERROR_AFTER)
            wanted = "text" if before else "AUTH" if fault.kind is FaultKind.REFUSE else "banner"
            if step == (fault.match if fault.match != "." else wanted):
                return self.faults.strike(fault)
        return None

    # What aiosmtpd asks

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword
    ) -> AuthResult:
        known = given.login == USER.encode() and given.password == PASSWORD.encode()
        return AuthResult(
            success=known, handled=known, message=None if known else "535 5.7.8 authentication failed"
        )

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (answer := self.refused.get(address)) is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: MailServer, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer is not None:
            return self.answer
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default)
        text = message.get_body(("plain",))
        html = message.get_body(("html",))
        self.mails.append(
            {
                "recipients": list(envelope.rcpt_tos),
                "sender": envelope.mail_from,
                "message_id": message["Message-ID"],
                "subject": message["Subject"],
                "from": message["From"],
                "to": message["To"],
                "text": text.get_content() if text is not None else "",
                "html": html.get_content() if html is not None else None,
                "raw": content.decode(),
            }
        )
        await server.strike("text")
        return "250 OK"
