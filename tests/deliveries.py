"""Tiny products of tile 31UDS, delivered as STAC items with every pixel known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
from rasterio import Affine

ASSETS = {
    "coastal": "B01", "blue": "B02", "green": "B03", "red": "B04", "nir08": "B8A",
    "nir": "B08", "nir09": "B09", "swir16": "B11", "aot": "AOT", "scl": "SCL",
}  # fmt: skip
ULX, ULY = 501_360, 5_629_680


def angle_xml(sun: tuple[float, float], view: tuple[float, float], extra: str = "") -> str:
    """Granule metadata whose mean angles are all there is, unless more is given."""
    views = "".join(
        f'<Mean_Viewing_Incidence_Angle bandId="{n}"><ZENITH_ANGLE>{view[0]}</ZENITH_ANGLE>'
        f"<AZIMUTH_ANGLE>{view[1]}</AZIMUTH_ANGLE></Mean_Viewing_Incidence_Angle>"
        for n in range(13)
    )
    return (
        "<n1:T xmlns:n1='x'><TILE_ID>S2A_T31UDS_N05.09</TILE_ID>"
        "<SENSING_TIME>2021-06-01T10:00:00Z</SENSING_TIME>"
        "<HORIZONTAL_CS_CODE>EPSG:32631</HORIZONTAL_CS_CODE>"
        '<Size resolution="10"><NROWS>10980</NROWS><NCOLS>10980</NCOLS></Size>'
        f'<Geoposition resolution="10"><ULX>{ULX}</ULX><ULY>{ULY}</ULY>'
        "<XDIM>10</XDIM><YDIM>-10</YDIM></Geoposition>"
        f"<Mean_Sun_Angle><ZENITH_ANGLE>{sun[0]}</ZENITH_ANGLE>"
        f"<AZIMUTH_ANGLE>{sun[1]}</AZIMUTH_ANGLE></Mean_Sun_Angle>{views}{extra}</n1:T>"
    )


def deliver(
    folder: Path,
    day: int,
    layers: dict[str, np.ndarray],
    pixel: dict[str, int],
    xml: str | None,
    *,
    cloud: float = 1.0,
    month: str = "2021-06",
    sun: tuple[float, float] | None = None,
) -> None:
    """Write one product: digital numbers by layer, SCL included.

    Args:
        folder: Where its folder goes.
        day: Day of the month.
        layers: Layer → numbers, (y, x).
        pixel: Layer → pixel size, m; 20 where a layer is not named.
        xml: Granule metadata; None for none.
        cloud: Cloud that the item claims, %.
        month: Year and month.
        sun: Zenith and azimuth that the item tells, degrees; None for none.
    """
    date = f"{month}-{day:02d}"
    stamp = date.replace("-", "")
    name = f"S2A_MSIL2A_{stamp}T105619_N0509_R008_T31UDS_{stamp}T150000"
    place = folder / name
    place.mkdir(parents=True)
    for layer, values in layers.items():
        size = pixel.get(layer, 20)
        with rasterio.open(
            place / f"{layer}.tif",
            "w",
            driver="GTiff",
            width=values.shape[1],
            height=values.shape[0],
            count=1,
            dtype="uint8" if layer == "SCL" else "uint16",
            crs="EPSG:32631",
            transform=Affine(size, 0, ULX, 0, -size, ULY),
            blockysize=16,
        ) as raster:
            raster.write(values.astype(raster.dtypes[0]), 1)
    keys = {layer: key for key, layer in ASSETS.items()}
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "assets": {keys[layer]: {"href": f"{layer}.tif"} for layer in layers},
        "properties": {
            "s2:product_uri": f"{name}.SAFE",
            "s2:processing_baseline": "05.09",
            "earthsearch:boa_offset_applied": True,
            "grid:code": "MGRS-31UDS",
            "platform": "sentinel-2a",
            "datetime": f"{date}T10:56:19Z",
            "eo:cloud_cover": cloud,
            "s2:nodata_pixel_percentage": 0.0,
        },
    }
    if sun is not None:
        item["properties"] |= {"view:sun_elevation": 90 - sun[0], "view:sun_azimuth": sun[1]}
    (place / "item.json").write_text(json.dumps(item))
    if xml is not None:
        (place / "granule_metadata.xml").write_text(xml)
