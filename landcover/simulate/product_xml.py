"""MTD_MSIL2A.xml: what ESA says about a whole product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from landcover.simulate.acquisitions import Acquisition
from landcover.simulate.markup import add, instant, root, save, section

BAND_IDS = (
    "B01",
    "B02",
    "B03",
    "B04",
    "B05",
    "B06",
    "B07",
    "B08",
    "B8A",
    "B09",
    "B10",
    "B11",
    "B12",
)
"""Band of each ``band_id`` of the metadata."""
OFFSET_SINCE = 400
"""Processing baseline from which digital numbers carry an offset."""
OFFSET = -1000
"""What must be added to a digital number of such a product, in every band."""
SCL_SHARES = {
    "SATURATED_DEFECTIVE_PIXEL_PERCENTAGE": 1,
    "DARK_FEATURES_PERCENTAGE": 2,
    "CLOUD_SHADOW_PERCENTAGE": 3,
    "VEGETATION_PERCENTAGE": 4,
    "NOT_VEGETATED_PERCENTAGE": 5,
    "WATER_PERCENTAGE": 6,
    "UNCLASSIFIED_PERCENTAGE": 7,
    "MEDIUM_PROBA_CLOUDS_PERCENTAGE": 8,
    "HIGH_PROBA_CLOUDS_PERCENTAGE": 9,
    "THIN_CIRRUS_PERCENTAGE": 10,
    "SNOW_ICE_PERCENTAGE": 11,
}
"""Name of the percentage of each SCL class, of the valid pixels."""


@dataclass(frozen=True)
class ProductIdentity:
    """The names and times that folder, file names and metadata of one product share."""

    acquisition: Acquisition
    """Where its pixels come from."""
    tile: str
    """Tile id."""
    baseline: int
    """Processing baseline, 05.09 as 509."""
    generated: datetime
    """When it was (said to be) processed, UTC."""
    sensed: datetime
    """When the tile itself was seen, UTC."""

    @property
    def name(self) -> str:
        """Product name without ``.SAFE``."""
        seen = self.acquisition
        return (
            f"{seen.spacecraft}_MSIL2A_{seen.datatake:%Y%m%dT%H%M%S}_N{self.baseline:04d}"
            f"_R{seen.relative_orbit:03d}_T{self.tile}_{self.generated:%Y%m%dT%H%M%S}"
        )

    @property
    def granule(self) -> str:
        """Name of the granule's folder."""
        orbit = self.acquisition.absolute_orbit
        return f"L2A_T{self.tile}_A{orbit:06d}_{self.sensed:%Y%m%dT%H%M%S}"

    @property
    def baseline_text(self) -> str:
        """Processing baseline as the metadata write it, ``05.09``."""
        return f"{self.baseline // 100:02d}.{self.baseline % 100:02d}"

    @property
    def offset(self) -> int:
        """What turns digital numbers into reflectance × 10,000 by adding."""
        return OFFSET if self.baseline >= OFFSET_SINCE else 0

    def granule_id(self, what: str, ending: str) -> str:
        """Name the granule or datastrip as ground segments do."""
        return (
            f"{self.acquisition.spacecraft}_OPER_MSI_L2A_{what}_2APS_"
            f"{self.generated:%Y%m%dT%H%M%S}_{ending}_N{self.baseline_text}"
        )


