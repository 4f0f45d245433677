"""Printing: tables that fit a terminal, plain columns into a pipe, JSON and CSV for programs.

A heading may end in `:right`, for a column that is set to the right, and in `:least`, for one that a narrow
terminal does without; pipes, JSON and CSV have all of them.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import click

if TYPE_CHECKING:
    from rich.console import JustifyMethod

    from olhubd.control.api.schema.base import SubjectName
    from olhubd.control.api.schema.deliveries import DeliveryRow

__all__ = ["Printer", "harmless", "span"]

Row = Sequence[object]

_NARROW = 12
"""Characters that a column of longer texts needs, or its table becomes taller than wide; of prose, `_PROSE`."""
_SHORT, _LONG = 16, 40
"""Up to so many characters a text is not broken; from so many on it is prose."""
_PROSE = 20
_GAP = 2
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_COLOURS = {
    "hold": "yellow",
    "dead": "red",
    "discarded": "red",
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
    """Prints to standard output. `zone` is what times are shown in.

    As CSV the rows alone go there; everything else goes to standard error.
    """

    def __init__(self, as_json: bool, zone: tzinfo | None = None, *, as_csv: bool = False) -> None:
        self.as_json = as_json
        self.as_csv = as_csv
        self.zone = zone or UTC

    def json(self, value: Any) -> bool:
        """Print `value` if JSON was asked for. Returns whether it was."""
        if self.as_json:
            import msgspec

            click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
        return self.as_json

    def line(self, text: str = "") -> None:
        click.echo(harmless(text), err=self.as_csv)

    def wrapped(self, text: str, margin: int) -> list[str]:
        """The text as lines that leave so much room beside them on a terminal; one line into a pipe."""
        room = shutil.get_terminal_size().columns - margin
        if not sys.stdout.isatty() or room < _NARROW:
            return [text]
        return textwrap.wrap(text, room) or [""]

    def facts(self, rows: Iterable[tuple[str, object]]) -> None:
        """Names and values below each other; what has no value is left out."""
        told = [(name, self.cell(value)) for name, value in rows if value not in (None, "", ())]
        width = max((len(name) for name, _ in told), default=0)
        for name, value in told:
            click.echo(f"{name:<{width}}  {value}", err=self.as_csv)

    def table(self, columns: Sequence[str], rows: Iterable[Row], nothing: str) -> None:
        """Columns under headings; `nothing` is the sentence for no rows."""
        headings = [Heading.of(column) for column in columns]
        if self.as_csv:
            _csv(headings, rows)
            return
        terminal = sys.stdout.isatty()
        cells = [[self.cell(value, short=terminal) for value in row] for row in rows]
        if not cells:
            click.echo(nothing)
        elif terminal:
            self._fitted(headings, cells)
        else:
            _plain([heading.name for heading in headings], cells)

    def more(self, before: int | None, *, whole: bool = False) -> None:
        """Say that the list goes on, and how: `before` is where its next page begins, None on the last one.

        `whole`: the command takes --all as well.
        """
        if before is not None:
            click.echo(f"More: --before {before}{', or --all' if whole else ''}", err=True)

    def _fitted(self, headings: list[Heading], cells: list[list[str]]) -> None:
        """As a table without its empty columns and, where it would not fit, without the least of the others; else
        each row as names and values."""
        room = shutil.get_terminal_size().columns
        filled = [index for index in range(len(headings)) if index == 0 or any(row[index] for row in cells)]
        widths = [max(len(heading.name), *(len(row[at]) for row in cells)) for at, heading in enumerate(headings)]
        kept = list(filled)
        for index in reversed(filled):
            if _needs(widths, kept) <= room:
                break
            if headings[index].least:
                kept.remove(index)
        if _needs(widths, kept) <= room:
            _rich(
                [headings[index] for index in kept],
                _shared([widths[index] for index in kept], room),
                [[row[index] for index in kept] for row in cells],
            )
            if left_out := [headings[index].name for index in filled if index not in kept]:
                click.echo(f"No room for: {', '.join(left_out)}", err=True)
            return
        for number, row in enumerate(cells):
            if number:
                click.echo()
            self.facts((heading.name.lower(), value) for heading, value in zip(headings, row, strict=True))

    def cell(self, value: object, *, short: bool = False) -> str:
        """A value as people read it; a moment is `short` without its seconds and zone."""
        match value:
            case None:
                return ""
            case bool():
                return "yes" if value else "no"
            case datetime():
                return self.when(value)[:16] if short else self.when(value)
            case list() | tuple():
                return ", ".join(map(self.cell, value))
        return " ".join(harmless(str(value)).splitlines())

    def told(self, about: LogRow) -> str:
        """What happened, in a line: to whom, what, and why."""
        whom = f"{about.account or 'olhubd'}{_numbered(about)}: "
        text = about.text.removeprefix(whom)  # some begin with it themselves
        return self.cell(f"{whom}{text} ({about.why})")

    def let_go(self, delivery: DeliveryRow) -> str:
        """What a person's word made of a delivery, in a line."""
        state = delivery.state.value
        if state == "sent":
            state = "looked up before it is sent again, for it may be there"
        return f"delivery {delivery.id} ({delivery.action.value} to {delivery.target}) is {state}"

    def when(self, at: datetime) -> str:
        """A moment in the zone of the configuration, to the second."""
        try:
            return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S %Z")
        except OverflowError:  # at the ends of the calendar
            return at.isoformat()


