"""A sign-in by the browser: what goes out with the person, and what has to come back.

The state is a random text that only the person's browser and the other system see, so an address that carries it
was not made up by a stranger's page. The PKCE verifier never leaves this process but for the exchange: a code that
somebody reads on its way is of no use without it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import Iterable

from olhubd.model import Reason
from olhubd.plugin import AuthLost

__all__ = ["CALLBACK", "CallbackRefused", "PendingCallback", "bring"]

CALLBACK = "/signin/callback"
"""Where browsers come back to, below the address of the control endpoint."""
_CODE = re.compile(r"[\w.-]{1,60}")


class CallbackRefused(Exception):
    """An address that no sign-in waits for, and why, in words for the person who brings it."""


class PendingCallback:
    """One sign-in that waits for the browser. `code` is set once somebody brings it, or fails with AuthLost."""

    def __init__(self, account: str, title: str, redirect_uri: str) -> None:
        self.account = account
        self.title = title
        self.redirect_uri = redirect_uri
        self.state = secrets.token_urlsafe(32)
        self.verifier = secrets.token_urlsafe(64)
        self.code: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def challenge(self) -> str:
        """The S256 challenge of the verifier (RFC 7636)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def bring(address: str, waiting: Iterable[PendingCallback]) -> PendingCallback:
    """Give the code in `address`, or the refusal, to the sign-in whose state it carries, once.

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
            one.code.set_result(parse_authorization_code_response(uri, one.state)["code"])
        except errors.MismatchingStateError:
            continue
        except errors.OAuth2Error as error:
            one.code.set_exception(_refused(one, error.error or ""))
        return one
    raise CallbackRefused(Reason("sign-in.not-waiting"))


def _refused(awaited: PendingCallback, code: str) -> AuthLost:
    if code == "access_denied":
        return AuthLost(Reason("sign-in.person-refused"), code=code)
    said = code if _CODE.fullmatch(code) else "no code of an error"
    return AuthLost(Reason("sign-in.refused", system=awaited.title, error=said), code=code[:60])
