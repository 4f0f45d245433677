"""Taking a person out of what is kept beside their orders: events, deliveries, quarantine, inputs, kept answers."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence

import msgspec

from olhubd.decide.erasure import Said, covered
from olhubd.model import Subject
from olhubd.store import codec, recorded_inputs
from olhubd.store.base import Reader, Transaction

__all__ = [
    "cover_deliveries",
    "cover_events",
    "cover_runs",
    "forget_answers",
    "forget_inputs",
    "forget_quarantined",
    "quarantined",
]


async def cover_events(tx: Transaction, subjects: Collection[Subject], said: Said) -> int:
    """Mask these texts in the facts of events about these subjects. That something happened stays. Returns in how
    many events one was."""
    where, parameters = codec.about(subjects)
    rows = await tx.fetch(f"SELECT id, data FROM events WHERE {where}", parameters)
    changed = [(clean, id_) for id_, data in rows if (clean := _covered(data, said)) != data]
    await tx.executemany("UPDATE events SET data = ? WHERE id = ?", changed)
    return len(changed)


async def cover_deliveries(tx: Transaction, subjects: Collection[Subject], said: Said) -> int:
    """Mask these texts in deliveries about these subjects: in what they carry, and in why they stopped."""
    where, parameters = codec.about(subjects)
    rows = await tx.fetch(
        f"SELECT payload, reason, error, unknown_words, id FROM deliveries WHERE {where}", parameters
    )
    changed = []
    for payload, *sentences, id_ in rows:
        clean = (_covered(payload, said), *(_sentence(one, said) for one in sentences))
        if clean != (payload, *sentences):
            changed.append((*clean, id_))
    await tx.executemany(
        "UPDATE deliveries SET payload = ?, reason = ?, error = ?, unknown_words = ? WHERE id = ?", changed
    )
    return len(changed)


async def cover_runs(tx: Transaction, said: Said) -> None:
    """Forget why runs failed that one of these texts is in the reason of."""
    rows = await tx.fetch("SELECT error, id FROM runs WHERE error IS NOT NULL")
    await tx.executemany(
        "UPDATE runs SET error = ? WHERE id = ?",
        [(clean, id_) for error, id_ in rows if (clean := _sentence(error, said)) != error],
    )


async def quarantined(
    reader: Reader, account: str, external_ids: Collection[str], texts: Collection[str], anywhere: Collection[str]
) -> dict[int, bool]:
    """The records in quarantine that are these orders of an account, or hold one of these texts, at other accounts
    one of those that are theirs `anywhere`: by number, whether it waits."""
    rows = await reader.fetch("SELECT id, account, kind, external_id, raw, discarded_at FROM quarantine")
    return {
        row[0]: row[5] is None
        for row in rows
        if (row[1] == account and row[2] == "order" and row[3] in external_ids)
        or _says(row[4], texts if row[1] == account else anywhere)
    }


async def forget_quarantined(tx: Transaction, ids: Sequence[int]) -> int:
    """Forget these records."""
    return await tx.execute(f"DELETE FROM quarantine WHERE id IN ({codec.marks(ids)})", list(ids))


async def forget_inputs(tx: Transaction, texts: Collection[str], *, sparing: str) -> int:
    """Forget the inputs up to the last one that holds one of these texts: a replay needs all that follow the first.

    Those of the kind `sparing` stay. Returns how many were forgotten.
    """
    last, after = 0, 0
    while some := await recorded_inputs.following(tx, after):
        last = max((one.id for one in some if _says(recorded_inputs.unpack(one.document), texts)), default=last)
        after = some[-1].id
    return await tx.execute("DELETE FROM inputs WHERE id <= ? AND kind <> ?", (last, sparing))


async def forget_answers(tx: Transaction, texts: Collection[str]) -> int:
    """Forget the answers to requests with a key that hold one of these texts; that they were asked stays."""
    rows = await tx.fetch("SELECT who, key, body FROM requests WHERE body IS NOT NULL")
    found = [(who, key) for who, key, body in rows if _says(body, texts)]
    return await tx.executemany("UPDATE requests SET body = NULL WHERE who = ? AND key = ?", found)


def _covered(document: bytes, said: Said) -> bytes:
    before = msgspec.json.decode(document)
    clean = covered(before, said)
    return document if clean == before else codec.encode(clean)


def _sentence(text: str | None, said: Said) -> str | None:
    """A reason as it is stored, or none where it has one of the texts in it."""
    return None if text is not None and said.within(str(codec.text(text))) else text


def _says(document: bytes, texts: Collection[str]) -> bool:
    """Whether one of these texts is in a document, also where JSON spells it otherwise."""
    said = document.decode(errors="replace")
    if "\\u" in said:
        with contextlib.suppress(msgspec.DecodeError):
            said = msgspec.json.encode(msgspec.json.decode(document)).decode()
    folded = said.casefold()
    return any(text in folded for text in texts)
