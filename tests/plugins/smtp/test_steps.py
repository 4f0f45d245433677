"""Mails against a mail server on loopback that fails at each step, refuses, hangs and lies."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from olhubd.plugin import AuthLost, OutcomeUnknown, OutgoingMail, PluginError, Rejected, Temporary, Unavailable
from olhubd_kit import test_host
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_smtp import Smtp
from olhubd_smtp.settings import SmtpSettings
from tests.plugins.smtp.simulator import SENDER, SmtpSimulator

MAIL = OutgoingMail(
    message_id="<m1@hub.example>", recipient="buyer@buyer.example", subject="Dziękujemy", text="Cześć\n"
)
BEFORE_THE_TEXT = ("banner", "EHLO", "AUTH", "MAIL", "RCPT", "DATA")


@contextlib.asynccontextmanager
async def post(simulator: SmtpSimulator, **more: Any) -> AsyncIterator[Smtp]:
    async with serve(simulator) as base, test_host.account(Smtp, {**simulator.settings(base), **more}) as connector:
        yield connector


async def failure(connector: Smtp, mail: OutgoingMail = MAIL) -> PluginError:
    with pytest.raises(PluginError) as raised:
        await connector.send_mail(mail)
    return raised.value


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.RESET, FaultKind.HANG], ids=lambda kind: kind.value)
@pytest.mark.parametrize("step", BEFORE_THE_TEXT)
async def test_what_ends_before_the_text_was_surely_not_sent(step: str, kind: FaultKind) -> None:
    simulator = SmtpSimulator()
    async with post(simulator, timeout="200 ms") as connector:
        simulator.faults.add(Fault(kind=kind, match=step))
        error = await failure(connector)
        assert type(error) is Unavailable
        assert simulator.mails == []
        await connector.send_mail(MAIL)
    assert [mail["message_id"] for mail in simulator.mails] == [MAIL.message_id]


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.RESET, FaultKind.HANG], ids=lambda kind: kind.value)
@pytest.mark.parametrize(("step", "there"), [("354", 0), ("text", 1)])
async def test_once_the_text_goes_no_silence_is_a_failure(step: str, there: int, kind: FaultKind) -> None:
    """Whether the last line arrived cannot be seen from here, so it is never said that nothing was sent."""
    simulator = SmtpSimulator()
    async with post(simulator, timeout="100 ms") as connector:
        simulator.faults.add(Fault(kind=kind, match=step))
        assert isinstance(await failure(connector), OutcomeUnknown)
        assert len(simulator.mails) == there


@pytest.mark.parametrize(
    ("step", "code", "wanted", "field"),
    [
        ("banner", 554, Unavailable, None),
        ("EHLO", 550, Unavailable, None),
        ("AUTH", 454, Unavailable, None),
        ("AUTH", 535, AuthLost, None),
        ("MAIL", 451, Temporary, None),
        ("MAIL", 530, AuthLost, None),
        ("MAIL", 550, Rejected, "sender"),
        ("RCPT", 450, Temporary, None),
        ("RCPT", 421, Unavailable, None),
        ("RCPT", 550, Rejected, "recipient"),
        ("DATA", 451, Temporary, None),
        ("DATA", 554, Rejected, "text"),
    ],
)
async def test_a_refusal_is_what_the_table_says(
    step: str, code: int, wanted: type[PluginError], field: str | None
) -> None:
    simulator = SmtpSimulator()
    async with post(simulator) as connector:
        simulator.faults.add(Fault(kind=FaultKind.ERROR, match=step, status=200, body=f"{code} 4.0.0 no, not you"))
        error = await failure(connector)
    assert type(error) is wanted
    assert getattr(error, "field", None) == field
    assert simulator.mails == []


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("451 4.3.0 later", Temporary),
        ("552 5.3.4 too much", Rejected),
        ("250 taken", None),
        ("999 whatever", OutcomeUnknown),
        ("<html>Bad Gateway</html>", OutcomeUnknown),
        ("354 go on", OutcomeUnknown),
    ],
)
async def test_the_last_answer_alone_says_what_became_of_it(answer: str, wanted: type[PluginError] | None) -> None:
    simulator = SmtpSimulator()
    simulator.answer = answer
    async with post(simulator) as connector:
        if wanted is None:
            await connector.send_mail(MAIL)
        else:
            assert type(await failure(connector)) is wanted


async def test_greylisting_counts_against_no_other_mail() -> None:
    """Unavailable would count the server as down; a mailbox that says "later" is not that."""
    simulator = SmtpSimulator()
    async with post(simulator) as connector:
        simulator.faults.add(Fault(kind=FaultKind.ERROR, match="RCPT", status=200, body="450 4.2.0 greylisted"))
        error = await failure(connector)
    assert isinstance(error, Temporary)
    assert not isinstance(error, Unavailable | OutcomeUnknown)


async def test_nobody_can_smuggle_a_header_or_a_command_in() -> None:
    simulator = SmtpSimulator()
    async with post(simulator) as connector:
        for address in (
            "a@b.example\r\nRCPT TO:<c@d.example>",
            "a@b.example>, <c@d.example",
            "żaba@b.example",
            "a",
        ):
            error = await failure(
                connector, OutgoingMail(message_id="<m@h>", recipient=address, subject="x", text="y")
            )
            assert isinstance(error, Rejected)
            assert error.field == "recipient"
        await connector.send_mail(
            OutgoingMail(
                message_id="<m@h>", recipient="a@b.example", subject="x\r\nBcc: c@d.example", text="y\n.\nQUIT\n"
            )
        )
    [mail] = simulator.mails
    assert mail["recipients"] == ["a@b.example"]
    assert mail["subject"] == "x Bcc: c@d.example"
    assert mail["text"].splitlines() == ["y", ".", "QUIT"]


async def test_a_copy_that_is_refused_keeps_nothing_from_the_buyer() -> None:
    """Part of SRC-10."""
    simulator = SmtpSimulator()
    simulator.refuse_recipient("gone@seller.example")
    async with post(simulator) as connector:
        await connector.send_mail(
            OutgoingMail(
                message_id="<m@h>",
                recipient="a@b.example",
                subject="x",
                text="y",
                copies=("gone@seller.example", "office@seller.example"),
            )
        )
    [mail] = simulator.mails
    assert mail["recipients"] == ["a@b.example", "office@seller.example"]
    assert "office" not in mail["raw"]


async def test_the_server_is_tried_without_a_mail() -> None:
    simulator = SmtpSimulator()
    async with post(simulator) as connector:
        identity = await connector.probe()
    assert identity.login == SENDER
    assert simulator.mails == []


async def test_an_address_of_a_refusal_is_told_to_nobody() -> None:
    simulator = SmtpSimulator()
    simulator.refused["buyer@buyer.example"] = "550 5.1.1 <buyer@buyer.example>: no such user"
    async with post(simulator) as connector:
        error = await failure(connector)
    assert "buyer@" not in str(error)
    assert "no such user" in str(error)


# TLS


class Implicit(SmtpSimulator):
    tls: ClassVar[str] = "implicit"


class StartTls(SmtpSimulator):
    tls: ClassVar[str] = "starttls"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    public, private = folder / "server.pem", folder / "server.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(private), "-out", str(public)),
        ],
        check=True,
        capture_output=True,
    )
    return public, private


def trust(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


@pytest.mark.proves("smtp", "contract")
@pytest.mark.parametrize("made", [Implicit, StartTls], ids=lambda made: made.tls)
async def test_a_mail_goes_over_tls_to_a_server_that_is_trusted(
    made: type[SmtpSimulator], certificate: tuple[Path, Path]
) -> None:
    simulator = made(trust=trust(certificate))
    async with post(simulator, tls=made.tls, certificate=str(certificate[0])) as connector:
        await connector.send_mail(MAIL)
    assert len(simulator.mails) == 1


@pytest.mark.parametrize("made", [Implicit, StartTls], ids=lambda made: made.tls)
async def test_nothing_goes_to_a_server_that_nobody_vouches_for(
    made: type[SmtpSimulator], certificate: tuple[Path, Path]
) -> None:
    simulator = made(trust=trust(certificate))
    async with post(simulator, tls=made.tls) as connector:
        error = await failure(connector)
    assert type(error) is Unavailable
    assert "protected" in str(error)
    assert simulator.mails == []


async def test_nothing_goes_where_somebody_took_starttls_out_of_the_offer() -> None:
    simulator = SmtpSimulator()
    async with post(simulator, tls="starttls") as connector:
        assert type(await failure(connector)) is Unavailable
    assert simulator.mails == []


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.HANG], ids=lambda kind: kind.value)
async def test_starttls_that_breaks_off_sends_nothing(kind: FaultKind, certificate: tuple[Path, Path]) -> None:
    simulator = StartTls(trust=trust(certificate))
    more = {"tls": "starttls", "certificate": str(certificate[0]), "timeout": "200 ms"}
    async with post(simulator, **more) as connector:
        simulator.faults.add(Fault(kind=kind, match="STARTTLS"))
        assert type(await failure(connector)) is Unavailable
    assert simulator.mails == []


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    listener = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    settings = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": SENDER}
    async with test_host.account(Smtp, settings) as connector:
        assert type(await failure(connector)) is Unavailable


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"host": "mail.example", "tls": "none"}, 'write "implicit" or "starttls"'),
        ({"user": "x"}, "user and password go together"),
        ({"sender": "Shop <shop@seller.example>"}, "is no mail address"),
        ({"sender_name": "a\nBcc: x@y"}, "one line"),
        ({"timeout": "0 s"}, "greater than 0"),
    ],
)
def test_settings_that_cannot_be_say_what_to_do(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SmtpSettings.model_validate({"host": "mail.example", "sender": SENDER, **wrong})
