"""Bit-serial products: `PE` x `SIMD` products of bits per cycle, one pair of planes at a time.

Invariant: with w planes of the weights and a of the activations a layer takes w * a times the
cycles of a binary one, exactly (Umuroglu et al., BISMO, 2018; Schindler, equation 4.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from bitmason.backends.design import Knob, Layer, Port, Resources
from bitmason.backends.layers.engines import BITSERIAL, popcount
from bitmason.backends.layers.memory import ram, rom
from bitmason.backends.layers.registry import Site, divisors
from bitmason.ir.graph import Folding, Op
from bitmason.ir.types import IntType, UInt

# Numbers here and below are fitted to units as yosys synth_xilinx -family xc7 maps them.
_LUT_PER_SELECTION = (0, 1, 1, 1, 2, 2.5, 3, 3)  # of one bit among so many
_SHORT_SHIFT = 5  # bits of weights and inputs together, up to which pairs alone are shifted


@dataclass(frozen=True)
class BitSerialView:
    """The numbers of one bit-serial unit.

    `product` is what becomes of two bits: `and` for planes of numbers, `select` where the weights
    are -1 and 1, `xnor` where the inputs are too. `rows` and `columns` are those of one of the
    `groups`, which follow each other; `lanes` vectors share the weights. A `depthwise` unit has
    inputs of their own for each PE. `take` elements of a lane arrive per beat, `vectors` of them
    make a frame. `planes` are those of weights and inputs that count; they may be fewer than there
    are where the layer has `knobs`. Weights lie in `memory`, planes of inputs in `planes_memory`.
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
    planes_memory: str = ""

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
    def gathered(self) -> int:
        """Beats that make one word."""
        return self.word_elements // self.take

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
    buffer, planes = _planes(view)
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
        resources=stored + planes + _control(view) + _compute(view),
        view=replace(view, memory=memory, planes_memory=buffer),
        acc_bits=view.acc_bits,
        weight_bits=view.words * view.pe * view.simd,
        knobs=knobs,
    )


def _control(view: BitSerialView) -> Resources:
    """Return the cost of the counters that walk through planes, folds and rows."""
    planes = _counter(view.w.bits) + _counter(view.x.bits)
    folds, rows, groups = map(_counter, (view.column_folds, view.row_folds, view.groups))
    cost = Resources(
        lut=30 + 8 * planes + 6 * folds + 4 * rows + 2 * groups,
        ff=30 + 6 * planes + 3 * folds + 2 * (rows + groups),
    )
    if view.knobs:  # a counter for the beats of a frame
        frame = _counter(view.vectors * view.column_folds * view.gathered)
        cost += Resources(lut=15 + frame, ff=20 + frame)
    return cost


def _counter(steps: int) -> int:
    return (steps - 1).bit_length()


def _planes(view: BitSerialView) -> tuple[str, Resources]:
    """Return where the planes of two vectors are kept, and what that and making them costs."""
    taken, bits = view.lanes * view.take, view.x.bits
    style, bank = ram(2 * bits * view.column_folds, taken, "")
    select = taken * _LUT_PER_SELECTION[min(bits, len(_LUT_PER_SELECTION)) - 1]
    beat = Resources(lut=ceil(select), ff=taken * bits)
    return style, sum([bank] * view.gathered, beat)


def _compute(view: BitSerialView) -> Resources:
    """Return the cost of counting, summing and shifting, for all PE and lanes."""
    acc, several = view.acc_bits, view.w.bits * view.x.bits > 1
    reach = view.columns if view.column_folds > 1 else view.simd
    pair = reach.bit_length()
    held = pair if view.column_folds > 1 else 0  # the sum of a pair's counts
    subtracts = (view.product == "and" and view.w.signed) or (
        view.product != "xnor" and view.x.signed
    )
    if view.knobs and several:  # counts may be shifted, and complemented, before they are added
        added = pair * (3.2 if subtracts else 1.6)
    else:
        added = pair + 1 if subtracts else 0
    count = popcount(view.simd, view.target, view.stages)
    each = count.lut + held + acc * several + added
    shifted = 0.85 * acc if view.knobs and view.w.bits + view.x.bits > _SHORT_SHIFT else 0
    select = view.product == "select"
    units = view.pe * view.lanes
    totals = 0 if not select else units if view.depthwise else view.lanes
    registers = count.ff + held
    return Resources(
        lut=ceil(units * (each + shifted + acc * select) + totals * each),
        ff=units * (registers + 2 * acc) + totals * (registers + acc),
    )
