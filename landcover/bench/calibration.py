"""What answers to unseen groups cost, how calibration changes them, and what class sets cover.

Reads what ``models`` reads. Each kind of classifier is fitted on all rows, as the model of a map,
and its out-of-fold answers are made as ``train`` makes them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from landcover.bench.tables import Cost, Progress, Report, Request, Row
from landcover.nouns.classifiers import CLASSIFIERS

if TYPE_CHECKING:
    from landcover.bench.models import Samples

STATED = 0.9
"""Share that sets of classes are asked to hold."""


def disk_gb(request: Request) -> float:
    """Say what is written: nothing."""
    return 0.0


def measure(request: Request, progress: Progress) -> Report:
    """Answer every data set out of fold with every kind of classifier.

    Raises:
        InputError: The sample data are absent.
    """
    from landcover.bench.models import SETS, library_folder

    folder, rows, notes = library_folder("calibration"), [], []
    for number, (name, read) in enumerate(SETS.items()):
        known = read(folder)
        for place, kind in enumerate(CLASSIFIERS):
            progress((number + place / len(CLASSIFIERS)) / len(SETS), f"{name}, {kind}")
            row = answer(name, kind, known, request.seed, request.threads or 2)
            rows.append(row)
            notes += list(_notes(row))
    return Report("calibration", {"folds": 5, "stated coverage": STATED}, rows, notes)


def answer(name: str, kind: str, known: Samples, seed: int, threads: int) -> Row:
    """Fit a kind on all rows, answer them out of fold, and judge what follows."""
    import numpy as np

    from landcover.bench.models import scaled
    from landcover.learn.calibration import expected_calibration_error, reliability
    from landcover.learn.conformal import check_coverage
    from landcover.learn.fitting import fit_recipe
    from landcover.learn.out_of_fold import answer_out_of_fold
    from landcover.learn.recalibration import recalibrate
    from landcover.recipe import ModelRecipe

    recipe = ModelRecipe.model_validate({**scaled(kind), "seed": seed})
    table = known.table.reset_index(drop=True).assign(lon=0.0, lat=0.0)
    started, fit_cpu = time.perf_counter(), time.process_time()
    model = fit_recipe(recipe, table, known.names, threads=threads)
    fit_cpu = time.process_time() - fit_cpu
    cpu = time.process_time()
    every = np.ones(len(table), dtype=np.bool_)
    found = answer_out_of_fold(recipe, table, model, trained=every, threads=threads)
    cpu = time.process_time() - cpu
    is_known, codes = found.knows, table["code"].to_numpy()
    p, groups = found.probabilities[is_known], table["group"].to_numpy().astype(str)[is_known]
    truth = np.searchsorted(found.classes, codes[is_known])
    mended = recalibrate(p, truth, found.fold[is_known], groups, seed=seed)

    def error(given: Any) -> float:
        top = np.clip(given.max(axis=1), 0, 1)
        return expected_calibration_error(reliability(top, p.argmax(axis=1) == truth))

    cover = check_coverage(p, found.classes, codes[is_known], groups, coverage=STATED, seed=seed)
    result = {
        "in_sample": round(float((model.predict(table)[0] == codes).mean()), 4),
        "out_of_fold": round(float((found.codes[is_known] == codes[is_known]).mean()), 4),
        "fit_cpu_s": round(fit_cpu, 2),
        "answers_cpu_s": round(cpu, 2),
        "is_calibrated": mended.calibrator is not None,
        "ece": (round(error(p), 4), round(error(mended.probabilities), 4)),
        "log_loss": (round(mended.loss_before, 4), round(mended.loss_after, 4)),
        "change": mended.interval,
        "coverage": tuple(round(v, 4) for v in (cover.mean, cover.lowest, cover.highest)),
        "coverage_by_class": tuple(
            round(f(cover.by_class.values()), 4) for f in (min, max)
        ),
        "set_size": round(cover.size, 3),
    }  # fmt: skip
    return Row(
        name, kind, Cost(time.perf_counter() - started, fit_cpu + cpu, 0.0), 1, result=result
    )


def _notes(row: Row) -> Iterator[str]:
    one = row.result
    change = one["change"]
    kept = "kept" if one["is_calibrated"] else "not kept"
    worst, best = one["coverage_by_class"]
    span = "fewer than ten groups" if change is None else f"{change[0]:+.3f} to {change[1]:+.3f}"
    yield (
        f"{row.case}, {row.engine}: right on its own rows {one['in_sample']:.3f}, out of fold "
        f"{one['out_of_fold']:.3f}; fit {one['fit_cpu_s']:.1f} CPU s, answers "
        f"{one['answers_cpu_s']:.1f}; calibration {kept}: "
        f"error {one['ece'][0]:.3f} -> {one['ece'][1]:.3f}, log loss {one['log_loss'][0]:.3f} -> "
        f"{one['log_loss'][1]:.3f} (change {span}); sets for {STATED:g} hold "
        f"{one['coverage'][0]:.3f} ({one['coverage'][1]:.3f} to {one['coverage'][2]:.3f}), "
        f"by class {worst:.3f} to {best:.3f}, {one['set_size']:.2f} classes."
    )
