"""A machine that tries to break the promise: no order lost, none doubled, no wrong total, nothing silent.

`play` plays one schedule inside of this process, in virtual time: the real engine on a real database file between
systems in memory, killed, cut off and lied to as a seed says. `olhubd_torture.siege` does the same to the
whole daemon as a process. docs/reliability.md tells what is checked and how to repeat it.
"""

from olhubd_torture.play import Result, play
from olhubd_torture.schedule import Schedule, Step, draw

__all__ = ["Result", "Schedule", "Step", "draw", "play"]
