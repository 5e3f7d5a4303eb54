"""How well a model validates under several splits of its samples, side by side."""

from __future__ import annotations

from typing import Literal

from landcover.nouns.accuracy import AccuracyReport
from landcover.nouns.area import AreaReport
from landcover.nouns.base import Noun

SplitName = Literal["rows", "held-out", "groups", "blocks", "tiles", "sources", "independent"]

Range = tuple[float, float]


class ClassScore(Noun):
    """One class under one split; None where nothing was there to divide by."""

    code: int
    """Class code, 1 … 255."""
    name: str
    """Name of the class."""
    users: float | None
    """User's accuracy, 0-1."""
    producers: float | None
    """Producer's accuracy, 0-1."""
    f1: float | None
    """F1, 0-1."""
    n: int
    """Reference samples of the class."""
    n_groups: int
    """Groups (points, polygons, fields) that they come from."""
    interval: Range | None
    """95 % range of the producer's accuracy over resampled groups; None for fewer than ten."""


class SeedRange(Noun):
    """The same measurement under several seeds."""

    n: int
    """Seeds."""
    overall: tuple[float, float, float]
    """Mean, least and greatest overall accuracy, 0-1."""
    macro_f1: tuple[float, float, float]
    """Mean, least and greatest macro F1, 0-1."""


class SplitScore(Noun):
    """What one way of splitting says."""

    name: SplitName
    """Which split."""
    design: str
    """One sentence: what is apart from what, and what the number may be used for."""
    n_folds: int
    """Models that were fitted; 1 for the map itself."""
    n: int
    """Test samples."""
    n_groups: int
    """Groups that they come from."""
    overall: float
    """Overall accuracy, 0-1."""
    macro_f1: float
    """Mean F1 over the classes present in the reference, 0-1."""
    majority_baseline: float
    """Overall accuracy of always answering the commonest reference class, 0-1."""
    interval: Range | None
    """95 % range of the overall accuracy over resampled groups; no design-based interval."""
    seeds: SeedRange | None = None
    """What other seeds of split and fit give."""
    not_judged: int = 0
    """Samples left out because the model of their fold had not learned their class."""
    unlearned: tuple[str, ...] = ()
    """Classes of two groups or more among them: their groups lie in one part of the split, so it
    does not say how the map does."""
    classes: tuple[ClassScore, ...]
    """One entry per class, by code."""

    def score_of(self, code: int) -> ClassScore | None:
        """Find the entry of a class."""
        return next((entry for entry in self.classes if entry.code == code), None)


class ClassGap(Noun):
    """Difference of one number between two splits."""

    code: int
    """Class code; 0 for the overall accuracy."""
    name: str
    """Name of the class, or ``overall``."""
    first: float | None
    """Producer's accuracy (or overall accuracy) under the first split, 0-1."""
    second: float | None
    """The same under the second split."""
    difference: float | None
    """second - first: negative where the first flatters."""
    interval: Range | None
    """95 % range of the difference over resampled groups; None for fewer than ten groups."""
    n_groups: tuple[int, int]
    """Groups under the first and the second split."""


class Gap(Noun):
    """What a number loses from one split to another.

    Classes are compared by producer's accuracy: unlike user's accuracy and F1 it does not change
    with the shares of the classes in the sample, which differ from one sample to the other.
    """

    first: SplitName
    second: SplitName
    classes: tuple[ClassGap, ...]
    """The overall accuracy first, then one entry per class."""


class CalibrationBin(Noun):
    """Samples whose confidence lies in one bin."""

    low: float
    """Lower edge, 0-1."""
    high: float
    """Upper edge, 0-1."""
    n: int
    """Samples."""
    confidence: float
    """Their mean confidence, 0-1."""
    accuracy: float
    """Share of them that is right, 0-1."""


class Calibration(Noun):
    """Whether the model's confidence can be taken at its word (held-out samples)."""

    bins: tuple[CalibrationBin, ...]
    """Bins that hold samples, by confidence."""
    expected_error: float
    """Expected calibration error, 0-1."""
    brier: float
    """Brier score, 0 (certain and right) … 2 (certain and wrong)."""
    log_loss: float
    """Mean negative logarithm of the true class's probability."""
    n: int
    """Samples."""


class Independent(Noun):
    """The map against points that no model has seen."""

    agreement: AccuracyReport
    """Plain agreement of the points with the map."""
    area: AreaReport | None
    """Area-weighted accuracy and area with 95 % intervals."""
    refused: str
    """Why there are no intervals; empty where there are."""


class RegionCoverage(Noun):
    """How often sets of classes held the true one in regions that the model had not seen."""

    split: SplitName
    """What was left out as a region."""
    stated: float
    """Share that was asked for."""
    regions: dict[str, float]
    """Region → share of its samples whose set held their class; every group counts the same."""
    by_class: dict[str, float]
    """Class → share of its samples over all regions."""


class Validation(Noun):
    """Everything that was measured beside the map's accuracy report."""

    splits: tuple[SplitScore, ...]
    """One entry per split, the most flattering first."""
    gaps: tuple[Gap, ...]
    """Differences between splits, class by class."""
    calibration: Calibration | None = None
    """Calibration of the map's confidence, on groups that neither model nor calibrator saw; None
    where there are none."""
    coverages: tuple[RegionCoverage, ...] = ()
    """Coverage of sets of classes, one entry per split into regions."""
    independent: Independent | None = None
    """Independent points, where the run was given any."""
    n_rows: int = 0
    """Rows that models were fitted on and judged by in the splits."""
    notes: tuple[str, ...] = ()
    """What a reader must know, one sentence each."""

    def split(self, name: SplitName) -> SplitScore | None:
        """Find what a split says."""
        return next((entry for entry in self.splits if entry.name == name), None)
