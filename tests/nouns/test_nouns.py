"""Every noun is frozen, refuses what it does not know, and survives JSON both ways."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from landcover.errors import InputError
from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid
from landcover.nouns.output import FileRecord, Output, Wanted
from landcover.nouns.period import Period, Span
from landcover.nouns.product import Product, ProductFile
from landcover.nouns.run import Run, Unit, UnitState
from landcover.nouns.run_arguments import RunArguments
from landcover.nouns.stages import GROUPS, STAGES

MARCH = datetime(2021, 3, 1, tzinfo=UTC)
GRID = Grid(crs="EPSG:32630", ulx=300_000, uly=4_100_040, pixel=10, width=64, height=60)
PERIOD = Period(
    name="2021-spring",
    label="spring",
    start=MARCH,
    end=MARCH + timedelta(days=31),
    fallback_start=MARCH + timedelta(days=31),
    fallback_end=MARCH + timedelta(days=61),
    fallback_descending=False,
)
FILE = ProductFile(
    layer="B02", href="/p/B02.jp2", grid=GRID, block=(64, 64), scale=10_000, offset=-1000
)
PRODUCT = Product(
    name="S2A_MSIL2A_20210304T110000_N0300_R094_T30SUF_20210304T130000",
    path="/p",
    tile="30SUF",
    spacecraft="S2A",
    datatake=MARCH,
    relative_orbit=94,
    baseline=300,
    generated=MARCH,
    discriminator="20210304T130000",
    cloud_percent=20,
    nodata_percent=13.75,
    sun_zenith=None,
    sun_azimuth=151.5,
    offset_decision="metadata",
    files=(FILE,),
)
WANTED = Wanted(
    stage="mask", version=1, unit="30SUF/a", inputs={"product": ("0f",)}, params={"growth_m": 600.0}
)
OUTPUT = Output(
    id=WANTED.id,
    wanted=WANTED,
    key="masks/30SUF/a",
    files=(FileRecord(name="10.tif", bytes=3, sha256="ab"),),
    stats={"share": 0.25, "names": ["a"]},
)
ARGUMENTS = RunArguments(tiles=("30SUF",), year=2021, products="/data")
RUN = Run(id="r1", recipe_id="00", arguments=ARGUMENTS, label_id=None, simulated=False)
UNIT = Unit(id="30SUF.2021-spring", label="30SUF 2021-spring", tile="30SUF", span="2021-spring")
STATE = UnitState(run="r1", stage="mask", unit=UNIT, seconds=1.5, outputs=("0f",))

NOUNS: list[Noun] = [
    GRID, PERIOD, Span(name="2021-spring", periods=(PERIOD,)), FILE, PRODUCT, WANTED,
    OUTPUT.files[0], OUTPUT, ARGUMENTS, RUN, UNIT, STATE,
]  # fmt: skip
each_noun = pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)


@each_noun
def test_frozen(noun):
    name = next(iter(type(noun).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(noun, name, None)


@each_noun
def test_an_unknown_field_is_refused_with_one_sentence(noun):
    with pytest.raises(InputError) as caught:
        type(noun).from_document({**noun.to_document(), "colour": "red"})
    message = str(caught.value)
    assert message.startswith(f"{type(noun).__name__}: colour: ")
    assert "'red'" in message
    assert "\n" not in message


@each_noun
def test_json_both_ways(noun):
    kind = type(noun)
    assert kind.from_json(noun.to_json()) == noun
    document = noun.to_document()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert kind.from_document(document) == noun


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"crs": 1}'])
def test_damaged_json_is_one_sentence(text):
    with pytest.raises(InputError, match=r"^Grid: ") as caught:
        Grid.from_json(text)
    assert "\n" not in str(caught.value)


class _Measured(Noun):
    value: float
    more: Any = None


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_that_json_lacks_survive(value):
    noun = _Measured(value=value, more={"deep": value})
    document = noun.to_document()
    json.dumps(document, allow_nan=False)
    for read in (_Measured.from_document(document), _Measured.from_json(noun.to_json())):
        assert str(read.value) == str(value)
        assert read.more == {
            "deep": {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(value)]
        }


def test_a_product_finds_its_files_and_its_useful_share():
    assert PRODUCT.layers == ("B02",)
    assert PRODUCT.file("B02") is FILE
    assert PRODUCT.file("B03") is None
    assert PRODUCT.useful_percent == pytest.approx(69.0)  # docs/methods/products.md#metadata
    thin = PRODUCT.model_copy(update={"nodata_percent": 98.441625, "cloud_percent": 98.944211})
    assert thin.useful_percent == pytest.approx(0.016454, abs=1e-6)


def test_copies_of_an_acquisition_share_its_key():
    again = PRODUCT.model_copy(update={"baseline": 500, "name": "other", "discriminator": "x"})
    assert again.acquisition == PRODUCT.acquisition
    metadata = PRODUCT.model_copy(update={"datatake": MARCH + timedelta(milliseconds=24)})
    assert metadata.acquisition == PRODUCT.acquisition  # names have no milliseconds
    later = PRODUCT.model_copy(update={"datatake": MARCH + timedelta(seconds=1)})
    assert later.acquisition != PRODUCT.acquisition


def test_groups_hold_every_stage_once_in_order():
    assert tuple(stage for stages in GROUPS.values() for stage in stages) == STAGES


@pytest.mark.parametrize(
    ("changes", "label_id", "expected"),
    [
        ({}, None, "collect mask composite overlap mosaic publish"),
        ({"dem": "/d"}, None, "collect mask composite overlap terrain mosaic publish"),
        (
            {},
            "l",
            "collect mask composite overlap sample train explain classify mosaic validate publish",
        ),
        ({"model": "m"}, None, "collect mask composite overlap classify mosaic publish"),
        ({"model": "m"}, "l", "collect mask composite overlap classify mosaic publish"),
        ({"until": "composite"}, "l", "collect mask composite overlap"),
        ({"until": "collect"}, None, "collect"),
        # One stage alone: a map needs no explanation, its page shows it.
        (
            {"until": "classify", "only": "classify"},
            "l",
            "collect mask composite overlap sample train classify",
        ),
        (
            {"only": "publish"},
            "l",
            "collect mask composite overlap sample train explain classify mosaic validate publish",
        ),
    ],
)
def test_what_a_run_includes(changes, label_id, expected):
    arguments = ARGUMENTS.model_copy(update=changes)
    run = RUN.model_copy(update={"arguments": arguments, "label_id": label_id})
    assert " ".join(stage for stage in STAGES if run.includes(stage)) == expected


@pytest.mark.parametrize(
    "wrong", [{"year": 2014}, {"year": 2101}, {"tiles": []}, {"until": "deploy"}, {"year": "soon"}]
)
def test_wrong_arguments_of_a_run_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        RunArguments.from_document({**ARGUMENTS.to_document(), **wrong})


@pytest.mark.parametrize(
    ("state", "finished"), [("done", True), ("reused", True), ("skipped", False), ("failed", False)]
)
def test_a_unit_is_finished_where_its_outputs_exist(state, finished):
    assert STATE.model_copy(update={"state": state}).is_finished is finished
