"""What a map needs to say where it is not to be trusted, kept beside a model's arrays."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.applicability import Applicability
from landcover.learn.arrays import WRONG
from landcover.learn.conformal import Scores

FORMAT = 1
"""Version of the file's layout."""


@dataclass(frozen=True, eq=False)
class Trust:
    """Area of applicability and scores of held-out samples; either may be unknown."""

    feature_names: tuple[str, ...]
    """Features in the model's order."""
    applicability: Applicability | None
    """What pixels are compared with; None where the samples were of a single group."""
    scores: Scores | None
    """Scores of held-out samples; None where none was held out."""


def save_trust(trust: Trust) -> bytes:
    """Write as npz without pickle; equal contents give equal bytes."""
    arrays = {"format": np.int64(FORMAT), "feature_names": np.array(trust.feature_names, np.str_)}
    if trust.applicability is not None:
        known = trust.applicability
        arrays |= {name: getattr(known, name) for name in _DTYPES if hasattr(known, name)}
    if trust.scores is not None:
        arrays |= {"score": trust.scores.score, "share": trust.scores.share}
    file = io.BytesIO()
    np.savez(file, **{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type, unused-ignore]
    return file.getvalue()


def load_trust(file: BinaryIO) -> Trust:
    """Read and check what :func:`save_trust` wrote.

    Raises:
        InputError: The file is damaged, of another format, or its arrays do not fit.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            if int(stored["format"]) != FORMAT:
                raise InputError(
                    f"Trust file: expected format {FORMAT}, found {stored['format']}; train the "
                    "model again."
                )
            names = tuple(str(name) for name in stored["feature_names"].tolist())
            found = {name: stored[name] for name in stored.files if name in _DTYPES}
            wrong = [name for name, array in found.items() if array.dtype != _DTYPES[name]]
            if wrong:
                raise InputError(f"Trust file: {wrong[0]} has another type; train the model again.")
            trust = Trust(names, _applicability(found), _scores(found))
    except (zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"Trust file: it is damaged ({error}); fetch it again.") from error
    except WRONG as error:
        raise InputError(f"Trust file: expected arrays of a model, found {error}.") from error
    if trust.applicability is not None:
        _check(trust.applicability, len(names))
    return trust


def _scores(found: dict[str, NDArray[Any]]) -> Scores | None:
    if not {"score", "share"} & set(found):
        return None
    scores = Scores(found["score"], found["share"])
    is_right = scores.score.shape == scores.share.shape
    if not is_right or np.any(scores.score[1:] < scores.score[:-1]):
        raise InputError("Trust file: its scores do not ascend; train the model again.")
    return scores


def _applicability(found: dict[str, NDArray[Any]]) -> Applicability | None:
    arrays = ("centre", "factor", "order", "references")
    if not set(arrays) & set(found):
        return None
    return Applicability(
        **{name: found[name] for name in arrays},
        threshold=np.float32(found["threshold"]),
        unit=float(found["unit"]),
        outside=float(found["outside"]),
    )


_DTYPES = {
    "centre": "float32",
    "factor": "float32",
    "order": "int32",
    "references": "float32",
    "threshold": "float32",
    "unit": "float64",
    "outside": "float64",
    "score": "float64",
    "share": "float64",
}


def _check(known: Applicability, d: int) -> None:
    shapes_fit = (
        known.centre.shape == known.factor.shape == (d,)
        and known.order.ndim == 1
        and known.references.ndim == 2
        and known.references.shape[0] > 0
        and known.references.shape[1] == known.order.size
    )
    if not shapes_fit or known.order.min(initial=d) < 0 or known.order.max(initial=-1) >= d:
        raise InputError("Trust file: its references do not fit its features; train again.")
    if not np.isfinite(known.references).all() or not known.threshold >= 0:
        raise InputError("Trust file: expected finite references; train the model again.")
