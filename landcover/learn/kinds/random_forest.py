"""Random forest (Breiman 2001): every tree grows on a draw of the rows of its own."""

from __future__ import annotations

from sklearn.ensemble import (  # type: ignore[import-untyped, unused-ignore]
    RandomForestClassifier,
)

from landcover.learn.kinds.trees import Trees

CLASSIFIER = Trees(RandomForestClassifier, bootstrap=True)
