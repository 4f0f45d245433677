"""How soon it is proved that buyers see what is wanted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from olhubd.decide.stock.level import OfferLevel, Phase, glimpse
from olhubd.model import LevelStep
from olhubd.store import Database
from olhubd_torture.loop import VirtualTimeLoop
from tests.bench import evidence
from tests.engine.levels.stall import Stall
from tests.orders import EPOCH


@pytest.fixture
async def stall(database: Database) -> Stall:
    """Five of A in the shop and on an offer."""
    stall = Stall(database)
    await stall.stock("A", 5)
    await stall.offer("111", "A", 5)
    await stall.orders_read()
    await stall.turns(10)
    return stall


async def test_what_is_shown_soon_is_proved_soon_and_settles_later(stall: Stall) -> None:
    await stall.stock("A", 3)
    await stall.turns(1.5)
    level = await stall.level()
    assert (level.confirmed, level.wanted_at, level.phase) == (3, None, Phase.SETTLING)
    await stall.turns(10)
    assert (await stall.level()).even
    assert len(stall.channel.calls) == 1


async def test_what_is_not_shown_yet_proves_nothing(stall: Stall) -> None:
    stall.channel.mode = "ignored"
    await stall.stock("A", 3)
    await stall.turns(1.5)
    level = await stall.level()
    assert (level.confirmed, level.phase, level.tries) == (5, Phase.SETTLING, 0)
    assert level.wanted_at is not None


WRITTEN = OfferLevel(
    offer=1, account="allegro", external_id="111", wanted=3, wanted_after=5, wanted_at=EPOCH, confirmed=5,
    confirmed_after=4, inside=5, phase=Phase.SETTLING, command="c", sent=3, reported=True, step=LevelStep.SHOW,
)  # fmt: skip


@pytest.mark.parametrize(
    "otherwise",
    [
        {"reported": False},
        {"phase": Phase.SENT},
        {"phase": Phase.SETTLED},
        {"confirmed": 3},
        {"confirmed": None},
        {"wanted": 4},
        {"sent": 4},
        {"allocated": True},
        {"step": LevelStep.FILL},
    ],
)
def test_only_a_new_number_that_was_reported_is_proved_early(otherwise: dict[str, object]) -> None:
    """What was shown before may be shown still; what is divided is believed when it has settled."""
    proved = glimpse(WRITTEN, 3, True, 6, 7, EPOCH)
    assert proved is not None
    assert (proved.confirmed, proved.confirmed_after, proved.wanted_at) == (3, 7, None)
    assert glimpse(msgspec.structs.replace(WRITTEN, **otherwise), 3, True, 6, 7, EPOCH) is None


def test_an_end_is_proved_by_an_offer_that_cannot_be_bought() -> None:
    ended = msgspec.structs.replace(WRITTEN, sent=0, wanted=0)
    assert glimpse(ended, 5, True, 6, 7, EPOCH) is None
    proved = glimpse(ended, 5, False, 6, 7, EPOCH)
    assert proved is not None
    assert (proved.confirmed, proved.active, proved.inside, proved.ended_here) == (0, False, 5, True)


def test_a_raise_waits_for_no_interval_of_the_masters_orders(tmp_path: Path) -> None:
    """With default settings the master's orders are read every five minutes, and at once where a raise waits."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found = runner.run(evidence.measure(3, tmp_path))
    assert max(one.after_commit for one in found) < 12
