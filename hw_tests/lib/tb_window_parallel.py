"""Claims about bm_window_parallel, among them which input beat each output beat follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from bitmason.ir.ops.windows import Windows
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import beats, integers
from hw_tests.bench.streams import Bench
from hw_tests.bench.wrapper import Cases

Pair = tuple[int, int]
WIDTH = 7


@dataclass(frozen=True)
class Shape:
    """An image, the windows over it, and how many pixels travel side by side."""

    image: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    folds: int = 1
    lanes: int = 1
    style: str = "auto"

    @property
    def lanes_out(self) -> int:
        """Windows that leave side by side."""
        return max(1, self.lanes // self.stride[1])

    @property
    def windows(self) -> Windows:
        """What comes out, when words stand for channels."""
        return Windows(self.kernel, self.stride, self.dilation, 1)

    def completing(self) -> list[int]:
        """The input beat that completes each output beat of a frame."""
        h, w = self.image
        pixels = np.arange(h * w).reshape(1, h, w, 1)
        taps = self.windows.evaluate(pixels)[0]
        last = taps[..., -1].reshape(taps.shape[0], -1, self.lanes_out)[..., -1]
        groups = last.ravel() // self.lanes
        return [int(group) * self.folds + fold for group in groups for fold in range(self.folds)]


SHAPES = {
    "one": Shape((3, 4), (1, 1), folds=2),
    "pixel": Shape((1, 1), (1, 1)),
    "line": Shape((1, 12), (1, 3)),
    "line_folds": Shape((1, 7), (1, 4), (1, 2), folds=3),
    "column": Shape((9, 1), (4, 1), (2, 1)),
    "square": Shape((5, 6), (3, 3)),
    "square_folds": Shape((5, 6), (3, 3), folds=4, style="block"),
    "whole": Shape((3, 4), (3, 4)),
    "oblong": Shape((6, 4), (2, 3), style="distributed"),
    "stride2": Shape((6, 7), (3, 3), (2, 2), folds=2),
    "stride3": Shape((7, 8), (2, 2), (3, 3)),
    "sparse": Shape((8, 11), (2, 3), (3, 4)),
    "skipped": Shape((5, 9), (1, 1), (3, 5), folds=2),
    "dilated": Shape((7, 8), (3, 2), (1, 2), (2, 3)),
    "lanes2": Shape((4, 6), (3, 3), lanes=2),
    "lanes2_folds": Shape((4, 6), (2, 3), (2, 1), folds=3, lanes=2),
    "lanes2_stride": Shape((6, 8), (2, 2), (2, 2), lanes=2),
    "lanes2_remainder": Shape((5, 8), (3, 3), (2, 2), folds=2, lanes=2),
    "lanes2_dilated": Shape((5, 8), (2, 2), (1, 2), (3, 5), lanes=2),
    "lanes4": Shape((6, 12), (5, 5), lanes=4),
    "lanes4_stride2": Shape((5, 12), (3, 5), (2, 2), lanes=4),
    "lanes4_stride4": Shape((5, 16), (2, 3), (1, 4), folds=2, lanes=4),
    "lanes4_whole": Shape((3, 4), (3, 1), lanes=4),
}
CASES: Cases = {
    case: {
        "WIDTH": WIDTH,
        "CF": shape.folds,
        "LANES_IN": shape.lanes,
        "H": shape.image[0],
        "W": shape.image[1],
        "KH": shape.kernel[0],
        "KW": shape.kernel[1],
        "SH": shape.stride[0],
        "SW": shape.stride[1],
        "DH": shape.dilation[0],
        "DW": shape.dilation[1],
        "RAM_STYLE": shape.style,
    }
    for case, shape in SHAPES.items()
}


def contract(case: str) -> Contract:
    """An image in, its windows out; words stand for channels here."""
    shape = SHAPES[case]
    (h, w), folds, taps = shape.image, shape.folds, shape.windows.taps

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        x = integers(rng, (1, h, w, folds), WIDTH, signed=False)
        y = shape.windows.evaluate(x)
        pixels = x.reshape(-1, shape.lanes, folds).transpose(0, 2, 1)
        windows = y.reshape(-1, shape.lanes_out, folds, taps).transpose(0, 2, 1, 3)
        return beats(pixels, shape.lanes, WIDTH), beats(windows, shape.lanes_out * taps, WIDTH)

    cycles = h * w // shape.lanes * folds
    return Contract(frame, cycles, latency=1, needs=shape.completing()[0] + 1)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE)
async def emits_right_after_the_last_tap(dut: Any, case: str, idle: str) -> None:
    bench = await Bench.start(dut, f"{case}_", claims.pause(idle, 5))
    sent, wanted = claims.draw(contract(case), 3, 5)
    bench.source.send(claims.flat(sent))
    await bench.collect(len(claims.flat(wanted)))
    accepted = np.array(bench.source.accepted)
    frames = range(0, len(claims.flat(sent)), len(sent[0]))
    completing = [frame + beat for frame in frames for beat in SHAPES[case].completing()]
    np.testing.assert_array_equal(bench.sink.offered, accepted[completing] + 1)


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
