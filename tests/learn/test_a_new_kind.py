"""A kind of classifier is one file and one row: added in a copy of the library, it is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes" / "mediterranean-rf.yaml"

ROW = '''
class CentroidParameters(Noun):
    """How near counts as near."""

    temperature: float = Field(default=1.0, gt=0)
    """Squared distance over which a probability falls by 1/e."""


'''
ENTRY = """    ClassifierRow(
        "nearest-centroid", "nearest centroid", "Nearest Centroid",
        "landcover.learn.kinds.nearest_centroid", CentroidParameters,
        grid={"temperature": (0.5, 2.0)},
    ),
"""
FILE = '''"""Nearest centroid: the class whose mean is nearest, in units of the features' spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landcover.errors import InputError
from landcover.learn.arrays import names_in, open_arrays, write_arrays
from landcover.learn.kinds.contract import Classifier

_ARRAYS = ("classes", "centres", "scale", "shares", "temperature")


@dataclass(frozen=True, eq=False)
class Centroids:
    feature_names: tuple[str, ...]
    classes: np.ndarray
    centres: np.ndarray
    scale: np.ndarray
    shares: np.ndarray
    temperature: np.ndarray

    def __post_init__(self):
        k, d = self.classes.size, len(self.feature_names)
        numbers = (self.centres, self.scale, self.shares, self.temperature)
        shapes = [array.shape for array in numbers] == [(k, d), (d,), (k,), ()]
        if not shapes or any(a.dtype != np.float64 or not np.isfinite(a).all() for a in numbers):
            raise InputError("Centroids: expected finite means; the file is damaged.")
        ascend = np.all(np.diff(self.classes.astype(int)) > 0)
        if self.classes.dtype != np.uint8 or k < 2 or self.classes[0] == 0 or not ascend:
            raise InputError("Centroids: expected ascending class codes; the file is damaged.")


class NearestCentroid(Classifier):
    def fit(self, rows, parameters, *, seed, threads):
        weight = np.ones(len(rows.codes)) if rows.weights is None else rows.weights
        scale = rows.features.std(axis=0, dtype=np.float64)
        scale[scale == 0] = 1
        # A class weighs in by its share, so that the heavier of two in one place wins.
        classes = np.unique(rows.codes)
        return {
            "classes": classes,
            "centres": np.stack([
                np.average(rows.features[rows.codes == c], axis=0, weights=weight[rows.codes == c])
                for c in classes
            ]).astype(np.float64),
            "scale": scale,
            "shares": np.array([weight[rows.codes == c].sum() for c in classes]) / weight.sum(),
            "temperature": np.asarray(parameters.temperature, dtype=np.float64),
        }

    def pack(self, estimator, rows):
        return Centroids(rows.names, **estimator)

    def save(self, packed, file):
        arrays = {name: getattr(packed, name) for name in _ARRAYS}
        write_arrays(file, 1, packed.feature_names, arrays)

    def load(self, file):
        with open_arrays(file, 1, "centroids") as arrays:
            return Centroids(names_in(arrays), **{name: arrays[name] for name in _ARRAYS})

    def probabilities(self, packed, features):
        away = (features[:, None].astype(np.float64) - packed.centres) / packed.scale
        score = np.log(packed.shares) - (away**2).sum(axis=2) / packed.temperature
        score -= score.max(axis=1, keepdims=True)
        found = np.exp(score)
        return found / found.sum(axis=1, keepdims=True)

    def bytes_per_row(self, packed):
        return 8 * 3 * packed.centres.size


