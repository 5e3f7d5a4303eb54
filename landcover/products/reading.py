"""Read what a product folder is, whichever of the known kinds it has."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from landcover.errors import InputError
from landcover.nouns.base import explain
from landcover.nouns.product import Product
from landcover.nouns.product_kinds import KINDS, listed


def is_product(path: Path) -> bool:
    """Tell whether a folder looks like a product."""
    return any(row.recognises(path) for row in KINDS)


def read_product(path: Path) -> Product:
    """Read what a product is, without its pixels.

    Raises:
        InputError: The folder is of no known kind, or the product is damaged.
    """
    if not path.exists():
        raise InputError(f"{path}: no such product folder.")
    try:
        for row in KINDS:
            if row.recognises(path):
                product: Product = row.read(path)
                return product
    except ValidationError as error:
        raise InputError(explain(error, str(path))) from error
    except (PermissionError, FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path}: cannot be read ({error}). Check the delivery.") from error
    raise InputError(f"{path}: neither {listed('nor')}. Level-1C and other layouts are not read.")
