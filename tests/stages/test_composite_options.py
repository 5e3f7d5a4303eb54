"""Options of the composite through the stage: ladder, joint spectra, view angle, plan.

Small products are delivered as STAC items, so that every pixel is known. Results are compared
with numbers worked by hand, and with the pure functions on whole rasters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from deliveries import angle_xml, deliver

from landcover import api
from landcover.errors import UsageError
from landcover.ledger import outputs, runs, units
from landcover.nouns.grid import Window
from landcover.nouns.output import Output
from landcover.pipeline.dry_run import dry_run
from landcover.raster.clouds import EXCLUDED, is_excluded, mask_bits
from landcover.raster.composite import masked_median
from landcover.raster.geomedian import geometric_median, medoid_composite
from landcover.raster.ladder import ladder_median
from landcover.raster.view_angle import AngleGrids, normalise_view, window_factor
from landcover.recipe import make_recipe

NODATA = -32768
PIXEL = {"B02": 10, "B03": 10, "B04": 10, "AOT": 10, "B01": 60, "B09": 60}
RUNS = iter(range(10_000))


def recipe(**composite: Any) -> dict[str, Any]:
    mask = composite.pop("mask", {})
    return {
        "name": "options",
        "seasons": [{"name": "summer", "primary_month": 6, "fallback_month": 7}],
        "mask": mask,
        "composite": composite,
    }


def make(products: Path, memory_gb: float = 1.0, threads: int = 1, **composite: Any) -> Output:
    """Composite the products with options and give the record."""
    run = f"run{next(RUNS)}"
    api.start_run(run, recipe(**composite), year=2021, products=str(products), until="composite")
    report = api.run_inline(run, memory_gb=memory_gb, threads=threads)
    assert report["state"] == "done", report["troubles"]
    workspace = api.open_workspace()
    state = units.load(workspace.records, run, "composite", "31UDS.2021-summer")
    assert state is not None
    return outputs.load(workspace, state.outputs[-1])


def pixels(output: Output, name: str) -> np.ndarray:
    path = api.open_workspace().objects.href(output.key, name)
    with rasterio.open(path) as raster:
        return np.asarray(raster.read(1))


# Numbers worked by hand, 12 × 12 px of 20 m


def flat(value: int) -> np.ndarray:
    return np.full((12, 12), value)


@pytest.fixture
def clouds(tmp_path: Path, workspace_folder: Path) -> Path:
    """Two dates: one cloudy in its left half, the other in one pixel of that half's rim."""
    left, dot = flat(4), flat(4)
    left[:, :6] = 9
    dot[5, 5] = 9
    sun = (35.0, 150.0)
    for day, value, scl, azimuth in ((1, 1000, left, 170.0), (2, 1400, dot, 310.0)):
        layers = {"B04": flat(value), "B09": flat(value), "SCL": scl}
        deliver(tmp_path / "in", day, layers, {"B09": 20}, angle_xml(sun, (8.0, azimuth)))
    return tmp_path / "in"


def test_a_ladder_of_two_rungs(clouds: Path) -> None:
    # The filter of 60 m spans three pixels and masks where more than 0.075 of them are cloud: it
    # adds one pixel on each side. Pixel (5, 5) is cloud on both dates.
    made = make(clouds, layers=["B04"], ladder={"growths_m": [60, 0]})
    band, clear, rung = (pixels(made, n) for n in ("B04.tif", "n_clear_20m.tif", "rung_20m.tif"))
    for place, value, count, step in (
        ((0, 9), 1200, 2, 0),  # clear on both dates
        ((0, 0), 1400, 1, 0),  # cloud on the first
        ((0, 6), 1400, 1, 0),  # rim of the first's
        ((4, 4), 1400, 1, 1),  # cloud on the first, rim of the second's: the rim is let in
        ((5, 6), 1200, 2, 1),  # rims of both are let in
        ((5, 5), NODATA, 0, 255),  # never clear
    ):
        assert (band[place], clear[place], rung[place]) == (value, count, step), place
    assert made.stats["rungs"] == [
        {"growth_m": 60.0, "percent": 93.75},  # 135 of 144 pixels
        {"growth_m": 0.0, "percent": 5.5556},  # 8: the rim of the dot without the dot
        {"growth_m": None, "percent": 0.6944},
    ]
    assert made.stats["coverage"]["percent_0"] == 0.6944


