"""The ground of a region, drawn once, and the scenes that are taken of it.

A small region is drawn in one piece. A large one is drawn block by block: first it is surveyed at
some places, then each block is drawn with a rim that is thrown away, so that blocks leave no seams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, sqrt

from landcover.nouns.grid import Grid
from landcover.simulate.acquisitions import Acquisition
from landcover.simulate.dem_cells import Heights
from landcover.simulate.ground import Bands, draw_ground
from landcover.simulate.landscape import (
    REACH_PIXELS,
    Landscape,
    Survey,
    corner_m,
    draw_landscape,
    draw_piece,
    survey,
)
from landcover.simulate.layers import Block, Layers, split
from landcover.simulate.noise import Field
from landcover.simulate.random_fields import RandomSource
from landcover.simulate.relief import WideRelief
from landcover.simulate.scene import Scene, Surface, draw_scene
from landcover.simulate.site import Site
from landcover.simulate.sky import CloudPlan, Sun, draw_sky, plan_clouds
from landcover.simulate.spectra import RESOLUTION, Season

WHOLE_PIXELS = 2_100
"""Side of the largest region that is drawn in one piece: two windows of 1,100 and less."""
BLOCK_PIXELS = 1_098
"""Side of the blocks of a larger one, 10 m pixels: a hundred in a tile."""
_RIM_PIXELS = 12
"""Rim of a block of a scene: for slopes, filters of the sky, and fields on 60 m."""
_SAMPLES = 36
"""Places at which a large region is surveyed."""
_SAMPLE_PIXELS = 120
"""Side of such a place, without its rim."""


@dataclass(frozen=True)
class Part:
    """A block of a scene in the window of a tile."""

    scene: Scene
    """The block and a rim."""
    inner: Block
    """The block without the rim, in the scene's pixels."""
    place: Block
    """Where it lies in the tile's window."""


