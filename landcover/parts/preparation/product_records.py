"""Records of products: what each is made of, named by the checksums of its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.ledger.outputs import sha256_of
from landcover.nouns.output import hash_of
from landcover.nouns.product import Product
from landcover.parts.task import Task


def record_product(task: Task, product: Product, checksums: Mapping[str, str] | None = None) -> str:
    """Write the record of a product and name it by its files' checksums.

    The checksums of files that have not changed (size and time) are taken from the last record.
    Offset and scale are part of the name: metadata may be corrected without touching a raster.
    So are layer, band, nodata and mean angles where a person or the files' tags tell them.

    Args:
        task: The task.
        product: What is recorded.
        checksums: href → SHA-256 of files in the object store, which knows them.
    """
    known = _checksums(task, product)
    given = checksums or {}
    files: list[dict[str, Any]] = []
    content: list[tuple[Any, ...]] = []
    states: dict[str, tuple[list[int], str]] = {}
    for file in product.files:
        if file.href not in states:
            states[file.href] = _state(file.href, known, given)
        state, checksum = states[file.href]
        files.append({"href": file.href, "state": state, "sha256": checksum})
        meaning = () if file.band is None else (file.layer, file.band, file.nodata)
        content.append((Path(file.href).name, checksum, file.offset, file.scale, *meaning))
        task.job.check()
    product_id = hash_of([product.name, sorted(content), *described_angles(product)])
    document = {"_id": product_id, "path": product.path, "product": product.to_document()}
    task.workspace.records.replace_one("products", {**document, "files": files})
    return product_id


def described_angles(product: Product) -> list[dict[str, float]]:
    """List the angles that a person or a tag tells of a product; nothing where metadata do."""
    names = ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")
    known = {name: value for name in names if (value := getattr(product, name)) is not None}
    return [known] if known and product.offset_decision == "given" else []


def load_product(task: Task, product_id: str) -> Product:
    """Load a recorded product."""
    document = task.workspace.records.get("products", product_id)
    if document is None:
        raise InputError(f"Product {product_id} is not in the records. Run collect again.")
    return Product.from_document(document["product"])


def _state(
    href: str, known: Mapping[str, tuple[list[int], str]], given: Mapping[str, str]
) -> tuple[list[int], str]:
    if href in given:
        return [], given[href]
    status = Path(href).stat()
    state = [status.st_size, status.st_mtime_ns]
    before = known.get(href)
    return state, before[1] if before and before[0] == state else sha256_of(Path(href))


def _checksums(task: Task, product: Product) -> dict[str, tuple[list[int], str]]:
    found = task.workspace.records.find("products", {"path": product.path})
    return {f["href"]: (f["state"], f["sha256"]) for document in found for f in document["files"]}
