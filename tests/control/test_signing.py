"""Signing in by the browser over HTTP: where it is sent, what it brings back, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import structlog
from aiohttp import ClientSession
from structlog.testing import capture_logs

import olhubd_allegro
from olhubd.engine.access import signin
from olhubd.engine.access.http_session import open_session
from olhubd.engine.access.redirect import CallbackRefused
from olhubd.engine.hub import Hub
from olhubd.engine.takeover import take_over
from olhubd.model import Scope
from olhubd.plugin import Account, Flow, Token
from olhubd.store import Database
from olhubd_allegro import Allegro
from olhubd_allegro.login import Login
from olhubd_allegro.settings import AllegroSettings
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.allegro.signin import BASIC
from tests.control.house import House

SIGN_IN = "/accounts/market/sign-in"


async def begin(house: House, **body: Any) -> Any:
    status, begun = await house.ask("POST", SIGN_IN, {"flow": "code", **body})
    assert status == 202, begun
    assert begun["state"] == "pending"
    return begun


async def agreed(house: House, url: str, decision: str = "agree") -> str:
    """Where the marketplace sends the browser back to."""
    async with ClientSession() as browser, browser.get(f"{url}&decision={decision}", allow_redirects=False) as page:
        assert page.status == 302, await page.text()
        return page.headers["Location"]


async def opened(address: str) -> tuple[int, str, dict[str, str]]:
    """A browser that knows no session opens the address."""
    async with ClientSession() as browser, browser.get(address, allow_redirects=False) as page:
        return page.status, await page.text(), dict(page.headers)


async def returned(house: House, address: str) -> tuple[int, Any]:
    return await house.ask("POST", f"{SIGN_IN}/return", {"address": address})


async def test_the_browser_comes_back_and_the_account_goes_on(house: House) -> None:
    """Part of ACC-04. With PKCE, and no token on any page."""
    begun = await begin(house)
    assert (begun["flow"], begun["user_code"]) == ("code", None)
    assert begun["redirect_uri"] == f"{house.base}/signin/callback"
    asked = parse_qs(urlsplit(begun["url"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 43
    status, text, headers = await opened(await agreed(house, begun["url"]))
    assert status == 200
    assert f"sklep_{house.market.seller}" in text
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    account = await house.get("/accounts/market")
    assert (account["state"], account["signed_in"]) == ("active", True)
    rows = await house.database.reader.fetch("SELECT token FROM credentials")
    token = msgspec.json.decode(rows[0][0])
    assert not {token["access"], token["refresh"]} & set(text.split('"'))
    await house.sell()


async def test_the_same_address_is_of_use_once(house: House) -> None:
    back = await agreed(house, (await begin(house))["url"])
    assert (await opened(back))[0] == 200
    status, text, _ = await opened(back)
    assert status == 400
    assert "used already" in text
    assert (await house.get(SIGN_IN))["state"] == "done"


async def test_an_address_is_pasted_where_the_browser_cannot_come_back(house: House) -> None:
    back = await agreed(house, (await begin(house))["url"])
    elsewhere = back.replace(house.base, "https://shop.example/nothing/here")
    status, ended = await returned(house, f"  {elsewhere}\n")
    assert (status, ended["state"]) == (200, "done"), ended
    assert ended["login"] == f"sklep_{house.market.seller}"


async def test_the_application_may_be_registered_with_another_address(house: House) -> None:
    text = house.path.read_text(encoding="utf-8")
    own = "https://shop.example/back"
    house.path.write_text(text.replace('"allegro"', f'"allegro"\nredirect_uri = "{own}"'), encoding="utf-8")
    house.market.signin.redirects = {own}
    assert (await house.ask("POST", "/reload"))[0] == 200
    begun = await begin(house)
    assert begun["redirect_uri"] == own
    back = await agreed(house, begun["url"])
    assert back.startswith(f"{own}?code=")
    assert (await returned(house, back))[1]["state"] == "done"


async def test_a_proxys_name_is_where_the_browser_comes_back_to(house: House) -> None:
    """The dashboard is asked from there; over plain HTTP only the browser knows of the proxy's TLS."""
    origin = house.base.replace("http:", "https:")
    house.client.headers["Origin"] = origin
    assert (await begin(house))["redirect_uri"] == f"{origin}/signin/callback"
    house.client.headers["Origin"] = "https://elsewhere.example"
    assert (await house.ask("POST", SIGN_IN, {"flow": "code"}))[0] == 403


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("code=", "kode="), "holds no code"),
        (("state=", "state=x"), "no sign-in waits"),
        (("state=", "stat="), "no sign-in waits"),
    ],
)
async def test_what_is_not_the_right_address_changes_nothing(
    house: House, change: tuple[str, str], says: str
) -> None:
    """It is told what is wrong, by both ways; the right one is taken after it."""
    back = await agreed(house, (await begin(house))["url"])
    status, problem = await returned(house, back.replace(*change))
    assert (status, problem["parameter"]) == (400, "address")
    assert says in problem["detail"]
    status, text, _ = await opened(back.replace(*change))
    assert status == 400
    assert says in text
    assert (await house.get(SIGN_IN))["state"] == "pending"
    assert (await returned(house, back))[1]["state"] == "done"


