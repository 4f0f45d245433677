"""Rules of [[mails]]: who is written to about what, and what is said of one that cannot be kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from olhubd import config
from olhubd.decide.mails.rule import Occasion
from olhubd.store import Database, mails
from olhubd.store.sqlite import migrate
from tests.test_config_words import TEXT, load

POST = '[accounts.post]\nconnector = "smtp"\nhost = "127.0.0.1"\ntls = "none"\nsender = "shop@seller.example"\n'


def written(folder: Path, rule: str) -> config.Configuration:
    return load(folder, f'{TEXT}{POST}[[mails]]\nthrough = "post"\n{rule}\n')


def test_what_doubles_the_marketplaces_own_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    """Part of NOT-01 and NOT-05: Allegro informs its buyers of all of these itself, and blocks what doubles it."""
    (rule,) = written(tmp_path, 'from = "*"\non = ["received", "sent"]').mails
    assert not rule.writes("market", Occasion.RECEIVED)
    assert rule.writes("shop", Occasion.RECEIVED)
    assert not rule.writes("shop", Occasion.PAID)
    (rule,) = written(tmp_path, 'from = "market"\non = ["sent"]\ndouble = true').mails
    assert rule.writes("market", Occasion.SENT)


def test_a_rule_by_which_nothing_goes_says_why(tmp_path: Path) -> None:
    found = written(tmp_path, 'from = "market"\non = ["sent"]').warnings
    assert any("the marketplace informs them of this itself" in one.message for one in found)


def test_further_recipients_are_warned_about_where_addresses_are_masked(tmp_path: Path) -> None:
    """NOT-13. Part of SRC-10."""
    found = written(tmp_path, 'from = "market"\non = ["sent"]\ndouble = true\ncopies = "office@s.example"').warnings
    assert [one.key for one in found] == ["mails.0.copies"]
    assert "additional" in found[0].hint


@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_templates_that_are_brought_are_right(tmp_path: Path, language: str) -> None:
    on = '["received", "paid", "sent", "cancelled"]'
    (rule,) = written(tmp_path, f'from = "shop"\non = {on}\nlanguage = "{language}"').mails
    assert rule.texts.keys() == set(Occasion)
    assert all(text.html is not None for text in rule.texts.values())


def test_a_template_of_the_sellers_own_is_read_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    own = tmp_path / "own" / "received.txt"
    own.write_text("Hello {{ buyer.login }}\n\nIF_ALLEGRO a ENDIF_ALLEGRO\n")
    rule = 'from = "shop"\non = ["received"]\nfolder = "own"'
    assert written(tmp_path, rule).mails[0].texts[Occasion.RECEIVED].subject == "Hello {{ buyer.login }}"
    own.write_text("x\n\n{{ ordr }}\n")
    with pytest.raises(config.ConfigurationError, match=r"received.txt: 'ordr' is undefined"):
        written(tmp_path, rule)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('from = "shpo"\non = ["paid"]', "there is no account 'shpo'"),
        ('from = "post"\non = ["paid"]', "post has no orders"),
        ('from = "shop"\non = []', "on"),
        ('from = "shop"\non = ["paid"]\ncopies = "me"', "'me' is no mail address"),
        (
            'from = "shop"\non = ["paid"]\n[[mails]]\nthrough = "shop"\nfrom = "shop"\non = ["sent"]',
            "sends no mails",
        ),
        ('from = "shop"\non = ["paid"]\n[[mails]]\nthrough = "post"\nfrom = "*"\non = ["paid"]', "already"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, rule: str, said: str) -> None:
    with pytest.raises(config.ConfigurationError, match=said):
        written(tmp_path, rule)


async def test_a_file_that_knew_no_mails_has_none_switched_on(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        before = {number: sql for number, sql in migrate._steps().items() if number < 43}
        for sql in before.values():
            raw.executescript(sql)
        raw.execute(f"PRAGMA user_version = {max(before)}")
        raw.commit()
    async with Database.open(path) as database:
        assert await mails.switches(database.reader) == {}
        assert await mails.cursor(database.reader) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x\n{{ parcels[0].waybill }}\n", "received.txt: "),
        ("x\n\n{% set a = 1 %}\n", "line 3"),
        ("x\n" + "{% if paid %}" * 150 + "{% endif %}" * 150, "too deep"),
        ("x\n{{ " + "not " * 3000 + "paid }}", "too deep"),
    ],
)
def test_a_template_that_would_hold_every_mail_is_refused_at_once(tmp_path: Path, text: str, said: str) -> None:
    """An order need not have a parcel, and Python need not be able to compile everything."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "received.txt").write_text(text)
    with pytest.raises(config.ConfigurationError) as caught:
        written(tmp_path, 'from = "shop"\non = ["received"]\nfolder = "own"')
    assert said in str(caught.value)
    assert "mistake in olhubd" not in str(caught.value)


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_without_templates_is_no_silent_default(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "own").mkdir()
    with pytest.raises(config.ConfigurationError, match="has none of" if there else "there is no folder"):
        written(tmp_path, 'from = "shop"\non = ["received"]\nfolder = "own"')
