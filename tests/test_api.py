"""What the front door shows: its public names, and nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import landcover
from landcover import api

ROOT = Path(__file__).resolve().parents[1]


def test_every_public_name_exists() -> None:
    assert api.__all__ == sorted(api.__all__)
    for name in api.__all__:
        assert callable(getattr(api, name)), name


def test_only_public_names_are_shown() -> None:
    for name in api.__all__:
        getattr(api, name)
    assert dir(api) == api.__all__
    with pytest.raises(AttributeError, match=r"landcover\.api has no 'restore'; it has accuracy, "):
        api.restore  # noqa: B018


def test_help_tells_the_public_names_only() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "import pydoc; from landcover import api; print(pydoc.plain("
         "pydoc.render_doc(api)))"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    functions = {
        line.split("(")[0].strip()
        for line in shown.partition("FUNCTIONS")[2].partition("\nDATA")[0].splitlines()
        if line.startswith("    ") and not line.startswith("     ") and "(" in line
    }
    assert functions == set(api.__all__)
    assert "import_module" not in shown
    assert "TYPE_CHECKING" not in shown


def test_type_checkers_know_the_same_names() -> None:
    tree = ast.parse((ROOT / "landcover/api.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    homes = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    told = {name: home for name, home in homes.items() if name in api.__all__}
    for node in block.body:
        if isinstance(node, ast.Assign):
            # spectral_index = adapted(indices.spectral_index, ROWS["spectral_index"])
            assert isinstance(node.value, ast.Call)
            module, name = ast.unparse(node.value.args[0]).split(".")
            assert ast.unparse(node.targets[0]) == name
            assert ast.unparse(node.value.args[1]) == f"ROWS['{name}']"
            told[name] = f"{homes[module]}.{name}"
    assert told == {name: f"landcover.{home}.{name}" for name, home in api._HOME.items()}


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert landcover.__version__ == project["version"]
    with pytest.raises(AttributeError, match="has no attribute 'versions'"):
        landcover.versions  # type: ignore[attr-defined]  # noqa: B018
