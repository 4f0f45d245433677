"""How Allegro wants to be called: headers, budget, and the two shapes of its refusals.

Refusals of the sign-in quote the token that they refuse, so of those only the code is ever repeated.
"""

from __future__ import annotations

import msgspec

from olhubd import __version__
from olhubd.plugin import (
    AccountBlocked,
    Budget,
    ContractBroken,
    ErrorDetails,
    ErrorTable,
    Rejected,
    Response,
    ValueBudget,
)
from olhubd_allegro.settings import AllegroSettings

__all__ = [
    "API_ERRORS",
    "AUTH_ERRORS",
    "MEDIA",
    "agent",
    "api_errors",
    "api_headers",
    "budget",
    "changes",
    "is_refusal",
    "listing_errors",
    "read_complaint",
    "read_flaws",
]

MEDIA = "application/vnd.allegro.public.v1+json"
"""The media type of all resources used here; plain JSON is answered with 406."""


def agent(settings: AllegroSettings) -> str:
    """The User-Agent that Allegro demands: registered name, version, a page to read about it."""
    return f"{settings.application}/{__version__} (+{settings.contact})"


def api_headers(settings: AllegroSettings) -> dict[str, str]:
    return {
        "User-Agent": agent(settings),
        "Accept": MEDIA,
        "Accept-Language": settings.language,
    }


def budget(settings: AllegroSettings) -> Budget:
    """Counted per client id over all hosts and accounts; going over it blocks the client for a minute."""
    return Budget(key=f"allegro:{settings.client_id}", calls=settings.calls_per_minute, per=60.0, pause=60.0)


def changes(settings: AllegroSettings, account: str, what: str, per_hour: int) -> tuple[ValueBudget, ValueBudget]:
    """Allegro counts the offers that commands change, for each seller, each application and each kind of command,
    in a minute and in an hour."""
    key = f"allegro:{settings.client_id}:{account}:{what}"
    return (
        ValueBudget(key=f"{key} in a minute", values=settings.changes_per_minute, per=60.0),
        ValueBudget(key=f"{key} in an hour", values=per_hour, per=3600.0),
    )


class _Error(msgspec.Struct, rename="camel"):
    code: str | None = None
    message: str | None = None
    user_message: str | None = None
    path: str | None = None


class _Refusal(msgspec.Struct):
    errors: list[_Error] | None = None
    error: str | None = None
    error_description: str | None = None


def is_refusal(answer: Response) -> bool:
    """Allegro refuses by a list of errors with codes, or, a token, by a code and a description of it."""
    refusal = answer.into(_Refusal)
    if refusal.errors:
        return all(error.code for error in refusal.errors)
    return refusal.error is not None and refusal.error_description is not None


def read_complaint(answer: Response) -> ErrorDetails:
    """Code, sentence and field of a refused call, with Allegro's trace id, which its support asks for."""
    refusal = answer.into(_Refusal)
    trace = answer.headers.get("trace-id")
    suffix = f" [trace-id {trace}]" if trace else ""
    if refusal.errors:
        first = refusal.errors[0]
        said = first.user_message or first.message
        return ErrorDetails(code=first.code, message=said + suffix if said else None, field=first.path)
    if refusal.error:
        return ErrorDetails(code=refusal.error, message=f"sign-in refused{suffix}")
    return ErrorDetails()


_FORBIDDEN = {
    # Selling is blocked, say by an unpaid bill. What was sold is still read and sent, so the account stays on.
    "SellerAccountWithSellBlockadeException": Rejected,
}
API_ERRORS = ErrorTable(
    statuses={406: ContractBroken, 415: ContractBroken},
    forbidden=_FORBIDDEN,
    read=read_complaint,
    is_refusal=is_refusal,
)


def read_flaws(answer: Response) -> ErrorDetails:
    """All that is wrong with an offer: each sentence with the field that it names, and the first field."""
    refusal = answer.into(_Refusal)
    if not refusal.errors:
        return read_complaint(answer)
    said = [
        f"{one.path}: {text}" if one.path else text
        for one in refusal.errors
        if (text := one.user_message or one.message)
    ]
    field = next((one.path for one in refusal.errors if one.path), None)
    trace = answer.headers.get("trace-id")
    words = "; ".join(said) + (f" [trace-id {trace}]" if trace else "")
    return ErrorDetails(code=refusal.errors[0].code, message=words or None, field=field)


def api_errors(settings: AllegroSettings) -> ErrorTable:
    """What refusals mean. By which code a 403 says that the account itself is blocked is documented nowhere.

    A block shows by the grant that ends with it; the operator may add codes that were seen.
    """
    blocked = dict.fromkeys(settings.blocked_codes, AccountBlocked)
    return msgspec.structs.replace(API_ERRORS, forbidden={**API_ERRORS.forbidden, **blocked})


def listing_errors(settings: AllegroSettings) -> ErrorTable:
    """The same for offers that are made and changed, of which all flaws are read."""
    return msgspec.structs.replace(api_errors(settings), read=read_flaws)


# A wrong client secret is refused with 401 like a lost grant; only the code in the body distinguishes them.
AUTH_ERRORS = ErrorTable(
    statuses={400: Rejected, 401: Rejected, 403: Rejected}, read=read_complaint, is_refusal=is_refusal
)
