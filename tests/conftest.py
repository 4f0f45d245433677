"""For all tests: the name of one that fails is told as it fails, and not when the last of thousands has run.

Programs that tests start take signals as they would from a terminal, also where the tests themselves run in the
background: a shell has those ignore SIGINT, `nohup` SIGHUP, and what is ignored is inherited.

An example of a property may take as long as it takes: a slow machine is no counterexample.
"""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings


class _Telling:
    """Writes a line at each failure, whichever process it was in."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            terminal.ensure_newline()
            terminal.write_line(f"FAILS {report.nodeid} ({report.when})", red=True)


settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Telling(config))