async def test_an_address_of_another_account_is_not_taken(house: House) -> None:
    back = await agreed(house, (await begin(house))["url"])
    status, _ = await house.ask("POST", "/accounts/shop/sign-in/return", {"address": back})
    assert status == 400
    assert (await house.get(SIGN_IN))["state"] == "pending"


async def test_a_person_may_refuse(house: House) -> None:
    begun = await begin(house)
    status, text, _ = await opened(await agreed(house, begun["url"], "refuse"))
    assert status == 200
    assert "the person refused the sign-in" in text
    ended = await house.get(SIGN_IN)
    assert (ended["state"], ended["reason"]) == ("failed", "the person refused the sign-in")
    assert (await begin(house))["url"] != begun["url"], "and may try again"


async def test_nobody_comes_back_in_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin, "_BROWSER", timedelta(milliseconds=50))
    back = await agreed(house, (await begin(house))["url"])
    ended = await house.get(SIGN_IN, wait=20)
    assert ended["reason"] == "nobody came back from Allegro in time"
    assert (await opened(back))[0] == 400


async def test_one_that_is_begun_anew_ends_the_one_before(house: House) -> None:
    """While one waits it is given again; by another way it is another."""
    first = await begin(house)
    assert await begin(house) == first
    assert (await house.ask("POST", SIGN_IN, {"flow": "device"}))[1]["user_code"]
    status, text, _ = await opened(await agreed(house, first["url"]))
    assert status == 400
    assert "begun anew" in text


async def test_a_code_that_was_stolen_is_of_no_use(house: House) -> None:
    """The verifier is not in anything that the browser sees, and the server wants it."""
    begun = await begin(house)
    back = await agreed(house, begun["url"])
    code = parse_qs(urlsplit(back).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": begun["redirect_uri"]}
    headers = {"Authorization": BASIC, "Content-Type": "application/x-www-form-urlencoded"}
    market = urlsplit(begun["url"])
    async with ClientSession() as thief:
        url = f"{market.scheme}://{market.netloc}/auth/oauth/token"
        async with thief.post(url, data=form, headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]) == (400, "invalid_grant")
    assert (await returned(house, back))[1]["state"] == "failed", "and a code is of use once"


async def test_another_sellers_sign_in_is_refused(trading: House) -> None:
    was, trading.market.seller = trading.market.seller, "99999999"
    back = await agreed(trading, (await begin(trading))["url"])
    ended = (await returned(trading, back))[1]
    assert ended["state"] == "failed"
    assert f"belongs to sklep_{was}" in ended["reason"]
    trading.market.seller = was
    await trading.sell()


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.LOSE, FaultKind.ERROR])
async def test_an_exchange_that_fails_is_told_and_can_be_begun_again(house: House, kind: FaultKind) -> None:
    house.market.faults.add(Fault(kind=kind, match="POST /auth/oauth/token", status=503, times=1))
    ended = (await returned(house, await agreed(house, (await begin(house))["url"])))[1]
    assert ended["state"] == "failed"
    assert ended["reason"].startswith("POST /auth/oauth/token: ")
    ended = (await returned(house, await agreed(house, (await begin(house))["url"])))[1]
    assert ended["state"] == "done"


async def test_neither_state_nor_code_is_logged_or_told_in_events(house: House) -> None:
    """Invariant 12."""
    with capture_logs() as lines:
        begun = await begin(house)
        back = await agreed(house, begun["url"])
        await opened(back.replace("state=", "state=x"))
        assert (await opened(back))[0] == 200
    query = parse_qs(urlsplit(back).query)
    told = str(lines) + str(await house.database.reader.fetch("SELECT data FROM events"))
    for secret in (query["state"][0], query["code"][0]):
        assert secret not in told


