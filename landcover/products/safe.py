"""SAFE folders of Sentinel-2 L2A, as ESA delivers them.

Method: docs/methods/products.md#layouts-on-disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.product import OffsetDecision, Product, ProductFile
from landcover.products.metadata import (
    GranuleMetadata,
    ProductMetadata,
    read_granule_metadata,
    read_product_metadata,
)
from landcover.products.naming import parse_name
from landcover.products.rasters import agree, product_file

FIRST_BASELINE_WITH_OFFSET = 400
BOA_OFFSET = -1000
_IMAGE = re.compile(r"_(?P<layer>B\d[\dA]|AOT|WVP|SCL)_(?P<resolution>10|20|60)m$", re.IGNORECASE)


SIMULATED_MARK = "SIMULATED.txt"
"""A file of this name in a product, or in the root of a folder of products, says that they are
simulated."""


def is_marked_simulated(path: Path) -> bool:
    """Tell whether a folder says of itself that no satellite has seen what it holds."""
    return (path / SIMULATED_MARK).is_file()


def is_safe(path: Path) -> bool:
    """Tell whether a folder is an L2A product: by its metadata file, whatever its name's case."""
    return path.is_dir() and _find(path, "mtd_msil2a.xml") is not None


def read_safe(path: Path) -> Product:
    """Read what a SAFE folder is, without its pixels.

    Raises:
        InputError: The folder is no L2A product, or a file in it is damaged. A raster that the
            product names and lacks is told in its warnings.
    """
    metadata_path = _find(path, "mtd_msil2a.xml")
    if metadata_path is None:
        raise InputError(f"{path}: no MTD_MSIL2A.xml, so this is not a Sentinel-2 L2A product.")
    metadata = read_product_metadata(metadata_path)
    granule_path = _granule(path)
    granule = read_granule_metadata(granule_path)
    images = _best_images(path, metadata)
    offsets, decision, warnings = _offsets(metadata, images, metadata_path)
    files = tuple(
        product_file(layer, image, scale=_scale(layer, metadata), offset=offsets.get(layer, 0))
        for layer, image in sorted(images.items())
    )
    if not files:
        raise InputError(f"{path}: the product holds no image files.")
    agree(path, files)
    name = parse_name(metadata.name) or parse_name(path.name)
    return Product(
        name=metadata.name,
        path=str(path),
        tile=granule.tile,
        spacecraft=metadata.spacecraft,
        datatake=metadata.datatake,
        relative_orbit=name.relative_orbit if name else metadata.relative_orbit,
        baseline=metadata.baseline,
        generated=metadata.generated,
        discriminator=name.discriminator if name else "",
        cloud_percent=_known(metadata.cloud_percent, "cloud", metadata_path),
        nodata_percent=_known(metadata.nodata_percent, "nodata", metadata_path),
        sun_zenith=granule.sun_zenith,
        sun_azimuth=granule.sun_azimuth,
        offset_decision=decision,
        files=files,
        warnings=(
            *warnings,
            *_absence_warnings(path, metadata, images),
            *_grid_warnings(files, granule),
        ),
    )


def _offsets(
    metadata: ProductMetadata, layers: Iterable[str], path: Path
) -> tuple[dict[str, int], OffsetDecision, tuple[str, ...]]:
    bands = [layer for layer in layers if layer.startswith("B")]
    if metadata.offsets is not None:
        lost = [band for band in bands if band not in metadata.offsets]
        if lost:
            raise InputError(
                f"{path}: the BOA_ADD_OFFSET list lacks {', '.join(sorted(lost))}, so their "
                "reflectance is not known. Deliver the product again."
            )
        return {band: metadata.offsets[band] for band in bands}, "metadata", ()
    if metadata.baseline < FIRST_BASELINE_WITH_OFFSET:
        return {}, "metadata", ()
    warning = (
        f"{metadata.name}: baseline {metadata.baseline} has no BOA_ADD_OFFSET list; "
        f"{BOA_OFFSET} is assumed."
    )
    return dict.fromkeys(bands, BOA_OFFSET), "baseline", (warning,)


def _scale(layer: str, metadata: ProductMetadata) -> float:
    if layer == "SCL":
        return 1.0
    if layer == "AOT":
        return metadata.aot_quantification
    return metadata.wvp_quantification if layer == "WVP" else metadata.boa_quantification


def _best_images(path: Path, metadata: ProductMetadata) -> dict[str, Path]:
    listed = [path / f"{image}.jp2" for image in metadata.images]
    # A list that names nothing present comes from another product: trust the folder instead.
    return _finest(
        [image for image in listed if image.is_file()]
        or sorted(p for p in path.glob("GRANULE/*/IMG_DATA/**/*.jp2") if p.name[0] != ".")
    )


def _finest(images: Iterable[Path]) -> dict[str, Path]:
    best: dict[str, tuple[int, Path]] = {}
    for image in images:
        match = _IMAGE.search(image.stem)
        if match is None:
            continue
        layer, resolution = match["layer"].upper(), int(match["resolution"])
        if layer not in best or resolution < best[layer][0]:
            best[layer] = (resolution, image)
    return {layer: image for layer, (_, image) in best.items()}


def _absence_warnings(
    path: Path, metadata: ProductMetadata, images: dict[str, Path]
) -> tuple[str, ...]:
    listed = _finest(path / f"{image}.jp2" for image in metadata.images)
    absent = [image.name for image in listed.values() if not image.is_file()]
    if not absent:
        return ()
    if len(absent) == len(listed):
        return (
            "none of the rasters that the metadata list is here; those in the folder are used.",
        )
    return (f"rasters that the metadata list are absent: {', '.join(sorted(absent))}.",)


def _grid_warnings(files: Iterable[ProductFile], granule: GranuleMetadata) -> tuple[str, ...]:
    warnings = []
    for file in files:
        claimed: Grid | None = granule.grids.get(round(file.grid.pixel))
        if claimed is not None and claimed != file.grid:
            warnings.append(
                f"{Path(file.href).name}: the raster is {file.grid.describe()}, its metadata "
                f"claim {claimed.describe()}; the raster is believed."
            )
    return tuple(warnings)


def _granule(path: Path) -> Path:
    folders = (folder for folder in sorted(path.glob("GRANULE/*")) if folder.is_dir())
    found = [file for folder in folders if (file := _find(folder, "mtd_tl.xml"))]
    if len(found) != 1:
        raise InputError(f"{path}: expected one granule with an MTD_TL.xml, found {len(found)}.")
    return found[0]


def _find(folder: Path, name: str) -> Path | None:
    return next((file for file in sorted(folder.iterdir()) if file.name.lower() == name), None)


def _known(percent: float | None, what: str, path: Path) -> float:
    if percent is None:
        raise InputError(f"{path}: no {what} percentage, so the product cannot be selected.")
    return percent
