"""The hub's own reasons in Polish: the English sentence as it is written in the code, and what it is here.

What a connector or another system answers is not among them. What stands in a place is told in Polish too where it
is one of these sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["REASONS"]

REASONS: Final[Mapping[str, str]] = {
    "{}, so it is not cancelled": "{}, więc nie jest anulowane",
    "{}, so nothing is written to it": "{}, więc nic nie jest w nim zapisywane",
    "order {} at {} is another one by now: retry, which looks for this one there first": (
        "zamówienie {} w {} jest już innym zamówieniem: ponów, a to zostanie tam najpierw poszukane"
    ),
    "it was given up here, and {}: cancel it there and discard this, or retry": (
        "tutaj je porzucono, a {}: anuluj je tam i porzuć to albo ponów"
    ),
    "{} has it as {}": "{} ma je jako {}",
    "order {} at {} is another one by now: it {}": "zamówienie {} w {} to już inne zamówienie: {}",
    "bears the mark of {}": "nosi oznaczenie {}",
    "has no mark and costs {}": "nie ma oznaczenia i kosztuje {}",
    "{} cannot take orders": "{} nie przyjmuje zamówień",
    "no route leads from {} to {} any more": "żadna trasa nie prowadzi już z {} do {}",
    "the connector failed: {}": "zawiodła wtyczka: {}",
    "waits until the target has settled": "czeka, aż sklep się ustabilizuje",
    "was not there; is sent again": "nie było go tam; jest wysyłane ponownie",
    "the target stored a total of {}, the buyer pays {}": "sklep zapisał sumę {}, a kupujący płaci {}",
    "the target stored it otherwise: {}": "sklep zapisał co innego: {}",
    "the target has an unfinished order of ours with a total of 0{}": (
        "sklep ma nasze niedokończone zamówienie na sumę 0{}"
    ),
    " (its status there is {})": " (jego status tam: {})",
    "{}; {}": "{}; {}",
    "sent {} times without an answer that tells what became of it, and it is not there: {}": (
        "wysłano {} razy bez odpowiedzi, która mówi, co się stało, a tam go nie ma: {}"
    ),
    "tried {} times without an answer that tells what became of it: {}": (
        "próbowano {} razy bez odpowiedzi, która mówi, co się stało: {}"
    ),
    "nothing is known of its payment": "o jego płatności nic nie wiadomo",
    "it is not paid any more": "nie jest już opłacone",
    "the target never had the order": "sklep nigdy nie miał tego zamówienia",
    "the target does not have the order": "sklep nie ma tego zamówienia",
    "the order is on again": "zamówienie znów obowiązuje",
    "cancelled before it was sent": "anulowane przed wysłaniem",
    "it was cancelled before it was sent": "anulowano je przed wysłaniem",
    "another order took over its lines": "inne zamówienie przejęło jego pozycje",
    "the purchase was cancelled meanwhile": "zakup w międzyczasie anulowano",
    "{} cannot cancel orders: cancel it there by hand": "{} nie umie anulować zamówień: anuluj je tam ręcznie",
    "{} has two orders of this purchase, {} and {}: cancel one there by hand": (
        "{} ma dwa zamówienia z tego zakupu, {} i {}: anuluj tam jedno ręcznie"
    ),
    "order {} at {} is cancelled there ({}), and the purchase is not: make it good there by hand, or cancel the"
    " purchase where it was made, then accept this": "zamówienie {} w {} jest tam anulowane ({}), a zakup nie:"
    " przywróć je tam ręcznie albo anuluj zakup tam, gdzie powstał, a potem zaakceptuj",
    "order {} at {} was cancelled and is alive there again ({}), and the purchase is off: cancel it there by hand,"
    " then accept this": "zamówienie {} w {} było anulowane i znów tam obowiązuje ({}), a zakup nie: anuluj je tam"
    " ręcznie, a potem zaakceptuj",
    "the purchase and its order there agree by now": "zakup i jego zamówienie w sklepie są już zgodne",
    "is looked up once more": "jest sprawdzane jeszcze raz",
    "has {} orders with our mark that nobody here knows ({}): olhubd strangers list": (
        "ma zamówienia z naszym znakiem, których tu nikt nie zna, {}: {}; olhubd strangers list"
    ),
    "has {} orders twice: olhubd holds list": "ma podwójne zamówienia ({}): olhubd holds list",
    "{} knows no {}: do it there by hand": "{} nie zna działania {}: zrób to tam ręcznie",
    "what was bought or its price changed after the order went on{}: change order {} at {} by hand,"
    " then accept this": "po wysłaniu zamówienia zmienił się zakup lub jego cena{}: zmień ręcznie zamówienie {}"
    " w {}, a potem zaakceptuj",
    "the delivery address changed after the order went on{}: change order {} at {} by hand, then accept this": (
        "po wysłaniu zamówienia zmienił się adres dostawy{}: zmień ręcznie zamówienie {} w {}, a potem zaakceptuj"
    ),
    "the way of delivery, the day to send it by or the way of payment changed after the order went on{}: change"
    " order {} at {} by hand, then accept this": (
        "po wysłaniu zamówienia zmienił się sposób dostawy, termin wysyłki lub sposób płatności{}: zmień ręcznie"
        " zamówienie {} w {}, a potem zaakceptuj"
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
    "broken off by a reload or the end of the daemon": "przerwane wczytaniem konfiguracji lub końcem pracy demona",
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
    # What is not possible now, and why
    "it is {}; nothing is to be done": "stan: {}; nie ma nic do zrobienia",
    "somebody has given it up already": "ktoś już to porzucił",
    "confirmed": "gotowe",
    "dropped": "zbędne",
    "it goes by itself when its turn comes": "pójdzie samo, gdy przyjdzie jego kolej",
    "it is under way": "jest w drodze",
    "only an order that was to be created can be found there instead": (
        "przypisać można tylko zamówienie, które miało powstać"
    ),
    "{} cannot be asked for an order by its number": "{} nie pozwala szukać zamówienia po numerze",
    "the target has no order that could be accepted": "sklep nie ma zamówienia, które można by zaakceptować",
    "nothing holds it": "nic go nie wstrzymuje",
    "the marketplace ships it itself": "wysyła je sam rynek",
    "the buyer has not finished it ({})": "kupujący go nie dokończył ({})",
    "it is cancelled": "jest anulowane",
    "{} has the order already: change the address there": "{} ma już zamówienie: zmień adres tam",
    "the order is on its way to {}, which may have it already": (
        "zamówienie jest w drodze do {}, które może je już mieć"
    ),
    "{} has it already, as {}": "{} już je ma, jako {}",
    "it waits for a person as delivery {}: {}": "czeka na człowieka jako przekazanie {}: {}",
    "it is owed to {} already, as delivery {}": "ma już być przekazane do {}, jako przekazanie {}",
    "it is under way to {} as delivery {}": "jest w drodze do {} jako przekazanie {}",
    "{} is nothing to be said by hand here; possible: {}": "{}: tego nie ustawia się tu ręcznie; możliwe: {}",
    "the order has the parcel {} {} already": "zamówienie ma już przesyłkę {} {}",
    "the address needs street, postcode and city": "adres wymaga ulicy, kodu pocztowego i miejscowości",
    "no route leads from {} to {}": "żadna trasa nie prowadzi z {} do {}",
    "order {}: {}": "zamówienie {}: {}",
    "delivery {} cannot be {}: {}": "przekazania {} nie można {}: {}",
    "retried": "ponowić",
    "released": "zwolnić",
    "adopted": "przypisać",
    "accepted": "zaakceptować",
    "discarded": "porzucić",
    "{} is not at work, so it cannot be asked for its orders": (
        "{} nie pracuje, więc nie można zapytać o zamówienia"
    ),
    "{} has no order with the number {}": "{} nie ma zamówienia o numerze {}",
    "order {} at {} costs {}, the buyer pays {}": "zamówienie {} w {} kosztuje {}, a kupujący płaci {}",
    "{} carries the mark of {}": "{} ma oznaczenie {}",
    "{} is known as order {} of the hub already": "{} jest już znane jako zamówienie {} w hubie",
    "{} is known as order {} of the hub, which went on from there": (
        "{} jest znane jako zamówienie {} w hubie, które stamtąd poszło dalej"
    ),
    "order {} at {}": "zamówienie {} w {}",
    "nothing here asks for a record of the kind {}": "nic tu nie pyta o rekord rodzaju {}",
    "{} cannot be asked for one order: the next sweep reads it again": (
        "{} nie podaje pojedynczych zamówień: odczyta je następny przegląd"
    ),
    "asked for by a person": "na prośbę człowieka",
    "there is no delivery {}": "nie ma przekazania {}",
    "there is no order {}": "nie ma zamówienia {}",
    "there is no account {}": "nie ma konta {}",
    "there is no account {} in the configuration": "w konfiguracji nie ma konta {}",
    "q: there is no order {}": "q: nie ma zamówienia {}",
    "there is no account {}{}": "nie ma konta {}{}",
    "the database does not answer": "baza danych nie odpowiada",
    "{} not in the hub": "brak w hubie: {}",
    "{} not at the source": "brak w źródle: {}",
    "there is no token {}": "nie ma tokenu {}",
    "no order {} of {} waits here: olhubd strangers list": (
        "żadne zamówienie {} konta {} tu nie czeka: olhubd strangers list"
    ),
    "record {} waits no more: it has landed, or somebody gave it up": (
        "rekord {} już nie czeka: został zapisany albo ktoś go porzucił"
    ),
    "there is no record {} in quarantine": "w kwarantannie nie ma rekordu {}",
    "no sign-in to {} has been begun since the daemon started": (
        "od uruchomienia demona nikt nie zaczął logowania do {}"
    ),
    "{} cannot be compared: {}": "nie można porównać {}: {}",
    "{} fetches no orders, so there is nothing to compare": "{} nie pobiera zamówień, więc nie ma czego porównać",
    "{} is not over yet: orders still come": "{} jeszcze się nie skończył: zamówienia wciąż przychodzą",
    "{} takes no orders from before {} UTC": "{} nie bierze zamówień sprzed {} UTC",
    "the orders of {} could not be compared within {} s": "zamówień z {} nie udało się porównać w ciągu {} s",
    "its orders cannot be listed": "jego zamówień nie można wypisać",
    "{} can neither count nor list its orders, so there is nothing to compare": (
        "{} nie potrafi policzyć ani wypisać zamówień, więc nie ma czego porównać"
    ),
    "there is a token {} already: revoke it first, or take another name": (
        "token {} już istnieje: unieważnij go albo wybierz inną nazwę"
    ),
    "{} stands in the configuration: take [accounts.{}] and its routes out, reload, then remove it": (
        "{} jest w konfiguracji: usuń z niej [accounts.{}] i jego trasy, wczytaj ją ponownie i dopiero wtedy"
        " usuń konto"
    ),
    "{} cannot be removed yet: {}": "{} nie można jeszcze usunąć: {}",
    "{} owed to it (olhubd deliveries list --target {})": (
        "do przekazania do niego: {} (olhubd deliveries list --target {})"
    ),
    "{} owed for its orders elsewhere (olhubd deliveries list)": (
        "do przekazania z jego zamówień: {} (olhubd deliveries list)"
    ),
    "{} in quarantine (olhubd quarantine)": "w kwarantannie: {} (olhubd quarantine)",
    # What a request lacks
    "lines: the order has no line {}": "lines: zamówienie nie ma pozycji {}",
    "the body names no field of an address": "nie podano żadnego pola adresu",
    "target: routes lead from {} to {}; name the one that is meant": (
        "target: trasy prowadzą z {} do {}; wskaż właściwy cel"
    ),
    "this needs the scope {}, and {} has {}": "to wymaga zakresu {}, a {} ma {}",
    "the token {}": "token {}",
    "{} is no number of a {}": "{} nie jest numerem ({})",
    "{}: there is no account {}{}": "{}: nie ma konta {}{}",
    "connector: no account is at {}{}": "connector: żadne konto nie jest w {}{}",
    "; did you mean {}?": "; czy chodziło o {}?",
    "{} may be any of {} orders; name one by its reference": (
        "{} może oznaczać {} zamówień; wskaż jedno po oznaczeniu"
    ),
    "amount_to: is less than amount_from": "amount_to: jest mniejsze niż amount_from",
    "placed_to: is before placed_from": "placed_to: jest wcześniejsze niż placed_from",
    '{}: must be a day like "2026-01-31" or a moment like "2026-01-31T12:00:00Z"': (
        '{}: ma być dzień, np. "2026-01-31", albo chwila, np. "2026-01-31T12:00:00Z"'
    ),
    "there is no {} {} here; known: {}": "nie ma tu {} {}; znane: {}",
    "field": "pola",
    "parameter": "parametru",
    "{}: expected `str` of length >= {}": "{}: co najmniej {} znak",
    "{}: expected `str` of length <= {}": "{}: najwyżej {} znaków",
    "{}: must be {}": "{}: ma być {}",
    "one line of text that is not blank": "jeden niepusty wiersz tekstu",
    "a number or a name on one line, not blank": "numer albo nazwa w jednym wierszu, niepusta",
    'the "next" or "newest" of an earlier page of the journal, as it is': (
        '"next" albo "newest" wcześniejszej strony dziennika, bez zmian'
    ),
    'an amount such as "49" or "49.90"': 'kwota, np. "49" albo "49.90"',
    "an address that begins with https:// or http://, without spaces": (
        "adres, który zaczyna się od https:// albo http://, bez spacji"
    ),
    "two capital letters, such as PL": "dwie wielkie litery, np. PL",
    "1 to 64 characters of a-z, A-Z, 0-9, dot, underscore and hyphen, a letter or a digit the first,"
    ' such as "reports"': (
        '1 do 64 znaków a-z, A-Z, 0-9, kropka, podkreślenie i łącznik, pierwszy to litera albo cyfra, np. "raporty"'
    ),
    "{}: invalid enum value {}; possible: {}": "{}: nieznane słowo {}; możliwe: {}",
    "{}: expected `int` >= {}": "{}: liczba całkowita od {}",
    "{}: expected `int` <= {}": "{}: liczba całkowita do {}",
    "{}: expected `int`, got `str`": "{}: ma być liczba całkowita",
    "{}: expected `bool`, got `str`": "{}: ma być true albo false",
    "{}: object missing required field `{}`": "{}: brakuje pola {}",
    "olhubd itself failed; its log has the details": "zawiódł sam olhubd; szczegóły są w jego dzienniku",
    "it took too long and was given up": "trwało to zbyt długo i zostało przerwane",
    "the database cannot be used now": "nie można teraz użyć bazy danych",
    # Accounts
    "{} is not at work: {}": "{} nie pracuje: {}",
    "it cannot begin ({}): the log says why, and it is tried again each minute": (
        "nie może ruszyć ({}): powód jest w dzienniku, próba co minutę"
    ),
    "a reload begins it anew": "rusza od nowa po wczytaniu konfiguracji",
    "{} is paused: {}": "{} jest wstrzymane: {}",
    "{} is parked: {}": "{} jest odstawione: {}",
    "{} fetches no orders: {}": "{} nie pobiera zamówień: {}",
    "fetch_orders is off": "fetch_orders jest wyłączone",
    "its system has no order feed": "jego system nie podaje listy zamówień",
    "{} is switched off in the configuration (enabled = false)": (
        "{} jest wyłączone w konfiguracji (enabled = false)"
    ),
    "{} has no sign-in": "{} nie ma logowania",
    "{} has no sign-in: the key of {} stands in its settings": "{} nie ma logowania: klucz {} jest w ustawieniach",
    "{} has no sign-in any more": "{} nie ma już logowania",
    "{} needs nobody to sign in: the keys in the settings are enough": (
        "{} nie wymaga logowania: wystarczą klucze w ustawieniach"
    ),
    "{} has no sign-in of the kind {}, only: {}": "{} nie ma logowania rodzaju {}, tylko: {}",
    "the address holds no code: copy all of it from the address bar after you were sent back": (
        "w adresie nie ma kodu: skopiuj go w całości z paska adresu, gdy odesłano Cię z powrotem"
    ),
    "no sign-in waits for this address: it was used already, ran out, or was begun anew since": (
        "żadne logowanie nie czeka na ten adres: został już użyty, wygasł albo logowanie zaczęto od nowa"
    ),
    "nobody came back from {} in time": "nikt nie wrócił na czas z {}",
    "the person refused the sign-in": "osoba odmówiła zgody na logowanie",
    "{} refused the sign-in ({})": "{} odmawia logowania ({})",
    "the sign-in code ran out before anybody used it": "kod logowania wygasł, zanim ktokolwiek go użył",
    "the sign-in code is over": "kod logowania jest już nieważny",
    "the code that came back is over: such a code lives briefly": (
        "kod, który wrócił, jest już nieważny: taki kod żyje krótko"
    ),
    "the sign-in is over or was withdrawn": "logowanie wygasło albo zostało wycofane",
    "there is no refresh token": "nie ma tokenu odświeżającego",
    "{} does not know this client id with this secret": "{} nie zna tego identyfikatora klienta z tym sekretem",
    "signed in as {}, but {} belongs to {}: sign in as {}, or add another account for {}": (
        "zalogowano jako {}, a {} należy do {}: zaloguj się jako {} albo dodaj osobne konto dla {}"
    ),
    "nobody confirmed the code in time": "nikt nie potwierdził kodu na czas",
    "nobody has signed in to {}": "nikt nie zalogował się do {}",
    "the token of {} is over and cannot be renewed": "token konta {} wygasł i nie można go odnowić",
    "the token of {} could not be renewed: {}": "nie udało się odnowić tokenu konta {}: {}",
    "no answer in time": "brak odpowiedzi na czas",
    "waits until its system has said who it is": "czeka, aż jego system powie, kim jest",
    "another system answers: {}, but {} belongs to {}. Put the old settings back and resume; give the"
    " other system an account of its own; or, if it is the same shop that moved, resume it as moved": (
        "odpowiada inny system: {}, a {} należy do {}. Przywróć dawne ustawienia i wznów; daj innemu"
        " systemowi własne konto; albo, jeśli to ten sam sklep pod nowym adresem, wznów jako przeniesiony"
    ),
    "has another connector and begins anew": "ma inną wtyczkę i zaczyna od nowa",
    "fetching by hand is possible again at {} UTC": "ręczne pobranie będzie znów możliwe o {} UTC",
    "fetching was broken off": "pobieranie przerwano",
    "the account is paused": "konto jest wstrzymane",
    "no answer within {} s": "brak odpowiedzi w ciągu {} s",
    "the database cannot be used: {}": "nie można użyć bazy danych: {}",
    "the hub failed on it: {}": "hub zawiódł na nim: {}",
    "the budget {} is shut for another {} s": "limit wywołań {} jest zamknięty jeszcze przez {} s",
    "{}: no answer ({})": "{}: brak odpowiedzi ({})",
    "{}: cannot connect ({})": "{}: brak połączenia ({})",
    "{}: cannot sign in ({})": "{}: nie można się zalogować ({})",
    "{}: done or not, but {}": "{}: nie wiadomo, czy wykonano; {}",
    "{}: the host is stopping": "{}: demon kończy pracę",
    "the answer is not JSON": "odpowiedź nie jest w JSON",
    "unexpected answer: {}": "nieoczekiwana odpowiedź: {}",
    "{} says it has it as {}, which is known there as order {} of the hub": (
        "{} podaje, że ma je jako {}, a to jest tam znane jako zamówienie {} w hubie"
    ),
    "no reason was kept": "nie zapisano powodu",
    "the buyer put purchases together": "kupujący połączył zakupy",
    "cancelled at the marketplace": "anulowane na rynku",
    "this system cannot be asked for an order by its number": "ten system nie pozwala szukać zamówienia po numerze",
    # Alarms
    "{} orders since {} UTC, where {} are usual": "zamówień: {}, od {} UTC, a zwykle bywa {}",
    "could not be read yet: {}": "nie udało się jeszcze odczytać: {}",
    "has not answered yet: {}": "jeszcze nie odpowiedziało: {}",
    "its key is refused since {}: write the right one into its settings, then: olhubd reload": (
        "klucz jest odrzucany od {}: wpisz właściwy do ustawień konta, potem: olhubd reload"
    ),
    "its key is refused: {}": "klucz jest odrzucany: {}",
    "the key is refused: {}": "klucz jest odrzucany: {}",
    "does not end although it was told to: restart olhubd; journalctl -u olhubd": (
        "nie kończy się mimo polecenia: uruchom olhubd ponownie; journalctl -u olhubd"
    ),
    "an earlier call has not ended ({}): restart olhubd": (
        "wcześniejsze wywołanie się nie skończyło ({}): uruchom olhubd ponownie"
    ),
    "the connector failed: {} broke itself off": "zawiodła wtyczka: {} samo się przerwało",
    "the connector failed: {} tried to end the daemon": "zawiodła wtyczka: {} próbowało zakończyć demona",
    "{} gave {}, which is not what was asked for": "{} dało {}, a nie to, o co pytano",
    "{}: the records are no list but {}": "{}: rekordy to nie lista, lecz {}",
    "{}: the cursor is no text but {}": "{}: kursor to nie tekst, lecz {}",
    "{}: the failure is no plugin error but {}": "{}: awaria to nie błąd wtyczki, lecz {}",
    "{}: more is promised, and the cursor has not moved": "{}: zapowiedziano więcej, a kursor się nie ruszył",
    "{}: more is promised, and the cursor goes round in a circle": (
        "{}: zapowiedziano więcej, a kursor krąży w kółko"
    ),
    "looked at in turn": "sprawdzane po kolei",
    "{} is no kind of record": "{} nie jest rodzajem rekordu",
    "the hub carries no {} records yet": "hub nie prowadzi jeszcze rekordów tego rodzaju: {}",
    "the hub failed: {}": "zawiódł hub: {}",
    "its feed {} has not been read for {}: {}": "jego kanał {} nie jest czytany od {}: {}",
    "last read {} ago: olhubd runs": "ostatni odczyt {} temu: olhubd runs",
    "last read {} ago, and the remote journal forgets after {}": "ostatni odczyt {} temu, a źródło zapomina po {}",
    "its orders have {} with the source's": "jego zamówień {} ze źródłem",
    "not been compared": "nie porównano",
    "been compared {} ago": "nie porównano od {}",
    "a sweep found {} within a day that the feed had not told": (
        "przegląd znalazł w ciągu doby zamówienia pominięte przez źródło: {}"
    ),
    "{} could not be stored: olhubd quarantine": "nie udało się zapisać: {} (olhubd quarantine)",
    "{}: {} not in the hub ({})": "{}: brak w hubie: {} ({})",
    "{}: {} not at the source ({})": "{}: brak w źródle: {} ({})",
    "{}: {} not in the hub and {} not at the source ({})": "{}: brak w hubie: {}, brak w źródle: {} ({})",
    "nobody has signed in: olhubd login {}": "nikt się nie zalogował: olhubd login {}",
    "the sign-in ends on {}: olhubd login {}": "logowanie wygasa {}: olhubd login {}",
    "{}: olhubd holds list": "{} (olhubd holds list)",
    "{} on hold": "wstrzymane: {}",
    "{} given up": "porzucone: {}",
    "{} on hold and {} given up": "wstrzymane: {}, porzucone: {}",
    "does not answer since {} UTC; what is owed to it waits": "nie odpowiada od {} UTC; to, co ma dostać, czeka",
    "the oldest of what is owed waits since {} UTC": "najstarsze przekazanie czeka od {} UTC",
    "is stuck: journalctl -u olhubd": "utknęło: journalctl -u olhubd",
    "fails again and again: journalctl -u olhubd": "stale zawodzi: journalctl -u olhubd",
    "{}: {}: {} is no {} of {}; there are: {}": "{}: {}: {} to nie {} w {}; są: {}",
    "{}: {}: {} is no {} of {}; did you mean {}? there are: {}": (
        "{}: {}: {} to nie {} w {}; czy chodziło o {}? są: {}"
    ),
    "status": "status",
    "delivery method": "sposób dostawy",
    "payment method": "sposób płatności",
    "{} MB are left for the database": "dla bazy danych zostało {} MB",
    "cannot be read or written: journalctl -u olhubd": "nie można czytać ani zapisywać: journalctl -u olhubd",
    "{} days": "{} dni",
    "{} hours": "{} godz.",
    "{} minutes": "{} min",
    "{} seconds": "{} s",
    "alarms cannot be told by {} since {} UTC: {}": "alarmów nie można przekazać przez {} od {} UTC: {}",
    "the mail server refused with {}": "serwer poczty odmówił: {}",
    "the mail server refused every recipient": "serwer poczty odmówił wszystkim adresatom",
    "the mail server failed ({})": "serwer poczty zawiódł ({})",
    "cannot be reached ({})": "brak połączenia ({})",
    "it answered {}": "odpowiedź: {}",
    # The configuration and plugins
    "{}: warning: {}": "{}: ostrzeżenie: {}",
    "is not installed": "nie jest zainstalowana",
}
