"""Many offers by a file: each row has its outcome, and the same file sent again does nothing twice."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from olhubd.control.api.offer_file import MOST, offer_rows
from tests.cli.conftest import Terminal
from tests.control.house import House

HEAD = "account,do,offer,sku,name,ean,price,quantity,shipping,tax,parameter:Stan,images,description,handling_days"
GOOD = "market,,,MADE-{n},Kubek ceramiczny biały 330 ml,5900001234501,24.90,5,Kurier i paczkomaty,23,Nowy,,,"


@pytest.fixture
async def house(house: House) -> House:
    await house.sign_in()
    return house


def results(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def test_each_row_has_its_outcome_and_a_second_time_does_nothing_twice(
    house: House, terminal: Terminal, tmp_path: Path
) -> None:
    """OFF-01: offers are made and changed in bulk."""
    file, out = tmp_path / "offers.csv", tmp_path / "results.csv"
    wrong = {
        "market,,,W-1,Kubek ceramiczny biały,5900001234502,24.90,5,Kurier i paczkomaty,23,Nowy,,,": "ean",
        "market,,,W-2,Kubek ceramiczny biały,5900001234501,0,5,Kurier i paczkomaty,23,Nowy,,,": "price",
        "market,,,W-3,Kubek ceramiczny biały,5900001234501,drogo,5,Kurier i paczkomaty,23,Nowy,,,": "price",
        "market,,,W-4,Kubek ceramiczny biały,5900001234501,24.90,pięć,Kurier i paczkomaty,23,Nowy,,,": "quantity",
        "market,,,W-5,Kubek ceramiczny biały,5900001234501,24.90,5,Kurier i paczkomaty,,Nowy,,,": "tax",
        "market,,,W-6,Kubek ceramiczny biały,5900001234501,24.90,5,Gołąb,23,Nowy,,,": "shipping",
        "market,,,W-7,Kubek ceramiczny biały,5900001234501,24.90,5,Kurier i paczkomaty,23,Stary,,,": (
            "parameters.Stan"
        ),
        "market,,,W-8,Kubek ceramiczny biały,5900001234501,24.90,5,Kurier i paczkomaty,23,Nowy,kubek.jpg,,": (
            "images"
        ),
        "market,,,W-9,Kubek ceramiczny biały,5900001234501,24.90,5,Kurier i paczkomaty,23,Nowy,,<p><i>a</i></p>,": (
            "description"
        ),
        "market,,,W-10,Kubek ceramiczny biały,5900001234501,24.90,5,Kurier i paczkomaty,23,Nowy,,,6": (
            "handling_days"
        ),
        "market,,,,,,,,,,,,,": "sku",
        ",,,W-11,,,,,,,,,,": "account",
        "market,sell,,W-12,,,,,,,,,,": "do",
        "market,change,,,,,24.90,,,,,,,": "offer",
        "market,end,1,,,,,,,,,,,": "",
    }
    rows = [GOOD.format(n=1), *wrong, GOOD.format(n=2)]
    file.write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    printed = await terminal("offers", "import", str(file), "-o", str(out), code=1)
    found = results(out)
    assert {row["outcome"] for row in found if row["offer"].startswith("MADE")} == {"accepted"}
    by_row = {row["row"]: row for row in found if row["outcome"] == "refused"}
    assert [by_row[str(number)]["field"] for number in range(3, 3 + len(wrong))] == list(wrong.values())
    assert all(row["why"] for row in by_row.values())
    assert f"{len(wrong)} of {len(rows)} rows are wrong" in printed

    async def made() -> bool:
        return all(house.market.book.available(f"MADE-{n}") for n in (1, 2))

    await house.until(made)
    await terminal("offers", "import", str(file), "-o", str(out), code=1)
    assert {row["outcome"] for row in results(out)} == {"unchanged", "refused"}
    assert [len(house.market.listing.listings(f"MADE-{n}")) for n in (1, 2)] == [1, 1]
    assert sorted(one["external"]["id"] for one in house.market.listing.sent) == ["MADE-1", "MADE-2"]


async def test_a_file_that_is_only_looked_at_makes_nothing(
    house: House, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "offers.csv"
    file.write_text(f"{HEAD}\n{GOOD.format(n=1)}", encoding="utf-8")
    assert "checked: 1" in await terminal("offers", "import", "--check", str(file))
    assert house.market.listing.sent == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sku\nA", "no column account"),
        ("account,colour\nmarket,red", "no column 'colour'"),
        ("account\n" + "a\n" * (MOST + 1), f"more than {MOST} rows"),
        ('"account;sku\n' + "market;A\n" * 20_000, "it is no CSV"),
    ],
)
def test_a_heading_that_is_wrong_makes_the_file_unreadable(text: str, said: str) -> None:
    rows, broken = offer_rows(text)
    assert rows == []
    assert broken is not None
    assert said in broken.why


def test_spreadsheets_of_many_countries_are_read() -> None:
    made: list[Any] = []
    for sign in ",;\t":
        rows, broken = offer_rows(sign.join(("account", "sku", "price")) + "\n" + sign.join(("market", "A", "1.5")))
        assert broken is None
        made.append(rows[0])
    assert made[0] == made[1] == made[2]
