"""Compressors from float32 and decompressors to it, `PE` numbers per cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from bitmason.backends.design import Knob, Layer, Port, Resources
from bitmason.backends.layers.registry import (
    Planner,
    Site,
    along,
    check_divides,
    check_name,
    lanes_of,
)
from bitmason.ir.custom_float import NEAREST, CustomFloat
from bitmason.ir.graph import Folding
from bitmason.ir.ops.float_link import Compress, Decompress
from bitmason.ir.types import IntType, UInt

# Measured with yosys synth_xilinx -family xc7 (benchmarks/layer_area.py, float_area.py).
_FLOAT32_BITS = 32
# What the engines of a unit share where their format may change.
_COMPRESSING = Resources(lut=31, ff=48)
_EXPANDING = Resources(lut=18, ff=36)
_CONTROL = Resources(lut=1, ff=1)
_FLOAT32_EXPONENT = 8


@dataclass(frozen=True)
class FloatLinkView:
    """The numbers of one layer of engines; `at_once` of them work side by side.

    With `knobs`, their format may change from frame to frame, and a frame has `beats` beats.
    """

    compresses: bool
    format: CustomFloat
    nearest: bool
    at_once: int
    ranks: IntType
    knobs: bool
    beats: int


KNOB_NAMES = ("ebits", "sbits", "least")
_KNOB_BITS = 8


class FloatLinkPlanner(Planner):
    """Plans `Compress` and `Decompress`."""

    ops: ClassVar = (Compress, Decompress)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op, source = site.node, site.node.op, site.source
        assert isinstance(op, Compress | Decompress)
        check_divides("pe", folding.pe, source.shape[-1], "channels", node)
        check_divides("mmv", folding.mmv, site.pixels, "pixels", node)
        check_name("engine", folding.engine, ("shift",), node)
        compresses, out = isinstance(op, Compress), node.type.int_elem
        at_once = folding.pe * folding.mmv
        view = FloatLinkView(
            compresses,
            op.format,
            isinstance(op, Compress) and op.rounding == NEAREST,
            at_once,
            out if compresses else site.elem,
            bool(op.knobs),
            source.size // at_once,
        )
        numbers = zip(KNOB_NAMES, op.format.knobs, strict=True)
        knobs = tuple(Knob(node.name, name, most, _KNOB_BITS) for name, most in numbers)
        data = Port(site.elem, source.size, at_once, folding.mmv)
        count = len(KNOB_NAMES)
        return Layer(
            name=node.name,
            op=op.name,
            engine="shift",
            loc=node.loc,
            folding=Folding(folding.pe, 1, "shift", mmv=folding.mmv),
            sources=(data, Port(UInt(_KNOB_BITS), count, count)) if op.knobs else (data,),
            sinks=(Port(out, node.type.size, at_once, folding.mmv),),
            cycles=source.size // at_once,
            resources=_resources(view),
            view=view,
            knobs=knobs if op.knobs else (),
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        for pe in along(arriving, site.source.shape[-1]):
            yield Folding(pe, mmv=lanes_of(arriving, site.pixels))


def _resources(view: FloatLinkView) -> Resources:
    if not view.knobs:
        engines = Resources(lut=view.at_once * _luts(view), ff=view.at_once * _registers(view))
        return _CONTROL + engines
    bits, m_bits = view.format.bits, view.format.m_bits
    if view.compresses:
        lut, ff, shared = 27 * bits // 4 + 3, 2 * _FLOAT32_BITS + bits, _COMPRESSING
    else:
        lut, ff, shared = 27 * bits // 5 - 6, 2 * bits + _FLOAT32_EXPONENT + m_bits + 1, _EXPANDING
    return shared + Resources(lut=view.at_once * lut, ff=view.at_once * ff)


def _luts(view: FloatLinkView) -> int:
    """Return the look-up tables of one engine."""
    bits, signed = view.format.bits, view.ranks.lo < 0
    if view.compresses:
        # To nearest, all bits that are cut off tell where a tie is; without mantissa one does.
        rounding = 0 if not view.nearest else 10 if view.format.m_bits else 5
        return 12 * bits // 5 + rounding
    if view.format.subnormals:
        return 2 * max(1, bits - 3) + (2 * bits // 3 if signed else 0)
    return bits if signed else 1


def _registers(view: FloatLinkView) -> int:
    """Return the flip-flops of one engine: a float32 has zeros behind a format's mantissa."""
    if view.compresses:
        return view.format.bits
    return _FLOAT32_EXPONENT + view.format.m_bits + (1 if view.ranks.lo < 0 else 0)
