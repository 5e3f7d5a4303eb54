"""The numbers of an array at points or within polygons, as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
import xarray
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.affinity import affine_transform
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from landcover.errors import InputError
from landcover.labels.reading import LabelTable
from landcover.nouns.grid import Grid
from landcover.stores.rasters import pixels_within
from landcover.tiling.edges import densify
from landcover.views.conventions import PLACE, grid_of
from landcover.views.models import XarrayObject

Places = pd.DataFrame | LabelTable | Mapping[str, Any] | BaseGeometry | Sequence[Any]
_KEPT = ("feature_set", "index_variant")


def sample_at(
    places: Places, source: XarrayObject | Sequence[XarrayObject], *, crs: str = "EPSG:4326"
) -> pd.DataFrame:
    """Read an array at points, or at every pixel whose centre lies in a polygon.

    Args:
        places: Points: a table with ``lon`` and ``lat`` (its other columns come along), labels of
            ``api.read_labels``, or (lon, lat) pairs. Or points and polygons as shapely geometries
            or GeoJSON (a geometry, a feature, a collection; properties come along).
        source: What ``api.open_features``, ``open_composite``, ``open_map`` or a product gave, or
            any array over (y, x) with a reference system; or several of them, such as
            neighbouring tiles, the first that has a place answering for it.
        crs: Reference system of the places, x (or longitude) first.

    Returns:
        One row per pixel: ``place`` (position of the point or polygon), what came along, ``x`` and
        ``y`` (centre of the pixel, CRS of the source), and a column for each feature or layer, of
        each period (``2021-spring_B04``) where there are several; NaN or the source's own nodata
        where it has none. Places outside have no row. What was read of features stays known in
        ``attrs``, for ``api.fit_classifier``.

    Raises:
        InputError: The places are of no kind named above, or the source says no grid.

    Examples:
        >>> from landcover import api
        >>> labels = api.read_labels("region/labels.geojson")
        >>> table = api.sample_at(labels, api.open_features("30SUF"))
        >>> model = api.fit_classifier(table.dropna(), table.dropna()["label"])
        >>> model.names[7]
        'cropland'
    """
    sources = [source] if isinstance(source, XarrayObject) else list(source)
    table, geometries = _read(places)
    left = np.ones(len(geometries), dtype=np.bool_)
    parts = []
    for one in sources:
        dataset = one if isinstance(one, xarray.Dataset) else _as_dataset(one)
        place, rows, columns = _pixels(geometries, left, grid_of(one), crs)
        left[place] = False
        read = _values(dataset, rows, columns)
        told = table.iloc[place].reset_index(drop=True)
        told = told[[name for name in told if name not in read]]
        parts.append(pd.concat([pd.Series(place, name="place"), told, read], axis=1))
    found = pd.concat(parts, ignore_index=True).sort_values("place", kind="stable")
    found.attrs = {key: sources[0].attrs[key] for key in _KEPT if key in sources[0].attrs}
    return found.reset_index(drop=True)


def _read(places: Places) -> tuple[pd.DataFrame, list[BaseGeometry]]:
    """Give what comes along with each place, and where it is."""
    if isinstance(places, LabelTable):
        places = places.points
    if isinstance(places, pd.DataFrame):
        lacking = [name for name in ("lon", "lat") if name not in places]
        if lacking:
            raise InputError(
                f"Places: expected a table with lon and lat, found {', '.join(map(str, places))}."
            )
        points: list[BaseGeometry] = [
            shapely.Point(at) for at in places[["lon", "lat"]].to_numpy(np.float64)
        ]
        return places.reset_index(drop=True), points
    rows, geometries = [], []
    for properties, geometry in _geometries(places):
        if geometry.geom_type not in ("Point", "Polygon", "MultiPolygon"):
            raise InputError(f"Places: expected points or polygons, found a {geometry.geom_type}.")
        rows.append(properties)
        geometries.append(geometry)
    return pd.DataFrame(rows, index=range(len(rows))), geometries


def _geometries(places: Any) -> Iterator[tuple[Mapping[str, Any], BaseGeometry]]:
    if isinstance(places, BaseGeometry):
        yield {}, places
    elif isinstance(places, Mapping) and "features" in places:
        for feature in places["features"]:
            yield from _geometries(feature)
    elif isinstance(places, Mapping) and "geometry" in places:
        yield dict(places.get("properties") or {}), shape(places["geometry"])
    elif isinstance(places, Mapping) and "type" in places:
        yield {}, shape(dict(places))
    elif isinstance(places, Sequence | np.ndarray) and not isinstance(places, str):
        if len(places) == 2 and all(isinstance(part, float | int | np.number) for part in places):
            yield {}, shapely.Point(*map(float, places))
        else:
            for place in places:
                yield from _geometries(place)
    else:
        raise InputError(
            "Places: expected a table with lon and lat, labels, (lon, lat) pairs, geometries or "
            f"GeoJSON, found {type(places).__name__}."
        )


def _as_dataset(array: xarray.DataArray) -> xarray.Dataset:
    """Give each feature a variable of its own name at the end; one read for all until then."""
    return array.to_dataset(name=str(array.name or "value"))


def _pixels(
    geometries: Sequence[BaseGeometry], is_left: NDArray[np.bool_], grid: Grid, crs: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find the pixels of places that are left: position of the place, row, column."""
    transformer = Transformer.from_crs(crs, grid.crs, always_xy=True)
    found = [(np.empty(0, np.int64),) * 3]
    is_point = np.array([one.geom_type == "Point" for one in geometries], dtype=np.bool_)
    points = np.flatnonzero(is_left & is_point)
    if points.size:
        x, y = transformer.transform(
            *shapely.get_coordinates([geometries[n] for n in points.tolist()]).T
        )
        rows = np.floor((grid.uly - np.asarray(y)) / grid.pixel)
        columns = np.floor((np.asarray(x) - grid.ulx) / grid.pixel)
        inside = (rows >= 0) & (rows < grid.height) & (columns >= 0) & (columns < grid.width)
        found.append((points[inside], rows[inside].astype(np.int64),
                      columns[inside].astype(np.int64)))  # fmt: skip
    for place in np.flatnonzero(is_left & ~is_point).tolist():
        within = _within(geometries[place], crs, transformer, grid)
        found.append((np.full(within[0].size, place), *within))
    sides = [np.concatenate(side) for side in zip(*found, strict=True)]
    return sides[0], sides[1], sides[2]


