"""Answers decoded: what one row holds must not make its neighbours unreadable."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olhubd.plugin import ContractBroken, decode

HALVES = st.text(st.characters(), max_size=8) | st.text(st.sampled_from('\ud83d\ude00\\"uUdD8é'), max_size=8)


def test_half_an_emoji_makes_no_page_unreadable() -> None:
    r"""A name cut after sixteen units of UTF-16 ends in `\ud83d`, and the decoder takes no JSON with that."""
    rows = decode(rb'[{"name": "Ala \ud83d"}, {"name": "Ola \ud83d\ude00"}]', list[msgspec.Raw])
    assert [decode(bytes(row), dict[str, str])["name"] for row in rows] == ["Ala �", "Ola \N{GRINNING FACE}"]


def test_bytes_of_another_charset_are_not_guessed_at() -> None:
    with pytest.raises(ContractBroken, match="the answer is not JSON"):
        decode('{"name": "Małgorzata"}'.encode("cp1250"), dict[str, str])


@given(texts=st.lists(HALVES, max_size=4))
def test_whole_letters_stay_and_halves_are_marked(texts: list[str]) -> None:
    r"""Whatever else is escaped around them, as in `\\ud83d`, which is no letter at all."""
    told = decode(json.dumps(texts).encode(), list[str])
    joined = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
    assert [text.replace("�", "") for text in told] == [text.replace("�", "") for text in joined]
    assert all(("�" in one) == ("�" in other) for one, other in zip(told, joined, strict=True))
