"""What comes in place of an answer: a firewall's page, a maintenance notice, a PHP warning, nothing at all.

It is described by its title and a likely cause. Nothing else of it is quoted, since a page may repeat whatever was
sent.
"""

from __future__ import annotations

import html
import re

from olhubd.plugin.redaction import mask

__all__ = ["describe", "is_page"]

_LOOKED_AT = 4096
"""Bytes of a page that are looked at."""
_LONGEST = 60
_PAGE = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|title|br|b|p|h1|div|script|center)\b",
    re.IGNORECASE | re.DOTALL,
)
_JSON = (b"{", b"[", b'"')
_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)(?:</\1\b|$)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>?")
_WORD = re.compile(r"[^\w\s]{0,3}(?:\d{1,3}|(?:[^\W\d_]{1,20}['’.-]?){1,3})?[^\w\s]{0,3}")
"""A word that can be shown: letters, or a short number as of a status; no key, address, path or identifier."""

_FIREWALL = "a firewall or bot protection stands before the server: have this machine's address let through"
_SIGNS = (
    (("maintenance", "konserwac", "be back soon"), "the site is being maintained"),
    (("suspended", "zawieszon"), "the hosting is suspended"),
    (("database connection", "bazą danych"), "the site does not reach its database"),
    (
        (
            *("just a moment", "attention required", "cloudflare", "checking your browser", "captcha", "imunify"),
            *("mod_security", "not acceptable", "incapsula", "sucuri", "wordfence", "request rejected"),
        ),
        _FIREWALL,
    ),
    (
        (
            "fatal error",
            "parse error",
            "<b>warning",
            "<b>notice",
            "<b>deprecated",
            "critical error",
            "błąd krytyczny",
        ),
        "a program or plugin there fails: its error log names it",
    ),
)
"""Words that pages of a kind hold, in lower case, and what they mean."""
_CAUSES = {
    402: "the host asks to be paid",
    404: "the address in the settings may be wrong, or something on the way hides it",
    405: "the address in the settings may be wrong, or something on the way forbids the method",
    413: "something on the way limits the size of a request",
    414: "something on the way limits the length of an address",
    431: "something on the way limits the size of headers",
    451: _FIREWALL,
}


def is_page(body: bytes, content_type: str = "") -> bool:
    """Whether this is HTML for people. JSON that is declared as HTML is none."""
    if body[:1] in _JSON:
        return False  # so it is with nearly all answers
    if _PAGE.match(body[:_LOOKED_AT]):
        return True
    first = body.lstrip()[:1]
    return bool(first) and content_type.lower().startswith("text/html") and first not in _JSON


def describe(status: int, body: bytes, content_type: str = "") -> str:
    """What came instead of an answer, and what most likely sent it."""
    text = body[:_LOOKED_AT].decode(errors="replace")
    if not body.strip():
        return f"nothing instead of an answer ({_cause(status, '')})"
    if body.lstrip()[:1] in (b"{", b"["):
        return f"an answer that is not the system's own ({_cause(status, text)})"
    if not is_page(body, content_type):
        return f"a text instead of an answer ({_cause(status, text)})"
    title = _title(text)
    named = f': "{title}"' if title else " without a title"
    return f"a page instead of an answer{named} ({_cause(status, text)})"


def _title(text: str) -> str:
    found = _TITLE.search(text)
    if found is None:
        return ""
    words = mask(html.unescape(_TAG.sub(" ", found[2][:500]))).split()
    shown = " ".join(word if _WORD.fullmatch(word) else "…" for word in words)
    shown = re.sub(r"…(?: …)+", "…", shown)
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST].rpartition(" ")[0] + " …"


def _cause(status: int, text: str) -> str:
    text = text.lower()
    for signs, cause in _SIGNS:
        if any(sign in text for sign in signs):
            return cause
    if status >= 500:
        return "a gateway, or a program behind it, failed"
    if status < 300:
        return "a firewall, a maintenance notice, or the address of something else"
    return _CAUSES.get(status, "a firewall or a rule of the host, not the system itself")
