"""Every public name of the front door has an example, and every example is true.

Examples stand in docstrings. They run in a folder as ``landcover demo``
leaves one: a simulated region, the recipes, and a run of the name ``demo``.
"""

from __future__ import annotations

import doctest
import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from landcover import api

ROOT = Path(__file__).resolve().parents[1]
SEASONS = (
    "seasons=[{name: spring, primary_month: 3, fallback_month: 4}, "
    "{name: summer, primary_month: 6, fallback_month: 7}]"
)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        api.simulate(Path("region"), tiles=("30SUF",), points_per_class=12)
        api.start_run(
            "demo", "recipes/mediterranean-rf.yaml", year=2021, products="region/products",
            labels="region/labels.geojson", dem="region/dem", until="classify",
            overrides=[SEASONS, "model.trees=20"],
        )  # fmt: skip
        assert api.run_inline("demo")["state"] == "done"
        yield folder


def told_wrong(name: str, text: str) -> str:
    """Run the examples of a text; say what was not as it says."""
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    assert test.examples, f"{name} has no example"
    found: list[str] = []
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    doctest.DocTestRunner(optionflags=options).run(test, out=found.append)
    return "".join(found)


@pytest.mark.parametrize("name", api.__all__)
def test_examples_are_true(name: str, demo: Path) -> None:
    text = inspect.getdoc(getattr(api, name)) or ""
    assert not told_wrong(name, text)


def test_the_page_on_python_is_true(demo: Path) -> None:
    assert not told_wrong("python.md", (ROOT / "docs/python.md").read_text())


def test_a_false_example_is_told() -> None:
    assert "Expected:" in told_wrong("sum", ">>> 1 + 1\n3\n")
    with pytest.raises(AssertionError, match="silent has no example"):
        told_wrong("silent", "Says nothing.")
