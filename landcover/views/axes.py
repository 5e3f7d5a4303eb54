"""How the functions of the front door treat the axes of their arrays: one row a function.

The functions themselves take numpy arrays and know nothing of this; :mod:`landcover.views.adapter`
reads the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Arguments = Mapping[str, Any]
YX = ("y", "x")
TEXTURE_NAMES = (
    "contrast", "dissimilarity", "homogeneity", "energy", "correlation", "ASM",
)  # fmt: skip


@dataclass(frozen=True)
class Given:
    """An array that a function gives back."""

    dtype: str | None = None
    """Its type; that of the first array where None."""
    axes: tuple[str, ...] = ()
    """Axes before (y, x), of a function whose axes have names."""
    says: Callable[[Arguments], Mapping[str, Any]] | None = None
    """Attributes by the arguments of the call; those of the first array where None. A ``name``
    among them is the name of the array."""


@dataclass(frozen=True)
class Row:
    """How one function treats arrays."""

    takes: Mapping[str, tuple[str, ...]]
    """Parameter → its axes in order. No axes: arrays of any shape, pixel by pixel."""
    gives: tuple[Given, ...] = ()
    """What comes back; a report, of the arrays as numpy, where nothing is named."""
    along: Literal["pixels", "neighbours", "whole", "report"] = "pixels"
    """What a value depends on: its own pixel, pixels around it, all of the image; or no value of
    a pixel comes back."""
    table: str = ""
    """Parameter that is a table of samples: a dataset of columns, or an array (sample, feature)."""
    halo: Callable[[Arguments], int] = field(default=lambda _: 0)
    """Pixels on each side of a part that neighbours need."""
    layers: str = ""
    """Parameter that is a mapping of arrays by layer; a dataset, or an array with ``band``."""
    uses: Callable[[Arguments], tuple[str, ...]] = field(default=lambda _: ())
    """Layers among them that the function reads."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Axis of a result that no array has → its length."""
    is_north_up: bool = False
    """Whether rows must run from north to south."""


def _named(name: str, long_name: str, units: str = "1") -> Callable[[Arguments], dict[str, Any]]:
    return lambda _: {"name": name, "long_name": long_name, "units": units}


def _kernel_halo(arguments: Arguments) -> int:
    from landcover.raster.growth import kernel_px

    size, growth = arguments["pixel_size_m"], arguments["growth_m"]
    return kernel_px(size, growth, symmetric=arguments["symmetric"]) // 2


def _index_bands(arguments: Arguments) -> tuple[str, ...]:
    from landcover.raster.indices import required_bands

    return required_bands(arguments["name"], arguments["variant"])


def _index(arguments: Arguments) -> dict[str, Any]:
    name, variant = arguments["name"], arguments["variant"]
    told = f"{name.upper()} ({variant})"
    return {"name": name.lower(), "long_name": told, "units": "1"}


def _normalised(arguments: Arguments) -> dict[str, Any]:
    return {"long_name": f"{arguments['layer']}, normalised", "units": "1"}


def _texture(name: str) -> Callable[[Arguments], dict[str, Any]]:
    return _named(f"GLCM{name}", f"{name} of grey-level co-occurrence")


def _report(*takes: str, table: str = "") -> Row:
    return Row(dict.fromkeys(takes, ()), along="report", table=table)


ROWS: Mapping[str, Row] = {
    "accuracy": _report("map_codes", "reference_codes", "groups"),
    "area_weighted_accuracy": _report("matrix", "mapped_area"),
    "balance": _report(table="samples"),
    "calibrate": _report("scores", "truth"),
    "correct_topography": Row(
        takes={"values": (), "cos_i": (), "slope": (), "sun_zenith": ()},
        gives=(
            Given("int16"),
            Given("bool", says=_named("is_left", "left as it was: in shadow or of unknown slope")),
        ),
    ),
    "denoise_dem": Row(
        takes={"dem": YX}, gives=(Given("float32"),), along="whole", is_north_up=True
    ),
    "explain": _report("labels", "groups", table="samples"),
    "expand_cloud_mask": Row(
        takes={"is_masked": YX}, gives=(Given("bool"),), along="neighbours", halo=_kernel_halo
    ),
    "fill_gaps": Row(
        takes={"months": ("time", *YX)},
        gives=(
            Given("float32", ("time",)),
            Given("uint8", ("time",), says=_named("fill", "0 seen, 1 both, 2 one, 255 missing")),
        ),
    ),
    "glcm_textures": Row(
        takes={"band": YX},
        gives=tuple(Given("float32", says=_texture(name)) for name in TEXTURE_NAMES),
        along="neighbours",
        halo=lambda arguments: arguments["window"] // 2,
    ),
    "jeffries_matusita": _report("labels", table="samples"),
    "median_composite": Row(
        takes={"reflectance": ("time", "band", *YX), "is_masked": ("time", *YX)},
        gives=(
            Given("float32", ("band",)),
            Given("uint8", says=_named("n_clear", "number of clear observations")),
        ),
    ),
    "normalise": Row(takes={"values": ()}, gives=(Given("float32", says=_normalised),)),
    "refine_masks": Row(
        takes=dict.fromkeys(
            ("blue", "infrared", "shortwave", "is_cloud", "is_shadow", "is_water"), ("time", *YX)
        ),
        gives=(
            Given("bool", ("time",), says=_named("is_cloud", "cloud, refined")),
            Given("bool", ("time",), says=_named("is_shadow", "cloud shadow, refined")),
            Given("float32", says=_named("background", "25 % quantile of clear blue")),
        ),
        along="whole",
    ),
    "select_features": _report("labels", "groups", table="samples"),
    "slope_aspect": Row(
        takes={"dem": YX, "cell_size_m": ("y",), "cell_size_y_m": ("y",)},
        gives=(
            Given("float32", says=_named("slope", "slope", "degree")),
            Given("float32", says=_named("aspect", "aspect", "degree")),
        ),
        along="neighbours",
        halo=lambda _: 1,
        is_north_up=True,
    ),
    "spectral_index": Row(takes={}, layers="bands", uses=_index_bands, gives=(Given(says=_index),)),
}
"""Function → its row."""
