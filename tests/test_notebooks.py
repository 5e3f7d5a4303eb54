"""The notebooks run from the first cell to the last, and end in a number and a figure."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import dask
import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for all: region and run of the first notebook serve the others."""
    found = tmp_path_factory.mktemp("notebooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(found)
        patch.setenv("LANDCOVER_WORKSPACE", str(found / "workspace"))
        mpl.use("Agg")
        # A pool of threads of its own would outlive the test.
        with dask.config.set(scheduler="synchronous"):
            yield found


def code_of(path: Path) -> list[str]:
    cells = json.loads(path.read_text())["cells"]
    assert cells[0]["cell_type"] == "markdown", "a notebook begins by saying what it shows"
    assert not any(cell.get("outputs") for cell in cells), "outputs are not kept"
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_there_is_one_for_each_component() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "1-a-first-map", "2-masks", "3-composites-and-gaps", "4-features", "5-dataset",
        "6-support-vectors", "7-maps",
    ]  # fmt: skip


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_ends_in_a_number_and_a_figure(path: Path, folder: Path) -> None:
    plt.close("all")
    cells = code_of(path)
    asserted = [node for node in ast.walk(ast.parse(cells[-1])) if isinstance(node, ast.Assert)]
    assert any(isinstance(node.test, ast.Compare)
               for node in asserted), "the last cell asserts nothing about a number"  # fmt: skip
    namespace: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"{path.name}[{number}]", "exec"), namespace)
    figure = plt.gcf()
    picture = folder / f"{path.stem}.png"
    figure.savefig(picture, dpi=60)
    assert picture.stat().st_size > 3000
    plt.close("all")
