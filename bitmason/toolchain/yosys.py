"""Synthesis with yosys: how much of a device a SystemVerilog module takes.

Invariant: yosys runs in a process of its own, because its state is global and it may crash; nothing
but the `Area` (and the netlist, where asked for) comes back.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bitmason.diagnostics import fail

_LOG_NOTES = 8
_TIMEOUT_S = 3600

# Reads one command a line and stops, as yosys does, at the first that fails.
_DRIVER: Final = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.stdin.read().splitlines():
    libyosys.run_pass(command, design)
"""

# The primitives that bm_* cells name: slang wants a declaration, yosys brings the model itself.
_XC7_PRIMITIVES: Final = """
(* blackbox *)
module LUT1 #(parameter [1:0] INIT = 0) (output O, input I0);
endmodule
(* blackbox *)
module LUT5 #(parameter [31:0] INIT = 0) (output O, input I0, I1, I2, I3, I4);
endmodule
(* blackbox *)
module LUT6 #(parameter [63:0] INIT = 0) (output O, input I0, I1, I2, I3, I4, I5);
endmodule
(* blackbox *)
module LUT6_2 #(parameter [63:0] INIT = 0) (output O6, output O5, input I0, I1, I2, I3, I4, I5);
endmodule
(* blackbox *)
module CARRY4 (output [3:0] CO, output [3:0] O, input CI, CYINIT, input [3:0] DI, S);
endmodule
"""


@dataclass(frozen=True)
class Device:
    """How yosys synthesises for a family, and what the family's primitives are."""

    command: str
    primitives: str
    carry: str
    luts_per_carry: int  # LUTs that a carry cell has inside; 0 where it stands beside them


DEVICES: Final[Mapping[str, Device]] = MappingProxyType(
    {
        "xc7": Device("synth_xilinx -family xc7 -noiopad -flatten", _XC7_PRIMITIVES, "CARRY4", 0),
        "ecp5": Device("synth_ecp5", "", "CCU2C", 2),
    }
)

_LUT: Final = re.compile(r"LUT([1-6])(_2)?")
_FF: Final = re.compile(r"FD[CPRS]E(_1)?|TRELLIS_FF")
_SRL: Final = re.compile(r"SRL16E|SRLC16E|SRLC32E")
_DSP: Final = frozenset({"DSP48E1", "MULT18X18D"})
_BRAM18: Final = frozenset({"RAMB18E1", "DP16KD", "PDPW16KD"})
_LUTS_PER_RAM: Final[Mapping[str, int]] = MappingProxyType(
    {
        "RAM32X1S": 1,
        "RAM64X1S": 1,
        "RAM32X1D": 2,
        "RAM64X1D": 2,
        "RAM128X1S": 2,
        "RAM128X1D": 4,
        "RAM256X1S": 4,
        "RAM32M": 4,
        "RAM64M": 4,
        "TRELLIS_DPR16X4": 4,
    }
)


@dataclass(frozen=True)
class Area:
    """What a module takes on a device, before place and route.

    A LUT6_2, one LUT6 with both outputs used, counts once. `lut_by_size[k - 1]` is the number of
    LUTs with k inputs. `lut_sites` adds to them the LUTs inside carry cells (ECP5), shift registers
    and distributed memories.
    """

    lut: int
    lut_by_size: tuple[int, ...]
    lut_sites: int
    ff: int
    carry: int
    dsp: int
    bram18: int
    bram36: int
    srl: int


def find() -> str | None:
    """Return the version of the installed pyosys, or None without it."""
    if importlib.util.find_spec("pyosys") is None:
        return None
    return importlib.metadata.version("pyosys")


