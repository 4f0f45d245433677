"""A daemon that dies while it brings its database up to date."""

from __future__ import annotations

from unittest import mock

from olhubd.store.sqlite import migrate
from olhubd_torture.upgrade import upgrades
from tests.torture.mutations import swap


def test_a_migration_may_be_killed_at_every_statement() -> None:
    """From the first schema and the last but one: the old one or the next, all data, and a backup of it."""
    versions = list(migrate._steps())
    tried = list(upgrades([versions[0], versions[-2]]))
    for upgrade in tried:
        assert upgrade.findings == []
        assert upgrade.deaths > 5


def test_a_migration_without_a_transaction_is_found_out() -> None:
    """Seen by a migration whose steps are not one each."""

    def apply(connection: object, number: int, sql: str) -> None:
        connection.executescript(f"{sql}\nPRAGMA user_version = {number};")  # type: ignore[attr-defined]

    with swap(migrate, "_apply", apply):
        found = next(upgrades([2])).findings
    assert any(one.startswith("between") for one in found)


def test_a_migration_without_a_backup_is_found_out() -> None:
    with mock.patch.object(migrate, "_back_up", return_value=None):
        found = next(upgrades([2])).findings
    assert any(one.startswith("unsafe") for one in found)
