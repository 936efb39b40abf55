"""Plays batches through the simulator of a design that `verilator` built.

Invariant: a run ends with every beat of every output, or with the diagnostic T005.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from bitmason.diagnostics import fail

ByteArray = npt.NDArray[np.uint8]

_EXIT_STUCK = 3
_SHOWN_LINES = 12
_COMPLAINT = re.compile(r"%(Warning|Error)")
# What bm_fifo prints at the end of a run: its place in the design, and its high-water mark.
_PEAK = re.compile(r"peak \S*\.u_layer_(\w+)\.u_cell(?:\.\S+)? (\d+)")


class Write(NamedTuple):
    """A register written after the last beat of the frame before, and before the first of `frame`.

    The frame waits for the answer.
    """

    frame: int
    address: int
    value: int


class Response(IntEnum):
    """How an AXI4-Lite access was answered."""

    OKAY = 0
    SLVERR = 2
    DECERR = 3


@dataclass(frozen=True)
class RunOptions:
    """How to play the beats.

    With `stall` above zero each side holds back in each cycle with that probability. `progress` is
    told the number of finished frames now and then. The run fails after `watchdog_cycles` cycles
    without a beat on either side. `writes` stand in the order of their frames; `reads` are the
    addresses of registers to read when all is over. Both need a design that has registers.
    """

    stall: float = 0.0
    seed: int = 0
    watchdog_cycles: int = 10_000_000
    progress: Callable[[int], None] | None = None
    writes: Sequence[Write] = ()
    reads: Sequence[int] = ()


NO_STALLS = RunOptions()


@dataclass(frozen=True)
class RunResult:
    """What a simulation gave and measured; cycles are defined in the harness's header.

    `beats_out` holds one array for each output stream. `fifo_peaks` tells the most beats that each
    FIFO ever held, by its layer. `ii_cycles` is None when fewer than two frames ran or the distance
    of the second half of the frames is not constant (it never is with stalls). `values` are those
    of the registers read.
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
    values: tuple[int, ...] = ()
    read_responses: tuple[Response, ...] = ()
    write_responses: tuple[Response, ...] = ()

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
        played: list[tuple[str, object]] = [("in", work / "in"), ("json", work / "json")]
        played += [("frames", frames), ("in-beats", in_beats), ("in-bytes", in_bytes)]
        for index, (out_beats, out_bytes) in enumerate(out_shapes):
            played.append(("out", work / f"out{index}"))
            played += [("out-beats", out_beats), ("out-bytes", out_bytes)]
        if options.writes:
            np.array(options.writes, "<u8").tofile(work / "writes")
            played.append(("writes", work / "writes"))
        arguments = _as_arguments([*played, *_settings(options)])
        peaks = _play([str(binary.resolve()), *arguments], cwd, options.progress)
        beats_out = tuple(
            np.fromfile(work / f"out{index}", np.uint8).reshape(frames, *shape)
            for index, shape in enumerate(out_shapes)
        )
        measured: dict[str, Any] = json.loads((work / "json").read_text(encoding="utf-8"))
    return RunResult(beats_out, fifo_peaks=peaks, **_results(measured))


def _settings(options: RunOptions) -> list[tuple[str, object]]:
    return [
        ("stall", options.stall),
        ("seed", options.seed),
        ("watchdog", options.watchdog_cycles),
        *(("read", address) for address in options.reads),
    ]


def _as_arguments(settings: Iterable[tuple[str, object]]) -> list[str]:
    return [text for name, value in settings for text in (f"--{name}", str(value))]


def _results(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a result that the harness wrote down."""
    names = RunResult.__dataclass_fields__.keys() & measured.keys()
    found = {name: measured[name] for name in names}
    for name in ("read_responses", "write_responses"):
        found[name] = tuple(map(Response, measured.get(name, ())))
    return found | {"values": tuple(measured.get("values", ()))}


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