async def test_no_secret_of_a_sign_in_is_shown_anywhere(house: House) -> None:
    """Neither under way nor afterwards: in no answer but the one that begins it, in no event and no log."""
    with capture_logs() as lines:
        await house.ask("POST", SIGN_IN, {"flow": "device"})
        secrets = {secret_of(await row(house))["device_code"]}
        begun = await begin(house)
        waiting = secret_of(await row(house))
        secrets |= {waiting["state"], waiting["verifier"]}
        back = await agreed(house, begun["url"])
        secrets |= {parse_qs(urlsplit(back).query)["code"][0]}
        shown = await everything(house)
        assert (await opened(back))[0] == 200
        shown += await everything(house)
        token = msgspec.json.decode((await house.database.reader.fetch("SELECT token FROM credentials"))[0][0])
        secrets |= {token["access"], token["refresh"]}
    assert secrets <= set(house.learned), "what a library logs of them is covered, too"
    shown += str(lines) + str(await house.database.reader.fetch("SELECT data FROM events"))
    assert len(secrets) == 6
    assert [secret for secret in secrets if secret in shown] == []


async def row(house: House) -> bytes:
    secret: bytes = (await house.database.reader.fetch("SELECT secret FROM sign_ins"))[0][0]
    return secret


def secret_of(stored: bytes) -> Any:
    return msgspec.json.decode(stored)


async def everything(house: House) -> str:
    """What the endpoint shows; the state of a sign-in is for who may go on with it, and not among it."""
    paths = (
        "/status",
        "/accounts",
        "/accounts/market",
        "/events",
        "/journal",
        "/settings",
        "/doctor",
        "/runs",
        "/alarms",
    )
    return "".join([str(await house.get(path)) for path in paths])


async def test_a_callback_before_the_first_round_teaches_the_logs_its_secrets(house: House) -> None:
    """The process that was sent back to need not be the one that began it, nor have looked what is under way."""
    back = await agreed(house, (await begin(house))["url"])
    waiting = secret_of(await row(house))
    learned: list[str] = []
    hub = house.hub
    fresh = signin.SignIns(
        hub.directory, hub.database, hub.supervisor, hub.clock, (hub.checks.round,), learned.append
    )
    assert await fresh.bring(back) == "market"
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert {waiting["state"], waiting["verifier"], code} <= set(learned), "before anything is sent"
    ended = await fresh.settled("market", 20)
    assert ended is not None
    assert ended.state == "done"
    token = msgspec.json.decode((await hub.database.reader.fetch("SELECT token FROM credentials"))[0][0])
    assert {token["access"], token["refresh"]} <= set(learned)


async def test_a_process_that_lost_the_account_neither_takes_a_callback_nor_ends_the_sign_in(house: House) -> None:
    back = await agreed(house, (await begin(house))["url"])
    async with Database.open(house.database.path) as other:
        now = house.clock.now()
        await take_over(other, ["market"], now, now)
        with pytest.raises(CallbackRefused, match="another process"):
            await house.hub.sign_ins.bring(back)
        found = (await house.database.reader.fetch("SELECT state, secret IS NOT NULL FROM sign_ins"))[0]
        assert found == ("pending", 1), "it waits for the process that has the account"
        house.clock.ahead = timedelta(minutes=11)
        await house.hub._displacement.check()

        async def let_go() -> bool:
            return "market" not in house.hub.units and not any(
                task.get_name() == "sign-in of market" for task in asyncio.all_tasks()
            )

        house.hub.sign_ins._ended.clear()
        await house.until(let_go)
        assert (await house.database.reader.fetch("SELECT state FROM sign_ins"))[0] == ("pending",)


async def test_a_reader_learns_no_address_to_sign_in_by(house: House) -> None:
    """Who may only look could go on with the sign-in, and give the account another seller's token."""
    await begin(house)
    text = await house.make_token("eyes", Scope.READ)
    async with ClientSession(house.base, headers={"Authorization": f"Bearer {text}"}) as eyes:
        async with eyes.get(f"/api/v1{SIGN_IN}") as answer:
            assert answer.status == 403
        async with eyes.post(f"/api/v1{SIGN_IN}/return", json={"address": "code=1"}) as answer:
            assert answer.status == 403


async def test_a_flow_that_the_system_does_not_have(house: House) -> None:
    status, problem = await house.ask("POST", SIGN_IN, {"flow": "client"})
    assert status == 409
    assert problem["detail"] == "Allegro has no sign-in of the kind client, only: device, code"
    assert (await house.get("/accounts/market"))["sign_in_flows"] == ["device", "code"]
    assert (await house.get("/accounts/shop"))["sign_in_flows"] == []


