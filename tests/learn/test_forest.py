"""The packed forest is scikit-learn's forest, exactly, and a changed file is refused."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from landcover.errors import InputError
from landcover.learn.forest import forest_probabilities, load_forest, pack, save_forest
from landcover.learn.models import Model
from landcover.learn.nodes import LANES, keys_in_lanes

D = 6
NAMES = tuple(f"f{column}" for column in range(D))


def noisy(n=300, k=9, seed=0):
    """Draw overlapping classes, so that no tree is trivial; codes are 2, 5, 8, …"""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    features = np.random.default_rng(50).normal(0, 1, (k, D))[labels] + rng.normal(0, 1, (n, D))
    return features.astype(np.float32), (3 * labels + 2).astype(np.uint8)


def predict(forest, features):
    return Model("random-forest", forest).predict(features)


def fitted(features, labels, **parameters):
    parameters = {"n_estimators": 15, "random_state": 0, **parameters}
    return RandomForestClassifier(**parameters).fit(features, labels)


def assert_same(estimator, features):
    """Compare class and confidence with scikit-learn's, ties to the lowest class."""
    expected = estimator.predict_proba(features)
    codes, confidence = predict(pack(estimator, NAMES[: features.shape[1]]), features)
    assert codes.dtype == np.uint8
    assert np.array_equal(codes, estimator.classes_[expected.argmax(axis=1)])
    assert np.abs(confidence - expected.max(axis=1)).max() <= 1e-12


@pytest.mark.parametrize("k", [2, 9])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"max_depth": 3},
        {"max_depth": 1, "n_estimators": 1},
        {"min_samples_leaf": 7},
        {"class_weight": "balanced", "max_depth": 5},
        {"class_weight": "balanced_subsample"},
        {"max_leaf_nodes": 12},
        {"bootstrap": False, "max_features": None},
    ],
    ids=lambda parameters: (
        ",".join(f"{key}={value}" for key, value in parameters.items()) or "full"
    ),
)
def test_equals_scikit_learn(k, parameters):
    estimator = fitted(*noisy(k=k), **parameters)
    assert_same(estimator, noisy(n=500, seed=1)[0])


def test_equals_scikit_learn_on_duplicate_rows_of_different_classes():
    features, labels = noisy(n=120)
    rng = np.random.default_rng(2)
    doubled, mixed = np.repeat(features, 3, axis=0), rng.permutation(np.repeat(labels, 3))
    estimator = fitted(doubled, mixed)
    forest = pack(estimator, NAMES)
    assert len(forest.leaf_probabilities) > forest.classes.size, "expected impure leaves"
    assert_same(estimator, doubled)


def test_equals_scikit_learn_for_extra_trees():
    estimator = ExtraTreesClassifier(10, random_state=0).fit(*noisy())
    assert_same(estimator, noisy(seed=3)[0])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    k=st.integers(2, 9),
    max_depth=st.none() | st.integers(1, 8),
    decimals=st.integers(0, 3),
    n=st.integers(1, 40),
    class_weight=st.sampled_from([None, "balanced"]),
    kind=st.sampled_from([RandomForestClassifier, ExtraTreesClassifier]),
)
def test_equals_scikit_learn_on_coarse_values(seed, k, max_depth, decimals, n, class_weight, kind):
    """Rounded values repeat and fall on thresholds; an even number of trees makes ties."""
    features, labels = noisy(n=80, k=k, seed=seed)
    features = features.round(decimals)
    how = {"max_depth": max_depth, "class_weight": class_weight, "random_state": seed}
    estimator = kind(n_estimators=4, **how).fit(features, labels)
    assert_same(estimator, noisy(n=k + n, k=k, seed=seed + 1)[0].round(decimals))


@pytest.mark.parametrize("parameters", [{}, {"max_depth": 4}, {"min_samples_leaf": 7}])
def test_more_features_than_small_nodes_hold(parameters):
    features, labels = noisy()
    wide = np.tile(features, 50)  # 300 features
    estimator = fitted(wide, labels, **parameters)
    names = [f"f{column}" for column in range(wide.shape[1])]
    packed = pack(estimator, names)
    assert packed.nodes is None
    codes, confidence = predict(packed, wide)
    expected = estimator.predict_proba(wide)
    assert np.array_equal(codes, estimator.classes_[expected.argmax(axis=1)])
    assert np.abs(confidence - expected.max(axis=1)).max() <= 1e-12


@pytest.mark.parametrize("max_depth", [None, 3])
def test_more_classes_than_features(max_depth):
    features, labels = noisy(k=40)
    assert_same(fitted(features, labels, max_depth=max_depth), features)
    assert_same(fitted(features[:, :1], labels, max_depth=max_depth), features[:, :1])


