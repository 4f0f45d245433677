"""The rules that every connector keeps, tried on SMTP against a mail server on loopback."""

from __future__ import annotations

from olhubd_kit import conformance
from olhubd_smtp import Smtp
from tests.plugins.smtp.simulator import SmtpSimulator

TestSmtp = conformance.suite(Smtp, SmtpSimulator)
