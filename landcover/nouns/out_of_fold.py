"""What the answers of a model to samples that it did not learn from say, as its card holds it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from landcover.nouns.base import Noun
from landcover.nouns.validation import Calibration, CalibrationBin, Range

DIFFERING = "calibration_differs_percent"
"""In the statistics of a map: classified pixels whose likeliest class is another one before
calibration than after, %."""


class PermutedFeatures(Noun):
    """Features that stand in for one another, and what is lost when they are permuted."""

    features: tuple[str, ...]
    """Names, in the model's order."""
    drop: float
    """Mean producer's accuracy of the classes that is lost, 0-1; negative by chance."""
    spread: float
    """Standard deviation over the permutations (ddof 0)."""


class CalibrationVariant(Noun):
    """One way to calibrate, judged on rows that did not fit it; the class is its likeliest one."""

    method: str
    """``isotonic``, ``sigmoid``, ``temperature``; ``none`` before calibration."""
    combine: str
    """``normalise`` or ``softmax``; empty where nothing is joined."""
    overall: float
    """Overall accuracy, 0-1."""
    macro_f1: float
    """Mean F1 of the classes that the rows have."""
    macro_recall: float
    """Mean producer's accuracy."""
    macro_precision: float
    """Mean user's accuracy; 0 for a class that is never answered."""
    expected_error: float
    """Expected calibration error of the likeliest class, 0-1."""
    expected_error_of_classes: float
    """Mean over the classes of the error of their own probability."""
    brier: float
    """Brier score, 0-2."""
    log_loss: float
    """Log loss, natural logarithm, clipped at 1e-15."""
    differs: float
    """Share of the rows whose class is another one than before calibration."""


class ClassCurve(Noun):
    """The probability of a class against how often samples are of it."""

    bins: tuple[CalibrationBin, ...]
    """Bins of the probability that hold samples, by probability; ``accuracy`` is the share of
    their samples that are of the class."""
    expected_error: float
    """Expected calibration error of the class's probability, 0-1."""


class ClassCalibration(Noun):
    """Whether the probability of one class can be taken at its word."""

    code: int
    """Class code."""
    name: str
    """Name of the class."""
    n: int
    """Samples of the class."""
    before: ClassCurve
    """The model's own probability."""
    after: ClassCurve
    """The map's, each sample by a calibrator of the other folds."""


class CalibrationReport(Noun):
    """Whether calibration helps, measured on groups that fitted neither model nor calibrator."""

    is_kept: bool
    """True where the range of the change of the log loss lies below 0: maps are calibrated."""
    before: Calibration
    """Curve and scores of the model's own probabilities."""
    after: Calibration
    """The same of calibrated ones, each by a calibrator of the other folds."""
    change: Range | None
    """95 % range over resampled groups of what the mean log loss changes by; None for fewer than
    ten groups, and then nothing is kept."""
    how: str = ""
    """The recipe's way, ``deck isotonic, normalise``; empty for the usual curves of
    probabilities."""
    variants: tuple[CalibrationVariant, ...] = ()
    """Every way side by side, where the recipe says how to calibrate."""
    classes: tuple[ClassCalibration, ...] = ()
    """Curves of each class, by code, where the recipe says how to calibrate."""

    @property
    def expected_error_of_classes(self) -> float | None:
        """Mean over the classes of the error of the map's probability; None without curves."""
        errors = [one.after.expected_error for one in self.classes]
        return sum(errors) / len(errors) if errors else None

    @model_serializer(mode="wrap")
    def _without_what_is_not_asked(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = handler(self)
        if not self.how:
            document.pop("how", None)
            document.pop("variants", None)
            document.pop("classes", None)
        return document


class OutOfFoldReport(Noun):
    """Every sample answered by a model of the same kind that did not see its group."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the bytes of ``out_of_fold.parquet``."""
    n_folds: int
    """Models that were fitted for it."""
    n: int
    """Samples that were answered by a model that had learned their class."""
    n_groups: int
    """Groups that they come from."""
    overall: float | None
    """Share of them that is right, 0-1; None where there is none."""
    not_judged: tuple[str, ...] = ()
    """Classes of which no sample could be judged: all are of one group."""
    permuted: tuple[PermutedFeatures, ...] = ()
    """What permuted features cost, the most first."""
    calibration: CalibrationReport | None = None
    """None where no sample could be judged."""