class SiteSimulator:
    """Draws the ground of a site into layers and takes scenes of it."""

    def __init__(self, seed: int, site: Site, layers: Layers, block: int = BLOCK_PIXELS) -> None:
        self.seed, self._site, self._layers, self._block = seed, site, layers, block
        self._snow_line = 0.0
        self._relief: Heights | None = None
        self._scene: tuple[str, Scene] | None = None

    @property
    def is_whole(self) -> bool:
        """True where the region is drawn in one piece."""
        return is_whole(self._site)

    @cached_property
    def relief(self) -> Heights:
        """The heights under and around the windows; the ground must have been drawn."""
        return self._relief or WideRelief(self.seed, self._site.hull)

    def draw(self, seasons: Sequence[Season], tell: Callable[[float], None]) -> None:
        """Draw classes, elevation and the reflectance of some seasons.

        Args:
            seasons: Seasons whose ground is wanted.
            tell: Called with the share done, 0-1.
        """
        if self.is_whole:
            land = draw_landscape(self.seed, self._site.hull)
            self._relief, self._snow_line = land.relief, land.snow_line
            whole = Block(0, 0, *self._site.hull.shape)
            self._keep(land, RandomSource(self.seed), whole, whole, seasons)
            return
        known = survey(self.seed, self._site.hull, self._sample_places())
        self._snow_line = known.snow_line
        blocks = self._blocks()
        for number, block in enumerate(blocks):
            tell(number / len(blocks))
            self._draw_block(block, known, seasons)

    def use_ground(self, snow_line: float) -> None:
        """Take scenes of a ground that lies in the layers already.

        Args:
            snow_line: Height of the lowest snow in winter, m.
        """
        self._snow_line = snow_line

    def _draw_block(self, block: Block, known: Survey, seasons: Sequence[Season]) -> None:
        wide = block.grown(REACH_PIXELS)
        piece = wide.grid(self._site.hull)
        land = draw_piece(self.seed, self._site.hull, piece, known)
        inner = Block(REACH_PIXELS, REACH_PIXELS, block.height, block.width)
        source = RandomSource(self.seed, corner_m(self._site.hull, piece))
        self._keep(land, source, inner, block, seasons)

    def _keep(
        self,
        land: Landscape,
        source: RandomSource,
        inner: Block,
        block: Block,
        seasons: Sequence[Season],
    ) -> None:
        self._layers.put("classes", block, land.classes[inner.slices()])
        self._layers.put("elevation", block, land.elevation[inner.slices()])
        for season in seasons:
            for band, values in draw_ground(source, land, season).items():
                factor = RESOLUTION[band] // 10
                cut = values[inner.slices(factor)]
                self._layers.put(f"{season} {band}", block, cut, factor)

    def _blocks(self) -> list[Block]:
        """List the blocks of the region that hold a part of a window."""
        windows = [self._site.slices(tile) for tile in self._site.tiles]
        return [
            block
            for block in split(Block(0, 0, *self._site.hull.shape), self._block)
            if any(
                block.row < rows.stop
                and block.row + block.height > rows.start
                and block.column < columns.stop
                and block.column + block.width > columns.start
                for rows, columns in windows
            )
        ]

    def _sample_places(self) -> list[Grid]:
        """Lay as many small places evenly into all windows."""
        along = max(2, ceil(sqrt(_SAMPLES / len(self._site.tiles))))
        places = []
        for tile in self._site.tiles:
            rows, columns = self._site.slices(tile)
            for row in _evenly(rows, along):
                for column in _evenly(columns, along):
                    block = Block(row, column, _SAMPLE_PIXELS, _SAMPLE_PIXELS)
                    places.append(block.grown(REACH_PIXELS).grid(self._site.hull))
        return places

    def take(self, acquisition: Acquisition, sun: Sun, tile: str) -> Iterator[Part]:
        """Take the scene of an acquisition over the window of a tile, block by block."""
        rows, columns = self._site.slices(tile)
        window = Block(
            rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start
        )
        if self.is_whole:
            yield Part(
                self._whole_scene(acquisition, sun),
                window,
                Block(0, 0, window.height, window.width),
            )
            return
        clouds = plan_clouds(self.seed, self._site, acquisition)
        for block in split(window, self._block):
            scene = self._make_scene(block.grown(_RIM_PIXELS), acquisition, sun, clouds)
            inner = Block(_RIM_PIXELS, _RIM_PIXELS, block.height, block.width)
            place = Block(
                block.row - window.row, block.column - window.column, block.height, block.width
            )
            yield Part(scene, inner, place)

    def _whole_scene(self, acquisition: Acquisition, sun: Sun) -> Scene:
        """Take the scene of all windows at once; kept until another one is wanted."""
        if self._scene is None or self._scene[0] != acquisition.name:
            whole = Block(0, 0, *self._site.hull.shape)
            self._scene = acquisition.name, self._make_scene(whole, acquisition, sun, None)
        return self._scene[1]

    def _make_scene(
        self, block: Block, acquisition: Acquisition, sun: Sun, clouds: CloudPlan | None
    ) -> Scene:
        surface = Surface(
            self._layers.get("classes", block),
            self._layers.get("elevation", block),
            self._snow_line,
        )
        piece = block.grid(self._site.hull)
        corner = None if clouds is None else corner_m(self._site.hull, piece)
        source = RandomSource(self.seed, corner)
        sky = draw_sky(source, self._site, acquisition, sun, piece, clouds)
        ground = self._ground(block, acquisition)
        return draw_scene(source, surface, ground, acquisition, sky, sun)

    def _ground(self, block: Block, acquisition: Acquisition) -> Bands:
        def of(season: Season, band: str) -> Field:
            return self._layers.get(f"{season} {band}", block, RESOLUTION[band] // 10)

        share = acquisition.to_summer
        if not share:
            return {band: of(acquisition.season, band) for band in RESOLUTION}
        return {
            band: (1 - share) * of(acquisition.season, band) + share * of("summer", band)
            for band in RESOLUTION
        }


def is_whole(site: Site) -> bool:
    """Tell whether a site is small enough to be drawn in one piece."""
    return max(site.hull.shape) <= WHOLE_PIXELS


def _evenly(part: slice, count: int) -> list[int]:
    room = part.stop - part.start - _SAMPLE_PIXELS
    return [part.start + 6 * round((n + 0.5) * room / count / 6) for n in range(count)]
