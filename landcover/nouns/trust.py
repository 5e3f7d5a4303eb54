"""How far a model is to be trusted, measured on groups that were kept out of its fit."""

from __future__ import annotations

from pydantic import Field

from landcover.nouns.base import Noun


class ApplicabilityReport(Noun):
    """Area of applicability: what was compared, and what it is worth."""

    n_references: int
    """Training samples that a pixel is compared with."""
    index_threshold: float
    """Dissimilarity index beyond which a pixel is outside."""
    training_outside_percent: float
    """Training samples that are outside of the other folds, %."""
    held_out_outside_percent: float | None
    """Samples that are unlike those of other groups, %; None where none was asked."""
    accuracy_inside: float | None
    """Share of the samples inside that a model answers right that did not see their group; None
    where there is none."""
    accuracy_outside: float | None
    """The same outside."""
    difference: float | None = None
    """Accuracy inside minus outside; None where either is unknown."""
    interval: tuple[float, float] | None = None
    """95 % range of the difference over resampled groups; None for fewer than ten groups on a
    side. Where it includes 0, nothing is claimed."""

    @property
    def is_telling(self) -> bool:
        """True where errors were found to be commoner outside."""
        return self.interval is not None and self.interval[0] > 0


class CoverageReport(Noun):
    """Sets of classes: how often they held the true class in groups that had no part in them."""

    stated: float
    """Share that was asked for."""
    mean: float
    """Share that was found; every group counts the same."""
    lowest: float
    """The least of the repeats."""
    highest: float
    """The greatest of the repeats."""
    mean_size: float
    """Mean number of classes in a set."""
    by_class: dict[str, float]
    """Class → share of its samples."""
    score_limit: float | None
    """1 - the least probability of a class that stays in a set of the map; None where the
    held-out groups are too few to promise this share, so that sets hold every class."""


class TrustReport(Noun):
    """Both, as the card of a model holds them."""

    applicability: ApplicabilityReport | None
    """None where the training samples are of a single group."""
    n_held_out_groups: int
    """Groups that the coverages were measured on: each answered by a model that did not see it."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the bytes of ``trust.npz``."""
    coverages: tuple[CoverageReport, ...]
    """One a stated coverage; none where fewer than two groups were held out."""
