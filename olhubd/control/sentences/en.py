"""English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["SENTENCES", "form"]


def form(number: int) -> int:
    """Which of a tuple's forms a number takes."""
    return 0 if number == 1 else 1


SENTENCES: Final[Mapping[str, str | tuple[str, ...]]] = {
    # What happened to an order
    "order.placed": "the order was seen for the first time: {lines}, {total}, {external_stage}",
    "order.confirmed": "the order is complete ({external_stage})",
    "order.paid": "it is fully paid: {amount}",
    "order.payment-changed": "the money received went from {old} to {new} of {total}",
    "order.address-changed": "an address was changed",
    "order.invoice-changed": "the invoice data were changed",
    "order.lines-changed": "its lines were changed: the total went from {old_total} to {new_total}",
    "order.lines-moved": "{lines} of it now belong to order {to}",
    "order.cancelled": "the order was cancelled ({external_word})",
    "order.reopened": "the order is not cancelled any more ({external_stage})",
    "order.superseded": "order {by} took over all of its lines: the buyer put purchases together",
    "order.fulfilment-changed": "the seller's progress went from {old} to {new}{there}",
    "order.forwarded": "somebody sent it on to {target}",
    "order.noted": "somebody wrote a note",
    "order.note-removed": "somebody removed the note",
    "order.stage-unknown": 'its stage is a word that is not known here, "{external_stage}"',
    "order.shipped": "a parcel is on its way: {carrier} {waybill}",
    "order.amended": "something else about it was changed, a note or a delivery time",
    "order.vanished": "its source says that there is no such order",
    "copy.status-changed": 'at {target} its status went {before}to "{new}"',
    "copy.shipped": "at {target} a parcel was registered: {carrier} {waybill}",
    "copy.doubled": "at {target} a second order carries our mark: {other} beside {known}",
    # What happened to a delivery
    "delivery.confirmed": "{delivery} was confirmed{there}{number}{found}{free}",
    "delivery.delayed": "{delivery} did not work at once and is tried again{because}",
    "delivery.held": "{delivery} waits for a person{because}",
    "delivery.refused": "{delivery} was refused for good{because}",
    "delivery.dropped": "{delivery} is not needed any more{because}",
    "delivery.released": "{delivery} was let go: it is tried again",
    "delivery.discarded": "{delivery} was given up{because}",
    "delivery.accepted": "{delivery} was accepted as it is at the target",
    "delivery.adopted": "{delivery} was settled by the order that is at the target already{there}{number}{differs}",
    # What happened to an account, a record or the daemon
    "account.parked": "the account was parked{because}",
    "account.paused": "the account was paused{because}",
    "account.resumed": "the account works again",
    "account.signed-in": "somebody signed in to the account",
    "account.reconciled": "the account's orders of a day were compared with its source by hand",
    "account.sign-in-begun": "somebody began a sign-in to the account",
    "account.fetched": "its orders were fetched by hand{run}",
    "account.renamed": "the account is now called {title}",
    "account.removed": "the account was removed",
    "record.retried": "record {external_id} is asked for once more",
    "record.discarded": "record {external_id} was given up{because}",
    "daemon.reloaded": "the configuration was taken into force anew",
    "daemon.log-level-set": "the log level was set to {level}",
    "token.created": "the token {token} with the scope {scope} was made",
    "token.revoked": "the token {token} was revoked",
    "alarm.raised": "alarm, {subject}: {detail}",
    "alarm.cleared": "the alarm is over, {subject}: {detail}",
    "run.failed": "a run of {feed} failed{because}",
    "run.lost": "a run of {feed} was lost{because}",
    # Parts of them
    "of-account": "{account}: {told}",
    "lines": ("{n} line", "{n} lines"),
    "because": ": {reason}",
    "there": ", there it is {external_id}",
    "number": " with number {number}",
    "found": ", found by looking it up after an answer was lost",
    "free": "; without product there: {names}",
    "differs": "; it costs {there} there and {expected} here",
    "word-there": ' (there: "{word}")',
    "before": 'from "{old}" ',
    "run": " (run {run})",
    "delivery": "delivery {id}",
    "delivery.some": "a delivery",
    "delivery.to": "{delivery} to {target}",
    "delivery.doing": "{delivery} ({what})",
    "do.push-order": "send the order to {target}",
    "do.set-status": "set the status at {target}",
    "do.set-payment": "record the payment at {target}",
    "do.add-shipment": "add the parcel to {target}",
    "do.cancel-order": "cancel the order at {target}",
    "do.amend-order": "carry a change over at {target}",
    "do": "{action} at {target}",
    # Why
    "why.run": "told by {feed} of {account} (run {run}, {trigger})",
    "why.some-run": "told by run {run}",
    "why.delivery": "the outcome of delivery {id}",
    "why.start": "by olhubd itself",
    "why.event": "because of event {id}",
    "why.other": "because of {kind} {id}",
    "by": "by {who}",
    "by.token": "by a program with the token",
    "by.dashboard": "by somebody at the dashboard",
    "by.token-named": "by a program with the token {name}",
    "by.dashboard-named": "by somebody at the dashboard with the token {name}",
    "feed": "the feed {name}",
    "feed.orders": "the feed of orders",
    "feed.orders.sweep": "the sweep, which looks for what the feed never told,",
    "feed.orders.again": "a second reading",
    "trigger.timer": "on time",
    "trigger.manual": "asked for by hand",
    "trigger.start": "the first one",
    # What is still open
    "open.pending": "{what} is owed since {since} and goes when its turn comes",
    "open.sent": "{what} is under way, or its outcome is not known and is being looked up{because}",
    "open.retry": "{what} failed {attempts} times and is tried again at {due}{because}",
    "open.hold": "{what} waits for a person{because}. Then: olhubd deliveries {ways}",
    "open.dead": "{what} was given up{because}. To try it all the same: olhubd deliveries retry {id}",
    # Words of the model
    "fulfilment.new": "new",
    "fulfilment.processing": "processing",
    "fulfilment.ready": "ready",
    "fulfilment.sent": "sent",
    "fulfilment.delivered": "delivered",
    "fulfilment.returned": "returned",
    "fulfilment.cancelled": "cancelled",
    "fulfilment.suspended": "suspended",
    "fulfilment.unknown": "unknown",
}
"""By the kind of an event, and by names for the parts."""
