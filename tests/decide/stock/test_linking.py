"""What an offer sells, by what it and the stock items say of themselves."""

from __future__ import annotations

import msgspec
import pytest

from olhubd.decide.stock.linking import Marks, PartMarks, agree, doubted, judge, settled
from olhubd.model import Link, Linking, LinkOrigin, Reason, code_of
from tests.orders import EPOCH

EAN, OTHER = "05901234123457", "00710845860669"
MUG = Marks(id=1, name="Kubek biały 300 ml", sku="KUB-BIA", gtin=EAN)
BIKE = Marks(id=2, name="Rower miejski", sku="ROW-1", gtin=OTHER)
LINK = Link(offer=7, item=1, origin=LinkOrigin.SKU, linked_at=EPOCH, gtin=EAN)


def offer(**more: object) -> Marks:
    return msgspec.convert({"id": 7, "name": "Kubek ceramiczny biały 300ml", **more}, Marks)


def test_a_mark_of_one_item_links() -> None:
    verdict = judge(offer(sku="KUB-BIA"), [MUG, BIKE], None, by_ean=False)
    assert (verdict.state, verdict.item, verdict.origin) == (Linking.LINKED, 1, LinkOrigin.SKU)


def test_nothing_in_common_is_nothing() -> None:
    assert judge(offer(sku="X", gtin="1"), [MUG, BIKE], None, by_ean=True).state is Linking.NONE
    nameless = Marks(id=3, name="", sku=None, gtin=None)
    assert judge(offer(), [nameless], None, by_ean=True).state is Linking.NONE


def test_a_mark_of_several_items_links_none_and_names_them_all() -> None:
    """S27: variations that report their parent's mark."""
    sisters = [Marks(id=n, name=f"Koszulka {n}", sku="TSH") for n in (1, 2, 3)]
    verdict = judge(offer(sku="TSH"), sisters, None, by_ean=True)
    assert (verdict.state, verdict.item, verdict.candidates) == (Linking.CONFLICT, None, (1, 2, 3))
    assert code_of(verdict.why) == "link.several-skus"


def test_an_article_number_tells_sisters_apart() -> None:
    sisters = [Marks(id=1, name="S", sku="TSH", gtin=EAN), Marks(id=2, name="M", sku="TSH", gtin=OTHER)]
    verdict = judge(offer(sku="TSH", gtin=OTHER), sisters, None, by_ean=True)
    assert (verdict.state, verdict.item, verdict.origin) == (Linking.LINKED, 2, LinkOrigin.EAN)
    assert judge(offer(sku="TSH", gtin=OTHER), sisters, None, by_ean=False).state is Linking.CONFLICT


def test_an_article_number_alone_proposes() -> None:
    """S25: one article number for a kit of valves and a bicycle."""
    verdict = judge(offer(name="Zestaw zaworów", gtin=OTHER), [MUG, BIKE], None, by_ean=True)
    assert (verdict.state, verdict.item, verdict.candidates) == (Linking.PROPOSED, None, (2,))
    assert code_of(verdict.why) == "link.names-differ"


MUG_AND_BIKE = (PartMarks(gtins=(EAN,), pieces=2), PartMarks(gtins=("1", OTHER), pieces=1))


def test_a_set_of_several_is_proposed_with_the_pieces_of_each() -> None:
    """OFF-12: by article numbers alone a set of several is linked to none of its parts, and no more to one."""
    verdict = judge(offer(parts=MUG_AND_BIKE), [MUG, BIKE], None, by_ean=True)
    assert (verdict.state, verdict.candidates, dict(verdict.units)) == (Linking.PROPOSED, (1, 2), {1: 2, 2: 1})
    # The seller's mark of a part is not that of the whole.
    verdict = judge(offer(sku="KUB-BIA", parts=MUG_AND_BIKE), [MUG, BIKE], None, by_ean=True)
    assert (verdict.state, dict(verdict.units)) == (Linking.PROPOSED, {1: 2, 2: 1})


def test_a_set_that_is_an_item_itself_is_linked_by_its_mark() -> None:
    whole = Marks(id=3, name="Zestaw", sku="ZEST")
    verdict = judge(offer(sku="ZEST", parts=MUG_AND_BIKE), [MUG, BIKE, whole], None, by_ean=True)
    assert (verdict.state, verdict.item) == (Linking.LINKED, 3)
    twins = [whole, Marks(id=4, name="Zestaw", sku="ZEST")]
    assert judge(offer(sku="ZEST", parts=MUG_AND_BIKE), twins, None, by_ean=True).state is Linking.CONFLICT


def test_a_set_of_which_a_part_is_not_known_is_no_set_of_the_others() -> None:
    verdict = judge(offer(parts=MUG_AND_BIKE), [MUG], None, by_ean=True)
    assert (verdict.state, verdict.candidates, dict(verdict.units)) == (Linking.PROPOSED, (1,), {})
    assert judge(offer(parts=MUG_AND_BIKE), [], None, by_ean=True).state is Linking.NONE
    twin = Marks(id=9, name="Kubek", gtin=EAN)
    assert judge(offer(parts=MUG_AND_BIKE), [MUG, twin, BIKE], None, by_ean=True).state is Linking.CONFLICT


