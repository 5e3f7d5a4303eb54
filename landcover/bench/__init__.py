"""Ours beside what a user would pick instead, measured side by side in one run.

How to add a bench:

1. Write one file here, a noun: ``landcover/bench/mosaic.py``. The first line of its docstring is
   its line in ``landcover bench``. Nothing heavy is imported at its top: the list reads them all.
2. In it, write ``disk_gb(request) -> float``, the GB that it puts into ``request.folder``, and
   ``measure(request, progress) -> Report``, which measures.
3. What is timed runs in a process of its own: a *work function* prepares (reads its data, warms
   compiled code up) and returns a function without arguments, the work; the seconds, CPU seconds
   and peak memory of that alone count. It may return a digest of its output
   (``tables.digest``, or any JSON value), or a function that computes one afterwards, untimed;
   :func:`processes.side_by_side` refuses engines whose results differ. ::

       def ours(pixels: int) -> Work:
           from landcover import api
           data = ...
           return lambda: digest(api.something(data))

       def measure(request: Request, progress: Progress) -> Report:
           arguments = {"pixels": request.pixels_or(1098)}
           cases = [Case("ours", f"{__name__}:ours", arguments),
                    Case("scipy", f"{__name__}:with_scipy", arguments)]
           rows = side_by_side("mean filter", cases, request.repeats_or(3), progress)
           return Report("mosaic", {"pixels": request.pixels_or(1098)}, rows)

   The first case is ours; ``ratio`` of every other row is the CPU of ours divided by its CPU.
4. Name it in ``BENCHES`` below.
5. Where somebody published seconds and memory of the same, add
   ``as_published(request, progress)``: :func:`as_published.measure_as_published` measures runs one
   by one and draws memory over time.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

BENCHES = {
    "demo": "landcover.bench.demo",
    "decode": "landcover.bench.decode",
    "composite": "landcover.bench.composite",
    "along-time": "landcover.bench.along_time",
    "kernels": "landcover.bench.kernels",
    "options": "landcover.bench.options",
    "restore": "landcover.bench.restore",
    "texture": "landcover.bench.texture",
    "store": "landcover.bench.store",
    "growth": "landcover.bench.growth",
    "units": "landcover.bench.units",
    "orchestration": "landcover.bench.orchestration",
    "estimate": "landcover.bench.estimate",
    "masks": "landcover.bench.masks",
    "human-mask": "landcover.bench.human_mask",
    "smoothness": "landcover.bench.smoothness",
    "terrain": "landcover.bench.terrain",
    "mosaic": "landcover.bench.mosaic",
    "samples": "landcover.bench.samples",
    "train": "landcover.bench.train",
    "models": "landcover.bench.models",
    "course": "landcover.bench.course",
    "trust": "landcover.bench.trust",
    "calibration": "landcover.bench.calibration",
    "predict": "landcover.bench.predict",
    "forests": "landcover.bench.forests",
    "after-train": "landcover.bench.after_train",
    "svm": "landcover.bench.svm",
    "machines": "landcover.bench.machines",
    "explain": "landcover.bench.explain",
}
"""Name of each bench and its file, in the order of the list."""


def load(name: str) -> Any:
    """Import a bench: a module with ``disk_gb`` and ``measure``."""
    return import_module(BENCHES[name])


def summaries() -> dict[str, str]:
    """Give the one line of each bench, in order."""
    return {name: (load(name).__doc__ or "").splitlines()[0] for name in BENCHES}
