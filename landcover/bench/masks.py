"""What refining masks costs; with --region, errors of masks and composites against a clear date.

The clearest product of a tile is left out and taken as the truth; the others are composited by
every variant, through the stages. ``--region`` names a folder of real products, several dates of
each tile. What is compared is read under the same view option, and never where the truth itself
is near a cloud.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench import mask_cost
from landcover.bench.tables import Cost, Progress, Report, Request, Row
from landcover.errors import InputError, LandcoverError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from landcover.nouns.product import Product

VARIANTS: dict[str, tuple[str, ...]] = {
    "no growth": ("mask.growth_m=0",),
    "growth 250 m": ("mask.growth_m=250",),
    "paper, 600 m": (),
    "growth 1000 m": ("mask.growth_m=1000",),
    "ladder": ("composite.ladder={}",),
    "geomedian": ("composite.method=geomedian",),
    "medoid": ("composite.method=medoid",),
}
"""Name → how its recipe differs from the paper's."""
VIEWS: dict[str, tuple[str, ...]] = {"": (), " + nbar": ("composite.view_angle=nbar",)}
# Where the truth has no cloud within half of this, it is believed.
TRUTH = ("mask.growth_m=1000",)
NODATA = -32768


@dataclass(frozen=True)
class _Composite:
    """A composite as read back."""

    cost: Cost
    bands: Mapping[str, NDArray[Any]]
    """Band → stored units, int16, nodata -32768."""
    rungs: Mapping[tuple[int, ...], NDArray[Any]]
    """Shape of a grid → rung of each pixel; empty without a ladder."""
    growths_m: tuple[float, ...]
    """Rungs, m; empty without a ladder."""


def disk_gb(request: Request) -> float:
    """Say what masks and composites take, GB: at most what the products of the folder do."""
    if request.region is None:
        return mask_cost.disk_gb(request)
    n_variants = len(VARIANTS) * len(VIEWS)
    files = [path.stat().st_size for path in request.region.rglob("*") if path.is_file()]
    return n_variants * sum(files) / 1e9


def measure(request: Request, progress: Progress) -> Report:
    """Composite each tile without its clearest date by every variant, and compare with it.

    Without a folder of products, what refinement costs (:mod:`landcover.bench.mask_cost`).
    """
    from landcover.settings import in_environment, read_settings

    if request.region is None:
        return mask_cost.measure(request, progress)
    settings = read_settings(workspace=str(request.folder / "workspace"))
    with in_environment(settings):
        return _measure(request, progress)


def as_published(request: Request, progress: Progress) -> Report:
    """Refine the masks of a tile's year as the HRLC deck measured it."""
    return mask_cost.as_published(request, progress)


def _measure(request: Request, progress: Progress) -> Report:
    rows: list[Row] = []
    facts: dict[str, Any] = {}
    tiles = _dates(Path(str(request.region)))
    if not tiles:
        raise InputError(f"{request.region}: no tile here has several dates with one to leave out.")
    for number, (tile, (truth, others)) in enumerate(sorted(tiles.items())):
        facts[f"{tile} truth"] = f"{truth['datatake'][:10]} against {len(others)} dates"
        bench = _Tile(tile, request, truth, others)

        def told(share: float, what: str, number: int = number, tile: str = tile) -> None:
            progress((number + share) / len(tiles), f"{tile}, {what}")

        rows += bench.rows(told)
    return Report("masks", facts, rows, tuple(_table(rows)))


@dataclass(frozen=True)
class _Tile:
    tile: str
    request: Request
    truth: Mapping[str, Any]
    others: list[Mapping[str, Any]]

    def rows(self, progress: Progress) -> list[Row]:
        """Measure all variants."""
        import numpy as np

        found: dict[str, tuple[_Composite, _Composite]] = {}
        wanted = [(name, view) for view in VIEWS for name in VARIANTS]
        for number, (name, view) in enumerate(wanted):
            progress(number / len(wanted), name + view)
            truth = self._composite("truth", [self.truth], (*TRUTH, *VIEWS[view]))
            made = self._composite("others", self.others, (*VARIANTS[name], *VIEWS[view]))
            found[name + view] = made, truth
        made_by_all = [made.bands for made, _ in found.values()]
        shared = {
            band: np.logical_and.reduce([bands[band] != NODATA for bands in made_by_all])
            for band in made_by_all[0]
        }
        return [
            Row(self.tile, name, made.cost, repeats=1, result=_errors(made, truth, shared))
            for name, (made, truth) in found.items()
        ]

    def _composite(
        self, folder: str, products: list[Mapping[str, Any]], overrides: tuple[str, ...]
    ) -> _Composite:
        """Run the stages as far as the composite, and read it."""
        from landcover import api
        from landcover.ledger import outputs, units
        from landcover.stores.rasters import read_array

        place = self.request.folder / f"{self.tile}-{folder}"
        place.mkdir(exist_ok=True)
        for product in products:
            link = place / Path(product["path"]).name
            if not link.exists():
                link.symlink_to(Path(product["path"]).resolve())
        year, month = int(self.truth["datatake"][:4]), int(self.truth["datatake"][5:7])
        bands = sorted({f["layer"] for f in self.truth["files"] if f["layer"].startswith("B")})
        document = {
            "name": "bench-masks",
            "seasons": [
                {"name": "all", "primary_month": month, "fallback_month": month % 12 + 1}
            ],
            # Every date of the season and of the month beside it.
            "selection": {
                "max_cloud_percent": 100, "min_full_products": 255, "max_products": 255
            },
            "composite": {"layers": bands},
        }  # fmt: skip
        run = f"bench-{self.tile}"
        api.start_run(
            run,
            document,
            year=year,
            products=str(place),
            tiles=[self.tile],
            until="composite",
            overrides=overrides,
        )
        report = api.run_inline(run, threads=self.request.threads or 1)
        workspace = api.open_workspace()
        (state,) = units.states(workspace.records, run, "composite")
        if not state.is_finished:
            raise LandcoverError(f"bench masks: {report['troubles']}")
        output = outputs.load(workspace, state.outputs[0])
        arrays = {
            file.name.removesuffix(".tif"): read_array(
                workspace.objects.href(output.key, file.name)
            )[0]
            for file in output.files
        }
        rungs = {a.shape: a for name, a in arrays.items() if name.startswith("rung_")}
        return _Composite(
            Cost(state.seconds, state.cpu_seconds, state.peak_mb),
            {band: arrays[band] for band in bands if band in arrays},
            rungs,
            tuple(r["growth_m"] for r in output.stats.get("rungs", ())[:-1]),
        )


