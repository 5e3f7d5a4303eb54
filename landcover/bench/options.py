"""Kernels of options: trust, joint spectra, smoothing, statistics, cleaning; beside plain ones.

``plain`` is the same kernel as one would write it down, compiled too, a pixel at a time. Both
must give the same bytes. One thread each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import FULL_PIXELS, Report, Request, Row, Tell, Work, digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEATURES = 72
"""Features of a pixel, as many as the recipe has."""
LAYERS = 15
"""Drawn layers that the features are mixtures of: bands, indices and seasons hang together."""
SAMPLES = 5000
BLOCK = 4096
"""Pixels that the trust layer is asked about at a time, as by ``classify``."""


def disk_gb(request: Request) -> float:
    """Say that nothing is written."""
    return 0.0


def measure(request: Request, tell: Tell) -> Report:
    """Measure each kernel beside the plain one, on made-up ground.

    Raises:
        InputError: A byte of ours differs.
    """
    pixels, repeats = request.pixels_or(732) // 6 * 6, request.repeats_or(1)
    known = {"pixels": pixels, "seed": request.seed}
    rows: list[Row] = []
    for title, (kernel, arguments) in CASES.items():
        cases = [
            Case(engine, f"{__name__}:{kernel}", {**known, **arguments, "engine": engine})
            for engine in ("ours", "plain")
        ]
        rows += side_by_side(title, cases, repeats, tell)
    return Report("options", {"pixels": pixels, "threads": 1}, rows, _notes(rows, pixels))


CASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "trust, pixels like the samples": ("trust", {"shift": 0.0}),
    "trust, half of them unlike": ("trust", {"shift": 1.0}),
}
"""What is done → its work function and its arguments."""


def _notes(rows: list[Row], pixels: int) -> list[str]:
    scale = (FULL_PIXELS / pixels) ** 2
    found = ["Both engines of a case give the same bytes."]
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return found + [
        f"{ours.case}: {scale * ours.cost.cpu_seconds:.0f} CPU s for a whole tile by the number of "
        f"pixels, plain {scale * plain.cost.cpu_seconds:.0f}."
        for ours, plain in pairs
    ]


def _later(make: Callable[[], Any]) -> Work:
    """Digest what was made after the clock has stopped."""

    def work() -> Work:
        made = make()
        arrays = made if isinstance(made, tuple) else (made,)
        return lambda: digest(*arrays)

    return work


def trust(pixels: int, seed: int, shift: float, engine: str) -> Work:
    """Tell where the pixels of a tile resemble no sample."""
    import numpy as np

    from landcover.bench.plain import trust as plain
    from landcover.learn import applicability

    samples, features = _features(pixels, seed)
    groups = np.arange(len(samples))
    known = applicability.fit_applicability(samples, groups, seed=seed)
    features[: len(features) // 2] += np.float32(shift) * samples.std(axis=0)
    ask = applicability.is_outside if engine == "ours" else plain.is_outside
    ask(known, features[:64])

    def whole() -> NDArray[np.bool_]:
        parts = range(0, len(features), BLOCK)
        return np.concatenate([ask(known, features[start : start + BLOCK]) for start in parts])

    return _later(whole)


def _features(pixels: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw features of samples and of all pixels, (n, d), the latter in columns as stacks are."""
    import numpy as np

    from landcover.bench import ground
    from landcover.bench.layers import grid_of

    grid = grid_of(pixels, 10)
    classes = ground.random(seed, "samples").integers(0, ground.CLASSES, SAMPLES)
    mixing = ground.random(seed, "mixing").normal(0, 1, (FEATURES, LAYERS)).astype(np.float32)
    samples = np.empty((LAYERS, SAMPLES), np.float32)
    stack = np.empty((LAYERS, pixels, pixels), np.float32)
    for number in range(LAYERS):
        samples[number] = ground.sample_values(seed, f"layer {number}", classes, 0.2, 0.05)
        for window, values in ground.layer_strips(seed, f"layer {number}", grid, 0.2, 0.05):
            stack[number][window.slices] = values
    return (mixing @ samples).T.copy(), (mixing @ stack.reshape(LAYERS, -1)).T
