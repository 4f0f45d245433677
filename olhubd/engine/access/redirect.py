"""A sign-in by the browser: what goes out with the person, and what has to come back.

The state is a random text that only the person's browser and the other system see, so an address that carries it
was not made up by a stranger's page. The PKCE verifier is stored as tokens are and sent with the exchange
alone: a code that somebody reads on its way is of no use without it.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Self

import msgspec

from olhubd.model import Reason
from olhubd.plugin import AuthLost

__all__ = ["CALLBACK", "CallbackRefused", "PendingCallback", "bring"]

CALLBACK = "/signin/callback"
"""Where browsers come back to, below the address of the control endpoint."""
_CODE = re.compile(r"[\w.-]{1,60}")


class CallbackRefused(Exception):
    """An address that no sign-in waits for, and why, in words for the person who brings it."""


class PendingCallback(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in that waits for the browser. Stored until it came back, since it may outlive the process."""

    account: str
    title: str
    redirect_uri: str
    state: str
    verifier: str

    def __repr__(self) -> str:
        return f"PendingCallback(<hidden>, account={self.account!r})"

    @classmethod
    def new(cls, account: str, title: str, redirect_uri: str) -> Self:
        """One with a state and a verifier of its own."""
        return cls(
            account=account,
            title=title,
            redirect_uri=redirect_uri,
            state=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(64),
        )

    @property
    def challenge(self) -> str:
        """The S256 challenge of the verifier (RFC 7636)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def bring(address: str, waiting: Iterable[PendingCallback]) -> tuple[PendingCallback, str | AuthLost]:
    """Find the sign-in whose state `address` carries, with the code in it, or the refusal.

    `address` is what the browser's address bar had, or the query alone. Raises CallbackRefused, which quotes none
    of it.
    """
    # Here, since few processes ever need it, and it takes 3 MB.
    from oauthlib.oauth2.rfc6749 import errors
    from oauthlib.oauth2.rfc6749.parameters import parse_authorization_code_response

    text = "".join(address.split()).partition("#")[0]
    uri = f"https://{CALLBACK}?{text.partition('?')[2] or text}"  # of the rest of it nothing matters
    try:
        parse_authorization_code_response(uri)
    except errors.MissingCodeError:
        raise CallbackRefused(Reason("sign-in.no-code")) from None
    except errors.OAuth2Error:
        pass  # a refusal, which belongs to somebody too
    for one in waiting:
        try:
            return one, parse_authorization_code_response(uri, one.state)["code"]
        except errors.MismatchingStateError:
            continue
        except errors.OAuth2Error as error:
            return one, _refused(one, error.error or "")
    raise CallbackRefused(Reason("sign-in.not-waiting"))


def _refused(awaited: PendingCallback, code: str) -> AuthLost:
    if code == "access_denied":
        return AuthLost(Reason("sign-in.person-refused"), code=code)
    said = code if _CODE.fullmatch(code) else "no code of an error"
    return AuthLost(Reason("sign-in.refused", system=awaited.title, error=said), code=code[:60])
