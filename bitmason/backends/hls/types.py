"""C++ types and numbers: how an element, a beat and a constant are written.

Invariant: a constant is written as the value that its C++ type holds, so no initialiser narrows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bitmason.backends.design import Port
from bitmason.ir.types import Int, IntArray, IntType

_LINE = 96


def elem_type(elem: IntType) -> str:
    """Return the C++ type of an element; a bipolar one is its code, 0 or 1."""
    return f"ap_int<{elem.bits}>" if isinstance(elem, Int) else f"ap_uint<{elem.bits}>"


def beat_type(port: Port) -> str:
    """Return the C++ type of what a stream carries."""
    return f"bitmason::Beat<{elem_type(port.elem)}, {port.per_beat}>"


def held_values(codes: IntArray, elem: IntType) -> IntArray:
    """Return what variables of `elem_type(elem)` hold, for `codes` of that type in hardware."""
    return Int(elem.bits).decode(codes) if isinstance(elem, Int) else codes


def initialiser(values: IntArray) -> str:
    """Return the brace-enclosed initialiser of an array `[words][elements]`."""
    width = int(np.char.str_len(np.array([values.min(), values.max()]).astype(str)).max())
    per_line = max(1, _LINE // (width + 2))
    return "{\n" + "".join(_word(row.tolist(), per_line) for row in values) + "}"


def _word(row: list[int], per_line: int) -> str:
    return "  {" + ",\n   ".join(_lines(row, per_line)) + "},\n"


def _lines(row: list[int], per_line: int) -> Iterator[str]:
    for start in range(0, len(row), per_line):
        yield ", ".join(map(str, row[start : start + per_line]))
