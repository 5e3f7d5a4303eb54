"""Products in a folder of this machine: nothing is copied, the records point at the files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from landcover.errors import InputError, LandcoverError, MissingDataError
from landcover.nouns.product import Product
from landcover.nouns.product_kinds import listed
from landcover.nouns.source_kinds import DELIVERIES
from landcover.products.flat import told_outside
from landcover.products.flat_description import flat_files, is_flat
from landcover.products.naming import parse_name
from landcover.products.reading import is_product, read_product
from landcover.products.safe import is_marked_simulated
from landcover.products.stac_item import find_item
from landcover.sources.access import prefers_cheapest
from landcover.sources.cheapest import delivery_of
from landcover.sources.protocol import (
    Found,
    IsCancelled,
    Progress,
    ignore_progress,
    never_cancelled,
)

DEPTH = 4
"""Levels of subfolders that are searched: tile, year, month, day."""
_PACKED = (".zip", ".tar", ".tar.gz", ".tgz", ".7z")
_OLDEST = re.compile(r"S2[AB]_(USER|OPER)_PRD_MSIL2A_")


@dataclass(frozen=True)
class Listing:
    """Product folders that may be of one tile, and products of it that nobody has unpacked."""

    paths: tuple[Path, ...] = ()
    """Product folders by name; those that nobody can tell the tile of are there for every tile."""
    packed: tuple[Path, ...] = ()
    """Archives."""


class LocalSource:
    """A folder with products, directly or in subfolders, or a product itself.

    Subfolders are searched :data:`DEPTH` levels deep, so that folders by tile, or by year, month
    and day, are found. Products that are still packed are told, not read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"{folder}: the folder of products does not exist. Check --products.")

    @property
    def is_simulated(self) -> bool:
        """Tell whether the folder, or any product in it, says that it is simulated."""
        return self.says_simulated(self.paths())

    def says_simulated(self, paths: Iterable[Path]) -> bool:
        """Tell whether the folder, or any of its products that were listed, says so."""
        places = (self.folder, *self.folder.parents[:1])
        return any(map(is_marked_simulated, places)) or any(map(is_marked_simulated, paths))

    def probe(self, tile: str) -> None:
        """Nobody has to be asked: the folder is here."""

    def paths(self) -> Iterator[Path]:
        """List the product folders by name, those that are only named as products included."""
        if is_product(self.folder):
            yield self.folder
            return
        yield from flat_files(self.folder)
        yield from _below(self.folder, DEPTH)

    def packed(self) -> list[Path]:
        """List the products that nobody has unpacked, such as ``S2A_MSIL2A_….SAFE.zip``."""
        found = {path for place in self._places() for path in _archives(place)}
        return sorted(path for path in found if not _unpacked(path).is_dir())

    def _places(self) -> set[Path]:
        """List the folders that products lie in, and those of archives beside them."""
        folders = {self.folder}
        for _ in range(DEPTH - 1):
            inner = {f for place in folders for f in _folders(place) if not _may_be_product(f)}
            if inner <= folders:
                break
            folders |= inner
        return folders

    def by_tile(self) -> dict[str | None, Listing]:
        """Divide what lies here among its tiles, in one pass: tile, or None for no tile → listing.

        What names no tile is told to each that is looked up with :func:`listing_for`.
        """
        paths: dict[str | None, list[Path]] = {}
        for path in self.paths():
            paths.setdefault(_tile(path), []).append(path)
        packed: dict[str | None, list[Path]] = {}
        for path in self.packed():
            packed.setdefault(_tile_named(path), []).append(path)
        return {
            tile: Listing(tuple(paths.get(tile, ())), tuple(packed.get(tile, ())))
            for tile in {**paths, **packed}
        }

    def tiles(self, known: Mapping[str | None, Listing] | None = None) -> list[str]:
        """List the tiles that the folder has products of.

        Args:
            known: What :meth:`by_tile` found; the folder is listed where it is not given.

        Raises:
            MissingDataError: There is no product at all.
        """
        listings = self.by_tile() if known is None else known
        found = sorted(tile for tile, listing in listings.items() if tile and listing.paths)
        if found:
            return found
        packed = self.packed()
        if packed:
            raise MissingDataError(
                f"{self.folder}: {len(packed)} packed products, such as {packed[0].name}; unpack "
                "them, archives are not read."
            )
        raise MissingDataError(
            f"{self.folder}: no Sentinel-2 L2A product here. Expected {listed()}, in this folder "
            f"or up to {DEPTH} folders deep."
        )

    @property
    def provider(self) -> str:
        """Name of the folder."""
        return str(self.folder)

    def search(self, tile: str, start: datetime, end: datetime) -> list[Found]:
        """List the products of a tile with a datatake in [start, end), by datatake and name.

        What cannot be read is no product and is left out; :meth:`products` tells of it.
        """
        products, _ = self.products(tile, start, end)
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
        if not path.exists():
            raise MissingDataError(f"{path}: the product has disappeared. Deliver it again.")
        return path

    def products(
        self,
        tile: str,
        start: datetime | None = None,
        end: datetime | None = None,
        listing: Listing | None = None,
    ) -> tuple[list[Product], list[tuple[str, LandcoverError]]]:
        """Read the products of a tile.

        Args:
            tile: Tile id.
            start: First datatake, where only some are wanted; products whose name tells an
                earlier one are not opened.
            end: End of the datatakes, exclusive.
            listing: What is here of the tile; the folder is listed where it is not given.

        Returns:
            The products, and name and error of those that cannot be read or are there twice:
            they are told and left out, so that one damaged delivery does not stop a tile. Of two
            with one name, the one of the newer baseline is used, then the one generated later,
            then the one with more rasters, then the first by path. Where the cheapest delivery is
            asked for, GeoTIFFs come before JPEG 2000 of the same baseline.
        """
        products: dict[str, Product] = {}
        cheapest = prefers_cheapest()
        listed = listing_for(self.by_tile(), tile) if listing is None else listing
        damaged: list[tuple[str, LandcoverError]] = [
            (path.name, _is_packed(path)) for path in listed.packed
        ]
        for path in listed.paths:
            if start is not None and end is not None and _lies_outside(path, start, end):
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
                used, left, why = _better_copy(other, product, cheapest=cheapest)
                products[product.name] = used
                damaged.append((Path(left.path).name, _second_copy(left, used, why)))
        return list(products.values()), damaged


