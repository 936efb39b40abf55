"""bm_xnor_popcount, simulated: the short form for simulators, then what synthesis makes of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bitmason.toolchain import verilator, yosys
from bitmason.toolchain.netlist import Netlist, Simulation
from hw_tests.bench.runner import LIBRARY, run_cell
from hw_tests.bench.wrapper import wrap
from hw_tests.lib.tb_xnor_popcount import EXHAUSTIVE_N, MAPPED_SHAPES, Shape, cases

CELL = "bm_xnor_popcount"
FILES = [
    LIBRARY / f"{name}.sv"
    for name in ("bm_delay", "bm_xnor_counter", "bm_bit_counter", "bm_compressor_tree", CELL)
]
TARGETS = ("generic", "xilinx")
LANES = 4**EXHAUSTIVE_N

Bits = npt.NDArray[np.bool_]


class Driver:
    """Draws the inputs of one case, one pair of vectors a lane, and knows the counts."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self._shape = shape
        self._rng = np.random.default_rng(seed)
        self._counts = np.zeros((shape.stages + 1, LANES), np.int64)
        self._edges = np.zeros(LANES, np.int64)

    def draw(self) -> dict[str, Bits]:
        """Inputs of one cycle, a row a bit."""
        n = self._shape.n
        lane = np.arange(LANES)
        place = np.arange(n)[:, None]
        counted = self._rng.random((n, LANES)) < self._rng.random(LANES)
        counted[:, 0], counted[:, 1] = False, True
        if n <= 10:
            counted = (lane >> place & 1).astype(bool)
        w = self._rng.random((n, LANES)) < 0.5
        x = ~(w ^ counted)
        if self._shape.op == "and":
            w, x = w | counted, self._rng.random((n, LANES)) < 0.5
            x = np.where(w, counted, x)
        if n <= EXHAUSTIVE_N:
            w, x = (lane >> place & 1).astype(bool), (lane >> (place + n) & 1).astype(bool)
        counted = w & x if self._shape.op == "and" else w == x
        enabled = self._rng.random((1, LANES)) < 0.7
        self._counts[0] = counted.sum(axis=0)
        return {"en": enabled, "w": w, "x": x}

    def check(self, shown: Bits, enabled: Bits) -> None:
        """Compare the counts shown in this cycle, then move on by a clock edge."""
        stages = self._shape.stages
        count = (shown << np.arange(len(shown))[:, None]).sum(axis=0)
        valid = self._edges >= stages
        np.testing.assert_array_equal(count[valid], self._counts[stages][valid], self._shape.case)
        self._counts[1:, enabled[0]] = self._counts[:-1, enabled[0]]
        self._edges += enabled[0]


def test_xnor_popcount_counts() -> None:
    run_cell(CELL, cases("generic"), "hw_tests.lib.tb_xnor_popcount")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "shapes", [MAPPED_SHAPES, pytest.param([Shape(784, 1)], marks=pytest.mark.slow)], ids=len
)
def test_synthesised_netlist_counts(target: str, shapes: list[Shape], tmp_path: Path) -> None:
    pytest.importorskip("pyosys")
    top = tmp_path / "mapped.sv"
    netlist = tmp_path / "netlist.json"
    top.write_text(wrap("mapped", CELL, {s.case: cases(target)[s.case] for s in shapes}, LIBRARY))
    yosys.synthesise([top, *FILES], "mapped", netlist=netlist)
    simulation = Simulation(Netlist.load(netlist, "mapped"), LANES)
    drivers = {shape.case: Driver(shape, shape.n) for shape in shapes}
    for _ in range(2 + 2 * max(shape.stages for shape in shapes)):
        drawn = {case: driver.draw() for case, driver in drivers.items()}
        inputs = {
            f"{case}_{port}": packed(bits)
            for case, ports in drawn.items()
            for port, bits in ports.items()
        }
        shown = simulation.step(inputs | {"clk": [0]})
        for case, driver in drivers.items():
            driver.check(unpacked(shown[f"{case}_count"]), drawn[case]["en"])


@pytest.mark.parametrize("op", ["xnor", "and"])
@pytest.mark.parametrize("target", TARGETS)
def test_tree_for_synthesis_is_lint_clean(target: str, op: str, tmp_path: Path) -> None:
    tool = verilator.find()
    primitives = tmp_path / "primitives.sv"
    primitives.write_text(yosys.DEVICES["xc7"].primitives)
    for n in (1, 2, 3, 8, 16, 49, 100):
        command = [str(tool.binary), "--lint-only", "-Wall", "-Wno-fatal", "-DSYNTHESIS"]
        values = [f"-GN={n}", f"-GSTAGES={n % 4}", f'-GTARGET="{target}"', f'-GOP="{op}"']
        values += ["--top-module", CELL]
        lint = subprocess.run(
            [*command, *values, "-v", str(primitives), *map(str, FILES)],
            env=os.environ | {"VERILATOR_ROOT": str(tool.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        # The declarations of the primitives have no contents, about which Verilator complains.
        complaints = [line for line in lint.stderr.splitlines() if "%" in line and "bm_" in line]
        assert (lint.returncode, complaints) == (0, [])


def packed(bits: Bits) -> list[int]:
    """From one row a bit to one int a bit, lane 0 in its least significant bit."""
    rows = np.packbits(bits, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in rows]


def unpacked(words: list[int]) -> Bits:
    """The inverse of `packed`."""
    rows = [np.frombuffer(word.to_bytes(LANES // 8, "little"), np.uint8) for word in words]
    return np.unpackbits(np.stack(rows), axis=1, bitorder="little").astype(bool)
