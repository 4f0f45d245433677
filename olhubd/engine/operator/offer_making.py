"""What a person has made of offers: a new one, one published, changed or ended.

What is asked is looked at before it is kept: by the hub's own rules, then by the connector, which asks its system
for the rules of a category and the names of policies. What is kept becomes a delivery, and nothing is made by hand.
The same asked twice is asked once: a draft is known by the seller's mark.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from types import NoneType

import msgspec

from olhubd.config import Layer, Origin
from olhubd.config.kept import missing_settings
from olhubd.config.seller import OfferDefaults
from olhubd.decide.offers import draft as drafts
from olhubd.decide.offers.making import change_at, create_at, end_at, publish_at
from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.engine.in_force import InForce
from olhubd.engine.operator.kept_draft import keep_draft, numbers_bearing
from olhubd.engine.operator.offer_request import AskOutcome, leave_ended, request
from olhubd.engine.operator.offers import OfferActions
from olhubd.engine.operator.product_drafts import from_product
from olhubd.engine.outbox.made_offer import land_offer
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Offer, OfferDraft, OfferFlaw, OfferState, Reason
from olhubd.plugin import Clock, NotFound, OfferSink, PluginError, PreparedOffer, Rejected, Temporary
from olhubd.store import Database, Transaction, events, offer_drafts, offers
from olhubd.store.offer_drafts import StoredDraft
from olhubd.store.offers import StoredOffer

__all__ = ["Made", "OfferMaking"]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, as it would be or will be sent. `prepared` is None where the system could not be asked for
    its rules, with the reason in `unchecked`."""

    outcome: AskOutcome
    draft: OfferDraft
    flaws: Sequence[OfferFlaw] = ()
    prepared: PreparedOffer | None = None
    unchecked: str | None = None
    stored: StoredDraft | None = None


