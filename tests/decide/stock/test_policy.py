"""One number on several offers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from olhubd.decide.stock.policy import OfferShare, StockPolicy, StockRule, shares


def test_a_piece_goes_to_another_offer_after_the_one_that_gives_it_up_has_shown_it() -> None:
    both = [OfferShare(offer=1, ceiling=4), OfferShare(offer=2, ceiling=0)]
    assert shares(4, both) == {1: 2, 2: 0}
    lowered = [OfferShare(offer=1, ceiling=2), OfferShare(offer=2, ceiling=0)]
    assert shares(4, lowered) == {1: 2, 2: 2}


def test_the_last_piece_stays_where_it_is_shown() -> None:
    assert shares(1, [OfferShare(offer=1, ceiling=0), OfferShare(offer=2, ceiling=1)]) == {1: 0, 2: 1}


def test_what_is_free_is_given_out_once() -> None:
    """Eight of ten are still shown on the third offer: the two that are free are not given to both others."""
    three = [OfferShare(offer=1, ceiling=0), OfferShare(offer=2, ceiling=0), OfferShare(offer=3, ceiling=8)]
    assert shares(10, three) == {1: 2, 2: 0, 3: 4}
    # One that shows some already gets what it lacks, and not what it shows once more.
    some = [OfferShare(offer=1, ceiling=2), OfferShare(offer=2, ceiling=0), OfferShare(offer=3, ceiling=2)]
    assert shares(12, some) == {1: 4, 2: 4, 3: 4}
    packs = [OfferShare(offer=1, ceiling=1, units=3), OfferShare(offer=2, ceiling=0, units=2)]
    assert shares(7, packs) == {1: 1, 2: 2}


def test_shares_go_by_weight_and_units() -> None:
    empty = [OfferShare(offer=1, ceiling=0, weight=3), OfferShare(offer=2, ceiling=0, weight=1)]
    assert shares(8, empty) == {1: 6, 2: 2}
    packs = [OfferShare(offer=1, ceiling=0, units=10), OfferShare(offer=2, ceiling=0)]
    found = shares(23, packs)
    assert found[1] * 10 + found[2] == 23


def test_divided_always_or_below_a_threshold() -> None:
    rule = StockRule(master="shop", channels=frozenset({"a"}), policy=StockPolicy.ALLOCATED)
    assert rule.allocates(1000)
    below = StockRule(master="shop", channels=frozenset({"a"}), policy=StockPolicy.ALLOCATED, allocate_below=3)
    assert below.allocates(2)
    assert not below.allocates(3)
    assert not StockRule(master="shop", channels=frozenset({"a"})).allocates(0)


channels = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=4
).map(lambda rows: [OfferShare(offer=i, ceiling=c, units=u, weight=w) for i, (c, u, w) in enumerate(rows)])


@given(st.integers(-3, 40), channels)
def test_all_ceilings_together_never_rise_above_what_may_be_sold(pieces: int, rows: list[OfferShare]) -> None:
    found = shares(pieces, rows)
    before = sum(row.ceiling * row.units for row in rows)
    after = sum(max(row.ceiling, found[row.offer]) * row.units for row in rows)
    assert after <= max(pieces, before)
    assert all(value >= 0 for value in found.values())
    # Once what goes down has gone down, the rest is given out: nothing is left over that an offer could show.
    for _ in range(4):
        rows = [OfferShare(offer=r.offer, ceiling=found[r.offer], units=r.units, weight=r.weight) for r in rows]
        found = shares(pieces, rows)
    left = max(0, pieces) - sum(found[row.offer] * row.units for row in rows)
    assert 0 <= left < min(row.units for row in rows)