def test_both_walks_agree(monkeypatch):
    features, labels = noisy(n=900)
    packed = pack(fitted(features, labels, max_depth=6), NAMES)
    assert packed.nodes is not None
    small = predict(packed, features)
    monkeypatch.setitem(packed.__dict__, "nodes", None)
    for one, other in zip(small, predict(packed, features), strict=True):
        assert np.array_equal(one, other)


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(x=finite, y=finite)
def test_keys_are_ordered_as_their_floats_are(x, y):
    left, right = keys_in_lanes(np.array([[x], [y]], np.float32), 1)[0, :2].tolist()
    assert (left > right) == (x > y)
    assert (left == right) == (x == y)


def test_keys_around_zero_and_at_the_ends():
    largest = np.finfo(np.float32).max
    values = np.array([[-largest, -1e-45, -0.0, 0.0, 1e-45, largest]], np.float32)
    keys = keys_in_lanes(values, 8).reshape(8, LANES)
    assert keys[:6, 0].tolist() == [
        0x00800000, 0x7FFFFFFE, 0x80000000, 0x80000000, 0x80000001, 0xFF7FFFFF
    ]  # fmt: skip
    assert not keys[6:].any()
    assert not keys[:, 1:].any()


def test_keys_of_a_feature_stand_side_by_side_however_the_features_are_stored():
    values = np.arange(1, 1 + 2 * (2 * LANES + 3), dtype=np.float32).reshape(-1, 2)
    keys = keys_in_lanes(values, 3)
    assert keys.shape == (3, 3 * LANES)
    for pixel in (0, LANES - 1, LANES, 2 * LANES + 2):
        group, lane = divmod(pixel, LANES)
        for column in range(2):
            bits = int(values[pixel, column].view(np.uint32)) | 0x80000000
            assert int(keys[group, column * LANES + lane]) == bits
    assert np.array_equal(keys, keys_in_lanes(np.asfortranarray(values), 3))


def test_ties_go_to_the_lowest_code():
    features = np.zeros((4, 1), np.float32)
    estimator = fitted(features, [9, 9, 4, 4], bootstrap=False)
    codes, confidence = predict(pack(estimator, ["f0"]), features)
    assert codes.tolist() == [4] * 4
    assert confidence.tolist() == [0.5] * 4


def test_values_at_a_threshold_go_left_and_the_next_float_goes_right():
    estimator = fitted(*noisy(n=150))
    tree = estimator.estimators_[0].tree_
    inner = tree.children_left >= 0
    feature, threshold = tree.feature[inner], tree.threshold[inner].astype(np.float32)
    rows = noisy(n=3 * len(threshold), seed=4)[0]
    up, down = np.float32(np.inf), np.float32(-np.inf)
    beside = [np.nextafter(threshold, down), threshold, np.nextafter(threshold, up)]
    rows[np.arange(len(rows)), np.tile(feature, 3)] = np.concatenate(beside)
    assert_same(estimator, rows)


def test_threshold_that_float32_would_round_up():
    # Midpoint 2^24 + 3 of two neighbouring float32; the nearest float32 is 2^24 + 4, class 7.
    low, high = np.float32(2**24 + 2), np.float32(2**24 + 4)
    features = np.array([[low], [high]] * 5, dtype=np.float32)
    estimator = fitted(features, [3, 7] * 5, bootstrap=False)
    assert estimator.estimators_[0].tree_.threshold[0] == 2**24 + 3
    forest = pack(estimator, ["f0"])
    assert forest.threshold[0] == low
    assert predict(forest, features)[0].tolist() == [3, 7] * 5


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9])
def test_any_number_of_rows(n):
    estimator = fitted(*noisy())
    features = noisy(seed=5)[0][:n]
    codes, confidence = predict(pack(estimator, NAMES), features)
    assert codes.shape == confidence.shape == (n,)
    assert np.array_equal(codes, estimator.predict(features) if n else [])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_without_every_feature_are_nodata_and_disturb_nobody(bad):
    forest = pack(fitted(*noisy()), NAMES)
    features = noisy(seed=6)[0]
    codes, confidence = predict(forest, features)
    holed = features.copy()
    holed[::5, 3] = bad
    seen = np.arange(len(features)) % 5 != 0
    holed_codes, holed_confidence = predict(forest, holed)
    assert np.array_equal(holed_codes, np.where(seen, codes, 0))
    assert np.array_equal(holed_confidence, np.where(seen, confidence, np.nan), equal_nan=True)


@pytest.mark.parametrize("shape", [(3, D + 1), (3, D - 1), (D,)])
def test_features_of_another_width_are_refused(shape):
    with pytest.raises(InputError, match=r"float32 features \(n, 6\)"):
        forest_probabilities(pack(fitted(*noisy()), NAMES), np.zeros(shape, np.float32))


def test_float64_features_are_refused():
    with pytest.raises(InputError, match="found float64"):
        forest_probabilities(pack(fitted(*noisy()), NAMES), np.zeros((2, D)))