class OfferMaking:
    """The hands of a person on what is listed."""

    def __init__(
        self, directory: Directory, in_force: InForce, database: Database, clock: Clock, actions: OfferActions
    ) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._clock = clock
        self._actions = actions

    async def create(
        self,
        account: str,
        draft: OfferDraft,
        who: str,
        *,
        product: str | None = None,
        publish: bool = True,
        check: bool = False,
    ) -> Made:
        """Have an offer made. `product` names one that was imported, which fills what the draft does not say."""
        sink = self._sink(account)
        config = self._in_force.configuration.accounts[account]
        wanted = create_at(account, 0, publish=publish).action
        for one in missing_settings(config):
            if wanted in one.actions:
                raise NotPossible(Reason("setting.missing", account=account, key=one.key))
        if product is not None:
            draft = await from_product(
                self._database.reader, draft, product, account, self._in_force.prices(), self._clock.now()
            )
        draft = _with_defaults(draft, config.offers)
        if draft.ship_from is None and (address := config.offers.seller_address) is not None:
            origin = self._in_force.configuration.origins.get(("accounts", account, "seller_address", "city"))
            pinned = self._in_force.configuration.origins.get(("accounts", account, "seller_address"))
            if (pinned or origin or Origin("")).layer is not Layer.MARKETPLACE:
                # What its own system said of the account is not said to it again.
                draft = msgspec.structs.replace(draft, ship_from=address.address)
        stocked = self._stocked(account)
        flaws: Sequence[OfferFlaw] = drafts.flaws(draft, new=True, stocked=stocked)
        # By a wrong number another product would be meant, or none: what is asked of that would only confuse.
        unknown = any(one.field == "ean" for one in flaws)
        made = await self._looked_at(account, sink, draft, flaws, ask=not unknown)
        if made.flaws or check:
            return made
        gone = await self._gone(account, sink, draft.sku)

        async def work(tx: Transaction) -> tuple[AskOutcome, StoredDraft]:
            recorder = self._recorder(tx, who)
            return await keep_draft(tx, recorder, account, draft, who, publish=publish, gone=gone)

        outcome, stored = await self._database.write(work)
        self._directory.wake([account])
        return msgspec.structs.replace(made, outcome=outcome, stored=stored)

    async def change(self, account: str, offer: str, draft: OfferDraft, who: str, *, check: bool = False) -> Made:
        """Have an offer changed in what the draft says; its mark must be that of the offer."""
        sink = self._sink(account)
        known = await self._known(account, offer, who)
        # Nobody may have read it before, so that who asks cannot know its mark; and it need not have one.
        draft = msgspec.structs.replace(draft, sku=known.offer.sku or "")
        priced = known.price_sync and any(account in rule.channels for rule in self._in_force.prices())
        flaws: Sequence[OfferFlaw] = drafts.flaws(draft, new=False, stocked=self._stocked(account), priced=priced)
        if draft == OfferDraft(sku=draft.sku):
            flaws = (*flaws, OfferFlaw(field="offer", why=Reason("making.nothing", offer=offer)))
        made = await self._looked_at(account, sink, draft, flaws, offer)
        if made.flaws or check:
            return made
        fields = [name for name in draft.__struct_fields__ if name != "sku" and getattr(draft, name)]
        planned = partial(change_at, account, draft)
        asked = await self._request(known, "offer.change-asked", who, planned, fields=fields)
        return msgspec.structs.replace(made, outcome=asked)

    async def end(self, account: str, offer: str, who: str) -> AskOutcome:
        """Have an offer taken off sale, and not brought back by stock control."""
        settle = self._sink(account).offer_settle
        known = await self._known(account, offer, who)
        if known.offer.state is OfferState.ENDED:
            return await self._database.write(lambda tx: leave_ended(tx, self._recorder(tx, who), known))
        planned = partial(end_at, account)
        return await self._request(known, "offer.end-asked", who, planned, for_good=True, settle=settle)

    async def publish(self, account: str, offer: str, who: str) -> AskOutcome:
        """Let buyers buy an offer that is a draft: by its leveller where stock control keeps it."""
        self._sink(account)
        known = await self._known(account, offer, who)
        if known.offer.state is OfferState.ACTIVE:
            return AskOutcome.UNCHANGED
        if known.offer.state is OfferState.ENDED:
            raise NotPossible(Reason("making.ended", sku=known.offer.sku or "", offer=offer))
        if self._stocked(account):
            await self._actions.resume(account, offer, who)
            return AskOutcome.ACCEPTED
        return await self._request(known, "offer.publish-asked", who, partial(publish_at, account))

    async def copy(
        self, account: str, offer: str, target: str, who: str, *, over: OfferDraft, check: bool = False
    ) -> Made:
        """Have the same offer made on another account. What `over` says counts instead of what the offer has."""
        source = self._sink(account)
        calls = self._directory.unit(account).calls
        try:
            described = await calls.read("describe_offer", partial(source.describe_offer, offer), OfferDraft)
        except NotFound:
            raise NotPossible(Reason("none.offer", offer=offer, account=account)) from None
        except Rejected as error:
            raise NotPossible(str(error)) from None
        said = {
            name: value for name in over.__struct_fields__ if (value := getattr(over, name)) not in (None, (), "")
        }
        draft = msgspec.structs.replace(described, **said)
        # The pieces of the offer are for sale there, and would be sold twice.
        quantity = None if self._stocked(target) else over.quantity
        draft = msgspec.structs.replace(draft, quantity=quantity)
        return await self.create(target, draft, who, check=check)

    def _stocked(self, account: str) -> bool:
        return any(account in rule.channels for rule in self._in_force.stock())

    def _sink(self, account: str) -> OfferSink:
        unit = self._directory.unit(account)
        if (sink := unit.connector.capability(OfferSink)) is None:
            raise NotPossible(Reason("making.unable", account=account, system=unit.connector.title))
        return sink

    async def _known(self, account: str, offer: str, who: str) -> StoredOffer:
        """An offer of the account, which is read now where it was never read, and where no stock is kept: there
        what was read of it may be of long ago."""
        reader = self._database.reader
        known = (await offers.by_external(reader, account, [offer])).get(offer)
        if known is not None and self._stocked(account):
            return known
        sink, after = self._sink(account), await events.head(reader)
        ask = partial(sink.read_offer, offer)
        try:
            found: Offer | None = await self._directory.unit(account).calls.read(
                "read_offer", ask, (Offer, NoneType)
            )
        except Temporary:
            if known is None:
                raise
            return known
        if found is None or found.external_id != offer:
            raise NotPossible(Reason("none.offer", offer=offer, account=account))
        routes, rules = self._in_force.routes(), self._in_force.stock()
        now, cause = self._clock.now(), Cause("operator", who)

        async def work(tx: Transaction) -> StoredOffer:
            await land_offer(tx, account, found, after, now, cause, routes, rules)
            return (await offers.by_external(tx, account, [offer]))[offer]

        return await self._database.write(work)

    async def _gone(self, account: str, sink: OfferSink, sku: str) -> list[str]:
        """The numbers of known offers that bear this mark and are surely not there any more: the seller has deleted
        them. They are read singly, and what cannot be read counts as there."""
        reader, calls = self._database.reader, self._directory.unit(account).calls
        made = await offer_drafts.by_sku(reader, account, sku)
        numbers = dict.fromkeys(await numbers_bearing(reader, account, sku))
        if made is not None and made.offer is not None:
            numbers[made.offer] = None
        gone = []
        for number in numbers:
            with contextlib.suppress(PluginError):
                ask = partial(sink.read_offer, number)
                if await calls.read("read_offer", ask, (Offer, NoneType)) is None:
                    gone.append(number)
        return gone

    async def _looked_at(
        self,
        account: str,
        sink: OfferSink,
        draft: OfferDraft,
        flaws: Sequence[OfferFlaw],
        offer: str | None = None,
        *,
        ask: bool = True,
    ) -> Made:
        """A draft with the hub's `flaws` and those that its system finds, which is asked unless `ask` is False."""
        found = await self._prepared(account, sink, draft, offer) if ask else None
        if isinstance(found, PreparedOffer):
            flaws = _together(flaws, found.flaws)
        return Made(
            outcome=AskOutcome.REFUSED if flaws else AskOutcome.CHECKED,
            draft=draft,
            flaws=flaws,
            prepared=found if isinstance(found, PreparedOffer) else None,
            unchecked=found if isinstance(found, str) else None,
        )

    async def _prepared(
        self, account: str, sink: OfferSink, draft: OfferDraft, offer: str | None = None
    ) -> PreparedOffer | str:
        """What would be sent; the reason why that is not known now. It is looked at once more before it is sent."""
        ask = partial(sink.prepare_offer, draft, offer)
        try:
            found: PreparedOffer = await self._directory.unit(account).calls.read(
                "prepare_offer", ask, PreparedOffer
            )
        except Temporary as error:
            return str(error)
        return found

    async def _request(
        self,
        known: StoredOffer,
        kind: str,
        who: str,
        planned: Callable[[str], PlannedDelivery],
        *,
        for_good: bool = False,
        settle: timedelta = timedelta(),
        **facts: object,
    ) -> AskOutcome:
        async def work(tx: Transaction) -> AskOutcome:
            recorder = self._recorder(tx, who)
            return await request(tx, recorder, known, kind, planned, for_good=for_good, settle=settle, **facts)

        outcome = await self._database.write(work)
        self._directory.wake([known.account])
        return outcome

    def _recorder(self, tx: Transaction, who: str) -> Recorder:
        return Recorder(tx, self._clock.now(), Cause("operator", who))


def _together(first: Sequence[OfferFlaw], second: Sequence[OfferFlaw]) -> tuple[OfferFlaw, ...]:
    """One flaw a field is enough: the hub's own words come before the system's."""
    fields = {one.field for one in first}
    return (*first, *(one for one in second if one.field not in fields))


def _with_defaults(draft: OfferDraft, defaults: OfferDefaults) -> OfferDraft:
    """A new draft with what the account's settings say, where it says nothing itself."""
    span = defaults.handling_time
    days = None if span is None else math.ceil(span / timedelta(days=1))
    return msgspec.structs.replace(
        draft,
        category=draft.category or defaults.default_category,
        handling_days=draft.handling_days if draft.handling_days is not None else days,
    )
