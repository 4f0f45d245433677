"""A stock master's catalogue: products, their variations and what they cost, read whole and by what was changed.

The truth is what the simulator's `catalogued` says. What all feeds must keep, such as a list that shifts, is in
`streams`.
"""

from __future__ import annotations

from olhubd.model import Kind, ListPrice, PriceBasis, Product, ProductKind
from olhubd.plugin import Page, PluginError, Record, Unreadable
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.rule import NotApplicable, Tier, check, rule
from olhubd_kit.conformance.whole import KindReading, feed_of, one_of
from olhubd_kit.simulator import BookedProduct

_PRODUCTS, _PRICES = "ProductFeed", "PriceFeed"
MANY = 150
"""More than a page of most systems shows."""


def _books(bench: Bench) -> dict[str, BookedProduct]:
    found = {one.external_id: one for one in bench.simulator.catalogued()}
    if not found:
        raise NotApplicable("the simulator's `catalogued` holds no products", lacking=True)
    return found


async def _product(bench: Bench, amount: str = "10.00") -> str:
    return str(await bench.do("list_product", amount))


class _Reading:
    """All that one reading of the catalogue has reported: the last record of each thing, by its kind and id."""

    def __init__(self, bench: Bench, reading: KindReading) -> None:
        self._bench, self._reading = bench, reading
        self.complete = True

    @classmethod
    async def begun(cls, bench: Bench) -> _Reading:
        return cls(bench, await KindReading.begun(bench, Kind.PRODUCT, more=(Kind.PRICE,)))

    async def go_on(self, *, taking: tuple[str, ...] = ()) -> None:
        """Read on to the end; of `taking` one is deleted after each page."""
        left = list(taking)

        async def between(page: Page) -> None:
            self.complete = self.complete and page.complete
            if left:
                name = feed_of(self._bench, Kind.PRODUCT).name
                await self._bench.do("take", name, kind=Kind.PRODUCT, id=left.pop())

        await self._reading.go_on(between)

    def product(self, key: str) -> Product:
        return one_of(self._reading.records, key, Product)

    def price(self, key: str) -> ListPrice:
        return one_of(self._reading.others[Kind.PRICE], ListPrice.key(key), ListPrice)

    @property
    def records(self) -> dict[tuple[Kind, str], Record]:
        products = {(Kind.PRODUCT, key): one for key, one in self._reading.records.items()}
        return products | {(Kind.PRICE, key): one for key, one in self._reading.others[Kind.PRICE].items()}


async def _whole(bench: Bench) -> _Reading:
    """A reading of all from the feed's start."""
    reading = await _Reading.begun(bench)
    await reading.go_on()
    return reading


def _fits(found: Product, booked: BookedProduct) -> None:
    key = booked.external_id
    check(found.sku == booked.sku, f"product {key} has the SKU {booked.sku!r}, and is reported with {found.sku!r}")
    check(found.kind is booked.kind, f"product {key} is a {booked.kind}, and reported as a {found.kind}")
    said = f"product {key} is one of {booked.parent_id}, and reported as one of {found.parent_id}"
    check(found.parent_id == booked.parent_id, said)
    check(found.name, f"product {key} comes without a name")


def _costs(found: ListPrice, booked: BookedProduct) -> None:
    said = f"product {booked.external_id} costs {booked.price}, and {found.price!r} is reported"
    check(type(found.price) is type(booked.price), said)
    if found.price is not None and booked.price is not None:
        check(found.price.currency == booked.price.currency, said)
        check(found.price.exact and found.price.amount == booked.price.amount, said)


@rule("PRODUCT-01", Tier.BRONZE, _PRODUCTS)
async def each_product_comes_as_what_it_is(bench: Bench) -> None:
    """Each product comes with its name, its own SKU and its kind, under one number however often it is read."""
    keys = [await _product(bench) for _ in range(3)]
    reading = await _whole(bench)
    for key in keys:
        _fits(reading.product(key), _books(bench)[key])
    again = await _whole(bench)
    same = {key for kind, key in again.records if kind is Kind.PRODUCT}
    check(same == {key for kind, key in reading.records if kind is Kind.PRODUCT}, "read again, numbers are others")


@rule("PRODUCT-02", Tier.BRONZE, _PRODUCTS)
async def each_variation_comes_with_its_parent(bench: Bench) -> None:
    """Each variation of an article comes, more of them than a page shows, though they stand in no list of the whole
    catalogue. Each names its parent, which comes too and has no price of its own.
    """
    keys = [*await bench.do("stock_variations", MANY), *await bench.do("stock_variations", 2, own=False)]
    reading, books = await _whole(bench), _books(bench)
    for key in keys:
        _fits(reading.product(key), books[key])
    for parent in {books[key].parent_id or "" for key in keys}:
        check(reading.product(parent).kind is ProductKind.PARENT, f"article {parent} is not reported as a parent")
        priced = (Kind.PRICE, ListPrice.key(parent)) in reading.records
        check(not priced, f"article {parent} has a price beside those of its variations")


@rule("PRODUCT-03", Tier.BRONZE, _PRICES)
async def a_price_is_exact_and_has_its_currency(bench: Bench) -> None:
    """Each price comes to the last coin with its currency, and with tax or without as the system says. One that
    there is not is None, and not zero.
    """
    amounts = ("12.30", "0.07", "1999.99", "0.00", "")
    keys = [await _product(bench, amount) for amount in amounts]
    reading, books = await _whole(bench), _books(bench)
    for key in keys:
        _costs(reading.price(key), books[key])
        basis = PriceBasis.GROSS if books[key].gross else PriceBasis.NET
        check(reading.price(key).basis is basis, f"the price of product {key} is {basis}, and not reported so")