def listing_for(listings: Mapping[str | None, Listing], tile: str) -> Listing:
    """Give what may be of a tile: its own, and what nobody can tell the tile of, by path."""
    own, nameless = listings.get(tile, Listing()), listings.get(None, Listing())
    # Paths stay in the order in which they were listed: folder by folder, by name.
    return Listing(tuple(sorted({*own.paths, *nameless.paths})), own.packed)


def _lies_outside(path: Path, start: datetime, end: datetime) -> bool:
    name = parse_name(path.name)
    date = name.datatake if name else told_outside(path)[1] if is_flat(path) else None
    return date is not None and not start <= date < end


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


def _below(folder: Path, depth: int) -> Iterator[Path]:
    """List the products in a folder and its subfolders, down to a depth."""
    for path in _folders(folder):
        inside = [*flat_files(path)]
        if depth > 1 and not is_product(path):
            inside += _below(path, depth - 1)
        yield from inside
        if not inside and _may_be_product(path):
            yield path


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError:  # nobody may look into it: what is in it is not ours
        return []


def _archives(folder: Path) -> Iterator[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError:
        return
    for path in entries:
        if path.name.lower().endswith(_PACKED) and _tile_named(path) and path.is_file():
            yield path


def _unpacked(path: Path) -> Path:
    """Name the folder that an archive would be unpacked to."""
    stem = _stem(path)
    folder = path.with_name(stem)
    return folder if folder.is_dir() else path.with_name(f"{stem.removesuffix('.SAFE')}.SAFE")


def _stem(path: Path) -> str:
    return next(path.name[: -len(end)] for end in _PACKED if path.name.lower().endswith(end))


def _tile_named(path: Path) -> str | None:
    name = parse_name(_stem(path))
    return name.tile if name else None


def _is_packed(path: Path) -> InputError:
    return InputError(f"{path}: a product that is still packed; unpack it, archives are not read.")


def _may_be_product(path: Path) -> bool:
    """Tell whether a folder is a product, or has the name of one (and may be incomplete)."""
    # By name first: looking into a folder costs.
    return parse_name(path.name) is not None or _is_of_2016(path) or is_product(path)


def _is_of_2016(path: Path) -> bool:
    return _OLDEST.match(path.name) is not None


def _require_metadata(path: Path) -> None:
    if not is_product(path) and _is_of_2016(path):
        raise InputError(
            f"{path}: a product in the format of 2016 (PSD 13, several granules in one product), "
            "which is not read. The archive has the acquisition in a newer baseline; deliver that."
        )
    if not is_product(path):
        raise InputError(
            f"{path}: named as a Level-2A product, but no MTD_MSIL2A.xml is in it, so it is only "
            "partly uploaded. Deliver it again, or wait until it is whole."
        )


def _better_copy(
    first: Product, second: Product, *, cheapest: bool
) -> tuple[Product, Product, str]:
    """Choose between two products of one name: the one to use, the other one, and why."""
    fast = [cheapest and delivery_of(product) == DELIVERIES[0] for product in (first, second)]
    rules: tuple[tuple[str, float, float], ...] = (
        ("has the newer baseline", first.baseline, second.baseline),
        ("decodes faster", fast[0], fast[1]),
        ("was generated later", first.generated.timestamp(), second.generated.timestamp()),
        ("has more rasters", len(first.files), len(second.files)),
    )
    for why, a, b in rules:
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
    if _is_of_2016(path):
        return None
    if is_flat(path) and (told := told_outside(path)[0]):
        return told
    try:
        return read_product(path).tile if find_item(path) or is_product(path) else None
    except LandcoverError:
        return None
