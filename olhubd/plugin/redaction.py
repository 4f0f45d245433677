"""Hides what is personal inside running text: e-mail addresses and telephone numbers.

For sentences that others wrote (a marketplace's complaint, an exception's text) before they reach an error, a log
or the journal. Fields that are personal as a whole are hidden by their names, elsewhere.
"""

from __future__ import annotations

import re

__all__ = ["mask", "mask_email"]

_EMAIL = re.compile(r"[^\s@<>\"(),;:\[\]]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*")
# Marked as a number of the world (+48 ..., 0048 ...), nine digits in threes or in one piece with or without the
# country, or an area code and the rest. A longer run of digits is an order's or an offer's number and stays.
_PHONE = re.compile(
    r"""(?<![\w.+-])(?:
        (?:\+|00)\d(?:[\s().\-/]{0,2}\d){7,13}
      | (?:48[ -]?)?\d{3}[ .-]\d{3}[ .-]\d{3}
      | (?:48)?\d{9}
      | \(\d{2,3}\)[ -]?\d(?:[ -]?\d){5,8}
      | \d{2}[ -]\d{3}[ -]\d{2}[ -]\d{2}
    )(?![\w-]|\.\d)""",
    re.VERBOSE,
)

_DIGITS = re.compile(r"\d[\d\s().\-/]{5,}\d")
"""What every telephone number holds, and few other texts: cheap to look for first."""


def mask_email(text: str) -> str:
    """The text without e-mail addresses."""
    return _EMAIL.sub("[e-mail]", text) if "@" in text else text


def mask(text: str) -> str:
    """The text without e-mail addresses and telephone numbers."""
    text = mask_email(text)
    return _PHONE.sub("[phone]", text) if _DIGITS.search(text) else text
