"""Bit-serial products: `PE` x `SIMD` products of bits per cycle, one pair of planes at a time.

Invariant: with w planes of the weights and a of the activations a layer takes w * a times the
cycles of a binary one, exactly (Umuroglu et al., BISMO, 2018; Schindler, equation 4.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from bitmason.backends.design import Knob, Layer, Port, Resources
from bitmason.backends.layers.engines import BITSERIAL
from bitmason.backends.layers.memory import lut_ram, rom
from bitmason.backends.layers.registry import Site, divisors
from bitmason.ir.graph import Folding, Op
from bitmason.ir.types import IntType, UInt

# Measured with yosys synth_xilinx -family xc7 (benchmarks/bitserial_area.py).
_LUT_PER_BIT = {"generic": 1.7, "xilinx": 0.98}
_CONTROL = Resources(lut=90, ff=70)


@dataclass(frozen=True)
class BitSerialView:
    """The numbers of one bit-serial unit.

    `product` is what becomes of two bits: `and` for planes of numbers, `select` where the weights
    are -1 and 1, `xnor` where the inputs are too. `rows` and `columns` are those of one of the
    `groups`, which follow each other; `lanes` vectors share the weights. A `depthwise` unit has
    inputs of their own for each PE. `take` elements of a lane arrive per beat, `vectors` of them
    make a frame. `planes` are those of weights and inputs that count; they may be fewer than there
    are where the layer has `knobs`.
    """

    product: str
    rows: int
    columns: int
    groups: int
    vectors: int
    lanes: int
    pe: int
    simd: int
    take: int
    depthwise: bool
    x: IntType
    w: IntType
    acc_bits: int
    stages: int
    memory: str
    target: str
    planes: tuple[int, int]
    knobs: bool

    @property
    def row_folds(self) -> int:
        """Groups of PE rows (neuron folds)."""
        return self.rows // self.pe

    @property
    def column_folds(self) -> int:
        """Groups of SIMD columns (synapse folds)."""
        return self.columns // self.simd

    @property
    def words(self) -> int:
        """Words of the weight memory: one for each fold and plane."""
        return self.groups * self.row_folds * self.w.bits * self.column_folds

    @property
    def word_elements(self) -> int:
        """Inputs of a lane that meet one word of weights."""
        return self.simd * self.pe if self.depthwise else self.simd

    @property
    def passes(self) -> int:
        """How often the planes of a vector are read."""
        return self.row_folds * self.planes[0] * self.planes[1]

    @property
    def cycles(self) -> int:
        """Cycles between frames."""
        return self.vectors * self.passes * self.column_folds

    @property
    def knob_bits(self) -> int:
        """Bits of one knob."""
        return max(self.w.bits, self.x.bits).bit_length()

    @property
    def knob_port(self) -> Port:
        """The planes that count in a frame: those of the weights, then those of the inputs."""
        return Port(UInt(self.knob_bits), 2, 2)


def planes_kept(op: Op, w: IntType, x: IntType) -> tuple[int, int]:
    """Return the planes of weights and inputs that count."""
    weights, inputs = getattr(op, "cleared", ()) or (0, 0)
    return w.bits - weights, x.bits - inputs


def smallest_take(simd: int, takes: list[int], rows: int, planes: int) -> int | None:
    """Return the fewest elements per beat that keep a unit of `rows` row folds busy, or None.

    A vector arrives in its beats while the one before meets all rows with as few as `planes` planes
    of weights; planes of the inputs slow both down alike.
    """
    enough = (t for t in takes if simd % t == 0 and t * rows * planes >= simd)
    return min(enough, default=None)


def bitserial_simds(columns: int, takes: list[int], rows: int, planes: int) -> Iterator[int]:
    """Yield the legal SIMD of a unit whose stream may have `takes` elements per beat."""
    for simd in divisors(columns):
        if smallest_take(simd, takes, rows, planes) is not None:
            yield simd


def plan_bitserial(site: Site, folding: Folding, view: BitSerialView) -> Layer:
    """Return the layer of a unit, which still has to be given its memory."""
    memory, stored = rom(view.words, view.pe * view.simd, folding.memory, site.prices)
    node, lanes = site.node, view.lanes
    knobs = tuple(
        Knob(node.name, name, elem.bits, view.knob_bits)
        for name, elem in (("wbits", view.w), ("abits", view.x))
        if view.knobs
    )
    source = Port(view.x, site.source.size, view.take * lanes, lanes)
    return Layer(
        name=node.name,
        op=node.op.name,
        engine=BITSERIAL,
        loc=node.loc,
        folding=Folding(view.pe, view.simd, BITSERIAL, memory, mmv=lanes),
        sources=(source, view.knob_port) if view.knobs else (source,),
        sinks=(Port(node.type.int_elem, node.type.size, view.pe * lanes, lanes),),
        cycles=view.cycles,
        resources=_CONTROL + stored + _planes(view) + _compute(view),
        view=replace(view, memory=memory),
        acc_bits=view.acc_bits,
        weight_bits=view.words * view.pe * view.simd,
        knobs=knobs,
    )


def _planes(view: BitSerialView) -> Resources:
    """Return the cost of turning vectors into planes and of keeping two of them."""
    taken, word = view.lanes * view.take, view.lanes * view.word_elements
    words = 2 * view.x.bits * view.column_folds
    return Resources(lut=taken * view.x.bits + lut_ram(words, word), ff=taken * view.x.bits + word)


def _compute(view: BitSerialView) -> Resources:
    """Return the cost of counting, accumulating and shifting, for all PE and lanes."""
    units, acc = view.pe * view.lanes, view.acc_bits
    first = view.columns.bit_length() if view.column_folds > 1 else 0
    count = ceil(view.simd * _LUT_PER_BIT[view.target])
    shift = 2 * acc if view.knobs else 0
    totals = 0 if view.product != "select" else units if view.depthwise else view.lanes
    lut = units * (count + first + 2 * acc + shift) + totals * (count + 2 * acc)
    return Resources(lut=lut, ff=(units + totals) * (first + 2 * acc))
