"""What a look at one thing finds, and the table of all that is looked at. Nothing is looked at here."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

__all__ = ["CHECKS", "Check", "CheckState", "Diagnosis", "Finding", "fine", "gather", "look", "skipped", "wrong"]


class CheckState(enum.StrEnum):
    FINE = "fine"
    LOOK = "look"
    """Nothing is broken yet, but somebody should look."""
    WRONG = "wrong"
    SKIPPED = "skipped"
    """It could not be looked at, and `text` says why."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `subject` is the account, or the file; `mend` is what to do about it."""

    check: str = ""
    state: CheckState
    subject: str | None = None
    text: str
    mend: str | None = None


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """`well` is whether nothing is wrong."""

    items: tuple[Finding, ...]
    well: bool


class Check(NamedTuple):
    """`asks` is what it asks. One that is `inside` is for the daemon itself, `machine` also without one."""

    asks: str
    inside: bool = False
    machine: bool = False


CHECKS = {
    "CONFIG": Check("Is the configuration right, and is it the one in force?"),
    "PLUGINS": Check("Can all plugins be loaded?", inside=True, machine=True),
    "DAEMON": Check("Does the daemon answer, is it ready, and is it of the version that is installed?"),
    "SERVICE": Check("Does systemd run it, and will it after the next start of the machine?"),
    "PORT": Check("Without a daemon: could it listen where it is configured to?"),
    "FILES": Check("Are its files there, its own, and closed to others?", inside=True, machine=True),
    "DISK": Check("Is there room beside the database?", inside=True, machine=True),
    "INTEGRITY": Check("Is the file of the database sound?", inside=True, machine=True),
    "ALARMS": Check("Is any alarm on?", inside=True),
    "ERRORS": Check("Did anything go wrong within the last day?", inside=True),
    "REACH": Check("Does the system of each account answer, and does it know us?", inside=True),
    "CLOCK": Check("Is this machine's clock right, by the clocks of those systems?", inside=True),
    "TOKENS": Check("Who must sign in again, and when?", inside=True),
    "SCOPES": Check("Do the sign-ins allow all that is needed?", inside=True),
    "ACCESS": Check("Which tokens of programs and people end soon?", inside=True),
    "UNLINKED": Check("Are there order lines that are bound to no product?", inside=True),
    "OFFERS": Check("Are there offers of which it is not known what they sell?", inside=True),
    "WORDS": Check("Do the systems have the words that routes and settings name?", inside=True),
    "UNMAPPED": Check("Are there words of the sources or targets that no route maps?", inside=True),
}
"""By id, in the order in which they are shown. Plugins add their own."""


def fine(text: str, subject: str | None = None) -> Finding:
    return Finding(state=CheckState.FINE, subject=subject, text=text)


def look(text: str, mend: str, subject: str | None = None) -> Finding:
    return Finding(state=CheckState.LOOK, subject=subject, text=text, mend=mend)


def wrong(text: str, mend: str, subject: str | None = None) -> Finding:
    return Finding(state=CheckState.WRONG, subject=subject, text=text, mend=mend)


def skipped(text: str, subject: str | None = None) -> Finding:
    return Finding(state=CheckState.SKIPPED, subject=subject, text=text)


def gather(check: str, found: Iterable[Finding]) -> list[Finding]:
    """The findings under the id of their check."""
    return [msgspec.structs.replace(one, check=check) for one in found]
