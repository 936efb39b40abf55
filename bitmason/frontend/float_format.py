"""The format that a floating-point quantiser of a file names.

Invariant: a format is refused where the executor's arithmetic would leave its numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.node_view import NodeView
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.types import Array

FLOAT_QUANTISERS = frozenset({"FloatQuant", "CustomFloat"})
FORMAT_INPUTS = {2: "the exponent width", 3: "the mantissa width", 4: "the exponent bias"}
LARGEST_INPUT = 5
# What hardware is built for, of activations; fixed point holds weights too.
MOST_E_BITS = 5
MOST_CODE_BITS = 12  # every code of an activation is a threshold
MOST_FIXED_BITS = 36  # two of them and a long sum fill an accumulator
_POSSIBLE_E_BITS, _POSSIBLE_M_BITS, _MOST_BIAS = 8, 23, 127


def float_format(node: NodeView, operands: Sequence[Array | None]) -> CustomFloat:
    """Return the format of a FloatQuant or CustomFloat node.

    Args:
        node: the quantiser.
        operands: its constant operands, with None where there is none.

    Raises:
        CompileError: F021 when it is no format, or none that saturates.
    """
    if node.op == "CustomFloat":
        widths = [_attribute(node, name) for name in ("e_bits", "m_bits", "bias")]
        return _checked(node, widths, full=bool(node.integer("full", 0)))
    widths = [_whole(node, operands[index], what) for index, what in FORMAT_INPUTS.items()]
    if not node.integer("saturation", 1):
        _refuse(node, "does not saturate; hardware has no infinities", "export it with saturation")
    whole = _checked(node, widths, full=True, subnormals=True)
    return _with_largest(node, whole, operands[LARGEST_INPUT])


def _checked(
    node: NodeView, widths: Sequence[int], *, full: bool, subnormals: bool = False
) -> CustomFloat:
    e_bits, m_bits, bias = widths
    # A code with the all-ones exponent is a float32 too, but where it has as many bits itself.
    least_bias = min(2**e_bits - 1 - _MOST_BIAS, _MOST_BIAS) if 0 < e_bits < 9 else 0
    limits = (
        ("an exponent width", e_bits, 1, _POSSIBLE_E_BITS),
        ("a mantissa width", m_bits, 0, _POSSIBLE_M_BITS),
        ("an exponent bias", bias, least_bias, _MOST_BIAS),
    )
    for what, value, low, high in limits:
        if not low <= value <= high:
            _refuse(
                node,
                f"has {what} of {value}",
                f"it may be {low} to {high}",
            )
    if e_bits == 1 and not full:
        _refuse(node, "has an exponent of 1 bit, of which one code is reserved", "use 2 bits")
    return CustomFloat(e_bits, m_bits, bias, full, subnormals)


def _with_largest(node: NodeView, whole: CustomFloat, given: Array | None) -> CustomFloat:
    """Return `whole` up to the largest number that the file names, where it names one."""
    if given is None or given.size != 1:
        _refuse(node, "has no single largest number", "export it with a constant maximum")
    value = Fraction(given.item())
    if value >= Fraction(whole.greatest):
        return whole
    rank = int(whole.ranks(np.array([value], dtype=object))[0])
    if rank < 1 or Fraction(float(whole.decode(np.array([rank]))[0])) != value:
        _refuse(
            node,
            f"has {float(value):g} as its largest number, which is none of its format",
            "export it with a maximum that the format has",
        )
    return CustomFloat(whole.e_bits, whole.m_bits, whole.bias, subnormals=True, largest=rank)


def _attribute(node: NodeView, name: str) -> int:
    if name not in node:
        _refuse(node, f"has no attribute {name}", "a format is e_bits, m_bits and bias")
    return node.integer(name, 0)


def _whole(node: NodeView, given: Array | None, what: str) -> int:
    if given is None or given.size != 1 or float(given.item()) != int(given.item()):
        _refuse(node, f"has no single whole number as {what}", "use one format per tensor")
    return int(given.item())


def _refuse(node: NodeView, what: str, help_line: str) -> NoReturn:
    fail("F021", f"this {node.op} {what}", loc=node.loc, help=help_line)