def _within(
    polygon: BaseGeometry, crs: str, transformer: Transformer, grid: Grid
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the rows and columns of the pixels whose centre lies in a polygon."""
    (dense,) = densify(np.array([polygon], dtype=object), crs)
    projected = shapely.transform(
        dense, lambda at: np.column_stack(transformer.transform(at[:, 0], at[:, 1]))
    )
    side = 1 / grid.pixel
    on_grid = affine_transform(projected, [side, 0, 0, -side, -grid.ulx * side, grid.uly * side])
    left, top, right, bottom = on_grid.bounds
    first_column, first_row = max(0, int(left)), max(0, int(top))
    columns = min(grid.width, int(np.ceil(right))) - first_column
    rows = min(grid.height, int(np.ceil(bottom))) - first_row
    if columns <= 0 or rows <= 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    moved = affine_transform(on_grid, [1, 0, 0, 1, -first_column, -first_row])
    inside_rows, inside_columns = np.nonzero(pixels_within([moved], (rows, columns)))
    return inside_rows + first_row, inside_columns + first_column


def _values(
    dataset: xarray.Dataset, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> pd.DataFrame:
    """Read pixels of every variable, one column for each of its planes."""
    at = {"y": xarray.DataArray(rows, dims="pixel"), "x": xarray.DataArray(columns, dims="pixel")}
    read: dict[str, Any] = {
        "x": dataset["x"].to_numpy()[columns],
        "y": dataset["y"].to_numpy()[rows],
    }
    for name, array in dataset.data_vars.items():
        if name == PLACE or not {"y", "x"} <= set(array.dims):
            continue
        values = array.isel(at)
        planes = [dim for dim in values.dims if dim != "pixel"]
        stacked = values.transpose(*planes, "pixel").to_numpy()
        stacked = stacked.reshape(math.prod(stacked.shape[:-1]), rows.size)
        read |= dict(zip(_names(str(name), array, planes), stacked, strict=True))
    return pd.DataFrame(read)


def _names(name: str, array: xarray.DataArray, planes: Sequence[Any]) -> list[str]:
    """Name the planes of a variable: by feature, by period or whatever its axes are called."""
    names = [name]
    for dim in planes:
        if dim == "feature":
            names = [str(feature) for feature in array["feature"].values]
            continue
        if array.sizes[dim] == 1:
            continue
        label = "period" if dim == "time" and "period" in array.coords else dim
        values = array[label].values if label in array.coords else range(array.sizes[dim])
        names = [f"{value}_{one}" for one in names for value in values]
    return names
