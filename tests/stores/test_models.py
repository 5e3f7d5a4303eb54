"""The arrays of a model are used only where they are those of its card."""

from __future__ import annotations

import hashlib

import pytest

from landcover.errors import InputError
from landcover.nouns.model import ModelCard
from landcover.stores.models import ARRAYS, CARD, arrays_path, read_card

BYTES = b"arrays"


def card(sha256):
    return ModelCard.model_construct(arrays_sha256=sha256)


def test_the_right_arrays(tmp_path):
    (tmp_path / ARRAYS).write_bytes(BYTES)
    right = card(hashlib.sha256(BYTES).hexdigest())
    assert arrays_path(tmp_path, right) == tmp_path / ARRAYS


def test_other_arrays_are_refused(tmp_path):
    (tmp_path / ARRAYS).write_bytes(BYTES + b"!")
    with pytest.raises(InputError, match="is not the card's"):
        arrays_path(tmp_path, card(hashlib.sha256(BYTES).hexdigest()))


def test_absent_arrays_are_told(tmp_path):
    with pytest.raises(InputError, match="arrays of the model cannot be read"):
        arrays_path(tmp_path, card("00"))


def test_an_absent_card_is_told(tmp_path):
    with pytest.raises(InputError, match="no model here"):
        read_card(tmp_path)


@pytest.mark.parametrize("content", [b"{", b"{}", b"\xff\xfe", b""])
def test_a_damaged_card_is_told(tmp_path, content):
    (tmp_path / CARD).write_bytes(content)
    with pytest.raises(InputError, match="card is damaged") as caught:
        read_card(tmp_path)
    assert str(tmp_path / CARD) in str(caught.value)
