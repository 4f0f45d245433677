"""A mail server (SMTP) as an account: what the hub writes to buyers goes out by it."""

from olhubd.plugin import RegisterConnector, hookimpl
from olhubd_smtp.connector import Smtp

__all__ = ["Smtp", "olhubd_register_connectors"]


@hookimpl
def olhubd_register_connectors(register: RegisterConnector) -> None:
    register(Smtp)
