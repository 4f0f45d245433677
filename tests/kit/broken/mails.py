"""Mails out as they should be, and what a connector may lose, claim or do twice with them.

The desk takes mails over HTTP, as many services do: a mail server is no more than one kind of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from aiohttp import web
from msgspec.structs import replace

from olhubd.plugin import MailSink, OutcomeUnknown, OutgoingMail, Parts, Rejected, Unavailable
from olhubd_kit.simulator import Verb
from tests.kit.broken.good import GoodShop, breaks
from tinyshop_simulator import TinyShopSimulator, refused

__all__ = ["GoodMails"]


class Desk(TinyShopSimulator):
    """Keeps the mails that it takes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.taken: list[dict[str, Any]] = []
        self.nobody: set[str] = set()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [*super().routes(), web.post("/mails", self._mail)]

    def verbs(self) -> Mapping[str, Verb]:
        return {**super().verbs(), "mails_taken": lambda: list(self.taken), "refuse_recipient": self._refuse}

    def _refuse(self, address: str) -> None:
        self.nobody.add(address)

    async def _mail(self, request: web.Request) -> web.Response:
        self._enter(request)
        mail = msgspec.json.decode(await request.read(), type=OutgoingMail)
        if mail.recipient in self.nobody:
            raise refused(web.HTTPUnprocessableEntity, "no such mailbox")
        self.taken.append({**msgspec.structs.asdict(mail), "recipients": [mail.recipient]})
        return web.json_response({"taken": True})


class Taken(msgspec.Struct):
    taken: bool


class Post(MailSink):
    """Does as its connector has it, so that a broken connector is broken in one place."""

    def __init__(self, shop: GoodMails) -> None:
        self.shop = shop

    async def send_mail(self, mail: OutgoingMail) -> None:
        await self.shop.send(mail)


class GoodMails(GoodShop):
    """Declares its mails alone."""

    stand_in = Desk
    provides: ClassVar[Parts] = {**GoodShop.provides, Post: "post"}

    @property
    def post(self) -> Post:
        return Post(self)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("MailSink",)

    async def send(self, mail: OutgoingMail) -> None:
        try:
            await self.http.call("POST", "/mails", Taken, json=mail)
        except Rejected as error:
            raise Rejected(str(error), field="recipient", status=error.status) from None


@breaks("MAIL-01")
class SendsTheTextAlone(GoodMails):
    """Buyers read no HTML, it thinks."""

    async def send(self, mail: OutgoingMail) -> None:
        await super().send(replace(mail, html=None, subject=mail.subject.encode("ascii", "ignore").decode()))


@breaks("MAIL-02", "FAIL-02")
class TakesALostAnswerForARefusal(GoodMails):
    """Says that the mail has surely not gone."""

    async def send(self, mail: OutgoingMail) -> None:
        try:
            await super().send(mail)
        except OutcomeUnknown as error:
            raise Unavailable("not reached") from error


@breaks("MAIL-02", "MAIL-04")
class SendsItOnceMore(GoodMails):
    """Tries again by itself where no answer came."""

    async def send(self, mail: OutgoingMail) -> None:
        try:
            await super().send(mail)
        except OutcomeUnknown:
            await super().send(mail)
            raise


@breaks("MAIL-03")
class ForgetsWhoWasRefused(GoodMails):
    """Says that something is wrong, and not what."""

    async def send(self, mail: OutgoingMail) -> None:
        try:
            await super().send(mail)
        except Rejected as error:
            raise Rejected(str(error)) from None


@breaks("MAIL-04", "MAIL-02", "FAIL-02", "FAIL-03", "FAIL-04", "FAIL-05", "FAIL-06", "FAIL-07")
class TakesSilenceForDone(GoodMails):
    """Has posted it, and goes home."""

    async def send(self, mail: OutgoingMail) -> None:
        try:
            await super().send(mail)
        except (OutcomeUnknown, Unavailable):
            return
