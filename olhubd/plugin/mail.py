"""Mails out, to one person each.

A mail cannot be taken back, and nobody can be asked whether it was sent. So the host never sends one again by
itself once it may have gone; a connector's part is to say exactly whether it may have.
"""

from __future__ import annotations

import abc

import msgspec

from olhubd.plugin.part import Capability

__all__ = ["MailSink", "OutgoingMail"]


class OutgoingMail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail. `message_id` is the same however often it is tried: `<... @ ...>`, as its header has it.

    `copies` get it too, without the recipient seeing it. `html` says the same as `text`.
    """

    message_id: str
    recipient: str
    subject: str
    text: str
    html: str | None = None
    copies: tuple[str, ...] = ()


class MailSink(Capability):
    """Hands mails to a server that carries them on."""

    domain: str = "localhost"
    """Of the address that mails are from; the host makes their Message-IDs with it."""

    @abc.abstractmethod
    async def send_mail(self, mail: OutgoingMail) -> None:
        """Hand it over, once. When this returns, the server has taken it.

        Rejected: the server refuses it for good, with the field "recipient", "sender" or "text". Temporary, but for
        OutcomeUnknown: it has surely not taken it. OutcomeUnknown: the text went and no answer came that says.
        """
