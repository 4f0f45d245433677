"""Writing to the buyer of an order.

A mail that may have gone is never sent again without a person's word: nobody can be asked whether it arrived.
"""

from __future__ import annotations

from functools import partial

import msgspec

from olhubd.decide import plan
from olhubd.decide.hold import Hold
from olhubd.decide.mails.rule import MailPayload, MailRule, Occasion, message_id
from olhubd.decide.mails.template import TemplateFailed, fill
from olhubd.decide.mails.values import mail_values
from olhubd.engine.outbox.handler import Done, Handler, Obsolete, OnHold, Result, WaitRule
from olhubd.engine.outbox.job import OrderJob
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, DeliveryState, Reason
from olhubd.plugin import MailSink, OutgoingMail

__all__ = ["SendMail"]


class SendMail(Handler[MailSink]):
    """Its look-up finds nothing out: where the outcome is unknown, a person is asked."""

    action = Action.SEND_MAIL
    capability = MailSink
    creates = True
    looks_up = True
    repeats = True
    waits_behind = WaitRule.NEVER
    on_copy = False

    async def look_up(self, target: TargetAccount, job: OrderJob) -> Result | None:
        if job.delivery.state is not DeliveryState.SENT:
            return None
        why = Reason("mail.unknown", target=target.title)
        return OnHold(reason=why, kind=Hold.MAIL, sent=True, external_id=self._id(target, job))

    async def needless(self, target: TargetAccount, job: OrderJob) -> str | None:
        superseded = job.stored.superseded_by is not None
        over = plan.needless(job.stored.order, superseded)
        if _payload(job).occasion is not Occasion.CANCELLED:
            return over
        # One that came back to life, or went on in another order, is not written about as cancelled.
        return Reason("mail.not-cancelled") if over is None or superseded else None

    async def perform(self, target: TargetAccount, job: OrderJob) -> Result:
        payload, stored = _payload(job), job.stored
        rule = _rule(target, stored.account, payload.occasion)
        if rule is None:
            return Obsolete(Reason("mail.switched-off"))
        if not stored.order.buyer.email:
            return Obsolete(Reason("mail.no-address"))
        values = mail_values(stored.order, payload, target.title_of(stored.account))
        try:
            written = fill(rule.texts[payload.occasion], rule.sources[stored.account], values)
        except TemplateFailed as error:
            why = Reason("mail.template", occasion=payload.occasion.value, why=error.why)
            return OnHold(reason=why, kind=Hold.OTHER)
        if written.empty:
            return Obsolete(Reason("mail.empty"))
        mail = OutgoingMail(
            message_id=self._id(target, job),
            recipient=stored.order.buyer.email,
            subject=written.subject,
            text=written.text,
            html=written.html,
            copies=rule.copies,
        )
        await target.calls.write(self.action.value, partial(self.sink(target).send_mail, mail))
        return Done(external_id=mail.message_id, facts={"occasion": payload.occasion.value})

    def _id(self, target: TargetAccount, job: OrderJob) -> str:
        sender = self.sink(target).domain
        return message_id(job.stored.account, job.stored.external_id, job.delivery.key, sender)


def _payload(job: OrderJob) -> MailPayload:
    return msgspec.json.decode(job.delivery.payload, type=MailPayload)


def _rule(target: TargetAccount, account: str, occasion: Occasion) -> MailRule | None:
    for rule in target.mails():
        if rule.through == target.name and rule.writes(account, occasion):
            return rule
    return None
