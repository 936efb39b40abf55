"""The C++ compiler: finds it and compiles translation units in parallel.

Invariant: an object file appears whole or not at all, so an interrupted build leaves no half file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bitmason.diagnostics import fail

_NAMES = ("g++", "clang++")
_SHOWN_LINES = 12


@dataclass(frozen=True)
class Gxx:
    """A C++ compiler and the first line of what `--version` prints."""

    path: Path
    version: str


@dataclass(frozen=True)
class Unit:
    """One file to compile to one object file."""

    source: Path
    output: Path
    flags: tuple[str, ...]


def locate() -> Gxx | None:
    """Return the C++ compiler on the PATH, or None."""
    for name in _NAMES:
        path = shutil.which(name)
        if path is not None:
            shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
            return Gxx(Path(path), next(iter(shown.stdout.splitlines()), ""))
    return None


def find() -> Gxx:
    """Return the C++ compiler, or stop with T006."""
    found = locate()
    if found is None:
        fail("T006", "no C++ compiler (g++ or clang++) on the PATH", help="apt-get install g++")
    return found


def run_logged(command: Sequence[str | Path], log: Path, what: str, **env: str) -> None:
    """Run one build step, append its output to `log`, and stop with T004 when it fails."""
    step = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | env,
        check=False,
    )
    with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"$ {' '.join(map(str, command))}\n{step.stdout}")
    if step.returncode != 0:
        fail("T004", f"{what} failed", notes=[*_telling_lines(step.stdout), f"log: {log}"])


def compile_units(gxx: Gxx, units: Sequence[Unit], jobs: int, log: Path) -> None:
    """Compile `units`, the first ones first, at most `jobs` at a time."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        steps = [pool.submit(_compile, gxx, unit, log) for unit in units]
    for step in steps:
        step.result()


def link(gxx: Gxx, objects: Sequence[Path], binary: Path, log: Path) -> None:
    """Link `objects` into the program `binary`."""
    run_logged([gxx.path, *objects, "-pthread", "-o", binary], log, "linking the simulator")


def _compile(gxx: Gxx, unit: Unit, log: Path) -> None:
    partial = unit.output.with_name(f"{unit.output.name}.{os.getpid()}-{threading.get_ident()}")
    command: list[str | Path] = [gxx.path, *unit.flags, "-c", unit.source, "-o", partial]
    run_logged(command, log, f"compiling {unit.source.name}")
    partial.replace(unit.output)


def _telling_lines(output: str) -> list[str]:
    """Return the errors among the lines of a failed step, or its last lines if none is marked."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "rror:" in line or line.startswith("%Error")]
    return errors[:_SHOWN_LINES] if errors else lines[-_SHOWN_LINES:]
