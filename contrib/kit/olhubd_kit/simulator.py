"""What every simulator of a marketplace or a shop is: a stateful server with books, faults and a control route.

A simulator honours the official contract, keeps its state in memory, and can be driven in-process (tests) or over
its control routes (the demo, torture, other processes):

    GET  /_sim/books            what it holds, as a list of `BookedOrder`
    GET  /_sim/faults           how often each fault struck
    POST /_sim/faults           a list of `Fault` to add; DELETE clears them, or (?kind=) those of a kind
    GET  /_sim/do               its verbs: what each takes and does
    GET  /_sim/pictures/{name}.svg   what something looks like
    POST /_sim/do/{verb}        a verb of the simulator with its arguments as a JSON object

It is no mock: nothing is answered that its state does not hold.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from olhubd.model import Address, EndedBy, Kind, Money, ProductKind
from olhubd.plugin import Token
from olhubd_kit import drawing
from olhubd_kit.asking import arguments, signature
from olhubd_kit.faults import CONTROL, Fault, FaultKind, Faults

__all__ = [
    "BookedItem",
    "BookedLine",
    "BookedOffer",
    "BookedOrder",
    "BookedParcel",
    "BookedProduct",
    "Listed",
    "Simulator",
    "Verb",
    "serve",
]

Verb = Callable[..., Any | Awaitable[Any]]


class BookedLine(msgspec.Struct, kw_only=True):
    """A line in the books, by its id there. `mark` is our id of it, where a shop's order carries one."""

    id: str
    quantity: int
    sku: str | None = None
    mark: str | None = None


class BookedParcel(msgspec.Struct, kw_only=True):
    """A parcel in the books. `lines` are the ids of the lines in it, None where the system does not keep them."""

    waybill: str
    carrier: str | None = None
    lines: list[str] | None = None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that a feed beside that of orders has to report now, by its kind and its id there."""

    kind: Kind
    external_id: str


class BookedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A stock item in the books. `free` is how many pieces can still be sold, the open orders of the system off
    already; None where it is not `counted`, or where nobody knows the number. `on_hand` is how many lie on the
    shelf, where the books hold that. `sku` is its own mark, never one that it inherits.
    """

    external_id: str
    free: int | None
    counted: bool = True
    on_hand: int | None = None
    on_sale: bool = True
    sku: str | None = None


class BookedProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product or variation in the books. `price` is the regular one, None where there is none; `gross` says
    whether the tax is in it. `sku` is its own mark, never one that it inherits.
    """

    external_id: str
    price: Money | None
    gross: bool = True
    kind: ProductKind = ProductKind.SIMPLE
    parent_id: str | None = None
    sku: str | None = None


class BookedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An offer in the books. `buyable` is how many pieces buyers can buy, 0 of what is not on sale. `ended_by` says
    who ended it, where the system says so of an offer that has ended.
    """

    external_id: str
    buyable: int
    sku: str | None = None
    ended_by: EndedBy | None = None


class BookedOrder(msgspec.Struct, kw_only=True):
    """One order as the simulator's own books hold it.

    `due` marks a marketplace's order that a shop must get: complete, not cancelled, not merged away. `reference` is
    the mark a shop's order carries. `shipments` are waybills. A `draft` is no order yet, where making one takes
    several calls: what the first of them left.

    The rest is what a seller packs and sends by: who gets it, which goods, in which parcels. `buyer` is the buyer's
    e-mail, or another identifier. None means that these books do not hold it, which leaves the rules about it
    untried.
    """

    external_id: str
    total: Money
    status: str
    due: bool = False
    cancelled: bool = False
    paid: bool = False
    reference: str | None = None
    placed_at: datetime | None = None
    fulfilment: str | None = None
    shipments: list[str] = []
    draft: bool = False
    lines: list[BookedLine] | None = None
    recipient: Address | None = None
    buyer: str | None = None
    parcels: list[BookedParcel] | None = None


