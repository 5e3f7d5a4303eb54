"""Every key of the object store: the only place that knows where things lie."""

from __future__ import annotations

ACCURACY = "accuracy.json"
"""Accuracy of a map at its held-out samples, in the folder of :func:`accuracy`."""
VALIDATION = "validation.json"
"""Splits side by side, and independent points, in the folder of :func:`accuracy`."""


def labels(label_id: str) -> str:
    """Ground truth of a run as a table."""
    return f"labels/{label_id}.parquet"


def assigned(key: str) -> str:
    """Ground truth of a run divided among its tiles, as a file with a record batch for each."""
    return f"labels/assigned/{key}.arrow"


def library(library_id: str) -> str:
    """Samples of other runs that a run joins, as a table."""
    return f"libraries/{library_id}.parquet"


def product(tile: str, name: str, output_id: str) -> str:
    """Files of a product that was fetched, named as its source names them."""
    return f"products/{tile}/{name}/{output_id}"


def mask(tile: str, product: str, output_id: str) -> str:
    """Masks of one product, one raster per grid."""
    return f"masks/{tile}/{product}/{output_id}"


def background(tile: str, quarter: str, output_id: str) -> str:
    """Background of a quarter that masks are refined against."""
    return f"masks/{tile}/{quarter}/{output_id}"


def composite(tile: str, period: str, output_id: str) -> str:
    """Composite of a tile and period, one raster per layer."""
    return f"composites/{tile}/{period}/{output_id}"


def restored(tile: str, period: str, output_id: str) -> str:
    """Composite of a tile and period with gaps filled and terrain shadow restored."""
    return f"restored/{tile}/{period}/{output_id}"


def elevation(cell: str, output_id: str) -> str:
    """Elevation cell that was fetched, or the part of one that a tile needs."""
    return f"elevation/{cell}/{output_id}.tif"


def terrain(tile: str, output_id: str) -> str:
    """Elevation, slope and aspect of a tile."""
    return f"terrain/{tile}/{output_id}"


def samples(tile: str, output_id: str) -> str:
    """Sample table of a tile."""
    return f"samples/{tile}/{output_id}.parquet"


def sample_set(output_id: str) -> str:
    """Sample table of a run, all tiles joined."""
    return f"samplesets/{output_id}.parquet"


def model(output_id: str) -> str:
    """A trained model: card, arrays, estimator."""
    return f"models/{output_id}"


def explanation(output_id: str) -> str:
    """What a model goes by: document, table, picture and page."""
    return f"explanations/{output_id}"


def class_map(tile: str, output_id: str) -> str:
    """Class map of a tile with its confidence."""
    return f"maps/{tile}/{output_id}"


def mosaic(cell: str, output_id: str) -> str:
    """Tiles joined in one cell."""
    return f"mosaics/{output_id}/{cell}"


def accuracy(output_id: str) -> str:
    """Accuracy report of a map."""
    return f"accuracy/{output_id}"


def report(output_id: str) -> str:
    """Page and files that people get."""
    return f"reports/{output_id}"


def scratch(name: str) -> str:
    """A place for bytes that are not published yet."""
    return f"tmp/{name}"


def set_aside(output_id: str, name: str) -> str:
    """Bytes of an output that were found damaged."""
    return f"damaged/{output_id}-{name}"
