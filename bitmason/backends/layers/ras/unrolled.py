"""Reduce-and-Scale, unrolled: every sum of the matrix at once, in adders made for its weights.

Invariant: nothing is stored. A weight is the place of an adder, a zero is none; sums that rows have
in common are added once, so what a layer costs is known only once its adders have been found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.engines import RAS
from bitmason.backends.layers.memory import STYLES
from bitmason.backends.layers.ras.adder_graph import AdderGraph, adder_graph, pipeline
from bitmason.backends.layers.registry import Site
from bitmason.backends.layers.windows import reblocked
from bitmason.diagnostics import fail
from bitmason.ir.codebook import codebook_of
from bitmason.ir.constant import Const
from bitmason.ir.graph import Folding
from bitmason.ir.ops.dense import Dense
from bitmason.ir.types import IntType

# The adders of so many weights are found in two seconds and take 40,000 to 80,000 LUTs.
MOST_WEIGHTS = 16384
# Measured with yosys synth_xilinx -family xc7 (benchmarks/adder_area.py).
_LEVEL_NS = 1.0
_SAVED_BITS = 0.75  # of each adder, at its ends
# Of random weights, half of them or more zero, no fewer adders were found for each of the others.
_LEAST_ADDERS = 0.35
_CONTROL = Resources(lut=3)


@dataclass(frozen=True)
class UnrolledView:
    """The numbers of one set of adders: `lanes` vectors side by side meet `adders` each.

    At most `between` adders follow one another from one register to the next, of which there are
    `stages`.
    """

    rows: int
    columns: int
    lanes: int
    x: IntType
    acc_bits: int
    between: int
    stages: int
    adders: int


@dataclass(frozen=True)
class _Extent:
    """What a layer's size depends on: its adders, their bits, and those of its registers."""

    adders: int
    stages: int
    adder_bits: int
    register_bits: int


def is_unrolled(site: Site, folding: Folding) -> bool:
    """Return whether a folding is that of all products at once."""
    op = site.node.op
    assert isinstance(op, Dense)
    in_lists = folding.memory not in {"", *STYLES}  # one of another form
    return op.groups == 1 and (folding.pe, folding.simd) == op.weights.shape and not in_lists


def unrolled_foldings(site: Site, mmv: int) -> Iterator[Folding]:
    """Yield the only folding of this form, where the matrix is not too large for it."""
    op = site.node.op
    assert isinstance(op, Dense)
    if op.groups == 1 and _weights(op) <= MOST_WEIGHTS:
        rows, columns = op.weights.shape
        yield Folding(rows, columns, RAS, mmv=mmv)


def plan_unrolled(site: Site, folding: Folding) -> Layer:
    """Return the layer of a matrix in adders.

    Raises:
        CompileError: B001 for a matrix that is too large.
    """
    _check(site, folding)
    return _layer(site, folding, _extent(_matrix(site), site.elem, _between(site)))


def sketch_unrolled(site: Site, folding: Folding) -> Layer:
    """Return about what `plan_unrolled` does, a little too good, and quickly.

    Raises:
        CompileError: as `plan_unrolled` does.
    """
    op = _check(site, folding)
    adders = ceil(_LEAST_ADDERS * _weights(op))
    return _layer(site, folding, _Extent(adders, 1, adders * (site.elem.bits + 2), 0))


@lru_cache(maxsize=4)
def adders_of(weights: Const, x: IntType) -> AdderGraph:
    """Return the adders of a matrix, made once for all who ask."""
    book = codebook_of(weights.int64())
    assert book is not None, "the engine was checked"
    return adder_graph(book, x)


@lru_cache(maxsize=1024)
def _extent(weights: Const, x: IntType, between: int) -> _Extent:
    graph = adders_of(weights, x)
    pipe = pipeline(graph, between)
    bits = graph.adder_bits, pipe.register_bits(graph)
    return _Extent(len(graph.adders), pipe.stages, *bits)


def _check(site: Site, folding: Folding) -> Dense:
    """Return the product if it may be unrolled."""
    node, op = site.node, site.node.op
    assert isinstance(op, Dense)
    if (weights := _weights(op)) > MOST_WEIGHTS:
        fail(
            "B001",
            f"pe = {folding.pe} and simd = {folding.simd} make adders of {weights:,} weights",
            loc=node.loc,
            notes=[f"they may be {MOST_WEIGHTS:,} at most; those that are zero do not count"],
            help="use a smaller pe or simd, for lists in memory",
        )
    return op


def _weights(op: Dense) -> int:
    """Return how many weights are not zero."""
    assert op.codebook is not None, "the engine was checked"
    return op.codebook.non_zeros


def _matrix(site: Site) -> Const:
    """Return the weights in the order in which all taps of a window arrive at once."""
    op = site.node.op
    assert isinstance(op, Dense)
    if site.window is None:
        return op.weights
    channels = op.weights.shape[1] // site.window.taps
    in_order = reblocked(op, site.window.block, channels, site.window.taps)
    assert isinstance(in_order, Dense)
    return in_order.weights


def _between(site: Site) -> int:
    """Return the adders, one after the other, that fit the clock period."""
    return max(1, int(1000 / site.options.clock_mhz / _LEVEL_NS) - 1)


def _layer(site: Site, folding: Folding, extent: _Extent) -> Layer:
    node, op, lanes = site.node, site.node.op, folding.mmv
    assert isinstance(op, Dense)
    rows, columns = op.weights.shape
    view = UnrolledView(
        rows=rows,
        columns=columns,
        lanes=lanes,
        x=site.elem,
        acc_bits=node.type.int_elem.bits,
        between=_between(site),
        stages=extent.stages,
        adders=extent.adders,
    )
    return Layer(
        name=node.name,
        op=op.name,
        engine=RAS,
        loc=node.loc,
        folding=Folding(rows, columns, RAS, mmv=lanes),
        sources=(Port(site.elem, site.source.size, columns * lanes, lanes),),
        sinks=(Port(node.type.int_elem, node.type.size, rows * lanes, lanes),),
        cycles=site.source.size // columns // lanes,
        resources=sum([_lane(extent)] * lanes, _CONTROL + Resources(ff=extent.stages)),
        view=view,
        acc_bits=view.acc_bits,
    )


def _lane(extent: _Extent) -> Resources:
    """Return the cost of one vector's adders."""
    lut = ceil(extent.adder_bits - _SAVED_BITS * extent.adders)
    return Resources(lut=lut, ff=extent.register_bits)
