"""Claims about bm_fork."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Junction, Streams
from hw_tests.bench.control import Control, Flags, moves_as_modelled
from hw_tests.bench.packing import words
from hw_tests.bench.streams import never, pattern
from hw_tests.bench.wrapper import Cases

WIDTH = 7
CASES: Cases = {f"to{outputs}": {"OUTPUTS": outputs, "WIDTH": WIDTH} for outputs in (1, 2, 3)}


class ForkControl(Control):
    """A pending flag per output."""

    def __init__(self, outputs: int) -> None:
        self.valid = [False] * outputs

    def ready(self, sink_ready: Flags) -> Flags:
        return [
            all(ready or not valid for ready, valid in zip(sink_ready, self.valid, strict=True))
        ]

    def step(self, push: Flags, sink_ready: Flags) -> None:
        left = [v and not ready for v, ready in zip(self.valid, sink_ready, strict=True)]
        self.valid = [push[0] or pending for pending in left]


def contract(case: str) -> Junction:
    """Every output gets every beat."""
    outputs = int(CASES[case]["OUTPUTS"])

    def frame(rng: np.random.Generator) -> tuple[Streams, Streams]:
        sent = words(rng, 5, WIDTH)
        return [sent], [sent] * outputs

    names = [f"m{i}_axis" for i in range(outputs)]
    return Junction(frame, cycles=5, latency=1, outputs=names)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def outputs_wait_for_the_slowest(dut: Any, case: str) -> None:
    promise = contract(case)
    bench = await claims.started(dut, f"{case}_", promise)
    for stuck in range(len(promise.outputs)):
        stalls = [pattern((1,)) if i == stuck else never() for i in range(len(promise.outputs))]
        await bench.restart(None, stalls)
        bench.source.send(range(20))
        await bench.cycles(30)
        assert [sink.beats for sink in bench.sinks] == [
            [] if i == stuck else [0] for i in range(len(promise.outputs))
        ]
        assert len(bench.source.accepted) == 1


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def moves_as_its_model(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    promise = contract(case)
    await moves_as_modelled(
        dut,
        f"{case}_",
        promise,
        lambda: ForkControl(len(promise.outputs)),
        idle=idle,
        stall=stall,
        seed=seed,
    )


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def runs_at_full_rate(dut: Any, case: str) -> None:
    await claims.runs_at_full_rate(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def has_exact_latency(dut: Any, case: str) -> None:
    await claims.has_exact_latency(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def recovers_from_reset(dut: Any, case: str) -> None:
    await claims.recovers_from_reset(dut, f"{case}_", contract(case))
