"""Signing in and staying so, in the right one of Allegro's two worlds."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from pydantic import ValidationError

from olhubd.plugin import AuthLost, OutcomeUnknown, Rejected, StillPending, Temporary, Token, oauth2
from olhubd_allegro import Allegro
from olhubd_allegro.settings import AllegroSettings
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.test_host import InstantClock, account

SETTINGS = {
    "client_id": "c",
    "client_secret": "s",
    "application": "My Shop",
    "contact": "https://shop.example/about",
}
BACK = "https://hub.example/oauth"


class Walked(InstantClock):
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.time = datetime(2026, 11, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


async def test_a_device_is_signed_in_without_a_password(simulator: AllegroSimulator, allegro: Allegro) -> None:
    grant = await allegro.login.begin_device()
    assert grant.user_code in grant.url

    assert await allegro.login.poll_device(grant) == StillPending(interval=grant.interval)
    token = await allegro.login.poll_device(grant)

    assert isinstance(token, Token)
    assert simulator.signin.accepts(token.access)
    assert token.owner == simulator.seller
    assert "allegro:api:orders:read" in token.scopes
    assert token.refresh_expires_at is not None
    assert token.refresh_expires_at - token.expires_at > timedelta(days=80)
    assert token.access not in repr(token)


async def test_a_person_is_waited_for_and_may_refuse(simulator: AllegroSimulator, allegro: Allegro) -> None:
    simulator.signin.consent = False
    simulator.signin.slow = 1
    grant = await allegro.login.begin_device()

    assert await allegro.login.poll_device(grant) == StillPending(interval=grant.interval + 5)
    assert await allegro.login.poll_device(grant) == StillPending(interval=grant.interval)
    simulator.consent(grant.user_code, granted=False)
    with pytest.raises(AuthLost) as refused:
        await allegro.login.poll_device(grant)
    assert refused.value.code == "access_denied"
    with pytest.raises(AuthLost):
        await allegro.login.poll_device(grant)


async def test_the_consent_page_ends_the_wait(simulator: AllegroSimulator, allegro: Allegro) -> None:
    simulator.signin.consent = False
    grant = await allegro.login.begin_device()
    async with aiohttp.ClientSession() as session, session.get(grant.url) as page:
        assert page.status == 200
    assert isinstance(await allegro.login.poll_device(grant), Token)


async def test_a_code_that_ran_out_is_over(simulator: AllegroSimulator) -> None:
    clock = Walked()
    simulator.now = clock.now
    async with serve(simulator) as base, account(Allegro, simulator.settings(base), clock=clock) as allegro:
        grant = await allegro.login.begin_device()
        clock.time = grant.expires_at
        with pytest.raises(AuthLost, match="ran out"):
            await allegro.login.poll_device(grant)


async def test_a_redirect_signs_in_with_a_proof_of_possession(allegro: Allegro) -> None:
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()

    async def code() -> str:
        url = allegro.login.authorize_url(BACK, "state-1", challenge)
        async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as answer:
            query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert query["state"] == ["state-1"]
        return query["code"][0]

    assert (await allegro.login.exchange(await code(), BACK, verifier)).refresh
    with pytest.raises(AuthLost):
        await allegro.login.exchange(await code(), BACK, "w" * 43)


async def test_refresh_tokens_rotate_and_the_last_one_is_tolerated_for_a_minute(
    simulator: AllegroSimulator,
) -> None:
    """A lost answer leaves the hub with a spent token; trying again at once still works, after a minute no more."""
    clock = Walked()
    simulator = AllegroSimulator(seed=1, now=clock.now)
    async with serve(simulator) as base, account(Allegro, simulator.settings(base), clock=clock) as allegro:
        first = simulator.token()
        simulator.rotate_and_forget()
        with pytest.raises(OutcomeUnknown):
            await allegro.login.refresh(first)

        clock.time += timedelta(seconds=60)
        second = await allegro.login.refresh(first)
        assert second.refresh not in (None, first.refresh)
        assert second.owner == simulator.seller

        clock.time += timedelta(seconds=1)
        with pytest.raises(AuthLost) as lost:
            await allegro.login.refresh(first)
        assert lost.value.code == "invalid_grant"
        assert first.refresh is not None
        assert first.refresh not in str(lost.value)
        assert (await allegro.login.refresh(second)).access != second.access


@pytest.mark.parametrize(
    "kind",
    [FaultKind.CUT, FaultKind.LOSE, FaultKind.HALF, FaultKind.ERROR, FaultKind.ERROR_AFTER, FaultKind.THROTTLE],
)
async def test_no_failure_of_the_way_loses_a_grant(
    simulator: AllegroSimulator, allegro: Allegro, kind: FaultKind
) -> None:
    token = simulator.token()
    simulator.faults.add(Fault(kind=kind, match="POST /auth/oauth/token$"))
    with pytest.raises(Temporary):
        await allegro.login.refresh(token)
    assert (await allegro.login.refresh(token)).access != token.access


async def test_a_renewal_that_hangs_leaves_time_for_another(
    simulator: AllegroSimulator, allegro: Allegro, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh token that was used is taken for a minute more: thirty seconds for one try would be too many."""
    assert oauth2._PROMPT <= 10.0
    monkeypatch.setattr(oauth2, "_PROMPT", 0.2)
    simulator.faults.add(Fault(kind=FaultKind.HANG, match="POST /auth/oauth/token$"))
    async with asyncio.timeout(10):
        with pytest.raises(OutcomeUnknown):
            await allegro.login.refresh(simulator.token())


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_page_of_a_firewall_is_no_verdict(
    simulator: AllegroSimulator, allegro: Allegro, status: int
) -> None:
    simulator.faults.add(Fault(kind=FaultKind.ERROR, match="POST /auth/oauth/token$", status=status))
    with pytest.raises(Temporary):
        await allegro.login.refresh(simulator.token())


