"""Spectral indices: a table of worked pixels, its oracle, and the laws of each formula."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.raster.indices import (
    INDEX_NAMES,
    PAPER_INDICES,
    required_bands,
    spectral_index,
)

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
PIXELS = {
    "veg": (.0312, .0583, .0341, .0876, .2458, .3127, .3412, .3514, .3620, .1745, .0821),
    "soil": (.0912, .1275, .1683, .1984, .2167, .2342, .2431, .2587, .2640, .3342, .2876),
    "water": (.0521, .0413, .0254, .0221, .0187, .0181, .0142, .0138, .0120, .0065, .0048),
}  # fmt: skip

# name, variant, veg, soil, water, veg on digital numbers (None: the same as on reflectance)
WORKED = [
    ("cri1", "paper", 1.868590, 1.398026, 0.792706, None),
    ("cri1", "literature", 14.898623, 3.121775, -5.019217, 0.001490),
    ("evi2", "paper", 0.535912, 0.127193, -0.025856, 1.963346),
    ("evi2", "literature", 0.539514, 0.113538, -0.026043, 1.814411),
    ("gvmi", "paper", 0.336376, -0.127340, 0.359606, None),
    ("gvmi", "literature", 0.397740, 0.006312, 0.622238, 0.336383),
    ("gvmi", "literature_b12", 0.624149, 0.054557, 0.643165, 0.612097),
    ("mndwi", "paper", -0.499141, -0.447693, 0.728033, None),
    ("ndsi", "paper", -0.499141, -0.447693, 0.728033, None),
    ("ndre", "paper", 0.610320, 0.141869, -0.296188, None),
    ("ndre", "literature", 0.591418, 0.101246, -0.217631, None),
    ("ndvi", "paper", 0.818279, 0.181818, -0.282828, None),
    ("ndvi", "literature", 0.818279, 0.181818, -0.282828, None),
    ("ndyi", "paper", 0.302793, 0.165981, -0.115632, None),
    ("osavi", "paper", 0.665489, 0.151852, -0.065090, 0.949163),
    ("osavi", "literature", 0.573697, 0.130907, -0.056112, 0.818244),
    ("ri", "paper", -0.261905, 0.137931, -0.238381, None),
    ("gndvi", "deck", 0.708135, 0.311927, -0.488288, None),
    ("ndvi705", "deck", 0.591418, 0.101246, -0.217631, None),
    ("ndvi705", "literature", 0.474505, 0.044086, -0.083333, None),
    ("gli", "deck", 0.282023, -0.008746, 0.031855, None),
    ("savi", "deck", 0.526277, 0.123107, -0.031134, 1.227255),
    ("ndli", "deck", 0.177591, 0.064114, 0.029223, -0.053191),
    ("ndmi", "deck", 0.323250, -0.157804, 0.371981, None),
    ("bsi", "deck", -0.281928, 0.201004, -0.350305, None),
]

# The oracle's names for our (index, variant).
ORACLE = {
    **{name.upper(): (name, "literature") for name in INDEX_NAMES},
    "CRI1_paper": ("cri1", "paper"),
    "CRI1_lit": ("cri1", "literature"),
    "EVI2_paper": ("evi2", "paper"),
    "EVI2_lit": ("evi2", "literature"),
    "GVMI_paper": ("gvmi", "paper"),
    "GVMI_lit_B11": ("gvmi", "literature"),
    "GVMI_lit_B08_B12": ("gvmi", "literature_b12"),
    "NDRE_paper": ("ndre", "paper"),
    "NDRE_lit": ("ndre", "literature"),
    "NDRE_B8A": ("ndre", "literature_b8a"),
    "NDMI_B08": ("ndmi", "deck"),
    "NDMI_B8A": ("ndmi", "literature_b8a"),
    "NDVI705_deck": ("ndvi705", "deck"),
    "NDVI705_lit": ("ndvi705", "literature"),
    "OSAVI_paper": ("osavi", "paper"),
    "OSAVI_lit": ("osavi", "literature"),
}


def bands_of(*pixels: str, dtype: type = np.float64) -> dict[str, np.ndarray]:
    columns = zip(*(PIXELS[pixel] for pixel in pixels), strict=True)
    return {name: np.array(values, dtype) for name, values in zip(BANDS, columns, strict=True)}


def random_bands(seed: int, dtype: type = np.float64) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {name: generator.uniform(0.001, 0.6, (20, 30)).astype(dtype) for name in BANDS}


@pytest.mark.parametrize(("name", "variant", "veg", "soil", "water", "veg_dn"), WORKED)
def test_worked_pixels(
    name: str, variant: str, veg: float, soil: float, water: float, veg_dn: float | None
) -> None:
    bands = bands_of("veg", "soil", "water")
    index = spectral_index(name, bands, variant)
    np.testing.assert_allclose(index, [veg, soil, water], rtol=0, atol=6e-7)
    on_dn = spectral_index(name, bands, variant, scale="dn")
    expected = veg if veg_dn is None else veg_dn
    np.testing.assert_allclose(on_dn[0], expected, rtol=0, atol=6e-7)


def test_oracle(spec_dir: Path) -> None:
    pixels = pd.read_csv(spec_dir / "oracles" / "indices_a_pixels.csv", index_col="pixel")
    oracle = pd.read_csv(spec_dir / "oracles" / "indices_a.csv")
    assert len(oracle) == 84
    for row in oracle.itertuples():
        bands = {name: np.array([value]) for name, value in pixels.loc[row.pixel].items()}
        name, variant = ORACLE[row.index]
        for scale, expected in (
            ("reflectance", row.value_from_reflectance),
            ("dn", row.value_from_dn_times_10000),
        ):
            index = spectral_index(name, bands, variant, scale=scale).item()
            # Nine significant digits are written: half a unit of the last one, or 1e-9.
            assert index == pytest.approx(expected, abs=1e-9, rel=5e-9), (row, scale)


def test_names() -> None:
    assert PAPER_INDICES == (
        "cri1", "evi2", "gvmi", "mndwi", "ndre", "ndvi", "ndyi", "osavi", "ri",
    )  # fmt: skip
    assert len(INDEX_NAMES) == len(set(INDEX_NAMES)) == 19
    assert set(PAPER_INDICES) < set(INDEX_NAMES)


@pytest.mark.parametrize(
    ("name", "variant", "bands"),
    [
        ("NDVI", "paper", ("B08", "B04")),
        ("ndre", "paper", ("B09", "B05")),
        ("ndre", "literature", ("B08", "B05")),
        ("gvmi", "literature_b12", ("B08", "B12")),
        ("bsi", "deck", ("B11", "B04", "B08", "B02")),
    ],
)
def test_required_bands(name: str, variant: str, bands: tuple[str, ...]) -> None:
    assert required_bands(name, variant) == bands


@pytest.mark.parametrize("name", INDEX_NAMES)
def test_only_the_required_bands_are_used(name: str) -> None:
    bands = random_bands(1)
    enough = {band: bands[band] for band in required_bands(name)}
    np.testing.assert_array_equal(spectral_index(name, enough), spectral_index(name, bands))
    np.testing.assert_array_equal(spectral_index(name.upper(), enough), spectral_index(name, bands))
    missing = next(iter(enough))
    with pytest.raises(InputError, match=f"{missing} missing"):
        spectral_index(name, {band: enough[band] for band in enough if band != missing})


@pytest.mark.parametrize("name", INDEX_NAMES)
@pytest.mark.parametrize("variant", ["paper", "deck", "literature"])
def test_nodata_in_nodata_out(name: str, variant: str) -> None:
    for band in required_bands(name, variant):
        bands = random_bands(2)
        whole = spectral_index(name, bands, variant)
        for row, value in enumerate((np.nan, np.inf, -np.inf)):
            bands[band][row] = value
        index = spectral_index(name, bands, variant)
        assert not np.isinf(index).any()
        assert np.isnan(index[0]).all()
        np.testing.assert_array_equal(index[3:], whole[3:])


@pytest.mark.parametrize("name", INDEX_NAMES)
def test_dtype_and_precision_follow_the_bands(name: str) -> None:
    bands = random_bands(3, np.float32)
    single = spectral_index(name, bands)
    double = spectral_index(
        name, {band: values.astype(np.float64) for band, values in bands.items()}
    )
    assert (single.dtype, double.dtype) == (np.dtype(np.float32), np.dtype(np.float64))
    np.testing.assert_allclose(single, double, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(
    "name", ["gvmi", "mndwi", "ndre", "ndvi", "ndyi", "ri", "gndvi", "ndvi705", "gli", "ndmi",
             "ndwi", "ndsi", "ndbi", "bsi"],
)  # fmt: skip
def test_normalised_differences(name: str) -> None:
    bands = random_bands(4)
    index = spectral_index(name, bands)
    assert (np.abs(index) <= 1).all()
    np.testing.assert_allclose(spectral_index(name, bands, scale="dn"), index, atol=1e-12)
    if len(required_bands(name)) == 2:
        first, second = required_bands(name)
        swapped = {first: bands[second], second: bands[first]}
        np.testing.assert_array_equal(spectral_index(name, swapped), -index)


@pytest.mark.parametrize(
    ("name", "variant"),
    [("cri1", "literature"), ("evi2", "paper"), ("evi2", "literature"), ("osavi", "paper"),
     ("savi", "paper"), ("gvmi", "literature"), ("ndli", "paper")],
)  # fmt: skip
def test_indices_with_constants_depend_on_the_scale(name: str, variant: str) -> None:
    bands = random_bands(5)
    on_dn = spectral_index(name, bands, variant, scale="dn")
    assert not np.allclose(on_dn, spectral_index(name, bands, variant), atol=1e-3)


def test_exact_redundancies() -> None:
    bands = random_bands(6)
    np.testing.assert_array_equal(spectral_index("ndsi", bands), spectral_index("mndwi", bands))
    np.testing.assert_array_equal(spectral_index("ndbi", bands), -spectral_index("ndmi", bands))
    np.testing.assert_array_equal(spectral_index("gndvi", bands), -spectral_index("ndwi", bands))


@pytest.mark.parametrize(
    ("name", "nir", "red"),
    [("ndvi", 0.0, 0.0), ("ndvi", 0.1, -0.1), ("ndvi", 4e-10, 4e-10), ("evi2", -0.5, -0.5)],
)
def test_a_vanishing_denominator_gives_nodata(name: str, nir: float, red: float) -> None:
    assert np.isnan(spectral_index(name, {"B08": np.array([nir]), "B04": np.array([red])})).all()


def test_zero_reflectance_has_no_inverse_and_no_logarithm() -> None:
    bands = {"B02": np.array([0.0, 0.1, 0.1]), "B03": np.array([0.1, 0.0, 0.2])}
    cri1 = spectral_index("cri1", bands, "literature")
    np.testing.assert_allclose(cri1, [np.nan, np.nan, 5])
    swir = {"B12": np.array([0.0, -0.01, 0.1, 1.0]), "B11": np.array([0.1, 0.1, 0.01, 1.0])}
    np.testing.assert_allclose(spectral_index("ndli", swir), [np.nan, np.nan, -1 / 3, np.nan])


def test_negative_reflectance_is_legal() -> None:
    bands = {"B08": np.array([0.3]), "B04": np.array([-0.01])}
    assert spectral_index("ndvi", bands).item() == pytest.approx(0.31 / 0.29)  # not clipped


def test_inputs_are_left_alone() -> None:
    bands = random_bands(7)
    copies = {band: values.copy() for band, values in bands.items()}
    for name in INDEX_NAMES:
        spectral_index(name, bands, scale="dn")
    for band, values in bands.items():
        np.testing.assert_array_equal(values, copies[band])


def test_a_single_pixel() -> None:
    index = spectral_index("ndvi", {"B08": np.float32(0.4), "B04": np.float32(0.1)})
    assert index.shape == ()
    assert index == pytest.approx(0.6)


def test_unknown_names_are_helped() -> None:
    with pytest.raises(InputError, match="Unknown spectral index 'NVDI'; did you mean 'ndvi'"):
        spectral_index("NVDI", random_bands(8))
    with pytest.raises(InputError, match="ndvi has no variant 'ours'; use one of deck, literature"):
        required_bands("ndvi", "ours")
    with pytest.raises(InputError, match="Unknown scale 'percent'"):
        spectral_index("ndvi", random_bands(8), scale="percent")


def test_stored_integers_are_refused() -> None:
    bands = {name: np.full((2, 2), 1200, dtype=np.int16) for name in BANDS}
    with pytest.raises(InputError, match="convert with to_reflectance first"):
        spectral_index("ndvi", bands)


def test_bands_share_a_grid() -> None:
    bands = random_bands(9)
    bands["B04"] = bands["B04"][:10]
    with pytest.raises(InputError, match="differ in shape"):
        spectral_index("ndvi", bands)
