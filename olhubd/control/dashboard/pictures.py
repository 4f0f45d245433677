"""Pictures of goods on a page, and the policy that lets a browser fetch these and no others.

They lie at marketplaces and shops. A page allows exactly the hosts of the pictures that it shows, and its reader is
not named to them. Plain HTTP is for a system on the same machine.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

__all__ = ["PagePictures"]

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_HERE = frozenset({"127.0.0.1", "localhost"})
_MOST_HOSTS = 40
"""On one page: a header has its limits."""


class PagePictures:
    """Those of one page."""

    def __init__(self) -> None:
        self._hosts: dict[str, None] = {}

    def show(self, address: str | None) -> str | None:
        """The address, where a browser may fetch a picture from there, and None elsewhere."""
        host = _origin(address) if address else None
        if host is None or (host not in self._hosts and len(self._hosts) >= _MOST_HOSTS):
            return None
        self._hosts[host] = None
        return address

    @property
    def sources(self) -> str:
        """What `img-src` allows on this page."""
        return " ".join(("'self'", *self._hosts))


def _origin(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme != "https" and (parts.scheme != "http" or host not in _HERE):
        return None
    if not _HOST.fullmatch(host) or parts.username is not None:
        return None
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
