"""What a report says, before it is laid out."""

from __future__ import annotations

from pydantic import Field

from landcover.nouns.accuracy import AccuracyReport
from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid
from landcover.nouns.headline import Headline, headline_of
from landcover.nouns.holes import Holes
from landcover.nouns.legend import LegendClass
from landcover.nouns.model import ModelCard
from landcover.nouns.validation import Validation
from landcover.publish.areas import ClassArea, sum_areas
from landcover.publish.class_shift import ClassShift, class_shift
from landcover.publish.distribution import findings
from landcover.publish.quality import TileQuality
from landcover.publish.quicklooks import QuicklookView
from landcover.publish.refined import RefinedTile


class Download(Noun):
    """A file beside the page."""

    name: str
    what: str
    """What it is, in a few words."""
    bytes: int


class OverlapView(Noun):
    """Two neighbouring tiles where both have a class."""

    first: str
    second: str
    pixels: int
    """Pixels of the overlap with a class in both."""
    percent: float
    """Share of them with different classes before joining, %."""
    commonest: str = ""
    """The two classes that differ most often, and their share of all differences."""


class SecondView(Noun):
    """How a class is divided on the second level."""

    code: int
    """Code of the class."""
    title: str
    areas: tuple[ClassArea, ...]
    """Area of each class of the second level; shares of what is divided."""
    pixels: int
    """Pixels of the class."""

    @property
    def undivided(self) -> int:
        """Pixels of the class without a second level."""
        return max(0, self.pixels - sum(area.pixels for area in self.areas))


class MapView(Noun):
    """The map of one zone."""

    cell: str
    """EPSG code of the zone, or the name of a cell."""
    tiles: tuple[str, ...]
    """Tiles that were joined."""
    mapped: tuple[str, ...] = ()
    """Those of them that have a class map."""
    grid: Grid
    """Grid of the whole map."""
    map_picture: str | None = None
    """PNG of the class map; None where there is none."""
    second: tuple[SecondView, ...] = ()
    """Classes that are divided on a second level."""
    second_picture: str | None = None
    """PNG of both levels."""
    colour_picture: str | None = None
    """PNG of the true-colour composite; None where a band is missing."""
    period: str
    """Period of that composite, with its year."""
    areas: tuple[ClassArea, ...] = ()
    """Area of each class."""
    nodata_percent: float | None = None
    """Share of the class map without a class, %."""
    products: tuple[str, ...] = ()
    """Dates of the products behind the true-colour composite."""
    overlaps: tuple[OverlapView, ...] = ()
    """Pairs of neighbouring tiles, the most different first."""
    absent: tuple[str, ...] = ()
    """Tiles of the run that lie here and have no map."""
    is_feathered: bool = False
    """Probabilities were averaged where tiles overlap; otherwise one tile was taken."""

    @property
    def zone(self) -> str:
        """Name of the zone for people."""
        return zone_name(self.cell)

    @property
    def whole(self) -> str:
        """Name of the zone or grid that it is the map of, or a cell of."""
        return zone_name(self.cell.partition("_")[0])

    @property
    def is_zone(self) -> bool:
        """Whether it is the map of a UTM zone, not a file of a common grid."""
        return is_zone(self.cell)

    @property
    def hectares(self) -> float:
        """Classified area, ha."""
        return sum(area.hectares for area in self.areas)


class SampleSummary(Noun):
    """What became of the ground truth."""

    n_rows: int
    """Sample pixels, lost ones included."""
    n_lost: int
    """Of them lost because a feature has nodata there."""
    lost_by_class: dict[str, int]
    lost_by_feature: dict[str, int]
    """Rows that each feature would lose by itself."""
    counts: dict[str, int]
    """Kept rows of each class."""
    groups: dict[str, tuple[int, int]]
    """Groups of each class that train, and that were held out."""
    rare: tuple[str, ...]
    """Classes that were not held out."""
    dropped: dict[str, int] = Field(default_factory=dict)
    """Labels that were left out when the file was read, by reason."""


class ExplainedView(Noun):
    """What the report of a map shows of its model's explanation."""

    picture: str
    """PNG of what the model goes by."""
    what: str
    """What the picture shows, for those who do not see it."""
    page: str
    """The class doctor's page."""
    advice: tuple[str, ...]
    """What a person can do, one sentence each."""


