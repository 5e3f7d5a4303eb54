"""Out-of-fold answers of a model: computed once when it is trained, a table beside its arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from landcover.errors import InputError
from landcover.learn.calibration import (
    brier_score,
    expected_calibration_error,
    log_loss,
    reliability,
)
from landcover.learn.out_of_fold import BY_THE_MAP, Floats
from landcover.ledger import outputs
from landcover.ledger.outputs import sha256_of
from landcover.nouns.legend import Legend
from landcover.nouns.model import ModelCard
from landcover.nouns.out_of_fold import (
    CalibrationReport,
    ClassCalibration,
    ClassCurve,
    OutOfFoldReport,
    PermutedFeatures,
)
from landcover.nouns.validation import Calibration, CalibrationBin
from landcover.parts.training.calibrating import Calibrated
from landcover.stores.models import ANSWERS
from landcover.stores.workspace import Workspace

_KEYS = ("point_id", "tile", "row", "column", "code", "code2", "group", "is_train")


def write_answers(
    path: Path, table: pd.DataFrame, calibrated: Calibrated, legend: Legend
) -> OutOfFoldReport:
    """Write the table of answers, and sum it up for the card.

    Args:
        path: Folder of the model.
        table: The sample set that was asked about.
        calibrated: The answers, and what calibration does to them.
        legend: Names the classes.

    Returns:
        What the card says. The table has a row for each sample, in the sample set's order: its
        keys, ``fold`` (-1: answered by the map's model), ``answer`` (0: nobody), ``knows`` (the
        model had learned its class), ``second`` and the uncalibrated probabilities ``p{code}``.
    """
    found = calibrated.found
    answers = table[[name for name in _KEYS if name in table.columns]].assign(
        fold=found.fold.astype(np.int16),
        answer=found.codes,
        knows=found.knows,
        second=found.second.astype(np.uint8),
    )
    for column, code in enumerate(found.classes):
        answers[f"p{code}"] = found.probabilities[:, column]
    answers.to_parquet(path / ANSWERS, compression="zstd", index=False)
    judged = found.knows
    codes = table["code"].to_numpy()
    unknown = sorted(set(codes.tolist()) - set(codes[judged].tolist()))
    is_right = found.codes[judged] == codes[judged]
    return OutOfFoldReport(
        sha256=sha256_of(path / ANSWERS),
        n_folds=int((np.unique(found.fold) != BY_THE_MAP).sum()),
        n=int(judged.sum()),
        n_groups=int(table["group"][judged].nunique()),
        overall=float(is_right.mean()) if is_right.size else None,
        not_judged=tuple(legend.name_of(int(code)) for code in unknown),
        permuted=tuple(
            PermutedFeatures(features=one.features, drop=one.drop, spread=one.spread)
            for one in found.clusters
        ),
        calibration=_report(calibrated, codes, legend),
    )


def read_answers(workspace: Workspace, key: str, card: ModelCard) -> pd.DataFrame | None:
    """Read the answers of a model, a row for each sample of its sample set.

    Args:
        workspace: Where the model is.
        key: Key of its folder.
        card: Its card.

    Returns:
        The table; None for models of before there were such answers.

    Raises:
        InputError: The file is absent, or not the one that the card was written for.
        DamagedError: It has other bytes than its record.
    """
    if card.out_of_fold is None:
        return None
    if ANSWERS not in workspace.objects.sizes(key):
        raise InputError(f"Model {card.id}: {ANSWERS} is absent; train the model again.")
    with outputs.local_at(workspace, key, ANSWERS) as path:
        if sha256_of(path) != card.out_of_fold.sha256:
            raise InputError(
                f"Model {card.id}: {ANSWERS} is not the one that its card was written for; train "
                "the model again."
            )
        return pd.read_parquet(path)


def probabilities_in(answers: pd.DataFrame, card: ModelCard) -> Floats:
    """Give the uncalibrated probabilities of answers, (n, K), NaN where nobody answered."""
    return answers[[f"p{code}" for code in card.codes]].to_numpy(np.float64)


def _report(calibrated: Calibrated, codes: np.ndarray, legend: Legend) -> CalibrationReport | None:
    found, known = calibrated.found, calibrated.recalibrated
    if known is None:
        return None
    truth = np.searchsorted(found.classes, codes[found.knows])
    raw = found.probabilities[found.knows]
    return CalibrationReport(
        is_kept=known.calibrator is not None,
        before=_scores(raw, truth),
        after=_scores(known.probabilities, truth),
        change=known.interval,
        how=calibrated.how,
        variants=calibrated.variants,
        classes=tuple(
            ClassCalibration(
                code=int(code),
                name=legend.name_of(int(code)),
                n=int((truth == k).sum()),
                before=_curve(raw[:, k], truth == k),
                after=_curve(known.probabilities[:, k], truth == k),
            )
            for k, code in enumerate(found.classes if calibrated.how else ())
        ),
    )


def _curve(p: Floats, is_class: np.ndarray) -> ClassCurve:
    curve = reliability(np.clip(p, 0, 1), is_class)
    bins = tuple(CalibrationBin(**entry._asdict()) for entry in curve)
    return ClassCurve(bins=bins, expected_error=expected_calibration_error(curve))


def _scores(p: Floats, truth: np.ndarray) -> Calibration:
    # Means of thousands of votes may exceed 1 by a rounding error.
    curve = reliability(np.clip(p.max(axis=1), 0, 1), p.argmax(axis=1) == truth)
    return Calibration(
        bins=tuple(CalibrationBin(**entry._asdict()) for entry in curve),
        expected_error=expected_calibration_error(curve),
        brier=brier_score(p, truth),
        log_loss=log_loss(p, truth),
        n=len(p),
    )
