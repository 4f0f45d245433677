"""What a person writes about one Tiny Shop."""

from olhubd.plugin import Field, Secret, Settings, Url


class TinySettings(Settings):
    url: Url
    """The address of the shop, for example https://shop.example."""
    api_key: Secret
    """The key from the shop's page "Integrations"."""
    page_size: int = Field(default=50, ge=1, le=200)
    """How many orders to read at one time."""
