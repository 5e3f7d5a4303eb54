"""How reflectance depends on where sun and satellite stand: kernel model and c-factor.

Roy et al. 2016 (RSE 176) and 2017 (RSE 199); kernels of Schaaf et al. 2002
(docs/methods/composites.md#view-angle). Pure functions of angles; what is seen where is the matter
of `view_angle`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError

Doubles = npt.NDArray[np.float64]

NBAR_PARAMETERS: dict[str, tuple[float, float, float]] = {
    "B01": (0.0774, 0.0079, 0.0372),
    "B02": (0.0774, 0.0079, 0.0372),
    "B03": (0.1306, 0.0178, 0.0580),
    "B04": (0.1690, 0.0227, 0.0574),
    "B05": (0.2085, 0.0256, 0.0845),
    "B06": (0.2316, 0.0273, 0.1003),
    "B07": (0.2599, 0.0294, 0.1197),
    "B08": (0.3093, 0.0330, 0.1535),
    "B8A": (0.3093, 0.0330, 0.1535),
    "B11": (0.3430, 0.0453, 0.1154),
    "B12": (0.2658, 0.0387, 0.0639),
}
"""f_iso, f_geo, f_vol by band (Roy et al. 2016, 2017). Other layers are not normalised."""


def c_factor(
    band: str,
    sun_zenith: npt.ArrayLike,
    view_zenith: npt.ArrayLike,
    relative_azimuth: npt.ArrayLike,
) -> Doubles:
    """Compute what reflectance is multiplied with to be that of a view from above.

    The ratio of the kernel model (Ross-Thick, Li-Sparse reciprocal; Schaaf et al. 2002) at view
    zenith 0 to that at the view zenith, with the sun where it is.

    Args:
        band: A key of `NBAR_PARAMETERS`.
        sun_zenith: Degrees, below 90; any shape.
        view_zenith: Degrees, below 90; shapes are broadcast.
        relative_azimuth: Azimuth of the view minus that of the sun, degrees; sign and whole turns
            do not matter.

    Returns:
        The factor, float64, exactly 1 at nadir; NaN where an angle is NaN.

    Raises:
        InputError: The band has no parameters.
    """
    if band not in NBAR_PARAMETERS:
        raise InputError(
            f"{band} has no parameters for the view angle; only {', '.join(NBAR_PARAMETERS)} are "
            "normalised."
        )
    iso, geo, vol = NBAR_PARAMETERS[band]
    sun, view, azimuth = np.broadcast_arrays(
        *(
            np.radians(np.asarray(a, np.float64))
            for a in (sun_zenith, view_zenith, relative_azimuth)
        )
    )
    above = (iso + geo * _li_sparse(sun, 0 * view, azimuth)) + vol * _ross_thick(
        sun, 0 * view, azimuth
    )
    seen = (iso + geo * _li_sparse(sun, view, azimuth)) + vol * _ross_thick(sun, view, azimuth)
    return np.asarray(above / seen)


def kernels(
    sun_zenith: npt.ArrayLike, view_zenith: npt.ArrayLike, relative_azimuth: npt.ArrayLike
) -> tuple[Doubles, Doubles]:
    """Compute both kernels of the model.

    Args:
        sun_zenith: Degrees.
        view_zenith: Degrees.
        relative_azimuth: Degrees.

    Returns:
        K_vol (Ross-Thick) and K_geo (Li-Sparse reciprocal, b/r = 1, h/b = 2), float64.
    """
    sun, view, azimuth = np.broadcast_arrays(
        *(
            np.radians(np.asarray(a, np.float64))
            for a in (sun_zenith, view_zenith, relative_azimuth)
        )
    )
    return _ross_thick(sun, view, azimuth), _li_sparse(sun, view, azimuth)


def _ross_thick(sun: Doubles, view: Doubles, azimuth: Doubles) -> Doubles:
    """Compute the volumetric kernel; radians."""
    cosine = _cos_phase(sun, view, azimuth)
    phase = np.arccos(cosine)
    numerator = (np.pi / 2 - phase) * cosine + np.sin(phase)
    return np.asarray(numerator / (np.cos(sun) + np.cos(view)) - np.pi / 4)


def _li_sparse(sun: Doubles, view: Doubles, azimuth: Doubles) -> Doubles:
    """Compute the geometric kernel (reciprocal, b/r = 1, h/b = 2); radians."""
    tan_sun, tan_view = np.tan(sun), np.tan(view)
    secants = 1 / np.cos(sun) + 1 / np.cos(view)
    square = tan_sun**2 + tan_view**2 - 2 * tan_sun * tan_view * np.cos(azimuth)
    across = tan_sun * tan_view * np.sin(azimuth)
    cos_t = np.clip(2 * np.sqrt(np.maximum(square, 0) + across**2) / secants, -1, 1)
    t = np.arccos(cos_t)
    overlap = (t - np.sin(t) * cos_t) * secants / np.pi
    both = (1 + _cos_phase(sun, view, azimuth)) / (2 * np.cos(sun) * np.cos(view))
    return np.asarray(overlap - secants + both)


def _cos_phase(sun: Doubles, view: Doubles, azimuth: Doubles) -> Doubles:
    """Compute the cosine of the angle between sun and view."""
    cosine = np.cos(sun) * np.cos(view) + np.sin(sun) * np.sin(view) * np.cos(azimuth)
    return np.asarray(np.clip(cosine, -1, 1))
