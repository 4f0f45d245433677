"""A house whose shop's products and prices are read when somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from olhubd import config
from tests.control.shelf import Shelf

__all__ = ["Catalogue"]


class Catalogue(Shelf):
    """`keys` is what its account has otherwise, `rule` the table of prices."""

    keys: ClassVar[Mapping[str, Any]] = {}
    rule = '[[prices]]\nmaster = "shop"\nchannels = "*"\n'

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.shop_keys = {**self.shop_keys, "products": "by-hand", **self.keys}

    def configuration(self) -> config.Configuration:
        folder = self.folder / "conf.d"
        folder.mkdir(exist_ok=True)
        (folder / "prices.toml").write_text(self.rule, encoding="utf-8")
        return super().configuration()

    async def imported(self, *, full: bool = False, accept_gone: bool = False) -> Any:
        """The run of an import that somebody asked for."""
        body = {"products": True, "full": full, "accept_gone": accept_gone}
        status, answer = await self.ask("POST", "/accounts/shop/fetch", body)
        assert status == 200, answer
        return answer["run"]

    async def every(self, path: str, **asked: Any) -> list[Any]:
        """All rows of a list, in pages of seven."""
        found: list[Any] = []
        before: dict[str, Any] = {}
        while True:
            page = await self.get(path, limit=7, **before, **asked)
            found += page["items"]
            if page["next"] is None:
                return found
            before = {"before": page["next"]}

    async def standing(self) -> Any:
        """How its import stands."""
        (row,) = (await self.get("/imports/accounts"))["items"]
        return row

    def lose(self, left: int) -> int:
        """The shop forgets products, so that it has `left`; gives how many it has lost."""
        rows = self.shop.catalogue.products
        lost = list(rows)[left:]
        for number in lost:
            del rows[number]
        return len(lost)
