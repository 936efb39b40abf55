"""Named pipelines: which passes run, in which order, and why in that order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bitmason.diagnostics import did_you_mean, fail
from bitmason.ir.graph import Graph
from bitmason.ir.interp import run
from bitmason.ir.passes.absorb_expand import AbsorbExpand
from bitmason.ir.passes.encode_bipolar import EncodeBipolar
from bitmason.ir.passes.float_ports import FloatPorts
from bitmason.ir.passes.fuse_joins import FuseJoins
from bitmason.ir.passes.lower_windows import LowerWindows
from bitmason.ir.passes.place_pools import PlacePools
from bitmason.ir.passes.rank_classifier import RankClassifier
from bitmason.ir.passes.run_time_precision import RunTimePrecision
from bitmason.ir.passes.sink_reorders import SinkReorders
from bitmason.ir.passes.tabulate import Tabulate
from bitmason.ir.rewrite import Pass
from bitmason.ir.types import Array, Real, TensorType
from bitmason.ir.verify import verify

LOWER: tuple[Pass, ...] = (
    # Pools of real numbers stand in the way of every chain between two integers.
    PlacePools(),
    # Makes the products that the next pass counts bits for.
    LowerWindows(),
    # Moves scales and offsets, which only exist until tabulation absorbs them.
    EncodeBipolar(),
    # Widens the results of products: what is tabulated next covers them.
    RunTimePrecision(),
    # Every real function between two integers becomes an integer function.
    Tabulate(),
    # Needs the thresholds or table behind a join.
    FuseJoins(),
    # Needs the last layer's integers as the hardware will have them.
    RankClassifier(),
    # Reads quantisers and expansions as the file has them, before the latter move.
    FloatPorts(),
    # Moves ranks to where only thresholds and products are left to read them.
    AbsorbExpand(),
    # Permutes the rows of thresholds and tables, so all of them must be there.
    SinkReorders(),
)

Observer = Callable[[Pass, Graph], None]
_CHECK_FRAMES = 64


class PassChangedBits(AssertionError):
    """A pass changed what the network computes: a bug of ours."""


def run_passes(
    graph: Graph, passes: Sequence[Pass], *, check: bool = False, after: Observer | None = None
) -> Graph:
    """Run `passes` over `graph`, verifying it after each.

    Args:
        graph: a verified graph.
        passes: what to run, in order.
        check: interpret the graph before and after every pass on the same seeded inputs.
        after: called with each pass and its result, also where nothing changed.

    Raises:
        CompileError: when a pass finds that the network cannot be built.
        PassChangedBits: names the first pass that changed a bit (only with `check`).
    """
    feeds = _seeded_feeds(graph) if check else {}
    expected = run(graph, feeds) if check else ()
    for step in passes:
        changed = step.run(graph)
        if changed is not graph:
            verify(changed)
        if check and changed is not graph:
            _compare(step, expected, run(changed, feeds))
        graph = changed
        if after is not None:
            after(step, graph)
    return graph


def pass_named(name: str, passes: Sequence[Pass]) -> Pass:
    """Return the pass called `name`.

    Raises:
        CompileError: C005 when there is none.
    """
    for step in passes:
        if step.name == name:
            return step
    names = [step.name for step in passes]
    fail(
        "C005",
        f"there is no pass called '{name}'",
        help=did_you_mean(name, names) or f"the passes are {', '.join(names)}",
    )


def _seeded_feeds(graph: Graph) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {value.name: _random(rng, value.type) for value in graph.inputs}


def _random(rng: np.random.Generator, type_: TensorType) -> Array:
    shape = (_CHECK_FRAMES, *type_.shape)
    if isinstance(type_.elem, Real):
        spread = rng.choice([0.1, 1.0, 4.0, 200.0], size=(_CHECK_FRAMES, *(1 for _ in type_.shape)))
        spread_out: Array = rng.standard_normal(shape) * spread
        return spread_out.astype(np.float32)
    codes = rng.integers(0, 2**type_.elem.bits, shape)
    decoded: Array = np.clip(type_.elem.decode(codes), type_.elem.lo, type_.elem.hi)
    return decoded


def _compare(step: Pass, expected: tuple[Array, ...], got: tuple[Array, ...]) -> None:
    for index, (before, after) in enumerate(zip(expected, got, strict=True)):
        if not np.array_equal(before, after):
            count = int(np.sum(before != after))
            raise PassChangedBits(
                f"pass '{step.name}' changed {count} of {before.size} elements of output {index}"
            )
