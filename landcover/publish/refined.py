"""What a page shows of refined masks: shares of each image before and after, and backgrounds."""

from __future__ import annotations

from landcover.nouns.base import Noun


class RefinedImage(Noun):
    """One image whose masks were refined; shares in % of its valid pixels."""

    date: str
    product: str
    quarter: str
    """``2021-q2``; empty where the masks need no other image."""
    cloud_before: float
    cloud_after: float
    shadow_before: float
    shadow_after: float
    kept: str = ""
    """Why clouds or shadows are as classified; empty where both were looked for."""


class BackgroundView(Noun):
    """The background of a quarter that its images are compared with."""

    quarter: str
    images: int
    """Images that it is made of."""
    empty_percent: float
    """Pixels that no image shows clear, %."""


class RefinedTile(Noun):
    """The refined masks of a tile."""

    tile: str
    variant: str
    """``mask.variant``."""
    images: tuple[RefinedImage, ...]
    """By date."""
    backgrounds: tuple[BackgroundView, ...] = ()
    """By quarter; none for a learned mask."""
    picture: str | None = None
    """PNG of the backgrounds; None where none is drawn."""

    def mean(self, name: str) -> float:
        """Give the mean of a share over the images, %."""
        return sum(float(getattr(image, name)) for image in self.images) / len(self.images)
