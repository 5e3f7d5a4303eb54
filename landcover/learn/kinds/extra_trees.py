"""Extremely randomized trees (Geurts, Ernst & Wehenkel 2006): random thresholds, all the rows."""

from __future__ import annotations

from sklearn.ensemble import (  # type: ignore[import-untyped, unused-ignore]
    ExtraTreesClassifier,
)

from landcover.learn.kinds.trees import Trees

CLASSIFIER = Trees(ExtraTreesClassifier, bootstrap=False)