def synthesise(
    files: Iterable[Path],
    top: str,
    *,
    device: str = "xc7",
    parameters: Mapping[str, int | str] = MappingProxyType({}),
    netlist: Path | None = None,
    memories: Iterable[Path] = (),
    dsp: bool = True,
) -> Area:
    """Synthesise the module `top` of `files` and return what it takes on `device`.

    Args:
        files: SystemVerilog sources, in any order.
        top: the module to synthesise.
        device: one of `DEVICES`.
        parameters: values for the parameters of `top`.
        netlist: where to write the mapped netlist as JSON, if anywhere.
        memories: files that the sources name in `$readmemh`.
        dsp: whether products may go to DSP blocks; yosys does not ask `use_dsp` in the sources.

    Raises:
        CompileError: without yosys (T002), or when it rejects the design (T003).
    """
    family = DEVICES[device]
    with tempfile.TemporaryDirectory(prefix="bitmason-yosys-") as name:
        scratch = Path(name)
        (scratch / "primitives.sv").write_text(family.primitives, encoding="utf-8")
        sources = [scratch / "primitives.sv", *(file.resolve() for file in files)]
        arguments = _slang_arguments(sources, top, parameters)
        for memory in memories:
            (scratch / memory.name).write_bytes(memory.read_bytes())
        (scratch / "slang.f").write_text(arguments, encoding="utf-8")
        run(
            [
                "read_slang -f slang.f",
                "scratchpad -set abc9.verify false",
                f"{family.command} -top {top}{'' if dsp else ' -nodsp'}",
                "tee -q -o stat.json stat -json",
                *(["write_json netlist.json"] if netlist else []),
            ],
            scratch,
            subject=f"module {top}",
        )
        if netlist:
            netlist.write_bytes((scratch / "netlist.json").read_bytes())
        stat = json.loads((scratch / "stat.json").read_text(encoding="utf-8"))
    return area_of(stat["design"]["num_cells_by_type"], family)


def run(commands: Iterable[str], folder: Path, *, subject: str) -> str:
    """Run yosys commands in `folder`, in a process of their own, and return the log.

    Raises:
        CompileError: without yosys (T002), or when a command fails (T003); `subject` says on what.
    """
    if find() is None:
        fail("T002", "yosys is not installed", help="pip install 'bitmason[synth]'")
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER],
        input="\n".join(commands),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        fail("T003", f"yosys failed on {subject}", notes=lines[-_LOG_NOTES:])
    return done.stdout


def area_of(cells: Mapping[str, int], family: Device) -> Area:
    """Sort the cells of a mapped netlist, counted by type, into an `Area`."""
    lut_by_size = [0] * 6
    for cell, count in cells.items():
        if match := _LUT.fullmatch(cell):
            lut_by_size[int(match[1]) - 1] += count
    lut = sum(lut_by_size)
    srl = _count(cells, _SRL)
    carry = cells.get(family.carry, 0)
    memory = sum(cells.get(cell, 0) * luts for cell, luts in _LUTS_PER_RAM.items())
    return Area(
        lut=lut,
        lut_by_size=tuple(lut_by_size),
        lut_sites=lut + srl + memory + carry * family.luts_per_carry,
        ff=_count(cells, _FF),
        carry=carry,
        dsp=sum(cells.get(cell, 0) for cell in _DSP),
        bram18=sum(cells.get(cell, 0) for cell in _BRAM18),
        bram36=cells.get("RAMB36E1", 0),
        srl=srl,
    )


def _count(cells: Mapping[str, int], kind: re.Pattern[str]) -> int:
    return sum(count for cell, count in cells.items() if kind.fullmatch(cell))


def _slang_arguments(files: Iterable[Path], top: str, parameters: Mapping[str, int | str]) -> str:
    """Return a slang command file; quotes and spaces in values and paths survive its parser."""
    values = (
        f"{name}={_quoted(value) if isinstance(value, str) else value}"
        for name, value in parameters.items()
    )
    lines = [f"--top {_quoted(top)}", *(f"-G {_quoted(value)}" for value in values)]
    return "\n".join([*lines, *(_quoted(str(file)) for file in files), ""])


def _quoted(argument: str) -> str:
    return '"' + argument.replace("\\", "\\\\").replace('"', '\\"') + '"'
