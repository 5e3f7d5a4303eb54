"""The backgrounds of a tile's quarters as one picture, dark to bright, red where nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from landcover.nouns.colour import rgb_of
from landcover.publish.cartography import ALARM

NODATA = -32768
PERCENTILES = (1.0, 99.0)
"""Of all quarters together: black and white."""


def draw_backgrounds(
    backgrounds: Mapping[str, NDArray[np.int16]],
    path: Path,
    title: str,
    *,
    is_simulated: bool = False,
) -> None:
    """Draw the background of each quarter, all with one stretch.

    Args:
        backgrounds: Quarter → blue, reflectance × 10,000, int16, (y, x), -32768 nodata.
        path: PNG to write.
        title: Headline.
        is_simulated: Says so in the headline.
    """
    known = np.concatenate([values[values != NODATA].ravel() for values in backgrounds.values()])
    low, high = np.percentile(known, PERCENTILES) if known.size else (0.0, 1.0)
    with rc_context(rcParamsDefault):
        figure = Figure(figsize=(0.2 + 3.0 * len(backgrounds), 3.7), dpi=120)
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, len(backgrounds), squeeze=False)[0]
        for axes, (quarter, values) in zip(panels, backgrounds.items(), strict=True):
            grey = np.clip(255 * (values - low) / max(high - low, 1), 0, 255).astype(np.uint8)
            rgb = np.repeat(grey[..., None], 3, axis=2)
            rgb[values == NODATA] = rgb_of(ALARM)
            axes.imshow(rgb, interpolation="nearest")
            axes.set_title(quarter, fontsize=9)
            axes.set_xticks([])
            axes.set_yticks([])
        figure.suptitle(f"{'SIMULATED: ' if is_simulated else ''}{title}", fontsize=10)
        words = f"B02 from {low:.0f} (black) to {high:.0f} (white), reflectance × 10,000"
        figure.text(0.5, 0.015, words, ha="center", fontsize=8)
        figure.subplots_adjust(left=0.01, right=0.99, top=0.84, bottom=0.07, wspace=0.03)
        figure.savefig(path, metadata={"Software": None})
