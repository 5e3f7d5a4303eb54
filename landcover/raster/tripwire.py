"""A wrong radiometric offset found by comparison: the tripwire.

The offset of −0.1 is sometimes applied twice, or not at all, whatever the metadata say. That
shifts every band of every pixel by the same 0.1. Nothing real does: snow, harvest, fire, rain
and haze change some bands more than others and bright pixels otherwise than dark ones. So each
pixel votes with all its bands together, and the darkest pixels, whose reflectance is known to be
near 0, have a say. Counts of windows add up.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.raster.reflectance import NODATA, REFLECTANCE_UNITS

Verdict = Literal["ok", "applied_twice", "not_applied", "others_differ", "unsure"]

STEP = 1000
"""The offset in harmonised numbers: 0.1."""
TOLERANCE = 350
"""Most that a band of a voting pixel may be off, harmonised numbers. Clear pixels of two dates
differ by some hundred; half the step would let haze over water vote for an offset."""
BANDS_PER_MISS = 4
"""A voting pixel may be off in one band of four, where there are eight or more: red edge and near
infrared rise and fall together with the leaves."""
IMPOSSIBLE = -400
"""Number that land and water do not fall below in two bands: surface reflectance of shadow and
water is overcorrected by 0.01 to 0.03. A twice applied offset takes them to −0.05 … −0.1."""
DARK = 600
"""Number below which the darkest band of vegetation, water and shadow lies. Without its offset no
pixel of a product comes down to it."""
FEWEST_PIXELS = 1000
"""Fewest compared pixels to tell by."""
FEWEST_VOTES = 0.05
"""Smallest share of the pixels whose votes for the same level are heard."""
CLEARLY = 4
"""How many times more votes than the other side has make a decision."""
STEP_VOTES = 0.25
"""Smallest share that speaks for a step where dark pixels confirm it. Haze that nobody masked
reached 0.2 on real months that hold no dark pixel at all."""
LONE_VOTES = 0.5
"""The same where no dark pixel of either side confirms it: deserts, whose pixels hardly change."""
RAISED = 0.75
"""Share of the dark pixels that, raised by 0.1, tells a step from a veil."""
MANY = 0.2
"""Share of dark pixels that makes a landscape with vegetation or water, not a desert too low."""
FEW = 0.01
"""Share of pixels that are not there by accident."""
NONE = 0.002
"""Share of pixels that may be there by accident: defects and edges."""
VOTES = {0: "n_same", STEP: "n_higher", -STEP: "n_lower"}
VOTE_WORDS = {0: "agree with", STEP: "lie 0.1 above", -STEP: "lie 0.1 below"}


@dataclass(frozen=True)
class OffsetEvidence:
    """Numbers of pixels of a product and of what it is compared with; windows add up."""

    n_seen: int = 0
    """Clear pixels of the product with all bands."""
    n_pixels: int = 0
    """Those of them that the others have as well."""
    n_same: int = 0
    """Pixels that agree with the others in nearly all bands."""
    n_higher: int = 0
    """Pixels that lie 0.1 above the others in nearly all bands."""
    n_lower: int = 0
    """Pixels that lie 0.1 below the others in nearly all bands."""
    n_impossible: int = 0
    """Pixels of the product too dark to be true."""
    n_dark: int = 0
    """Pixels of the product with a dark band."""
    n_others_impossible: int = 0
    """Pixels of the others too dark to be true."""
    n_others_dark: int = 0
    """Pixels of the others with a dark band."""
    n_raised: int = 0
    """Those of them that lie 0.1 higher in the product, in the band that is darkest."""

    def __add__(self, other: OffsetEvidence) -> OffsetEvidence:
        names = (field.name for field in fields(self))
        return OffsetEvidence(**{n: getattr(self, n) + getattr(other, n) for n in names})

    def share(self, name: str) -> float:
        """Give a number as a share of the pixels it was counted among; 0 where there are none."""
        among = self.n_seen if name in ("n_impossible", "n_dark") else self.n_pixels
        return float(getattr(self, name)) / max(among, 1)


@dataclass(frozen=True)
class OffsetFinding:
    """What the tripwire says of a product."""

    verdict: Verdict
    """``ok``; ``applied_twice`` (0.1 too low); ``not_applied`` (0.1 too high); ``others_differ``:
    there is a step, but the others carry it; ``unsure``: too little to tell by."""
    step: float
    """Difference to the others that the pixels voted for, reflectance: −0.1, 0 or 0.1."""
    reason: str
    """The evidence in a few words, for a message."""
    evidence: OffsetEvidence


def offset_step(
    product: NDArray[np.int16], others: NDArray[np.int16], is_clear: NDArray[np.bool_]
) -> OffsetFinding:
    """Tell whether the offset of a product was applied twice or not at all.

    Args:
        product: Harmonised numbers of a product, int16, (band, y, x), −32768 where nodata: bands
            from visible to shortwave infrared on one grid; a coarse one will do.
        others: Median of the other products of the span, or the composite of a neighbour, same.
        is_clear: True where both sides are free of cloud, shadow and nodata, bool, (y, x).

    Returns:
        The finding.

    Raises:
        InputError: The arrays do not fit, or there are fewer than two bands.
    """
    return decide_offset(offset_evidence(product, others, is_clear))


def offset_evidence(
    product: NDArray[np.int16], others: NDArray[np.int16], is_clear: NDArray[np.bool_]
) -> OffsetEvidence:
    """Count the pixels of a window that speak for and against a wrong offset.

    Args:
        product: As for `offset_step`.
        others: As for `offset_step`; all nodata where there is nothing to compare with, then only
            the product's own dark pixels are counted.
        is_clear: As for `offset_step`.

    Returns:
        The numbers.

    Raises:
        InputError: The arrays do not fit, or there are fewer than two bands.
    """
    _check(product, others, is_clear)
    is_seen = is_clear & (product != NODATA).all(axis=0)
    is_compared = is_seen & (others != NODATA).all(axis=0)
    there = others[:, is_compared].astype(np.int32)
    difference = product[:, is_compared] - there
    n_misses = len(product) // BANDS_PER_MISS if len(product) >= 2 * BANDS_PER_MISS else 0
    n_same, n_higher, n_lower = (
        int(np.count_nonzero(_is_near(difference, step).sum(axis=0) >= len(product) - n_misses))
        for step in (0, STEP, -STEP)
    )
    return OffsetEvidence(
        int(np.count_nonzero(is_seen)),
        there.shape[1],
        n_same,
        n_higher,
        n_lower,
        *_count_dark(product[:, is_seen]),
        *_count_dark(there),
        _count_raised(difference, there),
    )


def grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Widen a mask by one pixel on all sides, corners included.

    Args:
        mask: Bool, (y, x).

    Returns:
        True where one of the 3 × 3 pixels around is, same shape.
    """
    rows = mask.copy()
    rows[1:] |= mask[:-1]
    rows[:-1] |= mask[1:]
    wide = rows.copy()
    wide[:, 1:] |= rows[:, :-1]
    wide[:, :-1] |= rows[:, 1:]
    return wide


