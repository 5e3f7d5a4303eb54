"""Recipes by name: those that came with the DAGs, files, and addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = "recipes"


def recipe_path(text: str) -> Path:
    """Find a recipe file: as it stands, else beside the DAGs that came with it."""
    path = Path(text)
    return path if path.is_absolute() or path.exists() else REPOSITORY / path


def recipe_address(text: str) -> str:
    """Give a recipe as the front door takes it: the path of a file, or its address as it is."""
    return text if "://" in text else str(recipe_path(text))


def plain_recipe(path: Path) -> Any:
    """Read a recipe's document by itself, without the types of a recipe.

    DAGs are read over and over, and the forms read all recipes: PyYAML's parser in C, where it is
    there, takes a tenth of the time of that in Python.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no text.
        yaml.YAMLError: It is no YAML.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), loader)


def installed_recipes() -> list[str]:
    """List the recipes that came with the DAGs, as the form names them."""
    found = []
    for path in sorted((REPOSITORY / FOLDER).glob("*.y*ml")):
        try:
            document = plain_recipe(path)
        except (OSError, yaml.YAMLError, ValueError):
            continue
        if isinstance(document, dict) and "seasons" in document:
            found.append(f"{FOLDER}/{path.name}")
    return found
