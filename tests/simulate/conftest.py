"""One small simulated region of two tiles, and a plain reader of its products."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
import rasterio

from landcover.simulate import SimulatedRegion, simulate


@dataclass(frozen=True)
class Safe:
    """A product read with no help from the library."""

    path: Path

    @cached_property
    def product_xml(self) -> ElementTree.Element:
        (found,) = [file for file in self.path.iterdir() if file.name.lower() == "mtd_msil2a.xml"]
        return ElementTree.parse(found).getroot()

    @cached_property
    def granule_xml(self) -> ElementTree.Element:
        (found,) = self.path.glob("GRANULE/*/MTD_TL.xml")
        return ElementTree.parse(found).getroot()

    def text(self, name: str) -> str:
        (element,) = self.product_xml.iter(name)
        return element.text or ""

    @property
    def tile(self) -> str:
        return self.path.name.split("_")[5][1:]

    @property
    def baseline(self) -> str:
        return self.path.name.split("_")[3]

    @property
    def month(self) -> int:
        return int(self.path.name[15:17])

    @property
    def cloud(self) -> float:
        return float(self.text("Cloud_Coverage_Assessment"))

    @property
    def nodata(self) -> float:
        return float(self.text("NODATA_PIXEL_PERCENTAGE"))

    @property
    def offset(self) -> int:
        offsets = {int(e.text or "") for e in self.product_xml.iter("BOA_ADD_OFFSET")}
        return offsets.pop() if offsets else 0

    @cached_property
    def images(self) -> dict[str, Path]:
        listed = [e.text or "" for e in self.product_xml.iter("IMAGE_FILE")]
        return {name.split("_")[-2]: self.path / f"{name}.jp2" for name in listed}

    def numbers(self, layer: str) -> npt.NDArray[np.uint16]:
        with rasterio.open(self.images[layer]) as image:
            return np.asarray(image.read(1))

    def reflectance(self, band: str) -> npt.NDArray[np.float32]:
        numbers = self.numbers(band)
        return np.where(numbers == 0, np.nan, (numbers + np.float32(self.offset)) / 10_000)


def read_all(region: SimulatedRegion) -> list[Safe]:
    return [Safe(path) for path in sorted(region.products.iterdir())]


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    return simulate(tmp_path_factory.mktemp("simulated") / "region")


@pytest.fixture(scope="session")
def safes(region: SimulatedRegion) -> list[Safe]:
    return read_all(region)
