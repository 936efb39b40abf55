"""Split a model for designs on a link: what leaves one of them enters the other.

Invariant: words that leave the first half have the order and the widths of those that the second
one takes, as far as both halves have hardware.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np

from bitmason.backends.dense_ports import with_dense_ports
from bitmason.config import Config
from bitmason.diagnostics import CompileError, Loc, fail
from bitmason.files import write_whole
from bitmason.frontend import import_model
from bitmason.frontend.splitting import Halves
from bitmason.frontend.splitting import split as split_model
from bitmason.ir.graph import Graph
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.words import Pack, Unpack
from bitmason.ir.partition import after, before
from bitmason.ir.types import Array, Bipolar, IntArray, IntType, Shape
from bitmason.pipeline import lower

_WORD_BYTES = 4  # any: order and widths do not depend on it


@dataclass(frozen=True)
class _End:
    """One end of the link: its elements' type, and which of the file's stand in the words in turn.

    `frame` is the shape that the file gives them, without the batch.
    """

    elem: IntType
    order: IntArray
    frame: Shape


def split(path: Path | bytes, at: str, name: str | None = None) -> Halves:
    """Return the two models that a model becomes at the quantiser `at`, as designs on a link.

    Where hardware of the first half gives the pixels of an image in another order than that of the
    second half would take them, the second one turns its input.

    Args:
        path: the file, or its bytes.
        at: the quantiser's name, or that of its result.
        name: what messages call the file; by default its own name.

    Raises:
        CompileError: as `bitmason.frontend.splitting.split` does, and F022 when what leaves one
            half is not what enters the other.
    """
    halves = split_model(path, at, name)
    leaving, entering = _leaving(halves.head), _entering(halves.tail)
    if leaving is None or entering is None:
        return halves
    axes = _axes(leaving)
    if axes is not None and not np.array_equal(leaving.order, entering.order):
        halves = split_model(path, at, name, (0, *(1 + axis for axis in axes)))
        entering = _entering(halves.tail) or entering
    file = name or (path.name if isinstance(path, Path) else "<bytes>")
    _check_same(leaving, entering, Loc(file, at))
    return halves


def write_halves(halves: Halves, head: Path, tail: Path) -> None:
    """Write both files, or none: half a model is of no use.

    Raises:
        CompileError: C002 when one cannot be written.
    """
    write_whole(head, halves.head)
    try:
        write_whole(tail, halves.tail)
    except BaseException:
        if head.is_file():  # a pipe or a device stays
            head.unlink()
        raise


def _check_same(leaving: _End, entering: _End, loc: Loc) -> None:
    if not np.array_equal(leaving.order, entering.order):
        place = int(np.flatnonzero(leaving.order != entering.order)[0])
        fail(
            "F022",
            "the hardware of one half gives numbers in another order than that of the other takes",
            loc=loc,
            notes=[
                f"number {place} of a frame leaves as element {leaving.order[place]}, and enters "
                f"as element {entering.order[place]}"
            ],
            help="split behind a convolution or a pool, whose pixels have all channels together",
        )
    # Where both have as many bits, a number that both have is the same bits.
    forms = [(end.elem.bits, isinstance(end.elem, Bipolar)) for end in (leaving, entering)]
    if forms[0] != forms[1]:
        fail(
            "F022",
            f"the hardware of one half gives {leaving.elem}, that of the other takes "
            f"{entering.elem}",
            loc=loc,
            help="give the quantiser the range of what it is given (behind a ReLU: unsigned), or "
            "split at another one",
        )


def _axes(end: _End) -> tuple[int, ...] | None:
    """Return in which order the axes of the file's frames lie in the words, if axes they are."""
    flat = np.arange(end.order.size).reshape(end.frame)
    for axes in permutations(range(len(end.frame))):
        if np.array_equal(flat.transpose(axes).reshape(-1), end.order):
            return axes
    return None


def _entering(model: bytes) -> _End | None:
    graph = _with_words(model)
    packs = [] if graph is None else [node for node in graph.nodes if isinstance(node.op, Pack)]
    if graph is None or not packs:
        return None
    first = packs[0]
    (given,) = graph.inputs
    places = _moved(before(graph, first.operands[0]), given.name)
    assert isinstance(first.op, Pack)
    return None if places is None else _End(first.op.elem, places, given.type.shape)


def _leaving(model: bytes) -> _End | None:
    graph = _with_words(model)
    if graph is None or len(graph.outputs) != 1:
        return None
    unpacks = [node for node in graph.nodes if isinstance(node.op, Unpack)]
    if len(unpacks) != 2:  # one behind what enters, and one for each stream that leaves
        return None
    last = unpacks[-1]
    places = _moved(after(graph, (last.name,)), last.name)
    assert isinstance(last.op, Unpack)
    if places is None:
        return None
    return _End(last.op.out, np.argsort(places), graph[graph.outputs[0]].type.shape)


def _with_words(model: bytes) -> Graph | None:
    """Return the graph of a design on a bus, or None where there is no such design."""
    try:
        lowered = lower(import_model(model, "half.onnx").graph, Config())
        return with_dense_ports(lowered, _WORD_BYTES)
    except CompileError:
        return None  # such a half is not for hardware, or `compile` says why it cannot be


def _moved(graph: Graph, value: str) -> IntArray | None:
    """Return which element of `value` stands at each place of the output of `graph`.

    None where that is not a question of place: some node makes other elements than it takes.
    """
    type_ = graph[value].type
    found: dict[str, Array] = {value: np.arange(type_.size).reshape(1, *type_.shape)}
    for node in graph.nodes:
        at = found[node.operands[0]]
        moves = isinstance(node.op, Reshape | Transpose)
        if len(node.operands) > 1 or (not moves and node.type.shape != at.shape[1:]):
            return None
        found[node.name] = node.op.evaluate(at) if moves else at
    return found[graph.outputs[0]].reshape(-1)