def _dates(folder: Path) -> dict[str, tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Find for each tile the product to leave out, and the others of its month and the next."""
    from landcover import api

    found: dict[str, list[Product]] = {}
    for path in sorted(p for p in folder.iterdir() if p.is_dir()):
        product = api.open_product(path).metadata
        found.setdefault(product.tile, []).append(product)
    tiles: dict[str, tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = {}
    for tile, products in found.items():
        others = {p.name: [q for q in products if q is not p and _is_near(p, q)] for p in products}
        # Two others at least, then the least cloud.
        truth = max(products, key=lambda p: (min(len(others[p.name]), 2), p.useful_percent))
        if others[truth.name]:
            near: list[Mapping[str, Any]] = [p.to_document() for p in others[truth.name]]
            tiles[tile] = truth.to_document(), near
    return tiles


def _is_near(truth: Product, other: Product) -> bool:
    months = [12 * p.datatake.year + p.datatake.month for p in (truth, other)]
    return 0 <= months[1] - months[0] <= 1


def _errors(
    made: _Composite, truth: _Composite, shared: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """Compare with the truth: where both have a value, and where all variants have one."""
    finest = max(made.bands.values(), key=lambda band: band.size)
    result: dict[str, Any] = {
        "nodata_percent": round(100 * float((finest == NODATA).mean()), 2),
        "bands": {}, "shared": {}, "rungs": {},
    }  # fmt: skip
    for band, values in made.bands.items():
        other = truth.bands[band]
        both = (values != NODATA) & (other != NODATA)
        result["bands"][band] = _figures(values, other, both)
        result["shared"][band] = _figures(values, other, both & shared[band])
        for rung, growth in enumerate(made.growths_m):
            where = both & (made.rungs[values.shape] == rung)
            figures = result["rungs"].setdefault(f"{growth:g} m", {})
            figures[band] = _figures(values, other, where)
    return result


def _figures(made: NDArray[Any], truth: NDArray[Any], where: NDArray[Any]) -> dict[str, float]:
    """Give errors in stored units (reflectance × 10,000); none where nothing is compared."""
    import numpy as np

    difference = made[where].astype(np.int32) - truth[where]
    if difference.size == 0:
        return {"pixels": 0}
    bias = float(np.median(difference))
    raw, removed = np.abs(difference), np.abs(difference - bias)
    return {
        "pixels": int(difference.size),
        "bias": round(bias, 1),
        "median": round(float(np.median(raw)), 1),
        "median_unbiased": round(float(np.median(removed)), 1),
        "mean": round(float(raw.mean()), 1),
        "mean_unbiased": round(float(removed.mean()), 1),
        "percentile_95_unbiased": round(float(np.percentile(removed, 95)), 1),
    }


def _table(rows: list[Row]) -> Iterator[str]:
    """Write the errors as lines of text."""
    wide = max(len(row.engine) for row in rows)
    yield "Errors against the clear date, reflectance x 10,000: median and mean of |difference|,"
    yield "raw | after the median difference is taken out, then its 95th percentile; where the"
    yield "variant has a value, and (shared) only where all variants have one."
    for row in rows:
        head = f"{row.case} {row.engine:{wide}} nodata {row.result['nodata_percent']:5.1f} %"
        parts = [("", row.result["bands"]), (" shared", row.result["shared"])]
        parts += [(f" rung {name}", bands) for name, bands in row.result["rungs"].items()]
        for what, bands in parts:
            for band, f in bands.items():
                if f["pixels"] == 0:
                    continue
                yield (
                    f"{head}{what:12} {band} {f['pixels']:>9} px  bias {f['bias']:>7.1f}  "
                    f"median {f['median']:>6.1f} | {f['median_unbiased']:>6.1f}  "
                    f"mean {f['mean']:>6.1f} | {f['mean_unbiased']:>6.1f}  "
                    f"p95 {f['percentile_95_unbiased']:>7.1f}"
                )
