"""How WordPress refuses: a code, a sentence and the status once more inside the body."""

from __future__ import annotations

from typing import Any

__all__ = ["WordPressError", "invalid", "no_route"]


class WordPressError(Exception):
    """Raised by whatever cannot do what was asked; answered as WordPress does."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "data": {"status": status, **data}}


def invalid(name: str, why: str) -> WordPressError:
    """A parameter that the schema does not allow."""
    return WordPressError(400, "rest_invalid_param", f"Invalid parameter(s): {name}", params={name: why})


def no_route() -> WordPressError:
    return WordPressError(404, "rest_no_route", "No route was found matching the URL and request method.")
