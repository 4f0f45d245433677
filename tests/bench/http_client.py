"""What our HTTP client costs beside a bare `session.get` or `session.post`, in CPU time of this process.

    python tests/bench/http_client.py [requests a round] [rounds]

The server runs in a process of its own, so that only the client's work is counted. Bare and ours take turns within
one run; look at the ratios (medians of the rounds), never at the absolute figures.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import aiohttp
from aiohttp import web

from olhubd.engine.access.budget import BudgetBook
from olhubd.engine.access.http_session import ClientFactory, open_session
from olhubd.plugin import Bearer, Budget, Client, ErrorTable
from olhubd.runtime.clock import SystemClock

BODY = b'{"orders":[' + b",".join(b'{"id":"%036d","total":"12.30"}' % i for i in range(20)) + b"]}"
ROOMY = Budget(key="bench", calls=10_000_000, per=1.0)


class Fixed:
    async def access(self) -> str:
        return "x" * 40

    async def refused(self, access: str) -> None: ...


def serve(pipe: Connection) -> None:
    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=BODY, content_type="application/json")

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


async def measure(port: int, count: int, rounds: int) -> None:
    base = f"http://127.0.0.1:{port}"
    clock = SystemClock()
    limit = aiohttp.ClientTimeout(total=30.0, connect=22.5, sock_connect=10.0)
    signed = {"Authorization": "Bearer " + "x" * 40}
    async with open_session() as session:
        clients = ClientFactory(session, BudgetBook(clock), clock)

        def client(auth: Bearer | None = None, budgets: tuple[Budget, ...] = ()) -> Client:
            return clients(base, auth=auth, budgets=budgets, errors=ErrorTable(), headers={}, timeout=30.0)

        plain, whole = client(), client(Bearer(Fixed()), (ROOMY,))

        async def bare_get() -> None:
            async with session.get(base + "/orders", timeout=limit, allow_redirects=False) as response:
                await response.read()

        async def bare_post() -> None:
            async with session.post(
                base + "/orders",
                data=BODY,
                headers={"Content-Type": "application/json", **signed},
                timeout=limit,
                allow_redirects=False,
            ) as response:
                await response.read()

        async def our_get() -> None:
            await plain.request("GET", "/orders")

        async def our_post() -> None:
            await whole.request("POST", "/orders", data=BODY, headers={"Content-Type": "application/json"})

        async def signed_get() -> None:
            await whole.request("GET", "/orders")

        async def bare_signed_get() -> None:
            async with session.get(
                base + "/orders", headers=signed, timeout=limit, allow_redirects=False
            ) as response:
                await response.read()

        pairs = {
            "GET": (bare_get, our_get),
            "GET, signed, in a budget": (bare_signed_get, signed_get),
            "POST, signed, in a budget": (bare_post, our_post),
        }
        for name, (bare, ours) in pairs.items():
            await cost(bare, count // 4)
            await cost(ours, count // 4)
            ratios = [await cost(ours, count) / await cost(bare, count) for _ in range(rounds)]
            low, high = min(ratios), max(ratios)
            print(f"{name:28} {statistics.median(ratios):.3f}  ({low:.3f} to {high:.3f})")


async def cost(call: Callable[[], Awaitable[None]], count: int) -> float:
    start = time.process_time()
    for _ in range(count):
        await call()
    return time.process_time() - start


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        asyncio.run(measure(ours.recv(), count, rounds))
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
