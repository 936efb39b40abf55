"""Window generators: the line buffer in front of convolutions, depthwise products and pools.

Invariant: a generator has no folding of its own. The operation behind it says how many channels
and taps it wants at once, and how many windows side by side; `window_folding` is the one place
where that is decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from bitmason.backends.design import Layer, Port, Prices, Resources
from bitmason.backends.layers.bitserial import BitSerialView
from bitmason.backends.layers.memory import STYLES, ram
from bitmason.backends.layers.registry import Site, check_name, divisors
from bitmason.backends.timing.window import Geometry, window_period
from bitmason.ir.constant import Const
from bitmason.ir.graph import Folding, Node, Op
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.pooling import Pool
from bitmason.ir.ops.windows import Windows
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.types import IntArray

# Measured with yosys synth_xilinx -family xc7.
_SERIAL_CONTROL = Resources(lut=75, ff=60)
_PARALLEL_CONTROL = Resources(lut=28, ff=50)


@dataclass(frozen=True)
class WindowView:
    """The numbers of one window generator.

    A serial one reads one word of `per_word` channels of one pixel a cycle from a ring buffer of
    `depth` pixels, in the order block, tap, word of a block. A parallel one takes `lanes_in`
    pixels a beat and hands on all taps of `lanes_out` windows at once.
    """

    parallel: bool
    geometry: Geometry
    per_word: int
    elem_bits: int
    depth: int = 0
    memory: str = ""
    lanes_in: int = 1
    lanes_out: int = 1


def window_lanes(site: Site) -> list[int]:
    """Return the numbers of windows above 1 that a generator can make side by side."""
    assert site.window is not None and site.image is not None
    width, across = site.image.shape[1], site.window.stride[1]
    columns = site.node.type.shape[1]
    return [m for m in divisors(columns) if m > 1 and width % (m * across) == 0]


def is_parallel(window: Windows, channels: int, consumer: Op, folding: Folding) -> bool:
    """Return whether the consumer's folding takes all taps of a window at once."""
    if folding.mmv > 1:
        return True
    if isinstance(consumer, Dense | XnorPopcount):
        return (channels // consumer.groups) % folding.simd != 0
    return folding.simd == window.taps and window.taps > 1


def window_folding(window: Windows, channels: int, consumer: Op, folding: Folding) -> Folding:
    """Return the folding of the generator: channels a word, taps a beat, windows side by side."""
    parallel = is_parallel(window, channels, consumer, folding)
    taps = window.taps if parallel else 1
    grouped = isinstance(consumer, Dense | XnorPopcount)
    per_word = folding.simd // taps if grouped else folding.pe
    return Folding(per_word, taps, mmv=folding.mmv)


def taken_by(consumer: Layer) -> Folding:
    """Return the folding of a layer as its input sees it: `simd` elements of a lane per beat.

    A bit-serial product gathers several beats before it meets them with weights.
    """
    if isinstance(consumer.view, BitSerialView) and not consumer.view.depthwise:
        return replace(consumer.folding, simd=consumer.view.take)
    return consumer.folding


def block_of(window: Windows, channels: int, consumer: Op, folding: Folding) -> int:
    """Return the channels that stay together in the windows which a folding asks for."""
    own = window_folding(window, channels, consumer, folding)
    if isinstance(consumer, Dense | XnorPopcount) and own.simd == 1:
        return channels // consumer.groups
    return own.pe


def reblocked(op: Op, old: int, new: int, taps: int) -> Op:
    """Return the operation behind windows, for windows in blocks of `new` channels."""
    match op:
        case Dense() | XnorPopcount() if old != new:
            return replace(op, weights=Const(_moved(op.weights.array, old, new, taps)))
        case Depthwise() | Pool():
            return replace(op, block=new)
    return op


def _moved(weights: IntArray, old: int, new: int, taps: int) -> IntArray:
    """Return the columns of `weights` in the order of another block."""
    rows, columns = weights.shape
    channels = columns // taps
    by_tap = weights.reshape(rows, channels // old, taps, old).transpose(0, 2, 1, 3)
    plain = by_tap.reshape(rows, taps, channels // new, new)
    return np.ascontiguousarray(plain.transpose(0, 2, 1, 3)).reshape(rows, columns)


def plan_windows(site: Site, node: Node, consumer: Layer, wanted: int) -> Layer:
    """Return the generator for the layer behind it.

    Args:
        site: that of the operation which reads the windows.
        node: the `windows` operation.
        consumer: the layer of that site.
        wanted: cycles between frames that the generator may take; where the smallest line buffer
            is too slow for that, a larger one is used. In front of a layer with knobs it never
            makes the layer wait, whatever the others may be set to.
    """
    window, image, op = site.window, site.image, site.node.op
    assert window is not None and image is not None
    channels = image.shape[2]
    own = window_folding(window, channels, op, taken_by(consumer))
    asked = node.folding.memory if node.folding else ""
    check_name("memory", asked, STYLES, node)
    grouped = isinstance(op, Dense | XnorPopcount)
    groups = op.groups if isinstance(op, Dense | XnorPopcount) else channels // own.pe
    lanes_in = own.mmv * window.stride[1] if own.mmv > 1 else 1
    blocks = groups if grouped or own.simd == 1 else 1
    geometry = Geometry(
        image.shape[0],
        image.shape[1],
        window.kernel,
        window.stride,
        window.dilation,
        blocks,
        channels // own.pe // blocks,
    )
    view = WindowView(
        parallel=own.simd > 1 or own.mmv > 1,
        geometry=geometry,
        per_word=own.pe,
        elem_bits=image.int_elem.bits,
        lanes_in=lanes_in,
        lanes_out=own.mmv,
    )
    busy = consumer.cycles // prod(knob.maximum for knob in consumer.knobs)
    pace = busy if consumer.knobs else max(wanted, busy)
    view, cycles, cost = _sized(view, busy, pace, asked, site.prices)
    elem = image.int_elem
    per_beat = own.pe * (window.taps if view.parallel else 1) * own.mmv
    return Layer(
        name=node.name,
        op=window.name,
        engine="parallel" if view.parallel else "serial",
        loc=node.loc,
        folding=replace(own, engine="parallel" if view.parallel else "serial", memory=view.memory),
        sources=(Port(elem, image.size, own.pe * lanes_in, lanes_in),),
        sinks=(Port(elem, node.type.size, per_beat, own.mmv),),
        cycles=cycles,
        resources=cost,
        view=view,
    )


def _sized(
    view: WindowView, busy: int, wanted: int, asked: str, prices: Prices
) -> tuple[WindowView, int, Resources]:
    """Return the view with its memory, and its cycles and cost.

    The smallest ring buffer lets its reader wait, between two frames, until the first windows of
    the next one have come, at the pace of the whole design. It is enough where the reader, which
    is `busy` for so many cycles a frame, has the time to wait.
    """
    geometry = view.geometry
    (kh, kw), (dh, dw) = geometry.kernel, geometry.dilation
    bits, folds = view.per_word * view.elem_bits, geometry.folds
    if view.parallel:
        beats = geometry.height * geometry.width * folds // view.lanes_in
        # One memory holds all lines but the last; the taps of the window stand in registers.
        line = max(1, dh * geometry.width * folds // view.lanes_in)
        memory, cost = ram(line, (kh - 1) * bits * view.lanes_in, asked, prices)
        taps = kh * (kw - 1) * dw * bits
        stage = view.lanes_out * kh * kw * bits  # the output register
        in_luts = taps * -(-folds // 32) if folds > 2 else 0
        in_ffs = 0 if in_luts else taps * folds
        cost += _PARALLEL_CONTROL + Resources(lut=in_luts, ff=in_ffs + stage)
        return replace(view, depth=line, memory=memory), beats, cost
    least, most = _depths(geometry)
    waits = wanted * least // (geometry.height * geometry.width)
    depth = least if busy + waits <= wanted and window_period(geometry, least) <= wanted else most
    cycles = window_period(geometry, depth)
    memory, stored = ram(depth * folds, bits, asked, prices)
    return replace(view, depth=depth, memory=memory), cycles, _SERIAL_CONTROL + stored


def _depths(geometry: Geometry) -> tuple[int, int]:
    """Return the pixels of the smallest ring buffer and of one that never makes anybody wait."""
    (kh, kw), (sh, sw), (dh, dw) = geometry.kernel, geometry.stride, geometry.dilation
    rows, columns = geometry.positions
    height, width = geometry.height, geometry.width
    span = (kh - 1) * dh * width + (kw - 1) * dw + 1
    to_next_row = sh * width - (columns - 1) * sw
    to_next_frame = height * width - (rows - 1) * sh * width - (columns - 1) * sw
    jump = max(sw, to_next_row if rows > 1 else 0, to_next_frame)
    return span, min(span + jump, 2 * height * width)