CLASSIFIER = NearestCentroid()
'''
MAKES_A_MAP = """
import json, sys
from pathlib import Path
from landcover import api
from landcover.simulate import simulate
from landcover.stores.models import read_card
from landcover.stores.rasters import read_array

region = simulate(Path("region"), tiles=("30SUF",), pixels=240, points_per_class=12, seed=5)
api.start_run(
    "centroids", sys.argv[1], year=region.year, products=str(region.products),
    labels=str(region.labels), dem=str(region.dem),
    overrides=["seasons=[{name: summer, primary_month: 6, fallback_month: 7}]",
               "model.kind=nearest-centroid", "model.search.grid.kind=[nearest-centroid]"],
)
report = api.run_inline("centroids")
assert report["state"] == "done", report
workspace = api.open_workspace()


def outputs(stage):
    return workspace.records.find("outputs", {"wanted.stage": stage})


model = next(o for o in outputs("train") if o["wanted"]["unit"] == "model")
card = read_card(Path(workspace.objects.href(model["key"], "")))
tile = outputs("classify")[0]
classes, _ = read_array(workspace.objects.href(tile["key"], "classification.tif"))
explained = json.loads(next(Path("workspace").rglob("explanation.json")).read_text())
stac = next(Path("workspace").rglob("model_item.json"))
print(json.dumps({
    "kind": card.kind,
    "parameters": card.parameters,
    "tried": [trial.settings for trial in card.search.trials],
    "classes": sorted(set(classes[classes > 0].tolist())),
    "codes": list(card.codes),
    "params": model["wanted"]["params"]["nearest_centroid"],
    "architecture": json.loads(stac.read_text())["properties"]["mlm:architecture"],
    "shapley": explained["features"],
    "permuted": explained["clusters"],
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library with the new kind: one new file, one row with its noun."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "landcover", folder / "landcover")
    (folder / "landcover/learn/kinds/nearest_centroid.py").write_text(FILE)
    table = folder / "landcover/nouns/classifiers.py"
    text = table.read_text()
    for mark, more in (
        ("@dataclass(frozen=True)\nclass Cl", ROW),
        (')  # fmt: skip\n"""All', ENTRY),
    ):
        assert text.count(mark) == 1
        text = text.replace(mark, more + mark)
    table.write_text(text)
    return folder


def python(copy: Path, *arguments: str, cwd: Path | None = None) -> str:
    path = os.pathsep.join([str(copy), str(ROOT / "plugins"), str(ROOT / "tests")])
    found = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd or copy,
        env={
            **os.environ,
            "PYTHONPATH": path,
            "LANDCOVER_WORKSPACE": str((cwd or copy) / "workspace"),
            "AIRFLOW_HOME": str(copy / "airflow"),
        },
        check=False,
    )
    assert found.returncode == 0, found.stderr[-3000:]
    return found.stdout


def landcover(copy: Path, *arguments: str) -> str:
    return python(copy, "-m", "landcover", *arguments)


def test_the_recipe_knows_it(copy: Path) -> None:
    chosen = (
        "--set",
        "model.kind=nearest-centroid",
        "--set",
        "model.nearest_centroid.temperature=3",
    )
    shown = json.loads(landcover(copy, "recipe", "check", str(RECIPE), *chosen, "--json"))
    assert shown["recipe"]["model"]["kind"] == "nearest-centroid"
    assert shown["recipe"]["model"]["nearest_centroid"] == {"temperature": 3.0}
    assert "## `nearest-centroid`: nearest centroid" in landcover(copy, "recipe", "kinds")
    assert "model.nearest_centroid.temperature" in landcover(copy, "recipe", "kinds")


def test_recipes_without_it_keep_their_id(copy: Path) -> None:
    for more in ((), ("--set", "model.search={}")):
        ids = [
            json.loads(landcover(where, "recipe", "check", str(RECIPE), *more, "--json"))["id"]
            for where in (copy, ROOT)
        ]
        assert ids[0] == ids[1]


def test_bench_and_form_list_it(copy: Path) -> None:
    code = "from landcover.bench.models import ENGINES; print(*ENGINES, sep='\\n')"
    assert "ours, nearest centroid" in python(copy, "-c", code).splitlines()
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'dags')!r})\n"
        "from landcover_airflow.form import run_params; print(run_params()['overrides'].schema)"
    )
    assert "nearest-centroid" in python(copy, "-c", code)


@pytest.mark.slow
def test_it_is_searched_explained_and_makes_a_map(copy: Path, tmp_path: Path) -> None:
    found = json.loads(python(copy, "-c", MAKES_A_MAP, str(RECIPE), cwd=tmp_path).splitlines()[-1])
    assert found["kind"] == "nearest-centroid"
    assert found["tried"] == [
        {},
        {"nearest_centroid.temperature": 0.5},
        {"nearest_centroid.temperature": 2.0},
    ]
    assert found["parameters"]["temperature"] in (0.5, 1.0, 2.0)
    assert len(found["classes"]) > 2
    assert set(found["classes"]) <= set(found["codes"])
    assert found["params"] == {"temperature": 1.0}
    assert found["architecture"] == "Nearest Centroid"
    assert found["shapley"] == []
    assert found["permuted"]


@pytest.mark.slow
def test_it_keeps_the_contract(copy: Path) -> None:
    tests = copy / "tests" / "learn"
    tests.mkdir(parents=True)
    shutil.copy(ROOT / "tests/learn/test_kinds.py", tests)
    (copy / "pytest.ini").write_text("[pytest]\n")
    shown = python(copy, "-m", "pytest", "-q", "tests", "-k", "nearest-centroid or fresh")
    assert " passed" in shown
