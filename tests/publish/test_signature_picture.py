"""The picture of signatures: a panel a season, bands by wavelength, the same bytes again."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from landcover.learn.signatures import class_signatures
from landcover.nouns.legend import MEDITERRANEAN
from landcover.nouns.model import Feature
from landcover.publish.signature_picture import draw_signatures


def feature(period: str, layer: str) -> Feature:
    return Feature(name=f"{period}_{layer}", period=period, layer=layer, kind="band")


def test_bands_come_by_wavelength_and_bytes_do_not_change(tmp_path: Path) -> None:
    bands = [feature(p, b) for p in ("spring", "summer") for b in ("B02", "B12", "B04", "B8A")]
    slope = Feature(name="slope", period=None, layer="slope", kind="terrain")
    table = pd.DataFrame({f.name: [0.1, 0.2, 0.4] for f in (*bands, slope)} | {"code": [7, 7, 9]})
    names = [f.name for f in (*bands, slope)]
    found = class_signatures(table, names, MEDITERRANEAN)
    paths = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for path in paths:
        assert draw_signatures(found, [*bands, slope], path, "What classes look like", note="Sim")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    text = paths[0].read_text()
    ElementTree.fromstring(text)
    said = [line.strip(" <!->") for line in text.splitlines() if "<!--" in line]
    order = [word for word in said if word in {"B02", "B04", "B8A", "B12", "slope"}]
    assert order == ["B02", "B04", "B8A", "B12"] * 2
    for word in ("spring", "summer", "cropland (2)", "permanentWater (1)", "Sim"):
        assert word in said


def test_nothing_is_drawn_without_bands(tmp_path: Path) -> None:
    slope = Feature(name="slope", period=None, layer="slope", kind="terrain")
    table = pd.DataFrame({"slope": [1.0, 2.0], "code": [7, 9]})
    found = class_signatures(table, ["slope"], MEDITERRANEAN)
    assert not draw_signatures(found, [slope], tmp_path / "none.svg", "nothing")
    assert not (tmp_path / "none.svg").exists()