def test_a_ladder_of_one_rung_is_the_mask_of_that_width(clouds: Path) -> None:
    plain = make(clouds, layers=["B04"], mask={"growth_m": 60})
    ladder = make(clouds, layers=["B04"], ladder={"growths_m": [60]})
    assert (pixels(plain, "B04.tif") == NODATA).sum() == 9, "the dot with its rim"
    for name in ("B04.tif", "n_clear_20m.tif"):
        np.testing.assert_array_equal(pixels(plain, name), pixels(ladder, name))
    assert plain.stats["coverage"] == ladder.stats["coverage"]


def test_two_views_are_brought_to_nadir(clouds: Path) -> None:
    # Factors of B04 at sun zenith 35, view zenith 8, azimuths 20 and 160 apart
    # (docs/methods/composites.md#view-angle): 1000 × 0.957774 = 958 and 1400 × 1.041974 = 1459;
    # their mean 1208.5 is rounded to even.
    made = make(clouds, layers=["B04", "B09"], view_angle="nbar", mask={"growth_m": 60})
    assert pixels(made, "B04.tif")[0, 9] == 1208
    assert pixels(made, "B04.tif")[0, 0] == 1459
    assert pixels(made, "B09.tif")[0, 9] == 1200, "B09 has no parameters"
    assert sum("no grid of sun angles" in text for text in made.stats["warnings"]) == 2
    assert sum("no grid of view angles of any band" in t for t in made.stats["warnings"]) == 2


def test_other_angles_are_another_composite(clouds: Path) -> None:
    before = make(clouds, layers=["B04"], view_angle="nbar")
    path = sorted(clouds.glob("*/granule_metadata.xml"))[0]
    path.write_text(path.read_text().replace("170.0", "171.0"))
    after = make(clouds, layers=["B04"], view_angle="nbar")
    assert before.id != after.id
    assert before.wanted.inputs["products"] == after.wanted.inputs["products"]


def test_a_product_without_angles_is_told(clouds: Path) -> None:
    path = sorted(clouds.glob("*/granule_metadata.xml"))[1]
    path.unlink()
    api.start_run(
        "run",
        recipe(layers=["B04"], view_angle="nbar"),
        year=2021,
        products=str(clouds),
        until="composite",
    )
    (trouble,) = api.run_inline("run")["troubles"]
    state = units.load(api.open_workspace().records, "run", "composite", "31UDS.2021-summer")
    assert state is not None
    assert (state.state, state.error_family) == ("failed", "input")
    assert "S2A_MSIL2A_20210602T105619" in str(trouble)
    assert "MTD_TL.xml (granule_metadata.xml beside a STAC item) is missing" in str(trouble)


