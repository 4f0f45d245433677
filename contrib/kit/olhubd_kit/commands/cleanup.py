"""How a command ends that has started processes: in order, whichever way somebody ends it.

A closed terminal and a plain kill must not leave the daemon and the simulators behind.
"""

from __future__ import annotations

import signal

__all__ = ["in_order"]


def in_order() -> None:
    """From now on SIGTERM and SIGHUP raise KeyboardInterrupt, also where a script has SIGINT ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
