"""Read what a product folder is, whichever of the known kinds it has."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from landcover.errors import InputError
from landcover.nouns.base import explain
from landcover.nouns.product import Product
from landcover.products.safe import is_safe, read_safe
from landcover.products.stac_item import find_item, read_stac_item


def is_product(path: Path) -> bool:
    """Tell whether a folder looks like a product."""
    return is_safe(path) or find_item(path) is not None


def read_product(path: Path) -> Product:
    """Read what a product is, without its pixels.

    Raises:
        InputError: The folder is of no known kind, or the product is damaged.
    """
    if not path.exists():
        raise InputError(f"{path}: no such product folder.")
    try:
        if is_safe(path):
            return read_safe(path)
        if find_item(path) is not None:
            return read_stac_item(path)
    except ValidationError as error:
        raise InputError(explain(error, str(path))) from error
    except (PermissionError, FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path}: cannot be read ({error}). Check the delivery.") from error
    raise InputError(
        f"{path}: neither a SAFE folder of Level-2A (no MTD_MSIL2A.xml) nor a folder with a STAC "
        "item. Level-1C and other layouts are not read."
    )
