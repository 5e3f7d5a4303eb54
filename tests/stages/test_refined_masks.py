"""Masks refined against the background of their quarter, through the stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from deliveries import deliver

from landcover import api
from landcover.cli import cli
from landcover.errors import UsageError
from landcover.ledger import outputs, units
from landcover.nouns.output import Output
from landcover.parts.preparation import mask_season
from landcover.publish.templates import percent
from landcover.raster.refinement import DeckRule
from landcover.recipe import Mask, make_recipe

SIDE = 48
DAYS = ("2021-04-02", "2021-04-12", "2021-05-07", "2021-05-17", "2021-06-06", "2021-07-06")
QUARTER = DAYS[:5]
SEASON = {"name": "half", "first_month": 4, "last_month": 8}


def recipe(**mask: Any) -> dict[str, Any]:
    return {
        "name": "refined",
        "seasons": [SEASON],
        "selection": {"max_cloud_percent": 100, "max_products": 9},
        "mask": {"variant": "deck", "growth_m": 0, **mask},
        "composite": {"layers": ["B02", "B11"]},
        "features": {"indices": [], "terrain": []},
    }


@pytest.mark.quick
def test_each_variant_has_its_own_growth() -> None:
    assert {v: Mask(variant=v).growth_m for v in ("paper", "deck", "ours", "ukis")} == {
        "paper": 600, "deck": 600, "ours": 120, "ukis": 600,
    }  # fmt: skip
    assert Mask(variant="ours", growth_m=600).growth_m == 600
    document = {key: value for key, value in recipe(variant="ours").items() if key != "mask"}
    made = make_recipe({**document, "mask": {"variant": "ours"}})
    assert made.to_document()["mask"]["growth_m"] == 120
    assert make_recipe(made.to_document()) == made


def image(day: str) -> dict[str, np.ndarray]:
    """Digital numbers of a date: a cloud whose rim the classification misses, and its shadow."""
    random = np.random.default_rng(int(day.replace("-", "")))
    blue = random.normal(420, 25, (SIDE, SIDE))
    nir = random.normal(2900, 200, (SIDE, SIDE))
    swir = random.normal(1800, 150, (SIDE // 2, SIDE // 2))
    scl = np.full((SIDE // 2, SIDE // 2), 4)
    if day in QUARTER[:3]:
        at = 2 * int(random.integers(2, 6))
        blue[at : at + 14, at : at + 14] = random.normal(2600, 300, (14, 14))
        scl[at // 2 : at // 2 + 5, at // 2 : at // 2 + 7] = 9
        blue[at + 16 : at + 26, at : at + 10] = 210
        nir[at + 16 : at + 26, at : at + 10] = 800
        swir[at // 2 + 8 : at // 2 + 13, at // 2 : at // 2 + 5] = 500
        scl[at // 2 + 9, at // 2 + 1] = 3
    scl[-4:, -4:] = 6
    blue[:3] = 0
    return {"B02": blue, "B08": nir, "B11": swir, "SCL": scl}


@pytest.fixture
def products(tmp_path: Path, workspace_folder: Path) -> Path:
    for day in DAYS:
        month, _, number = day.rpartition("-")
        layers = image(day)
        deliver(tmp_path / "in", int(number), layers, {"B02": 10, "B08": 10}, None, month=month)
    return tmp_path / "in"


def run(
    name: str, products: Path, document: dict[str, Any], until: str = "mask", **job: Any
) -> list[Output]:
    api.start_run(name, document, year=2021, products=str(products), until=until)
    report = api.run_inline(name, **job)
    assert report["state"] == "done", report["troubles"]
    workspace = api.open_workspace()
    unit = f"31UDS.{make_recipe(document).spans(2021)[0].name}"
    state = units.load(workspace.records, name, until, unit)  # type: ignore[arg-type]
    assert state is not None
    return [outputs.load(workspace, output) for output in state.outputs]


def pixels(output: Output, name: str) -> np.ndarray:
    with rasterio.open(api.open_workspace().objects.href(output.key, name)) as raster:
        return np.asarray(raster.read(1))


def whole(rule: DeckRule | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The method on the arrays of the quarter, all at once, at 10 m."""
    layers = [image(day) for day in QUARTER]

    def stacked(band: str, ratio: int) -> np.ndarray:
        values = np.stack([np.asarray(one[band]).astype(np.uint16) for one in layers])
        found = np.where(values == 0, -32768, values.astype(int)).astype(np.int16)
        return found.repeat(ratio, axis=1).repeat(ratio, axis=2)

    scl = np.stack([one["SCL"] for one in layers]).repeat(2, axis=1).repeat(2, axis=2)
    return api.refine_masks(
        stacked("B02", 1), stacked("B08", 1), stacked("B11", 2), scl == 9, scl == 3,
        is_water=scl == 6, rule=rule,
    )  # fmt: skip


