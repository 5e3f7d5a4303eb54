"""A support vector machine on a tile, scaling to probabilities: beside its matrix products alone.

About 6,000 vectors, 50 components of 167 features, nine classes, one thread. The products are those
of OpenBLAS in single precision on arrays of the same shapes; scikit-learn answers a sample.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from landcover.bench import svm_map
from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work, digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEATURES, COMPONENTS, CLASSES = 167, 50, 9
TRAINING = 12_500
"""Rows of the fit: about 6,000 of them become vectors."""
PIXELS = 2196
SAMPLE = 16_384
"""Pixels that scikit-learn answers."""
POOL = 131_072
"""Pixels that are answered again and again: they are made, not read, and fit into memory."""
CALIBRATION = 4_000
ROWS = 5_000
"""Rows of the search."""
PER_GROUP = 9
ONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
BLOCK = 4_096


def disk_gb(request: Request) -> float:
    """Say what is written: nothing, but the tile of a map measured as published."""
    return 0.0 if request.as_published is None else svm_map.disk_gb(request)


def as_published(request: Request, progress: Progress) -> Report:
    """Map a tile twice; see :mod:`landcover.bench.svm_map`."""
    return svm_map.as_published(request, progress)


def measure(request: Request, progress: Progress) -> Report:
    """Answer a tile, multiply its matrices, and answer a sample beside scikit-learn.

    Raises:
        InputError: A class of ours differs from scikit-learn's.
    """
    side, repeats = request.pixels_or(PIXELS), request.repeats_or(3)
    known = {"n": side * side, "seed": request.seed}
    cases = [
        Case("ours", f"{__name__}:ours", known, ONE),
        Case("matrix products alone", f"{__name__}:products", known, ONE),
    ]
    tile = side_by_side(f"tile of {side} x {side} px", cases, repeats, progress, same=False)
    few = {"n": SAMPLE, "seed": request.seed}
    beside = [
        Case("ours", f"{__name__}:labels", few, ONE),
        Case("scikit-learn", f"{__name__}:plain", few, ONE),
    ]
    sample = side_by_side(f"sample of {SAMPLE} px", beside, 1, progress)
    search = side_by_side(
        f"search and fit, {ROWS} rows x {FEATURES} features",
        [Case("ours", f"{__name__}:trained", {"n": ROWS, "seed": request.seed}, ONE)], 1, progress,
    )  # fmt: skip
    facts = {**tile[0].result["facts"], "pixels": side, "threads": 1}
    return Report("svm", facts, [*tile, *sample, *search], _notes(tile, sample, side))


def _notes(tile: list[Row], sample: list[Row], side: int) -> list[str]:
    mine, bound = (row.cost.cpu_seconds for row in tile)
    one, other = (row.cost.cpu_seconds for row in sample)
    each = 1e6 * mine / side**2
    doubled = tile[0].result["doubled"]
    return [
        f"Ours: {each:.2f} µs a pixel for scaling, components, kernel, votes and calibrated "
        f"probabilities, {mine / bound:.2f} of the matrix products alone "
        f"({1e6 * bound / side**2:.2f} µs, {tile[1].result['gflops']:.0f} GFLOP/s, "
        f"{tile[1].result['kernel']}); a tile of 10,980 px would take {each * 120.5604:.0f} CPU s.",
        f"{100 * doubled:.3f} % of the pixels were decided again in double precision.",
        f"Labels are scikit-learn's on all {SAMPLE} pixels of the sample, where it takes "
        f"{other / one:.0f} times the CPU.",
    ]


def ours(n: int, seed: int) -> Work:
    """Answer pixels by the engine of maps."""
    import numpy as np

    from landcover.learn.layers import ExtraLayers
    from landcover.learn.predict import predict_blocks
    from landcover.learn.svm_decision import decide

    model, pool, _ = _prepared(seed)
    further = ExtraLayers(probabilities=True)
    predict_blocks(model, pool[:BLOCK], further)
    facts = {
        "vectors": len(model.packed.machines[0].vectors),
        "components": len(model.preparation.names),
        "features": FEATURES,
        "classes": CLASSES,
    }

    def work() -> Work:
        counts = np.zeros(256, np.int64)
        for start in range(0, n, POOL):
            part = pool[: min(POOL, n - start)]
            codes, _, _ = predict_blocks(model, part, further)
            counts += np.bincount(codes, minlength=256)

        def told() -> dict[str, Any]:
            few = model.preparation.transform(pool[:SAMPLE])
            doubled = decide(model.packed, few).n_doubled / len(few)
            return {"facts": facts, "counts": counts.tolist(), "doubled": doubled}

        return told

    return work


def products(n: int, seed: int) -> Work:
    """Multiply pixels with all vectors, and kernels with what each class weighs, by OpenBLAS."""
    import numpy as np
    from threadpoolctl import threadpool_info

    model, _, _ = _prepared(seed)
    machine = model.packed.machines[0]
    vectors = machine.vectors.astype(np.float32)
    weights = np.ascontiguousarray(machine.coefficients.T, np.float32)
    pixels = np.random.default_rng(0).random((BLOCK, COMPONENTS), np.float32)
    kernels = np.empty((BLOCK, len(vectors)), np.float32)
    sums = np.empty((BLOCK, CLASSES - 1), np.float32)
    blas = next(one for one in threadpool_info() if one["user_api"] == "blas")

    def work() -> dict[str, Any]:
        for _ in range(-(-n // BLOCK)):
            np.matmul(pixels, vectors.T, out=kernels)
            np.matmul(kernels, weights, out=sums)
        return {"kernel": f"{blas['internal_api']} {blas['architecture']}"}

    def measured() -> dict[str, Any]:
        import time

        began = time.process_time()
        known = work()
        spent = time.process_time() - began
        flops = 2.0 * n * len(vectors) * (COMPONENTS + CLASSES - 1)
        return {**known, "gflops": flops / spent / 1e9}

    return measured


def labels(n: int, seed: int) -> Work:
    """Answer a sample by the engine of maps."""
    model, pool, _ = _prepared(seed)
    model.predict(pool[:64])
    return lambda: digest(model.predict(pool[:n])[0])


def plain(n: int, seed: int) -> Work:
    """Answer a sample by scikit-learn's machine, features prepared."""
    import numpy as np

    model, pool, estimator = _prepared(seed)
    given = model.preparation.transform(pool[:n]).astype(np.float64)
    return lambda: digest(estimator.predict(given))


