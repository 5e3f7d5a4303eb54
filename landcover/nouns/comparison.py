"""How two class maps agree, by area."""

from __future__ import annotations

from pydantic import Field

from landcover.nouns.base import Noun
from landcover.nouns.change import ChangeSplit


class ClassAgreement(Noun):
    """One class in both maps, areas in hectares on the grid of the first."""

    code: int
    name: str
    title: str
    colour: str
    first_hectares: float
    """What the first map gives the class, where both have one."""
    second_hectares: float
    """What the second map gives it there."""
    both_hectares: float
    """What both give it, pixel by pixel."""

    @property
    def of_first(self) -> float | None:
        """Share of the first map's area that the second map confirms, 0-1."""
        return self.both_hectares / self.first_hectares if self.first_hectares else None

    @property
    def of_second(self) -> float | None:
        """Share of the second map's area that the first map confirms, 0-1."""
        return self.both_hectares / self.second_hectares if self.second_hectares else None


class Comparison(Noun):
    """How two class maps agree."""

    first: str
    """Id or file name of the first map, whose grid counts."""
    second: str
    """Id or file name of the second."""
    legend: str
    """How the codes of the second were read."""
    classes: tuple[ClassAgreement, ...]
    """Classes in the order of the matrix."""
    hectares: tuple[tuple[float, ...], ...]
    """Areas, ha: rows are classes of the first map, columns those of the second."""
    only_first_hectares: float
    """Area that only the first map gives a class."""
    only_second_hectares: float
    """Area that only the second map gives a class."""
    dropped_hectares: dict[str, float]
    """Codes of the second map that stand for none of the classes → their area."""
    dropped_first_hectares: dict[str, float] = Field(default_factory=dict)
    """Codes of the first map that stand for none of the classes → their area."""
    unmappable_hectares: float = 0.0
    """Area where both maps have a code, one of which stands for none of the classes."""
    simulated: bool
    """True where the first map is of simulated products."""
    notes: tuple[str, ...] = ()
    """What to know before the numbers are used, one sentence each."""
    split: ChangeSplit | None = None
    """The difference divided into land, input and model; None where it was not asked for."""

    @property
    def compared_hectares(self) -> float:
        """Area in which both have a class."""
        return sum(map(sum, self.hectares))

    @property
    def agreement(self) -> float | None:
        """Share of the compared area with the same class, 0-1; None where nothing is compared."""
        total = self.compared_hectares
        same = sum(row[k] for k, row in enumerate(self.hectares))
        return same / total if total else None

    @property
    def unmappable(self) -> float:
        """Share of the area where both have a code that no class of the comparison covers, 0-1."""
        whole = self.compared_hectares + self.unmappable_hectares
        return self.unmappable_hectares / whole if whole else 0.0

    @property
    def changes(self) -> tuple[tuple[str, str, float], ...]:
        """Class in the first map, other class in the second, area in ha: the largest first."""
        names = [entry.title for entry in self.classes]
        found = [
            (names[k], names[m], area)
            for k, row in enumerate(self.hectares)
            for m, area in enumerate(row)
            if k != m and area
        ]
        return tuple(sorted(found, key=lambda change: (-change[2], change[0], change[1])))
