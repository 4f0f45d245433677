"""How the C library keeps memory: one heap for all threads.

By itself glibc gives each thread a heap of its own, and each keeps the most that its thread ever needed at once.
Here a few threads of the database take turns under one interpreter lock: to share a heap costs them nothing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

__all__ = ["share"]

_ARENA_MAX = -8
"""Of glibc's mallopt."""


def share(environ: Mapping[str, str]) -> bool:
    """Let threads that begin from now on share the first one's heap. Returns whether it had an effect.

    What the environment says of it goes first. Other C libraries know no such heaps.
    """
    if "MALLOC_ARENA_MAX" in environ or "arena_max" in environ.get("GLIBC_TUNABLES", ""):
        return False
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  others have a mallopt with other numbers
        return bool(library.mallopt(_ARENA_MAX, 1))
    except (AttributeError, OSError, TypeError):
        return False
