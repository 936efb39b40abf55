"""Claims about bm_window, among them that its control is the small model below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Never

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from bitmason.ir.ops.windows import Windows
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import integers
from hw_tests.bench.streams import Bench
from hw_tests.bench.wrapper import Cases

Pair = tuple[int, int]
WIDTH = 9


@dataclass(frozen=True)
class Shape:
    """An image, the windows over it, and what the memory holds beyond the least, in pixels."""

    image: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    blocks: int = 1
    words: int = 1
    spare: int = 0
    style: str = "auto"

    @property
    def positions(self) -> Pair:
        """Windows down and across."""
        down, across = (
            (extent - 1 - (taps - 1) * apart) // step + 1
            for extent, taps, apart, step in zip(
                self.image, self.kernel, self.dilation, self.stride, strict=True
            )
        )
        return down, across

    @property
    def per_pixel(self) -> int:
        """Words per pixel."""
        return self.blocks * self.words

    @property
    def reach(self) -> int:
        """Pixels from the first tap of a window to the last, in raster order."""
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        return (kh - 1) * dh * self.image[1] + (kw - 1) * dw

    @property
    def depth(self) -> int:
        """Pixels that the memory holds."""
        return self.reach + 1 + self.spare

    @property
    def beats_in(self) -> int:
        """Input beats per frame."""
        return int(np.prod(self.image)) * self.per_pixel

    @property
    def beats_out(self) -> int:
        """Output beats per frame."""
        return int(np.prod(self.positions) * np.prod(self.kernel)) * self.per_pixel


class Control:
    """The registers of bm_window that decide when beats move."""

    def __init__(self, shape: Shape) -> None:
        (h, w), (kh, kw), (sh, sw), (dh, dw) = (
            shape.image, shape.kernel, shape.stride, shape.dilation
        )  # fmt: skip
        (oh, ow), cf, words = shape.positions, shape.per_pixel, shape.words
        last = shape.reach * cf  # from the first to the last tap
        # Loops from the innermost outwards: how often each goes round, how far the read moves, and
        # how much it frees.
        self._counts = (words, kw, kh, shape.blocks, ow, oh, 1)
        free_row = (sh * w - (ow - 1) * sw) * cf
        free_frame = (h * w - (oh - 1) * sh * w - (ow - 1) * sw) * cf
        self._frees = (0, 0, 0, 0, sw * cf, free_row, free_frame)
        self._moves = (
            1,
            dw * cf - (words - 1),
            (dh * w - (kw - 1) * dw) * cf - (words - 1),
            1 - last,
            sw * cf - last - (cf - 1),
            free_row - last - (cf - 1),
            free_frame - last - (cf - 1),
        )
        self._held = shape.depth * cf
        self._place = [0] * 6
        self._level = 0  # words written and not freed
        self._ahead = 0  # words written from the one to read on
        self.valid = False

    def ready(self, sink_ready: bool) -> bool:
        """Whether a beat is taken in this cycle."""
        return self._level < self._held

    def step(self, push: bool, sink_ready: bool) -> None:
        """Clock the registers; ``push`` says that a beat was taken."""
        en = sink_ready or not self.valid
        fire = en and self._ahead > 0
        if en:
            self.valid = fire
        self._level += push
        self._ahead += push
        if fire:
            loop = 0
            while loop < 6 and self._place[loop] == self._counts[loop] - 1:
                self._place[loop] = 0
                loop += 1
            if loop < 6:
                self._place[loop] += 1
            self._level -= self._frees[loop]
            self._ahead -= self._moves[loop]


def steady_cycles(shape: Shape) -> int:
    """Cycles per frame, after a few, by the control model and with both ends always willing."""
    control = Control(shape)
    ends: list[int] = []
    beats = cycle = 0
    while len(ends) < 5:
        beats += control.valid
        if control.valid and beats % shape.beats_out == 0:
            ends.append(cycle)
        control.step(control.ready(True), True)
        cycle += 1
    return ends[-1] - ends[-2]


LEAST = {
    "one": Shape((3, 4), (1, 1)),
    "column": Shape((9, 1), (4, 1), (2, 1)),
    "square": Shape((5, 6), (3, 3)),
    "stride2": Shape((6, 7), (3, 3), (2, 2), style="block"),
    "stride3": Shape((7, 8), (2, 2), (3, 3), words=2),
    "sparse": Shape((8, 11), (2, 3), (3, 4), blocks=2),
    "skipped": Shape((5, 9), (1, 1), (3, 5), words=2),
    "dilated": Shape((7, 8), (3, 2), (1, 2), (2, 3)),
    "depthwise": Shape((4, 5), (3, 3), blocks=2, words=2),
}
DEEP = {
    "one_deep": Shape((3, 4), (1, 1), spare=1),
    "pixel_deep": Shape((1, 1), (1, 1), blocks=2, words=3, spare=1),
    "line_deep": Shape((1, 12), (1, 3), words=2, spare=4),
    "square_deep": Shape((5, 6), (3, 3), spare=7),
    "whole_deep": Shape((3, 4), (3, 4), words=2, spare=12),
    "oblong_deep": Shape((6, 4), (2, 3), spare=40, style="distributed"),
    "stride2_deep": Shape((6, 7), (3, 3), (2, 2), spare=16, style="block"),
    "stride3_deep": Shape((7, 8), (2, 2), (3, 3), words=2, spare=8),
    "sparse_deep": Shape((8, 11), (2, 3), (3, 4), blocks=2, spare=10),
    "dilated_deep": Shape((7, 8), (3, 2), (1, 2), (2, 3), spare=45),
    "depthwise_deep": Shape((4, 4), (3, 3), blocks=3, words=2, spare=20),
}
SHAPES = LEAST | DEEP
CASES: Cases = {
    case: {
        "WIDTH": WIDTH,
        "BLOCKS": shape.blocks,
        "WORDS": shape.words,
        "H": shape.image[0],
        "W": shape.image[1],
        "KH": shape.kernel[0],
        "KW": shape.kernel[1],
        "SH": shape.stride[0],
        "SW": shape.stride[1],
        "DH": shape.dilation[0],
        "DW": shape.dilation[1],
        "DEPTH": shape.depth,
        "RAM_STYLE": shape.style,
    }
    for case, shape in SHAPES.items()
}


def contract(case: str) -> Contract:
    """An image in, its windows out; words stand for channels here."""
    shape = SHAPES[case]
    windows = Windows(shape.kernel, shape.stride, shape.dilation, shape.words)

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        x = integers(rng, (1, *shape.image, shape.per_pixel), WIDTH, signed=False)
        return x.ravel().tolist(), windows.evaluate(x).ravel().tolist()

    needed = max(shape.beats_in, shape.beats_out)
    return Contract(frame, needed if case in DEEP else steady_cycles(shape), latency=2)


async def agrees(dut: Any, case: str, control: Control) -> Never:
    """Compare the handshakes of every cycle with the model's."""
    names = ("s_axis_tvalid", "s_axis_tready", "m_axis_tvalid", "m_axis_tready")
    signals = [getattr(dut, f"{case}_{name}") for name in names]
    cycle = 0
    while True:
        await RisingEdge(dut.clk)
        offered, ready, valid, sink_ready = (bool(signal.value) for signal in signals)
        found, modelled = (ready, valid), (control.ready(sink_ready), control.valid)
        assert found == modelled, f"cycle {cycle}: ready, valid = {found}, not {modelled}"
        control.step(offered and ready, sink_ready)
        cycle += 1


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL)
async def moves_as_its_control_model(dut: Any, case: str, idle: str, stall: str) -> None:
    pauses = claims.pause(idle, 3), claims.pause(stall, 4)
    bench = await Bench.start(dut, f"{case}_", *pauses)
    sent, wanted = claims.draw(contract(case), 4, 7)
    bench.source.send(claims.flat(sent))
    watch = cocotb.start_soon(agrees(dut, case, Control(SHAPES[case])))
    await bench.collect(len(claims.flat(wanted)))
    await bench.cycles(SHAPES[case].depth * SHAPES[case].per_pixel + 5)
    assert not watch.done(), "the model was left before the end"
    watch.cancel()


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
