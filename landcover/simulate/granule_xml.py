"""MTD_TL.xml: what ESA says about the one granule of a product."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from pyproj import Transformer

from landcover.nouns.grid import Grid
from landcover.simulate.markup import add, instant, root, save, section
from landcover.simulate.noise import Field
from landcover.simulate.product_xml import BAND_IDS, ProductIdentity
from landcover.simulate.sky import Sun, sun_at

ANGLE_STEP_M = 5_000
"""Step of the grids of angles, m."""
ANGLE_NODES = 23
"""Nodes along a side of such a grid."""
_VIEW = {None: (3.4, 150.0), "west": (9.2, 104.0), "east": (9.6, 285.0)}
"""Mean view zenith and azimuth, degrees, by the side on which the swath ends: its edge sees most
obliquely."""


def write_granule_xml(
    path: Path, identity: ProductIdentity, window: Grid, sun: Sun, shares: dict[str, float]
) -> None:
    """Write the metadata of a granule.

    Args:
        path: File to make.
        identity: Names and times.
        window: 10 m grid of the pixels.
        sun: Mean angles.
        shares: Percentages of the scene classification.
    """
    document = root("Level-2A_Tile_ID", "S2_PDI_Level-2A_Tile_Metadata.xsd")
    general = section(document, "General_Info")
    ending = f"A{identity.acquisition.absolute_orbit:06d}_T{identity.tile}"
    add(general, "TILE_ID", identity.granule_id("TL", ending), metadataLevel="Brief")
    datastrip = identity.granule_id("DS", f"S{identity.sensed:%Y%m%dT%H%M%S}")
    add(general, "DATASTRIP_ID", datastrip, metadataLevel="Standard")
    add(general, "DOWNLINK_PRIORITY", "NOMINAL", metadataLevel="Standard")
    add(general, "SENSING_TIME", instant(identity.sensed), metadataLevel="Standard")
    geometric = section(document, "Geometric_Info")
    _geocoding(geometric, window)
    _angles(geometric, identity, window, sun)
    quality = section(document, "Quality_Indicators_Info")
    content = add(quality, "Image_Content_QI", metadataLevel="Standard")
    for name, share in shares.items():
        add(content, name, f"{share:.6f}")
    save(document, path)


def _geocoding(geometric: Element, window: Grid) -> None:
    geocoding = add(geometric, "Tile_Geocoding", metadataLevel="Brief")
    code = int(window.crs.removeprefix("EPSG:"))
    zone = f"{code % 100}{'N' if code < 32700 else 'S'}"
    add(geocoding, "HORIZONTAL_CS_NAME", f"WGS84 / UTM zone {zone}")
    add(geocoding, "HORIZONTAL_CS_CODE", window.crs)
    for pixel in (10, 20, 60):
        size = add(geocoding, "Size", resolution=str(pixel))
        add(size, "NROWS", window.height * 10 // pixel)
        add(size, "NCOLS", window.width * 10 // pixel)
    for pixel in (10, 20, 60):
        position = add(geocoding, "Geoposition", resolution=str(pixel))
        for name, value in (
            ("ULX", int(window.ulx)),
            ("ULY", int(window.uly)),
            ("XDIM", pixel),
            ("YDIM", -pixel),
        ):
            add(position, name, value)


def _angles(geometric: Element, identity: ProductIdentity, window: Grid, sun: Sun) -> None:
    angles = add(geometric, "Tile_Angles", metadataLevel="Standard")
    grid = add(angles, "Sun_Angles_Grid")
    x, y = np.meshgrid(
        window.ulx + ANGLE_STEP_M * np.arange(ANGLE_NODES),
        window.uly - ANGLE_STEP_M * np.arange(ANGLE_NODES),
    )
    to_degrees = Transformer.from_crs(window.crs, "EPSG:4326", always_xy=True)
    fields = sun_at(identity.sensed, *to_degrees.transform(x, y))
    for name, field in zip(("Zenith", "Azimuth"), fields, strict=True):
        _grid_of_angles(add(grid, name), field)
    mean = add(angles, "Mean_Sun_Angle")
    add(mean, "ZENITH_ANGLE", f"{sun.zenith:.6f}", unit="deg")
    add(mean, "AZIMUTH_ANGLE", f"{sun.azimuth:.6f}", unit="deg")
    views = add(angles, "Mean_Viewing_Incidence_Angle_List")
    zenith, azimuth = _VIEW[identity.acquisition.wedge]
    for number in range(len(BAND_IDS)):
        view = add(views, "Mean_Viewing_Incidence_Angle", bandId=str(number))
        add(view, "ZENITH_ANGLE", f"{zenith + 0.02 * number:.4f}", unit="deg")
        add(view, "AZIMUTH_ANGLE", f"{azimuth - 0.15 * number:.4f}", unit="deg")


def _grid_of_angles(parent: Element, field: Field) -> None:
    add(parent, "COL_STEP", ANGLE_STEP_M, unit="m")
    add(parent, "ROW_STEP", ANGLE_STEP_M, unit="m")
    rows = add(parent, "Values_List")
    for row in field:
        add(rows, "VALUES", " ".join(f"{value:.4f}" for value in row))
