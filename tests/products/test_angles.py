"""Angle grids of real granules, and what happens where they lack some."""

from __future__ import annotations

import gzip
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from deliveries import angle_xml

from landcover.errors import InputError
from landcover.products.angles import granule_file, read_angles

BASELINE_0212 = "S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_20201007T160857"
BASELINE_0509 = "S2A_MSIL2A_20230625T234621_N0509_R073_T01WCP_20230626T022157"
GRID = "<{0}><COL_STEP>{2}</COL_STEP><ROW_STEP>{2}</ROW_STEP><VALUES>{1}</VALUES><VALUES>{1}</VALUES></{0}>"  # noqa: E501


def view_grid(band: str, values: str, step: str = "5000") -> str:
    parts = "".join(GRID.format(name, values, step) for name in ("Zenith", "Azimuth"))
    return (
        f'<Viewing_Incidence_Angles_Grids bandId="{band}" detectorId="2">{parts}'
        "</Viewing_Incidence_Angles_Grids>"
    )


@pytest.mark.parametrize("name", [BASELINE_0212, BASELINE_0509])
def test_real_grids(spec_dir: Path, tmp_path: Path, name: str) -> None:
    text = gzip.decompress((spec_dir / f"oracles/mtd/{name}__MTD_TL.xml.gz").read_bytes())
    path = tmp_path / "MTD_TL.xml"
    path.write_bytes(text)
    found = read_angles(path)
    root = ElementTree.fromstring(text)
    assert (found.step_m, found.warnings) == (5000, ())
    place = next(root.iter("Geoposition"))
    assert (found.ulx, found.uly) == tuple(float(place.findtext(n) or "") for n in ("ULX", "ULY"))
    assert found.sun[0].shape == (23, 23)
    sun = next(root.iter("Sun_Angles_Grid")).findall("./Azimuth/Values_List/VALUES")
    np.testing.assert_array_equal(found.sun[1][7], np.array((sun[7].text or "").split(), float))
    assert set(found.views) == {f"B{n:02d}" for n in range(1, 13)} | {"B8A"}
    grids = [g for g in root.iter("Viewing_Incidence_Angles_Grids") if g.get("bandId") == "8"]
    zenith, azimuth = found.views["B8A"]
    assert zenith.shape == azimuth.shape == (len(grids), 23, 23)
    rows = grids[-1].findall("./Zenith/Values_List/VALUES")
    np.testing.assert_array_equal(zenith[-1][3], np.array((rows[3].text or "").split(), float))
    # Nodes that a detector does not see stay unknown.
    assert 0 < np.isfinite(zenith).mean() < 1


def write(folder: Path, text: str) -> Path:
    path = folder / "MTD_TL.xml"
    path.write_text(text)
    return path


def test_means_stand_for_missing_grids(tmp_path: Path) -> None:
    found = read_angles(write(tmp_path, angle_xml((35, 150), (8, 170))))
    assert found.sun[0].shape == (23, 23)
    assert (found.sun[0] == 35).all()
    assert (found.sun[1] == 150).all()
    zenith, azimuth = found.views["B12"]
    assert zenith.shape == (1, 23, 23)
    assert (zenith == 8).all()
    assert (azimuth == 170).all()
    assert found.warnings == (
        "the metadata have no grid of sun angles; their mean is used.",
        "the metadata have no grid of view angles of any band; means are used.",
    )


def test_a_band_without_a_seen_node_takes_its_mean(tmp_path: Path) -> None:
    extra = "".join(view_grid(str(n), "NaN NaN" if n == 3 else "4 5") for n in range(13))
    sun = f"<Sun_Angles_Grid>{GRID.format('Zenith', '30 31', 5000)}"
    sun += f"{GRID.format('Azimuth', '140 141', 5000)}</Sun_Angles_Grid>"
    found = read_angles(write(tmp_path, angle_xml((35, 150), (8, 170), extra + sun)))
    assert found.warnings == ("the metadata have no grid of view angles of B04; means are used.",)
    assert (found.views["B04"][0] == 8).all()
    assert found.views["B05"][0].tolist() == [[[4, 5], [4, 5]]]
    assert found.sun[0].tolist() == [[30, 31], [30, 31]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("<Geoposition", "<Place"), "Geoposition is missing"),
        (("Mean_Sun_Angle", "Sun"), "Mean_Sun_Angle is missing"),
        (("<ULX>501360", "<ULX>west"), "ULX: expected a number, found 'west'"),
        (("ZENITH_ANGLE>8.0", "ZENITH_ANGLE>NaN"), "ZENITH_ANGLE: expected a number, found 'NaN'"),
        (('bandId="4"', 'bandId="13"'), "angles of bandId '13'; expected 0 to 12"),
    ],
)
def test_damage_is_told(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    text = angle_xml((35.0, 150.0), (8.0, 170.0))
    changed = text.replace("</Geoposition>", "</Place>") if "Place" in change[1] else text
    with pytest.raises(InputError, match=r"MTD_TL\.xml: ") as caught:
        read_angles(write(tmp_path, changed.replace(*change)))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (view_grid("0", "1 x"), "an angle grid (Zenith) is not a table of numbers"),
        (view_grid("0", ""), "an angle grid (Zenith) is not a table of numbers"),
        (view_grid("0", "1 2", "0"), "differ in step"),
        (view_grid("0", "1 2"), "differ in step ([5000.0] m) or size"),
    ],
)
def test_odd_grids_are_told(tmp_path: Path, grid: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_angles(write(tmp_path, angle_xml((35, 150), (8, 170), grid)))
    assert sentence in str(caught.value)


def test_the_file_is_found_in_both_layouts() -> None:
    names = ["MTD_MSIL2A.xml", "GRANULE/L2A_T31UDS/MTD_TL.xml", "GRANULE/L2A_T31UDS/QI/a.xml"]
    assert granule_file(names) == "GRANULE/L2A_T31UDS/MTD_TL.xml"
    assert granule_file(["a/B04.tif", "a/granule_metadata.xml"]) == "a/granule_metadata.xml"
    assert granule_file(["B04.tif"]) is None