def test_an_article_number_and_a_name_that_agree_link() -> None:
    verdict = judge(offer(gtin=EAN), [MUG, BIKE], None, by_ean=True)
    assert (verdict.state, verdict.item, verdict.origin) == (Linking.LINKED, 1, LinkOrigin.EAN)


@pytest.mark.parametrize(
    ("more", "set_size", "by_ean", "why"),
    [
        ({}, None, False, "link.ean-off"),
        ({"sku": "KUB-BIA-2"}, None, True, "link.skus-differ"),
        ({}, 2, True, "link.set-of-ean"),
        ({"name": "Kubek biały 300 ml, 2 szt."}, None, True, "link.names-differ"),
    ],
)
def test_what_speaks_against_an_article_number(
    more: dict[str, str], set_size: int | None, by_ean: bool, why: str
) -> None:
    verdict = judge(offer(gtin=EAN, **more), [MUG], set_size, by_ean=by_ean)
    assert (verdict.state, verdict.item, code_of(verdict.why)) == (Linking.PROPOSED, None, why)


def test_marks_that_contradict_each_other_link_nothing() -> None:
    """The mark of one thing with the article number of another, or of a case of it."""
    two = judge(offer(sku="KUB-BIA", gtin=OTHER), [MUG, BIKE], None, by_ean=True)
    assert (two.state, two.candidates, code_of(two.why)) == (Linking.CONFLICT, (1, 2), "link.several-items")
    case = judge(offer(sku="KUB-BIA", gtin="15901234123454"), [MUG], None, by_ean=True)
    assert (case.state, code_of(case.why)) == (Linking.PROPOSED, "link.eans-differ")


@pytest.mark.parametrize(
    ("one", "other", "agrees"),
    [
        ("Kubek biały 300 ml", "KUBEK ceramiczny biały, 300ml", True),
        ("Kubek biały", "Kubek czarny", False),
        ("Kubek biały 300 ml", "Kubek biały 500 ml", False),
        ("Kubek", "Kubek", True),
        ("", "", False),
        ("Rower", "Zestaw zaworów do roweru", False),
    ],
)
def test_names(one: str, other: str, agrees: bool) -> None:
    assert agree(one, other) is agrees
    assert agree(other, one) is agrees


def test_another_article_number_is_a_doubt_until_a_person_says_so() -> None:
    """S25."""
    same = doubted(LINK, EAN, None, EAN)
    assert same is LINK
    assert doubted(LINK, None, None, EAN) is LINK, "what is not reported is no change"
    found = doubted(LINK, OTHER, None, EAN)
    assert code_of(found.doubt) == "link.ean-changed"
    right = settled(found, OTHER, None, None)
    assert right is not None
    assert (right.doubt, right.gtin, right.units) == (None, OTHER, 1)
    assert doubted(right, OTHER, None, EAN) is right


def test_an_article_number_that_comes_later_is_remembered_where_it_is_the_item_s() -> None:
    silent = msgspec.structs.replace(LINK, gtin=None)
    assert doubted(silent, EAN, None, EAN).gtin == EAN
    assert doubted(silent, EAN, None, None).gtin == EAN
    assert code_of(doubted(silent, OTHER, None, EAN).doubt) == "link.ean-changed"


def test_a_larger_set_takes_more_at_once() -> None:
    """S26: ten pieces a set, and not ten sets."""
    found = doubted(LINK, EAN, 10, EAN)
    assert (found.units, code_of(found.doubt)) == (10, "link.set-size-changed")
    assert doubted(found, EAN, 10, EAN) is found
    right = settled(found, EAN, 10, None)
    assert right is not None
    assert (right.units, right.set_size, right.doubt) == (10, 10, None)


def test_a_smaller_set_takes_as_many_until_a_person_says_so() -> None:
    ten = msgspec.structs.replace(LINK, units=10, set_size=10)
    found = doubted(ten, EAN, 1, EAN)
    assert (found.units, code_of(found.doubt)) == (10, "link.set-size-changed")
    right = settled(found, EAN, 1, None)
    assert right is not None
    assert right.units == 1


def test_a_set_that_changes_twice_is_reckoned_from_what_was_right() -> None:
    found = doubted(doubted(LINK, EAN, 10, EAN), EAN, 5, EAN)
    assert found.units == 10, "it may be ten all the same"
    right = settled(found, EAN, 5, None)
    assert right is not None
    assert right.units == 5


