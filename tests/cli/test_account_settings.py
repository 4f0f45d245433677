"""`olhubd account settings`: set, unset and shown beside the running daemon."""

from __future__ import annotations

from tests.cli.conftest import Terminal


async def test_settings_are_set_unset_and_shown(terminal: Terminal) -> None:
    """What the API does, from a shell."""
    found = await terminal.json("account", "settings", "shop", "default_category=99", "handling_time=1 d")
    rows = {one["key"]: one for one in found["items"]}
    assert (rows["default_category"]["value"], rows["handling_time"]["value"]) == ("99", "1 d")
    shown = await terminal("account", "settings", "shop")
    assert "default_category" in shown
    assert "database" in shown
    assert "olhubd.toml:" in shown
    await terminal("account", "settings", "shop", "--unset", "default_category")
    found = await terminal.json("account", "settings", "shop")
    assert {one["key"]: one for one in found["items"]}["default_category"]["place"] == "default"


async def test_what_is_wrong_is_refused_in_words(terminal: Terminal) -> None:
    assert "interval is pinned at" in await terminal("account", "settings", "shop", "interval=5 min", code=1)
    assert "'interval' is no KEY=VALUE" in await terminal("account", "settings", "shop", "interval", code=2)
    assert "interval is named twice" in await terminal(
        "account", "settings", "shop", "interval=", "interval=1 h", code=2
    )
