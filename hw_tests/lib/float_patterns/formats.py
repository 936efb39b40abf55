"""The formats that are proven, and which engines are made for them.

Invariant: between them are both uses of the all-ones exponent, and both ends of the range of biases
as well as what lies between.
"""

from __future__ import annotations

from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat

ROUNDINGS = (TRUNCATE, NEAREST)
E_MAX, M_MAX = 6, 6


def _format(e_bits: int, m_bits: int) -> CustomFloat:
    biases = (2 ** (e_bits - 1) - 1, 127, 2**e_bits - 128, 14, 93)
    place = 7 * e_bits + m_bits
    return CustomFloat(e_bits, m_bits, biases[place % len(biases)], full=bool(place // 2 % 2))


# These go through the engines for formats at run time, too.
FORMATS = tuple(_format(e, m) for e in range(2, E_MAX + 1) for m in range(M_MAX + 1))
ENCODED = (
    *FORMATS,
    CustomFloat(4, 3, 7, largest=0x7E),
    CustomFloat(2, 3, 1, largest=0x1D),
    CustomFloat(1, 1, 3, full=True),
    CustomFloat(5, 10, 15),
    CustomFloat(7, 23, 0),
)
DECODED = (
    *ENCODED,
    CustomFloat(4, 3, 7, subnormals=True),
    CustomFloat(3, 5, 122, subnormals=True),
    CustomFloat(6, 2, -64, full=True, subnormals=True),
    CustomFloat(2, 0, 1, subnormals=True),
    CustomFloat(3, 0, 127, full=True, subnormals=True),
)
EXPANDED = tuple(form for form in DECODED if form.e_bits <= 5)
