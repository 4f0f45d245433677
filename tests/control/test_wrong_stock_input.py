"""Wrong input about stock, offers and links: each is answered by a sentence that names file, key, field or row and
says what is possible, and nothing is lost or changed by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from olhubd import config
from tests.cli.conftest import Terminal
from tests.control.shelf import KNOWN, Shelf
from tests.test_config_stock import stock

RULE = 'master = "shop"\nchannels = ["market"]\n'

CONFIGURATION = [
    (f"{RULE}buffer = -1", "stock.0.buffer", "must be greater than or equal to 0"),
    (f'{RULE}buffer = "two"', "stock.0.buffer", "must be a whole number without quotes"),
    (f"{RULE}buffer = 1.5", "stock.0.buffer", "must be a whole number"),
    (f"{RULE}buffer_share = 150", "stock.0.buffer_share", "must be less than or equal to 100"),
    (f"{RULE}most_shown = 0", "stock.0.most_shown", "must be greater than or equal to 1"),
    (f'{RULE}policy = "sharred"', "stock.0.policy", 'did you mean "shared"?'),
    (f'{RULE}resume = "yes"', "stock.0.resume", "must be true or false without quotes"),
    (f"{RULE}bufer = 1", "stock.0.bufer", 'is not a known key did you mean "buffer"?'),
    (f"{RULE}[[stock]]\n{RULE}", "stock.1", "is sold on market already see"),
    ('channels = ["market"]', "stock.0.master", "is missing The account that counts the stock"),
    ('master = "shop"\nchannels = ["market", 7]', "stock.0.channels.1", "must be text put it in quotes"),
    ('master = "shop"\nchannels = ["shop"]', "stock.0.channels", "is the master of the same stock name where else"),
    ('master = "shop"\nchannels = ["markt"]', "stock.0.channels", "no account 'markt' did you mean \"market\"?"),
]
"""What stands in a [[stock]] table: the key that is named, and what is said of it."""

REQUESTS = [
    (
        "/links",
        {"offer": "market:{odd}", "sku": KNOWN, "units": "2"},
        400,
        "units",
        "got `str`",
    ),
    ("/links", {"offer": "market:{odd}", "sku": KNOWN, "units": 0}, 400, "units", "expected `int` >= 1"),
    ("/links", {"offer": "market:{odd}", "sku": " "}, 400, "sku", "must be a number or a name on one line"),
    (
        "/links",
        {"offer": "market:{odd}", "sku": KNOWN, "amount": 1},
        400,
        "amount",
        "known: offer, sku, item",
    ),
    ("/links", {"sku": KNOWN}, 400, "offer", "missing required field `offer`"),
    ("/links", {"offer": "markt:{odd}", "sku": KNOWN}, 404, None, "there is no offer markt:{odd}"),
    (
        "/links",
        {"offer": "market:{odd}", "item": "999999"},
        409,
        None,
        "no stock item has the mark",
    ),
    ("/links/remove", {"all": True, "account": "markt"}, 400, "account", "did you mean market?"),
    ("/offers/market/999/resume", None, 409, None, "no offer 999 of market"),
    ("/offers/markt/{odd}/retry", None, 409, None, "no offer {odd} of markt"),
    ("/offers/market/{odd}/ignore", {"reason": 7}, 400, "reason", "got `int`"),
    ("/offers/market/{odd}/auto-resume", {"allowed": "yes"}, 400, "allowed", "expected `bool`, got `str`"),
]
"""What is sent to the endpoint: the status, the field that is named, and what is said of it."""

QUESTIONS = [
    ("/offers?ean=5901234123458", "ean", "its digits or its check digit are wrong"),
    ("/stock?ean=59o1234123457", "ean", "59o1234123457 is no EAN"),
    ("/stock?account=shpo", "account", "did you mean shop?"),
    ("/offers?state=sold", "state", "possible: active, inactive, ended, unknown"),
    ("/offers?lnked=true", "lnked", "known: account, state, linking, unlinked"),
    ("/stock?limit=0", "limit", "expected `int` >= 1"),
]

HEAD = "account,offer,sku,item,units\n"
GOOD = "market,{twin},,{item},1\n"
"""A right row beside the wrong one, which must not be done either."""
FILES: list[tuple[str | bytes, int, str]] = [
    ("account;sku\n", 2, "links.csv has no column offer"),
    ("account,offer,sku,unit\n", 2, "links.csv has the unknown column 'unit'"),
    (b"account,offer,sku\nmarket,1,\xb3\xb9ka\n", 2, "links.csv is no text in UTF-8: save it as CSV UTF-8"),
    (
        f"{HEAD}{GOOD}market,{{odd}},{KNOWN},,two\n",
        1,
        "row 3, units: 'two' is no whole number of pieces, 1",
    ),
    (f"{HEAD}{GOOD}market,{{odd}},{KNOWN},,-1\n", 1, "row 3, units: '-1' is no whole number of pieces, 1"),
    (
        f"{HEAD}{GOOD}market,{{odd}},{KNOWN},,0\n",
        1,
        "row 3, units: 0 pieces at a time are impossible: 1 to",
    ),
    (f"{HEAD}{GOOD}market,{{odd}},5901234123458,,\n", 1, "row 3, sku: no stock item has the mark or the number"),
    (f"{HEAD}{GOOD}market,{{odd}},5901234123458,,\n", 1, "if that is an EAN, its last digit does not fit"),
    (f"{HEAD}{GOOD}market,{{odd}},5.90123E+12,,\n", 1, "make the column text and write it in full"),
    (f"{HEAD}{GOOD}market,7.00E+09,{KNOWN},,\n", 1, "row 3, offer: market has no offer 7.00E+09; a spreadsheet"),
    (f"{HEAD}{GOOD}markt,{{odd}},{KNOWN},,\n", 1, "row 3, account: no stock is sold on markt ([[stock]]"),
    (f"{HEAD}{GOOD}market,{{odd}},{KNOWN},,1,more\n", 1, "row 3: it has more cells than there are columns"),
    (
        f"{HEAD}{GOOD}market,{{odd}},-,,\nmarket,{{odd}},{KNOWN},,\n",
        1,
        "row 4, offer: another row says",
    ),
]
"""Files of links: the exit code, and what is said."""


@pytest.mark.parametrize(("rule", "key", "said"), CONFIGURATION, ids=lambda value: str(value)[-25:])
def test_a_wrong_rule_is_named_by_its_file_line_and_key(tmp_path: Path, rule: str, key: str, said: str) -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        stock(tmp_path, rule)
    (problem,) = caught.value.problems
    assert (problem.key, Path(problem.file).name) == (key, "olhubd.toml")
    assert problem.line is not None
    assert said in f"{problem.message} {problem.hint}"


def _filled(value: Any, shelf: Shelf) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(one, shelf) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    return value.format(odd=shelf.odd, twin=shelf.twin, item=shelf.twins[0])


async def _links(shelf: Shelf) -> Any:
    return [(row["id"], row["linking"], row["links"]) for row in (await shelf.get("/offers", limit=500))["items"]]


async def test_a_wrong_request_is_named_by_its_field_and_changes_nothing(shelf: Shelf) -> None:
    before = await _links(shelf)
    for path, body, status, field, said in REQUESTS:
        got, answer = await shelf.ask("POST", _filled(path, shelf), _filled(body, shelf))
        assert (got, answer.get("parameter")) == (status, field), (path, body, answer)
        assert _filled(said, shelf) in answer["detail"], (path, body, answer)
    for path, field, said in QUESTIONS:
        got, answer = await shelf.ask("GET", path)
        assert (got, answer["parameter"]) == (400, field), (path, answer)
        assert said in answer["detail"], (path, answer)
    assert await _links(shelf) == before


async def test_a_wrong_file_is_named_by_its_rows_and_none_of_it_is_done(shelf: Shelf, tmp_path: Path) -> None:
    before = await _links(shelf)
    terminal, path = Terminal(shelf), tmp_path / "links.csv"
    for text, code, said in FILES:
        path.write_bytes(text if isinstance(text, bytes) else _filled(text, shelf).encode())
        told = await terminal("links", "import", str(path), code=code)
        assert said in told, (text, told)
    assert await _links(shelf) == before
    # The row that stood beside the wrong ones is right, and a file that was copied out of a spreadsheet is read.
    path.write_text(_filled(HEAD + GOOD, shelf).replace(",", "\t"))
    assert "1 offers sell something else" in await terminal("links", "import", str(path))


def test_there_are_thirty_and_more() -> None:
    assert len(CONFIGURATION) + len(REQUESTS) + len(QUESTIONS) + len(FILES) > 40
