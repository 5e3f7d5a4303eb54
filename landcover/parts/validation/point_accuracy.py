"""A map against reference points: plain agreement, and area-weighted where the sample allows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.accuracy import accuracy, confusion_matrix
from landcover.learn.area import area_weighted_accuracy, stratified_accuracy
from landcover.nouns.area import AreaReport, Design
from landcover.nouns.validation import Independent
from landcover.parts.class_names import Names

SENTENCES: Mapping[Design, str] = {
    "simple-random": "simple random sample of the mapped area: a probability sample",
    "stratified": "stratified random sample: a probability sample",
    "unknown": "how the points were chosen is unknown: no probability sample of the map",
}
"""What each design means."""
_LEAST_IN_STRATUM = 2


@dataclass(frozen=True)
class Strata:
    """Strata of a sample that are not the classes of the judged map."""

    of_point: NDArray[np.int64]
    """Stratum of each point, (n,)."""
    area: Mapping[int, float]
    """Stratum → hectares."""


def judge(
    mapped: NDArray[np.uint8],
    points: pd.DataFrame,
    mapped_area: Mapping[int, float],
    names: Names,
    *,
    design: Design,
    title: str,
    strata: Strata | None = None,
    simulated: bool = False,
) -> Independent:
    """Compare a map with reference points.

    Args:
        mapped: Class of the map at each point, uint8, (n,), 0 = nodata.
        points: ``code`` and ``group`` of each point.
        mapped_area: Class → hectares in the map.
        names: Names of the classes.
        design: How the points were drawn.
        title: What is compared.
        strata: Strata of the sample; the classes of the map where None.
        simulated: True where map or points were simulated.

    Returns:
        Agreement; area-weighted accuracy and area, or the reason why there are none.

    Raises:
        MissingDataError: No point lies on the map.
    """
    reference = points["code"].to_numpy(np.int64)
    agreement = accuracy(
        mapped, reference, legend=names, title=title, design=SENTENCES[design], simulated=simulated
    )
    is_counted = mapped > 0
    n_groups = int(points.loc[is_counted, "group"].nunique())
    agreement = agreement.model_copy(update={"n_groups": n_groups})
    kept = strata and Strata(strata.of_point[is_counted], strata.area)
    try:
        area = _area(
            mapped[is_counted].astype(np.int64), reference[is_counted], mapped_area, names,
            design, kept,
        )  # fmt: skip
    except InputError as error:
        return Independent(agreement=agreement, area=None, refused=str(error))
    return Independent(agreement=agreement, area=area, refused="")


def _area(
    mapped: NDArray[np.int64],
    reference: NDArray[np.int64],
    mapped_area: Mapping[int, float],
    names: Names,
    design: Design,
    strata: Strata | None,
) -> AreaReport:
    drawn = strata.area if strata is not None else {}
    codes = sorted({*mapped.tolist(), *reference.tolist(), *mapped_area, *drawn} - {0})
    matrix = confusion_matrix(mapped, reference, codes)
    areas = [mapped_area.get(code, 0.0) for code in codes]
    more: dict[str, Any] = {"unit": "ha", "design": design}
    of_map = strata is None or bool((strata.of_point == mapped).all())
    if design == "simple-random" and _thin(matrix, areas):
        strata, of_map = Strata(np.zeros_like(mapped), {0: sum(areas)}), False
    if strata is not None and not of_map:
        known = {code: names.name_of(code) for code in codes}
        return stratified_accuracy(
            strata.of_point, mapped, reference, strata.area, mapped_area, names=known, **more
        )
    if strata is not None:
        # The areas of the day of the draw: the map may have been cut since.
        areas = [strata.area.get(code, 0.0) for code in codes]
    titles = [names.name_of(code) for code in codes]
    return area_weighted_accuracy(matrix, areas, names=titles, codes=codes, **more)


def _thin(matrix: NDArray[np.int64], areas: list[float]) -> bool:
    """Tell whether a class of the map has too few points to be a stratum afterwards."""
    return any(
        area > 0 and n < _LEAST_IN_STRATUM
        for area, n in zip(areas, matrix.sum(axis=1), strict=True)
    )
