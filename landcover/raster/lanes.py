"""Eight numbers at once in compiled loops: one vector register, whatever the compiler guesses.

The compiler makes vectors of a plain loop only after it has asked, at every run of it, whether its
arrays overlap; values of this type stay in registers. Each lane rounds as a number alone does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.extending import models, overload, register_model

intrinsic: Callable[[Callable[..., Any]], Any] = extending.intrinsic
LANES = 8
"""Numbers of a vector: 64 bytes, the widest register there is; on others it is several."""


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Lanes{LANES}")


_LANES = _Lanes()
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


@register_model(_Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    first = builder.gep(data, [index], inbounds=True)
    return builder.bitcast(first, _VECTOR.as_pointer())


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """Take eight numbers of a float64 array of one dimension, from an index on."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        address = _address(context, builder, signature.args[0], *given)
        return builder.load(address, align=8)

    return _LANES(array, types.intp), build


@intrinsic
def load32(typing: Any, array: Any, index: Any) -> Any:
    """Take eight numbers of a float32 array of one dimension, from an index on."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        narrow = ir.VectorType(ir.FloatType(), LANES)
        first = builder.gep(data, [given[1]], inbounds=True)
        address = builder.bitcast(first, narrow.as_pointer())
        return builder.fpext(builder.load(address, align=4), _VECTOR)

    return _LANES(array, types.intp), build


@intrinsic
def store(typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    """Put eight numbers into a float64 array of one dimension, from an index on."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        address = _address(context, builder, signature.args[0], *given[:2])
        builder.store(given[2], address, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), build


@intrinsic
def every(typing: Any, number: Any) -> Any:
    """Make all lanes one number."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        made = ir.Constant(_VECTOR, ir.Undefined)
        for lane in range(LANES):
            made = builder.insert_element(made, given[0], ir.Constant(ir.IntType(32), lane))
        return made

    return _LANES(types.float64), build


@intrinsic
def root(typing: Any, lanes: Any) -> Any:
    """Take the square root of each lane."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        name = f"llvm.sqrt.v{LANES}f64"
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        return builder.call(function, given)

    return _LANES(lanes), build


@intrinsic
def where_less(typing: Any, one: Any, other: Any, then: Any, otherwise: Any) -> Any:
    """Choose between two by lane: ``then`` where one is less than the other."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", given[0], given[1]), given[2], given[3])

    return _LANES(one, other, then, otherwise), build


@intrinsic
def bits_less(typing: Any, one: Any, other: Any) -> Any:
    """Tell in which lanes one is less than the other: bit k of an int64 stands for lane k."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        is_less = builder.fcmp_ordered("<", given[0], given[1])
        return builder.zext(builder.bitcast(is_less, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(one, other), build


@intrinsic
def lowest_bit(typing: Any, bits: Any) -> Any:
    """Tell which is the lowest bit that is set; at least one is."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.cttz(given[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), build


def _arithmetic(operation: Callable[..., Any], instruction: str) -> None:
    @intrinsic
    def compute(typing: Any, one: Any, other: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return getattr(builder, instruction)(*given)

        return _LANES(one, other), build

    @overload(operation)
    def of_lanes(one: Any, other: Any) -> Any:
        def computed(one: Any, other: Any) -> Any:
            return compute(one, other)

        return computed if isinstance(one, _Lanes) and isinstance(other, _Lanes) else None


for _operation, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_operation, _instruction)
