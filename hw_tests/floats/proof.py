"""Compares RTL, HLS C++ and the golden model on as many float32 patterns as there are.

Invariant: one program holds the cells and the functions of all formats and compares these; every
code that it made is compared here with what the golden model gives for the whole block.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from io import BufferedReader
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.rounding import Rounding
from bitmason.toolchain import gxx, verilator
from bitmason.toolchain.gxx import Unit
from hw_tests.floats.cpp import build, members
from hw_tests.floats.patterns import Patterns

HERE = Path(__file__).parent
LIBRARY = HERE.parents[1] / "bitmason" / "templates" / "sv" / "lib"
CELLS = ("bm_float_encode", "bm_float_decode")
FORMATS = (
    CustomFloat(4, 3, 7),
    CustomFloat(3, 2, 15, full=True),
    CustomFloat(5, 6, 120),
)
PLAYED: list[tuple[CustomFloat, Rounding]] = [
    (form, rounding) for form in FORMATS for rounding in (TRUNCATE, NEAREST)
]
BLOCK = 1 << 12  # of which the golden model's arrays stay in a cache
LANES = 16
_RANGES = 256
# Of Verilator's run-time library, what a design without a clock needs.
_SUPPORT = ("verilated.cpp", "verilated_threads.cpp")
_VERILATE = ("--cc", "--prefix", "Vdut", "--top-module", "dut", "--no-timing", "--quiet", "-Wall")


def make_program(folder: Path) -> Path:
    """Return the program that all_patterns.cpp describes, built in `folder`."""
    tool = verilator.find()
    (folder / "dut.sv").write_text(_top())
    sources = [folder / "dut.sv", *(LIBRARY / f"{cell}.sv" for cell in CELLS)]
    command = [tool.binary, *_VERILATE, "--Mdir", folder, *sources]
    subprocess.run(list(map(str, command)), check=True, env={"VERILATOR_ROOT": str(tool.root)})
    include = tool.root / "include"
    headers = ("-isystem", str(include), "-isystem", str(include / "vltstd"))
    parts = {
        "model": (sorted(folder.glob("Vdut*.cpp")), "-O2"),
        "support": ([include / name for name in _SUPPORT], "-O0"),
    }
    units = []
    for name, (sources, speed) in parts.items():
        unit = folder / f"{name}.cpp"
        unit.write_text("".join(f'#include "{path}"\n' for path in sources))
        flags = ("-std=gnu++17", "-w", speed, *headers)
        units.append(Unit(unit, unit.with_suffix(".o"), flags))
    gxx.compile_units(gxx.find(), units, 2, folder / "log")
    objects = [str(unit.output) for unit in units]
    options = ["-std=gnu++17", "-O2", "-ftree-vectorize", *headers, "-pthread", *objects]
    return build(HERE / "all_patterns.cpp", folder, {"cells.hpp": _declarations()}, options)


def check(program: Path, first: int, count: int, step: int = 1) -> int:
    """Check the patterns `first + i * step` modulo 2**32 for i below `count`; return how many."""
    assert count % BLOCK == 0, count
    codes = np.empty((len(PLAYED), BLOCK), np.uint16)
    offsets = np.arange(BLOCK, dtype=np.uint64) * np.uint64(step)
    words = [str(program), str(first), str(count), str(step)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert isinstance(running.stdout, BufferedReader)
        for block in range(count // BLOCK):
            if running.stdout.readinto(codes.data) != codes.nbytes:
                raise AssertionError(running.communicate()[1].decode())
            start = np.uint64((first + block * BLOCK * step) % 2**32)
            _compare((start + offsets).astype(np.uint32), codes)
    return count


def check_all(program: Path, workers: int, progress: Callable[[int], None]) -> None:
    """Check every pattern that there is, in ranges side by side; tell how many were right."""
    share = 2**32 // _RANGES
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        steps = [pool.submit(check, program, i * share, share) for i in range(_RANGES)]
        try:
            for step in as_completed(steps):
                progress(step.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _compare(patterns: Patterns, codes: npt.NDArray[np.uint16]) -> None:
    for (form, rounding), found in zip(PLAYED, codes, strict=True):
        if not np.array_equal(form.encode_bits(patterns, rounding), found):
            raise AssertionError(f"{form} {rounding}: other codes from {patterns[0]:08x} on")


def _top() -> str:
    """Return a design that holds the cells of each format, as many as there are lanes."""
    cells = "\n".join(_cell(*one, index) for index, one in enumerate(PLAYED))
    count = len(PLAYED) * LANES
    return f"""
module dut (
  input  wire logic [{LANES - 1}:0][31:0] x,
  output wire logic [{count - 1}:0][15:0] codes,
  output wire logic [{count - 1}:0][31:0] numbers
);
  for (genvar i = 0; i < {LANES}; i++) begin : gen_lane
{cells}
  end
endmodule
"""


def _cell(form: CustomFloat, rounding: Rounding, index: int) -> str:
    name, place = f"code{index}", f"[{index * LANES} + i]"
    shape = f".E_BITS({form.e_bits}), .M_BITS({form.m_bits}), .BIAS({form.bias})"
    nearest = f".LARGEST({form.top}), .NEAREST({int(rounding == NEAREST)})"
    return f"""
    logic [{form.bits - 1}:0] {name};
    bm_float_encode #({shape}, {nearest}) u_encode{index} (.x(x[i]), .code({name}));
    bm_float_decode #({shape}) u_decode{index} (.code({name}), .x(numbers{place}));
    assign codes{place} = 16'({name});"""


def _declarations() -> str:
    structs = [f"struct F{i} {{\n{members(*one)}}};\n" for i, one in enumerate(PLAYED)]
    functions = ", ".join(f"{{encode<F{i}>, decode<F{i}>}}" for i in range(len(PLAYED)))
    return (
        f"constexpr std::size_t BLOCK = {BLOCK}, LANES = {LANES};\n{''.join(structs)}"
        f"constexpr Functions FUNCTIONS[] = {{{functions}}};\n"
    )
