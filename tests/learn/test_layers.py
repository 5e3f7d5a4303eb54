"""Further layers of a map: worked numbers, nodata, and no dependence on blocks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from landcover.learn.applicability import fit_applicability, is_outside
from landcover.learn.layers import NO_EXTRA_LAYERS, ExtraLayers, extra_layers, normalised_entropy
from landcover.learn.models import fit_classifier
from landcover.learn.predict import predict_blocks

WORKED = np.array([[0.7, 0.2, 0.1], [1, 0, 0], [1 / 3, 1 / 3, 1 / 3]])


def test_entropy_of_the_specification():
    assert normalised_entropy(WORKED).tolist() == pytest.approx([0.729847, 0, 1], abs=1e-6)
    random = np.random.default_rng(0).dirichlet(np.ones(9), 200)
    assert normalised_entropy(random) == pytest.approx(entropy(random, axis=1) / np.log(9))


def test_bytes_by_hand():
    further = ExtraLayers(probabilities=True, entropy=True, margin=True, set_threshold=0.8)
    found = extra_layers(further, WORKED, np.zeros((3, 2), np.float32))
    # 254 · 0.7 + 0.5 = 178.3; 254 · 0.2 + 0.5 = 51.3; 254 · 0.1 + 0.5 = 25.9
    assert found["probabilities"].T.tolist() == [[178, 51, 25], [254, 0, 0], [85, 85, 85]]
    assert found["entropy"].tolist() == [185, 0, 254]
    assert found["margin"].tolist() == [127, 254, 0]
    assert found["set_size"].tolist() == [2, 1, 3]


@pytest.fixture(scope="module", params=["random-forest", "extra-trees", "mlp"])
def model(request):
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 5, 200)
    features = labels[:, None] + rng.normal(0, 1, (200, 3))
    parameters = {"hidden": (5,), "epochs": 20} if request.param == "mlp" else {"n_trees": 8}
    return fit_classifier(features, labels, kind=request.param, parameters=parameters)


@pytest.fixture(scope="module")
def further():
    rng = np.random.default_rng(1)
    known = fit_applicability(rng.uniform(0, 6, (80, 3)).astype(np.float32), np.arange(80) // 2)
    return ExtraLayers(
        probabilities=True, entropy=True, margin=True, applicability=known, set_threshold=0.9
    )


@pytest.mark.parametrize("block", [1, 7, 100, 1003])
def test_blocks_equal_the_whole_for_every_kind(model, further, block):
    rng = np.random.default_rng(2)
    pixels = rng.uniform(-2, 8, (307, 3)).astype(np.float32)
    pixels[rng.random(307) < 0.2, 1] = np.nan
    pixels[100:130] = np.nan
    codes, confidence, layers = predict_blocks(model, pixels, further, block=block)
    plain = predict_blocks(model, pixels, NO_EXTRA_LAYERS)
    assert plain[2] == {}
    assert np.array_equal(codes, plain[0])
    assert np.array_equal(confidence, plain[1])
    is_valid = np.isfinite(pixels).all(axis=1)
    probability = model.probabilities(pixels[is_valid])
    assert layers["probabilities"].shape == (4, 307)
    expected = np.floor(254 * probability + 0.5).T
    # A network's last bit may depend on the size of the block.
    off = abs(layers["probabilities"][:, is_valid] - expected)
    assert off.max() <= (1 if model.kind == "mlp" else 0)
    assert (
        layers["trust"][is_valid].tolist()
        == is_outside(further.applicability, pixels[is_valid]).astype(int).tolist()
    )
    for values in layers.values():
        assert values.dtype == np.uint8
        assert np.array_equal((values == 255).all(axis=0) if values.ndim == 2 else values == 255,
                              ~is_valid)  # fmt: skip
    assert set(layers["trust"][is_valid]) == {0, 1}
    assert layers["set_size"][is_valid].min() >= 1