def decide_offset(evidence: OffsetEvidence) -> OffsetFinding:
    """Decide what the numbers of all windows say.

    Args:
        evidence: Sum of `offset_evidence` over the windows.

    Returns:
        The finding.
    """
    share = evidence.share
    if evidence.n_seen >= FEWEST_PIXELS and share("n_impossible") >= FEW:
        # Impossible as such, whatever the others are like.
        reason = f"{share('n_impossible'):.1%} of the pixels are too dark to be true"
        return OffsetFinding("applied_twice", -STEP / REFLECTANCE_UNITS, reason, evidence)
    if evidence.n_pixels < FEWEST_PIXELS:
        reason = f"only {evidence.n_pixels} clear pixels to compare"
        return OffsetFinding("unsure", 0.0, reason, evidence)
    step = _voted_step(share("n_same"), share("n_higher"), share("n_lower"))
    verdict, votes, reason = _verdict(step, evidence)
    if verdict == "unsure" or share(VOTES[step]) < votes:
        return OffsetFinding("unsure", 0.0, "too few pixels agree on a difference", evidence)
    return OffsetFinding(verdict, step / REFLECTANCE_UNITS, reason, evidence)


def _voted_step(same: float, higher: float, lower: float) -> int:
    """Find the step that clearly more pixels vote for than for any other; 0 where none has."""
    votes = {0: same, STEP: higher, -STEP: lower}
    step = max(votes, key=lambda one: votes[one])
    second = sorted(votes.values())[-2]
    return step if votes[step] >= CLEARLY * second else 0


