"""A small picture of a composite or a map that the store has."""

from __future__ import annotations

from landcover.ledger import outputs
from landcover.nouns.output import Output
from landcover.publish.thumbnails import class_picture, colour_picture
from landcover.stores.workspace import Workspace

COLOURS = ("B04.tif", "B03.tif", "B02.tif")
"""Files of a composite that its natural colours are made of."""
CLASSES = "classification.tif"


def picture_of(workspace: Workspace, output: Output, side: int) -> bytes:
    """Draw a composite in its natural colours, or a map in those of its classes.

    Args:
        workspace: Where.
        output: The composite or the map.
        side: Longer side of the picture, px.

    Returns:
        A PNG, transparent where there is no data.

    Raises:
        DamagedError: A file is not what was written.
    """
    if any(file.name == CLASSES for file in output.files):
        return class_picture(outputs.href(workspace, output, CLASSES), side)
    return colour_picture([outputs.href(workspace, output, name) for name in COLOURS], side)
