"""What no log line may show: fields by their names, secrets by their values, people by their addresses.

Works on the event before it is rendered, whatever the renderer. What is neither plain data nor known to be harmless
is shown by its type only, since the text of an order or a response is full of both.
"""

from __future__ import annotations

import enum
import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

from olhubd.plugin.redaction import mask, mask_email

__all__ = ["HIDDEN", "Redactor"]

HIDDEN = "[hidden]"

_PARTS = (
    "token|secret|passw|passphrase|authoriz|cookie|credential|apikey|privatekey|signature|verifier|bearer|jwt|"
    "email|phone|address|street|postcode|postalcode|zipcode|firstname|lastname|surname|fullname|taxid|nationalid"
)
"""Any key with one of these in it, written together and in lower case, is hidden."""
_WHOLE = (
    "auth devicecode usercode pwd pass mail city zip company companyname buyer recipient customer login username "
    "body query headers params payload raw note birthday birthdate iban pesel nip"
)
"""Keys that are hidden when they read so as a whole."""
_ASSIGNED = re.compile(
    r"""\b(bearer|basic)\s+[\w.~+/=-]{6,}
      | ((?:token|secret|api_?key|signature|cookie|authorization|passw\w*)["']?\s*[:=]\s*["']?)
        (?!\[hidden\])(?:bearer\s+|basic\s+)?[^\s"'&,;}]+""",
    re.VERBOSE | re.IGNORECASE,
)
"""A secret that says so itself, in a sentence, an address or a piece of JSON that some library wrote."""
_IDENTIFIERS = re.compile(
    r"(^|_)(id|ids|number|external_id|reference|order|offer|cursor|waybill|ean|sku|url|path)$"
)
_DEEPEST = 5
_HEAD = 4
_MOST = 10_000


class Redactor:
    """A structlog processor. Values that pass are kept in the order they were learned; the oldest of very many go.

    Those that last, such as what the configuration holds, stay however many tokens come and go.
    """

    def __init__(self) -> None:
        self._hidden = re.compile(_PARTS)
        self._whole: set[str] = set(_WHOLE.split())
        self._keys: dict[str, bool] = {}
        self._values: set[str] = set()
        self._passing: OrderedDict[str, None] = OrderedDict()
        """Those of them that may go, the oldest first."""
        self._heads: dict[str, Counter[int]] = {}
        """How long the values are that begin with these characters, and how many of each length there are."""

    def hide_keys(self, names: Iterable[str]) -> None:
        """Hide these fields as well, however they are written."""
        self._whole.update(_plain(name) for name in names)
        self._keys.clear()

    def hide_value(self, value: str, *, lasting: bool = False) -> None:
        """Hide this value wherever it occurs. One shorter than four characters stays: it would hide too much."""
        for form in {value, repr(value)[1:-1], quote(value, safe=""), quote_plus(value)}:
            if len(form) >= _HEAD:
                self._learn(form, lasting)

    def _learn(self, value: str, lasting: bool) -> None:
        if value not in self._values:
            self._values.add(value)
            self._heads.setdefault(value[:_HEAD], Counter())[len(value)] += 1
        elif value not in self._passing:
            return  # it lasts
        if lasting:
            self._passing.pop(value, None)
            return
        self._passing[value] = None
        self._passing.move_to_end(value)
        while len(self._passing) > _MOST:
            oldest, _ = self._passing.popitem(last=False)
            self._values.discard(oldest)
            lengths = self._heads[oldest[:_HEAD]]
            lengths[len(oldest)] -= 1
            if not lengths[len(oldest)]:
                del lengths[len(oldest)]
            if not lengths:
                del self._heads[oldest[:_HEAD]]

    def __call__(self, _logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self._field(key, value) for key, value in event.items()}

    def text(self, text: str) -> str:
        """Running text without secrets, e-mail addresses and telephone numbers."""
        return mask(_ASSIGNED.sub(_unassign, self._without_values(text)))

    def _field(self, key: str, value: Any, depth: int = 0) -> Any:
        if key in _OWN:
            return value
        if value is None or isinstance(value, bool):
            return value
        if self._hides(key):
            return HIDDEN
        if isinstance(value, str) and _IDENTIFIERS.search(key):
            return mask_email(self._without_values(value))
        return self._value(value, depth)

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, enum.Enum):
            value = value.value
        if value is None or isinstance(value, bool | int | float | Decimal | date | timedelta | UUID):
            return value
        if isinstance(value, str):
            return self.text(str(value))
        if isinstance(value, PurePath):
            return self._without_values(str(value))
        if isinstance(value, BaseException):
            return f"{type(value).__name__}: {self.text(str(value))}"
        if depth >= _DEEPEST:
            return "..."
        if isinstance(value, Mapping):
            return {self.text(str(k)): self._field(str(k), v, depth + 1) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(item, depth + 1) for item in value]
        return f"<{type(value).__name__}>"

    def _hides(self, key: str) -> bool:
        hides = self._keys.get(key)
        if hides is None:
            plain = _plain(key)
            hides = plain in self._whole or self._hidden.search(plain) is not None
            if len(self._keys) < 4096:
                self._keys[key] = hides
        return hides

    def _without_values(self, text: str) -> str:
        """Looks up four characters at each place, so that the cost does not grow with the number of secrets."""
        heads = self._heads
        at, end = 0, len(text) - _HEAD + 1
        if not heads or heads.keys().isdisjoint([text[i : i + _HEAD] for i in range(end)]):
            return text
        kept: list[str] = []
        begin = 0
        while at < end:
            lengths = heads.get(text[at : at + _HEAD])
            if lengths is not None:
                found = [length for length in lengths if text[at : at + length] in self._values]
                if found:
                    kept += (text[begin:at], HIDDEN)
                    at = begin = at + max(found)
                    continue
            at += 1
        if not kept:
            return text
        kept.append(text[begin:])
        return "".join(kept)


_OWN = frozenset({"at", "level", "logger"})
"""Fields of every line that the processors before this one made."""


def _unassign(found: re.Match[str]) -> str:
    return f"{found[1]} {HIDDEN}" if found[1] else f"{found[2]}{HIDDEN}"


def _plain(key: str) -> str:
    return "".join(c for c in key.lower() if c.isalnum())
