"""What a connector says when a call fails: each failure has one right name, and none is silence."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from olhubd.plugin import AuthLost, OutcomeUnknown, PluginError, RateLimited, Rejected, Temporary
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.calls import LANDED, Call, every_call, outcome
from olhubd_kit.conformance.rule import NotApplicable, Tier, broken, check, rule
from olhubd_kit.conformance.strangers import BEFORE_ACTING, strange
from olhubd_kit.faults import Fault, FaultKind

BRIEF = 0.02
"""Seconds that a call may last where the server never answers."""
WRITES = frozenset(
    {
        *(
            "push_order",
            "set_status",
            "set_payment",
            "add_shipment",
            "cancel_order",
            "write_levels",
            "write_prices",
        ),
        *("create_offer", "change_offer", "publish_offer", "end_offer", "send_mail"),
    }
)
PATIENCE = 4.0
"""Seconds after which a call, with all the attempts it makes, counts as one without a limit."""


def _writes(name: str) -> bool:
    return name in WRITES or name.startswith(LANDED)


def _over_http(bench: Bench) -> None:
    """For rules about what only HTTP has: its statuses, headers and bodies."""
    if bench.simulator.protocol != "HTTP":
        raise NotApplicable(f"{bench.simulator.protocol} has nothing like it", natural=True)


_Wanted = type[PluginError] | tuple[type[PluginError], ...]


async def _all_fail(bench: Bench, fault: Fault, wanted: _Wanted) -> dict[str, Any]:
    """Make every call, all at one time, while `fault` strikes every request; each must end in `wanted`."""
    calls = await every_call(bench)
    bench.faults.add(fault)
    return await _each_ends_in(bench, calls, wanted)


async def _each_ends_in(bench: Bench, calls: Mapping[str, Call], wanted: _Wanted) -> dict[str, Any]:
    named = " or ".join(kind.__name__ for kind in (wanted if isinstance(wanted, tuple) else (wanted,)))
    answers = await asyncio.gather(*(_ended(bench, name, call) for name, call in calls.items()))
    bench.faults.clear()
    for name, answer in zip(calls, answers, strict=True):
        said = f"raised {type(answer).__name__}" if isinstance(answer, Exception) else f"gave {answer!r:.80}"
        check(isinstance(answer, wanted), f"{name} {said}, not {named}")
    return dict(zip(calls, answers, strict=True))


async def _ended(bench: Bench, name: str, call: Call) -> Any:
    try:
        async with asyncio.timeout(PATIENCE):
            return await outcome(bench, call)
    except TimeoutError:
        broken(f"{name} did not end within {PATIENCE:g} s")


@rule("FAIL-01", Tier.BRONZE)
async def a_refused_key_is_auth_lost(bench: Bench) -> None:
    """When the system itself refuses the key (401), or the grant was withdrawn, every call raises AuthLost."""
    if bench.has("OAuthLogin") or "revoke_grant" in bench.simulator.verbs():
        # A connector that keeps a grant by itself loses it as well.
        calls = await every_call(bench)
        for call in calls.values():
            await bench.attempt(call)  # with a token that is still good
        await bench.do("revoke_grant")
        await _each_ends_in(bench, calls, AuthLost)
        return
    if bench.faults.refusal is None:
        raise NotApplicable("the simulator has no `refusal`", lacking=True)
    await _all_fail(bench, Fault(kind=FaultKind.REFUSE, status=401, times=None), AuthLost)


@rule("FAIL-02", Tier.BRONZE)
async def throttling_is_rate_limited(bench: Bench) -> None:
    """When 429 is answered, every call raises RateLimited, a write perhaps OutcomeUnknown, with the server's own
    Retry-After.
    """
    _over_http(bench)
    limited = (RateLimited, OutcomeUnknown)
    answers = await _all_fail(bench, Fault(kind=FaultKind.THROTTLE, retry_after=37, times=None), limited)
    for name, answer in answers.items():
        check(answer.retry_after == 37, f"{name} says retry_after={answer.retry_after}; the server said 37 s")
        check(_writes(name) or isinstance(answer, RateLimited), f"{name} raised {type(answer).__name__}")


@rule("FAIL-03", Tier.BRONZE)
async def a_server_error_is_temporary(bench: Bench) -> None:
    """When the server fails (500, 502, 503), every call raises a Temporary error, never an empty answer."""
    for status in (500, 502, 503):
        await _all_fail(bench, Fault(kind=FaultKind.ERROR, status=status, times=None), Temporary)


@rule("FAIL-04", Tier.BRONZE)
async def a_cut_connection_is_temporary(bench: Bench) -> None:
    """When the connection is cut, every call raises a Temporary error."""
    await _all_fail(bench, Fault(kind=FaultKind.CUT, times=None), Temporary)


@rule("FAIL-05", Tier.SILVER)
async def every_call_has_a_time_limit(bench: Bench) -> None:
    """When the server never answers, every call ends by its own limit in a Temporary error."""
    for call in (await every_call(bench)).values():
        await bench.attempt(call)  # what is opened on first use is open now
    calls = await every_call(bench)  # before the limit, which a busy machine exceeds by itself
    bench.session.limit = BRIEF
    bench.faults.add(Fault(kind=FaultKind.HANG, times=None))
    await _each_ends_in(bench, calls, Temporary)


@rule("FAIL-06", Tier.SILVER)
async def a_page_of_html_is_no_answer(bench: Bench) -> None:
    """When a firewall answers 200 with a page for people, every call raises a Temporary error; none takes it for
    "nothing there".
    """
    _over_http(bench)
    await _all_fail(bench, Fault(kind=FaultKind.ERROR, status=200, times=None), Temporary)


@rule("FAIL-07", Tier.SILVER)
async def a_strangers_refusal_is_temporary(bench: Bench) -> None:
    """When a firewall or gateway answers in the system's place, with 401, 403, 404, 409 or any other status, every
    call raises a Temporary error: no key is lost by it, no order is gone, nothing is refused.
    """
    _over_http(bench)
    for answer in BEFORE_ACTING:
        await _all_fail(bench, strange(FaultKind.ERROR, answer, times=None), Temporary)


@rule("FAIL-08", Tier.SILVER)
async def a_dressed_up_answer_is_an_answer(bench: Bench) -> None:
    """A byte order mark before an answer and a header of 40 KiB beside it change nothing: no call fails by them."""
    _over_http(bench)
    calls = await every_call(bench)
    bench.faults.add(Fault(kind=FaultKind.DRESS, times=None))
    for name, call in calls.items():
        answer = await _ended(bench, name, call)
        check(not isinstance(answer, PluginError), f"{name} raised {type(answer).__name__}: {answer}")
    bench.faults.clear()


@rule("FAIL-09", Tier.SILVER)
async def a_token_that_ends_early_stops_nothing(bench: Bench) -> None:
    """When tokens are over before their time and can be renewed, what is read goes on without an error."""
    calls = await every_call(bench)
    reading = {name: call for name, call in calls.items() if not _writes(name)}
    for when in ("with a new token", "after its early end", "after another one"):
        for name, call in reading.items():
            answer = await outcome(bench, call)
            check(not isinstance(answer, PluginError), f"{when} {name} raised {type(answer).__name__}")
        await bench.do("expire_tokens")


@rule("FAIL-10", Tier.SILVER)
async def a_call_that_is_forbidden_switches_nothing_off(bench: Bench) -> None:
    """When the system itself forbids a call (403) by a code that nobody knows, no call raises AuthLost or
    AccountBlocked.
    """
    _over_http(bench)
    if bench.faults.refusal is None:
        raise NotApplicable("the simulator has no `refusal`", lacking=True)
    await _all_fail(bench, Fault(kind=FaultKind.REFUSE, status=403, times=None), (Temporary, Rejected))
