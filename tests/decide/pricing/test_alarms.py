"""Which prices a person must look at."""

from olhubd.decide.pricing.alarms import price_findings
from olhubd.decide.stock.level import TRIES, OfferLevel
from olhubd.model import LevelKind, Reason


def row(**over: object) -> OfferLevel:
    base = {"offer": 1, "account": "allegro", "external_id": "7", "kind": LevelKind.PRICE, "currency": "PLN"}
    return OfferLevel(**{**base, "wanted": 100, "confirmed": 1000, **over})  # type: ignore[arg-type]


def test_what_waits_for_a_person_is_an_alarm_of_its_account() -> None:
    found = list(
        price_findings(
            [
                row(reason=Reason("pricing.step")),
                row(external_id="8", wanted=None, held=Reason("pricing.zero", price="0.00 PLN")),
                row(external_id="9", account="other", reason=Reason("pricing.step")),
            ]
        )
    )
    assert [one.subject for one in found] == ["allegro", "other"]
    said = str(found[0].detail)
    assert "7" in said
    assert "1.00 PLN" in said
    assert "10.00 PLN" in said


def test_what_somebody_has_seen_to_alarms_nobody() -> None:
    known = ("pricing.offer-off", "pricing.automatic", "pricing.changed-elsewhere")
    assert list(price_findings([row(reason=Reason(code)) for code in known])) == []
    assert list(price_findings([row(), row(reason=None)])) == []


def test_a_refusal_is_an_alarm_when_it_was_tried_in_vain() -> None:
    assert list(price_findings([row(reason="not allowed", tries=TRIES - 1)])) == []
    (found,) = price_findings([row(reason="not allowed", tries=TRIES)])
    assert "not allowed" in str(found.detail)
