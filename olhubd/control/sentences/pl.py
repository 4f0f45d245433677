"""Polish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["SENTENCES", "form"]


def form(number: int) -> int:
    """Which of a tuple's forms a number takes."""
    if number == 1:
        return 0
    return 1 if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else 2


SENTENCES: Final[Mapping[str, str | tuple[str, ...]]] = {
    # What happened to an order
    "order.placed": "zamówienie pojawiło się po raz pierwszy: {lines}, {total}, {external_stage}",
    "order.confirmed": "zamówienie jest kompletne ({external_stage})",
    "order.paid": "jest w pełni opłacone: {amount}",
    "order.payment-changed": "otrzymana kwota zmieniła się z {old} na {new}, należy się {total}",
    "order.address-changed": "zmieniono adres",
    "order.invoice-changed": "zmieniono dane do faktury",
    "order.lines-changed": "zmieniono pozycje: suma zmieniła się z {old_total} na {new_total}",
    "order.lines-moved": "do zamówienia {to} przeszły: {lines}",
    "order.cancelled": "zamówienie anulowano ({external_word})",
    "order.reopened": "zamówienie nie jest już anulowane ({external_stage})",
    "order.superseded": "zamówienie {by} przejęło wszystkie pozycje: kupujący połączył zakupy",
    "order.fulfilment-changed": "postęp realizacji: z „{old}” na „{new}”{there}",
    "order.forwarded": "ktoś wysłał je dalej do {target}",
    "order.noted": "ktoś dodał notatkę",
    "order.note-removed": "ktoś usunął notatkę",
    "order.stage-unknown": "jego stan to nieznane tutaj słowo „{external_stage}”",
    "order.shipped": "przesyłka jest w drodze: {carrier} {waybill}",
    "order.amended": "zmieniono coś innego, uwagę lub czas dostawy",
    "order.vanished": "źródło twierdzi, że takiego zamówienia nie ma",
    "copy.status-changed": "status w {target} zmienił się {before}na „{new}”",
    "copy.shipped": "w {target} zarejestrowano przesyłkę: {carrier} {waybill}",
    "copy.found": "{target} podaje zamówienie z naszym znakiem, nieznane tam dotąd: {external_id}; jest sprawdzane",
    "copy.doubled": "w {target} drugie zamówienie nosi nasz znak: {other} obok {known}",
    # What happened to a delivery
    "delivery.confirmed": "{delivery}: potwierdzone{there}{number}{found}{free}{cut}",
    "delivery.delayed": "{delivery}: nie udało się od razu, będzie ponowione{because}",
    "delivery.held": "{delivery}: czeka na człowieka{because}",
    "delivery.refused": "{delivery}: ostatecznie odrzucone{because}",
    "delivery.dropped": "{delivery}: już niepotrzebne{because}",
    "delivery.released": "{delivery}: zwolnione, będzie ponowione",
    "delivery.discarded": "{delivery}: porzucone{because}",
    "delivery.accepted": "{delivery}: zaakceptowane tak, jak jest w sklepie",
    "delivery.adopted": "{delivery}: załatwione zamówieniem, które już jest w sklepie{there}{number}{differs}",
    # What happened to an account, a record or the daemon
    "account.parked": "konto odstawiono{because}",
    "account.paused": "konto wstrzymano{because}",
    "account.resumed": "konto znów pracuje",
    "account.opened": "to, co czekało na swój czas, ruszyło od razu",
    "account.signed-in": "ktoś zalogował konto",
    "account.reconciled": "rozpoczęto ręcznie porównanie jednego dnia konta ze źródłem",
    "account.sign-in-begun": "ktoś rozpoczął logowanie konta",
    "account.fetched": "zlecono ręcznie pobranie zamówień{run}",
    "account.renamed": "konto nazywa się teraz {title}",
    "account.removed": "konto usunięto",
    "account.moved": "to ten sam sklep, tylko pod innym adresem: {new}",
    "record.retried": "rekord {external_id} zostanie odczytany jeszcze raz",
    "record.discarded": "rekord {external_id} porzucono{because}",
    "daemon.reloaded": "wczytano konfigurację na nowo",
    "daemon.reload-failed": "po wczytaniu konfiguracji nie ruszyły konta: {accounts}",
    "daemon.log-level-set": "poziom dziennika ustawiono na {level}",
    "token.created": "utworzono token {token} z zakresem {scope}",
    "token.revoked": "unieważniono token {token}",
    "alarm.raised": "alarm, {subject}: {detail}",
    "alarm.cleared": "koniec alarmu, {subject}: {detail}",
    "run.failed": "pobranie nie powiodło się, {feed}{because}",
    "run.lost": "pobranie przepadło, {feed}{because}",
    # Parts of them
    "of-account": "{account}: {told}",
    "lines": ("{n} pozycja", "{n} pozycje", "{n} pozycji"),
    "because": ": {reason}",
    "there": ", tam ma identyfikator {external_id}",
    "number": ", numer {number}",
    "found": "; odnaleziono je po utracie odpowiedzi",
    "free": "; bez produktu w sklepie: {names}",
    "cut": "; skrócone do tego, co sklep może zapisać: {fields}",
    "differs": "; tam kosztuje {there}, tutaj {expected}",
    "word-there": " (tam: „{word}”)",
    "before": "z „{old}” ",
    "run": " (pobranie {run})",
    "delivery": "przekazanie {id}",
    "delivery.some": "przekazanie",
    "delivery.to": "{delivery} do {target}",
    "delivery.doing": "{delivery} ({what})",
    "do.push-order": "wysłać zamówienie do {target}",
    "do.set-status": "ustawić status w {target}",
    "do.set-payment": "zapisać płatność w {target}",
    "do.add-shipment": "dodać przesyłkę w {target}",
    "do.cancel-order": "anulować zamówienie w {target}",
    "do.amend-order": "przenieść zmianę do {target}",
    "do": "{action} w {target}",
    # Why
    "why.run": "podało źródło: {feed}, konto {account} (pobranie {run}, {trigger})",
    "why.some-run": "podało pobranie {run}",
    "why.delivery": "wynik przekazania {id}",
    "why.start": "olhubd sam z siebie",
    "why.rule": "znalazło sprawdzanie „{rule}”",
    "why.event": "z powodu zdarzenia {id}",
    "why.other": "z powodu {kind} {id}",
    "by": "przez {who}",
    "by.signal": "sygnałem do demona",
    "by.token": "przez program z tokenem",
    "by.dashboard": "przez kogoś przy panelu",
    "by.token-named": "przez program z tokenem {name}",
    "by.dashboard-named": "przez kogoś przy panelu z tokenem {name}",
    "feed": "strumień {name}",
    "feed.orders": "strumień zamówień",
    "feed.orders.sweep": "przegląd, który szuka przemilczanych",
    "feed.orders.again": "ponowny odczyt",
    "trigger.timer": "o czasie",
    "trigger.manual": "ręcznie",
    "trigger.start": "pierwsze",
    # What is still open
    "open.pending": "{what} czeka od {since} na swoją kolej",
    "open.sent": "{what} jest w drodze albo jego wynik jest nieznany i właśnie sprawdzany{because}",
    "open.retry": "{what} nie powiodło się {attempts} razy, następna próba {due}{because}",
    "open.hold": "{what} czeka na człowieka{because}. Potem: olhubd deliveries {ways}",
    "open.dead": "{what} porzucono{because}. Aby mimo to spróbować: olhubd deliveries retry {id}",
    # Words of the model
    "fulfilment.new": "nowe",
    "fulfilment.processing": "w realizacji",
    "fulfilment.ready": "gotowe",
    "fulfilment.sent": "wysłane",
    "fulfilment.delivered": "doręczone",
    "fulfilment.returned": "zwrócone",
    "fulfilment.cancelled": "anulowane",
    "fulfilment.suspended": "zawieszone",
    "fulfilment.unknown": "nieznany",
}
"""By the kind of an event, and by names for the parts."""
