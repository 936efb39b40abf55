"""Where a model is cut in two: at a quantiser, or in front of what only moves its operand.

Invariant: a quantiser that a cut names leaves its own results as they are, so it may stand on both
sides; whatever comes from in front of the cut passes through it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from onnx import GraphProto, helper

from bitmason.diagnostics import Loc, did_you_mean, fail, quote
from bitmason.frontend.float_format import FLOAT_QUANTISERS
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.rounding_error import QUANTISERS
from bitmason.ir.types import Array

_SHOWN = 20
_WHOLE = FLOAT_QUANTISERS | {"Quant", "IntQuant", "BipolarQuant"}
_REASONS = {
    "Trunc": "cuts bits off whatever it is given, its own results too",
    "MultiThreshold": "gives counts of thresholds, which are other numbers than it compares",
}
_MOVING = frozenset({"Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Identity"})
_NEAREST = frozenset({"ROUND", "HALF_EVEN", "HALF_UP", "HALF_DOWN"})
_ELSEWHERE = "split at a quantiser that everything passes"


@dataclass(frozen=True)
class Cut:
    """The nodes that both halves keep, from the tensor `taken` to the tensor `given`.

    They are a quantiser, or QuantizeLinear up to DequantizeLinear.
    """

    chain: tuple[NodeView, ...]

    @property
    def taken(self) -> str:
        """The tensor in front, which is the second half's input."""
        return self.chain[0].inputs[0]

    @property
    def given(self) -> str:
        """The tensor behind, which is the first half's output."""
        return self.chain[-1].outputs[0]

    @property
    def loc(self) -> Loc:
        """Where the quantiser stands in the file."""
        return self.chain[0].loc

    @property
    def parameters(self) -> list[str]:
        """The constants that say how numbers are quantised."""
        return [name for node in self.chain for name in node.inputs[1:] if name]


def find_cut(nodes: Sequence[NodeView], at: str, varying: Collection[str], file: str) -> Cut:
    """Return the cut at the quantiser that is called `at`, or whose result is.

    Raises:
        CompileError: F022 when there is none, or it changes its own results.
    """
    found = {
        node.name: node
        for node in nodes
        if node.op in QUANTISERS and node.inputs[0] in varying and len(node.outputs) == 1
    }
    for node in found.values():
        if at in (node.name, *node.outputs):
            return Cut(_chain(nodes, node))
    names = [quote(name) for name in found][:_SHOWN]
    fail(
        "F022",
        f"there is no quantiser of activations called {quote(at)}",
        loc=Loc(file),
        notes=[f"there are {', '.join(names)}" if names else "there is none at all"],
        help=did_you_mean(at, found) or "name one of these with --at",
    )


def _chain(nodes: Sequence[NodeView], first: NodeView) -> tuple[NodeView, ...]:
    if first.op in _WHOLE:
        return (first,)
    if first.op != "QuantizeLinear":
        _refuse(first.loc, f"this {first.op} {_REASONS[first.op]}, so it cannot stand twice")
    chain = [first]
    while chain[-1].op != "DequantizeLinear":
        readers = [node for node in nodes if chain[-1].outputs[0] in node.inputs]
        if len(readers) != 1 or readers[0].op not in {"Clip", "DequantizeLinear"}:
            _refuse(
                first.loc,
                "the integers of this QuantizeLinear go elsewhere than to one DequantizeLinear",
                [f"{quote(node.name)} reads {quote(chain[-1].outputs[0])}" for node in readers][:4],
            )
        chain.append(readers[0])
    return tuple(chain)


def check_cut(
    cut: Cut,
    tail: Sequence[NodeView],
    outputs: Sequence[str],
    varying: Collection[str],
    tensors: Mapping[str, Array],
) -> None:
    """Check that the halves are the whole: the second one reads nothing but what passes the cut.

    Args:
        cut: where the model is cut.
        tail: the nodes behind `cut.taken`.
        outputs: the tensors that the model returns.
        varying: the tensors that depend on the model's input.
        tensors: those of a run, constants included.

    Raises:
        CompileError: F022.
    """
    _check_same_grid(cut, tensors)
    _check_keeps_own(cut, tensors)
    behind = reached(tail, {cut.taken})
    inside = {cut.taken, *(node.outputs[0] for node in cut.chain[:-1])}
    astray = {name for name in varying if name in inside or name not in behind}
    chain = {node.outputs[0] for node in cut.chain}
    for node in tail:
        if node.outputs[0] not in chain:
            _check_none(cut, astray.intersection(node.inputs), f"{quote(node.name)} reads it")
    _check_none(cut, astray.intersection(outputs), "the model returns it")


def _check_none(cut: Cut, astray: Collection[str], note: str) -> None:
    if astray:
        message = f"{quote(min(astray))} passes this quantiser by, so the model is not two there"
        _refuse(cut.loc, message, [note])


def _check_same_grid(cut: Cut, tensors: Mapping[str, Array]) -> None:
    """Check that DequantizeLinear undoes QuantizeLinear, so that its results stay as they are."""
    first, last = cut.chain[0], cut.chain[-1]
    if first is last:
        return
    for index, what in ((1, "scale"), (2, "zero point")):
        given, undone = (
            tensors[node.inputs[index]] if node.has_input(index) else np.zeros(())
            for node in (first, last)
        )
        differ = given.size != undone.size and 1 not in {given.size, undone.size}
        if differ or np.any(given.reshape(-1) != undone.reshape(-1)):
            _refuse(
                cut.loc,
                f"this QuantizeLinear has another {what} than its DequantizeLinear, so it cannot "
                "stand twice",
                [f"that is {quote(last.name)}"],
            )