def harmless(text: str) -> str:
    """The text without what would steer a terminal, since names and notes are written by strangers."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


class LogRow(Protocol):
    """A row of the journal or of the events."""

    @property
    def account(self) -> str: ...

    @property
    def order_id(self) -> int | None: ...

    @property
    def subject(self) -> SubjectName | None: ...

    @property
    def text(self) -> str: ...

    @property
    def why(self) -> str: ...


class Heading(NamedTuple):
    name: str
    right: bool
    least: bool

    @classmethod
    def of(cls, column: str) -> Heading:
        name, *marks = column.split(":")
        return cls(name, "right" in marks, "least" in marks)


def _needs(widths: Sequence[int], kept: Sequence[int]) -> int:
    """The least width of a table of these columns."""
    # One gap more than is seen: rich reckons with the one at the edge too, and would cut the last column.
    return sum(_least(widths[index]) + _GAP for index in kept)


def _shared(widths: Sequence[int], room: int) -> list[int]:
    """What each column gets: the least that it needs, and of the rest an equal share of what it lacks."""
    given = [_least(width) for width in widths]
    left = room - sum(given) - _GAP * len(given)
    lacking = sorted((width - given[at], at) for at, width in enumerate(widths))
    for waiting, (lacks, at) in zip(range(len(lacking), 0, -1), lacking, strict=True):
        more = min(lacks, left // waiting)
        given[at] += more
        left -= more
    return given


def _least(width: int) -> int:
    """How narrow a column may become, whose texts are at most so long."""
    if width <= _SHORT:
        return width
    return _NARROW if width <= _LONG else _PROSE


def _rich(headings: list[Heading], widths: list[int], cells: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Widths are ours: where rich has to narrow columns itself, it may cut the last one.
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP // 2))
    for heading, width in zip(headings, widths, strict=True):
        justify: JustifyMethod = "right" if heading.right else "left"
        table.add_column(heading.name, justify=justify, overflow="fold", width=width)
    for row in cells:
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    Console().print(table)


def _csv(headings: list[Heading], rows: Iterable[Row]) -> None:
    """As RFC 4180 has it, with moments in UTC; in Unix's own line ends, for what reads it there."""
    from olhubd.control.api.spreadsheet import cell

    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([heading.name.lower().replace(" ", "_") for heading in headings])
    writer.writerows([cell(_told(value)) for value in row] for row in rows)
    click.echo(out.getvalue(), nl=False)


def _told(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).isoformat()
        case list() | tuple():
            return ", ".join(map(_told, value))
    return harmless(str(value))


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


def _numbered(about: LogRow) -> str:
    """An order as `#17`, anything else by its kind too, and nothing for an account itself."""
    if about.order_id is not None:
        return f" #{about.order_id}"
    return f" {about.subject.kind} #{about.subject.id}" if about.subject is not None else ""
