"""Two models judged on the same held-out samples."""

from __future__ import annotations

from landcover.nouns.base import Noun


class ComparedModel(Noun):
    """One of the two models."""

    id: str
    """Id of the model."""
    kind: str
    """Kind of classifier."""
    n_features: int
    """Features that it reads."""
    overall: float
    """Overall accuracy on the common samples, 0-1."""
    macro_f1: float
    """Mean of F1 over the classes of the reference, 0-1."""


class ModelComparison(Noun):
    """Whether one of two models is better."""

    first: ComparedModel
    """The first model."""
    second: ComparedModel
    """The second model."""
    n: int
    """Held-out samples that both answered."""
    n_groups: int
    """Groups that these samples come from; the test counts each once."""
    n_left_out: int
    """Held-out samples that only one of the two could answer, or neither."""
    only_first: int
    """Groups on which the first has more samples right."""
    only_second: int
    """Groups on which the second has more samples right."""
    p_value: float
    """Exact McNemar test over groups, two-sided."""
    difference: tuple[float, float] | None
    """95 % range of the overall accuracy of second - first over resampled groups; None for fewer
    than ten groups."""
    verdict: str
    """What that means, one sentence."""