def _check_keeps_own(cut: Cut, tensors: Mapping[str, Array]) -> None:
    """Check that no result of the quantiser moves when it is divided by its scale and rounded.

    The quotient of a product may be next to the integer that was multiplied: rounding to nearest
    does not mind, other rounding does. A power of two divides exactly.
    """
    first = cut.chain[0]
    mode = first.text("rounding_mode", "ROUND").upper()
    if mode in _NEAREST or len(cut.chain) > 1 or not first.has_input(1):
        return
    scale = tensors[first.inputs[1]]
    if np.any(np.frexp(scale)[0] != 0.5):
        fail(
            "F022",
            f"this {first.op} rounds with {quote(mode)} and its scale is no power of two, so it "
            "changes its own results and cannot stand twice",
            loc=cut.loc,
            help="split at another quantiser, or train with a scale that is a power of two",
        )


def _refuse(loc: Loc, message: str, notes: Sequence[str] = ()) -> NoReturn:
    fail("F022", message, loc=loc, notes=notes, help=_ELSEWHERE)


def reached(nodes: Sequence[NodeView], tensors: Collection[str]) -> set[str]:
    """Return the tensors that depend on `tensors`, themselves included."""
    found = set(tensors)
    for node in nodes:
        if found.intersection(node.inputs):
            found.update(node.outputs)
    return found


def check_one_scale(cut: Cut, tensors: Mapping[str, Array]) -> None:
    """Check that the quantiser may see the elements in another order.

    Raises:
        CompileError: F022.
    """
    if not _has_one_scale(cut, tensors):
        message = (
            "this quantiser has several scales, and the halves would order its axes in two ways"
        )
        fail("F022", message, loc=cut.loc, help="give it one scale, or split at one that has")


def _has_one_scale(cut: Cut, tensors: Mapping[str, Array]) -> bool:
    """Return whether the quantiser treats all elements alike, wherever they stand."""
    return all(tensors[name].size == 1 for name in cut.parameters)


def movers_in_front(
    cut: Cut,
    nodes: Sequence[NodeView],
    outputs: Collection[str],
    varying: Collection[str],
    tensors: Mapping[str, Array],
) -> list[NodeView]:
    """Return the nodes in front of the cut, in order, that it may change places with.

    They only move elements, all of which go on to the quantiser alone, and it treats all alike.
    """
    if not _has_one_scale(cut, tensors):
        return []
    makers = {output: node for node in nodes for output in node.outputs}
    found: list[NodeView] = []
    tensor = cut.taken
    while tensor in makers and tensor not in outputs:
        maker = makers[tensor]
        moves = maker.op in _MOVING and not maker.domain and len(maker.outputs) == 1
        alone = sum(tensor in node.inputs for node in nodes) == 1
        if not moves or not alone or any(name in varying for name in maker.inputs[1:]):
            break
        tensor = maker.inputs[0]
        if tensors[tensor].shape[:1] != (1,):
            break
        found.append(maker)
    return found[::-1]


def put_first(graph: GraphProto, cut: Cut, movers: Sequence[NodeView]) -> Cut:
    """Let the nodes of the cut change places with `movers`, which stand in front of them.

    No tensor gets a new name: `cut.taken` becomes what the quantiser makes, `cut.given` stays what
    the nodes behind it read.
    """
    protos = {output: node for node in graph.node for output in node.output}
    first, last = (protos[node.outputs[0]] for node in (cut.chain[0], cut.chain[-1]))
    moved = [protos[node.outputs[0]] for node in movers]
    given, taken, source = last.output[0], first.input[0], moved[0].input[0]
    first.input[0], last.output[0] = source, taken
    moved[0].input[0] = taken
    moved[-1].output[0] = given
    made = [*(node.outputs[0] for node in cut.chain[:-1]), taken]
    views = {node.output[0]: NodeView(node, cut.loc.file) for node in protos.values()}
    return Cut(tuple(views[output] for output in made))


def let_turn(graph: GraphProto, cut: Cut, order: Sequence[int]) -> None:
    """Let the cut see the axes of its tensor in another order, and undo that behind it."""
    base = _free_name(graph, cut.given)
    protos = {output: node for node in graph.node for output in node.output}
    first, last = (protos[node.outputs[0]] for node in (cut.chain[0], cut.chain[-1]))
    turned, quantised = f"{base}_turned", f"{base}_quantised"
    first.input[0], last.output[0] = turned, quantised
    front = helper.make_node("Transpose", [cut.taken], [turned], f"{base}_turn", perm=order)
    undone = np.argsort(order).tolist()
    back = helper.make_node("Transpose", [quantised], [cut.given], f"{base}_back", perm=undone)
    nodes = list(graph.node)
    graph.node.insert(nodes.index(last) + 1, back)
    graph.node.insert(nodes.index(first), front)


def _free_name(graph: GraphProto, name: str) -> str:
    """Return `name`, longer where names of the graph begin with it and an underscore."""
    named = [*(node.name for node in graph.node), *(o for node in graph.node for o in node.output)]
    named += [value.name for value in (*graph.input, *graph.initializer)]
    while any(other.startswith(f"{name}_") for other in named):
        name += "_"
    return name
