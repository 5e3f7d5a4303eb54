"""Where sun and satellite stood: the angle grids of ``MTD_TL.xml``.

Method: docs/methods/composites.md#view-angle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.product import Product
from landcover.products.markup import elements, read_xml
from landcover.products.metadata import BAND_IDS

Doubles = NDArray[np.float64]
Pair = tuple[Doubles, Doubles]

NODES, STEP_M = 23, 5000.0
"""Nodes along a side, and their distance in m, of the grids that ESA writes."""


@dataclass(frozen=True)
class ProductAngles:
    """The angles of a granule on the nodes of its metadata, degrees, NaN where not seen."""

    ulx: float
    """Easting of the first node, the corner of the tile, m."""
    uly: float
    """Northing of the first node, m."""
    step_m: float
    """Distance of the nodes, m."""
    sun: Pair
    """Zenith and azimuth, (row, column) each."""
    views: Mapping[str, Pair]
    """Band → zenith and azimuth by detector, (detector, row, column) each."""
    warnings: tuple[str, ...]
    """Which grids are missing, so that means stand for them, one sentence each."""


def granule_file(names: list[str]) -> str | None:
    """Find the granule's metadata among the files of a product folder.

    Args:
        names: Paths relative to the folder.

    Returns:
        ``GRANULE/…/MTD_TL.xml`` of a SAFE folder, ``granule_metadata.xml`` beside a STAC item, or
        None.
    """
    known = ("mtd_tl.xml", "granule_metadata.xml")
    found = sorted(name for name in names if name.lower().rpartition("/")[2] in known)
    return found[0] if found else None


def mean_angles(product: Product) -> ProductAngles | None:
    """Give the mean angles that a product names itself, on all nodes; None where it lacks one.

    They are those of flat products, which have no granule metadata.
    """
    means = product.sun_zenith, product.sun_azimuth, product.view_zenith, product.view_azimuth
    if product.offset_decision != "given" or None in means:
        return None
    grid = min((file.grid for file in product.files), key=lambda g: g.pixel)
    # The nodes reach beyond the raster, whatever its size.
    step_m = max(STEP_M, max(grid.shape) * grid.pixel / (NODES - 2))
    nodes = [np.full((NODES, NODES), mean, np.float64) for mean in means]
    view = nodes[2][np.newaxis], nodes[3][np.newaxis]
    return ProductAngles(
        ulx=grid.ulx,
        uly=grid.uly,
        step_m=step_m,
        sun=(nodes[0], nodes[1]),
        views={layer: view for layer in product.layers if layer in BAND_IDS},
        warnings=("its angles are means of the product.",),
    )


def read_angles(path: Path) -> ProductAngles:
    """Read the angles of ``MTD_TL.xml``.

    Where the file has no grid, its mean angle stands on all nodes, and a warning says so.

    Args:
        path: The file.

    Raises:
        InputError: The file is damaged, or has neither grid nor mean of an angle.
    """
    root = read_xml(path)
    place = _element(root, "Geoposition", path)
    warnings = []
    sun_grid = next(elements(root, "Sun_Angles_Grid"), None)
    steps: set[float] = set()
    if sun_grid is None:
        mean = _element(root, "Mean_Sun_Angle", path)
        sun = _everywhere(mean, (NODES, NODES), path)
        warnings.append("the metadata have no grid of sun angles; their mean is used.")
    else:
        sun = _pair(sun_grid, steps, path)
    shape = sun[0].shape
    detectors: dict[str, list[Pair]] = {}
    for grid in elements(root, "Viewing_Incidence_Angles_Grids"):
        detectors.setdefault(_band(grid, path), []).append(_pair(grid, steps, path))
    views = {
        band: (np.stack([zenith for zenith, _ in pairs]), np.stack([other for _, other in pairs]))
        for band, pairs in detectors.items()
    }
    lost = []
    for mean in elements(root, "Mean_Viewing_Incidence_Angle"):
        band = _band(mean, path)
        if band not in views or not np.isfinite(views[band]).any():
            zenith, azimuth = _everywhere(mean, shape, path)
            views[band] = zenith[np.newaxis], azimuth[np.newaxis]
            lost.append(band)
    if lost:
        bands = ", ".join(sorted(lost)) if len(lost) < len(BAND_IDS) else "any band"
        warnings.append(f"the metadata have no grid of view angles of {bands}; means are used.")
    return ProductAngles(
        ulx=_number(place, "ULX", path),
        uly=_number(place, "ULY", path),
        step_m=_one_step(steps, {pair[0].shape[-2:] for pair in (sun, *views.values())}, path),
        sun=sun,
        views=views,
        warnings=tuple(warnings),
    )


def _band(element: Element, path: Path) -> str:
    number = element.attrib.get("bandId", "")
    if not number.isdecimal() or int(number) >= len(BAND_IDS):
        raise InputError(f"{path}: angles of bandId {number!r}; expected 0 to {len(BAND_IDS) - 1}.")
    return BAND_IDS[int(number)]


def _pair(element: Element, steps: set[float], path: Path) -> Pair:
    return _nodes(element, "Zenith", steps, path), _nodes(element, "Azimuth", steps, path)


def _nodes(element: Element, name: str, steps: set[float], path: Path) -> Doubles:
    part = _element(element, name, path)
    for step in ("COL_STEP", "ROW_STEP"):
        steps.add(_number(part, step, path))
    rows = [(row.text or "").split() for row in elements(part, "VALUES")]
    try:
        nodes = np.array(rows, dtype=np.float64)
    except ValueError:
        nodes = np.empty(0)
    if nodes.ndim != 2 or min(nodes.shape) < 2:
        raise InputError(
            f"{path}: an angle grid ({name}) is not a table of numbers. Deliver the product again."
        )
    return nodes


def _everywhere(element: Element, shape: tuple[int, ...], path: Path) -> Pair:
    zenith, azimuth = (
        np.full(shape, _number(element, name, path)) for name in ("ZENITH_ANGLE", "AZIMUTH_ANGLE")
    )
    return zenith, azimuth


def _one_step(steps: set[float], shapes: set[tuple[int, ...]], path: Path) -> float:
    step = next(iter(steps), STEP_M)
    if len(steps) > 1 or len(shapes) > 1 or not (isfinite(step) and step > 0):
        raise InputError(
            f"{path}: its angle grids differ in step ({sorted(steps)} m) or size "
            f"({sorted(shapes)}); expected one above 0. Deliver the product again."
        )
    return step


def _element(root: Element, name: str, path: Path) -> Element:
    found = next(elements(root, name), None)
    if found is None:
        raise InputError(f"{path}: the element {name} is missing. Deliver the product again.")
    return found


def _number(root: Element, name: str, path: Path) -> float:
    text = _element(root, name, path).text or ""
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not isfinite(number):
        raise InputError(f"{path}: {name}: expected a number, found {text!r}.")
    return number
