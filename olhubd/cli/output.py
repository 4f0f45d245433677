"""Printing: tables that fit a terminal, plain columns into a pipe, JSON for programs."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import click

__all__ = ["Printer", "harmless", "span"]

Row = Sequence[object]

_NARROW = 8
"""Characters that each column of a table needs, or it becomes taller than wide."""
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_COLOURS = {
    "hold": "yellow",
    "dead": "red",
    "retry": "yellow",
    "failed": "red",
    "lost": "red",
    "parked": "red",
    "paused": "yellow",
    "cancelled": "red",
    "confirmed": "green",
    "active": "green",
    "done": "green",
}


class Printer:
    """Prints to standard output. `zone` is what times are shown in."""

    def __init__(self, as_json: bool, zone: tzinfo | None = None) -> None:
        self.as_json = as_json
        self.zone = zone or UTC

    def json(self, value: Any) -> bool:
        """Print `value` if JSON was asked for; tells whether."""
        if self.as_json:
            import msgspec

            click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
        return self.as_json

    def line(self, text: str = "") -> None:
        click.echo(harmless(text))

    def facts(self, rows: Iterable[tuple[str, object]]) -> None:
        """Names and values below each other; what has no value is left out."""
        told = [(name, self.cell(value)) for name, value in rows if value not in (None, "", ())]
        width = max((len(name) for name, _ in told), default=0)
        for name, value in told:
            click.echo(f"{name:<{width}}  {value}")

    def table(self, columns: Sequence[str], rows: Iterable[Row], nothing: str) -> None:
        """Columns under headings; `nothing` is the sentence for no rows. A column `:right` is set to the right."""
        cells = [[self.cell(value) for value in row] for row in rows]
        if not cells:
            click.echo(nothing)
        elif sys.stdout.isatty():
            if shutil.get_terminal_size().columns < _NARROW * len(columns):
                self._cards(columns, cells)
            else:
                self._rich(columns, cells)
        else:
            _plain([column.removesuffix(":right") for column in columns], cells)

    def _cards(self, columns: Sequence[str], cells: list[list[str]]) -> None:
        """Each row as names and values, where its columns do not fit beside each other."""
        for number, row in enumerate(cells):
            if number:
                click.echo()
            self.facts(zip((column.removesuffix(":right").lower() for column in columns), row, strict=True))

    def _rich(self, columns: Sequence[str], cells: list[list[str]]) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            right = column.endswith(":right")
            table.add_column(column.removesuffix(":right"), justify="right" if right else "left", overflow="fold")
        for row in cells:
            table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
        Console().print(table)

    def cell(self, value: object) -> str:
        match value:
            case None:
                return ""
            case bool():
                return "yes" if value else "no"
            case datetime():
                return self.when(value)
            case list() | tuple():
                return ", ".join(map(self.cell, value))
        return " ".join(harmless(str(value)).splitlines())

    def when(self, at: datetime) -> str:
        """A moment in the zone of the configuration, to the second."""
        try:
            return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S %Z")
        except OverflowError:  # at the ends of the calendar
            return at.isoformat()


def harmless(text: str) -> str:
    """The text without what would steer a terminal, since names and notes are written by strangers."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def _plain(columns: Sequence[str], cells: list[list[str]]) -> None:
    """Columns two blanks apart, never cut: what reads a pipe wants all of it."""
    rows = [list(columns), *cells]
    widths = [max(len(row[index]) for row in rows) for index in range(len(columns))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def span(seconds: float) -> str:
    """A time span in its two greatest units: "3 d 4 h", "12 s"."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"
