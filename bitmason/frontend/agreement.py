"""Prove that the golden model of an imported network equals the QONNX executor.

Invariant: two integers may differ only where the executor's float32 position and the golden model's
position lie on two sides of a rounding boundary, and both lie within rigorous bounds of the exact
position. Whatever is not proven so is a mismatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bitmason.frontend.importer import Imported
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.reference import BatchError, Executor
from bitmason.frontend.rounding_error import Bounded, RoundingErrors
from bitmason.frontend.running_error import FLOAT32_UNIT
from bitmason.ir import Bipolar, Graph, Node, Real
from bitmason.ir.interp import run_all
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.ops.shape import Reshape
from bitmason.ir.types import Array, IntArray

_SHOWN = 8
_CHUNK_FRAMES = 1024


@dataclass(frozen=True)
class Difference:
    """One element where executor and golden model differ, or lie too far apart.

    For a quantiser, `position` is the golden model's place on the integer grid and `distance` that
    from the nearest rounding boundary. `bound` is what rounding may have moved the executor.
    """

    reason: str
    tensor: str
    value: str
    index: tuple[int, ...]
    golden: float
    executor: float
    position: float
    distance: float
    bound: float

    def __str__(self) -> str:
        place = ", ".join(map(str, self.index))
        return (
            f"%{self.value}[{place}] ({self.tensor}): {self.reason}; golden {self.golden:g}, "
            f"executor {self.executor:g}, position {self.position:.9g}, "
            f"{self.distance:.3g} from a boundary, bound {self.bound:.3g}"
        )


@dataclass(frozen=True)
class Comparison:
    """What was compared, and what was found; of `mismatches` and `ambiguous`, the first few."""

    samples: int = 0
    quantised: int = 0
    mismatched: int = 0
    mismatches: tuple[Difference, ...] = ()
    ambiguous_count: int = 0
    ambiguous: tuple[Difference, ...] = ()
    outputs: int = 0
    identical_outputs: int = 0
    max_output_difference: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether every difference is a proven float32 tie."""
        return self.mismatched == 0

    def numbered_from(self, frame: int) -> Comparison:
        """Return the same comparison for frames that are counted from `frame`."""
        mismatches, ambiguous = (
            tuple(replace(one, index=(one.index[0] + frame, *one.index[1:])) for one in found)
            for found in (self.mismatches, self.ambiguous)
        )
        return replace(self, mismatches=mismatches, ambiguous=ambiguous)

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            self.samples + other.samples,
            self.quantised + other.quantised,
            self.mismatched + other.mismatched,
            (self.mismatches + other.mismatches)[:_SHOWN],
            self.ambiguous_count + other.ambiguous_count,
            (self.ambiguous + other.ambiguous)[:_SHOWN],
            self.outputs + other.outputs,
            self.identical_outputs + other.identical_outputs,
            max(self.max_output_difference, other.max_output_difference),
        )