def test_a_quarter_is_refined_as_its_arrays_are(products: Path) -> None:
    made = run("deck", products, recipe())
    assert len(made) == len(DAYS)
    clouds, shadows, background = whole()
    masks = {output.unit.rpartition("_")[2][:8]: output for output in made}
    for number, day in enumerate(QUARTER):
        output = masks[day.replace("-", "")]
        fine, coarse = pixels(output, "10m.tif"), pixels(output, "20m.tif")
        is_seen = np.ones((SIDE, SIDE), bool)
        np.testing.assert_array_equal(fine & 2 > 0, clouds[number] & is_seen)
        np.testing.assert_array_equal(fine & 4 > 0, shadows[number] & is_seen)
        np.testing.assert_array_equal(fine & 32 > 0, clouds[number] | shadows[number])
        np.testing.assert_array_equal(
            coarse & 2 > 0, (fine & 2 > 0).reshape(SIDE // 2, 2, SIDE // 2, 2).any(axis=(1, 3))
        )
        stats = output.stats
        assert stats["quarter"] == "2021-q2"
        if number < 3:
            assert stats["cloud_percent"] > stats["before"]["cloud_percent"] > 0
            assert stats["shadow_percent"] > stats["before"]["shadow_percent"] > 0
            assert len(stats["clouds"]["centres"]) == 3
            assert stats["shadows"].keys() == {"largest_csi", "largest_blue"}
        else:
            assert stats["clouds"] == {"kept": "hardly any cloud"}
            assert stats["cloud_percent"] == stats["before"]["cloud_percent"] == 0
    workspace = api.open_workspace()
    (name,) = made[0].wanted.inputs["background"]
    assert {o.wanted.inputs["background"][0] for o in made[:5]} >= {name}
    stored = pixels(outputs.load(workspace, masks["20210402"].wanted.inputs["background"][0]),
                    "background.tif")  # fmt: skip
    is_empty = np.isnan(background)
    np.testing.assert_array_equal(stored == -32768, is_empty)
    np.testing.assert_allclose(stored[~is_empty], background[~is_empty] * 10_000, atol=0.51)
    assert not list(Path(workspace.objects.address).rglob("*-season*")), "scratch stays"
    told = CliRunner().invoke(cli, ["masks", "shares", "deck"])
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert len(lines) == 2 + len(DAYS)
    before, after = masks["20210402"].stats["before"], masks["20210402"].stats
    figures = [before["cloud_percent"], after["cloud_percent"]]
    assert lines[1].split()[1:3] == [f"{figure:.2f}" for figure in figures]
    assert "37.92 % before, 42.85 %" in lines[-1]


def test_each_band_of_each_image_is_decoded_once(
    products: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, str]] = []
    plain = mask_season._read

    def counting(opened: Any, file: Any, product: Any, window: Any) -> Any:
        read.append((product.name[11:19], file.layer))
        return plain(opened, file, product, window)

    monkeypatch.setattr(mask_season, "_read", counting)
    run("deck", products, recipe())
    with_cloud = [day.replace("-", "") for day in QUARTER[:3]]
    expected = [(day.replace("-", ""), "B02") for day in DAYS]
    expected += [(day, band) for day in with_cloud for band in ("B08", "B11")]
    assert sorted(read) == sorted(expected)
    read.clear()
    run("again", products, recipe())
    assert read == []


def test_masks_do_not_depend_on_windows(products: Path, tmp_path: Path) -> None:
    first = run("whole", products, recipe())
    bytes_of_first = [pixels(output, "10m.tif") for output in first]
    plain = mask_season.plan_windows

    def small(*shape: int, **others: Any) -> Any:
        return plain(*shape, **{**others, "memory_gb": 1e-9 * 16 * 16 * others["bytes_per_pixel"]})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("landcover.raster.windows.SMALLEST_PX", 16)
        patch.setattr(mask_season, "plan_windows", small)
        again = run("windows", products, recipe(growth_m=1), threads=2)
    assert [o.id for o in again] != [o.id for o in first]
    for before, output in zip(bytes_of_first, again, strict=True):
        np.testing.assert_array_equal(before, pixels(output, "10m.tif"))


def test_composites_leave_out_what_was_refined(products: Path) -> None:
    (composite,) = run("deck", products, recipe(), until="composite")
    workspace = api.open_workspace()
    clear = np.zeros((SIDE, SIDE), int)
    for name in composite.wanted.inputs["masks"]:
        mask = outputs.load(workspace, name)
        bits, coarse = pixels(mask, "10m.tif"), pixels(mask, "20m.tif")
        assert (coarse.repeat(2, axis=0).repeat(2, axis=1) != bits).any() or not (bits & 2).any()
        clear += bits & (1 | 8 | 16 | 32) == 0
    clear[:3] = 0  # no date has blue there
    np.testing.assert_array_equal(pixels(composite, "n_clear_10m.tif"), clear)