def test_units_that_are_no_whole_number_are_asked_for() -> None:
    odd = msgspec.structs.replace(LINK, units=3, set_size=2)
    found = doubted(odd, EAN, 5, EAN)
    assert found.units == 8
    assert settled(found, EAN, 5, None) is None
    right = settled(found, EAN, 5, 7)
    assert right is not None
    assert right.units == 7


@pytest.mark.parametrize(
    ("asked", "items", "by_ean", "state", "origin", "candidates"),
    [
        ({"sku": "S", "gtin": EAN}, [("S", EAN)], False, Linking.LINKED, LinkOrigin.SKU, (1,)),
        ({"sku": "S", "gtin": EAN}, [("S", None)], False, Linking.LINKED, LinkOrigin.SKU, (1,)),
        ({"sku": "S"}, [("S", EAN), ("T", EAN)], False, Linking.LINKED, LinkOrigin.SKU, (1,)),
        ({"sku": "S", "gtin": EAN}, [("S", EAN), ("S", None)], True, Linking.LINKED, LinkOrigin.EAN, (1, 2)),
        ({"gtin": EAN, "sku": "S"}, [(None, EAN)], True, Linking.LINKED, LinkOrigin.EAN, (1,)),
        ({"gtin": EAN}, [("T", EAN)], True, Linking.LINKED, LinkOrigin.EAN, (1,)),
        ({"sku": "S", "gtin": EAN}, [("S", None), ("S", EAN), ("T", EAN)], True, Linking.CONFLICT, None, (2, 1, 3)),
        ({"sku": "S", "gtin": EAN}, [("S", EAN), ("T", EAN)], True, Linking.CONFLICT, None, (1, 2)),
        ({"sku": "S", "gtin": EAN}, [("T", EAN), ("S", None)], True, Linking.CONFLICT, None, (2, 1)),
    ],
)
def test_one_item_is_taken_where_all_marks_agree_and_the_likeliest_comes_first(
    asked: dict[str, str],
    items: list[tuple[str | None, str | None]],
    by_ean: bool,
    state: Linking,
    origin: LinkOrigin | None,
    candidates: tuple[int, ...],
) -> None:
    stock = [Marks(id=n, name=MUG.name, sku=sku, gtin=gtin) for n, (sku, gtin) in enumerate(items, 1)]
    verdict = judge(offer(**asked), stock, None, by_ean=by_ean)
    assert (verdict.state, verdict.origin, verdict.candidates) == (state, origin, candidates)
    assert verdict.item == (candidates[0] if state is Linking.LINKED else None)


@pytest.mark.parametrize(
    ("asked", "set_size", "facts"),
    [
        ({"sku": "S"}, None, {"n": 3, "sku": "S"}),
        ({"gtin": "1"}, None, {"n": 2, "sku": ""}),
        ({"sku": "KUB-BIA", "gtin": OTHER}, None, {"n": 2, "sku": "KUB-BIA"}),
        ({"sku": "KUB-BIA", "gtin": "2"}, None, {"sku": "KUB-BIA", "offer": "2", "item": EAN}),
        ({"sku": "X", "gtin": EAN}, None, {"offer": "X", "item": "KUB-BIA"}),
        ({"gtin": EAN}, 6, {"n": 6}),
        ({"gtin": EAN, "name": "Rower"}, None, {"offer": "Rower", "item": MUG.name}),
    ],
)
def test_what_a_person_decides_on_names_both_sides(
    asked: dict[str, str], set_size: int | None, facts: dict[str, object]
) -> None:
    sisters = [Marks(id=n, name="", sku="S") for n in (3, 4, 5)]
    twins = [Marks(id=n, name="", sku=f"T{n}", gtin="1") for n in (6, 7)]
    why = judge(offer(**asked), [MUG, BIKE, *sisters, *twins], set_size, by_ean=True).why
    assert isinstance(why, Reason)
    assert why.values == facts


@pytest.mark.parametrize(
    ("one", "other", "agrees"),
    [
        ("Kubek biały duży", "Kubek biały szklany zielony okrągły", True),
        ("Kubek biały szklany zielony", "Kubek biały metalowy czarny", True),
        ("Kubek biały szklany zielony okrągły", "Kubek biały metalowy czarny kwadratowy", False),
        ("Koc miś", "Miś koc", True),
        ("Koc na kanapę", "Koc na stół", False),
        ("Kij od a do z", "Pas od a do z", False),
        ("Klocki 1000 2000", "Puzzle 1000 2000", False),
        ("do na od", "do na od", False),
    ],
)
def test_names_agree_by_half_of_the_words_that_say_something(one: str, other: str, agrees: bool) -> None:
    """Two at least where there are two; numbers and short words say nothing of what it is."""
    assert agree(one, other) is agrees
    assert agree(other, one) is agrees


def test_a_set_of_the_size_that_is_known_is_no_doubt() -> None:
    assert doubted(LINK, EAN, 1, EAN) is LINK
    six = msgspec.structs.replace(LINK, set_size=6, units=6)
    assert doubted(six, EAN, 6, EAN) is six
