"""Reasons that the engine writes, in other languages.

A reason is stored as one English sentence, since logs, the endpoint and the terminal tell it too. Here each fixed
sentence stands with its places, and what fits one is said again in another language. What another system answered
fits none and stays as it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

__all__ = ["REASONS", "told"]

REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "pl": {
        "{} cannot take orders": "{} nie przyjmuje zamówień",
        "no route leads from {} to {} any more": "żadna trasa nie prowadzi już z {} do {}",
        "the connector failed: {}": "zawiodła wtyczka: {}",
        "no end within {} s": "brak końca w ciągu {} s",
        "waits until the target has settled": "czeka, aż sklep się ustabilizuje",
        "was not there; is sent again": "nie było go tam; jest wysyłane ponownie",
        "the target stored a total of {}, the buyer pays {}": "sklep zapisał sumę {}, a kupujący płaci {}",
        "the target never had the order": "sklep nigdy nie miał tego zamówienia",
        "the target does not have the order": "sklep nie ma tego zamówienia",
        "the order is on again": "zamówienie znów obowiązuje",
        "cancelled before it was sent": "anulowane przed wysłaniem",
        "it was cancelled before it was sent": "anulowano je przed wysłaniem",
        "another order took over its lines": "inne zamówienie przejęło jego pozycje",
        "{} cannot cancel orders: cancel it there by hand": "{} nie umie anulować zamówień: anuluj je tam ręcznie",
        "{} knows no {}": "{} nie zna działania {}",
        "what was bought or its price changed after the order went on{}: change order {} at {} by hand,"
        " then accept this": "po wysłaniu zamówienia zmienił się zakup lub jego cena{}: zmień ręcznie zamówienie {}"
        " w {}, a potem zaakceptuj",
        "the delivery address changed after the order went on{}: change order {} at {} by hand, then accept this": (
            "po wysłaniu zamówienia zmienił się adres dostawy{}: zmień ręcznie zamówienie {} w {},"
            " a potem zaakceptuj"
        ),
        "the invoice party changed after the order went on{}: change order {} at {} by hand, then accept this": (
            "po wysłaniu zamówienia zmieniły się dane do faktury{}: zmień ręcznie zamówienie {} w {},"
            " a potem zaakceptuj"
        ),
        "its cancellation, which was taken back, changed after the order went on{}: change order {} at {} by hand,"
        " then accept this": "po wysłaniu zamówienia cofnięto jego anulowanie{}: zmień ręcznie zamówienie {} w {},"
        " a potem zaakceptuj",
        "something changed after the order went on{}: change order {} at {} by hand, then accept this": (
            "po wysłaniu zamówienia coś się zmieniło{}: zmień ręcznie zamówienie {} w {}, a potem zaakceptuj"
        ),
        "no product for {}": "brak produktu dla {}",
        "sign-in lost: {}": "utracono zalogowanie: {}",
        "blocked: {}": "zablokowane: {}",
        "the daemon ended": "demon zakończył pracę",
        "by a person": "przez człowieka",
        "given up by a person": "porzucone przez człowieka",
        "lines moved to another order": "pozycje przeszły do innego zamówienia",
        "its parts sum up to {}, but its total is {}": "jego części dają razem {}, a jego suma to {}",
        "its amounts are too great or too fine to be reckoned with": "jego kwoty są zbyt duże lub zbyt drobne",
        "it has no number of its own at the source": "nie ma własnego numeru w źródle",
        "it has no lines": "nie ma pozycji",
        "the time it was placed has no time zone": "czas złożenia nie ma strefy czasowej",
        "it was placed in the year {}, as its source says": "według źródła złożono je w roku {}",
        "{} is not a currency": "{} nie jest walutą",
        "two of its lines have the same number {}": "dwie jego pozycje mają ten sam numer {}",
        "line {} has quantity {}": "pozycja {} ma ilość {}",
        "line {} has price {}": "pozycja {} ma cenę {}",
        "its total is {}": "jego suma to {}",
        "it was paid in {}, but its total is in {}": "zapłacono w {}, a suma jest w {}",
        "a payment of it is {}": "jedna z płatności to {}",
        "its amounts are of different currencies: {}": "jego kwoty są w różnych walutach: {}",
        "one of its amounts is not a number": "jedna z jego kwot nie jest liczbą",
    }
}
"""By language: the English sentence, `{}` for each of its places, and what it is there."""


def told(text: str, language: str) -> str:
    """The reason in a language, or as it is."""
    for pattern, sentence in _patterns(language):
        if match := pattern.fullmatch(text):
            return sentence.format(*match.groups())
    return text


@cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Those with the most fixed text first."""
    known = sorted(REASONS.get(language, {}).items(), key=lambda item: -len(item[0]))
    return [(re.compile("(.*)".join(map(re.escape, text.split("{}"))), re.DOTALL), said) for text, said in known]
