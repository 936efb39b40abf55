"""Prove that the golden model of an imported network equals the QONNX executor.

Invariant: two integers may differ only where the executor's float32 position and the golden model's
position lie on two sides of a rounding boundary, and both lie within rigorous bounds of the exact
position. Whatever is not proven so is a mismatch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitmason.frontend.comparison import SHOWN, Comparison, Difference
from bitmason.frontend.golden_rounding import QUANTISERS, Rounding
from bitmason.frontend.importer import Imported
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.reference import BatchError, Context, Executor
from bitmason.frontend.rounding_error import RoundingErrors
from bitmason.frontend.running_error import Running
from bitmason.ir import Graph, Node, Real
from bitmason.ir.interp import run_all
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.types import Array, IntArray

__all__ = ["Comparison", "compare"]

_CHUNK_FRAMES = 1024
# All tensors of a chunk together, some 50 bytes for each of their numbers.
_CHUNK_ELEMENTS = 2**23


def compare(imported: Imported, x: Array) -> Comparison:
    """Compare the golden model of `imported` with the QONNX executor, quantiser by quantiser.

    Behind a quantiser where they differ, the executor goes on with the golden integers, so that
    every later tensor is judged by itself.

    Args:
        imported: the network, its model file, and which tensors belong together.
        x: float32 inputs `(frames, *frame)`.
    """
    x = np.ascontiguousarray(x, dtype=np.float32)
    fitting = _CHUNK_ELEMENTS // max(Executor(imported.model).elements, 1)
    try:
        return _in_chunks(imported, x, min(max(fitting, 1), _CHUNK_FRAMES))
    except BatchError:
        return _in_chunks(imported, x, 1)


def _in_chunks(imported: Imported, x: Array, frames: int) -> Comparison:
    executors: dict[int, Executor] = {}
    result = Comparison()
    for start in range(0, len(x), frames):
        chunk = x[start : start + frames]
        if len(chunk) not in executors:
            executors[len(chunk)] = Executor(imported.model, len(chunk))
        result += _Comparer(imported, chunk, executors[len(chunk)]).run().numbered_from(start)
    return result


@dataclass(frozen=True)
class _Pair:
    """A value of the graph and the ONNX tensor that it stands for, made by `maker`."""

    node: Node
    tensor: str
    maker: NodeView


@dataclass(frozen=True, eq=False)
class _Operands:
    """What the executor quantised: its numbers, their exact levels, the codes they round to."""

    source: Array
    levels: Running
    codes: IntArray


@dataclass(frozen=True, eq=False)
class _Seen:
    """The same elements as both sides have them, and what the comparison says about each."""

    golden: Array
    executor: Array
    position: Array
    distance: Array
    bound: Array

    def at(self, index: tuple[int, ...], reason: str, pair: _Pair) -> Difference:
        """Return what is known about one element."""
        return Difference(
            reason=reason,
            tensor=pair.tensor,
            value=pair.node.name,
            index=index,
            golden=float(self.golden[index]),
            executor=float(self.executor[index]),
            position=float(self.position[index]),
            distance=float(self.distance[index]),
            bound=float(self.bound[index]),
        )


class _Comparer:
    """One comparison under way."""

    def __init__(self, imported: Imported, x: Array, executor: Executor) -> None:
        self._imported = imported
        self._graph = imported.graph
        self._executor = executor
        self._context: Context = executor.begin(x)
        self._golden = run_all(self._graph, {self._graph.inputs[0].name: x})
        self._errors = RoundingErrors(self._context, executor.input, self._declared_input())
        self._unquantised = _unquantised(self._graph)
        self._made_from: dict[str, list[Node]] = {}
        for node in self._graph.nodes:
            if node.name in imported.tensors:
                self._made_from.setdefault(imported.tensors[node.name], []).append(node)
        self._result = Comparison(samples=len(x))

    def _declared_input(self) -> Array | None:
        """Return the numbers that the input stands for, where its integers were declared."""
        names = [self._graph.inputs[0].name]
        for name in names:
            for node in self._graph.users[name]:
                if isinstance(node.op, Quantise) and node.name not in self._imported.tensors:
                    made = self._golden[node.name] * node.op.scale.array
                    return np.asarray(_undone(self._graph, name, made), dtype=np.float64)
                if isinstance(node.op, Transpose | Reshape):
                    names.append(node.name)
        return None

    def run(self) -> Comparison:
        """Walk both sides in the executor's order."""
        with np.errstate(all="ignore"):
            for maker in self._executor.nodes:
                self._executor.step(maker, self._context)
                self._errors.step(maker)
                for tensor in maker.outputs:
                    self._visit(tensor, maker)
        return self._result

    def _visit(self, tensor: str, maker: NodeView) -> None:
        for node in self._made_from.get(tensor, ()):
            pair = _Pair(node, tensor, maker)
            if isinstance(node.op, QUANTISERS):
                self._compare_quantiser(pair)
            elif isinstance(node.type.elem, Real):
                self._compare_real(pair)
            else:
                self._compare_labels(pair)

    def _compare_quantiser(self, pair: _Pair) -> None:
        golden: IntArray = self._golden[pair.node.name]
        truncates = pair.maker.op == "Trunc"
        rounding = Rounding.of(self._graph, pair.node, truncates=truncates)
        place = self._errors.positions[pair.tensor]
        source = self._as_golden(pair, self._context[place.source])
        levels = self._all_as_golden(pair, place.levels)
        operands = _Operands(source, levels, rounding.codes(source))
        faults, seen = self._judge_positions(pair, rounding, operands)
        faults["the executor rounds its own number otherwise"] = self._rounds_otherwise(
            pair, operands.codes
        )
        bad = np.zeros(golden.shape, bool)
        for reason, mask in faults.items():
            self._note(reason, pair, mask & ~bad, seen, proven=False)
            bad |= mask
        tied = (operands.codes != golden) & ~bad
        self._note("a tie within float32 rounding", pair, tied, seen, proven=True)
        self._result += Comparison(quantised=golden.size)
        self._go_on_from(pair)

    def _judge_positions(
        self, pair: _Pair, rounding: Rounding, operands: _Operands
    ) -> tuple[dict[str, Array], _Seen]:
        """Return which elements lie too far from their exact positions, by reason."""
        levels = operands.levels
        place = levels.exact + rounding.zero_point
        exact = rounding.clamped(place)

        def off(position: Array) -> Array:
            """Return the distance from the exact position, as far as clamping leaves any."""
            return np.asarray(np.abs(rounding.clamped(position.astype(np.float64)) - exact))

        golden = self._golden[pair.node.name]
        position = rounding.position(self._golden[rounding.operand])
        bound = levels.executor + levels.golden
        of_golden = bound if rounding.operand in self._unquantised else levels.golden
        lowest, highest = (rounding.codes_at(place + side) for side in (-of_golden, of_golden))
        faults = {
            "the golden model computes another real number": ~_within(off(position), of_golden),
            "the executor computes another real number": ~_within(
                off(rounding.position(operands.source)), bound
            ),
            "the golden model rounds its own number otherwise": (golden < lowest)
            | (golden > highest),
        }
        distance = rounding.to_boundary(position.astype(np.float64))
        return faults, _Seen(golden, operands.codes, position, distance, bound)

    def _rounds_otherwise(self, pair: _Pair, codes: IntArray) -> Array:
        """Return where the executor's result is not what the codes of its operand stand for."""
        made = self._context[pair.tensor]
        level = self._errors.meaning(pair.maker, self._as_made(pair, codes))
        is_level = _within(np.abs(made - level.exact), level.executor)
        return ~self._as_golden(pair, is_level)

    def _go_on_from(self, pair: _Pair) -> None:
        """Let the executor continue with the golden integers."""
        codes = self._as_made(pair, self._golden[pair.node.name])
        kind = self._context[pair.tensor].dtype
        self._context[pair.tensor] = self._errors.meaning(pair.maker, codes).exact.astype(kind)
        self._errors.assign(pair.tensor, codes, pair.maker)

    def _as_golden(self, pair: _Pair, made: Array) -> Array:
        """Return numbers that lie as the executor's tensor does as the golden value lies."""
        found: Array = self._imported.from_file(pair.node.name, made)
        return found

    def _all_as_golden(self, pair: _Pair, bounded: Running) -> Running:
        return bounded.moved(lambda made: self._as_golden(pair, made))

    def _as_made(self, pair: _Pair, golden: Array) -> Array:
        """Return numbers that lie as the golden value does as the executor's tensor lies."""
        shape = self._context[pair.tensor].shape
        found: Array = self._imported.to_file(pair.node.name, golden)
        return found.reshape(shape)

    def _compare_real(self, pair: _Pair) -> None:
        golden = self._golden[pair.node.name]
        made = self._as_golden(pair, self._context[pair.tensor])
        bounded = self._all_as_golden(pair, self._bounded(pair.tensor))
        of_golden = bounded.executor if pair.node.name in self._unquantised else bounded.golden
        rounded = golden.astype(made.dtype)
        difference = np.abs(golden.astype(np.float64) - made)
        seen = _Seen(golden, made, golden, difference, bounded.executor + bounded.golden)
        wrong = ~_within(np.abs(golden - bounded.exact), of_golden)
        self._note("the golden model returns another real number", pair, wrong, seen, proven=False)
        far = ~wrong & ~_within(np.abs(made - bounded.exact), seen.bound)
        self._note("the executor returns another real number", pair, far, seen, proven=False)
        self._result += Comparison(
            outputs=golden.size,
            identical_outputs=int(np.count_nonzero(rounded == made)),
            max_output_difference=float(np.abs(rounded - made).max(initial=0.0)),
        )

    def _compare_labels(self, pair: _Pair) -> None:
        """Compare positions of largest elements: they may differ where those elements tie."""
        ranking = self._ranking(pair.node)
        golden: IntArray = self._golden[ranking.name]
        made = self._context[pair.tensor].reshape(golden.shape)
        scores = np.asarray(self._golden[ranking.operands[0]], dtype=np.float64)
        source = self._errors.scores[pair.tensor]
        bounded = self._bounded(source).moved(lambda array: array.reshape(scores.shape))
        worst = 2 * (bounded.executor + bounded.golden).max(axis=-1, keepdims=True)
        picked = np.clip(made, 0, scores.shape[-1] - 1).astype(np.int64)
        best, other = (np.take_along_axis(scores, pick, axis=-1) for pick in (golden, picked))
        bound = np.broadcast_to(worst, golden.shape)
        seen = _Seen(golden, made, best, np.abs(best - other), bound)
        theirs = self._context[source].reshape(scores.shape)
        near = _within(np.abs(scores - bounded.exact), bounded.golden)
        near &= _within(np.abs(theirs - bounded.exact), bounded.executor + bounded.golden)
        differ = made != golden
        unranked = differ & (made != ranking.op.evaluate(theirs))
        wrong = ~np.all(near, axis=-1, keepdims=True) | unranked
        self._note("the executor ranks otherwise", pair, wrong, seen, proven=False)
        tied = differ & ~wrong
        self._note("labels tie within float32 rounding", pair, tied, seen, proven=True)
        self._result += Comparison(
            outputs=golden.size, identical_outputs=int(np.count_nonzero(~differ))
        )

    def _ranking(self, node: Node) -> Node:
        """Return the node that makes the labels which `node` only gives another shape."""
        while isinstance(node.op, Reshape):
            above = self._graph.producer(node.operands[0])
            assert above is not None, "labels come from a node"
            node = above
        return node

    def _bounded(self, tensor: str) -> Running:
        shape = self._context[tensor].shape
        return self._errors.bounded.get(tensor, Running.unknown(shape))

    def _note(self, reason: str, pair: _Pair, mask: Array, seen: _Seen, *, proven: bool) -> None:
        count = int(np.count_nonzero(mask))
        if not count:
            return
        places = [tuple(map(int, index)) for index in np.argwhere(mask)[:SHOWN]]
        found = tuple(seen.at(place, reason, pair) for place in places)
        if proven:
            self._result += Comparison(ambiguous_count=count, ambiguous=found)
        else:
            self._result += Comparison(mismatched=count, mismatches=found)


def _undone(graph: Graph, name: str, frames: Array) -> Array:
    """Return the input's frames, of which `frames` are a rearrangement, the value `name`."""
    node = graph.producer(name)
    while node is not None:
        if isinstance(node.op, Transpose):
            frames = frames.transpose(0, *(1 + np.argsort(node.op.perm)))
        frames = frames.reshape(len(frames), *graph.operand_types(node)[0].shape)
        node = graph.producer(node.operands[0])
    return frames


def _unquantised(graph: Graph) -> set[str]:
    """Return the values before the first quantisers, which the golden model has in float32."""
    found = {value.name for value in graph.inputs}
    for node in graph.nodes:
        if not isinstance(node.op, QUANTISERS) and found.issuperset(node.operands):
            found.add(node.name)
    return found


def _within(distance: Array, bound: Array) -> Array:
    """Return where `distance` is at most `bound`; an unknown or infinite bound proves nothing."""
    return np.asarray(np.isfinite(bound) & (distance <= bound))