def test_ours_finds_clouds_and_shadows_on_the_grid_of_the_classification(products: Path) -> None:
    made = run("ours", products, recipe(variant="ours"))
    masks = {output.unit.rpartition("_")[2][:8]: output for output in made}
    for day in QUARTER[:3]:
        output = masks[day.replace("-", "")]
        assert {file.name for file in output.files} == {"20m.tif"}
        bits, layers = pixels(output, "20m.tif"), image(day)
        is_cloud = (layers["B02"] > 1500).reshape(SIDE // 2, 2, SIDE // 2, 2).all(axis=(1, 3))
        assert ((bits & 2 > 0) & is_cloud).sum() >= 0.95 * is_cloud.sum()
        assert (bits & 2 > 0).sum() <= 1.1 * is_cloud.sum()
        assert output.stats["shadows"]["sun_azimuth_from"] == "swept"
        is_shadow = layers["B11"] < 800
        assert ((bits & 4 > 0) & is_shadow).sum() >= 0.9 * is_shadow.sum()
        assert ((bits & 4 > 0) & ~is_shadow).sum() <= 0.1 * is_shadow.sum()
        assert output.stats["before"]["shadow_percent"] < output.stats["shadow_percent"]
    for day in QUARTER[3:]:
        assert masks[day.replace("-", "")].stats["shadows"] == {"kept": "no cloud"}


def test_a_missing_band_is_told(tmp_path: Path, workspace_folder: Path) -> None:
    layers = image(QUARTER[0])
    del layers["B11"]
    deliver(tmp_path / "in", 2, layers, {"B02": 10, "B08": 10}, None, month="2021-04")
    document = recipe()
    document["composite"] = {"layers": ["B02"]}
    api.start_run("bad", document, year=2021, products=str(tmp_path / "in"), until="mask")
    troubles = str(api.run_inline("bad")["troubles"])
    assert "B11 is missing, which mask.variant deck needs" in troubles


def test_other_variants_show_no_trace_of_it() -> None:
    assert Mask().to_params() == {"variant": "paper", "growth_m": 600.0, "threshold": 0.075}
    assert "refinement" in Mask(variant="deck").to_params()
    spans = make_recipe({**recipe(), "seasons": [SEASON, {**SEASON, "name": "b"}]}).spans(2021)
    assert [(s.name, len(s.periods)) for s in spans] == [("2021", 2)]
    with pytest.raises(UsageError, match="refinement goes with variant deck"):
        make_recipe(recipe(variant="paper", refinement={}))


def test_the_learned_mask_is_a_variant(tmp_path: Path, workspace_folder: Path) -> None:
    pytest.importorskip("ukis_csmask", reason="the extra masks-onnx is not installed")
    layers = image(QUARTER[0])
    for band in ("B03", "B04"):
        layers[band] = layers["B02"] + 100
    pixel = {"B02": 10, "B03": 10, "B04": 10, "B08": 10}
    deliver(tmp_path / "in", 2, layers, pixel, None, month="2021-04")
    (made,) = run("ukis", tmp_path / "in", recipe(variant="ukis"))
    assert made.wanted.params["learned"] == {"model": "4b_l2a", "sha256": "3884d75ca497ec59"}
    bits = pixels(made, "20m.tif")
    assert bits.shape == (SIDE // 2, SIDE // 2)
    assert made.stats["before"]["cloud_percent"] > 0


def test_the_page_shows_shares_before_and_after_and_the_background(products: Path) -> None:
    api.start_run("deck", recipe(), year=2021, products=str(products), until="publish")
    report = api.run_inline("deck")
    workspace = api.open_workspace()
    made = [outputs.load(workspace, name) for name in report["outputs"]]
    page = next(output for output in made if any(f.name == "index.html" for f in output.files))
    text = Path(workspace.objects.href(page.key, "index.html")).read_text()
    assert "Masks before and after refinement" in text
    masks = units.load(workspace.records, "deck", "mask", "31UDS.2021")
    assert masks is not None
    for name in masks.outputs:
        stats = outputs.load(workspace, name).stats
        for kind in ("cloud_percent", "shadow_percent"):
            assert percent(stats["before"][kind]) in text
            assert percent(stats[kind]) in text
    assert "2021-q2 of 5 images" in text
    assert "clouds: hardly any cloud" in text
    names = {file.name for file in page.files}
    assert "background_31UDS.png" in names
    assert "Background of 31UDS" in text


def test_images_are_clipped_by_their_own_quantiles_on_request(products: Path) -> None:
    made = run("clipped", products, recipe(refinement={"clip_percent": 2.0}))
    clouds, shadows, background = whole(DeckRule(clip_percent=2.0))
    assert not np.array_equal(background, whole()[2], equal_nan=True)
    masks = {output.unit.rpartition("_")[2][:8]: output for output in made}
    for number, day in enumerate(QUARTER):
        bits = pixels(masks[day.replace("-", "")], "10m.tif")
        np.testing.assert_array_equal(bits & 2 > 0, clouds[number])
        np.testing.assert_array_equal(bits & 4 > 0, shadows[number])
    plain = Mask(variant="deck").to_params()["refinement"]
    assert "clip_percent" not in plain
