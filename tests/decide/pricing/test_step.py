"""What is to be done with the price of one offer."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from olhubd.decide.pricing.step import leaps, next_price_step
from olhubd.decide.stock.level import Move, OfferLevel, Phase
from olhubd.model import LevelKind, Reason, code_of

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HALF = Decimal("0.5")


def row(wanted: int | None, confirmed: int | None, **over: object) -> OfferLevel:
    base = {"offer": 1, "account": "allegro", "external_id": "7", "kind": LevelKind.PRICE, "wanted_at": NOW}
    return OfferLevel(**{**base, "wanted": wanted, "confirmed": confirmed, **over})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("level", "more", "move", "why"),
    [
        (row(1200, 1000), {}, Move.RAISE, None),
        (row(900, 1000), {}, Move.LOWER, None),
        (row(1000, 1000), {}, Move.NOTHING, None),
        (row(None, 1000), {}, Move.NOTHING, None),
        (row(1000, None), {}, Move.READ, None),
        (row(1200, 1000, phase=Phase.SENT), {}, Move.NOTHING, None),
        (row(1200, 1000, phase=Phase.SETTLING), {}, Move.NOTHING, None),
        (row(1200, 1000, due_at=NOW + timedelta(seconds=1)), {}, Move.NOTHING, None),
        (row(900, 1000, due_at=NOW + timedelta(seconds=1)), {}, Move.NOTHING, None),
        (row(1200, 1000, due_at=NOW), {}, Move.RAISE, None),
        (row(1200, 1000, tries=1, due_at=NOW + timedelta(hours=1)), {}, Move.RAISE, None),
        (row(900, 1000, tries=1, due_at=NOW + timedelta(hours=1)), {}, Move.LOWER, None),
        (row(1200, 1000, active=False), {}, Move.HELD, "level.not-there"),
        (row(0, 1000), {"step": None}, Move.HELD, "pricing.never-zero"),
        (row(1200, 1000), {"automatic": True}, Move.HELD, "pricing.automatic"),
        (row(1200, 1000, wanted_at=None), {}, Move.HELD, "pricing.changed-elsewhere"),
        (row(1200, 1000), {"barred": Reason("pricing.offer-off")}, Move.HELD, "pricing.offer-off"),
        (row(1501, 1000), {}, Move.HELD, "pricing.step"),
        (row(1500, 1000), {}, Move.RAISE, None),
        (row(499, 1000), {}, Move.HELD, "pricing.step"),
        (row(500, 1000), {}, Move.LOWER, None),
        (row(1501, 1000, approved=1501), {}, Move.RAISE, None),
        (row(1502, 1000, approved=1501), {}, Move.HELD, "pricing.step"),
        (row(9999, 1000), {"step": None}, Move.RAISE, None),
        (row(1000, 0), {}, Move.HELD, "pricing.step"),
    ],
)
def test_what_is_done_with_a_row(level: OfferLevel, more: dict[str, object], move: Move, why: str | None) -> None:
    found = next_price_step(level, NOW, **{"step": HALF, **more})  # type: ignore[arg-type]
    assert (found.move, code_of(found.why) if found.why is not None else None) == (move, why)


def test_a_price_that_somebody_else_changed_is_not_fought_over() -> None:
    """What an offer has shown once is not written again until the list says something new."""
    shown = row(1000, 1000, wanted_at=None)
    changed = row(1000, 900, wanted_at=None)
    assert next_price_step(shown, NOW, step=HALF).move is Move.NOTHING
    assert next_price_step(changed, NOW, step=HALF).move is Move.HELD
    assert next_price_step(row(1010, 900), NOW, step=HALF).move is Move.RAISE


def test_an_approval_is_of_one_price() -> None:
    assert leaps(row(100, 1000), HALF)
    assert not leaps(row(100, 1000, approved=100), HALF)
    assert leaps(row(99, 1000, approved=100), HALF)
    assert not leaps(row(100, None), HALF)
