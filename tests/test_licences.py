"""The page of licences is that of the lock."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    found = importlib.util.spec_from_file_location("licences", ROOT / "docs" / "licences.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_table_is_that_of_the_lock(licences: ModuleType) -> None:
    page = licences.PAGE.read_text(encoding="utf-8")
    assert licences.renewed(page) == page, "the lock changed: run `make licences`"


def test_every_package_that_we_ask_for_has_a_line(licences: ModuleType) -> None:
    page = licences.PAGE.read_text(encoding="utf-8")
    for package, part in licences.asked_for().items():
        assert f"| {package} | " in page, package
        assert f" | {part} |" in page
    for package in ("pyogrio", "shap", "pystac", "pillow"):
        assert f"| {package} | " in page


def test_a_missing_line_is_found(licences: ModuleType) -> None:
    page = licences.PAGE.read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if line.startswith("| pyogrio"))
    assert licences.renewed(page.replace(line + "\n", "")) == page
