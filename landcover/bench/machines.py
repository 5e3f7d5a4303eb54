"""Support vector machines on published spectra: pairs and one against all, every calibration.

Reads what ``models`` reads. Features are prepared, machines fitted and calibrated without the
groups that judge: models of the other folds answer a fold, which is calibrated by the others.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from landcover.bench.tables import Cost, Progress, Report, Request, Row

if TYPE_CHECKING:
    from landcover.bench.models import Samples

FOLDS = 5
PREPARED: Mapping[str, Any] = {
    "scaling": {},
    "selection": {"threshold": 0.9},
    "pca": {"explained": 0.95},
}
"""As recipes/hrlc-svm.yaml."""
KINDS: Mapping[str, Mapping[str, Any]] = {
    "pairs": {"kind": "svm", **PREPARED},
    "one against all": {"kind": "svm-binary", **PREPARED},
    "random forest": {"kind": "random-forest"},
}
"""What is compared; C and gamma are the defaults, without a search."""


def disk_gb(request: Request) -> float:
    """Say what is written: nothing."""
    return 0.0


def measure(request: Request, progress: Progress) -> Report:
    """Answer the seasonal spectra by every kind, and calibrate in every way.

    Raises:
        InputError: The sample data are absent.
    """
    from landcover.bench.models import library_folder, seasons_of_the_library

    known = seasons_of_the_library(library_folder("machines"))
    rows = []
    for place, name in enumerate(KINDS):
        progress(place / len(KINDS), name)
        rows.append(answer(name, known, request.seed, request.threads or 2))
    table = known.table
    facts = {
        "rows": len(table), "groups": int(table["group"].nunique()), "folds": FOLDS,
        "features": len(known.names), "classes": int(table["code"].nunique()),
    }  # fmt: skip
    return Report("machines", facts, rows, [note for row in rows for note in _notes(row)])


def answer(name: str, known: Samples, seed: int, threads: int) -> Row:
    """Answer every group by models that did not see it, and judge every way to calibrate."""
    import numpy as np

    from landcover.learn.classifiers import feature_matrix
    from landcover.learn.fitting import fit_recipe
    from landcover.learn.folds import unit_folds
    from landcover.learn.score_calibration import compare_variants
    from landcover.recipe import ModelRecipe

    recipe = ModelRecipe.model_validate({**KINDS[name], "seed": seed})
    table = known.table.reset_index(drop=True)
    codes, groups = table["code"].to_numpy(), table["group"].to_numpy().astype(str)
    classes = np.unique(codes)
    fold = unit_folds(codes, groups, FOLDS, seed=seed)
    shape = (len(table), classes.size)
    probabilities, scores = np.zeros(shape), np.zeros(shape)
    knows = np.zeros(len(table), dtype=np.bool_)
    began, cpu, inputs = time.perf_counter(), time.process_time(), []
    for one in range(FOLDS):
        place = np.flatnonzero(fold == one)
        model = fit_recipe(recipe, table[fold != one], known.names, seed=seed, threads=threads)
        found = model.scored(feature_matrix(table.iloc[place], known.names))
        columns = np.searchsorted(classes, model.classes)
        probabilities[np.ix_(place, columns)] = found.probabilities
        scores[place] = found.scores.min(axis=1, keepdims=True)
        scores[np.ix_(place, columns)] = found.scores
        knows[place] = np.isin(codes[place], model.classes)
        inputs.append(len(model.packed.feature_names))
    cpu = time.process_time() - cpu
    truth = np.searchsorted(classes, codes[knows])
    ways = compare_variants(probabilities[knows], scores[knows], truth, fold[knows])
    result = {
        "inputs": inputs,
        "groups": int(np.unique(groups[knows]).size),
        "ways": [way.to_document() for way in ways],
    }
    cost = Cost(time.perf_counter() - began, cpu, 0.0)
    return Row("seasons of the library", name, cost, 1, result=result)


def _notes(row: Row) -> Iterator[str]:
    for one in row.result["ways"]:
        yield _line(row.engine, one)


def _line(engine: str, one: dict[str, Any]) -> str:
    way = f"{one['method']} {one['combine']}".strip()
    return (
        f"{engine}, {way}: overall {one['overall']:.3f}, macro F1 {one['macro_f1']:.3f}, recall "
        f"{one['macro_recall']:.3f}, precision {one['macro_precision']:.3f}, ECE "
        f"{one['expected_error']:.3f}, of classes {one['expected_error_of_classes']:.3f}, Brier "
        f"{one['brier']:.3f}, log loss {one['log_loss']:.3f}, differs {one['differs']:.3f}"
    )
