"""How the dashboard speaks to one person: language, numbers, money and times as they are written there.

The words are the catalogue `dashboard` of `olhubd.text`; histories are worded by `olhubd.control.text.event_text`.
What other systems say stays in the words it came in.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from olhubd.control.text.formatter import Formatter
from olhubd.model import Money
from olhubd.text import LANGUAGES, catalogue

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["PageLocale", "chosen"]


def chosen(accepted: str) -> str:
    """The language for an Accept-Language header: the best of those that are spoken here, else English."""
    best, weight = "en", 0.0
    for part in accepted.split(",")[:20]:
        tag, _, quality = part.partition(";")
        try:
            found = float(quality.strip().removeprefix("q=")) if quality else 1.0
        except ValueError:
            continue
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and math.isfinite(found) and found > weight:
            best, weight = language, found
    return best


@cache
def _locale(language: str) -> Locale:
    from babel import Locale  # slow to import, needed only when somebody looks

    return Locale(language)


class PageLocale:
    """For one request: `now` is when it came, `zone` the one of the configuration."""

    def __init__(self, language: str, zone: tzinfo, now: datetime) -> None:
        self.language = language
        self.zone = zone
        self.now = now
        self.voice = Formatter(language, self.money, self.exact)
        """Says histories, the journal and reasons in this language."""
        self._words = catalogue("dashboard", language)

    def t(self, key: str, **values: object) -> str:
        """The text of a key."""
        text = self._words.text(key)
        return text.format(**values) if values else text

    def n(self, key: str, count: int, **values: object) -> str:
        """The text of a key that goes by a number: 1 order, 2 orders."""
        return self._words.counted(key, count).format(n=self.number(count), **values)

    def word(self, kind: str, value: object) -> str:
        """A word of ours in this language; one that is not ours stays as it is."""
        try:
            return self._words.text(f"{kind}.{value}")
        except KeyError:
            return str(value)

    def number(self, value: int) -> str:
        from babel.numbers import format_decimal

        return format_decimal(value, locale=_locale(self.language))

    def rate(self, rate: Decimal) -> str:
        """A tax rate in per cent, which is how it is kept."""
        from babel.numbers import format_percent

        return format_percent(rate / 100, "#,##0.## %", locale=_locale(self.language))

    def money(self, money: Money) -> str:
        from babel.numbers import format_currency

        shape = "#,##0.00 ¤¤" if self.language == "en" else None  # CLDR sets PLN and the amount without a space
        return format_currency(money.amount, money.currency, shape, locale=_locale(self.language))

    def time(self, at: datetime) -> str:
        """Date and time; only the time for today."""
        from babel.dates import format_datetime

        local, now = at.astimezone(self.zone), self.now.astimezone(self.zone)
        if local.date() == now.date():
            shape = "HH:mm:ss"
        else:
            shape = "d MMM HH:mm" if local.year == now.year else "d MMM y HH:mm"
        return format_datetime(local, shape, locale=_locale(self.language))

    def hour(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime("%H:%M")

    def day(self, day: date) -> str:
        """Day and month."""
        from babel.dates import format_date

        return format_date(day, "d MMM", locale=_locale(self.language))

    def exact(self, at: datetime) -> str:
        """The whole of it, with the zone's name."""
        from babel.dates import format_datetime

        local = format_datetime(at.astimezone(self.zone), "d MMM y HH:mm:ss", locale=_locale(self.language))
        return f"{local} {self.zone}"

    def span(self, seconds: float | timedelta) -> str:
        """A length of time in its two largest units: 2 h 10 min."""
        left = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        left = max(0.0, left)
        if left < 10:
            from babel.numbers import format_decimal

            return f"{format_decimal(round(left, 1), locale=_locale(self.language))} s"
        total = round(left)
        parts = []
        for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
            count, total = divmod(total, size)
            if count:
                parts.append(f"{count} {unit}")
        return " ".join(parts[:2])

    def ago(self, at: datetime) -> str:
        passed = (self.now - at).total_seconds()
        if -0.1 < passed < 2:
            return self.t("just-now")
        return self.t("ago", span=self.span(passed)) if passed > 0 else self.t("in", span=self.span(-passed))
