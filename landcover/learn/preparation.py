"""Features prepared for a classifier: scaled, chosen, turned into components.

Method: docs/methods/preparation.md.

All of it is fitted on training rows and becomes part of the model, so that a fold of a
cross-validation never sees what it is judged on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.choosing import Choice, choose_features
from landcover.learn.components import Spectrum, fit_components
from landcover.learn.kinds.contract import TrainingRows
from landcover.learn.svm_kernel import MULTIPLE, multiply, padded
from landcover.recipe.preparing import Preparing, Scaling

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PreparationNotes:
    """What was seen when a preparation was fitted; of no use to a map."""

    constant: tuple[str, ...] = ()
    """Features that had one value, and were left out."""
    choice: Choice | None = None
    """How features were chosen; None where all stay."""
    spectrum: Spectrum | None = None
    """Variance of the components; None where there are none."""


@dataclass(frozen=True, eq=False)
class Preparation:
    """From d features to what a classifier is given: q of them, or q components."""

    feature_names: tuple[str, ...]
    """The d features, in the order of the columns."""
    kept: NDArray[np.int64]
    """Columns that are used, ascending, (m,)."""
    centre: Floats
    """What is taken from each of them, (m,)."""
    scale: Floats
    """What it is divided by, (m,), not 0."""
    is_clipped: bool
    """True where scaled values outside 0-1 become 0 or 1."""
    mean: Floats
    """Mean of the scaled features before the components, (m,); empty where there are none."""
    axes: Floats
    """Components, (m, q); (0, 0) where there are none."""
    notes: PreparationNotes = field(default_factory=PreparationNotes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what comes out: features, or ``pc1`` …."""
        if self.axes.size:
            return tuple(f"pc{number}" for number in range(1, self.axes.shape[1] + 1))
        return tuple(self.feature_names[column] for column in self.kept)

    def transform(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Prepare rows.

        Args:
            features: Finite features in their order, float32, (n, d).

        Returns:
            float32, (n, q), C order. A row depends on nothing but its own features.
        """
        given = features[:, self.kept].astype(np.float64, order="C")
        if not self.axes.size:
            return self._scaled(given).astype(np.float32)
        if self.is_clipped:
            return self._onto(self._scaled(given) - self.mean, self.axes)
        # Without clipping scale and components are one product.
        shift = self.centre + self.mean * self.scale
        return self._onto(given - shift, self.axes / self.scale[:, None])

    def _scaled(self, given: Floats) -> Floats:
        given -= self.centre
        given /= self.scale
        return np.clip(given, 0, 1, out=given) if self.is_clipped else given

    def _onto(self, centred: Floats, axes: Floats) -> NDArray[np.float32]:
        """Multiply by our own loops: those of BLAS have other last bits in another place."""
        found = np.empty((len(centred) + -len(centred) % MULTIPLE, axes.shape[1]))
        rows = padded(padded(np.ascontiguousarray(centred), MULTIPLE, 0), MULTIPLE, 1)
        multiply(rows, padded(np.ascontiguousarray(axes), MULTIPLE, 0), found)
        return found[: len(centred)].astype(np.float32)

    @property
    def bytes_per_row(self) -> int:
        """Memory that :meth:`transform` takes for each row."""
        return 8 * 4 * (self.kept.size + 4) + 12 * len(self.names)


def fit_preparation(how: Preparing, rows: TrainingRows, *, seed: int = 0) -> Preparation:
    """Fit scaling, choice of features and components, in this order.

    Args:
        how: What is wanted.
        rows: Training rows.
        seed: Seed of the rows and folds that features are chosen on.

    Returns:
        The preparation.

    Raises:
        InputError: Every feature is constant, or a feature that shall stay is none of them.
    """
    values = rows.features.astype(np.float64)
    varies = np.ptp(values, axis=0) > 0
    if not varies.any():
        raise InputError(
            f"Preparation: each of {len(rows.names)} features has one value in all "
            f"{len(values)} training rows, so nothing can be learned. Look at the products and "
            "at the places of the labels."
        )
    kept = np.flatnonzero(varies)
    centre, scale = _scaling(how.scaling, values[:, kept])
    is_clipped = how.scaling is not None and how.scaling.method == "quantile"
    scaled = (values[:, kept] - centre) / scale
    if is_clipped:
        scaled = np.clip(scaled, 0, 1)
    choice = None
    if how.selection is not None:
        names = tuple(rows.names[column] for column in kept)
        choice = choose_features(how.selection, scaled, rows, names, seed=seed)
        stays = np.array(choice.kept, dtype=np.int64)
        kept, centre, scale, scaled = kept[stays], centre[stays], scale[stays], scaled[:, stays]
    mean, axes, spectrum = np.empty(0), np.empty((0, 0)), None
    if how.pca is not None:
        mean, axes, spectrum = fit_components(how.pca, scaled)
    constant = tuple(rows.names[column] for column in np.flatnonzero(~varies))
    return Preparation(
        rows.names, kept.astype(np.int64), centre, scale, is_clipped, mean, axes,
        PreparationNotes(constant, choice, spectrum),
    )  # fmt: skip


def prepared_rows(preparation: Preparation, rows: TrainingRows) -> TrainingRows:
    """Give the rows as a classifier sees them."""
    return TrainingRows(
        preparation.transform(rows.features), rows.codes, preparation.names, rows.groups,
        rows.weights,
    )  # fmt: skip


def _scaling(how: Scaling | None, values: Floats) -> tuple[Floats, Floats]:
    """Find what is taken from features that vary, and what they are divided by."""
    if how is None:
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    if how.method == "standard":
        return values.mean(axis=0), values.std(axis=0)
    if how.method == "min-max":
        return values.min(axis=0), np.ptp(values, axis=0)
    low, high = np.percentile(values, [how.low, how.high], axis=0)
    # A feature with one value between the percentiles varies outside: it keeps its full range.
    is_flat = high <= low
    low[is_flat], high[is_flat] = values.min(axis=0)[is_flat], values.max(axis=0)[is_flat]
    return low, high - low