def _verdict(step: int, evidence: OffsetEvidence) -> tuple[Verdict, float, str]:
    """Say who is wrong, the product or the others, and the share of votes that it takes.

    The product has no impossible pixels.
    """
    share = evidence.share
    said = (
        f"{share(VOTES[step]):.0%} of the pixels {VOTE_WORDS[step]} the others in nearly all bands"
    )
    if step == 0:
        is_split = share("n_same") < CLEARLY * max(share("n_higher"), share("n_lower"))
        return "unsure" if is_split else "ok", FEWEST_VOTES, said
    if step > 0:
        if share("n_others_impossible") >= FEW:
            return "others_differ", STEP_VOTES, f"{said}, but the others are too dark to be true"
        if share("n_dark") > NONE:
            return "ok", FEWEST_VOTES, f"{said}, but {share('n_dark'):.1%} are as dark as can be"
        return "not_applied", _votes_for_missing(evidence), said
    # Dark pixels that are dark, and none on the other side: the others lack their offset.
    if share("n_dark") >= MANY and share("n_others_dark") <= NONE:
        return "others_differ", STEP_VOTES, f"{said}, but the others have no dark pixels at all"
    if share("n_others_dark") >= FEW:
        return "ok", FEWEST_VOTES, f"{said}, but dark pixels stay where they are"
    return "applied_twice", LONE_VOTES, said


def _votes_for_missing(evidence: OffsetEvidence) -> float:
    """Say how many pixels have to vote for a missing offset; the product has no dark pixels."""
    if evidence.share("n_others_dark") < MANY:
        return LONE_VOTES
    # Dark pixels cannot all vanish but by a step or under a veil, and a veil is uneven.
    is_even = evidence.n_raised >= RAISED * evidence.n_others_dark
    return FEWEST_VOTES if is_even else STEP_VOTES


def _is_near(difference: NDArray[np.int32], step: int) -> NDArray[np.bool_]:
    """Mark differences that are a step, give or take the tolerance."""
    return np.asarray(np.abs(difference - step) <= TOLERANCE)


def _count_raised(difference: NDArray[np.int32], others: NDArray[np.int32]) -> int:
    """Count pixels that are dark in the others and lie a step higher there in the product."""
    if others.shape[1] == 0:
        return 0
    darkest = others.argmin(axis=0)[np.newaxis]
    is_dark = np.take_along_axis(others, darkest, axis=0) < DARK
    raised = np.take_along_axis(difference, darkest, axis=0)
    return int(np.count_nonzero(is_dark & _is_near(raised, STEP)))


def _count_dark(values: NDArray[np.signedinteger[Any]]) -> tuple[int, int]:
    """Count pixels with two bands below what is possible, and with one dark band."""
    if values.shape[1] == 0:
        return 0, 0
    lowest = np.partition(values, 1, axis=0)
    return int(np.count_nonzero(lowest[1] < IMPOSSIBLE)), int(np.count_nonzero(lowest[0] < DARK))


def _check(
    product: NDArray[np.int16], others: NDArray[np.int16], is_clear: NDArray[np.bool_]
) -> None:
    """Refuse arrays that do not fit each other."""
    if product.dtype != np.int16 or others.dtype != np.int16 or product.ndim != 3:
        raise InputError(
            "The tripwire takes harmonised int16 numbers (band, y, x), found "
            f"{product.dtype} and {others.dtype} of shape {product.shape}."
        )
    if len(product) < 2:
        raise InputError("The tripwire needs two bands at least; one cannot tell an offset.")
    if (
        others.shape != product.shape
        or is_clear.shape != product.shape[1:]
        or is_clear.dtype != np.bool_
    ):
        raise InputError(
            f"A product of shape {product.shape} needs others of the same shape and a boolean mask "
            f"(y, x), found {others.shape} and {is_clear.dtype} of {is_clear.shape}."
        )
