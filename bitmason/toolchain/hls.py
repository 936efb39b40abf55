"""The HLS C++ of a design on this machine: builds a library with g++, plays batches through it.

Invariant: a library is named by the hash of everything it was built from, and appears whole or not
at all; a run ends with every beat of every output, or with the diagnostic T005.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import importlib.util
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bitmason.diagnostics import fail
from bitmason.ir.types import IntArray
from bitmason.toolchain import gxx as cxx
from bitmason.toolchain.gxx import Unit

ByteArray = npt.NDArray[np.uint8]
SettingArray = npt.NDArray[np.uint32]
Shape = tuple[int, int]  # beats of a frame, bytes of a beat

CURE = "pip install 'bitmason[hls]'"
_PACKAGE = "hls4ml"
_FOLDER = ("templates", "vivado", "ap_types")
# Symbols stay inside: networks that name their layers alike live in one process.
_FLAGS = ("-std=c++14", "-fPIC", "-fvisibility=hidden", "-w")
NATIVE = "-DBITMASON_NATIVE"  # calculate in the host's integers, not in ap_int
_JOBS = 2  # the network, and what carries bytes to and from it
_PROGRAM = "testbench.cpp"
_SOURCES = frozenset({".cpp", ".hpp", ".h"})
_MESSAGE_BYTES = 1024
_MOST = 2**32 - 1  # of a number in a setting
_PARTS = 200  # of a batch, after each of which progress is told


@dataclass(frozen=True)
class ApTypes:
    """The folder of `ap_int.h`, and the version of the package that ships it."""

    folder: Path
    version: str


def locate() -> ApTypes | None:
    """Return the open headers of `ap_int` in the installed hls4ml, which is not imported."""
    try:
        spec = importlib.util.find_spec(_PACKAGE)
        version = importlib.metadata.version(_PACKAGE)
    except (ImportError, ValueError):
        return None
    places = [] if spec is None else spec.submodule_search_locations or []
    folders = (Path(place).joinpath(*_FOLDER) for place in places)
    found = next((folder for folder in folders if (folder / "ap_int.h").is_file()), None)
    return None if found is None else ApTypes(found, version)


def find() -> ApTypes:
    """Return the headers of `ap_int`, or stop with T007."""
    found = locate()
    if found is None:
        fail("T007", "the ap_int headers, which the hls4ml package ships, are missing", help=CURE)
    return found


def build(
    folder: Path,
    files: Sequence[str],
    top: str,
    build_dir: Path,
    *,
    options: Sequence[str] = ("-O3", NATIVE),
    jobs: int = _JOBS,
) -> Path:
    """Return the library of a network, built in `build_dir` unless it is there already.

    The log of the build stays beside the library.

    Args:
        folder: its HLS project.
        files: the project's files, relative to `folder`.
        top: its top function.
        build_dir: where libraries are kept.
        options: of g++. Without `NATIVE` elements are ap_int as in Vitis HLS, which gives the same
            bits and takes ten times as long.
        jobs: the number of compilers at once.

    Raises:
        CompileError: T006 or T007 when a tool is missing, T004 when the code is rejected.
    """
    gxx, types = cxx.find(), find()
    sources = sorted(name for name in files if Path(name).suffix in _SOURCES)
    flags = (*_FLAGS, *options, f"-I{folder / 'sim'}", "-isystem", str(types.folder))
    library = build_dir / f"{top}-{_hash_of(folder, sources, (gxx, types, _FLAGS, options))}.so"
    if library.exists():
        return library
    build_dir.mkdir(parents=True, exist_ok=True)
    log = build_dir / f"{library.name}.log"
    log.write_text("", encoding="utf-8")
    units = [folder / name for name in sources if name.endswith(".cpp") and name != _PROGRAM]
    with tempfile.TemporaryDirectory(prefix="hls-", dir=build_dir) as scratch:
        work = Path(scratch)
        objects = [work / f"{index}.o" for index in range(len(units))]
        steps = [Unit(unit, made, flags) for unit, made in zip(units, objects, strict=True)]
        cxx.compile_units(gxx, steps, jobs, log)
        made = work / library.name
        cxx.run_logged([gxx.path, "-shared", *objects, "-o", made], log, "linking the library")
        made.replace(library)
    return library


def run(
    library: Path,
    beats_in: Sequence[ByteArray],
    out_shapes: Sequence[Shape],
    *,
    settings: IntArray | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[ByteArray, ...]:
    """Play `beats_in[frames, beats, bytes]`, one array for each input, through the network.

    `out_shapes` tells, for each output, the beats of a frame and the bytes of a beat. Frames are
    independent of each other: `threads` of them run at once, by default one on each processor.
    `settings[frames, knobs]` sets a network that has knobs; each is at its maximum by default.
    """
    network = _Network.load(library)
    network.check([(x.shape[1], x.shape[2]) for x in beats_in], out_shapes)
    frames = len(beats_in[0])
    ins = [np.ascontiguousarray(x) for x in beats_in]
    held = None if settings is None else network.held(settings)
    outs = tuple(np.zeros((frames, *shape), np.uint8) for shape in out_shapes)
    size = -(-frames // _PARTS)
    parts = [slice(start, min(start + size, frames)) for start in range(0, frames, size)]
    with _pool(threads or len(os.sched_getaffinity(0))) as pool:
        done = 0
        for step in as_completed(
            [pool.submit(network.run, ins, outs, held, part) for part in parts]
        ):
            done += step.result()
            if progress is not None:
                progress(done)
    return outs


class _Port(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("beats", ctypes.c_size_t),
        ("bytes", ctypes.c_size_t),
    )


class _Knob(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("maximum", ctypes.c_uint32))


@dataclass(frozen=True)
class _Network:
    """A loaded library; library.h and settings.h in templates/hls/sim declare what it offers."""

    handle: ctypes.CDLL

    @classmethod
    def load(cls, library: Path) -> _Network:
        try:
            handle = ctypes.CDLL(str(library.resolve()))
        except OSError as error:
            fail("T005", f"the library of the network cannot be loaded: {error}")
        handle.bitmason_run.restype = ctypes.c_size_t
        for ports in (handle.bitmason_inputs, handle.bitmason_outputs):
            ports.restype = ctypes.POINTER(_Port)
        if hasattr(handle, "bitmason_knobs"):
            handle.bitmason_knobs.restype = ctypes.POINTER(_Knob)
            handle.bitmason_run_set.restype = ctypes.c_size_t
        return cls(handle)

    def check(self, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> None:
        """Check that the code was made for these ports; it could write anywhere otherwise."""
        for way, expected in (("inputs", inputs), ("outputs", outputs)):
            found = list(_shapes(getattr(self.handle, f"bitmason_{way}")()))
            if found != list(expected):
                fail(
                    "T005",
                    f"the code has {way} of {found} beats and bytes, the graph of {list(expected)}",
                    help="compile the model again",
                )

    def held(self, settings: IntArray) -> SettingArray | None:
        """Return settings as the code takes them, checked to have a number for each knob."""
        some = hasattr(self.handle, "bitmason_knobs")
        knobs = len(list(_named(self.handle.bitmason_knobs()))) if some else 0
        if settings.shape[1] != knobs:
            fail(
                "T005",
                f"the code has {knobs} knobs, the graph {settings.shape[1]}",
                help="compile the model again",
            )
        return np.clip(settings, 0, _MOST).astype(np.uint32, order="C") if knobs else None

    def run(
        self,
        ins: Sequence[ByteArray],
        outs: Sequence[ByteArray],
        settings: SettingArray | None,
        part: slice,
    ) -> int:
        """Run the frames `part`; return how many these are."""
        count: int = part.stop - part.start
        message = ctypes.create_string_buffer(_MESSAGE_BYTES)
        played, given = self.handle.bitmason_run, []
        if settings is not None:
            played, given = (
                self.handle.bitmason_run_set,
                [ctypes.c_void_p(settings[part].ctypes.data)],
            )
        status: int = played(
            *(_addresses(arrays, part) for arrays in (ins, outs)),
            *(*given, ctypes.c_size_t(count), message, ctypes.c_size_t(_MESSAGE_BYTES)),
        )
        if status != 0:
            told = message.value.decode(errors="replace")
            fail("T005", f"the simulated design stopped in frame {part.start + status - 1}: {told}")
        return count


def _shapes(ports: Any) -> Iterator[Shape]:
    return ((port.beats, port.bytes) for port in _named(ports))


def _named(listed: Any) -> Iterator[Any]:
    """Return what stands in a list of the code's before the one without a name."""
    every = (listed[index] for index in itertools.count())
    return itertools.takewhile(lambda one: one.name is not None, every)


def _addresses(arrays: Sequence[ByteArray], part: slice) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(arrays))(*(array[part].ctypes.data for array in arrays))


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Make a pool that drops what waits when its user stops early."""
    with ThreadPoolExecutor(max_workers=threads) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _hash_of(folder: Path, sources: Sequence[str], settings: object) -> str:
    digest = hashlib.sha256(str(settings).encode())
    for name in sources:
        digest.update(name.encode() + b"\0")
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()[:16]
