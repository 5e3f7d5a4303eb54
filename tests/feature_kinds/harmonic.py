"""A harmonic fitted to the dates of a season: mean and amplitude, from its observations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landcover.features.contract import Asked, Block, Computation, Input, Kind, Origin, Plane
from landcover.features.reads import Observations
from landcover.nouns.base import Noun
from landcover.nouns.model import Feature
from landcover.recipe import Recipe

TOLD = ("offset", "amplitude")


class HarmonicSection(Noun):
    """A harmonic over the dates of a season."""

    band: str = "B08"
    """The band."""
    days: float = 90.0
    """Length of the period that is fitted."""


@dataclass(frozen=True)
class Harmonic(Computation):
    """a + b cos + c sin by least squares; NaN with fewer than three clear dates."""

    period: str
    band: str
    length: float

    @property
    def n_planes(self) -> int:
        return len(TOLD)

    @property
    def reads(self) -> tuple[Input, ...]:
        return (Observations(self.period, self.band),)

    def compute(self, block: Block, origin: Origin) -> Sequence[Any]:
        values, days = block.planes[0], block.days[0]
        assert days is not None
        angle = 2 * np.pi * days / self.length
        # Date after date, so that no order of summation depends on the shape of the block.
        normal = np.zeros((3, 3, *values.shape[1:]))
        right = np.zeros((3, *values.shape[1:]))
        for value, a in zip(values, angle, strict=True):
            clear = np.isfinite(value)
            known = np.where(clear, value, 0).astype(np.float64)
            terms = (1.0, float(np.cos(a)), float(np.sin(a)))
            for i, one in enumerate(terms):
                right[i] += one * known
                for j, other in enumerate(terms):
                    normal[i, j] += one * other * clear
        offset, cosine, sine = _solve(normal, right)
        return [offset.astype(np.float32), np.hypot(cosine, sine).astype(np.float32)]


def _solve(m: Any, r: Any) -> tuple[Any, Any, Any]:
    """Solve 3 x 3 systems by Cramer's rule, pixel by pixel."""

    def det(a: Any, b: Any, c: Any) -> Any:
        return (
            a[0] * (b[1] * c[2] - b[2] * c[1])
            - b[0] * (a[1] * c[2] - a[2] * c[1])
            + c[0] * (a[1] * b[2] - a[2] * b[1])
        )

    a, b, c = m[:, 0], m[:, 1], m[:, 2]
    whole = det(a, b, c)
    whole = np.where(np.abs(whole) < 1e-9, np.nan, whole)
    return det(r, b, c) / whole, det(a, r, c) / whole, det(a, b, r) / whole


class HarmonicKind(Kind):
    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        section = recipe.features.section("harmonic")
        if isinstance(section, HarmonicSection):
            for place, name in enumerate(TOLD):
                how: dict[str, Any] = {"band": section.band, "days": section.days, "plane": place}
                yield Asked(f"{section.band}_{name}", place, how)

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        told = feature.parameters
        fit = Harmonic(str(feature.period), str(told["band"]), float(str(told["days"])))
        return Plane(fit, int(str(told["plane"])))


KIND = HarmonicKind()