def test_joint_spectra(tmp_path: Path, workspace_folder: Path) -> None:
    # Distances 1-2 2236, 1-3 2282, 2-3 1345: the second is nearest to the others. The collinear
    # spectra of the right half have their middle one as geometric median, the first.
    spectra = {1: ((1000, 3000), (1500, 2500)), 2: ((2000, 1000), (1000, 2000)),
               3: ((3000, 1900), (4000, 5000))}  # fmt: skip
    for day, (left, right) in spectra.items():
        layers = {"SCL": flat(4), "AOT": flat(100 * day)}
        for number, band in enumerate(("B03", "B04")):
            layers[band] = flat(left[number])
            layers[band][:, 6:] = right[number]
        deliver(tmp_path / "in", day, layers, {"AOT": 20, "B03": 20, "B04": 20}, None)
    wanted = {"layers": ["B03", "B04", "AOT"]}
    found = {
        method: [pixels(made, f"{layer}.tif")[0, [0, 11]].tolist() for layer in wanted["layers"]]
        for method in ("median", "geomedian", "medoid")
        for made in [make(tmp_path / "in", method=method, **wanted)]
    }
    assert found["median"] == [[2000, 1500], [1900, 2500], [200, 200]]
    assert found["medoid"] == [[2000, 1500], [1000, 2500], [200, 200]]
    assert found["geomedian"][0][1] == 1500
    assert found["geomedian"][1][1] == 2500
    # The left one, by scipy's Nelder-Mead on the sum of distances: (2214, 1714).
    assert found["geomedian"][0][0] == pytest.approx(2214, abs=1)
    assert found["geomedian"][1][0] == pytest.approx(1714, abs=1)
    assert found["geomedian"][2] == [200, 200], "AOT is no part of a spectrum"


def test_a_product_that_lacks_a_band_leaves_the_spectrum(clouds: Path) -> None:
    for number, path in enumerate(sorted(clouds.glob("*/B09.tif"))):
        if number == 0:
            path.unlink()
    made = make(clouds, layers=["B04", "B09"], method="medoid", mask={"growth_m": 0})
    assert pixels(made, "B04.tif")[0, 9] == 1400
    assert any("has no B09" in text for text in made.stats["warnings"])
    assert pixels(made, "n_clear_20m.tif").max() == 1


def test_bands_that_no_product_has_together_are_told(clouds: Path) -> None:
    first, second = sorted(path.parent for path in clouds.glob("*/item.json"))
    (first / "B09.tif").unlink()
    (second / "B04.tif").unlink()
    api.start_run(
        "run",
        recipe(layers=["B04", "B09"], method="geomedian"),
        year=2021,
        products=str(clouds),
        until="composite",
    )
    assert "no product has all of B04, B09" in str(api.run_inline("run")["troubles"])


def test_the_plan_tells_which_option_changed(clouds: Path) -> None:
    make(clouds, layers=["B04"])
    workspace = api.open_workspace()
    run, _ = runs.load(workspace, f"run{next(RUNS) - 1}")

    def why(**composite: Any) -> tuple[str, ...]:
        planned = dry_run(workspace, run, make_recipe(recipe(layers=["B04"], **composite)))
        return next(f.why for f in planned if f.stage == "composite")

    assert why() == ()
    assert why(method="medoid") == ("method: None → medoid",)
    assert why(ladder={"growths_m": [60, 0]}) == ("ladder: None → {'growths_m': [60.0, 0.0]}",)
    assert why(view_angle="nbar") == ("other angles", "view_angle: None → nbar")


def test_the_default_names_no_option(clouds: Path) -> None:
    made = make(clouds, layers=["B04"])
    assert set(made.wanted.params) == {"layers", "min_clear", "excluded"}
    assert set(made.wanted.inputs) == {"products", "masks"}
    assert {file.name for file in made.files} == {"B04.tif", "n_clear_20m.tif"}


# Equality with the pure functions, on three grids, whatever the windows


SIZE = {10: 240, 20: 120, 60: 40}
LAYERS = ["AOT", "B01", "B02", "B03", "B04", "B09", "B11", "B8A"]
GROWTHS = [400.0, 200.0, 0.0]


