"""The learned mask: its models are those that are known, and a missing extra is told."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from landcover.analysis.mask_accuracy import count
from landcover.errors import InputError, UnavailableError
from landcover.raster import learned_mask as learned

NEEDED = "the extra masks-onnx is not installed"


def scene() -> np.ndarray:
    """Vegetation, four bands, with a white cloud and a dark shadow beside it."""
    random = np.random.default_rng(0)
    image = np.stack([random.normal(v, 0.01, (256, 256)) for v in (0.04, 0.07, 0.05, 0.3)])
    image[:, 60:110, 60:110] = random.normal(0.6, 0.03, (4, 50, 50))
    image[:, 90:140, 130:180] *= 0.35
    return image.astype(np.float32)


def test_the_model_sees_the_bands_in_its_order() -> None:
    package = pytest.importorskip("ukis_csmask.mask", reason=NEEDED)
    image = scene()
    is_cloud, is_shadow = learned.learned_mask(image, "l1c")
    plain = package.CSmask(
        np.moveaxis(image, 0, -1).copy(), ["blue", "green", "red", "nir"], product_level="l1c",
        providers=["CPUExecutionProvider"],
    ).csm[..., 0]  # fmt: skip
    np.testing.assert_array_equal(is_cloud, plain == 1)
    np.testing.assert_array_equal(is_shadow, plain == 2)
    assert not (is_cloud & is_shadow).any()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_person_agrees(data_dir: Path) -> None:
    pytest.importorskip("ukis_csmask", reason=NEEDED)
    folder = data_dir / "cloudmask-ukis"
    with rasterio.open(folder / "img_l1c_reflectance_x10000.tif") as raster:
        image = raster.read().astype(np.float32) / 10_000
    with rasterio.open(folder / "human_mask.tif") as raster:
        human = raster.read(1)
    is_cloud, is_shadow = learned.learned_mask(image[:4], "l1c")
    assert count(is_cloud, human == 4).f1 == pytest.approx(0.881, abs=0.005)
    assert count(is_shadow, human == 0).f1 == pytest.approx(0.835, abs=0.005)


def test_another_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ukis_csmask", reason=NEEDED)
    learned.check_model.cache_clear()
    monkeypatch.setitem(learned.CHECKSUMS, "4b_l2a", "0" * 64)
    with pytest.raises(InputError, match=r"model_4b_l2a.onnx has checksum 3884d75ca497"):
        learned.check_model("4b_l2a")
    learned.check_model.cache_clear()


def test_what_is_missing_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ukis_csmask", None)
    monkeypatch.setitem(sys.modules, "ukis_csmask.mask", None)
    with pytest.raises(UnavailableError, match=r"needs the extra masks-onnx"):
        learned.learned_mask(scene())
    with pytest.raises(InputError, match="four or six bands"):
        learned.learned_mask(scene()[:3])
