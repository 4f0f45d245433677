"""Whose system an account talks to: learned once, and asked again when its settings lead elsewhere.

The numbers of another shop under the same name would be taken for those of the old one: orders would be found that
are not ours, and cancelled. So where the settings changed, nothing is fetched or sent before the system has said
that it is the same. Accounts that are signed in to prove this by their sign-in instead.
"""

from __future__ import annotations

import hashlib
from typing import Any

from olhubd.model import Reason
from olhubd.plugin import Connector, OAuthLogin, Probe, Settings

__all__ = ["another", "fingerprint", "provable"]


def fingerprint(settings: Settings) -> str:
    """What distinguishes two sets of settings apart, without their secrets."""
    # pydantic writes a secret as a row of stars.
    return hashlib.blake2b(settings.model_dump_json().encode(), digest_size=16).hexdigest()


def provable(connector: type[Connector[Any]]) -> bool:
    """Whether such a system can be asked who it is, and nothing else proves it."""
    return connector.can(Probe) and not connector.can(OAuthLogin)


def another(name: str, known: str, found: str) -> str:
    """Why an account is parked that talks to another system than before."""
    return Reason("account.another-system", found=found, account=name, known=known)
