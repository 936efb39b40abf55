"""Matrix-vector products: `PE` outputs x `SIMD` inputs per cycle, weights in read-only memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log2
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.memory import STYLES, lut_ram, rom
from bitmason.backends.layers.registry import Options, Planner, check_divides, divisors
from bitmason.diagnostics import did_you_mean, fail
from bitmason.ir.graph import Folding, Node
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.types import Bipolar, Int, IntType, TensorType

MULTIPLIERS = ("lut", "dsp")
# Measured with yosys synth_xilinx -family xc7 (benchmarks/layer_area.py).
_LUT_PER_XNOR_BIT = {"generic": 1.85, "xilinx": 1.45}
_LEVEL_NS = 1.0
_CONTROL = Resources(lut=25, ff=30)


@dataclass(frozen=True)
class MatVecView:
    """The numbers of one matrix-vector unit.

    `dot` is the way its dot products are built: `xnor` counts agreeing bits, `select` adds the
    activations that +1 weights select (binary weights), `parallel` multiplies.
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

    def plan(self, node: Node, source: TensorType, folding: Folding, options: Options) -> Layer:
        op = node.op
        assert isinstance(op, Dense | XnorPopcount)
        rows, columns = op.weights.shape
        check_divides("pe", folding.pe, rows, "outputs", node)
        check_divides("simd", folding.simd, columns, "inputs", node)
        weight = op.stored if isinstance(op, Dense) else Bipolar()
        engine = _choose("engine", folding.engine, _engines(node), node)
        multipliers = _choose("multipliers", folding.multipliers, MULTIPLIERS, node, optional=True)
        memory = _choose("memory", folding.memory, STYLES, node, optional=True)
        x = source.int_elem
        dot = "xnor" if engine == "xnor" else "select" if weight == Bipolar() else "parallel"
        acc_bits = node.type.int_elem.bits
        if dot == "select" and acc_bits == 1:  # doubling the selected sum takes two bits
            dot, weight = "parallel", Int(2)
        wide = dot == "parallel" and weight.bits + x.bits > 10
        dsp = dot == "parallel" and (multipliers == "dsp" or (not multipliers and wide))
        words = (rows // folding.pe) * (columns // folding.simd)
        memory, stored = rom(words, folding.pe * folding.simd * weight.bits, memory)
        view = MatVecView(
            rows, columns, folding.pe, folding.simd, dot, dsp, x, weight, acc_bits,
            _stages(dot, folding.simd, options.clock_mhz), memory, options.target,
        )  # fmt: skip
        vectors = source.size // columns
        return Layer(
            name=node.name,
            op=op.name,
            engine=engine,
            loc=node.loc,
            folding=Folding(folding.pe, folding.simd, engine, memory, _multipliers(dot, dsp=dsp)),
            source=Port(x, source.size, folding.simd),
            sink=Port(node.type.int_elem, node.type.size, folding.pe),
            cycles=vectors * words,
            resources=_CONTROL + stored + _compute(view) + _buffer(view),
            view=view,
            acc_bits=acc_bits,
            weight_bits=rows * columns * weight.bits,
        )

    def foldings(self, node: Node, source: TensorType, arriving: int) -> Iterator[Folding]:
        op = node.op
        assert isinstance(op, Dense | XnorPopcount)
        rows, columns = op.weights.shape
        for pe in divisors(rows):
            for simd in divisors(columns):
                yield Folding(pe, simd)


def _engines(node: Node) -> tuple[str, ...]:
    return ("xnor",) if isinstance(node.op, XnorPopcount) else ("parallel",)


def _multipliers(dot: str, *, dsp: bool) -> str:
    return "dsp" if dsp else "lut" if dot == "parallel" else ""


def _choose(
    key: str, wanted: str, legal: tuple[str, ...], node: Node, *, optional: bool = False
) -> str:
    if wanted in legal or (optional and not wanted):
        return wanted
    if not wanted:
        return legal[0]
    shown = ", ".join(f"'{choice}'" for choice in legal)
    fail(
        "B001",
        f"{key} = '{wanted}' cannot build this layer",
        loc=node.loc,
        notes=[f"possible here: {shown}"],
        help=did_you_mean(wanted, legal) or f"use {key} = '{legal[0]}'",
    )


def _stages(dot: str, simd: int, clock_mhz: float) -> int:
    """Return the registers inside a dot product that keep its logic within the clock period."""
    levels = ceil(log2(simd)) + (2 if dot == "parallel" else 1) if simd > 1 else 1
    per_stage = max(1, int(1000 / clock_mhz / _LEVEL_NS) - 1)
    return (levels - 1) // per_stage


def _compute(view: MatVecView) -> Resources:
    pe, simd, acc = view.pe, view.simd, view.acc_bits
    a, w = view.x.bits, view.w.bits
    accumulate = Resources(lut=pe * acc if view.column_folds > 1 else 0, ff=2 * pe * acc)
    if view.dot == "xnor":
        return accumulate + Resources(lut=ceil(pe * simd * _LUT_PER_XNOR_BIT[view.target]))
    if view.dot == "select":
        shared = simd * a + acc
        return accumulate + Resources(lut=ceil(pe * (simd * (2 * a + 0.5) + acc) + shared))
    if view.dsp:
        return accumulate + Resources(lut=pe * (simd - 1) * (a + w), dsp=pe * simd)
    # FINN-R, equation for the LUT cost of multipliers and adder tree (systems survey 1.1).
    product = simd * (2 * ceil((w + a) / 6) - 1) * (w + a)
    return accumulate + Resources(lut=ceil(1.1 * pe * (product + (w + a) * (2 * simd - 1))))


def _buffer(view: MatVecView) -> Resources:
    bits = view.simd * view.x.bits
    if view.row_folds == 1:
        return Resources(lut=bits, ff=2 * bits)
    return Resources(lut=lut_ram(2 * view.column_folds, bits), ff=bits)
