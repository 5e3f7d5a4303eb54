"""Products in a folder of this machine: nothing is copied, the records point at the files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from landcover.errors import InputError, LandcoverError, MissingDataError
from landcover.nouns.product import Product
from landcover.products.naming import parse_name
from landcover.products.reading import is_product, read_product
from landcover.products.safe import is_marked_simulated
from landcover.products.stac_item import find_item
from landcover.sources.protocol import (
    Found,
    IsCancelled,
    Progress,
    ignore_progress,
    never_cancelled,
)


class LocalSource:
    """A folder with products, directly or in one level of subfolders, or a product itself."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"{folder}: the folder of products does not exist. Check --products.")

    @property
    def is_simulated(self) -> bool:
        """Tell whether the folder, or any product in it, says that it is simulated."""
        places = (self.folder, *self.folder.parents[:1])
        return any(map(is_marked_simulated, places)) or any(map(is_marked_simulated, self.paths()))

    def paths(self) -> Iterator[Path]:
        """List the product folders by name, those that are only named as products included."""
        if is_product(self.folder):
            yield self.folder
            return
        for path in sorted(p for p in self.folder.iterdir() if p.is_dir()):
            if is_product(path):
                yield path
                continue
            inside = [p for p in sorted(path.iterdir()) if p.is_dir() and _may_be_product(p)]
            yield from inside
            if not inside and _may_be_product(path):
                yield path

    def tiles(self) -> list[str]:
        """List the tiles that the folder has products of.

        Raises:
            MissingDataError: There is no product at all.
        """
        found = sorted({tile for path in self.paths() if (tile := _tile(path))})
        if not found:
            raise MissingDataError(
                f"{self.folder}: no Sentinel-2 L2A product here. Expected SAFE folders "
                "(with MTD_MSIL2A.xml) or folders with a STAC item."
            )
        return found

    @property
    def provider(self) -> str:
        """Name of the folder."""
        return str(self.folder)

    def search(self, tile: str, start: datetime, end: datetime) -> list[Found]:
        """List the products of a tile with a datatake in [start, end), by datatake and name.

        What cannot be read is no product and is left out; :meth:`products` tells of it.
        """
        products, _ = self.products(tile)
        found = [_found(product, self.provider) for product in products]
        inside = (f for f in found if start <= f.datatake < end)
        return sorted(inside, key=lambda f: (f.datatake, f.name))

    def fetch(
        self,
        found: Found,
        folder: Path,
        *,
        progress: Progress = ignore_progress,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> Path:
        """Give the product's folder where it is: nothing is copied."""
        path = Path(found.href)
        if not path.is_dir():
            raise MissingDataError(f"{path}: the product was here and is gone. Deliver it again.")
        return path

    def products(self, tile: str) -> tuple[list[Product], list[tuple[str, LandcoverError]]]:
        """Read the products of a tile.

        Returns:
            The products, and name and error of those that cannot be read or are there twice:
            they are told and left out, so that one damaged delivery does not stop a tile. Of two
            with one name, the one of the newer baseline is used, then the one generated later,
            then the one with more rasters, then the first by path.
        """
        products: dict[str, Product] = {}
        damaged: list[tuple[str, LandcoverError]] = []
        for path in self.paths():
            named = _tile(path)
            if named is not None and named != tile:
                continue
            try:
                _require_metadata(path)
                product = read_product(path)
            except LandcoverError as error:
                damaged.append((path.name, error))
                continue
            if product.tile != tile:
                continue
            other = products.setdefault(product.name, product)
            if other is not product:
                used, left, why = _better_copy(other, product)
                products[product.name] = used
                damaged.append((Path(left.path).name, _second_copy(left, used, why)))
        return list(products.values()), damaged


def _found(product: Product, provider: str) -> Found:
    return Found(
        name=product.name,
        tile=product.tile,
        spacecraft=product.spacecraft,
        datatake=product.datatake,
        relative_orbit=product.relative_orbit,
        baseline=product.baseline,
        generated=product.generated,
        discriminator=product.discriminator,
        cloud_percent=product.cloud_percent,
        nodata_percent=product.nodata_percent,
        href=product.path,
        provider=provider,
    )


def _may_be_product(path: Path) -> bool:
    """Tell whether a folder is a product, or has the name of one: then it may be half uploaded."""
    return is_product(path) or parse_name(path.name) is not None


def _require_metadata(path: Path) -> None:
    if not is_product(path):
        raise InputError(
            f"{path}: named as a Level-2A product, but no MTD_MSIL2A.xml is in it, so it is half "
            "uploaded. Deliver it again, or wait until it is whole."
        )


def _better_copy(first: Product, second: Product) -> tuple[Product, Product, str]:
    """Choose between two products of one name: the one to use, the other one, and why."""
    for why, a, b in (
        ("has the newer baseline", first.baseline, second.baseline),
        ("was generated later", first.generated.timestamp(), second.generated.timestamp()),
        ("has more rasters", len(first.files), len(second.files)),
    ):
        if a != b:
            return (first, second, why) if a > b else (second, first, why)
    return first, second, "comes first and claims the same generation"


def _second_copy(copy: Product, used: Product, why: str) -> InputError:
    return InputError(
        f"{copy.path}: a second copy of {copy.name}; that in {used.path} {why} and is used. "
        "Keep one."
    )


def _tile(path: Path) -> str | None:
    name = parse_name(path.name)
    if name is not None:
        return name.tile
    try:
        return read_product(path).tile if find_item(path) or is_product(path) else None
    except LandcoverError:
        return None