def trained(n: int, seed: int) -> Work:
    """Search C and gamma as recipes/hrlc-svm.yaml does, features chosen in each fold, and fit."""
    from types import SimpleNamespace

    import numpy as np
    import pandas as pd

    from landcover.learn.fitting import fit_recipe
    from landcover.nouns.model import Feature, feature_set
    from landcover.parts.training.parameter_search import tuned
    from landcover.recipe import ModelRecipe

    features, codes = _drawer(np.random.default_rng(seed))(n)
    names = [f"f{column}" for column in range(FEATURES)]
    table = pd.DataFrame(features, columns=names)
    table = table.assign(code=codes, group=[f"g{row // PER_GROUP}" for row in range(n)])
    known = feature_set(Feature(name=a, period=None, layer=a, kind="terrain") for a in names)
    section = {"kind": "svm", "scaling": {}, "selection": {}, "pca": {}}
    recipe = ModelRecipe.model_validate({**section, "search": {"grid": {"kind": ["svm"]}}})
    job: Any = SimpleNamespace(threads=1, check=lambda: None, progress=lambda *told: None)

    def work() -> dict[str, Any]:
        chosen, report = tuned(recipe, table, known, {}, job, span=(0, 1))
        model = fit_recipe(chosen, table, names)
        assert report is not None
        return {"models": report.n_fits, "inputs": len(model.packed.feature_names)}

    return work


def _drawer(rng: np.random.Generator) -> Callable[[int], tuple[Any, Any]]:
    """Make what draws features and codes of made-up classes."""
    import numpy as np

    # Fifty directions carry all but a thousandth of the variance: so many components stay.
    mixing = rng.normal(size=(COMPONENTS, FEATURES))
    centres = rng.normal(0, 0.45, (CLASSES, COMPONENTS))

    def draw(n: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        codes = rng.integers(0, CLASSES, n)
        inner = centres[codes] + rng.normal(size=(n, COMPONENTS))
        outer = inner @ mixing + rng.normal(0, 0.3, (n, FEATURES))
        return outer.astype(np.float32), (codes + 1).astype(np.uint8)

    return draw


@cache
def _prepared(seed: int) -> tuple[Any, NDArray[np.float32], Any]:
    """Fit a model on made-up classes, calibrate it, and make pixels."""
    from dataclasses import replace

    import numpy as np

    from landcover.learn.models import fit_classifier
    from landcover.learn.score_calibration import calibrator_for
    from landcover.recipe.calibrating import Calibrating
    from landcover.recipe.preparing import Preparing

    draw = _drawer(np.random.default_rng(seed))
    how = Preparing.model_validate({"scaling": {}, "pca": {"explained": 0.998}})
    rows, codes = draw(TRAINING)
    model = fit_classifier(
        rows, codes, kind="svm", parameters={"c": 10.0, "gamma": 0.005}, preparing=how
    )
    held, truth = draw(CALIBRATION)
    calibrator = calibrator_for(Calibrating(), model.scored(held).scores, truth.astype(np.intp) - 1)
    return replace(model, calibrator=calibrator), draw(POOL)[0], model.estimator
