"""The configuration: TOML, environment and credentials to one checked object, with all its problems at once.

    configuration = config.load(Path("/etc/olhubd/olhubd.toml"), None, os.environ)

What was written is in `docs/configuration.md`, made by `config.reference` from the classes that check it.
"""

from olhubd.config.accounts import AccountConfig
from olhubd.config.kept import KeptValue
from olhubd.config.loading import Configuration, Loader, load
from olhubd.config.problem import ConfigurationError, Problem
from olhubd.config.schema import schema
from olhubd.config.source import Layer, Origin
from olhubd.config.tables import (
    Alarms,
    Control,
    Customers,
    Daemon,
    Engine,
    Listen,
    LogFormat,
    LogLevel,
    Security,
    Start,
)

__all__ = [
    "AccountConfig",
    "Alarms",
    "Configuration",
    "ConfigurationError",
    "Control",
    "Customers",
    "Daemon",
    "Engine",
    "KeptValue",
    "Layer",
    "Listen",
    "Loader",
    "LogFormat",
    "LogLevel",
    "Origin",
    "Problem",
    "Security",
    "Start",
    "load",
    "schema",
]
