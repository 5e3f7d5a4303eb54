"""Multilayer perceptron, the landcoverpy paper's neural network; explained by permutation only."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from landcover.learn.kinds.contract import Classifier, Floats, TrainingRows
from landcover.learn.network import (
    PackedNetwork,
    load_network,
    network_probabilities,
    pack_network,
    save_network,
    scaling,
)
from landcover.learn.training import fit_network
from landcover.nouns.classifiers import NetworkParameters


class Network(Classifier[PackedNetwork]):
    """Layers of logistic units on scaled features."""

    def fit(
        self, rows: TrainingRows, parameters: NetworkParameters, *, seed: int, threads: int
    ) -> Any:
        """Fit the layers to scaled features; see :meth:`Classifier.fit`."""
        centre, scale = scaling(rows.features, rows.names, rows.limits)
        given = ((rows.features - centre) / scale).astype(np.float32)
        return fit_network(given, rows.codes, rows.groups, parameters, rows.weights, seed)

    def pack(self, estimator: Any, rows: TrainingRows) -> PackedNetwork:
        """Put the layers behind the scale of the features."""
        centre, scale = scaling(rows.features, rows.names, rows.limits)
        return pack_network(estimator, rows.names, centre, scale)

    def save(self, packed: PackedNetwork, file: BinaryIO) -> None:
        """Write the layers; see :func:`landcover.learn.network.save_network`."""
        save_network(packed, file)

    def load(self, file: BinaryIO) -> PackedNetwork:
        """Read and check the layers; see :func:`landcover.learn.network.load_network`."""
        return load_network(file)

    def probabilities(self, packed: PackedNetwork, features: NDArray[np.float32]) -> Floats:
        """Answer; see :func:`landcover.learn.network.network_probabilities`."""
        return network_probabilities(packed, features)

    def bytes_per_row(self, packed: PackedNetwork) -> int:
        """Count the scaled features twice, and the widest two layers that live at a time."""
        sizes = [len(packed.feature_names), *(int(w.shape[1]) for w in packed.weights)]
        return 8 * max(2 * sizes[0], *(one + 2 * two for one, two in pairwise(sizes)))


CLASSIFIER = Network()
