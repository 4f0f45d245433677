"""Words of routes that a system has not: which are told, and that what nobody can tell is no reproach."""

from __future__ import annotations

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.route import Route
from olhubd.decide.vocabulary import UnknownWord, Vocabulary, unknown, unlisted

SHOP = Vocabulary(
    statuses={"processing": "Processing", "completed": "Completed"},
    deliveries={"flat_rate:3": "Polska: Paczkomat"},
    payments={"bacs": "Przelew"},
)
MARKET = Vocabulary(statuses={"SENT": "Sent"}, deliveries={"1fa5": "Kurier DPD"})


def found(route: Route, **vocabularies: Vocabulary) -> set[tuple[str, str, str, bool]]:
    told = unknown([route], {}, vocabularies or {"shop": SHOP, "market": MARKET})
    return {(one.account, ".".join(map(str, one.path[2:])), one.word, one.sent) for one in told}


def route(**words: dict[str, str]) -> Route:
    return Route(target="shop", sources=frozenset({"market"}), **words)  # type: ignore[arg-type]


def test_words_that_are_there_are_no_news() -> None:
    right = route(
        statuses={"paid": "processing"},
        shipping={"Kurier DPD": "flat_rate:3", "1fa5": "flat_rate:3"},
        payment={"online": "bacs"},
        status_back={"completed": "SENT"},
    )
    assert found(right) == set()


def test_each_table_is_compared_with_what_its_system_has() -> None:
    wrong = route(
        statuses={"paid": "procesing"},
        shipping={"Kurier DPD": "kurier", "Kurier DDP": "flat_rate:3"},
        payment={"online": "payuu"},
        status_back={"complete": "SENT", "completed": "SHIPED"},
    )
    assert found(wrong) == {
        ("shop", "statuses.paid", "procesing", True),
        ("shop", "shipping.Kurier DPD", "kurier", True),
        ("market", "shipping.Kurier DDP", "Kurier DDP", False),
        ("shop", "payment.online", "payuu", True),
        ("shop", "status_back.complete", "complete", False),
        ("market", "status_back.completed", "SHIPED", True),
    }


def test_a_list_that_nobody_could_read_says_nothing() -> None:
    wrong = route(statuses={"paid": "x"}, shipping={"a": "b"}, payment={"online": "c"}, status_back={"d": "e"})
    assert found(wrong, shop=Vocabulary()) == set()
    assert found(wrong, shop=Vocabulary(statuses={}, deliveries={}, payments={})) == set(), "nor an empty one"


def test_a_way_of_delivery_that_one_source_has_is_none_that_never_comes() -> None:
    two = Route(target="shop", sources=frozenset({"market", "other"}), shipping={"Poczta": "flat_rate:3"})
    there = {"market": MARKET, "shop": SHOP}
    assert list(unknown([two], {}, there)) == [], "the other source cannot tell"
    there["other"] = Vocabulary(deliveries={"9": "Poczta"})
    assert list(unknown([two], {}, there)) == []
    there["other"] = Vocabulary(deliveries={"9": "Poczta Polska"})
    (told,) = unknown([two], {}, there)
    assert set(told.known) == {"Kurier DPD", "Poczta Polska"}


def test_words_in_settings_are_looked_at_too() -> None:
    settings = {"shop": [("fulfilments", "packed", "statuses"), ("fulfilments", "completed", "statuses")]}
    assert list(unknown([], settings, {"shop": SHOP})) == [
        UnknownWord(
            account="shop",
            path=("accounts", "shop", "fulfilments", "packed"),
            word="packed",
            what="status",
            known=SHOP.statuses or {},
            sent=False,
        )
    ]


def test_a_price_list_that_its_master_has_not_is_named_with_those_there_are() -> None:
    rules = [
        PriceRule(master="shop", channels=frozenset({"market"}), price_list=name)
        for name in ("default", "wholesale", "wholesal")
    ]
    (one,) = unlisted(rules, {"shop": ["default", "wholesale"]})
    assert (one.account, one.path, one.word) == ("shop", ("prices", 2, "price_list"), "wholesal")
    assert list(one.known) == ["default", "wholesale"]
    assert [found.word for found in unlisted(rules, {"shop": ["wholesale"]})] == ["default", "wholesal"]
    assert list(unlisted(rules, {})) == [], "nothing was read of it yet"
