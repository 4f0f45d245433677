"""What of the offers is reported to a person."""

from __future__ import annotations

from datetime import timedelta

from olhubd.decide.stock.alarms import SellingOn, StockFacts, SurplusOffer, stock_findings
from olhubd.decide.stock.level import Drift, OfferLevel
from olhubd.model import AlarmKind
from tests.orders import EPOCH


def row(number: str, account: str = "allegro", **more: object) -> OfferLevel:
    fields = {"wanted": 0, "confirmed": 5, **more}
    return OfferLevel(offer=int(number), account=account, external_id=number, **fields)  # type: ignore[arg-type]


def told(facts: StockFacts) -> dict[tuple[AlarmKind, str], str]:
    return {(one.kind, one.subject): str(one.detail) for one in stock_findings(facts)}


def test_a_dispute_names_times_and_values() -> None:
    drifts = tuple(Drift(at=EPOCH + timedelta(minutes=n), shown=5 + n, wanted=0, after=n) for n in range(3))
    found = told(StockFacts(now=EPOCH, disputed=[row("111", drifts=drifts), row("112"), row("9", account="other")]))
    assert set(found) == {(AlarmKind.DISPUTE, "allegro"), (AlarmKind.DISPUTE, "other")}
    text = found[AlarmKind.DISPUTE, "allegro"]
    assert "12:00:00 5, 12:01:00 6, 12:02:00 7" in text
    assert "111" in text
    assert text.endswith("(and 1 more)")


def test_what_cannot_be_lowered_says_how_many_it_sells_and_why() -> None:
    found = told(StockFacts(now=EPOCH, stuck=[row("111", wanted=1, reason="GPSR")]))
    assert found == {
        (AlarmKind.UNLOWERED, "allegro"): "offer 111 cannot be lowered: it sells 5, and 1 may be sold; GPSR"
    }


def test_a_command_of_which_nobody_knows_is_reported_after_a_while() -> None:
    soon = {"allegro": EPOCH - timedelta(minutes=15)}
    late = {"allegro": EPOCH - timedelta(minutes=16)}
    assert told(StockFacts(now=EPOCH, unsettled=soon)) == {}
    assert "has not been known since" in told(StockFacts(now=EPOCH, unsettled=late))[AlarmKind.UNLOWERED, "allegro"]


def test_an_offer_that_nobody_knew_is_named_with_both_numbers() -> None:
    loose = SurplusOffer(account="allegro", offer="222", known="A", shown=10, wanted=None)
    linked = SurplusOffer(account="second", offer="333", known="111", shown=10, wanted=0)
    found = told(StockFacts(now=EPOCH, surplus=[loose, linked], renewing={"third": ["444"]}))
    assert found[AlarmKind.UNKNOWN_OFFER, "allegro"] == "offer 222 sells 10 pieces of A and is linked to nothing"
    assert found[AlarmKind.UNKNOWN_OFFER, "second"] == (
        "offer 333, which nobody knew, sells 10 pieces beside 111, and 0 may be sold"
    )
    assert "444" in found[AlarmKind.UNKNOWN_OFFER, "third"]


def test_an_account_that_sells_on_after_a_stop_is_reported_at_once_where_it_is_not_reached() -> None:
    def found(minutes: int, why: str | None) -> list[str]:
        at = EPOCH - timedelta(minutes=minutes)
        return list(
            told(StockFacts(now=EPOCH, selling=[SellingOn(account="a", at=at, offers=2, why=why)])).values()
        )

    assert found(0, "parked") == [
        "selling is stopped by a person, and 2 offers can still be bought, since nothing can be written: parked"
    ]
    assert found(15, None) == []
    (late,) = found(16, None)
    assert "and 2 offers can still be bought" in late
