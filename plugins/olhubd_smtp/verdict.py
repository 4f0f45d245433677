"""What an answer of a mail server means: one table, by the step at which it came and by its code.

| step | code | error | who acts |
|---|---|---|---|
| any before the text, no answer or no connection | - | Unavailable | nobody: it is tried again |
| banner, EHLO, STARTTLS, DATA | any refusal | Unavailable | nobody, until the alarm of a target that is down |
| AUTH | 5xx | AuthLost | who keeps the password |
| AUTH | 4xx | Unavailable | nobody: it is tried again |
| MAIL, RCPT | 421 | Unavailable | nobody: it is tried again |
| MAIL | 530, 550, 553 with "authentication" | AuthLost | who keeps the password |
| MAIL, RCPT, DATA, text | 4xx | Temporary, for this mail alone | nobody: it is tried again |
| MAIL, RCPT, DATA, text | 5xx | Rejected with the field | a person: the address or the text is refused |
| text | no answer, or none that can be read | OutcomeUnknown | a person: it may have been sent |

A mail is never called unsent once its last line may have arrived.
"""

from __future__ import annotations

import enum

from olhubd.model import Reason
from olhubd.plugin import AuthLost, OutcomeUnknown, PluginError, Rejected, Temporary, Unavailable

__all__ = ["MailStep", "no_answer", "refusal"]


class MailStep(enum.StrEnum):
    """A point of a conversation, by what the server is to answer."""

    BANNER = "banner"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    TEXT = "text"
    """The end of the mail itself."""


_FIELDS = {MailStep.MAIL: "sender", MailStep.RCPT: "recipient", MailStep.DATA: "text", MailStep.TEXT: "text"}
_ABOUT_THE_MAIL = frozenset(_FIELDS)
_SIGN_IN_FIRST = frozenset({530, 534, 535, 538})
_CLOSING = 421


def refusal(step: MailStep, code: int, words: str) -> PluginError:
    """What the server said no with, as an error. `words` are its own and are for people."""
    said = _short(words)
    if not 400 <= code <= 599:
        # Not one of the codes of a refusal: no mail server, or one that cannot be understood.
        return no_answer(step, Reason("olhubd_smtp:strange", step=step.value, code=code))
    why = Reason("olhubd_smtp:refused", step=step.value, code=code, words=said)
    if code == _CLOSING:
        return Unavailable(why, code=str(code), status=code)
    if (step is MailStep.AUTH and code >= 500) or code in _SIGN_IN_FIRST:
        return AuthLost(why, code=str(code), status=code)
    if step not in _ABOUT_THE_MAIL:
        return Unavailable(why, code=str(code), status=code)
    if code < 500:
        return Temporary(why, code=str(code), status=code)
    return Rejected(why, field=_FIELDS[step], code=str(code), status=code)


def no_answer(step: MailStep, why: str) -> PluginError:
    """No answer came, or none that can be read."""
    if step is MailStep.TEXT:
        return OutcomeUnknown(why)
    return Unavailable(why)


def _short(words: str) -> str:
    """One line of it: what a server says of an address ends in events, where addresses do not belong."""
    line = " ".join(word for word in words.split() if "@" not in word)
    return line[:120].encode(errors="backslashreplace").decode()
