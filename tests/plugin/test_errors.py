"""What went wrong, in words that can be kept."""

from __future__ import annotations

import pytest

from olhubd.plugin import AuthLost, OutcomeUnknown, RateLimited, Rejected, Temporary, Unavailable


def test_words_of_a_broken_header_can_be_stored() -> None:
    """A trace id that is no UTF-8 comes as half a surrogate: no database and no JSON takes that."""
    trace = b"trace \xff".decode(errors="surrogateescape")
    for error in (Unavailable(f"502 [{trace}]"), AuthLost(trace, code=trace), Rejected(trace, field="total")):
        str(error).encode()
        (error.code or "").encode()
        assert "trace" in str(error)


@pytest.mark.parametrize("kind", [Unavailable, RateLimited, OutcomeUnknown, Temporary])
@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (None, None),
        (0, 0.0),
        (7.5, 7.5),
        (-3.0, 0.0),
        (float("nan"), None),
        (float("inf"), None),
        (float("-inf"), None),
        (1e12, 86_400.0),
    ],
)
def test_a_time_to_wait_is_a_span_of_time(kind: type[Temporary], asked: float | None, waits: float | None) -> None:
    """A plugin may compute anything; no account sleeps for ever by it, and no heap of timers holds a NaN."""
    assert kind("later", retry_after=asked).retry_after == waits
