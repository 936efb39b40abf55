"""Claims about the compressor and the decompressor whose format each frame names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat, Knobs
from bitmason.ir.ops.float_link import Compress, Decompress
from hw_tests.bench import claims
from hw_tests.bench.claims import (
    IDLE,
    SEEDS,
    STALL,
    Junction,
    Streams,
    draw_streams,
    flat,
    send,
    started,
)
from hw_tests.bench.packing import beats
from hw_tests.bench.streams import never, pattern
from hw_tests.bench.wrapper import Cases
from hw_tests.floats.patterns import Patterns, boundaries, drawn

COMPRESSOR, DECOMPRESSOR = "bm_float_compressor_knobs", "bm_float_decompressor_knobs"
LATENCY = 3
KNOB_BITS = 8
MANY_BITS = 13  # of formats whose boundaries are too many


@dataclass(frozen=True)
class Shape:
    """Lanes, beats of a frame, and the widest format, with the least bias that float32 has."""

    lanes: int
    beats: int
    e_max: int
    m_max: int
    full: bool = False
    nearest: bool = False

    @property
    def widest(self) -> CustomFloat:
        return CustomFloat(self.e_max, self.m_max, 2**self.e_max - 128, self.full)

    def draw(self, rng: np.random.Generator) -> Knobs:
        """The numbers of a frame; the ends of their range are favoured."""
        e_bits, significand, least = self.widest.knobs
        drawn_least = rng.choice([1, least // 2, least - 1, least])
        return int(rng.integers(e_bits) + 1), int(rng.integers(significand) + 1), int(drawn_least)


SHAPES = {
    "e4m3": Shape(2, 4, 4, 3),
    "e4m3_nearest": Shape(1, 3, 4, 3, nearest=True),
    "one_beat": Shape(3, 1, 5, 2, full=True, nearest=True),
    "one_beat_alone": Shape(1, 1, 3, 1),
    "no_mantissa": Shape(2, 5, 5, 0, nearest=True),
    "one_bit": Shape(2, 2, 1, 1, full=True, nearest=True),
    "two_bits": Shape(1, 2, 2, 2),
    "whole": Shape(1, 6, 7, 23, nearest=True),
    "whole_full": Shape(1, 7, 7, 23, full=True),
}


def cases_of(cell: str) -> Cases:
    """The parameters of a cell, by case."""
    return {
        case: {
            "LANES": shape.lanes,
            "E_MAX": shape.e_max,
            "M_MAX": shape.m_max,
            "FULL": shape.full,
            "BEATS": shape.beats,
        }
        | ({"NEAREST": shape.nearest} if cell == COMPRESSOR else {})
        for case, shape in SHAPES.items()
    }


def contract(dut: Any, case: str) -> Junction:
    """With a frame come the numbers of its format, which no other frame has to share."""
    shape = SHAPES[case]
    transform = _compressed if dut._name.endswith(COMPRESSOR) else _decompressed

    def frame(rng: np.random.Generator) -> tuple[Streams, Streams]:
        knobs = shape.draw(rng)
        sent, wanted = transform(shape, knobs, rng)
        return [sent, beats(np.array(knobs), len(knobs), KNOB_BITS)], [wanted]

    return Junction(frame, cycles=shape.beats, latency=LATENCY, inputs=("s_axis", "s_knobs"))


def _compressed(
    shape: Shape, knobs: Knobs, rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Beats of float32 numbers, and of the ranks that they become."""
    hard = _hard(shape.widest.at(knobs))
    x = rng.choice(hard, shape.beats * shape.lanes).astype(np.int64)
    op = Compress(shape.widest, NEAREST if shape.nearest else TRUNCATE, knobs)
    ranks = op.evaluate(x).astype(np.int64)
    return beats(x, shape.lanes, 32), beats(ranks, shape.lanes, shape.widest.bits)


