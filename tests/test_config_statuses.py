"""Rules of [[statuses]]: the seller's own list, and what is said of one that cannot be kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from olhubd import config
from olhubd.decide.own_status import FirstStatuses, OwnStatus, StatusLeader
from tests.test_config_words import TEXT, load


def statuses(folder: Path, table: str, text: str = TEXT) -> config.Configuration:
    return load(folder, f'{text}[[statuses]]\nname = "packed"\n{table}\n')


def test_the_list_is_in_the_order_of_its_tables(tmp_path: Path) -> None:
    """SYN-21: with titles, and words in the system's own spelling."""
    second = '[[statuses]]\nname = "away"\nfollows = { shop = "wc-completed" }'
    found = statuses(tmp_path, f'title = "Spakowane"\nsends = {{ shop = "wc-on-hold" }}\n{second}').statuses
    assert found == (
        OwnStatus(name="packed", title="Spakowane", sends={"shop": "on-hold"}),
        OwnStatus(name="away", title="away", follows={"shop": ("completed",)}),
    )


def test_each_account_has_first_statuses_and_a_leader_of_its_own(tmp_path: Path) -> None:
    """Part of ACC-26."""
    more = 'first_status = "packed"\nfirst_status_paid = "packed"\norder_from = "sold"\nstatus_leader = "account"\n'
    found = statuses(tmp_path, "", TEXT.replace("fetch_orders = true\n", f"fetch_orders = true\n{more}")).accounts
    assert found["shop"].first == FirstStatuses(general="packed", paid="packed")
    assert found["shop"].status_leader is StatusLeader.ACCOUNT
    assert (found["market"].first, found["market"].status_leader) == (FirstStatuses(), StatusLeader.HUB)


@pytest.mark.parametrize(
    ("table", "key", "message", "hint"),
    [
        ('sends = { shopp = "done" }', "statuses.0.sends.shopp", "there is no account 'shopp'", '"shop"'),
        ('sends = { market = "SEND" }', "statuses.0.sends.market", "'SEND' is no status of Allegro", '"SENT"'),
        ('follows = { market = "SEND" }', "statuses.0.follows.market", "'SEND' is no status of Allegro", '"SENT"'),
        ("sends = { shop = 1 }", "statuses.0.sends.shop", "must be text", "quotes"),
        ('[[statuses]]\nname = "packed"', "statuses.1.name", "is the name of two statuses, packed", "olhubd.toml:"),
        (
            'follows = { shop = "done" }\n[[statuses]]\nname = "gone"\nfollows = { shop = ["done"] }',
            "statuses.1.follows.shop",
            "has 'done', by which an order gets packed already",
            "one word, one status",
        ),
        ('[[statuses]]\nname = "Spakowane!"', "statuses.1.name", "should match pattern", ""),
        ('titel = "x"', "statuses.0.titel", "is not a known key", '"title"'),
    ],
)
def test_what_is_wrong_with_a_status_is_told_at_its_place(
    tmp_path: Path, table: str, key: str, message: str, hint: str
) -> None:
    """Part of SYN-18: one word of an account brings one status at most."""
    with pytest.raises(config.ConfigurationError) as caught:
        statuses(tmp_path, table)
    (problem,) = [one for one in caught.value.problems if not one.warning]
    assert (problem.key, message in problem.message, hint in problem.hint) == (key, True, True), problem


def test_a_first_status_that_the_file_does_not_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        statuses(tmp_path, "", TEXT.replace("fetch_orders", 'first_status = "paked"\nfetch_orders'))
    (problem,) = caught.value.problems
    assert problem.key == "accounts.shop.first_status"
    assert problem.hint == 'did you mean "packed"?'


def test_words_against_the_one_who_leads_are_a_warning(tmp_path: Path) -> None:
    """Part of SRC-06: what has no effect is told, with what would give it one."""
    found = statuses(tmp_path, 'follows = { shop = "completed" }')
    (problem,) = [one for one in found.warnings if one.key.startswith("statuses")]
    assert problem.message == "has no effect, since the hub leads"
    led = TEXT.replace("fetch_orders", 'status_leader = "account"\nfetch_orders')
    found = statuses(tmp_path, 'sends = { shop = "completed" }', led)
    (problem,) = [one for one in found.warnings if one.key.startswith("statuses")]
    assert problem.message == "is not sent, since shop leads"
