"""The C++ that users read: no warning of g++, no finding of clang-tidy, one format."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from bitmason.backends.hls import emit_hls
from bitmason.ir.types import UInt
from bitmason.toolchain import hls
from bitmason.toolchain.gxx import find as find_gxx
from hw_tests.hls.bench import every_function, side_by_side, write
from hw_tests.hls.test_layers import BENCHES
from hw_tests.layers.cases import fifo_case

HLS = Path(__file__).resolve().parents[2] / "bitmason" / "templates" / "hls"
STYLE = "{BasedOnStyle: Google, ColumnLimit: 100}"
PRAGMAS = "-Wno-unknown-pragmas"  # which are for Vitis HLS
# Bit operations on small integers are what such code is made of, and its neighbours in a list of
# parameters are all numbers or streams. The constructors of ap_int work on what they did not set.
CHECKS = (
    "-*,bugprone-*,clang-analyzer-*,performance-*,-bugprone-easily-swappable-parameters,"
    "-bugprone-signed-bitwise,-bugprone-signed-char-misuse,"
    "-clang-analyzer-core.UndefinedBinaryOperatorResult"
)


SOURCES = pytest.mark.parametrize("source", ["top.cpp", "library.cpp", "testbench.cpp"])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A design with a layer for every function of the library."""
    emitted = emit_hls(side_by_side(every_function(BENCHES)))
    library = {path.name for path in HLS.glob("lib/*")}
    assert {Path(name).name for name in emitted.files if name.startswith("lib/")} == library
    return write(emitted, tmp_path_factory.mktemp("hls"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A design without knobs."""
    emitted = emit_hls(fifo_case("plain", UInt(3), 8, 2, "shift").design)
    return write(emitted, tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("mode", [("-DBITMASON_NATIVE",), ()], ids=["native", "ap_int"])
@SOURCES
def test_no_warnings(project: Path, plain: Path, source: str, mode: tuple[str, ...]) -> None:
    flags = ("-std=c++14", "-Wall", "-Wextra", "-Wpedantic", PRAGMAS, "-Werror", "-fsyntax-only")
    for home in (project, plain):
        _run([str(find_gxx().path), *flags, *mode, *_includes(home), source], home)


@SOURCES
def test_no_findings(project: Path, source: str) -> None:
    own = f"^{project}/|^lib/|^sim/"
    command = [_tool("clang-tidy"), "--quiet", f"--checks={CHECKS}", f"--header-filter={own}"]
    flags = ["-std=c++14", "-DBITMASON_NATIVE", PRAGMAS, *_includes(project)]
    _run([*command, "--warnings-as-errors=*", source, "--", *flags], project)


def test_formatted() -> None:
    headers = [*map(str, sorted(HLS.glob("lib/*.hpp"))), *map(str, sorted(HLS.glob("sim/*.h")))]
    _run([_tool("clang-format"), f"--style={STYLE}", "--dry-run", "--Werror", *headers], HLS)


def _includes(project: Path) -> list[str]:
    return [f"-I{project / 'sim'}", "-isystem", str(hls.find().folder)]


def _tool(name: str) -> str:
    found = shutil.which(name, path=sysconfig.get_path("scripts"))
    assert found is not None, f"{name} is not installed"
    return found


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[:6000]
