"""The parts of a project: what each backend writes, and what the manifest tells of it.

Invariant: the manifest names no file outside the part's own folder, and none that is not there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitmason.backends.design import Design
from bitmason.backends.hls import emit_hls
from bitmason.backends.sv import SvFiles, emit_sv
from bitmason.diagnostics import did_you_mean, fail, quote
from bitmason.ir.graph import IDENTIFIER
from bitmason.ir.types import Array
from bitmason.simulation import Hls, Rtl, bench_vectors

# The folders that a backend of the command line fills; each is an entry of the manifest.
BACKENDS: Mapping[str, tuple[str, ...]] = {"sv": ("rtl",), "hls": ("hls",), "all": ("rtl", "hls")}


@dataclass(frozen=True)
class Part:
    """What one folder of a project holds, and its entry in the manifest."""

    files: Mapping[str, str | bytes]
    entry: Mapping[str, Any]


def check_backend(backend: str) -> None:
    """Check the name of a backend.

    Raises:
        CompileError: C001 for one that does not exist.
    """
    if backend not in BACKENDS:
        help_ = did_you_mean(backend, BACKENDS) or f"the backends are {', '.join(BACKENDS)}"
        fail("C001", f"there is no backend called {quote(backend)}", help=help_)


def emit_parts(design: Design, backend: str, x: Array | None, digest: bytes) -> dict[str, Part]:
    """Return what `backend` makes of a design, by the folder's name.

    `x` are the inputs of the test bench, if the caller has any; `digest` is the SHA-256 of the
    model's file.

    Raises:
        CompileError: C001 for a backend that does not exist, S001 when `x` does not fit the model.
    """
    check_backend(backend)
    parts: dict[str, Part] = {}
    if "rtl" in BACKENDS[backend]:
        sv = emit_sv(design, digest)
        parts["rtl"] = _rtl_part(sv)
        if sv.registers is not None:
            parts["registers"] = Part(sv.registers.companions, {})
    if "hls" in BACKENDS[backend]:
        parts["hls"] = _hls_part(design, x)
    return parts


def load_parts(folder: Path, manifest: Mapping[str, Any]) -> tuple[Rtl | None, Hls | None]:
    """Return what the project in `folder` has, which is one of both at least.

    Raises:
        OSError, ValueError, KeyError, TypeError: the manifest is damaged, or files are missing.
    """
    if not manifest.keys() & {"rtl", "hls"}:
        raise KeyError("rtl")
    rtl = _rtl_of(folder, manifest["rtl"]) if "rtl" in manifest else None
    hls = _hls_of(folder, manifest["hls"]) if "hls" in manifest else None
    return rtl, hls


def _rtl_part(sv: SvFiles) -> Part:
    files = {**sv.sources, **sv.memories, "files.f": "".join(f"{name}\n" for name in sv.sources)}
    entry = {
        "top": sv.top,
        "sinks": list(sv.sinks),
        "sources": list(sv.sources),
        "memories": list(sv.memories),
        "registers": sv.registers is not None,
    }
    return Part(files, entry)


def _hls_part(design: Design, x: Array | None) -> Part:
    emitted = emit_hls(design)
    ports = (*emitted.sources, *emitted.sinks)
    vectors = {
        f"vectors/{port.name}.bin": beats.tobytes()
        for port, beats in zip(ports, bench_vectors(design, x), strict=True)
    }
    return Part({**emitted.files, **vectors}, {"top": emitted.top, "files": list(emitted.files)})


def _rtl_of(folder: Path, entry: Mapping[str, Any]) -> Rtl:
    names = tuple(entry["sources"]), tuple(entry["sinks"])
    rtl = Rtl(folder, entry["top"], *names, registers=bool(entry["registers"]))
    _check_names(rtl.top, *rtl.sinks)
    _check_files(folder / "rtl", (*rtl.sources, *entry["memories"]), rtl.sources)
    return rtl


def _hls_of(folder: Path, entry: Mapping[str, Any]) -> Hls:
    hls = Hls(folder, entry["top"], tuple(entry["files"]))
    _check_names(hls.top)
    _check_files(folder / "hls", hls.files, hls.files)
    return hls


def _check_names(*names: str) -> None:
    if not all(map(IDENTIFIER.fullmatch, names)):
        raise ValueError(names)


def _check_files(home: Path, names: Iterable[str], needed: Sequence[str]) -> None:
    """Check that `names` are files within `home`, and that there are any of those needed."""
    if not needed:
        raise ValueError(home)
    real = home.parent.resolve() / home.name
    for name in names:  # not a string: a TypeError, which is a damaged file
        path = (real / name).resolve()
        if not path.is_relative_to(real):
            raise ValueError(name)
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
