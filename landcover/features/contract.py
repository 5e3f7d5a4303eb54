"""What a kind of feature says of itself. The stack only asks, and knows no kind.

A :class:`Kind` names the features that a recipe asks for, and gives the :class:`Computation` of
each: what it reads, how far it looks around a pixel, and how the planes come of a block. The
stack adds the halos up along what reads what, reads each layer once, and calls the same
``compute`` for windows and for single pixels (docs/decisions/0022).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

from pydantic import JsonValue

from landcover.features.reads import Read
from landcover.nouns.model import Feature
from landcover.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float32]
    Whole = NDArray[np.int64]

Border = Literal["nodata", "reflect", "nearest"]
"""What lies beyond the tile's edge: nothing (NaN), the mirrored pixels (d c b a | a b c d), or
the pixel at the edge."""


class Plane(NamedTuple):
    """One plane of what a computation gives."""

    of: Computation
    """The computation."""
    number: int = 0
    """Which of its planes."""


Input = Read | Plane
"""Anything that a computation reads, and that a feature may be."""


@dataclass(frozen=True)
class Block:
    """What a computation is handed: its inputs with the halo around what it must give."""

    planes: Sequence[Values]
    """One array for each of ``reads``, float32, (…, y + 2·halo, x + 2·halo), NaN where nodata:
    (y, x) of a window, (pixel, y, x) of patches around single pixels, (time, …, y, x) of
    observations."""
    days: Sequence[Whole | None]
    """For each of ``reads`` that is of observations: their days since 1970-01-01, int64."""
    document: Mapping[str, Any]
    """What the first pass over the tile ended in; empty where the computation has none."""


@dataclass(frozen=True)
class Origin:
    """Where the planes that must be given begin, on the work grid."""

    row: int | Whole
    """Row of the first pixel; of patches an array, (pixel,)."""
    column: int | Whole
    """Its column."""

    def rows(self, height: int) -> Whole:
        """Give the row of every pixel, (…, height, 1)."""
        return _along(self.row, height)[..., :, None]

    def columns(self, width: int) -> Whole:
        """Give the column of every pixel, (…, 1, width)."""
        return _along(self.column, width)[..., None, :]


def _along(first: int | Whole, size: int) -> Whole:
    import numpy as np

    return np.asarray(first, dtype=np.int64)[..., np.newaxis] + np.arange(size)


class Tile(Protocol):
    """The whole tile, for a first pass over it."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the work grid."""
        ...

    def blocks(self, multiple: int = 1) -> Iterator[tuple[Block, Origin]]:
        """Give the inputs of the computation piece by piece, without halo, row by row.

        Args:
            multiple: Pieces begin at whole multiples of this many pixels from the tile's corner;
                those at its far edges end with it.
        """
        ...


class Computation(ABC):
    """How some planes come of what is read: a frozen dataclass of what it must know.

    Equal computations are done once. No plane may depend on where a block begins or ends: a
    window, the whole tile and a single pixel agree in every bit.
    """

    halo: int = 0
    """Pixels around a pixel that its value depends on, without those of its inputs."""
    border: Border = "nodata"
    """What the halo holds beyond the edge of the tile."""
    has_variant: ClassVar[bool] = False
    """Whether it is the formula of a spectral index, which has variants."""

    @property
    @abstractmethod
    def reads(self) -> tuple[Input, ...]:
        """What it is computed from."""

    def first_pass(self, tile: Tile) -> Mapping[str, Any]:
        """Look at the whole tile before anything is computed.

        Returns:
            A document, the same whatever the pieces of the tile were: limits, sums of whole
            numbers. Empty where the computation needs none.
        """
        del tile
        return {}

    @property
    def n_planes(self) -> int:
        """Planes that it gives."""
        return 1

    @property
    def bytes_per_pixel(self) -> float:
        """Memory of a pixel while it computes, beside inputs and planes."""
        return 16.0

    @property
    def bytes_of_tile(self) -> float:
        """What its first pass keeps for each pixel of the tile."""
        return 0.0

    @abstractmethod
    def compute(self, block: Block, origin: Origin) -> Sequence[Values]:
        """Compute the planes of a block.

        Returns:
            ``n_planes`` arrays, float32, as large as the block without its halo.
        """


class Asked(NamedTuple):
    """A feature that a recipe asks for."""

    layer: str
    """Layer of the feature, ``ndvi``."""
    place: int = 0
    """Place among the features of kinds of one order."""
    parameters: dict[str, JsonValue] = {}  # noqa: RUF012 - never changed
    """See :class:`landcover.nouns.model.Feature`."""
    period: str | None = None
    """Label of the one season that it is computed of, for a kind that the tile has once."""


class Kind(ABC):
    """A kind of feature."""

    @abstractmethod
    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """List the features that a recipe asks for.

        Args:
            recipe: The recipe.
            season: Name of the season; None for a kind that the tile has once.
        """

    @abstractmethod
    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Say where a feature comes from.

        Args:
            feature: A feature of the kind; it may be of a model's card, so that the recipe need
                not ask for it.
            recipe: The recipe in use.

        Raises:
            InputError: It cannot be made of this recipe's layers.
        """
