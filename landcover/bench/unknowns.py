"""Classes that a model never saw: is it less sure of them, or are they dissimilar?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from landcover.bench.answers import FOLDS, answer, auroc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from landcover.bench.models import Samples


def unknown_classes(
    known: Samples, fold: NDArray[np.int64], seed: int, threads: int
) -> list[dict[str, Any]]:
    """Leave every class out of training in turn and look for it among other held-out rows.

    Args:
        known: Samples.
        fold: Fold of each row, whole groups; one fold is held out with each class.
        seed: Seed of the fits.
        threads: Threads of the fits.

    Returns:
        One entry per class, none where fewer than two would be left to train: how well confidence
        and dissimilarity tell its rows from the others, and how much of either lies outside of
        the area of applicability.
    """
    import numpy as np

    code = known.table["code"].to_numpy()
    classes = np.unique(code)
    found = []
    for number, one in enumerate(classes if classes.size > 2 else ()):
        is_test = (code == one) | (fold == number % FOLDS)
        told = answer(known, known.table[~is_test], known.table[is_test], seed, threads)
        is_new = code[is_test] == one
        found.append(
            {
                "class": int(one),
                "rows": int(is_new.sum()),
                "auroc_confidence": round(auroc(is_new, 1 - told["confidence"]), 4),
                "auroc_index": round(auroc(is_new, told["index"]), 4),
                "outside": round(float(told["outside"][is_new].mean()), 4),
                "others_outside": round(float(told["outside"][~is_new].mean()), 4),
            }
        )
    return found


def told(title: str, classes: Sequence[dict[str, Any]]) -> list[str]:
    """Write what was found as lines for people."""
    return [
        f"{title}, classes left out of training: found by (AUROC) confidence, dissimilarity; "
        "outside the area, others outside",
        *(
            f"  class {one['class']:3} ({one['rows']} rows): {one['auroc_confidence']:.2f}, "
            f"{one['auroc_index']:.2f}; {one['outside']:.1%}, {one['others_outside']:.1%}"
            for one in classes
        ),
    ]