async def test_a_wrong_secret_is_the_settings_fault_and_not_the_grants(simulator: AllegroSimulator) -> None:
    async with serve(simulator) as base:
        settings = simulator.settings(base) | {"client_secret": "wrong"}
        async with account(Allegro, settings) as allegro:
            for attempt in (allegro.login.begin_device(), allegro.login.refresh(simulator.token())):
                with pytest.raises(Rejected) as refused:
                    await attempt
                assert refused.value.field == "client_secret"
                assert "wrong" not in str(refused.value)


async def test_without_a_refresh_token_there_is_nothing_to_renew(allegro: Allegro) -> None:
    with pytest.raises(AuthLost):
        await allegro.login.refresh(Token(access="a", expires_at=datetime.now(UTC)))


@pytest.mark.parametrize("sandbox", [True, False])
async def test_a_token_of_the_other_world_is_refused_before_it_is_sent(sandbox: bool) -> None:
    """ACC-03: with a clear message, and without one call."""
    here, there = AllegroSimulator(sandbox=sandbox), AllegroSimulator(sandbox=not sandbox)
    async with (
        serve(here) as base,
        account(Allegro, here.settings(base), token=there.token()) as allegro,
    ):
        with pytest.raises(AuthLost, match="test mode is " + ("on" if sandbox else "off")):
            await allegro.probe()
        with pytest.raises(AuthLost, match="sign in to this account again"):
            await allegro.orders.pull(await allegro.orders.start(None))


async def test_a_sign_in_to_the_other_world_is_refused() -> None:
    there = AllegroSimulator(sandbox=False)
    async with serve(there) as base, account(Allegro, there.settings(base) | {"sandbox": True}) as allegro:
        with pytest.raises(AuthLost, match="test mode is on"):
            await allegro.login.refresh(there.token())


@pytest.mark.parametrize(
    ("sandbox", "api", "auth"),
    [
        (False, "https://api.allegro.pl", "https://allegro.pl"),
        (True, "https://api.allegro.pl.allegrosandbox.pl", "https://allegro.pl.allegrosandbox.pl"),
    ],
)
def test_test_mode_chooses_every_host(sandbox: bool, api: str, auth: str) -> None:
    """ACC-02."""
    settings = Allegro.Settings.model_validate(SETTINGS | {"sandbox": sandbox})
    assert isinstance(settings, AllegroSettings)
    assert (settings.api, settings.auth) == (api, auth)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sandbox": True, "api_url": "https://api.allegro.pl"},
        {"sandbox": True, "auth_url": "https://allegro.pl"},
        {"sandbox": False, "api_url": "https://api.allegro.pl.allegrosandbox.pl"},
        {"application": "evil\r\nX-Header: 1"},
        {"language": "de-DE"},
        {"client_id": ""},
    ],
)
def test_settings_that_cannot_be_meant(wrong: dict[str, object]) -> None:
    """ACC-02: no override may lead from one world into the other."""
    with pytest.raises(ValidationError):
        Allegro.Settings.model_validate(SETTINGS | wrong)


def test_every_setting_is_described() -> None:
    fields = Allegro.Settings.model_fields
    assert {name for name, field in fields.items() if not field.description} == set()
    assert "canary" not in str(Allegro.Settings.model_validate(SETTINGS | {"client_secret": "canary"}))
