"""The texts that people read, by language: gettext catalogues, and how they are found.

A text has a key, in English as in any other language, so that wording a sentence better changes no key. There are
three domains: `reasons` (why something is as it is, `olhubd.model.Reason`), `events` (what a history says) and
`dashboard` (the words of the pages). The sources are `locales/<language>/LC_MESSAGES/<domain>.po`; what is read at
run time are the `.mo` files beside them, which `make texts` compiles.

A plugin's package may have a folder `locales` of the same shape, with the domain `reasons`: see `docs/plugins.md`.
"""

from olhubd.text.catalogue import LANGUAGES, Catalogue, catalogue, owner

__all__ = ["LANGUAGES", "Catalogue", "catalogue", "owner"]
