"""What a source offers to collect, and how a chosen product comes into the object store.

A product of this machine is used where it is. One of a remote source is fetched when it was
chosen, and published whole under its own key; its record is an output like any other, so a rerun
finds it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from landcover.errors import InputError, LandcoverError
from landcover.nouns.output import Output, Wanted
from landcover.nouns.period import Period
from landcover.nouns.product import Product
from landcover.parts.preparation.listings import kept_listing
from landcover.parts.task import Task
from landcover.products.manifest import check_manifest
from landcover.products.naming import parse_name
from landcover.products.reading import read_product
from landcover.sources.addresses import is_remote, open_source
from landcover.sources.local import LocalSource
from landcover.sources.protocol import Found, Source, Transferred
from landcover.stores import layout

VERSION = 1
"""Raised when other files of a product are fetched."""


@dataclass
class AvailableProducts:
    """What a source has for a tile and its periods."""

    products: dict[str, Product]
    """Name → product; one of a remote source has no files before it is fetched."""
    damaged: list[tuple[str, LandcoverError]]
    """Name and error of what cannot be used."""
    source: Source | None = None
    """The remote source; None where the products are here."""
    found: dict[str, Found] = field(default_factory=dict)
    """Name → what the remote source knows."""
    checksums: dict[str, str] = field(default_factory=dict)
    """href → SHA-256 of files that were fetched."""

    def damaged_in(self, period: Period) -> list[str]:
        """Say why products of a period cannot be used; those of a name without a date count."""
        dated = ((parse_name(name.partition(".")[0]), error) for name, error in self.damaged)
        return [str(e) for name, e in dated if name is None or period.has(name.datatake)]


def find_products(task: Task, tile: str, periods: Sequence[Period]) -> AvailableProducts:
    """Ask the run's source for the products of a tile."""
    address = task.run.arguments.products
    starts, ends = zip(*(period.hull for period in periods), strict=True)
    if not is_remote(address):
        listing = kept_listing(task, tile)
        products, damaged = LocalSource(address).products(tile, min(starts), max(ends), listing)
        return AvailableProducts({product.name: product for product in products}, damaged)
    available = AvailableProducts({}, [], open_source(address))
    if available.source is None:
        return available
    for found in available.source.search(tile, min(starts), max(ends)):
        earlier = available.found.get(found.name)
        if earlier is not None and earlier.generated > found.generated:
            continue
        try:
            # Some catalogues list a product twice, as two editions: the later one is meant.
            available.products[found.name] = found.as_product()
            available.found[found.name] = found
        except LandcoverError as error:
            available.damaged.append((found.name, error))
    return available


def fetch_product(task: Task, available: AvailableProducts, name: str) -> Product | None:
    """Give a chosen product with its files.

    Args:
        task: The task.
        available: What it was chosen from.
        name: Name of the product.

    Returns:
        The product; None where it turned out that it cannot be used: then it is no
        longer available, and its error is there.

    Raises:
        UnavailableError: The source does not answer.
        CancelledError: Somebody stopped the job.
    """
    found = available.found.get(name)
    try:
        if found is None or available.source is None:
            product = available.products[name]
            check_manifest(Path(product.path), _new_files(task, product), task.job.check)
        else:
            product = _with_files(task, available, available.source, found)
        _require_scl(product)
    except LandcoverError as error:
        if error.family not in ("input", "missing"):
            raise
        del available.products[name]
        available.found.pop(name, None)
        available.damaged.append((name, error))
        return None
    return product


def _with_files(task: Task, available: AvailableProducts, source: Source, found: Found) -> Product:
    wanted = Wanted(
        stage="collect",
        version=VERSION,
        unit=f"{found.tile}/{found.name}",
        inputs={},
        params={
            "product": found.name,
            "generated": found.generated.isoformat(),
            "source": task.run.arguments.products,
        },
    )
    key = layout.product(found.tile, found.name, wanted.id)
    # A task of its own: what the unit has at this stage are its selections.
    apart = replace(task, made=[], n_reused=0)
    output = apart.need(wanted, key, partial(_fetch, task, source, found, wanted.id))
    for file in output.files:
        available.checksums[task.href(output, file.name)] = file.sha256
    return _in_store(task, output)


def _new_files(task: Task, product: Product) -> list[Path]:
    """List the files that no record knows as they are now: the others were looked at before."""
    recorded = task.workspace.records.find("products", {"path": product.path})
    known = {(f["href"], *f["state"]) for document in recorded for f in document["files"]}
    new = []
    for file in product.files:
        try:
            status = Path(file.href).stat()
        except FileNotFoundError as error:
            raise InputError(f"{file.href}: has disappeared. Deliver the product again.") from error
        if (file.href, status.st_size, status.st_mtime_ns) not in known:
            new.append(Path(file.href))
    return new


def _require_scl(product: Product) -> None:
    if product.file("SCL") is None:
        raise InputError(
            f"{product.path}: the scene classification SCL is missing, so clouds cannot be "
            "masked. Deliver the product again."
        )


def _fetch(task: Task, source: Source, found: Found, output_id: str, path: Path) -> dict[str, Any]:
    # Beside the scratch path, whose name is new each time: a later attempt finds what came.
    waiting = path.parent / f"fetch-{output_id}"
    waiting.mkdir(parents=True, exist_ok=True)

    def tell(transferred: Transferred) -> None:
        task.job.progress(transferred.share, f"{found.name[:26]}: {transferred.describe()}")

    fetched = source.fetch(found, waiting, progress=tell, is_cancelled=task.job.is_cancelled)
    try:
        read_product(fetched)  # a delivery that cannot be read is not published
        path.mkdir(parents=True)
        _bring(fetched, path / fetched.name, waiting)
        product = read_product(path / fetched.name)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
    files = [
        {**file.to_document(), "href": str(Path(file.href).relative_to(path))}
        for file in product.files
    ]
    return {"product": {**product.to_document(), "path": fetched.name, "files": files}}


def _bring(fetched: Path, target: Path, waiting: Path) -> None:
    """Move what was fetched; of a folder of this machine, one source among several, copy it."""
    if waiting in fetched.parents:
        os.rename(fetched, target)
    elif fetched.is_dir():
        shutil.copytree(fetched, target)
    else:
        shutil.copy2(fetched, target)


def _in_store(task: Task, output: Output) -> Product:
    document = output.stats["product"]
    files = [{**f, "href": task.href(output, f["href"])} for f in document["files"]]
    path = task.href(output, document["path"])
    return Product.from_document({**document, "path": path, "files": files})