class Scene:
    """Three dates of random clouds and reflectance."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        generator = np.random.default_rng(5)
        self.scl = []
        self.numbers: dict[str, list[np.ndarray]] = {layer: [] for layer in LAYERS}
        nodes = "".join(f"<VALUES>{' '.join(['%g'] * 23)}</VALUES>" for _ in range(23))
        self.angles = []
        for day in (1, 5, 9):
            scl = np.full((120, 120), 4)
            for row, column, side in generator.integers(0, 120, (5, 3)) // (1, 1, 6):
                scl[row : row + side, column : column + side] = generator.choice((3, 8, 9))
            scl[:, : day // 4] = 0
            self.scl.append(scl)
            layers = {"SCL": scl}
            for layer in LAYERS:
                size = SIZE[PIXEL.get(layer, 20)]
                numbers = generator.integers(100, 4000, (size, size))
                numbers[generator.random(numbers.shape) < 0.02] = 0
                layers[layer] = numbers
                self.numbers[layer].append(np.where(numbers == 0, NODATA, numbers).astype(np.int16))
            view = 4 + day + 0.1 * generator.random((23, 23))
            azimuth = 100 + 20 * day + generator.random((23, 23))
            sun = 30 + 0.1 * generator.random((23, 23)), 140 + generator.random((23, 23))
            # What the file holds has six digits.
            view, azimuth, *sun = (np.round(a, 3) for a in (view, azimuth, *sun))

            def grid(name: str, values: np.ndarray) -> str:
                steps = "<COL_STEP>5000</COL_STEP><ROW_STEP>5000</ROW_STEP>"
                return f"<{name}>{steps}{nodes % tuple(values.ravel())}</{name}>"

            views = "".join(
                f'<Viewing_Incidence_Angles_Grids bandId="{n}" detectorId="1">'
                f"{grid('Zenith', view)}{grid('Azimuth', azimuth)}</Viewing_Incidence_Angles_Grids>"
                for n in range(13)
            )
            sun_grid = f"{grid('Zenith', sun[0])}{grid('Azimuth', sun[1])}"
            extra = f"<Sun_Angles_Grid>{sun_grid}</Sun_Angles_Grid>{views}"
            xml = angle_xml((30, 140), (5, 120), extra)
            self.angles.append(AngleGrids(sun[0], sun[1], view, azimuth))
            deliver(folder, day, layers, PIXEL, xml)

    def stack(self, layer: str, *, nbar: bool = False) -> np.ndarray:
        values = self.numbers[layer]
        if nbar and layer not in ("AOT", "B09"):
            size = values[0].shape[0]
            values = [
                normalise_view(
                    band,
                    window_factor(layer, angles, Window(0, 0, size, size), PIXEL.get(layer, 20)),
                )
                for band, angles in zip(values, self.angles, strict=True)
            ]
        return np.stack(values)

    def masks(self, layer: str, growth_m: float) -> np.ndarray:
        """Masks on the grid of a layer, each from the classification as a whole."""
        found = []
        for scl in self.scl:
            pixel = PIXEL.get(layer, 20)
            bits, _ = mask_bits(scl.astype(np.uint8), 20, growth_m=growth_m)
            if pixel == 60:
                # Any fine pixel decides for the classes; the filter runs on the coarse grid.
                fine = bits & 31
                coarse = np.bitwise_or.reduce(
                    fine.reshape(40, 3, 40, 3).transpose(0, 2, 1, 3).reshape(40, 40, 9), axis=2
                )
                recoded = np.select(
                    [coarse & 1 > 0, coarse & 2 > 0, coarse & 4 > 0], [0, 9, 3], default=4
                )
                bits, _ = mask_bits(recoded.astype(np.uint8), 60, growth_m=growth_m)
                lost = (coarse & 1 > 0) & (coarse & 6 > 0)
                assert not lost.any(), "such a pixel would need two codes"
            hidden = is_excluded(bits, EXCLUDED)
            found.append(hidden.repeat(2, 0).repeat(2, 1) if pixel == 10 else hidden)
        return np.stack(found)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene") / "in")


@pytest.fixture(scope="module", params=["whole", "windows"])
def composited(
    scene: Scene, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Output]]:
    """Composites in one window on one thread, or in the smallest windows on three."""
    how = {"whole": (1.0, 1), "windows": (0.0025, 3)}[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp(request.param)))
        yield lambda **options: make(scene.folder, *how, layers=LAYERS, **options)


def test_ladder_equals_its_pure_function(scene: Scene, composited: Callable[..., Output]) -> None:
    made = composited(ladder={"growths_m": GROWTHS}, min_clear=2)
    for layer in LAYERS:
        masks = [scene.masks(layer, growth) for growth in GROWTHS]
        median, n_clear, rungs = ladder_median(scene.stack(layer), masks, min_clear=2)
        np.testing.assert_array_equal(pixels(made, f"{layer}.tif"), median, layer)
        if layer in ("B01", "B02", "B11"):  # the first band of its grid
            pixel = PIXEL.get(layer, 20)
            np.testing.assert_array_equal(pixels(made, f"n_clear_{pixel}m.tif"), n_clear)
            np.testing.assert_array_equal(pixels(made, f"rung_{pixel}m.tif"), rungs)
            if pixel == 10:
                assert set(np.unique(rungs)) == {0, 1, 2, 255}
                shares = [round(100 * float((rungs == r).mean()), 4) for r in (0, 1, 2, 255)]
                assert [rung["percent"] for rung in made.stats["rungs"]] == shares


def test_view_angle_equals_its_pure_functions(
    scene: Scene, composited: Callable[..., Output]
) -> None:
    made = composited(view_angle="nbar")
    for layer in LAYERS:
        median, _ = masked_median(scene.stack(layer, nbar=True), scene.masks(layer, 600.0))
        np.testing.assert_array_equal(pixels(made, f"{layer}.tif"), median, layer)
    assert not [text for text in made.stats["warnings"] if "angles" in text]


def test_joint_methods_equal_their_pure_functions(
    scene: Scene, composited: Callable[..., Output]
) -> None:
    for method, combine in (("geomedian", geometric_median), ("medoid", medoid_composite)):
        made = composited(method=method, view_angle="nbar", mask={"growth_m": 200})
        for bands in (("B02", "B03", "B04"), ("B11", "B8A"), ("B01", "B09")):
            stack = np.stack([scene.stack(band, nbar=True) for band in bands], axis=1)
            expected, n_clear = combine(stack, scene.masks(bands[0], 200.0))[:2]
            for band, values in zip(bands, expected, strict=True):
                np.testing.assert_array_equal(pixels(made, f"{band}.tif"), values, band)
            name = f"n_clear_{PIXEL.get(bands[0], 20)}m.tif"
            np.testing.assert_array_equal(pixels(made, name), n_clear)
        median, _ = masked_median(scene.stack("AOT"), scene.masks("AOT", 200.0))
        np.testing.assert_array_equal(pixels(made, "AOT.tif"), median)


def test_all_options_at_once(scene: Scene, composited: Callable[..., Output]) -> None:
    """A joint method on a ladder: the rung is that of the spectrum."""
    made = composited(method="medoid", view_angle="nbar", ladder={"growths_m": GROWTHS})
    bands = ("B02", "B03", "B04")
    stack = np.stack([scene.stack(band, nbar=True) for band in bands], axis=1)
    masks = [scene.masks("B02", growth) for growth in GROWTHS]
    whole = (stack == NODATA).any(axis=1)
    worst = np.where(whole, np.int16(NODATA), stack[:, 0])
    _, n_clear, rungs = ladder_median(worst, masks)
    np.testing.assert_array_equal(pixels(made, "rung_10m.tif"), rungs)
    np.testing.assert_array_equal(pixels(made, "n_clear_10m.tif"), n_clear)
    filled = pixels(made, "B03.tif") != NODATA
    np.testing.assert_array_equal(filled, rungs != 255)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ladder": {"growths_m": [0, 600]}}, "the growths must fall from rung to rung"),
        ({"ladder": {"growths_m": [600, 600]}}, "the growths must fall from rung to rung"),
        ({"ladder": {"growths_m": []}}, "composite.ladder.growths_m"),
        ({"ladder": {}, "mask": {"excluded": ["cloud"]}}, "which mask.excluded lacks"),
        ({"method": "mean"}, "composite.method"),
    ],
)
def test_options_that_make_no_sense_are_told(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_recipe(recipe(**changes))
    assert sentence in str(caught.value)
