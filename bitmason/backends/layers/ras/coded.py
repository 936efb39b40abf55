"""Reduce-and-Scale from coded weights: one addition a cycle, decoded anew for each vector.

Invariant: the memory holds the coded stream and nothing else (see `streams`). A step decodes a
symbol, so zeros cost no more than they do in the stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.engines import RAS, is_offered
from bitmason.backends.layers.memory import ram, rom
from bitmason.backends.layers.ras.lists import index_bits, signed_bits
from bitmason.backends.layers.ras.streams import (
    LINE_BITS,
    Streams,
    code_streams,
    dense_bits,
)
from bitmason.backends.layers.registry import Site
from bitmason.backends.layers.windows import reblocked
from bitmason.diagnostics import fail
from bitmason.ir.codebook import codebook_of
from bitmason.ir.constant import Const
from bitmason.ir.graph import Folding
from bitmason.ir.ops.dense import Dense
from bitmason.ir.types import IntType

CODED = "coded"  # the name of this form among memories
DEPTH = 3  # registers from a step to the output
START = 4  # the first cycle behind reset with a step

# Numbers here and below are fitted to units as yosys synth_xilinx -family xc7 maps them.
_LUT_PER_CHOSEN, _LUT_PER_PRODUCT = 0.8, 1.2  # and pair of bits


@dataclass(frozen=True)
class CodedView:
    """The numbers of one unit that decodes its weights.

    `lanes` vectors meet each of `groups` matrices, whose streams take `words` words of memory.
    `steps` tells of each step what it does (see `Streams`), one matrix after the other.
    """

    rows: int
    columns: int
    groups: int
    lanes: int
    x: IntType
    acc_bits: int
    values: tuple[int, ...]
    symbols: int
    lengths: tuple[int, ...]
    words: int
    steps: bytes
    memory: str
    vectors_memory: str

    @property
    def value_bits(self) -> int:
        """Bits of a weight."""
        return signed_bits(self.values)


def coded_foldings(site: Site, mmv: int) -> Iterator[Folding]:
    """Yield the only folding of this form, where it takes less memory than weights as they are."""
    if not is_offered(site.node.op, RAS) or (site.window is not None and mmv > 1):
        return
    op = _in_order(site)
    if streams_of(op.weights, op.groups).bits < dense_bits(op.weights.int64()):
        yield Folding(1, 1, RAS, CODED, mmv=mmv)


@lru_cache(maxsize=64)
def streams_of(weights: Const, groups: int) -> Streams:
    """Return the streams of a matrix, made once for all who ask."""
    book = codebook_of(weights.int64())
    assert book is not None, "the engine was checked"
    return code_streams(book.codes.reshape(groups, -1, weights.shape[1]), len(book.values))


def plan_coded(site: Site, folding: Folding) -> Layer:
    """Return the layer of a unit; of what `folding` says, only pixels side by side matter to it.

    Raises:
        CompileError: B001 where the weights as they are take less memory.
    """
    node, op = site.node, _in_order(site)
    assert op.codebook is not None, "the engine was checked"
    streams, as_they_are = streams_of(op.weights, op.groups), dense_bits(op.weights.int64())
    if streams.bits >= as_they_are:
        fail(
            "B001",
            "memory = 'coded' would take more memory than the weights of this layer as they are",
            loc=node.loc,
            notes=[f"{streams.bits:,} bits in place of {as_they_are:,}"],
            help="leave memory out, or use another engine",
        )
    columns, lanes = op.weights.shape[1], folding.mmv if site.window is None else 1
    memory, stored = rom(len(streams.lines), LINE_BITS, "", site.prices)
    held = 2 << index_bits(columns)
    vectors_memory, vectors = ram(held, lanes * site.elem.bits, "", site.prices)
    view = CodedView(
        rows=op.weights.shape[0] // op.groups,
        columns=columns,
        groups=op.groups,
        lanes=lanes,
        x=site.elem,
        acc_bits=node.type.int_elem.bits,
        values=op.codebook.values,
        symbols=streams.symbols,
        lengths=streams.lengths,
        words=len(streams.lines),
        steps=b"".join(streams.steps),
        memory=memory,
        vectors_memory=vectors_memory,
    )
    rounds = site.source.size // columns // lanes // op.groups
    cycles = sum(max(len(steps), columns) for steps in streams.steps)
    return Layer(
        name=node.name,
        op=op.name,
        engine=RAS,
        loc=node.loc,
        folding=Folding(1, 1, RAS, CODED, "lut", mmv=lanes),
        sources=(Port(site.elem, site.source.size, lanes, lanes),),
        sinks=(Port(node.type.int_elem, node.type.size, lanes, lanes),),
        cycles=rounds * cycles,
        resources=sum([_lane(view)] * lanes, stored + vectors + _decoder(view)),
        view=view,
        acc_bits=view.acc_bits,
        weight_bits=streams.bits,
    )


def _in_order(site: Site) -> Dense:
    """Return the product with its weights in the order in which single elements arrive."""
    op = site.node.op
    assert isinstance(op, Dense)
    if site.window is not None:
        taps = site.window.taps
        op = reblocked(op, site.window.block, op.weights.shape[1] // taps, taps)
    assert isinstance(op, Dense)
    return op


def _decoder(view: CodedView) -> Resources:
    """Return the cost of what reads symbols, and counts rows and columns."""
    column, row = index_bits(view.columns), index_bits(view.rows)
    blocks = rom(view.words, LINE_BITS, view.memory)[1].bram18
    joined = LINE_BITS * max(0, blocks - 1) // 3
    symbols = 6 * max(view.lengths) + view.symbols // 2
    return Resources(lut=15 + symbols + 9 * column + joined, ff=62 + 4 * column + 2 * row)


def _lane(view: CodedView) -> Resources:
    """Return the cost of one vector's product and sum."""
    x, value = view.x.bits, view.value_bits
    product = ceil(x * value * (_LUT_PER_CHOSEN if len(view.values) <= 2 else _LUT_PER_PRODUCT))
    return Resources(lut=product + view.acc_bits, ff=x + value + view.acc_bits)
