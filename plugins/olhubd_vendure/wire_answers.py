"""What the questions of `queries` are answered with."""

from __future__ import annotations

from typing import Any

import msgspec

from olhubd_vendure import wire

__all__ = [
    "ChannelAnswer",
    "CountAnswer",
    "CustomersAnswer",
    "MarksAnswer",
    "MethodsAnswer",
    "NotesAnswer",
    "OrderAnswer",
    "OrdersAnswer",
    "PaymentMethodsAnswer",
    "ServerAnswer",
    "StatesAnswer",
    "StraysAnswer",
    "WholeAnswer",
]


class Answer(msgspec.Struct, rename="camel"):
    pass


class OrderAnswer(Answer):
    order: wire.Order | None = None


class OrdersAnswer(Answer):
    orders: wire.Orders


class Total(Answer):
    total_items: int


class CountAnswer(Answer):
    orders: Total


class Stray(Answer):
    id: str
    state: str
    total_quantity: int
    history: wire.History
    customer: wire.Administrator | None = None
    custom_fields: dict[str, Any] | None = None


class Strays(Answer):
    items: list[Stray]


class StraysAnswer(Answer):
    orders: Strays
    active_administrator: wire.Administrator | None = None


class Methods(Answer):
    items: list[wire.Method]
    total_items: int


class MethodsAnswer(Answer):
    shipping_methods: Methods

    @property
    def page(self) -> Methods:
        return self.shipping_methods


class PaymentMethod(Answer):
    id: str
    code: str
    enabled: bool
    handler: wire.Code
    checker: wire.Code | None = None


class PaymentMethods(Answer):
    items: list[PaymentMethod]
    total_items: int


class PaymentMethodsAnswer(Answer):
    payment_methods: PaymentMethods

    @property
    def page(self) -> PaymentMethods:
        return self.payment_methods


class Config(Answer):
    entity_custom_fields: list[wire.CustomFields] = []
    order_process: list[wire.OrderState] = []


class Settings(Answer):
    server_config: Config


class MyChannel(Answer):
    id: str
    permissions: list[str]


class Me(Answer):
    channels: list[MyChannel]


class ServerAnswer(Answer):
    global_settings: Settings
    active_channel: wire.Channel
    me: Me | None = None


class WholeAnswer(Answer):
    marketplace_orders: int


class InputField(Answer):
    name: str


class InputShape(Answer):
    input_fields: list[InputField]


class MarksAnswer(Answer):
    input: InputShape | None = None


class StatesAnswer(Answer):
    global_settings: Settings


class ChannelAnswer(Answer):
    active_channel: wire.Channel


class Known(Answer):
    id: str
    email_address: str
    user: wire.Administrator | None = None


class KnownCustomers(Answer):
    items: list[Known]


class CustomersAnswer(Answer):
    customers: KnownCustomers


class Notes(Answer):
    history: wire.History


class NotesAnswer(Answer):
    order: Notes | None = None

    @property
    def page(self) -> wire.History:
        return self.order.history if self.order else wire.History(items=[])