def test_pack_needs_names_and_codes():
    features, labels = noisy()
    with pytest.raises(InputError, match="expected 6 feature names, found none"):
        pack(fitted(features, labels))
    with pytest.raises(InputError, match="expected 6 feature names, found 2"):
        pack(fitted(features, labels), ["a", "b"])
    with pytest.raises(InputError, match=r"codes 1 to 255, found \[0"):
        pack(fitted(features, labels - 2), NAMES)


def saved(forest):
    file = io.BytesIO()
    save_forest(forest, file)
    return file.getvalue()


def test_reloaded_forest_is_the_same(tmp_path):
    forest = pack(fitted(*noisy(), max_depth=6), NAMES)
    features = noisy(seed=7)[0]
    save_forest(forest, tmp_path / "arrays.npz")
    again = load_forest(tmp_path / "arrays.npz")
    assert again.feature_names == NAMES
    for expected, found in zip(predict(forest, features), predict(again, features), strict=True):
        assert np.array_equal(expected, found)
    assert saved(again) == (tmp_path / "arrays.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "arrays.npz") as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}, "clock in the file"


def first_inner(arrays):
    return int(np.flatnonzero(arrays["leaf"] < 0)[1])


def first_leaf(arrays):
    return int(np.flatnonzero(arrays["leaf"] >= 0)[0])


def set_to(name, value, where=first_inner):
    def change(arrays):
        arrays[name][where(arrays)] = value

    return change


CHANGES = {
    "child points back": (set_to("children", 0), "children above their parent"),
    "child is itself": (
        lambda a: a["children"].__setitem__(first_inner(a), first_inner(a)),
        "children above their parent",
    ),
    "child in the next tree": (
        lambda a: a["children"].__setitem__(first_inner(a), a["tree_offsets"][1]),
        "children above their parent",
    ),
    "child of two parents": (
        lambda a: a["children"].__setitem__(
            first_inner(a), np.repeat(a["children"][first_inner(a)][:1], 2)
        ),
        "below one parent",
    ),
    "leaf walks on": (set_to("children", 1, first_leaf), "children above their parent"),
    "feature too high": (set_to("feature", D), "feature indices below 6"),
    "feature negative": (set_to("feature", -1), "feature indices below 6"),
    "threshold nan": (set_to("threshold", np.nan), "finite thresholds"),
    "leaf row too high": (
        lambda a: a["leaf"].__setitem__(first_leaf(a), len(a["leaf_probabilities"])),
        "leaves inside the table",
    ),
    "leaf row negative": (set_to("leaf", -2), "leaves inside the table"),
    "offsets fall": (set_to("tree_offsets", 0, lambda a: 2), "tree offsets that rise"),
    "offsets overrun": (set_to("tree_offsets", 10**6, lambda a: -1), "tree offsets that rise"),
    "code 0": (set_to("classes", 0, lambda a: 0), "ascending class codes"),
    "no probability": (set_to("leaf_probabilities", 0.9, lambda a: -1), "sum to 1"),
    "no identity": (set_to("leaf_probabilities", 0.5, lambda a: 0), "one leaf row per class"),
    "nodes cut": (lambda a: a.update(leaf=a["leaf"][:-1]), "node arrays of one length"),
    "one child": (lambda a: a.update(children=a["children"][:, :1]), "two children"),
    "float features": (lambda a: a.update(feature=a["feature"] * 1.0), "expected feature of"),
    "array gone": (lambda a: a.pop("leaf"), "expected a packed forest"),
    "names doubled": (
        lambda a: a.update(feature_names=np.array(["f0"] * D)),
        "different feature names",
    ),
    "pickle inside": (
        lambda a: a.update(classes=np.array([print], dtype=object)),
        "expected a packed forest",
    ),
    "other format": (lambda a: a.update(format=np.int64(2)), "expected format 1, found 2"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_file_is_refused(change):
    tamper, sentence = CHANGES[change]
    with np.load(io.BytesIO(saved(pack(fitted(*noisy(), max_depth=4), NAMES)))) as stored:
        arrays = {name: stored[name].copy() for name in stored.files}
    tamper(arrays)
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with pytest.raises(InputError, match=sentence):
        load_forest(file)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"not a forest",
        lambda content: content.replace(b"'<f4'", b"'<f5'"),
        lambda content: content[: len(content) // 2] + b"\xa5" + content[len(content) // 2 + 1 :],
    ],
    ids=["cut", "empty", "text", "header", "byte"],
)
def test_damaged_file_is_refused(damage):
    content = damage(saved(pack(fitted(*noisy()), NAMES)))
    with pytest.raises(InputError, match="Forest file: "):
        load_forest(io.BytesIO(content))


def test_array_that_is_no_archive_is_refused():
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    file.seek(0)
    with pytest.raises(InputError, match="Forest file: "):
        load_forest(file)
