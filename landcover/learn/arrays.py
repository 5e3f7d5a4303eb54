"""Files of arrays: npz without pickle, versioned, and read with one sentence where damaged."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from landcover.errors import InputError

WRONG = (
    ValueError, TypeError, KeyError, AttributeError, EOFError, RuntimeError, OSError,
    SyntaxError, OverflowError, tokenize.TokenError,
)  # fmt: skip
"""What numpy raises at files that are no npz, or whose headers are no headers."""


def write_arrays(
    file: BinaryIO, version: int, feature_names: tuple[str, ...], arrays: Mapping[str, Any]
) -> None:
    """Write arrays as npz without pickle; equal arrays give equal bytes.

    Not compressed: the bytes of compression change with the zlib version, and the sha256 of such a
    file is in a model's card.

    Args:
        file: File open for writing bytes.
        version: Version of the file's layout.
        feature_names: Names of the features, in the order of the columns.
        arrays: The arrays by name; none holds objects.
    """
    names = np.array(feature_names, dtype=np.str_)
    np.savez(file, format=np.int64(version), feature_names=names, **arrays)


def append_arrays(file: BinaryIO, prefix: str, arrays: Mapping[str, Any]) -> None:
    """Write further arrays behind those of a file; equal arrays, equal bytes.

    Args:
        file: npz file, open for reading and writing.
        prefix: What stands before their names.
        arrays: The arrays by name; none holds objects.
    """
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # An entry without a clock time, as numpy writes its own.
            with archive.open(zipfile.ZipInfo(f"{prefix}{name}.npy"), "w") as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


@contextmanager
def open_arrays(file: BinaryIO, version: int | None, what: str) -> Iterator[Any]:
    """Open what :func:`write_arrays` wrote; what goes wrong inside is told as damage too.

    Args:
        file: File open for reading bytes, seekable.
        version: Version of the layout that is understood; None where whoever read the file before
            has checked it.
        what: What the file is, ``forest``, for the message.

    Yields:
        The arrays by name, numpy's ``NpzFile``.

    Raises:
        InputError: The file is damaged, of another layout, or lacks an array.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = int(arrays["format"])
            if version is not None and found != version:
                raise InputError(
                    f"{what.capitalize()} file: expected format {version}, found {found}; read it "
                    "with the version of landcover that wrote it."
                )
            yield arrays
    except (zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{what.capitalize()} file: it is damaged ({error}); fetch it again."
        ) from error
    except WRONG as error:
        raise InputError(
            f"{what.capitalize()} file: expected a packed {what}, found {error}."
        ) from error


def names_in(arrays: Any) -> tuple[str, ...]:
    """Give the names of the features."""
    return tuple(str(name) for name in arrays["feature_names"].tolist())
