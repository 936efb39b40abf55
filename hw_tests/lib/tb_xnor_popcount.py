"""Claims about bm_xnor_popcount; the cases run side by side, each against its own golden model."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any

import cocotb
from cocotb.triggers import Timer

from hw_tests.bench.wrapper import Cases


@dataclass(frozen=True)
class Shape:
    """Places, registers and operation of one case."""

    n: int
    stages: int
    op: str = "xnor"

    @property
    def case(self) -> str:
        return f"{self.op}_n{self.n}_{self.stages}"


SMALL_SHAPES = [Shape(n, n % 3, op) for n in range(1, 11) for op in ("xnor", "and")]
SHAPES = [
    *SMALL_SHAPES,
    # The first number of stages of each is the one whose netlist is simulated too.
    *(Shape(n, stages) for n in (16, 33, 256) for stages in (0, 1, 3)),
    *(Shape(n, stages) for n in (31, 64, 784) for stages in (1, 0, 3)),
    *(Shape(n, stages) for n in (32, 49, 255) for stages in (3, 0, 1)),
    Shape(20, 12),  # more registers than the tree has levels
    *(Shape(n, stages, "and") for n, stages in ((16, 2), (33, 1), (49, 3), (256, 2))),
]
# The shapes that are synthesised too, all at once: more places would take minutes.
MAPPED_SHAPES = [
    *{(shape.n, shape.op): shape for shape in reversed(SHAPES) if shape.n <= 256}.values()
]

EXHAUSTIVE_N = 5  # up to here all pairs of vectors, up to 10 places all patterns of what counts
CYCLES = 4**EXHAUSTIVE_N + 16


def cases(target: str) -> Cases:
    """The parameter sets, all for one target."""
    return {
        shape.case: {"N": shape.n, "STAGES": shape.stages, "OP": shape.op, "TARGET": target}
        for shape in SHAPES
    }


@dataclass
class Model:
    """The golden model of one case: counts wait in `pending` until their last enabled edge."""

    shape: Shape
    pending: deque[int] = field(default_factory=deque)

    def expected(self, w: int, x: int) -> int | None:
        """The count to be seen now, or None until the first vectors have come through."""
        if self.shape.stages == 0:
            return self.count(w, x)
        return self.pending[0] if len(self.pending) == self.shape.stages else None

    def edge(self, w: int, x: int) -> None:
        """Move on by one enabled clock edge."""
        self.pending.append(self.count(w, x))
        if len(self.pending) > self.shape.stages:
            self.pending.popleft()

    def count(self, w: int, x: int) -> int:
        if self.shape.op == "and":
            return (w & x).bit_count()
        return self.shape.n - (w ^ x).bit_count()


def vectors(shape: Shape, rng: Random) -> Iterator[tuple[int, int]]:
    """Pairs of vectors without end: first what there is to exhaust, then any share that counts."""
    n, full = shape.n, 2**shape.n - 1
    if n <= EXHAUSTIVE_N:
        yield from product(range(full + 1), repeat=2)
    elif n <= 10:
        for counted in range(full + 1):
            yield pair(shape, counted, rng)
    yield from ((0, 0), (full, full), (0, full), (full, 0))
    while True:
        share = rng.random()
        yield pair(shape, sum((rng.random() < share) << i for i in range(n)), rng)


def pair(shape: Shape, counted: int, rng: Random) -> tuple[int, int]:
    """Two vectors of which just these places count."""
    w, x = rng.getrandbits(shape.n), rng.getrandbits(shape.n)
    if shape.op == "and":
        return w | counted, x & ~w | counted
    return w, w ^ counted ^ 2**shape.n - 1


async def play(dut: Any, enable: Callable[[], bool]) -> None:
    """Drive all cases for CYCLES cycles, and compare each count before each clock edge."""
    models = {shape.case: Model(shape) for shape in SHAPES}
    inputs = {shape.case: vectors(shape, Random(shape.n)) for shape in SHAPES}
    ports = {
        case: [getattr(dut, f"{case}_{port}") for port in ("en", "w", "x", "count")]
        for case in models
    }
    compared = dict.fromkeys(models, 0)
    dut.clk.value = 0
    for _ in range(CYCLES):
        driven = {case: (enable(), *next(inputs[case])) for case in models}
        for case, values in driven.items():
            for port, value in zip(ports[case], values, strict=False):
                port.value = int(value)
        await Timer(1, unit="ns")
        for case, (enabled, w, x) in driven.items():
            expected = models[case].expected(w, x)
            if expected is not None:
                count = int(ports[case][3].value)
                assert count == expected, f"{case}: {count} and not {expected}, {w:#x} {x:#x}"
                compared[case] += 1
            if enabled:
                models[case].edge(w, x)
        dut.clk.value = 1
        await Timer(1, unit="ns")
        dut.clk.value = 0
    assert min(compared.values()) > CYCLES // 4


@cocotb.test()
async def counts_places(dut: Any) -> None:
    await play(dut, lambda: True)


@cocotb.test()
async def stands_still_while_not_enabled(dut: Any) -> None:
    rng = Random(1)
    await play(dut, lambda: rng.random() < 0.6)
