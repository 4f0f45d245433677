"""Mails out: one that is handed over is there once and as it was written, and doubt is never called a failure."""

from __future__ import annotations

from typing import Any

from olhubd.plugin import MailSink, OutcomeUnknown, OutgoingMail, Rejected, Temporary
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.rule import Tier, check, rule
from olhubd_kit.faults import FaultKind

__all__ = ["mail_of"]

NOBODY = "nobody@buyer.example"


def mail_of(mark: str, recipient: str = "buyer@buyer.example") -> OutgoingMail:
    """A mail with letters, a lonely dot and a tag that must come through as they are."""
    return OutgoingMail(
        message_id=f"<{mark}@hub.example>",
        recipient=recipient,
        subject=f"Zamówienie {mark}: zażółć gęślą jaźń",
        text="Dziękujemy!\n.\n..\nFrom Żaneta\n",
        html="<p>Dziękujemy! <b>5 &lt; 6</b></p>\n",
    )


async def _mails(bench: Bench) -> list[dict[str, Any]]:
    return list(await bench.do("mails_taken"))


@rule("MAIL-01", Tier.BRONZE, "MailSink")
async def a_mail_arrives_as_it_was_written(bench: Bench) -> None:
    """A mail is there once, for its recipient alone, with its Message-ID, subject, text and HTML to the letter."""
    mail = mail_of("one")
    await bench.part(MailSink).send_mail(mail)
    there = await _mails(bench)
    check(len(there) == 1, f"one mail was handed over, {len(there)} are there")
    got = there[0]
    check(got["recipients"] == [mail.recipient], "it went to others than its recipient")
    for name in ("message_id", "subject"):
        check(got[name] == getattr(mail, name), f"its {name} is {got[name]!r}")
    for name in ("text", "html"):
        check(got[name].splitlines() == getattr(mail, name).splitlines(), f"its {name} is {got[name]!r}")


@rule("MAIL-02", Tier.SILVER, "MailSink")
async def a_lost_answer_to_a_mail_is_unknown(bench: Bench) -> None:
    """When the answer to a mail that was taken is lost, OutcomeUnknown is raised, and nothing sends it again."""
    for number, kind in enumerate((FaultKind.LOSE, FaultKind.RESET)):
        before = len(await _mails(bench))
        mail = mail_of(f"lost-{number}")
        bench.strike(kind)
        answer = await bench.attempt(lambda mail=mail: bench.part(MailSink).send_mail(mail))  # type: ignore[misc]
        bench.faults.clear()
        check(isinstance(answer, OutcomeUnknown), f"a lost answer became {type(answer).__name__}")
        more = len(await _mails(bench)) - before
        check(more == 1, f"after a lost answer the mail is there {more} times")


@rule("MAIL-03", Tier.BRONZE, "MailSink")
async def a_recipient_who_is_not_there_is_refused(bench: Bench) -> None:
    """A recipient whom the server refuses for good raises Rejected with the field "recipient"; nothing is sent."""
    await bench.do("refuse_recipient", NOBODY)
    answer = await bench.attempt(lambda: bench.part(MailSink).send_mail(mail_of("nobody", NOBODY)))
    check(isinstance(answer, Rejected), f"a refused recipient became {type(answer).__name__}")
    check(getattr(answer, "field", None) == "recipient", "the error does not name the field 'recipient'")
    check(not await _mails(bench), "a mail is there all the same")


@rule("MAIL-04", Tier.SILVER, "MailSink")
async def a_mail_that_never_arrived_is_said_to_be_open(bench: Bench) -> None:
    """When the connection is cut before the mail arrived, a Temporary error is raised and nothing is there."""
    bench.strike(FaultKind.CUT)
    answer = await bench.attempt(lambda: bench.part(MailSink).send_mail(mail_of("cut")))
    check(isinstance(answer, Temporary), f"a cut connection became {type(answer).__name__}")
    check(not await _mails(bench), "a mail is there, though it never arrived")
