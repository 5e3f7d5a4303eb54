"""A small neural network as plain arrays: what a map is made from after scikit-learn fitted it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.arrays import names_in, open_arrays, write_arrays

FORMAT = 1
"""Version of the file's layout."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PackedNetwork:
    """Layers of a multilayer perceptron with logistic hidden units and softmax answers.

    With d features, K classes and layers of n_0 = d, n_1 … n_L = K units.
    """

    feature_names: tuple[str, ...]
    """Names of the d features, in the order of the columns."""
    classes: NDArray[np.uint8]
    """Class codes, (K,), ascending, 1 … 255."""
    centre: Floats
    """What is taken from a feature before it is divided by ``scale``, (d,)."""
    scale: Floats
    """Unit of a feature, (d,), not 0."""
    weights: tuple[Floats, ...]
    """Weights of each layer, (n_l, n_l+1)."""
    biases: tuple[Floats, ...]
    """Biases of each layer, (n_l+1,)."""

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        _check(self)


def scaling(
    features: NDArray[np.float32],
    names: Sequence[str],
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[Floats, Floats]:
    """Decide how features are scaled for a network.

    Args:
        features: Training rows, (n, d).
        names: Names of the features.
        limits: Feature → values that become -1 and 1 (Table 2 of the landcoverpy paper).

    Returns:
        Centre and scale of each feature, float64, (d,): from the limits where there are some, else
        mean and standard deviation of the rows (1 where a feature is constant).
    """
    rows = features.astype(np.float64)
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale == 0] = 1.0
    for column, name in enumerate(names):
        if limits and name in limits:
            low, high = limits[name]
            centre[column], scale[column] = (low + high) / 2, (high - low) / 2
    return centre, scale


def pack_network(
    estimator: Any, feature_names: Sequence[str], centre: Floats, scale: Floats
) -> PackedNetwork:
    """Turn a fitted ``MLPClassifier`` into arrays.

    Two classes, which scikit-learn answers with one logistic unit, become two softmax units: the
    softmax of (0, z) is the logistic of z.
    """
    weights = [np.asarray(w, dtype=np.float64) for w in estimator.coefs_]
    biases = [np.asarray(b, dtype=np.float64) for b in estimator.intercepts_]
    if weights[-1].shape[1] == 1:
        weights[-1] = np.concatenate([np.zeros_like(weights[-1]), weights[-1]], axis=1)
        biases[-1] = np.concatenate([np.zeros(1), biases[-1]])
    return PackedNetwork(
        feature_names=tuple(feature_names),
        classes=np.asarray(estimator.classes_, dtype=np.uint8),
        centre=centre,
        scale=scale,
        weights=tuple(weights),
        biases=tuple(biases),
    )


def network_probabilities(network: PackedNetwork, features: NDArray[np.float32]) -> Floats:
    """Compute class probabilities.

    Args:
        network: The network.
        features: Finite features in its order, float32, (n, d).

    Returns:
        float64, (n, K), rows sum to 1.
    """
    values = (features.astype(np.float64) - network.centre) / network.scale
    last = len(network.weights) - 1
    for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        values = values @ weight
        values += bias
        if layer < last:
            # The logistic by tanh: no overflow for any input.
            np.tanh(values / 2, out=values)
            values += 1
            values /= 2
    values -= values.max(axis=1, keepdims=True)
    np.exp(values, out=values)
    values /= values.sum(axis=1, keepdims=True)
    return values


def save_network(network: PackedNetwork, file: BinaryIO) -> None:
    """Write a network as npz without pickle; equal networks give equal bytes."""
    arrays: dict[str, Any] = {f"weight_{n}": weight for n, weight in enumerate(network.weights)}
    arrays |= {f"bias_{n}": bias for n, bias in enumerate(network.biases)}
    known = {name: getattr(network, name) for name in ("classes", "centre", "scale")}
    write_arrays(file, FORMAT, network.feature_names, known | arrays)


def load_network(file: BinaryIO) -> PackedNetwork:
    """Read a network and check it.

    Raises:
        InputError: The file is no packed network of this format.
    """
    with open_arrays(file, FORMAT, "network") as arrays:
        n_layers = sum(name.startswith("weight_") for name in arrays.files)
        return PackedNetwork(
            feature_names=names_in(arrays),
            classes=arrays["classes"],
            centre=arrays["centre"],
            scale=arrays["scale"],
            weights=tuple(arrays[f"weight_{n}"] for n in range(n_layers)),
            biases=tuple(arrays[f"bias_{n}"] for n in range(n_layers)),
        )


def _check(network: PackedNetwork) -> None:
    d, k = len(network.feature_names), network.classes.size
    numbers = (network.centre, network.scale, *network.weights, *network.biases)
    if any(array.dtype != np.float64 or not np.isfinite(array).all() for array in numbers):
        raise _refuse("expected finite float64 numbers")
    if network.classes.dtype != np.uint8 or k < 2 or network.classes[0] == 0:
        raise _refuse("expected class codes from 1")
    if np.any(np.diff(network.classes.astype(int)) <= 0):
        raise _refuse(f"expected ascending class codes, found {network.classes.tolist()}")
    if network.centre.shape != (d,) or network.scale.shape != (d,) or not network.scale.all():
        raise _refuse(f"expected a centre and a scale for each of {d} features")
    sizes = [d, *(weight.shape[-1] for weight in network.weights)]
    shapes = list(pairwise(sizes))
    if (
        not network.weights
        or sizes[-1] != k
        or [weight.shape for weight in network.weights] != shapes
        or [bias.shape for bias in network.biases] != [(size,) for size in sizes[1:]]
    ):
        raise _refuse(f"expected layers that lead from {d} features to {k} classes")


def _refuse(what: str) -> InputError:
    return InputError(
        f"Packed network: {what}; the file is damaged or was changed, fetch it again."
    )
