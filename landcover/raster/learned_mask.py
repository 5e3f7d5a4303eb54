"""Clouds and shadows by a learned model: ukis-csmask (DLR, Apache-2.0), variant ``ukis``.

Its models are part of its package and pinned by their checksum: another file would make other
masks under the same name. The package is an extra, ``masks-onnx``.
"""

from __future__ import annotations

import hashlib
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError, UnavailableError

Level = Literal["l1c", "l2a"]
BANDS = {4: ("B02", "B03", "B04", "B08"), 6: ("B02", "B03", "B04", "B08", "B11", "B12")}
"""Bands of its models by their number, in order."""
NAMES = ("blue", "green", "red", "nir", "swir16", "swir22")
CLOUD, SHADOW = 1, 2
CHECKSUMS = {
    "4b_l1c": "81611f290adc315b86bb7e7c69b0f2496b3abe0390c2a5c8e9e9da9622e8a0c8",
    "4b_l2a": "3884d75ca497ec59d8335973477bd31eb038857007bbb36fb2aba1ad375ee043",
    "6b_l1c": "aa79e9a0f02ff8e0243d93771d1daf6a8d1166b7ac06c3771560b83367c6c573",
    "6b_l2a": "d11c530978637ca420eedc40791c62bf78997dd39e1201777e2527e4bd94904e",
}
"""SHA-256 of the models of ukis-csmask 1.0.0."""
MODEL = "4b_l2a"
"""Model of the stage: surface reflectance, four bands."""


def learned_mask(
    reflectance: NDArray[np.float32], level: Level = "l2a", threads: int = 1
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark clouds and cloud shadows by the learned model.

    Args:
        reflectance: Four or six bands (`BANDS`), reflectance 0-1, float32, (band, y, x); NaN
            counts as 0. The model was trained at about 30 m; at 20 m it works too.
        level: Of surface (``l2a``) or at the top of the atmosphere (``l1c``).
        threads: Threads of the model.

    Returns:
        True on cloud, and on shadow, bool, (y, x).

    Raises:
        UnavailableError: The extra is not installed.
        InputError: The number of bands is another one, or the model is not the one that is known.
    """
    if reflectance.ndim != 3 or len(reflectance) not in BANDS:
        raise InputError(
            f"The learned mask needs four or six bands (band, y, x), found shape "
            f"{reflectance.shape}."
        )
    model = _module().CSmask
    check_model(f"{len(reflectance)}b_{level}")
    image = np.nan_to_num(np.moveaxis(reflectance, 0, -1)).astype(np.float32)
    with warnings.catch_warnings():
        # Small images are worked on as well as they can be; people are not told here.
        warnings.simplefilter("ignore", UserWarning)
        found = model(
            image,
            list(NAMES[: len(reflectance)]),
            product_level=level,
            intra_op_num_threads=threads,
            inter_op_num_threads=1,
            providers=["CPUExecutionProvider"],
        ).csm[..., 0]
    return np.asarray(found == CLOUD), np.asarray(found == SHADOW)


@lru_cache(maxsize=8)
def check_model(name: str) -> str:
    """Compare a model's file with its checksum, once a process.

    Returns:
        The checksum.

    Raises:
        UnavailableError: The extra is not installed.
        InputError: The file is another one.
    """
    home = Path(str(_module().__file__)).parent
    found = hashlib.sha256((home / f"model_{name}.onnx").read_bytes()).hexdigest()
    if found != CHECKSUMS[name]:
        raise InputError(
            f"ukis-csmask: model_{name}.onnx has checksum {found[:12]}, expected "
            f"{CHECKSUMS[name][:12]}. Install landcover[masks-onnx] as the lock says."
        )
    return found


def _module() -> Any:
    try:
        import ukis_csmask.mask as found
    except ImportError as error:
        raise UnavailableError(
            "mask.variant ukis needs the extra masks-onnx, which is not installed: "
            "pip install 'landcover[masks-onnx]'."
        ) from error
    return found