def compare(imported: Imported, x: Array) -> Comparison:
    """Compare the golden model of `imported` with the QONNX executor, quantiser by quantiser.

    Behind a quantiser where they differ, the executor goes on with the golden integers, so that
    every later tensor is judged by itself.

    Args:
        imported: the network, its model file, and which tensors belong together.
        x: float32 inputs `(frames, *frame)`.
    """
    x = np.ascontiguousarray(x, dtype=np.float32)
    try:
        return _in_chunks(imported, x, _CHUNK_FRAMES)
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
    levels: Bounded
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
        graph = imported.graph
        self._graph = graph
        self._executor = executor
        self._context = executor.run(x)
        self._golden = run_all(graph, {graph.inputs[0].name: x})
        exact = _declared_input(imported, self._golden)
        self._errors = RoundingErrors(self._context, executor.input, exact)
        self._unquantised = _unquantised(graph)
        self._made_from: dict[str, list[Node]] = {}
        for node in graph.nodes:
            if node.name in imported.tensors:
                self._made_from.setdefault(imported.tensors[node.name], []).append(node)
        self._result = Comparison(samples=len(x))

    def run(self) -> Comparison:
        """Walk both sides in the executor's order."""
        with np.errstate(all="ignore"):
            for maker in self._executor.nodes:
                self._errors.step(maker)
                for tensor in maker.outputs:
                    self._visit(tensor, maker)
        return self._result

    def _visit(self, tensor: str, maker: NodeView) -> None:
        for node in self._made_from.get(tensor, ()):
            pair = _Pair(node, tensor, maker)
            if isinstance(node.op, Quantise):
                self._compare_quantiser(pair, node.op)
            elif isinstance(node.type.elem, Real):
                self._compare_real(pair)
            else:
                self._compare_labels(pair)

    def _compare_quantiser(self, pair: _Pair, op: Quantise) -> None:
        golden: IntArray = self._golden[pair.node.name]
        place = self._errors.positions[pair.tensor]
        source = self._context[place.source].reshape(golden.shape)
        codes = op.evaluate(source)
        faults, seen = self._judge_positions(pair, op, _Operands(source, place.levels, codes))
        step = self._step(pair)
        zero_point = op.zero_point.array.astype(np.float64)
        made = self._context[pair.tensor].reshape(golden.shape)
        level = (codes - zero_point) * step
        faults["the executor rounds its own number otherwise"] = ~(
            np.abs(made - level) <= FLOAT32_UNIT * 2 * np.abs(level)
        )
        bad = np.zeros(golden.shape, bool)
        for reason, mask in faults.items():
            self._note(reason, pair, mask & ~bad, seen, proven=False)
            bad |= mask
        tied = (codes != golden) & ~bad
        self._note("a tie within float32 rounding", pair, tied, seen, proven=True)
        self._result += Comparison(quantised=golden.size)
        self._go_on_from(pair, golden - zero_point, step)

    def _judge_positions(
        self, pair: _Pair, op: Quantise, operands: _Operands
    ) -> tuple[dict[str, Array], _Seen]:
        """Return which elements lie too far from their exact positions, by reason."""
        golden = self._golden[pair.node.name]
        operand = self._golden[pair.node.operands[0]]
        levels = _shaped(operands.levels, golden.shape)
        zero_point = op.zero_point.array.astype(np.float64)

        def off(position: Array) -> Array:
            """Return the distance from the exact position, as far as clamping leaves any."""
            both = (position.astype(np.float64), levels.exact + zero_point)
            clamped = [np.clip(one, op.out.lo, op.out.hi) for one in both]
            return np.abs(clamped[0] - clamped[1])

        position = op.position(operand)
        bound = levels.executor + levels.golden
        of_golden = bound if pair.node.operands[0] in self._unquantised else levels.golden
        faults = {
            "the golden model computes another real number": ~_within(off(position), of_golden),
            "the executor computes another real number": ~_within(
                off(op.position(operands.source)), bound
            ),
        }
        distance = _to_boundary(position.astype(np.float64), op)
        return faults, _Seen(golden, operands.codes, position, distance, bound)

    def _step(self, pair: _Pair) -> Array:
        """Return the real number between neighbouring levels, for each element."""
        made = self._context[pair.tensor]
        step = np.broadcast_to(self._errors.step_of(pair.maker, made.ndim), made.shape)
        return step.reshape(self._golden[pair.node.name].shape)

    def _go_on_from(self, pair: _Pair, levels: Array, step: Array) -> None:
        """Let the executor continue with the golden integers."""
        made = self._context[pair.tensor]
        patched = (levels.astype(np.float32) * step.astype(np.float32)).reshape(made.shape)
        if not np.array_equal(patched, made):
            self._executor.resume(self._context, pair.tensor, patched.astype(made.dtype))
        self._errors.assign(pair.tensor, levels.reshape(made.shape), pair.maker)

    def _compare_real(self, pair: _Pair) -> None:
        golden = self._golden[pair.node.name]
        made = self._context[pair.tensor].reshape(golden.shape)
        bounded = self._bounded(pair.tensor, golden.shape)
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
        bounded = self._bounded(source, scores.shape)
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

    def _bounded(self, tensor: str, shape: tuple[int, ...]) -> Bounded:
        if tensor in self._errors.bounded:
            return _shaped(self._errors.bounded[tensor], shape)
        unknown = np.full(shape, np.nan)
        return Bounded(unknown, unknown, unknown)

    def _note(self, reason: str, pair: _Pair, mask: Array, seen: _Seen, *, proven: bool) -> None:
        count = int(np.count_nonzero(mask))
        if not count:
            return
        places = [tuple(map(int, index)) for index in np.argwhere(mask)[:_SHOWN]]
        found = tuple(seen.at(place, reason, pair) for place in places)
        if proven:
            self._result += Comparison(ambiguous_count=count, ambiguous=found)
        else:
            self._result += Comparison(mismatched=count, mismatches=found)


def _declared_input(imported: Imported, golden: Mapping[str, Array]) -> Array | None:
    """Return the numbers that the input stands for, where its integers were declared."""
    graph = imported.graph
    for node in graph.users[graph.inputs[0].name]:
        if isinstance(node.op, Quantise) and node.name not in imported.tensors:
            return np.asarray(golden[node.name] * node.op.scale.array, dtype=np.float64)
    return None


def _unquantised(graph: Graph) -> set[str]:
    """Return the values before the first quantisers, which the golden model has in float32."""
    found = {value.name for value in graph.inputs}
    for node in graph.nodes:
        if not isinstance(node.op, Quantise) and found.issuperset(node.operands):
            found.add(node.name)
    return found


def _within(distance: Array, bound: Array) -> Array:
    """Return where `distance` is at most `bound`; an unknown or infinite bound proves nothing."""
    return np.asarray(np.isfinite(bound) & (distance <= bound))


def _shaped(bounded: Bounded, shape: tuple[int, ...]) -> Bounded:
    full = bounded.exact.shape
    exact, executor, golden = (
        np.broadcast_to(array, full).reshape(shape)
        for array in (bounded.exact, bounded.executor, bounded.golden)
    )
    return Bounded(exact, executor, golden)


def _to_boundary(position: Array, op: Quantise) -> Array:
    """Return how far each position is from the nearest place where the rounded value changes."""
    if isinstance(op.out, Bipolar):
        return np.abs(position)
    halves = 0.5 if op.rounding in ("ROUND", "HALF_UP", "HALF_DOWN") else 0.0
    return np.asarray(np.abs(position - halves - np.round(position - halves)))