@rule("PRODUCT-04", Tier.SILVER, _PRICES)
async def a_changed_price_comes_after(bench: Bench) -> None:
    """A price that changed after all was read comes when the feed is read on; its neighbour is not reported
    otherwise than before.
    """
    key, other = await _product(bench), await _product(bench)
    reading = await _whole(bench)
    before = reading.price(other)
    for amount in ("11.11", ""):
        await bench.do("price_product", key, amount=amount)
        await reading.go_on()
        _costs(reading.price(key), _books(bench)[key])
    check(reading.price(other) == before, f"with one price that of product {other} became {reading.price(other)!r}")


@rule("PRODUCT-05", Tier.SILVER, _PRODUCTS)
async def what_is_off_sale_says_so(bench: Bench) -> None:
    """A product that is taken off sale comes again, off sale and with the system's own word; and once more when it
    is sold again. Its neighbour stays on sale.
    """
    key, other = await _product(bench), await _product(bench)
    reading = await _whole(bench)
    check(reading.product(key).on_sale, f"product {key} is on sale, and reported as it were not")
    await bench.do("withdraw_item", key)
    await reading.go_on()
    check(not reading.product(key).on_sale, f"product {key} is off sale, and reported as on sale")
    check(reading.product(key).external_state, "what is off sale comes without the system's own word for it")
    check(reading.product(other).on_sale, "with one product another one went off sale")
    await bench.do("withdraw_item", key, back=True)
    await reading.go_on()
    check(reading.product(key).on_sale, f"product {key} is sold again, and not reported so")


@rule("PRODUCT-06", Tier.SILVER, _PRODUCTS)
async def what_is_unchanged_is_the_same_record(bench: Bench) -> None:
    """Two readings of all, between which nothing happened but that time passed, bring the same records field by
    field: the host writes only what is otherwise.
    """
    for _ in range(3):
        await _product(bench)
    first = (await _whole(bench)).records
    second = (await _whole(bench)).records
    other = [f"{kind} {key}" for (kind, key), one in first.items() if second.get((kind, key)) != one]
    check(not other, f"nothing changed, and {', '.join(other[:5])} came otherwise or not at all")


@rule("PRODUCT-07", Tier.GOLD, _PRODUCTS)
async def gone_is_what_a_complete_reading_does_not_bring(bench: Bench) -> None:
    """A reading of all in which pages end early and products are deleted between two pages brings all that is still
    there, or says that it is not complete, or fails: what it leaves out is taken for gone.
    """
    keys = [await _product(bench) for _ in range(MANY)]
    await bench.do("short_pages", 3)
    reading = await _Reading.begun(bench)
    try:
        await reading.go_on(taking=(keys[1], keys[0]))
    except PluginError:
        return
    lost = [key for key in _books(bench) if (Kind.PRODUCT, key) not in reading.records]
    said = f"a reading of all that calls itself complete ended without {len(lost)} products"
    check(not lost or not reading.complete, f"{said} ({', '.join(lost[:5])})")


@rule("PRODUCT-08", Tier.SILVER, _PRODUCTS)
async def what_is_deleted_comes_no_more(bench: Bench) -> None:
    """A product that is deleted is in no reading of all any more, nor is its price, and all others are in it."""
    gone, kept = await _product(bench), await _product(bench)
    await _whole(bench)
    await bench.do("take", feed_of(bench, Kind.PRODUCT).name, kind=Kind.PRODUCT, id=gone)
    reading = await _whole(bench)
    for key in ((Kind.PRODUCT, gone), (Kind.PRICE, ListPrice.key(gone))):
        check(key not in reading.records, f"the {key[0]} of product {gone}, which was deleted, came as there")
    _fits(reading.product(kept), _books(bench)[kept])
    check(reading.complete, "a reading of all that brought all does not call itself complete")


@rule("PRODUCT-09", Tier.GOLD, _PRODUCTS)
async def products_in_disorder_are_not_lost(bench: Bench) -> None:
    """When pages come in another order than was asked for, a reading of all brings every product all the same,
    says that it is not complete, or fails.
    """
    keys = [await _product(bench) for _ in range(MANY)]
    reading = await _Reading.begun(bench)
    await bench.do("jumble_rows", 20)
    try:
        await reading.go_on()
    except PluginError:
        return
    lost = [key for key in keys if (Kind.PRODUCT, key) not in reading.records]
    check(not lost or not reading.complete, f"in disorder {len(lost)} products were lost ({', '.join(lost[:5])})")


@rule("PRODUCT-10", Tier.SILVER, _PRICES)
async def a_price_that_cannot_be_read_is_its_own_failure(bench: Bench) -> None:
    """A price that cannot be understood is Unreadable under the number of a price, and not zero; the product of it
    comes, and its neighbours with their prices.
    """
    bad, good = await _product(bench), await _product(bench)
    await bench.do("spoil", feed_of(bench, Kind.PRODUCT).name, kind=Kind.PRICE, id=ListPrice.key(bad))
    reading = await _whole(bench)
    found = reading.records.get((Kind.PRICE, ListPrice.key(bad)))
    check(isinstance(found, Unreadable), f"a price that cannot be understood came as {found!r:.80}")
    _costs(reading.price(good), _books(bench)[good])
    _fits(reading.product(good), _books(bench)[good])