def _decompressed(
    shape: Shape, knobs: Knobs, rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Beats of ranks, also of such as the frame's format does not have, and of their numbers."""
    end = 2 ** (shape.widest.bits - 1)
    ranks = rng.integers(-end, end, shape.beats * shape.lanes)
    narrow = shape.widest.at(knobs).top
    ranks = np.where(rng.random(ranks.shape) < 0.5, np.clip(ranks, -narrow, narrow), ranks)
    numbers = Decompress(shape.widest, knobs).evaluate(ranks)
    return beats(ranks, shape.lanes, shape.widest.bits), beats(numbers, shape.lanes, 32)


@cache
def _hard(form: CustomFloat) -> Patterns:
    rng = np.random.default_rng(0)
    return boundaries(form) if form.bits <= MANY_BITS else drawn(form, rng, 1_000)


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    promise = contract(dut, case)
    await claims.equals_golden(dut, f"{case}_", promise, idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def a_frame_waits_for_its_format(dut: Any, case: str) -> None:
    """Only its first beat does: the others pass when no more numbers have come."""
    bench = await started(dut, f"{case}_", contract(dut, case))
    frames = SHAPES[case].beats
    bench.source.send([0] * (3 * frames))
    await bench.cycles(8)
    assert bench.source.accepted == []
    for count in (1, 2):
        bench.sources[1].send([0x01_01_01])
        await bench.cycles(frames + 8)
        assert len(bench.source.accepted) == count * frames
        assert len(bench.sink.beats) == count * frames


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def a_format_waits_for_its_frame(dut: Any, case: str) -> None:
    bench = await started(dut, f"{case}_", contract(dut, case))
    bench.sources[1].send([0x01_01_01] * 3)
    for count in range(3):
        await bench.cycles(8)
        assert len(bench.sources[1].accepted) == count
        bench.source.send([0] * SHAPES[case].beats)
        await bench.cycles(SHAPES[case].beats)


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def holds_as_many_beats_as_it_has_stages(dut: Any, case: str) -> None:
    bench = await started(dut, f"{case}_", contract(dut, case))
    await bench.restart(None, [pattern((1,))])
    bench.source.send([0] * 20)
    bench.sources[1].send([0x01_01_01] * 20)
    await bench.cycles(20)
    assert len(bench.source.accepted) == LATENCY
    assert bench.sink.beats == []
    await bench.restart(None, [never()])


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def runs_at_full_rate(dut: Any, case: str) -> None:
    await claims.runs_at_full_rate(dut, f"{case}_", contract(dut, case))


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def has_exact_latency(dut: Any, case: str) -> None:
    await claims.has_exact_latency(dut, f"{case}_", contract(dut, case))


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def recovers_from_reset(dut: Any, case: str) -> None:
    await claims.recovers_from_reset(dut, f"{case}_", contract(dut, case))


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def starts_right_behind_a_short_reset(dut: Any, case: str) -> None:
    """However a frame was cut short, one cycle is enough; the next one brings its own format."""
    promise, size = contract(dut, case), SHAPES[case].beats
    bench = await started(dut, f"{case}_", promise)
    taken = 0
    for cut in range(1, 2 * size + 1):
        sent, wanted = draw_streams(promise, 3, cut)
        bench.source.send(flat(sent[0])[:cut])
        bench.sources[1].send(flat(sent[1])[: -(-cut // size)])
        taken += cut
        while len(bench.source.accepted) < taken:
            await bench.cycles(1)
        await bench.cycles(LATENCY + 1)
        done = len(bench.sink.beats)
        dut.rst.value = 1
        await FallingEdge(dut.clk)  # queued now, a beat is on offer when the reset is over
        send(bench, sent)
        await bench.cycles(1)
        dut.rst.value = 0
        beats_out = flat(wanted[0])
        assert (await bench.collect(done + len(beats_out)))[done:] == beats_out
        taken = len(bench.source.accepted)
