"""Every call that a connector can make, ready to be made: for rules that hold for all of them."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from olhubd.model import Fulfilment, OfferDraft, Payment, PaymentType, Shipment
from olhubd.plugin import (
    CancelSink,
    DeliveryMethodList,
    Feed,
    LevelSink,
    MailSink,
