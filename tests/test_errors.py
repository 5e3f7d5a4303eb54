"""The class of an error decides the reaction; its sentence says what to do on one line."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from landcover import errors
from landcover.errors import family_of, sentence_of


def os_error(number, filename=None):
    return OSError(number, "reason", filename)


class _Named(errors.MissingDataError):
    """A class of some other room."""


@pytest.mark.parametrize(
    ("error", "family"),
    [
        (errors.LandcoverError("x"), "defect"),
        (errors.InputError("x"), "input"),
        (errors.UsageError("x"), "input"),
        (errors.MissingDataError("x"), "missing"),
        (_Named("x"), "missing"),
        (errors.UnavailableError("x"), "unavailable"),
        (errors.MemoryExceededError("x"), "memory"),
        (errors.CancelledError("x"), "cancelled"),
        (MemoryError(), "memory"),
        (np._core._exceptions._ArrayMemoryError((9,), np.dtype("u1")), "memory"),
        (os_error(errno.ENOSPC), "unavailable"),
        (os_error(errno.EDQUOT), "unavailable"),
        (os_error(errno.EIO), "unavailable"),
        (os_error(errno.EROFS), "unavailable"),
        (os_error(errno.ESTALE), "unavailable"),
        (ConnectionRefusedError(), "unavailable"),
        (BrokenPipeError(), "unavailable"),
        (TimeoutError(), "unavailable"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "input"),
        (KeyboardInterrupt(), "cancelled"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x"), "defect"),
        (ValueError("x"), "defect"),
        (KeyError("x"), "defect"),
    ],
    ids=repr,
)
def test_family(error, family):
    assert family_of(error) == family


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (errors.InputError("30SUF: no band. Deliver it."), "30SUF: no band. Deliver it."),
        (errors.InputError("two\n  lines"), "two lines"),
        (
            os_error(errno.ENOSPC, "/w/a.tif"),
            "The disk is full while writing /w/a.tif. Free space or move the workspace, then run "
            "again.",
        ),
        (
            os_error(errno.EDQUOT),
            "The disk is full. Free space or move the workspace, then run again.",
        ),
        (
            os_error(errno.EROFS, "/w/a"),
            "/w/a: the disk is read-only. Mount it for writing or write elsewhere, then run again.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/w/a"),
            "/w/a: no permission. Change the owner or rights of the file or folder.",
        ),
        (
            MemoryError(),
            "The job ran out of memory. Give it more (memory_gb) or let fewer jobs run at once.",
        ),
        (KeyboardInterrupt(), "The job was stopped; a rerun continues where it was."),
        (ValueError("bad\nvalue"), "ValueError: bad value"),
        (ValueError(), "ValueError"),
        (KeyError("spring"), "KeyError: 'spring'"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value),
)
def test_sentence(error, sentence):
    assert sentence_of(error) == sentence


def test_the_tree_is_drawn_whole():
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
    assert len(classes) == 10
    for found in classes:
        assert found.__name__ in str(errors.__doc__)
