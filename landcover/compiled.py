"""How inner loops are compiled: one decorator, so that no two differ by accident."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from numba import njit

Kernel = Callable[..., Any]


def compiled(
    *,
    error_model: Literal["python", "numpy"] = "python",
    fuses: bool = False,
    reorders: bool = False,
) -> Callable[[Kernel], Kernel]:
    """Compile a function of arrays and numbers at its first call, and keep the code on disk.

    It runs without the interpreter's lock, so that the threads of a job work at once, and is never
    parallel by itself: the job decides how many threads there are, and sums keep their order.

    Args:
        error_model: What a division by zero does: ``python`` raises, ``numpy`` gives inf or NaN
            and is faster.
        fuses: Whether a product and the sum after it may be one instruction that rounds once:
            faster, and the last bit of a result may be another one than step by step.
        reorders: Whether a sum may be taken in lanes that are joined at its end. The order is
            fixed when the loop is compiled: the same numbers always give the same sum.
    """
    allowed = {name for name, is_on in (("contract", fuses), ("reassoc", reorders)) if is_on}
    fastmath: bool | set[str] = allowed or False

    def decorate(function: Kernel) -> Kernel:
        made: Kernel = njit(nogil=True, cache=True, error_model=error_model, fastmath=fastmath)(
            function
        )
        return made

    return decorate
