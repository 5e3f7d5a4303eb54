"""The tables of feature kinds and indices: light, complete, and open to a row from outside."""

from __future__ import annotations

import subprocess
import sys

import pytest
from feature_kinds.rows import register

from landcover.errors import UsageError
from landcover.features.contract import Kind
from landcover.features.kinds import kind_of
from landcover.features.plan import wanted_features
from landcover.nouns.feature_kind import FEATURE_KINDS, KindRow
from landcover.nouns.model import Feature, feature_set
from landcover.nouns.spectral_index import PAPER_INDICES, SPECTRAL_INDICES
from landcover.raster.indices import FORMULAS
from landcover.recipe import make_recipe

LEAST = {"name": "x", "seasons": [{"name": "summer", "primary_month": 6, "fallback_month": 7}]}


@pytest.mark.parametrize("name", FEATURE_KINDS)
def test_every_row_leads_to_its_kind(name: str) -> None:
    row = FEATURE_KINDS[name]
    assert row.name == name
    assert row.title
    assert isinstance(kind_of(name), Kind)
    assert sys.modules[row.module].__doc__


def test_a_row_without_a_kind_behind_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FEATURE_KINDS, "odd", KindRow("odd", "odd", "landcover.features.reads"))
    with pytest.raises(TypeError, match=r"landcover.features.reads: expected KIND"):
        kind_of("odd")


def test_every_index_has_a_formula_for_each_of_its_variants() -> None:
    assert {name: set(row.variants) for name, row in SPECTRAL_INDICES.items()} == {
        name: set(variants) for name, variants in FORMULAS.items()
    }
    assert tuple(SPECTRAL_INDICES)[:9] == PAPER_INDICES


def test_parameters_enter_the_id_only_where_there_are_any() -> None:
    feature = Feature(name="summer_ndvi", period="summer", layer="ndvi", kind="index")
    plain = {"name": "summer_ndvi", "period": "summer", "layer": "ndvi", "kind": "index"}
    assert feature.to_document() == plain
    assert Feature.from_document(plain) == feature
    told = feature.model_copy(update={"parameters": {"radius": 3}})
    assert Feature.from_json(told.to_json()) == told
    ids = {feature_set([one]).id for one in (feature, told)}
    assert len(ids) == 2
    # The id that the set had before features had parameters.
    assert feature_set([feature]).id == "0e30e9641af55884"


def test_a_section_of_a_kind_is_checked_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = make_recipe(LEAST)
    with pytest.raises(UsageError, match=r"unknown key 'features.edge_mean'"):
        make_recipe({**LEAST, "features": {"edge_mean": {}}})
    register(monkeypatch)
    assert make_recipe({**LEAST, "features": {"edge_mean": None}}) == plain
    assert make_recipe({**LEAST, "features": {"edge_mean": None}}).to_json() == plain.to_json()
    for features, sentence in (
        ({"edge_men": {}}, r"unknown key 'features.edge_men'; did you mean 'edge_mean'\?"),
        ({"edge_mean": {"indx": "ndvi"}}, r"unknown key 'features.edge_mean.indx'"),
        ({"edge_mean": {"mean": 2}}, r"features.edge_mean.mean: Input should be greater"),
        ({"edge_mean": 3}, r"features.edge_mean"),
        ({"own_raster": {}}, r"the key 'features.own_raster.path' is missing"),
    ):
        with pytest.raises(UsageError, match=sentence):
            make_recipe({**LEAST, "features": features})
    made = make_recipe({**LEAST, "features": {"edge_mean": {"mean": 5}}})
    assert type(made).from_document(made.to_document()) == made
    assert [f.name for f in wanted_features(made) if f.kind == "edge_mean"] == ["summer_ndvi_edges"]


def test_the_tables_import_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from landcover.nouns.feature_kind import FEATURE_KINDS\n"
        "from landcover.nouns.spectral_index import SPECTRAL_INDICES\n"
        "import landcover.recipe\n"
        "print(len(FEATURE_KINDS), len(SPECTRAL_INDICES), *sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kinds, indices, *modules = found.stdout.split()
    assert (int(kinds), int(indices)) == (len(FEATURE_KINDS), 19)
    assert not set(modules) & {"numpy", "sklearn", "numba", "pandas", "scipy", "rasterio"}