async def test_the_callback_goes_by_the_endpoints_own_name(house: House) -> None:
    """A stranger's name that leads here gets nothing, as everywhere."""
    back = await agreed(house, (await begin(house))["url"])
    async with ClientSession() as browser, browser.get(back, headers={"Host": "evil.example"}) as page:
        assert page.status == 421
    assert (await house.get(SIGN_IN))["state"] == "pending"


@contextlib.asynccontextmanager
async def restarted(house: House) -> AsyncIterator[Hub]:
    """Another hub on the same rows, which knows nothing that the first one remembered."""
    await house.hub.stop(0)
    async with open_session() as session:
        hub = Hub(house.configuration(), house.database, session, house.clock, structlog.get_logger())
        await hub.start()
        try:
            yield hub
        finally:
            await hub.stop(5)


async def test_a_browser_comes_back_after_a_restart(house: House) -> None:
    """To the next process; the address is of use once there, too, and for its account alone."""
    back = await agreed(house, (await begin(house))["url"])
    async with restarted(house) as hub:
        with pytest.raises(CallbackRefused, match="no sign-in waits"):
            await hub.sign_ins.bring(back, "shop")
        assert await hub.sign_ins.bring(back) == "market"
        ended = await hub.sign_ins.settled("market", 20)
        assert ended is not None
        assert (ended.state, ended.reason) == ("done", None)
        with pytest.raises(CallbackRefused, match="used already"):
            await hub.sign_ins.bring(back)
        assert await house.database.reader.fetch("SELECT secret FROM sign_ins") == [(None,)]


async def test_an_address_whose_time_is_over_is_refused_after_a_restart(house: House) -> None:
    back = await agreed(house, (await begin(house))["url"])
    house.clock.ahead = timedelta(minutes=11)
    async with restarted(house) as hub:
        with pytest.raises(CallbackRefused, match="no sign-in waits"):
            await hub.sign_ins.bring(back)
        ended = await hub.sign_ins.settled("market", 20)
        assert ended is not None
        assert ended.reason == "nobody came back from Allegro in time"


async def test_a_code_is_confirmed_after_a_restart(house: House) -> None:
    status, begun = await house.ask("POST", SIGN_IN, {"flow": "device"})
    assert status == 202
    async with restarted(house) as hub:
        found = await hub.sign_ins.of("market")
        assert found is not None
        assert (found.state, found.user_code) == ("pending", begun["user_code"])
        house.market.signin.consent = True
        ended = await hub.sign_ins.settled("market", 20)
        assert ended is not None
        assert (ended.state, ended.reason) == ("done", None)


async def test_one_that_was_stopped_with_the_code_in_its_hands_ends_with_that_reason(house: House) -> None:
    await begin(house)
    async with restarted(house) as hub:
        await hub.stop(0)
        await house.database.write(lambda tx: tx.execute("UPDATE sign_ins SET secret = NULL"))
        async with restarted(house) as next_hub:
            ended = await next_hub.sign_ins.settled("market", 20)
            assert ended is not None
            assert (ended.state, ended.reason) == (
                "failed",
                "the hub was stopped while it exchanged the code: sign in again",
            )


class KeyLogin(Login):
    """Needs no person: the keys of the application are enough."""

    house: ClassVar[House]

    def __init__(self, account: Account[AllegroSettings]) -> None:
        super().__init__(account)
        self.flows = (Flow.CLIENT,)

    async def obtain(self) -> Token:
        return msgspec.structs.replace(self.house.market.token(), refresh=None, refresh_expires_at=None)


class ByKeys(Allegro):
    def __init__(self, account: Account[AllegroSettings]) -> None:
        super().__init__(account)
        self.login = KeyLogin(account)


async def test_where_the_keys_are_enough_nobody_signs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon asks for the token by itself, and nobody is told to sign in."""
    monkeypatch.setattr(olhubd_allegro, "Allegro", ByKeys)
    house = KeyLogin.house = House(tmp_path)
    async with house.open():
        status, problem = await house.ask("POST", SIGN_IN)
        assert status == 409
        assert problem["detail"] == "Allegro needs nobody to sign in: the keys in the settings are enough"
        await house.until(house._begun)
        await house.sell()
        account = await house.get("/accounts/market")
        assert (account["state"], account["signed_in"]) == ("active", None)
        await house.hub.checks.round()
        assert [one for one in (await house.get("/alarms"))["items"] if one["kind"] == "sign-in"] == []
