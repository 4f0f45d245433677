"""By which names the endpoint may be called: a browser that was led here by a stranger's name is sent away.

The owner of a name can have it lead to 127.0.0.1, and a browser then takes this endpoint for a part of that owner's
site: its pages may ask here as they like, with nothing in their way but the token. The name that the browser used
is in the Host header, and no page can change that.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection

from aiohttp import web

from olhubd.config import Control
from olhubd.control.http.problem import Refusal

__all__ = ["called_right", "check"]


def check(request: web.Request, control: Control) -> None:
    """Raises Refusal for a name that is none of those which the configuration gives."""
    end = request.transport.get_extra_info("socket") if request.transport else None
    if end is None or end.family == socket.AF_UNIX:
        return  # no browser comes that way
    host = request.headers.get("Host")
    if host is not None and control.listen is not None and _bare(host) == control.listen.host.lower():
        return  # where it is set to listen
    if host is not None and not called_right(host, end.getsockname()[0], control.hosts):
        detail = "this endpoint has another name: add the one that was used to control.hosts if it is right"
        raise Refusal(421, "host", detail)


def called_right(host: str, address: str, names: Collection[str]) -> bool:
    """Whether `host`, as in the header, may be used by who reached the address. Addresses need no entry in `names`.

    Where other machines can reach the address, any name will do until `names` has some.
    """
    name = _bare(host)
    if name in names:
        return True
    if _loopback(address):
        return name == "localhost" or _loopback(name)
    return not names or _number(name)


def _bare(host: str) -> str:
    """Without port, brackets and the dot of a full name; in lower case."""
    if host.startswith("["):
        name, _, port = host.partition("]")
        return name[1:].lower() if not port or port[1:].isdecimal() else host
    name, colon, port = host.partition(":")
    return name.lower().removesuffix(".") if not colon or port.isdecimal() else host


def _loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
