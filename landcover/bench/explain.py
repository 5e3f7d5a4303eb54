"""Shapley values of a full-depth forest: ours beside shap.TreeExplainer on the same rows."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work
from landcover.bench.train import CLASSES, FEATURES, ROWS, TREES, samples
from landcover.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIGURE_ROWS = 240
"""Rows of the figure, as the stage takes them."""
BESIDE = 24
"""Rows that both engines explain: shap needs about as many seconds as rows."""
LIGHT_ROWS = 9_000
TOLERANCE = 1e-6


def disk_gb(request: Request) -> float:
    """Say what the forests of 70,000 rows take, GB: one with bootstrap, one without."""
    return 1.2 if request.full else 0.2


def measure(request: Request, progress: Progress) -> Report:
    """Explain rows of a forest of 100 trees: a figure's worth by us, a few by both.

    The full table of 70,000 rows with ``--full``, else 9,000. Both engines explain a forest
    without bootstrap, whose branches were taken by the same shares of rows for either; the figure
    is that of the forest that a run trains.
    """
    rows = ROWS if request.full else LIGHT_ROWS
    known: dict[str, Any] = {
        "folder": str(request.folder), "rows": rows, "seed": request.seed,
        "threads": request.threads or 2,
    }  # fmt: skip
    progress(0.0, f"fitting two forests of {rows} rows")
    _write_forests(**known)
    found = side_by_side(
        f"figure of {FIGURE_ROWS} rows",
        [Case("ours", f"{__name__}:figure", known)],
        request.repeats_or(1),
        progress,
    )
    cases = [Case("ours", f"{__name__}:ours", known)]
    if find_spec("shap"):
        cases.append(Case("shap.TreeExplainer", f"{__name__}:with_shap", known))
    found += side_by_side(f"{BESIDE} rows", cases, request.repeats_or(1), progress, same=False)
    facts = {"rows": rows, "features": FEATURES, "classes": CLASSES, "trees": TREES}
    return Report("explain", {**facts, "threads": known["threads"]}, found, _notes(found))


def figure(folder: str, rows: int, seed: int, threads: int) -> Work:
    """Explain the rows of a figure by the forest of a run, its branches counted anew."""
    from landcover import api
    from landcover.learn.models import Model

    forest, features, _ = _read("bootstrap", folder, rows, seed)
    shown = _unseen(FIGURE_ROWS, seed)
    model = Model("random-forest", forest)
    api.explain(model, shown[:1], training=features[:1])  # loads compiled code

    def work() -> Any:
        found = api.explain(model, shown, training=features, threads=threads)
        return lambda: {"error": _worst(forest, shown, found.values, found.expected)}

    return work


def ours(folder: str, rows: int, seed: int, threads: int) -> Work:
    """Explain a few rows by our kernel."""
    from landcover.learn.treeshap import count_covers, tree_shap

    forest, features, _ = _read("plain", folder, rows, seed)
    shown = _unseen(BESIDE, seed)
    covers = count_covers(forest, features)
    tree_shap(forest, covers, shown[:1])  # loads compiled code

    def work() -> Any:
        found = tree_shap(forest, covers, shown, threads=threads)
        return lambda: _keep(folder, "ours", found.values)

    return work


def with_shap(folder: str, rows: int, seed: int, threads: int) -> Work:
    """Explain the same rows by the shap package, which has one thread."""
    import joblib  # type: ignore[import-untyped, unused-ignore]
    import shap

    estimator = joblib.load(Path(folder) / "plain.joblib")
    shown = _unseen(BESIDE, seed)
    explainer = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")

    def work() -> Any:
        values = explainer.shap_values(shown, check_additivity=False)
        return lambda: _keep(folder, "shap", values)

    return work


def _write_forests(folder: str, rows: int, seed: int, threads: int) -> None:
    import joblib  # type: ignore[import-untyped, unused-ignore]
    from sklearn.ensemble import RandomForestClassifier

    from landcover.learn.forest import pack, save_forest

    features, codes = samples(rows, seed)
    for name, bootstrap in (("bootstrap", True), ("plain", False)):
        estimator = RandomForestClassifier(
            TREES, bootstrap=bootstrap, random_state=seed, n_jobs=threads
        ).fit(features, codes)
        names = [f"f{column}" for column in range(FEATURES)]
        save_forest(pack(estimator, names), Path(folder) / f"{name}.npz")
        if not bootstrap:
            joblib.dump(estimator, Path(folder) / f"{name}.joblib")


def _read(name: str, folder: str, rows: int, seed: int) -> tuple[Any, NDArray[Any], NDArray[Any]]:
    from landcover.learn.forest import load_forest

    return load_forest(Path(folder) / f"{name}.npz"), *samples(rows, seed)


def _unseen(count: int, seed: int) -> NDArray[np.float32]:
    """Give rows of other points than those that trained, one of each point."""
    features, _ = samples(9 * count, seed + 1)
    return features[::9]


def _worst(forest: Any, rows: Any, values: Any, expected: Any) -> float:
    """Give the largest difference of a probability and the sum of its values."""
    import numpy as np

    from landcover.learn.forest import forest_probabilities

    whole = expected + values.sum(axis=1)
    return float(np.abs(whole - forest_probabilities(forest, rows)).max())


def _keep(folder: str, name: str, values: Any) -> dict[str, float]:
    """Keep values for the other engine, and say how far they are from those it left."""
    import numpy as np

    np.save(Path(folder) / f"{name}.npy", values)
    other = Path(folder) / "ours.npy"
    apart = float(np.abs(values - np.load(other)).max())
    if apart > TOLERANCE:
        raise InputError(f"{name}: its values are up to {apart:.2g} from ours.")
    return {"apart": apart}


def _notes(found: list[Row]) -> list[str]:
    notes = []
    for row in found:
        if "figure" in row.case:
            notes.append(
                f"The figure of {FIGURE_ROWS} rows takes {row.cost.cpu_seconds:.0f} s of CPU; its "
                f"values sum to the probabilities within {row.result['error']:.1g}."
            )
        elif row.result is not None and row.ratio is not None:
            notes.append(f"Values of both engines differ by at most {row.result['apart']:.1g}.")
    if not find_spec("shap"):
        notes.append("shap is not installed and left out.")
    return notes
