"""A mail as the bytes that go over the wire."""

from __future__ import annotations

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from olhubd.model import Reason
from olhubd.plugin import OutgoingMail, Rejected
from olhubd_smtp.settings import SmtpSettings

__all__ = ["on_the_wire", "written"]

_POLICY = SMTP.clone(cte_type="7bit")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_ROUTABLE = re.compile(r"[^@\s<>,;\"()\[\]\\:]+@[^@\s<>,;\"()\[\]\\:]+")


def written(mail: OutgoingMail, settings: SmtpSettings, at: datetime) -> bytes:
    """The message. Raises Rejected where it has no address that a mail can go to."""
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = " ".join(mail.subject.split())
    message["From"] = _address(settings.sender, settings.sender_name)
    message["To"] = _address(mail.recipient)
    if settings.reply_to is not None:
        message["Reply-To"] = _address(settings.reply_to)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = mail.message_id
    # No machine answers it, and none reports that somebody is on holiday.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    return message.as_bytes()


def on_the_wire(message: bytes) -> bytes:
    """With line ends and leading dots as RFC 5321 wants them, and the dot that ends it."""
    lines = _LINE_END.split(message)
    if not lines[-1]:
        lines.pop()
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"


def _address(spec: str, name: str | None = None) -> Address:
    if not _ROUTABLE.fullmatch(spec) or not spec.isascii() or not spec.isprintable():
        raise Rejected(Reason("olhubd_smtp:no-address"), field="recipient")
    local, _, domain = spec.rpartition("@")
    return Address(display_name=name or "", username=local, domain=domain)
