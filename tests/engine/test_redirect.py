"""What a browser that comes back from a sign-in may bring, and what not."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import urlencode

import msgspec
import pytest

from olhubd.engine.access.redirect import CallbackRefused, PendingCallback, bring
from olhubd.plugin import AuthLost

BACK = "http://127.0.0.1:8742/signin/callback"


def came_back(**query: str) -> str:
    return f"{BACK}?{urlencode(query)}"


async def test_each_sign_in_has_a_state_and_a_verifier_of_its_own() -> None:
    one, other = PendingCallback.new("a", "Shop", BACK), PendingCallback.new("a", "Shop", BACK)
    assert one.state != other.state
    assert one.verifier != other.verifier
    assert 43 <= len(one.verifier) <= 128
    digest = hashlib.sha256(one.verifier.encode()).digest()
    assert base64.urlsafe_b64decode(one.challenge + "=") == digest
    assert one.verifier not in one.challenge


async def test_the_challenge_is_that_of_the_standard() -> None:
    """The example of RFC 7636, appendix B."""
    one = PendingCallback.new("a", "Shop", BACK)
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    one = msgspec.structs.replace(one, verifier=verifier)
    assert one.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize("shape", ["{}", "  {}\n", "{}#_=_"])
async def test_the_code_goes_to_the_sign_in_whose_state_it_carries(shape: str) -> None:
    one, other = PendingCallback.new("a", "Shop", BACK), PendingCallback.new("b", "Shop", BACK)
    address = shape.format(came_back(code="c/1+2 3", state=other.state))
    assert bring(address, [one, other]) == (other, "c/1+2 3")


async def test_the_query_alone_will_do() -> None:
    one = PendingCallback.new("a", "Shop", BACK)
    assert bring(urlencode({"code": "c", "state": one.state}), [one]) == (one, "c")


@pytest.mark.parametrize("address", ["", "nonsense", BACK, "https://allegro.pl/login?state=x", came_back(code="")])
async def test_an_address_without_a_code_is_no_answer(address: str) -> None:
    one = PendingCallback.new("a", "Shop", BACK)
    with pytest.raises(CallbackRefused, match="holds no code"):
        bring(address, [one])


@pytest.mark.parametrize("query", [{"code": "c"}, {"error": "access_denied"}])
async def test_without_the_right_state_nobody_is_signed_in_or_refused(query: dict[str, str]) -> None:
    one = PendingCallback.new("a", "Shop", BACK)
    for state in ({}, {"state": ""}, {"state": "x" + one.state}, {"state": "ż"}):
        with pytest.raises(CallbackRefused, match="no sign-in waits") as caught:
            bring(came_back(**query, **state), [one])
        assert one.state not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("access_denied", "the person refused the sign-in"),
        ("invalid_scope", r"Shop refused the sign-in \(invalid_scope\)"),
        ("temporarily_unavailable", r"Shop refused the sign-in \(temporarily_unavailable\)"),
        ("<b>no</b>", r"Shop refused the sign-in \(no code of an error\)"),
    ],
)
async def test_a_refusal_ends_the_sign_in_with_its_reason(error: str, says: str) -> None:
    one = PendingCallback.new("a", "Shop", BACK)
    address = came_back(error=error, error_description="Jan Kowalski said no", state=one.state)
    whose, refused = bring(address, [one])
    assert whose == one
    assert isinstance(refused, AuthLost)
    assert re.fullmatch(says, str(refused))
    assert "Kowalski" not in str(refused)
