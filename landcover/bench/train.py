"""Fitting a forest of 70,000 x 72: ours beside scikit-learn's, and extra trees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS, FEATURES, CLASSES = 70_000, 72, 9
"""The paper's table (docs/methods/features.md#feature-sets-and-tables)."""
HELD_OUT = 18_000
TREES = 100
BLOCK = 9
"""Pixels of a point."""


def disk_gb(request: Request) -> float:
    """Say what the answers on held-out rows take, GB."""
    return 1e-3


def measure(request: Request, progress: Progress) -> Report:
    """Fit forests on made-up samples and compare their answers on points that did not train.

    The full table with ``--full``, else 18,000 rows.
    """
    rows = ROWS if request.full else HELD_OUT
    known = {
        "folder": str(request.folder), "rows": rows, "seed": request.seed,
        "threads": request.threads or 2,
    }  # fmt: skip
    cases = [
        Case("ours, random forest", f"{__name__}:ours", {**known, "kind": "random-forest"}),
        Case("scikit-learn, random forest", f"{__name__}:scikit_learn", known),
        Case("scikit-learn, another seed", f"{__name__}:scikit_learn", {**known, "shift": 1}),
        Case("ours, extra trees", f"{__name__}:ours", {**known, "kind": "extra-trees"}),
    ]
    title = f"{TREES} trees, {rows} x {FEATURES}"
    found = side_by_side(title, cases, request.repeats_or(1), progress, same=False)
    facts = {"rows": rows, "features": FEATURES, "trees": TREES, "threads": known["threads"]}
    return Report("train", facts, found, _notes(request.folder, found, request.seed))


def samples(rows: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Make up the samples of points of nine pixels that resemble each other.

    Classes are mixtures of twelve factors that all features share, as bands and seasons do; a
    twentieth of the points has a wrong label.

    Args:
        rows: Number of rows.
        seed: Seed of the rows; the classes are the same for every seed.

    Returns:
        Features, float32, (rows, 72), and class codes, uint8, (rows,), 1-9, unevenly many.
    """
    import numpy as np

    shape = np.random.default_rng(0)
    mixing = shape.normal(0, 1, (12, FEATURES))
    centres = shape.normal(0, 1, (CLASSES, 12))
    draw = np.random.default_rng((seed, rows))
    n_points = -(-rows // BLOCK)
    share = np.arange(CLASSES, 0, -1) / np.arange(CLASSES, 0, -1).sum()
    true = draw.choice(CLASSES, n_points, p=share)
    own = centres[true] + draw.normal(0, 1.0, (n_points, 12))
    said = np.where(draw.random(n_points) < 0.05, draw.integers(0, CLASSES, n_points), true)
    values = np.repeat(own, BLOCK, axis=0) + draw.normal(0, 0.3, (n_points * BLOCK, 12))
    features = values @ mixing + draw.normal(0, 0.5, (n_points * BLOCK, FEATURES))
    codes = np.repeat(said + 1, BLOCK).astype(np.uint8)
    return features[:rows].astype(np.float32), codes[:rows]


def ours(folder: str, rows: int, seed: int, threads: int, kind: Any) -> Work:
    """Fit by our front door, packed for maps."""
    from landcover import api

    # Libraries are loaded before the clock starts, for every engine.
    fit, (features, codes) = api.fit_classifier, samples(rows, seed)

    def work() -> Work:
        model = fit(
            features, codes, kind=kind, parameters={"n_trees": TREES}, seed=seed, threads=threads
        )
        return lambda: _keep(folder, kind, model.predict(_held_out(seed)[0])[0])

    return work


def scikit_learn(folder: str, rows: int, seed: int, threads: int, shift: int = 0) -> Work:
    """Fit as scikit-learn's handbook says."""
    from sklearn.ensemble import (  # type: ignore[import-untyped, unused-ignore]
        RandomForestClassifier,
    )

    features, codes = samples(rows, seed)

    def work() -> Work:
        forest = RandomForestClassifier(TREES, n_jobs=threads, random_state=seed + shift)
        forest.fit(features, codes)
        return lambda: _keep(folder, f"scikit-learn-{shift}", forest.predict(_held_out(seed)[0]))

    return work


def _held_out(seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    # Other points of the same classes.
    return samples(HELD_OUT, seed + 1)


def _keep(folder: str, name: str, answers: NDArray[np.uint8]) -> str:
    import numpy as np

    np.save(Path(folder, f"{name}.npy"), answers)
    return name


def _notes(folder: Path, found: list[Row], seed: int) -> list[str]:
    import numpy as np

    from landcover.learn.accuracy import accuracy

    codes = _held_out(seed)[1]
    answers = [np.load(folder / f"{row.result}.npy") for row in found]
    notes = []
    for row, mine in zip(found, answers, strict=True):
        report = accuracy(mine, codes)
        notes.append(
            f"{row.engine}: overall {report.overall:.4f}, macro F1 {report.macro_f1:.4f} on "
            f"{codes.size} rows of other points; {100 * (mine == answers[1]).mean():.2f} % of its "
            "answers are scikit-learn's."
        )
    return [*notes, "Made-up samples: they compare engines and say nothing about land cover."]
