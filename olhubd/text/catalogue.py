"""One language of one domain, read from its compiled catalogue."""

from __future__ import annotations

import gettext
import sys
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["LANGUAGES", "Catalogue", "catalogue", "owner"]

LANGUAGES: Final = ("en", "pl")
"""English is complete; a text that another language lacks is said in English."""

_OURS: Final = __package__


class _Missing(gettext.NullTranslations):
    """Behind a catalogue: gettext by itself would answer a missing key with the key."""

    def gettext(self, message: str) -> str:
        raise KeyError(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        raise KeyError(msgid1)


class Catalogue:
    """The texts of a domain in one language. A missing key raises KeyError."""

    def __init__(self, translations: gettext.NullTranslations) -> None:
        self._translations = translations

    def text(self, key: str) -> str:
        """The text of a key, with its places as they are written: "{name}"."""
        return self._translations.gettext(key)

    def counted(self, key: str, number: int) -> str:
        """The form of a text that goes with a number, by the plural rule of the language."""
        return self._translations.ngettext(key, key, number)

    def knows(self, key: str) -> bool:
        try:
            self.text(key)
        except KeyError:
            return False
        return True


def owner(code: str) -> str:
    """The package whose catalogue has a code: a plugin's codes begin with the name of its package and a colon."""
    package, colon, _ = code.partition(":")
    return package if colon else _OURS


@cache
def catalogue(domain: str, language: str, package: str = _OURS) -> Catalogue:
    """A catalogue of a package that is imported. One that is not there is empty."""
    module = sys.modules.get(package)
    for folder in getattr(module, "__path__", ()):
        try:
            with (Path(folder) / "locales" / language / "LC_MESSAGES" / f"{domain}.mo").open("rb") as file:
                translations = gettext.GNUTranslations(file)
        except FileNotFoundError:
            continue
        translations.add_fallback(_Missing())
        return Catalogue(translations)
    return Catalogue(_Missing())
