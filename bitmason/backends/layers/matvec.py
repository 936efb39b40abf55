"""Matrix-vector products: `PE` outputs x `SIMD` inputs per cycle, weights in read-only memory.

A product may be built in several ways; each folding that a planner offers names its engine.

Invariant: the input of a product that a `windows` operation feeds is folded as `windows.py` says,
so that both ends of the stream between them agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, log2
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.bitserial import (
    BitSerialView,
    bitserial_simds,
    plan_bitserial,
    planes_kept,
    smallest_take,
)
from bitmason.backends.layers.engines import (
    BITSERIAL,
    MINIFLOAT,
    RAS,
    engines_of,
    is_reducible,
    popcount,
)
from bitmason.backends.layers.expand import expander_luts
from bitmason.backends.layers.memory import STYLES, lut_ram, rom
from bitmason.backends.layers.multiplier import MULTIPLIERS, multiplier_luts, takes_dsp
from bitmason.backends.layers.ras.forms import plan_ras, ras_foldings, sketch_ras
from bitmason.backends.layers.registry import (
    Planner,
    Site,
    check_among,
    check_divides,
    check_name,
    divisors,
)
from bitmason.backends.layers.windows import window_lanes
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.graph import Folding, Node
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.types import Bipolar, Int, IntType

# Measured with yosys synth_xilinx -family xc7 (benchmarks/layer_area.py).
_LEVEL_NS = 1.0
_EXPANDING_LEVELS = 2
_CONTROL = Resources(lut=25, ff=30)


@dataclass(frozen=True)
class MatVecView:
    """The numbers of one matrix-vector unit.

    `dot` is the way its dot products are built: `xnor` counts agreeing bits, `select` adds the
    activations that +1 weights select (binary weights), `parallel` multiplies. `rows` and
    `columns` are those of one of the `groups`; `lanes` vectors share the weights.
    Elements of type `x` arrive and `factor` is what is multiplied: its numbers, where they are
    `ranks`. Weights of type `w` are kept as numbers of the format `codes`, if there is one.
    """

    rows: int
    columns: int
    pe: int
    simd: int
    dot: str
    dsp: bool
    x: IntType
    w: IntType
    acc_bits: int
    stages: int
    memory: str
    target: str
    factor: IntType
    groups: int = 1
    lanes: int = 1
    ranks: CustomFloat | None = None
    codes: CustomFloat | None = None

    @property
    def stored_bits(self) -> int:
        """Bits of a weight in the memory."""
        return self.codes.bits if self.codes else self.w.bits

    @property
    def row_folds(self) -> int:
        """Groups of PE rows (neuron folds)."""
        return self.rows // self.pe

    @property
    def column_folds(self) -> int:
        """Groups of SIMD columns (synapse folds)."""
        return self.columns // self.simd


class MatVec(Planner):
    """Plans `Dense` and `XnorPopcount`."""

    ops: ClassVar = (Dense, XnorPopcount)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Dense | XnorPopcount)
        rows, columns = op.weights.shape[0] // op.groups, op.weights.shape[1]
        engine = _engine(site, folding)
        if engine == RAS:
            return plan_ras(site, folding, simds(site, folding.mmv))
        check_divides("pe", folding.pe, rows, "outputs", node)
        legal = _legal_simds(site, engine, folding.pe, folding.mmv)
        why = "does not divide the inputs" if site.window is None else _WINDOW_SIMD
        why = _BITSERIAL_SIMD if engine == BITSERIAL else why
        check_among("simd", folding.simd, legal, why, node)
        if engine == BITSERIAL:
            return self._bitserial(site, folding)
        weight = op.stored if isinstance(op, Dense) else Bipolar()
        multipliers = _choose("multipliers", folding.multipliers, MULTIPLIERS, node, optional=True)
        memory = _choose("memory", folding.memory, STYLES, node, optional=True)
        x, ranks = site.elem, None
        factor = x
        if isinstance(op, Dense) and op.ranks is not None:
            ranks, factor = op.ranks, op.factor(site.source).int_elem
        dot = "xnor" if engine == "xnor" else "select" if weight == Bipolar() else "parallel"
        acc_bits = node.type.int_elem.bits
        if dot == "select" and acc_bits == 1:  # doubling the selected sum takes two bits
            dot, weight = "parallel", Int(2)
        codes = op.compressed if engine == MINIFLOAT and isinstance(op, Dense) else None
        folds = (rows // folding.pe) * (columns // folding.simd)
        weight_bits = codes.bits if codes else weight.bits
        word_bits = folding.pe * folding.simd * weight_bits
        memory, stored = rom(op.groups * folds, word_bits, memory, site.prices)
        levels = _EXPANDING_LEVELS if ranks or codes else 0
        view = MatVecView(
            rows, columns, folding.pe, folding.simd, dot, False, x, weight, acc_bits,
            _stages(dot, folding.simd, site.options.clock_mhz, levels), memory,
            site.options.target, factor, op.groups, folding.mmv, ranks, codes,
        )  # fmt: skip
        if dot == "parallel":
            in_blocks = replace(view, dsp=True)
            costs = _compute(view), _compute(in_blocks)
            dsp = takes_dsp(multipliers, (factor, weight), *costs, site.prices)
            view = in_blocks if dsp else view
        vectors = site.source.size // columns
        lanes = folding.mmv
        return Layer(
            name=node.name,
            op=op.name,
            engine=engine,
            loc=node.loc,
            folding=Folding(folding.pe, folding.simd, engine, memory, _multipliers(view), lanes),
            sources=(Port(x, site.source.size, folding.simd * lanes, lanes),),
            sinks=(Port(node.type.int_elem, node.type.size, folding.pe * lanes, lanes),),
            cycles=vectors * folds // lanes,
            resources=_CONTROL
            + stored
            + _expanders(view)
            + sum([_compute(view), _buffer(view)] * lanes, Resources()),
            view=view,
            acc_bits=acc_bits,
            weight_bits=op.groups * rows * columns * weight_bits,
        )

    def _bitserial(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Dense | XnorPopcount)
        check_name("memory", folding.memory, STYLES, node)
        rows, columns = op.weights.shape[0] // op.groups, op.weights.shape[1]
        knobs, weight = is_reducible(op), _planes_of(op, node.type.int_elem)
        takes, row_folds = simds(site, folding.mmv), rows // folding.pe
        take = smallest_take(folding.simd, takes, row_folds, 1 if knobs else weight.bits)
        assert take is not None, "the SIMD was checked"
        product = "xnor" if isinstance(op, XnorPopcount) else "and"
        view = BitSerialView(
            product="select" if product == "and" and weight == Bipolar() else product,
            rows=rows,
            columns=columns,
            groups=op.groups,
            vectors=site.source.size // columns // folding.mmv,
            lanes=folding.mmv,
            pe=folding.pe,
            simd=folding.simd,
            take=take,
            depthwise=False,
            x=site.elem,
            w=weight,
            acc_bits=node.type.int_elem.bits,
            stages=_stages("bits", folding.simd, site.options.clock_mhz),
            memory="",
            target=site.options.target,
            planes=planes_kept(op, weight, site.elem),
            knobs=knobs,
        )
        return plan_bitserial(site, folding, view)

    def sketch(self, site: Site, folding: Folding) -> Layer | None:
        if _engine(site, folding) != RAS:
            return None
        return sketch_ras(site, folding, simds(site, folding.mmv))

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        op = site.node.op
        assert isinstance(op, Dense | XnorPopcount)
        rows = op.weights.shape[0] // op.groups
        for mmv in mmvs(site):
            for engine in engines_of(op):
                if engine == RAS:
                    yield from ras_foldings(site, simds(site, mmv), mmv)
                    continue
                for pe in divisors(rows):
                    for simd in _legal_simds(site, engine, pe, mmv):
                        yield Folding(pe, simd, engine, mmv=mmv)


_BITSERIAL_SIMD = "does not divide the inputs, or they would arrive too slowly for it,"
_WINDOW_SIMD = "is neither a part of a pixel's channels nor a part of them in every tap"


def simds(site: Site, mmv: int) -> list[int]:
    """Return the legal SIMD of a product.

    Behind windows, that is some channels of one pixel, or the same channels of all pixels that
    the kernel covers; several pixels side by side need the latter.
    """
    op = site.node.op
    assert isinstance(op, Dense | XnorPopcount)
    columns = op.weights.shape[1]
    if site.window is None:
        return divisors(columns)
    taps = site.window.taps
    channels = columns // taps
    serial = divisors(channels) if mmv == 1 else []
    parallel = [taps * d for d in divisors(channels)] if op.groups == 1 else []
    return sorted({*serial, *parallel})


def mmvs(site: Site) -> list[int]:
    """Return how many pixels a product can work on side by side."""
    op = site.node.op
    assert isinstance(op, Dense | XnorPopcount)
    if site.window is not None:
        return [1, *window_lanes(site)] if op.groups == 1 else [1]
    pixels = site.source.size // site.source.shape[-1]
    return divisors(pixels) if op.groups == 1 else [1]


def _engine(site: Site, folding: Folding) -> str:
    """Return the engine of a folding, if product and pixels allow it."""
    engine = _choose("engine", folding.engine, engines_of(site.node.op), site.node)
    check_among("mmv", folding.mmv, mmvs(site), "does not fit the rows of pixels", site.node)
    return engine


def _legal_simds(site: Site, engine: str, pe: int, mmv: int) -> list[int]:
    op, takes = site.node.op, simds(site, mmv)
    if engine != BITSERIAL:
        return takes
    assert isinstance(op, Dense | XnorPopcount)
    rows, columns = op.weights.shape[0] // op.groups, op.weights.shape[1]
    planes = 1 if is_reducible(op) else _planes_of(op, site.node.type.int_elem).bits
    return list(bitserial_simds(columns, takes, rows // pe, planes))


def _planes_of(op: Dense | XnorPopcount, result: IntType) -> IntType:
    """Return the type whose planes the memory of a bit-serial unit holds."""
    if isinstance(op, XnorPopcount):
        return Bipolar()
    # Doubling a selected sum takes two bits.
    return Int(2) if op.stored == Bipolar() and result.bits == 1 else op.stored


def _multipliers(view: MatVecView) -> str:
    return "dsp" if view.dsp else "lut" if view.dot == "parallel" else ""


def _choose(
    key: str, wanted: str, legal: tuple[str, ...], node: Node, *, optional: bool = False
) -> str:
    check_name(key, wanted, legal, node)
    return wanted if wanted or optional else legal[0]


def _stages(dot: str, simd: int, clock_mhz: float, before: int = 0) -> int:
    """Return the registers inside a dot product that keep its logic within the clock period.

    `before` are levels of logic between the operands' registers and the product.
    """
    levels = ceil(log2(simd)) + (2 if dot == "parallel" else 1) if simd > 1 else 1
    levels += before
    per_stage = max(1, int(1000 / clock_mhz / _LEVEL_NS) - 1)
    return (levels - 1) // per_stage


def _compute(view: MatVecView) -> Resources:
    pe, simd, acc = view.pe, view.simd, view.acc_bits
    a, w = view.factor.bits, view.w.bits
    accumulate = Resources(lut=pe * acc if view.column_folds > 1 else 0, ff=2 * pe * acc)
    if view.dot == "xnor":
        return sum([popcount(simd, view.target, view.stages)] * pe, accumulate)
    if view.dot == "select":
        shared = simd * a + acc
        return accumulate + Resources(lut=ceil(pe * (simd * (2 * a + 0.5) + acc) + shared))
    if view.dsp:
        return accumulate + Resources(lut=pe * (simd - 1) * (a + w), dsp=pe * simd)
    # The adder tree and the factor are FINN-R's too (arXiv 1809.04570).
    tree = (w + a) * (2 * simd - 1)
    return accumulate + Resources(lut=ceil(1.1 * pe * (simd * multiplier_luts(w, a) + tree)))


def _expanders(view: MatVecView) -> Resources:
    """Return the cost of what turns ranks and codes into numbers next to the products."""
    inputs = view.lanes * view.simd * (expander_luts(view.ranks, view.x) if view.ranks else 0)
    weight = expander_luts(view.codes, view.w, code=True) if view.codes else 0
    return Resources(lut=inputs + view.pe * view.simd * weight)


def _buffer(view: MatVecView) -> Resources:
    bits = view.simd * view.x.bits
    if view.row_folds == 1:
        return Resources(lut=bits, ff=2 * bits)
    return Resources(lut=lut_ram(2 * view.column_folds, bits), ff=bits)