class CheckedView(Noun):
    """What the report of a map shows of the look at its model's samples."""

    signatures: str | None
    """SVG of what the classes look like; None where no feature is a band."""
    prepared: tuple[str, ...] = ()
    """SVG pictures of how features were prepared for the classifier."""
    suspects: str
    """GeoJSON of the doubtful points."""
    n_suspects: int
    """Points whose label a model of the others contradicts."""
    n_points: int
    """Labelled points."""


class Page(Noun):
    """Everything that a report shows."""

    title: str
    year: int
    recipe: str
    """Name of the product line."""
    simulated: bool
    views: tuple[MapView, ...]
    tiles: tuple[TileQuality, ...]
    quicklooks: tuple[QuicklookView, ...] = ()
    """Masks before and after growth, of the tiles where growth took most."""
    refined: tuple[RefinedTile, ...] = ()
    """Tiles whose masks were refined: shares of each image before and after."""
    legend: tuple[LegendClass, ...] = ()
    """Classes of the map."""
    preview: str | None = None
    """Page that pans and zooms; None where there is no map."""
    accuracy: AccuracyReport | None = None
    accuracy_missing: str = ""
    """Why there is no accuracy report."""
    validation: Validation | None = None
    """Splits side by side, calibration and independent points."""
    quoted: Headline | None = None
    """What the run says that the map is quoted by; None to choose it from ``validation``."""
    map_missing: str = ""
    """Why there is no class map at all."""
    zones_missing: dict[str, str] = Field(default_factory=dict)
    """Zones that could not be joined: EPSG code → reason."""
    samples: SampleSummary | None = None
    card: ModelCard | None = None
    explained: ExplainedView | None = None
    """What the model goes by; None where it was not explained."""
    checked: CheckedView | None = None
    """The model's samples; None where nobody looked at them."""
    holes: Holes | None = None
    """Why pixels have no class; None where there is no map, or an older one."""
    differs_percent: float | None = None
    """Classified pixels whose class calibration changes, or would, %; None where it is not told."""
    troubles: tuple[str, ...] = ()
    """One sentence per unit that failed or was skipped."""

    @property
    def headline(self) -> Headline:
        """What the map is quoted by."""
        return self.quoted or headline_of(self.validation, self.accuracy_missing)

    @property
    def shifted(self) -> tuple[ClassShift, ...]:
        """Classes of which the map has much more or less than the training samples."""
        parts = [view.areas for view in self.views if view.areas]
        if self.card is None or not parts:
            return ()
        return class_shift(sum_areas(parts), self.card)

    def findings_of(self, view: MapView) -> tuple[str, ...]:
        """Say how the map of a zone is divided among its classes."""
        trained = () if self.card is None else tuple(map(self.title_of, self.card.names))
        return findings(view.areas, trained)

    @property
    def zone_areas(self) -> dict[str, tuple[ClassArea, ...]]:
        """Name of each zone that comes in several cells, and the area of each class in it."""
        parts: dict[str, list[tuple[ClassArea, ...]]] = {}
        for view in self.views:
            zone, _, part = view.cell.partition("_")
            if part and is_zone(zone) and view.areas:
                parts.setdefault(view.whole, []).append(view.areas)
        return {zone: sum_areas(areas) for zone, areas in parts.items() if len(areas) > 1}

    downloads: tuple[Download, ...] = ()

    def title_of(self, name: str) -> str:
        """Give the name of a class for people."""
        return next((entry.title for entry in self.legend if entry.name == name), name)


class QualityPage(Noun):
    """What the page of a region shows before the region is processed."""

    title: str
    year: int
    recipe: str
    """Name of the product line."""
    source: str
    """Where the products are published, without folders of this machine."""
    simulated: bool
    tiles: tuple[TileQuality, ...]
    quicklooks: tuple[QuicklookView, ...] = ()
    troubles: tuple[str, ...] = ()
    """Why a tile could not be looked at."""
    downloads: tuple[Download, ...] = ()


def zone_name(cell: str) -> str:
    """Name a zone, ``UTM zone 31N``, or a file of it or of a common grid, with its cell.

    ``UTM zone 31N, cell E3N44`` or ``EPSG:3035, cell E28N16``.
    """
    crs, _, part = cell.partition("_")
    name = f"UTM zone {int(crs[3:])}{'N' if crs[2] == '6' else 'S'}" if is_zone(crs) else ""
    return ", cell ".join(filter(None, (name or f"EPSG:{crs}", part)))


def is_zone(cell: str) -> bool:
    """Tell whether the name of a cell or grid is the EPSG code of a UTM zone."""
    return len(cell) == 5 and cell[:3] in ("326", "327")
