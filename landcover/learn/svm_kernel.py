"""Inner loops of support vector machines: the kernel of pixels with a chunk of vectors, weighted.

Method: docs/methods/svm.md#engine.

Products are our own loops and not BLAS: there the last bits of a row depend on where it stands
among the others, so a map would depend on its windows. Here every row is summed in one order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled

MULTIPLE = 4
"""Rows are computed in fours, and features added in fours: both are padded with zeros."""
Doubles = NDArray[np.float64]
Singles = NDArray[np.float32]
Numbers = NDArray[np.floating]
"""Single or double precision, all arrays alike."""

_MAGIC = np.float32(12582912.0)  # 1.5·2²³: what is added to it is rounded to a whole number
_LEAST = np.float32(-120.0)
# 2^f = 1 + f·ln 2 + … for |f| ≤ ½; greatest relative error 1e-7 in float32 (Moshier, Cephes exp2f).
_C1 = np.float32(6.931472028550421e-1)
_C2 = np.float32(2.402264791363012e-1)
_C3 = np.float32(5.550332471162809e-2)
_C4 = np.float32(9.618437357674640e-3)
_C5 = np.float32(1.339887440266574e-3)
_C6 = np.float32(1.535336188319500e-4)
_BITS = np.int32(23)


@compiled(error_model="numpy", fuses=True)
def multiply(  # pragma: no cover - compiled
    pixels: Numbers, vectors: Numbers, products: Numbers
) -> None:
    """Multiply four rows at a time with all vectors of a chunk.

    Args:
        pixels: Features, (n, d), n and d multiples of 4.
        vectors: Vectors column by column, (d, m).
        products: What is written, (n, m).
    """
    n, d = pixels.shape
    m = vectors.shape[1]
    for i in range(0, n, 4):
        x0, x1, x2, x3 = pixels[i], pixels[i + 1], pixels[i + 2], pixels[i + 3]
        g0, g1, g2, g3 = products[i], products[i + 1], products[i + 2], products[i + 3]
        for j in range(m):
            g0[j] = g1[j] = g2[j] = g3[j] = 0
        for k in range(0, d, 4):
            s0, s1, s2, s3 = vectors[k], vectors[k + 1], vectors[k + 2], vectors[k + 3]
            a0, a1, a2, a3 = x0[k], x0[k + 1], x0[k + 2], x0[k + 3]
            b0, b1, b2, b3 = x1[k], x1[k + 1], x1[k + 2], x1[k + 3]
            c0, c1, c2, c3 = x2[k], x2[k + 1], x2[k + 2], x2[k + 3]
            d0, d1, d2, d3 = x3[k], x3[k + 1], x3[k + 2], x3[k + 3]
            for j in range(m):
                p, r, s, t = s0[j], s1[j], s2[j], s3[j]
                g0[j] = (((g0[j] + a0 * p) + a1 * r) + a2 * s) + a3 * t
                g1[j] = (((g1[j] + b0 * p) + b1 * r) + b2 * s) + b3 * t
                g2[j] = (((g2[j] + c0 * p) + c1 * r) + c2 * s) + c3 * t
                g3[j] = (((g3[j] + d0 * p) + d1 * r) + d2 * s) + d3 * t


@compiled(error_model="numpy", fuses=True)
def radial(  # pragma: no cover - compiled
    products: Singles,
    bits: NDArray[np.int32],
    squares: Singles,
    vector_squares: Singles,
    scale: np.float32,
    work: Singles,
    work_bits: NDArray[np.int32],
) -> None:
    """Turn products x·s into exp(-γ|x - s|²), in place.

    Args:
        products: Of :func:`multiply`, (n, m).
        bits: The same memory as integers.
        squares: Squared lengths of the rows, (n,).
        vector_squares: Squared lengths of the vectors, (m,).
        scale: γ / ln 2.
        work: Scratch, (m,).
        work_bits: The same memory as integers.
    """
    n, m = products.shape
    for i in range(n):
        g, g_bits, square = products[i], bits[i], squares[i]
        for j in range(m):
            z = scale * (np.float32(2) * g[j] - (square + vector_squares[j]))
            z = min(max(z, _LEAST), np.float32(0))
            rounded = z + _MAGIC
            work[j] = rounded
            f = z - (rounded - _MAGIC)
            p = ((((_C6 * f + _C5) * f + _C4) * f + _C3) * f + _C2) * f + _C1
            g[j] = p * f + np.float32(1)
        for j in range(m):
            # The last bits of what was rounded are the whole number: they go into the exponent.
            g_bits[j] = np.int32(g_bits[j] + np.int32(work_bits[j] << _BITS))


@compiled(error_model="numpy", fuses=True, reorders=True)
def weigh(  # pragma: no cover - compiled
    kernels: Numbers, coefficients: Numbers, sums: Doubles
) -> None:
    """Add each row's kernels under every set of weights.

    Args:
        kernels: Of :func:`radial`, (n, m), n a multiple of 4.
        coefficients: What each vector weighs in each sum, (q, m).
        sums: What is added to, (n, q).
    """
    n, m = kernels.shape
    for i in range(0, n, 4):
        g0, g1, g2, g3 = kernels[i], kernels[i + 1], kernels[i + 2], kernels[i + 3]
        for c in range(coefficients.shape[0]):
            weight = coefficients[c]
            t0 = t1 = t2 = t3 = np.float32(0)
            for j in range(m):
                w = weight[j]
                t0 += g0[j] * w
                t1 += g1[j] * w
                t2 += g2[j] * w
                t3 += g3[j] * w
            sums[i, c] += t0
            sums[i + 1, c] += t1
            sums[i + 2, c] += t2
            sums[i + 3, c] += t3


@compiled()
def decide_as_libsvm(  # pragma: no cover - compiled
    pixels: Doubles,
    vectors: Doubles,
    counts: NDArray[np.int64],
    coefficients: Doubles,
    intercepts: Doubles,
    gamma: float,
    is_linear: bool,
    decisions: Doubles,
) -> None:
    """Compute decision values in the order of libsvm's ``svm_predict_values``, bit by bit.

    Args:
        pixels: Features, (n, d).
        vectors: Support vectors, by class, (m, d).
        counts: Vectors of each class, (K,).
        coefficients: As scikit-learn's ``_dual_coef_``, (K - 1, m).
        intercepts: Of each pair, (K·(K - 1)/2,).
        gamma: Of the radial kernel.
        is_linear: True for the linear kernel.
        decisions: What is written, (n, K·(K - 1)/2).
    """
    m, k = vectors.shape[0], counts.size
    starts = np.zeros(k + 1, np.int64)
    starts[1:] = np.cumsum(counts)
    kernel = np.empty(m)
    for i in range(pixels.shape[0]):
        for s in range(m):
            if is_linear:
                kernel[s] = np.dot(pixels[i], vectors[s])
            else:
                apart = pixels[i] - vectors[s]
                kernel[s] = np.exp(-gamma * np.dot(apart, apart))
        pair = 0
        for one in range(k):
            for two in range(one + 1, k):
                total = 0.0
                for s in range(starts[one], starts[one + 1]):
                    total += coefficients[two - 1, s] * kernel[s]
                for s in range(starts[two], starts[two + 1]):
                    total += coefficients[one, s] * kernel[s]
                decisions[i, pair] = total + intercepts[pair]
                pair += 1


def padded(array: Any, multiple: int, axis: int) -> Any:
    """Append zeros along an axis up to a multiple of a number."""
    lacking = -array.shape[axis] % multiple
    if not lacking:
        return array
    widths = [(0, lacking if one == axis else 0) for one in range(array.ndim)]
    return np.pad(array, widths)
