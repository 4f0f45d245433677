"""Pictures of offers, which Allegro fetches from an address of the seller's and keeps at its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from olhubd.model import Reason
from olhubd.plugin import Client, ErrorTable, Rejected, Response
from olhubd_allegro import wire_listing
from olhubd_allegro.client import MEDIA, api_errors, is_refusal
from olhubd_allegro.settings import AllegroSettings

__all__ = ["Pictures", "upload_errors"]

_REFUSALS = {400: Rejected, 413: Rejected, 415: Rejected, 422: Rejected}
_WHY = {413: "olhubd_allegro:image-large", 415: "olhubd_allegro:image-kind"}


def _is_refusal(answer: Response) -> bool:
    """A picture that is too large is refused without a word, so its status must do; nothing can be doubled here."""
    return (answer.status in _REFUSALS and not answer.is_page) or is_refusal(answer)


def upload_errors(settings: AllegroSettings) -> ErrorTable:
    """What refusals of pictures mean: those of all calls, and those of pictures."""
    return msgspec.structs.replace(api_errors(settings), statuses=_REFUSALS, is_refusal=_is_refusal)


class Pictures:
    """Uploads pictures of one account. `api` is at Allegro's host for uploads."""

    def __init__(self, api: Client) -> None:
        self._api = api

    async def upload(self, images: Sequence[str]) -> dict[str, str]:
        """Where Allegro keeps each of them. Twice is harmless: one that no offer shows is thrown away there. Raises
        Rejected for the first that it does not take."""
        return {image: await self._one(image) for image in dict.fromkeys(images)}

    async def _one(self, image: str) -> str:
        try:
            kept = await self._api.call(
                "POST",
                "/sale/images",
                wire_listing.Image,
                json={"url": image},
                repeatable=True,
                headers={"Content-Type": MEDIA},
            )
        except Rejected as error:
            code = _WHY.get(error.status or 0, "olhubd_allegro:image-refused")
            raise Rejected(Reason(code, image=image, why=error), field="images", status=error.status) from error
        return kept.location
