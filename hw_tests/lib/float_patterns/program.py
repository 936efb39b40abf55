"""Builds the verilated program, and sends arrays through it.

Invariant: a request is read whole before it is answered, so neither side waits for the other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from bitmason.ir.custom_float import NEAREST, CustomFloat
from bitmason.ir.rounding import Rounding
from bitmason.toolchain import gxx, verilator
from hw_tests.bench.runner import BUILDS, LIBRARY, TOOLS
from hw_tests.lib.float_patterns import top
from hw_tests.lib.float_patterns.formats import DECODED, EXPANDED

Words = npt.NDArray[np.uint32]

MAIN = Path(__file__).with_name("main.cpp")
_ENGINES = ("encode", "decode", "to_fixed", "compressor_var", "decompressor_var")
_INSIDE = ("constants", "encode_var", "decode_var")
_CELLS = [LIBRARY / f"bm_float_{name}.sv" for name in (*_ENGINES, *_INSIDE)]
_FLAGS = ("-std=gnu++17", "-w", "-O2", "-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0")
_NO_TRACES = tuple(f"-DVM_{kind}=0" for kind in ("TIMING", "TRACE", "TRACE_FST", "TRACE_VCD"))


class Kind(IntEnum):
    """What a request asks for, as main.cpp numbers it."""

    ENCODE = 0
    DECODE = 1
    COMPRESS = 2
    DECOMPRESS = 3


class Engines:
    """The engines of the running program."""

    def __init__(self, to: IO[bytes], back: IO[bytes]) -> None:
        self._to = to
        self._back = back

    def encode(self, patterns: Words) -> Words:
        """The codes of patterns, of every one of `top.ENCODERS`."""
        return self._ask(Kind.ENCODE, patterns, len(top.ENCODERS))

    def decode(self, codes: Words) -> tuple[Words, npt.NDArray[np.int64]]:
        """The float32 patterns by `DECODED` and the fixed point by `EXPANDED` of codes."""
        rows = len(DECODED) + 2 * len(EXPANDED)
        words = self._ask(Kind.DECODE, codes, rows)
        low, high = (words[len(DECODED) + half :: 2].astype(np.uint64) for half in (0, 1))
        return words[: len(DECODED)], (low | high << np.uint64(32)).view(np.int64)

    def compress(self, patterns: Words, form: CustomFloat, rounding: Rounding) -> Words:
        """The codes of patterns from the engine for run-time formats."""
        return self._ask(Kind.COMPRESS, patterns, 1, form, rounding).ravel()

    def decompress(self, codes: Words, form: CustomFloat) -> Words:
        """The float32 patterns of codes from the engine for run-time formats."""
        return self._ask(Kind.DECOMPRESS, codes, 1, form).ravel()

    def _ask(
        self,
        kind: Kind,
        words: Words,
        rows: int,
        form: CustomFloat = EXPANDED[0],
        rounding: Rounding = NEAREST,
    ) -> Words:
        padded = np.concatenate([words, np.zeros(-len(words) % top.LANES, np.uint32)])
        full, nearest = form.largest is not None, rounding == NEAREST
        shape = (form.e_bits, form.m_bits, form.bias % 2**32, full, nearest)
        self._to.write(np.array([kind, len(padded), *shape], np.uint32).tobytes())
        self._to.write(padded.tobytes())
        self._to.flush()
        answer = self._back.read(4 * rows * len(padded))
        return np.frombuffer(answer, np.uint32).reshape(rows, -1)[:, : len(words)]


@contextmanager
def running() -> Iterator[Engines]:
    """The program, built if need be, until the end of the block."""
    with subprocess.Popen([build()], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        yield Engines(program.stdin, program.stdout)
        program.stdin.close()
    assert program.returncode == 0


def build() -> Path:
    """Return the program; it is kept under a hash of all that it is made of."""
    text = top.text()
    digest = hashlib.sha256(f"{TOOLS}{text}".encode())
    for source in (MAIN, *_CELLS):
        digest.update(source.read_bytes())
    folder = BUILDS / f"float_patterns-{digest.hexdigest()[:16]}"
    program = folder / "program"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # Tests of one file run side by side: the first one builds for all.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            (folder / "top.sv").write_text(text)
            _compile(folder).replace(program)
    return program


def _compile(folder: Path) -> Path:
    """Verilate, and compile all that came of it in one unit."""
    tool, log = verilator.find(), folder / "build.log"
    options = ("--cc", "--make", "json", "--quiet", "-O3", "--x-assign", "fast", "--assert")
    names = ("--prefix", "Vtop", "--top-module", "top", "--Mdir", folder, "-Wno-fatal")
    sources = [*_CELLS, folder / "top.sv"]
    environment = {"VERILATOR_ROOT": str(tool.root)}
    verilate: list[str | Path] = [tool.binary, *options, *names, *sources]
    gxx.run_logged(verilate, log, "Verilator", **environment)
    listed = json.loads((folder / "Vtop.json").read_text())["sources"]
    units = [*sorted(folder.glob("Vtop*.cpp")), *listed["global"], MAIN]
    unit = folder / "unit.cpp"
    unit.write_text("".join(f'#include "{name}"\n' for name in units))
    include = tool.root / "include"
    paths = (f"-I{folder}", f"-I{include}", f"-I{include / 'vltstd'}")
    made = folder / "program.partial"
    command: list[str | Path] = [
        gxx.find().path,
        *_FLAGS,
        *_NO_TRACES,
        "-DVM_TRACE_SAIF=0",
        *paths,
        unit,
    ]
    gxx.run_logged([*command, "-pthread", "-o", made], log, "compiling the engines")
    return made
