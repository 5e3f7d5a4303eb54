"""What it takes to add a thing: each is added to a copy of the tree by the files that
CONTRIBUTING names, and is seen to work there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from landcover.simulate import simulate

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture
def tree(tmp_path):
    copy = tmp_path / "tree"
    for room in ("landcover", "plugins", "dags", "recipes"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def add_line(tree, file, line, *, before):
    """Put one line into a file of the copy."""
    path = tree / file
    text = path.read_text()
    assert text.count(before) == 1, f"{file}: {before!r}"
    path.write_text(text.replace(before, f"{line}\n{before}"))


def run(tree, code, *arguments):
    """Run Python with the copy instead of this tree."""
    paths = os.pathsep.join([str(tree), str(tree / "plugins")])
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        cwd=tree,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    return found.stdout


def test_a_label_format(tree, tmp_path):
    (tree / "landcover/labels/blanks.py").write_text(
        "import numpy as np, shapely\n"
        "from landcover.labels.features import Column, LabelFeatures\n"
        "def read_blanks(path, rule=None):\n"
        "    rows = [line.split() for line in path.read_text().splitlines()]\n"
        "    points = shapely.points([[float(x), float(y)] for x, y, _ in rows])\n"
        "    words = {'label': Column([word for *_, word in rows])}\n"
        "    return LabelFeatures(points, words, np.arange(1, len(rows) + 1), 'row')\n"
    )
    add_line(
        tree, "landcover/nouns/label_formats.py",
        '    Format("blanks", (".blanks",), _HERE + "blanks", "read_blanks"),',
        before=")  # fmt: skip",
    )  # fmt: skip
    (tmp_path / "mine.blanks").write_text("-4.0 36.5 forest\n-4.1 36.5 water\n")
    code = "import sys; from landcover import api; print(api.read_labels(sys.argv[1]).counts)"
    assert "'closedForest': 1" in run(tree, code, tmp_path / "mine.blanks")
    assert "'closedForest': 1" in run(tree, code, tmp_path)
    code = "from landcover.cli.run import command; command(['--help'])"
    assert "blanks (.blanks)" in " ".join(run(tree, code).split())


def test_a_kind_of_product(tree, tmp_path):
    (tree / "landcover/products/renamed.py").write_text(
        "from landcover.products.safe import read_safe\n"
        "import tempfile, pathlib\n"
        "def is_renamed(path):\n"
        "    return (path / 'PRODUCT.xml').is_file()\n"
        "def read_renamed(path):\n"
        "    folder = pathlib.Path(tempfile.mkdtemp()) / path.name\n"
        "    folder.mkdir()\n"
        "    for entry in path.iterdir():\n"
        "        name = entry.name.replace('PRODUCT.xml', 'MTD_MSIL2A.xml')\n"
        "        (folder / name).symlink_to(entry)\n"
        "    return read_safe(folder)\n"
    )
    add_line(
        tree, "landcover/nouns/product_kinds.py",
        '    ProductKind("renamed", "a renamed folder", "landcover.products.renamed",'
        ' "is_renamed", "read_renamed"),',
        before=")  # fmt: skip",
    )  # fmt: skip
    simulate(tmp_path / "site", tiles=("30SUF",))
    product = next((tmp_path / "site").rglob("MTD_MSIL2A.xml"))
    product.rename(product.with_name("PRODUCT.xml"))
    code = (
        "import sys, pathlib; from landcover.products.reading import read_product; "
        "print(read_product(pathlib.Path(sys.argv[1])).tile)"
    )
    assert run(tree, code, product.parent) == "30SUF\n"


def test_a_source(tree, tmp_path):
    (tree / "landcover/sources/shelf.py").write_text(
        "from landcover.sources.local import LocalSource\n"
        "def open_shelf(address, access):\n"
        "    return LocalSource(address.options['folder'])\n"
    )
    add_line(
        tree, "landcover/nouns/source_kinds.py",
        '    SourceKind("shelf", "a shelf", ("folder",), _HERE + "shelf", "open_shelf"),',
        before=")  # fmt: skip",
    )  # fmt: skip
    code = (
        "import sys; from landcover.sources.addresses import is_remote, open_source; "
        "print(is_remote('shelf'), open_source(f'shelf?folder={sys.argv[1]}').provider)"
    )
    assert run(tree, code, tmp_path) == f"True {tmp_path}\n"


def test_an_argument_of_a_run(tree):
    add_line(
        tree, "landcover/nouns/run_arguments.py",
        '    analyst: Annotated[str | None, Asked("Analyst", example="Ada", section=HOW)] = None\n'
        '    """Who asked for the map."""',
        before="class RunRequest(RunArguments):",
    )  # fmt: skip
    code = "from landcover.cli.run import command; command(['--help'])"
    assert "--analyst TEXT Who asked for the map, such as Ada." in " ".join(run(tree, code).split())
    code = (
        "from landcover_airflow.form import run_params; "
        "print(run_params()['analyst'].schema['description_md'])"
    )
    assert run(tree, code).endswith("Who asked for the map, such as Ada.\n")
    code = (
        "from landcover.pipeline.starting import resolve; "
        "_, known = resolve('recipes/mediterranean-rf.yaml', year=2021, products='google', "
        "tiles=['30SUF'], analyst='Ada'); print(known.to_document()['analyst'])"
    )
    assert run(tree, code) == "Ada\n"
    code = "import inspect; from landcover import api; print(inspect.signature(api.start_run))"
    assert "analyst" in run(tree, code)


def test_a_stage(tree, tmp_path):
    table = tree / "landcover/nouns/stages.py"
    table.write_text(
        table.read_text()
        .replace('"collect", "mask", "composite",', '"collect", "mask", "composite", "tally",', 1)
        .replace(
            '        StageRow("overlap",',
            '        StageRow("tally", "prepare", 1),\n        StageRow("overlap",',
        )
    )
    (tree / "landcover/stages/tally.py").write_text(
        "from landcover.nouns.output import Wanted\n"
        "from landcover.nouns.stages import version_of\n"
        "from landcover.stores import layout\n"
        "def tally(task):\n"
        "    for found in task.outputs_of('composite'):\n"
        "        wanted = Wanted(stage='tally', version=version_of('tally'), unit=found.unit,\n"
        "                        inputs={'composite': (found.id,)}, params={})\n"
        "        def make(path):\n"
        "            path.write_text(str(len(found.stats['layers'])))\n"
        "            return {'layers': len(found.stats['layers'])}\n"
        "        task.need(wanted, layout.tally(wanted.id), make)\n"
    )
    layout = tree / "landcover/stores/layout.py"
    layout.write_text(
        layout.read_text() + "\n\ndef tally(output_id):\n    return f'tallies/{output_id}.txt'\n"
    )
    simulate(tmp_path / "in", tiles=("30SUF",), pixels=240, only_usable=True)
    code = (
        "import os, sys; from landcover import api\n"
        "os.environ['LANDCOVER_WORKSPACE'] = sys.argv[2]\n"
        "for _ in range(2):\n"
        "    api.start_run('r', 'recipes/mediterranean-rf.yaml', year=2021,\n"
        "                  products=sys.argv[1], until='tally')\n"
        "    print(api.run_inline('r')['state'])\n"
        "made = api.open_workspace().records.find('outputs', {'wanted.stage': 'tally'})\n"
        "print(len(made), 'tallies,', made[0]['stats']['layers'] > 5)\n"
    )
    found = run(tree, code, tmp_path / "in" / "products", tmp_path / "workspace")
    assert found.split("\n")[-4:-1] == ["done", "done", "3 tallies, True"]
    assert "tally" in run(tree, "from landcover.cli.run import command; command(['--help'])")


def test_a_spectral_index(tree):
    add_line(
        tree, "landcover/nouns/spectral_index.py",
        '    SpectralIndex("ndci", ("B05", "B04")),',
        before=')\n\nSPECTRAL_INDICES',
    )  # fmt: skip
    add_line(
        tree, "landcover/raster/indices.py",
        '    # Mishra and Mishra 2012.\n    "ndci": {PAPER: _normalised_difference},',
        before='}\n"""Index → variant → formula."""',
    )  # fmt: skip
    code = (
        "import numpy as np; from landcover import api; from landcover.recipe import make_recipe\n"
        "from landcover.features.plan import plan_features\n"
        "from landcover.features.normalisation import NORMALISATION\n"
        "season = {'name': 'may', 'first_month': 5, 'last_month': 5}\n"
        "features = {'indices': ['ndci']}\n"
        "recipe = make_recipe({'name': 'x', 'seasons': [season], 'features': features})\n"
        "found, _ = plan_features(recipe, {'may': {'B04', 'B05'}}, has_terrain=False)\n"
        "bands = {'B05': np.array([0.3]), 'B04': np.array([0.1])}\n"
        "print(found.names[-1], api.spectral_index('NDCI', bands), NORMALISATION['ndci'])"
    )
    assert run(tree, code) == "may_ndci [0.5] None\n"


def test_a_kind_of_feature(tree):
    (tree / "landcover/features/brightness.py").write_text(
        "from dataclasses import dataclass\n"
        "from landcover.features.contract import Asked, Computation, Kind, Plane\n"
        "from landcover.features.reads import Layer\n"
        "@dataclass(frozen=True)\n"
        "class Brightness(Computation):\n"
        "    period: str\n"
        "    @property\n"
        "    def reads(self):\n"
        "        return tuple(Layer(self.period, band) for band in ('B02', 'B03', 'B04'))\n"
        "    def compute(self, block, origin):\n"
        "        blue, green, red = block.planes\n"
        "        return [blue + green + red]\n"
        "class BrightnessKind(Kind):\n"
        "    def asked(self, recipe, season):\n"
        "        return [Asked('brightness')]\n"
        "    def source(self, feature, recipe):\n"
        "        return Plane(Brightness(feature.period))\n"
        "KIND = BrightnessKind()\n"
    )
    add_line(
        tree, "landcover/nouns/feature_kind.py",
        '    KindRow("brightness", "brightness", "landcover.features.brightness", order=50),',
        before=')  # fmt: skip\n\nFEATURE_KINDS',
    )  # fmt: skip
    code = (
        "from landcover.recipe import make_recipe\n"
        "from landcover.features.plan import plan_features\n"
        "season = {'name': 'may', 'first_month': 5, 'last_month': 5}\n"
        "recipe = make_recipe({'name': 'x', 'seasons': [season]})\n"
        "for bands in ({'B02', 'B03', 'B04'}, {'B03', 'B04'}):\n"
        "    found, missing = plan_features(recipe, {'may': bands}, has_terrain=False)\n"
        "    print(found.names[-1], 'may_brightness' in missing)"
    )
    assert run(tree, code) == "may_brightness False\nmay_ri True\n"
