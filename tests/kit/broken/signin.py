"""A Tiny Shop with a sign-in of its own, the connector that knows it, and those that mistake it."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from aiohttp import web
from msgspec.structs import replace

from olhubd.plugin import (
    Account,
    AuthLost,
    Bearer,
    ContractBroken,
    DeviceGrant,
    Flow,
    OAuthLogin,
    Rejected,
    StillPending,
    Temporary,
    Token,
)
from olhubd_kit.simulator import Verb
from olhubd_tinyshop.connector import ERRORS
from olhubd_tinyshop.settings import TinySettings
from tests.kit.broken.good import GoodShop, breaks
from tinyshop_simulator import TinyShopSimulator, refused

__all__ = ["GoodLogin"]

HALF_A_DAY = timedelta(hours=12)
MONTHS = timedelta(days=90)


class Given(msgspec.Struct):
    """What the shop gives to who may come in. `expires_in` in seconds."""

    access: str
    refresh: str
    expires_in: float = HALF_A_DAY.total_seconds()


class SigningShop(TinyShopSimulator):
    """Lets in who has a token. A code is for five minutes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._numbers = itertools.count(1)
        self.access: dict[str, datetime] = {}
        self.refresh: dict[str, datetime] = {}
        self.codes: dict[str, bool | None] = {}
        self.given: dict[str, str] = {}
        """The challenges of the codes that browsers were sent back with."""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [*super().routes(), web.post("/device", self._device), web.post("/token", self._token)]

    def verbs(self) -> Mapping[str, Verb]:
        own: Mapping[str, Verb] = {"revoke_grant": self.revoke, "expire_tokens": self.expire}
        return {**super().verbs(), **own, "consent": self.consent, "authorize": self.authorize}

    def authorize(self, url: str, granted: bool = True) -> str:
        asked = dict(parse_qsl(urlsplit(url).query))
        brought = {"state": asked["state"]} if "state" in asked else {}
        if not granted:
            return f"{asked['back']}?{urlencode({'error': 'no', **brought})}"
        code = f"code-{next(self._numbers)}"
        self.given[code] = asked["challenge"]
        return f"{asked['back']}?{urlencode({'code': code, **brought})}"

    def revoke(self) -> None:
        self.access.clear()
        self.refresh.clear()

    def expire(self) -> None:
        self.access.clear()

    def consent(self, user_code: str, granted: bool = True) -> None:
        self.codes[user_code] = granted

    def give(self) -> Given:
        given = Given(f"tiny-access-{next(self._numbers)}", f"tiny-refresh-{next(self._numbers)}")
        self.access[given.access] = self.now() + HALF_A_DAY
        self.refresh[given.refresh] = self.now() + MONTHS
        return given

    def token(self) -> Token:
        given = self.give()
        return Token(access=given.access, refresh=given.refresh, expires_at=self.now() + HALF_A_DAY)

    def _enter(self, request: web.Request) -> None:
        held = self.access.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if held is None or self.now() >= held:
            raise refused(web.HTTPUnauthorized, "no such token")

    async def _device(self, request: web.Request) -> web.Response:
        code = f"code-{next(self._numbers)}"
        self.codes[code] = None
        return web.json_response({"code": code})

    async def _token(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if "refresh" in asked:
            if self.now() >= self.refresh.get(asked["refresh"], self.now()):
                raise refused(web.HTTPUnprocessableEntity, "no such grant")
        elif "verifier" in asked:
            digest = hashlib.sha256(asked["verifier"].encode()).digest()
            if self.given.pop(asked["code"], None) != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
                raise refused(web.HTTPUnprocessableEntity, "no such code")
        elif (granted := self.codes.get(asked["code"])) is None:
            return web.json_response({"given": None})
        elif not granted:
            raise refused(web.HTTPUnprocessableEntity, "the person said no")
        return web.Response(body=msgspec.json.encode({"given": self.give()}), content_type="application/json")


class Answer(msgspec.Struct):
    """None while the person has not said anything."""

    given: Given | None


class Code(msgspec.Struct):
    code: str


class GoodLogin(GoodShop, OAuthLogin):
    """Declares its feed and its sign-in."""

    stand_in = SigningShop
    flows = (Flow.DEVICE, Flow.CODE)

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        url = str(self.settings.url)
        self.http = account.client(url, auth=Bearer(account.tokens), errors=ERRORS)
        self.door = account.client(url, errors=ERRORS)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return "OrderFeed", "Sweep", "OrderLookup", "OAuthLogin"

    def token(self, given: Given) -> Token:
        ends = self.account.clock.now() + timedelta(seconds=given.expires_in)
        return Token(access=given.access, refresh=given.refresh, expires_at=ends)

    async def begin_device(self) -> DeviceGrant:
        code = (await self.door.call("POST", "/device", Code)).code
        ends = self.account.clock.now() + timedelta(minutes=5)
        return DeviceGrant(device_code=code, user_code=code, url=self.door.base, interval=5, expires_at=ends)

    async def poll_device(self, grant: DeviceGrant) -> Token | StillPending:
        if self.account.clock.now() >= grant.expires_at:
            raise AuthLost("the code ran out")
        asked = {"code": grant.device_code}
        try:
            given = (await self.door.call("POST", "/token", Answer, json=asked, repeatable=True)).given
        except Rejected:
            raise AuthLost("the person refused") from None
        return self.token(given) if given is not None else StillPending(interval=grant.interval)

    def authorize_url(self, redirect_uri: str, state: str, challenge: str) -> str:
        return f"{self.door.base}/agree?{urlencode({'back': redirect_uri, 'state': state, 'challenge': challenge})}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Token:
        return await self._asked("the code is over", code=code, verifier=verifier)

    async def refresh(self, token: Token) -> Token:
        return await self._asked("the grant is over", refresh=token.refresh)

    async def _asked(self, lost: str, **asked: str | None) -> Token:
        try:
            answer = await self.door.call("POST", "/token", Answer, json=asked, repeatable=True)
        except Rejected:
            raise AuthLost(lost) from None
        if answer.given is None:
            raise ContractBroken("an answer without a token")
        return self.token(answer.given)


@breaks("LOGIN-01", "LOGIN-04", "FEED-15", "FEED-16", "FAIL-09")
class TakesTheWrongHalf(GoodLogin):
    """Takes what renews a token for the token itself."""

    async def refresh(self, token: Token) -> Token:
        renewed = await super().refresh(token)
        return replace(renewed, access=renewed.refresh or "")


@breaks("LOGIN-02", "FAIL-07")
class GivesUpTheGrant(GoodLogin):
    """Sends a person to sign in again because the server is down."""

    async def refresh(self, token: Token) -> Token:
        try:
            return await super().refresh(token)
        except Temporary as error:
            raise AuthLost("cannot be renewed") from error


@breaks("LOGIN-03", "FAIL-01")
class NeverGivesUp(GoodLogin):
    """Takes a refusal for a bad moment."""

    async def refresh(self, token: Token) -> Token:
        try:
            return await super().refresh(token)
        except AuthLost as error:
            raise Temporary("cannot be renewed just now") from error


@breaks("LOGIN-04", "FAIL-09")
class RenewsByTheClock(GoodLogin):
    """Renews a token when its time is over, and never when it is refused before."""

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.http = account.client(str(self.settings.url), auth=Patient(account.tokens), errors=ERRORS)


class Patient(Bearer):
    async def refused(self, headers: Mapping[str, str]) -> None:
        return


@breaks("FAIL-09")
class KeepsAGrantByItself(RenewsByTheClock):
    """Declares no sign-in, keeps a token of its own all the same, and keeps it when it is refused."""

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return "OrderFeed", "Sweep", "OrderLookup"


@breaks("FAIL-01")
class HopesByItself(NeverGivesUp):
    """Declares no sign-in, and takes the end of its own grant for a bad moment."""

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return "OrderFeed", "Sweep", "OrderLookup"


@breaks("LOGIN-05")
class WaitsForNobody(GoodLogin):
    """Takes "not yet" for "no"."""

    async def poll_device(self, grant: DeviceGrant) -> Token | StillPending:
        answer = await super().poll_device(grant)
        if isinstance(answer, StillPending):
            raise AuthLost("the person refused")
        return answer


@breaks("LOGIN-06")
class WaitsForEver(GoodLogin):
    """Takes "no" for "not yet"."""

    async def poll_device(self, grant: DeviceGrant) -> Token | StillPending:
        try:
            return await super().poll_device(grant)
        except AuthLost:
            return StillPending(interval=grant.interval)


@breaks("LOGIN-07")
class ForgetsTheState(GoodLogin):
    """Sends the person without the state by which the host knows them again."""

    def authorize_url(self, redirect_uri: str, state: str, challenge: str) -> str:
        return super().authorize_url(redirect_uri, state, challenge).replace("&state=", "&mood=")


@breaks("LOGIN-08")
class TriesACodeForEver(GoodLogin):
    """Takes a code that is over for a bad moment."""

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Token:
        try:
            return await super().exchange(code, redirect_uri, verifier)
        except AuthLost as error:
            raise Temporary("not just now") from error