class Simulator(abc.ABC):
    """Derive, fill `routes`, keep the state in attributes. `seed` makes a run repeatable."""

    connector: ClassVar[str]
    protocol: ClassVar[str] = "HTTP"
    """What the system speaks. Rules about answers that only HTTP has are not tried on any other."""

    def __init__(self, seed: int = 0, now: Callable[[], datetime] | None = None) -> None:
        self.seed = seed
        self.faults = Faults(seed)
        self.faults.refusal = None if type(self).refusal is Simulator.refusal else self.refusal
        self.now = now or (lambda: datetime.now(UTC))

    @abc.abstractmethod
    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The routes of the simulated system."""

    @contextlib.asynccontextmanager
    async def beside(self, host: str) -> AsyncIterator[None]:
        """What is served beside the routes, while they are: a server of another protocol."""
        yield

    @abc.abstractmethod
    def settings(self, base: str) -> dict[str, Any]:
        """The settings of an account that connects to it at `base`, as a person would write them."""

    @abc.abstractmethod
    def books(self) -> list[BookedOrder]:
        """All orders it holds."""

    def listed(self) -> Mapping[str, Sequence[Listed]]:
        """All that each feed beside that of orders reads, by the name of the feed."""
        return {}

    def stocked(self) -> Sequence[BookedItem]:
        """All that it counts or could count, where it is a stock master."""
        return ()

    def catalogued(self) -> Sequence[BookedProduct]:
        """All products that it holds, their variations too, where it is a stock master."""
        return ()

    def offered(self) -> Sequence[BookedOffer]:
        """All offers that it holds, those that have ended too, where it is a channel."""
        return ()

    def verbs(self) -> Mapping[str, Verb]:
        """What can be done to it from outside beside its own API: place an order, merge two, cancel late ...

        An order is named by `id` in each of them. A verb that cannot do what was asked raises ValueError, in words,
        and has done nothing then.
        """
        return {}

    def absent(self) -> Mapping[str, str]:
        """Verbs of the kit that this kind of system has nothing like, each with the reason."""
        return {}

    def refusal(self, status: int) -> web.Response:
        """How the system itself refuses with `status`, in its own form. The kit needs it to distinguish a
        refusal from a stranger's page."""
        raise NotImplementedError

    def token(self) -> Token | None:
        """A token as after a finished sign-in; None where none is needed."""
        return None

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self.faults.middleware], client_max_size=64 * 2**20)
        app.add_routes(self.routes())
        app.add_routes(
            [
                web.get(f"{CONTROL}/books", self._books),
                web.get(f"{CONTROL}/faults", self._struck),
                web.post(f"{CONTROL}/faults", self._add_faults),
                web.delete(f"{CONTROL}/faults", self._clear_faults),
                web.get(f"{CONTROL}/do", self._signatures),
                web.get(drawing.PATH, self._picture),
                web.post(f"{CONTROL}/do/{{verb}}", self._do),
            ]
        )
        return app

    async def _picture(self, request: web.Request) -> web.Response:
        return web.Response(text=drawing.drawing(request.match_info["name"]), content_type="image/svg+xml")

    async def _books(self, _request: web.Request) -> web.Response:
        return _json(self.books())

    async def _struck(self, _request: web.Request) -> web.Response:
        return _json(self.faults.struck)

    async def _add_faults(self, request: web.Request) -> web.Response:
        try:
            added = msgspec.json.decode(await request.read(), type=list[Fault])
            self.faults.add(*added)
        except (ValueError, UnicodeDecodeError) as error:  # those of msgspec are among them
            raise web.HTTPBadRequest(text=f"not a list of faults: {error}\n") from None
        return web.Response(status=204)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        try:
            self.faults.clear(*(FaultKind(kind) for kind in request.query.getall("kind", [])))
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        return web.Response(status=204)

    async def _signatures(self, _request: web.Request) -> web.Response:
        return _json({name: signature(verb) for name, verb in sorted(self.verbs().items())})

    async def _do(self, request: web.Request) -> web.Response:
        name = request.match_info["verb"]
        verb = self.verbs().get(name)
        if verb is None:
            raise web.HTTPNotFound(text=f"no such verb; there are: {', '.join(sorted(self.verbs()))}\n")
        try:
            result = verb(**arguments(verb, await request.read()))
            if isinstance(result, Awaitable):
                result = await result
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{name}: {error}\n") from None
        except (TypeError, LookupError) as error:
            raise web.HTTPBadRequest(text=f"{name}: {type(error).__name__}: {error}\n") from None
        return _json(result)


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


@contextlib.asynccontextmanager
async def serve(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve the simulator on a real socket; returns its base address."""
    runner = web.AppRunner(simulator.application(), access_log=None, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0]
        async with simulator.beside(host):
            yield f"http://{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()
