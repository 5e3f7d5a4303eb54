"""The id of an output depends on what it is made of, and on nothing else."""

from __future__ import annotations

import hashlib

import pytest
from pydantic import ValidationError

from landcover.nouns.output import ID_LENGTH, Output, Wanted, hash_of

WANTED = Wanted(
    stage="mask",
    version=1,
    unit="31UDS/S2A",
    inputs={"product": ("00ff00ff00ff00ff",), "dem": ("a", "b")},
    params={"mask": {"growth_m": 600.0, "threshold": 0.075}, "grids": [10, 20]},
)


def changed(**changes):
    return Wanted(**{**WANTED.model_dump(), **changes})


def test_golden_id():
    # SHA-256 of the canonical text below, computed with sha256sum.
    text = (
        '{"inputs":{"dem":["a","b"],"product":["00ff00ff00ff00ff"]},"params":{"grids":[10,20],'
        '"mask":{"growth_m":600.0,"threshold":0.075}},"stage":"mask","unit":"31UDS/S2A","version":1}'
    )
    assert WANTED.id == "b0ee48e95132e7b4"
    assert hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH] == WANTED.id


def test_the_order_of_keys_does_not_matter():
    other = changed(
        inputs={"dem": ("a", "b"), "product": ("00ff00ff00ff00ff",)},
        params={"grids": [10, 20], "mask": {"threshold": 0.075, "growth_m": 600.0}},
    )
    assert list(other.inputs) != list(WANTED.inputs)
    assert other.id == WANTED.id


@pytest.mark.parametrize(
    "changes",
    [
        {"stage": "composite"},
        {"version": 2},
        {"unit": "31UDS/S2B"},
        {"inputs": {"product": ("00ff00ff00ff00fe",), "dem": ("a", "b")}},
        {"inputs": {"product": ("00ff00ff00ff00ff",), "dem": ("b", "a")}},
        {"inputs": {"product": ("00ff00ff00ff00ff",)}},
        {"inputs": {"products": ("00ff00ff00ff00ff",), "dem": ("a", "b")}},
        {"params": {"mask": {"growth_m": 600.0, "threshold": 0.076}, "grids": [10, 20]}},
        {"params": {"mask": {"growth_m": 600.0, "threshold": None}, "grids": [10, 20]}},
        {"params": {"mask": {"growth_m": 600.0, "threshold": 0.075}, "grids": [20, 10]}},
        {"params": {}},
    ],
    ids=str,
)
def test_everything_it_is_made_of_changes_it(changes):
    assert changed(**changes).id != WANTED.id


@pytest.mark.parametrize("name", ["run", "path", "threads", "memory_gb", "window", "created"])
def test_nothing_else_can_enter(name):
    assert set(Wanted.model_fields) == {"stage", "version", "unit", "inputs", "params"}
    with pytest.raises(ValidationError):
        changed(**{name: "x"})


def test_the_id_survives_the_record_store():
    output = Output(id=WANTED.id, wanted=WANTED, key="k", files=(), stats={})
    assert Output.from_json(output.to_json()).wanted.id == WANTED.id
    assert Output.from_document(output.to_document()).wanted.id == WANTED.id


@pytest.mark.parametrize(
    ("one", "other"), [({"a": 1}, {"a": 2}), ([1, 2], [2, 1]), ("é", "e"), (None, 0), (1, "1")]
)
def test_different_documents_have_different_names(one, other):
    assert hash_of(one) != hash_of(other)
    assert len(hash_of(one)) == ID_LENGTH
    assert set(hash_of(one)) <= set("0123456789abcdef")


def test_tuples_and_lists_are_one():
    assert hash_of({"a": (1, 2)}) == hash_of({"a": [1, 2]})
