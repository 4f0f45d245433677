"""Work in a thread of its own gives what it gives, raises what it raises, and ends nothing else."""

from __future__ import annotations

import threading

import pytest

from olhubd.runtime.threads import apart


async def test_what_is_done_apart_is_given_back() -> None:
    name = await apart("of its own", lambda: threading.current_thread().name)
    assert name == "of its own"


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), KeyboardInterrupt(), StopIteration()])
async def test_whatever_is_raised_apart_ends_no_loop(error: BaseException) -> None:
    def fails() -> None:
        raise error

    with pytest.raises((ValueError, RuntimeError), match=r"no|SystemExit|KeyboardInterrupt|StopIteration"):
        await apart("fails", fails)


async def test_nobody_waits_for_it_at_the_end() -> None:
    over = threading.Event()
    waiting = apart("waits", over.wait)
    thread = next(one for one in threading.enumerate() if one.name == "waits")
    assert thread.daemon
    waiting.cancel()
    over.set()
    thread.join(10)
    assert not thread.is_alive()
