"""Claims about bm_mvu_bitserial."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, STALL, flat, send, started
from hw_tests.bench.serial import Setting, moves_as_specified
from hw_tests.bench.short_reset import starts_right_behind_reset
from hw_tests.lib.serial_shapes import SHAPES, STEADY, contract, frame_of

LONG = 600  # cycles per frame that are too many to wait for several


def settings() -> list[tuple[str, Setting]]:
    """Every case with its precision, or with some of those that it may get at run time."""
    pairs = []
    for case, shape in SHAPES.items():
        some = [{top, top // 2 + 1, 1} if shape.vectors else {top} for top in shape.full]
        pairs += [(case, (w, a)) for w in sorted(some[0]) for a in sorted(some[1])]
    return [pair for pair in pairs if contract(SHAPES[pair[0]], pair[1]).cycles < LONG]


def quiet(dut: Any) -> None:
    """Let no other unit see precisions that nobody sends: it asks for them to be in range."""
    for case, shape in SHAPES.items():
        if shape.vectors:
            getattr(dut, f"{case}_s_knobs_tvalid").value = 0


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES], idle=IDLE, stall=STALL)
async def multiplies_and_moves_as_specified(dut: Any, case: str, idle: str, stall: str) -> None:
    quiet(dut)
    shape = SHAPES[case]
    pauses = {"idle": idle, "stall": stall}
    await moves_as_specified(dut, f"{case}_", contract(shape), shape.loops, **pauses)


@cocotb.test()
@cocotb.parametrize((("case", "setting"), settings()))
async def runs_at_full_rate(dut: Any, case: str, setting: Setting) -> None:
    quiet(dut)
    await claims.runs_at_full_rate(dut, f"{case}_", contract(SHAPES[case], setting))


@cocotb.test()
@cocotb.parametrize((("case", "setting"), settings()))
async def has_exact_latency(dut: Any, case: str, setting: Setting) -> None:
    quiet(dut)
    await claims.has_exact_latency(dut, f"{case}_", contract(SHAPES[case], setting))


@cocotb.test()
@cocotb.parametrize(case=STEADY)
async def changes_precision_without_a_bubble(dut: Any, case: str) -> None:
    """All precisions in any order: each frame takes its own cycles and no other."""
    quiet(dut)
    shape = SHAPES[case]
    rng = np.random.default_rng(3)
    pairs = [(w, a) for w in range(1, shape.w_bits + 1) for a in range(1, shape.in_bits + 1)]
    order = [shape.full, *(pairs[i] for i in rng.permutation(len(pairs)))]
    frames = [frame_of(shape, setting, rng) for setting in order]
    bench = await started(dut, f"{case}_", contract(shape))
    send(bench, [[sent[i] for sent, _ in frames] for i in range(2)])
    beats = flat([wanted[0] for _, wanted in frames])
    assert await bench.collect(len(beats), limit=40_000) == beats
    ends = np.array(bench.sink.taken)[shape.loops.rows - 1 :: shape.loops.rows]
    cycles = [w * a * shape.loops.rows * shape.loops.words for w, a in order[1:]]
    np.testing.assert_array_equal(np.diff(ends), cycles)


@cocotb.test()
@cocotb.parametrize(
    case=["and_mixed", "select_whole", "xnor", "taps", "knobs_slow", "knobs_groups"]
)
async def recovers_from_reset(dut: Any, case: str) -> None:
    quiet(dut)
    await claims.recovers_from_reset(dut, f"{case}_", contract(SHAPES[case]))


@cocotb.test()
@cocotb.parametrize(case=["and_mixed", "xnor", "tap", "knobs_slow"])
async def starts_right_behind_a_short_reset(dut: Any, case: str) -> None:
    quiet(dut)
    await starts_right_behind_reset(dut, f"{case}_", contract(SHAPES[case], SHAPES[case].full))
