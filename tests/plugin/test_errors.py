"""What went wrong, in words that can be kept."""

from __future__ import annotations

from olhubd.plugin import AuthLost, Rejected, Unavailable


def test_words_of_a_broken_header_can_be_stored() -> None:
    """A trace id that is no UTF-8 comes as half a surrogate: no database and no JSON takes that."""
    trace = b"trace \xff".decode(errors="surrogateescape")
    for error in (Unavailable(f"502 [{trace}]"), AuthLost(trace, code=trace), Rejected(trace, field="total")):
        str(error).encode()
        (error.code or "").encode()
        assert "trace" in str(error)
