"""What the importers of all operators share while one model is imported.

Invariant: a node whose importer fails poisons its results, so that one fault is reported once and
hides no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

import numpy as np

from bitmason.diagnostics import Collector, CompileError, Diagnostic, Loc, fail, quote
from bitmason.frontend.axes import Axes, flat_order, frame_of, identity, to_graph
from bitmason.frontend.constants import ELEMENTWISE, MAX_ELEMENTS, fold, is_folded
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.registry import DOMAINS, HANDLERS, nearest
from bitmason.frontend.spelt_out import spelt_out_quantiser
from bitmason.frontend.values import Activation, Constant, Poison, Quantised, Value
from bitmason.ir import Builder, Const, Node, Op, Real
from bitmason.ir.types import Array, Shape

MAX_RESULT = 16 * MAX_ELEMENTS
# What NumPy and Python raise on sizes, kinds and values that no importer foresaw.
_MALFORMED = (ValueError, TypeError, LookupError, ArithmeticError, MemoryError)


class Context:
    """The graph so far, the value of every ONNX tensor so far, and the faults so far."""

    def __init__(self, builder: Builder, opset: int) -> None:
        """Start with an empty graph for a model of version `opset` of the standard operators.

        Where `has_images` is set, values keep the layout in which they are made, channels last,
        until an operator needs another; else every Transpose is a node of its own.
        """
        self.opset = opset
        self.errors = Collector()
        self.values: dict[str, Value] = {}
        self.has_images = False
        self.tensors: dict[str, str] = {}
        self.layouts: dict[str, tuple[int, ...]] = {}
        self._builder = builder
        self._nodes: dict[str, Node] = {}
        self._unsupported: dict[tuple[str, str], list[NodeView]] = {}

    def run(self, node: NodeView) -> None:
        """Import one node."""
        try:
            results = self._results(node)
        except CompileError as error:
            self.errors.add(_at(error, node))
            results = ()
        except _MALFORMED as error:
            self.errors.add(_malformed(node, error))
            results = ()
        made = dict(zip(node.outputs, results, strict=False))
        self.values.update({output: made.get(output, Poison()) for output in node.outputs})

    def _results(self, node: NodeView) -> Sequence[Value]:
        operands = [self.values[name] for name in node.inputs if name]
        is_known = node.domain in DOMAINS and (node.op in HANDLERS or is_folded(node.op))
        if is_known and any(isinstance(operand, Poison) for operand in operands):
            return ()
        folded = self._folded(node, operands) if is_known else None
        if folded is not None:
            return (folded,)
        if is_known and node.op in HANDLERS:
            result = HANDLERS[node.op](node, self)
            return result if isinstance(result, Sequence) else (result,)
        self._unsupported.setdefault((node.domain, node.op), []).append(node)
        return ()

    def _folded(self, node: NodeView, operands: Sequence[Value]) -> Constant | Quantised | None:
        spelt_out = spelt_out_quantiser(node, operands)
        if spelt_out is not None:
            return spelt_out
        arrays = [operand.array for operand in operands if isinstance(operand, Constant)]
        if node.op in ELEMENTWISE:
            arrays = [
                operand.array if isinstance(operand, Constant) else operand.real()
                for operand in operands
                if isinstance(operand, Constant | Quantised)
            ]
        return fold(node, arrays) if arrays and len(arrays) == len(operands) else None

    def finish_errors(self) -> None:
        """Report unsupported operators, each once, then stop if anything was wrong."""
        for (domain, op), nodes in self._unsupported.items():
            shown = f"{domain}.{op}" if domain not in DOMAINS else op
            more = f"{len(nodes) - 1} more of its nodes in this model" if len(nodes) > 1 else ""
            notes = (more,) if more else ()
            message = f"operator {quote(shown)} is not supported"
            found = Diagnostic("F003", message, nodes[0].loc, notes, nearest(op))
            self.errors.add(CompileError([found]))
        self.errors.raise_if_any()

    def value(self, node: NodeView, index: int) -> Value:
        """Return the operand number `index`, which must be there."""
        if not node.has_input(index):
            self.refuse(node, f"{node.op} needs {index + 1} operands")
        return self.values[node.inputs[index]]

    def activation(self, node: NodeView, index: int) -> Activation:
        """Return a real-valued operand that depends on the model's input."""
        found = self.value(node, index)
        if not isinstance(found, Activation) or not isinstance(self.elem(found), Real):
            self.refuse(node, f"operand {index} of {node.op} must be a real-valued activation")
        return found

    def constant(self, node: NodeView, index: int, what: str) -> Array:
        """Return a constant operand whose numbers are all finite, as `what` in messages."""
        return self.finite(node, self.any_constant(node, index, what), what)

    def any_constant(self, node: NodeView, index: int, what: str) -> Array:
        """Return a constant operand, infinities included."""
        found = self.value(node, index)
        if isinstance(found, Quantised):
            return found.real()
        if not isinstance(found, Constant):
            self.refuse(node, f"{what} must be a constant")
        return found.array

    def finite(self, node: NodeView, array: Array, what: str) -> Array:
        """Return `array` after checking it for NaN and infinity."""
        bad = np.flatnonzero(~np.isfinite(array))
        if bad.size:
            fail(
                "F005",
                f"{what} holds {array.reshape(-1)[bad[0]]} at index {bad[0]}"
                + (f" and {bad.size - 1} more non-finite numbers" if bad.size > 1 else ""),
                loc=node.loc,
                help="training has diverged or a scale was never set; train or calibrate again",
            )
        return array

    def refuse(self, node: NodeView, message: str, help_line: str | None = None) -> NoReturn:
        """Stop this node: its operator is known, but not in this form."""
        fail("F014", message, loc=node.loc, help=help_line)

    def elem(self, value: Activation) -> object:
        """Return the element type of an activation."""
        return self._builder.type_of(value.name).elem

    def shape(self, value: Activation) -> Shape:
        """Return the shape of one frame of an activation as the graph has it."""
        return self._builder.type_of(value.name).shape

    def axes(self, value: Activation) -> Axes:
        """Return where the axes of the ONNX tensor lie in the value of the graph."""
        return identity(len(self.shape(value))) if value.axes is None else value.axes

    def frame(self, value: Activation) -> Shape:
        """Return the shape of one frame of an activation in the file, without the batch axis."""
        return frame_of(self.shape(value), self.axes(value))

    def viewed(self, name: str, axes: Axes) -> Activation:
        """Return the value `name` of the graph as an ONNX tensor with these axes."""
        is_plain = axes == identity(len(self.shape(Activation(name))))
        return Activation(name, None if is_plain else axes)

    def stands_for(self, value: Activation, tensor: str) -> None:
        """Note which ONNX tensor a value of the graph belongs to, for the comparison with it."""
        self.tensors[value.name] = tensor
        if value.axes is not None:
            self.layouts[value.name] = flat_order(value.axes, len(self.shape(value)))

    def maker(self, value: Activation) -> Node | None:
        """Return the IR node that makes `value`, or None for the model's input."""
        return self._nodes.get(value.name)

    def emit(self, op: Op, operands: Sequence[Activation], loc: Loc, label: str) -> Activation:
        """Add an operation to the graph; its result lies as the first operand does."""
        name = self._builder.add(op, [operand.name for operand in operands], loc, label)
        elements = self._builder.type_of(name).size
        if elements > MAX_RESULT:
            message = f"{op.name} makes {elements} elements, at most {MAX_RESULT} are supported"
            fail("F014", message, loc=loc, help="the sizes in this file are not those of a network")
        made = self._builder.node(name)
        assert made is not None
        self._nodes[name] = made
        return Activation(name, operands[0].axes)

    def for_frame(self, node: NodeView, array: Array, value: Activation, what: str) -> Const:
        """Return `array`, which must broadcast to frames of `value`, for frames of the graph."""
        shape = self.frame(value)
        fitted = array
        while fitted.ndim > len(shape) and fitted.shape[0] == 1:
            fitted = fitted[0]
        if not broadcasts(fitted.shape, shape):
            self.refuse(
                node, f"{what} of shape {list(array.shape)} does not fit {[1, *shape]} values"
            )
        if value.axes is None:
            return Const(fitted)
        if fitted.size == 1:
            return Const(fitted.reshape(()))
        full = fitted.reshape((1,) * (len(shape) - fitted.ndim) + fitted.shape)
        return Const(to_graph(full, value.axes, self.shape(value)))

    def integer_list(self, node: NodeView, index: int, attribute: str) -> tuple[int, ...] | None:
        """Return a list of integers given as an operand or, in older opsets, as an attribute."""
        if attribute in node:
            return node.integers(attribute)
        if not node.has_input(index):
            return None
        return tuple(int(item) for item in self.constant(node, index, attribute).reshape(-1))


def broadcasts(shape: Shape, target: Shape) -> bool:
    """Return whether an array of `shape` broadcasts to exactly `target`."""
    pairs = zip(shape[::-1], target[::-1], strict=False)
    return len(shape) <= len(target) and all(size in (1, wanted) for size, wanted in pairs)


def _at(error: CompileError, node: NodeView) -> CompileError:
    return CompileError([d if d.loc else replace(d, loc=node.loc) for d in error.diagnostics])


def _malformed(node: NodeView, error: Exception) -> CompileError:
    message = f"{node.op} has operands or attributes that do not fit together"
    return CompileError([Diagnostic("F014", message, node.loc, (quote(str(error), 200),))])