def shares_of(scl: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Compute the percentages of a scene classification.

    Args:
        scl: SCL 0-11, uint8, (y, x).

    Returns:
        ``NODATA_PIXEL_PERCENTAGE`` of all pixels, every other class of the valid pixels, and
        ``CLOUDY_PIXEL_PERCENTAGE`` (medium, high and cirrus) of the valid pixels.
    """
    counts = np.bincount(scl.ravel(), minlength=12)
    valid = max(int(counts[1:].sum()), 1)
    shares = {name: 100.0 * int(counts[code]) / valid for name, code in SCL_SHARES.items()}
    cloudy = 100.0 * int(counts[8:11].sum()) / valid
    nodata = 100.0 * int(counts[0]) / scl.size
    return {"CLOUDY_PIXEL_PERCENTAGE": cloudy, "NODATA_PIXEL_PERCENTAGE": nodata, **shares}


def write_product_xml(
    path: Path,
    identity: ProductIdentity,
    images: Sequence[str],
    shares: dict[str, float],
    footprint: Sequence[tuple[float, float]],
) -> None:
    """Write the metadata of a product.

    Args:
        path: File to make.
        identity: Names and times.
        images: Image files, relative to the product, without ``.jp2``.
        shares: Percentages as `shares_of` gives them.
        footprint: Closed ring of (longitude, latitude) around the valid pixels.
    """
    document = root("Level-2A_User_Product", "User_Product_Level-2A.xsd")
    general = section(document, "General_Info")
    _product_info(general, identity, images)
    _image_characteristics(general, identity)
    outline = add(section(document, "Geometric_Info"), "Product_Footprint")
    ring = add(add(outline, "Product_Footprint"), "Global_Footprint")
    add(ring, "EXT_POS_LIST", " ".join(f"{lat:.12g} {lon:.12g}" for lon, lat in footprint))
    quality = section(document, "Quality_Indicators_Info")
    add(quality, "Cloud_Coverage_Assessment", f"{shares['CLOUDY_PIXEL_PERCENTAGE']:.6f}")
    technical = add(quality, "Technical_Quality_Assessment")
    add(technical, "DEGRADED_ANC_DATA_PERCENTAGE", "0.0")
    add(technical, "DEGRADED_MSI_DATA_PERCENTAGE", "0")
    content = add(quality, "Image_Content_QI")
    for name, share in shares.items():
        if name != "CLOUDY_PIXEL_PERCENTAGE":
            add(content, name, f"{share:.6f}")
    save(document, path)


def _product_info(general: Element, identity: ProductIdentity, images: Sequence[str]) -> None:
    seen, baseline = identity.acquisition, identity.baseline_text
    info = add(general, "Product_Info")
    add(info, "PRODUCT_START_TIME", instant(seen.datatake))
    add(info, "PRODUCT_STOP_TIME", instant(seen.datatake))
    add(info, "PRODUCT_URI", f"{identity.name}.SAFE")
    add(info, "PROCESSING_LEVEL", "Level-2A")
    add(info, "PRODUCT_TYPE", "S2MSI2A")
    add(info, "PROCESSING_BASELINE", baseline)
    add(info, "GENERATION_TIME", instant(identity.generated))
    identifier = f"G{seen.spacecraft}_{seen.datatake:%Y%m%dT%H%M%S}"
    identifier += f"_{seen.absolute_orbit:06d}_N{baseline}"
    take = add(info, "Datatake", datatakeIdentifier=identifier)
    add(take, "SPACECRAFT_NAME", f"Sentinel-{seen.spacecraft[1:]}")
    add(take, "DATATAKE_TYPE", "INS-NOBS")
    add(take, "DATATAKE_SENSING_START", instant(seen.datatake))
    add(take, "SENSING_ORBIT_NUMBER", seen.relative_orbit)
    add(take, "SENSING_ORBIT_DIRECTION", "DESCENDING")
    options = add(info, "Query_Options", completeSingleTile="true")
    add(options, "PRODUCT_FORMAT", "SAFE_COMPACT")
    granule = add(
        add(add(info, "Product_Organisation"), "Granule_List"),
        "Granule",
        datastripIdentifier=identity.granule_id("DS", f"S{identity.sensed:%Y%m%dT%H%M%S}"),
        granuleIdentifier=identity.granule_id("TL", f"A{seen.absolute_orbit:06d}_T{identity.tile}"),
        imageFormat="JPEG2000",
    )
    for image in images:
        add(granule, "IMAGE_FILE", image)


def _image_characteristics(general: Element, identity: ProductIdentity) -> None:
    image = add(general, "Product_Image_Characteristics")
    for text, index in (("NODATA", 0), ("SATURATED", 65535)):
        special = add(image, "Special_Values")
        add(special, "SPECIAL_VALUE_TEXT", text)
        add(special, "SPECIAL_VALUE_INDEX", index)
    scales = add(image, "QUANTIFICATION_VALUES_LIST")
    add(scales, "BOA_QUANTIFICATION_VALUE", "10000", unit="none")
    add(scales, "AOT_QUANTIFICATION_VALUE", "1000.0", unit="none")
    add(scales, "WVP_QUANTIFICATION_VALUE", "1000.0", unit="cm")
    if identity.offset:
        offsets = add(image, "BOA_ADD_OFFSET_VALUES_LIST")
        for number in range(len(BAND_IDS)):
            add(offsets, "BOA_ADD_OFFSET", identity.offset, band_id=str(number))
