"""How far the QONNX executor's float32 tensors may lie from exact arithmetic, node by node.

Invariant: a bound is rigorous or absent. The analysis starts afresh behind every quantiser, from
integers that are known exactly; an operator without a rule here leaves its results unbounded, so
nothing that comes after it can be excused by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bitmason.frontend.float_format import FLOAT_QUANTISERS, float_format
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.reference import Context
from bitmason.frontend.rounding_rules import CORRECTLY_ROUNDED, MOVING, rule_of
from bitmason.frontend.running_error import FLOAT32_UNIT, FLOAT64_UNIT, Running
from bitmason.ir.custom_float import NEAREST, CustomFloat
from bitmason.ir.types import Array

QUANTISERS = frozenset(
    {"Quant", "IntQuant", "BipolarQuant", "QuantizeLinear", "Trunc", "MultiThreshold"}
    | FLOAT_QUANTISERS
)
_INPUTS_OF_NEW_TRUNC = 6  # operand, scale, zero point, width, and the result's scale and width
_DEQUANTISING = FLOAT_QUANTISERS | {"Quant", "IntQuant", "BipolarQuant", "DequantizeLinear"}


@dataclass(frozen=True, eq=False)
class Position:
    """Where the operand `source` of a quantiser lies on its grid, zero point excluded."""

    source: str
    levels: Running


class RoundingErrors:
    """The exact value of every tensor of one execution, as far as nodes were stepped through."""

    def __init__(self, context: Context, tensor: str, exact: Array | None = None) -> None:
        """Start at the model's input `tensor`; `context` may be patched between steps.

        Args:
            context: every tensor of the execution.
            tensor: name of the model's input.
            exact: the numbers that the input stands for, where float32 only approximates them.
        """
        self._context = context
        self._varying: set[str] = {tensor}
        x = context[tensor].astype(np.float64)
        start = (
            Running.exactly(x)
            if exact is None
            else Running(exact, np.abs(x - exact), np.zeros_like(x))
        )
        self.bounded: dict[str, Running] = {tensor: start}
        self.positions: dict[str, Position] = {}
        self.scores: dict[str, str] = {}  # from labels to the tensor that they rank

    def step(self, node: NodeView) -> None:
        """Follow one node of the executor's order."""
        operands = [name for name in node.inputs if name]
        if node.op == "Shape" or self._varying.isdisjoint(operands):
            self._fold(node)
            return
        self._varying.update(node.outputs)
        if node.op in ("ArgMax", "TopK"):
            self.scores[node.outputs[-1]] = node.inputs[0]
        elif node.inputs[0] in self.scores:
            self.scores[node.outputs[0]] = self.scores[node.inputs[0]]
        with np.errstate(all="ignore"):
            if not self._quantise(node):
                self._apply(node)

    def assign(self, tensor: str, codes: Array, node: NodeView) -> None:
        """Fix `tensor`, made by the quantiser `node`, to what the integers `codes` stand for."""
        found = self.meaning(node, codes)
        off = np.abs(self._context[tensor].astype(np.float64) - found.exact)
        self.bounded[tensor] = Running(found.exact, off, found.golden)

    def meaning(self, node: NodeView, codes: Array) -> Running:
        """Return the real numbers that the quantiser `node` makes of integers.

        Codes of QuantizeLinear count from its zero point, as the golden model has them.
        """
        levels = codes.astype(np.float64)
        if node.op in FLOAT_QUANTISERS:
            format_ = self._format(node)
            levels = format_.decode(format_.codes_of(codes))
        if node.op == "MultiThreshold":
            scale, bias = node.number("out_scale", 1.0), node.number("out_bias", 0.0)
            terms = np.abs(levels * scale) + abs(bias)
            off = FLOAT64_UNIT * terms if bias else np.zeros_like(levels)
            return Running(levels * scale + bias, 2 * FLOAT32_UNIT * terms, off)
        step, zero_point = self._grid(node, codes.ndim)
        exact = (levels - zero_point) * step
        return Running(exact, 2 * FLOAT32_UNIT * np.abs(exact), np.zeros_like(exact))

    def _grid(self, node: NodeView, rank: int) -> tuple[Array, Array]:
        """Return the real number between neighbouring levels of a result, and the code of zero."""
        step, zero = self._scale(node, rank), np.zeros(())
        if node.op in ("Quant", "IntQuant", "Trunc"):
            zero = self._context[node.inputs[2]].astype(np.float64)
        if node.op == "Trunc" and len(node.inputs) == _INPUTS_OF_NEW_TRUNC:
            coarse = self._context[node.inputs[4]].astype(np.float64)
            return coarse, zero / 2.0 ** np.round(np.log2(coarse / step))
        return step, zero

    def _format(self, node: NodeView) -> CustomFloat:
        return float_format(node, [self._context[name] for name in node.inputs])

    def _scale(self, node: NodeView, rank: int) -> Array:
        if node.op == "CustomFloat":
            return np.ones(())
        scale = self._context[node.inputs[1]].astype(np.float64)
        return _along_axis(scale, node, rank) if node.op.endswith("Linear") else scale

    def _fold(self, node: NodeView) -> None:
        """Take constants as the executor has them.

        The importer folds them in the same precision, yet not always to the same last bit.
        """
        if node.op in _DEQUANTISING:
            self._fold_quantiser(node)
            return
        if node.op in MOVING and self._context[node.outputs[0]].dtype.kind == "f":
            self._apply(node)
            return
        operands = [self._folded(name) for name in node.inputs]
        for index, output in enumerate(node.outputs):
            found = np.asarray(self._context[output])
            if found.dtype.kind != "f":
                continue
            exact = found.astype(np.float64)
            bound = np.zeros_like(exact)
            rule = rule_of(node)
            if index == 0 and rule is not None and node.op not in CORRECTLY_ROUNDED:
                with np.errstate(all="ignore"):
                    (made,) = _each(rule(node, found.shape, *operands))
                bound = made.executor
            self.bounded[output] = Running(exact, np.zeros_like(exact), bound)

    def _fold_quantiser(self, node: NodeView) -> None:
        (output,) = node.outputs
        found = self._context[output].astype(np.float64)
        scale = self._scale(node, found.ndim)
        if node.op in FLOAT_QUANTISERS:
            format_ = self._format(node)
            exact = format_.decode(format_.encode(found / scale, NEAREST)) * scale
        else:
            exact = np.round(found / scale) * scale
        off = np.abs(found - exact)
        # The golden model adds such constants in float32, and multiplies by their integers.
        self.bounded[output] = Running(exact, off, off)

    def _running(self, name: str) -> Running | None:
        if not name:
            return None
        if name not in self.bounded:
            array = np.asarray(self._context[name])
            known = name not in self._varying
            self.bounded[name] = (
                Running.exactly(array.astype(np.float64)) if known else Running.unknown(array.shape)
            )
        return self.bounded[name]

    def _folded(self, name: str) -> Running | None:
        """Return a constant as the importer has it, which folds in float32 as the executor does."""
        found = self._running(name)
        return None if found is None else replace(found, executor=found.golden)

    def _quantise(self, node: NodeView) -> bool:
        """Note the position on the grid where `node` is a quantiser or a part of one."""
        source = node.inputs[0]
        is_code = source in self.positions and self._context[source].dtype.kind in "iu"
        if is_code and node.op in ("Clip", "DequantizeLinear"):
            self.positions[node.outputs[0]] = self.positions[source]
        elif node.op in QUANTISERS:
            self.positions[node.outputs[0]] = Position(source, self._position(node))
        else:
            return False
        return True

    def _position(self, node: NodeView) -> Running:
        x = self._running(node.inputs[0])
        assert x is not None
        if node.op in ("BipolarQuant", "MultiThreshold"):
            return x
        level = x / Running.exactly(self._scale(node, x.exact.ndim))
        if node.op == "QuantizeLinear":
            return level
        if node.op in FLOAT_QUANTISERS:
            return level
        zero_point = Running.exactly(self._context[node.inputs[2]].astype(np.float64))
        return replace(level + zero_point, exact=level.exact)

    def _apply(self, node: NodeView) -> None:
        rule = rule_of(node)
        if rule is None:
            return
        shape = self._context[node.outputs[0]].shape
        made = _each(rule(node, shape, *map(self._running, node.inputs)))
        for output, result in zip(node.outputs, made, strict=False):
            self.bounded[output] = result.broadcast()


def _each(found: Running | tuple[Running, ...]) -> tuple[Running, ...]:
    return found if isinstance(found, tuple) else (found,)


def _along_axis(array: Array, node: NodeView, rank: int) -> Array:
    if array.size == 1:
        return array.reshape(())
    return array.reshape((-1,) + (1,) * (rank - 1 - node.integer("axis", 1) % rank))
