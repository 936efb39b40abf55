"""Lint every line of SystemVerilog: the library, and what the compiler generates from it.

Invariant: no warning is waived. Run as `python -m hw_tests.lint`. The register blocks that
PeakRDL-regblock makes say themselves which of Verilator's warnings they are not written for; their
style is not ours, so verible leaves them out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import bitmason
from bitmason.backends.layers.engines import MINIFLOAT
from bitmason.config import Config, LayerConfig
from bitmason.pipeline import compile_model
from bitmason.toolchain import verilator
from hw_tests.bench.networks import Dense, Network, Quantiser, make_model
from hw_tests.models.nary import make_chain
from hw_tests.models.test_links import E4M2, E5M2, cable, custom_network, free, network
from hw_tests.models.test_nary import CHANNELS, IMAGE, mixed_layers

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "bitmason" / "templates"
LIBRARY = TEMPLATES / "sv" / "lib"
VERIBLE_RULES = ROOT / ".rules.verible_lint"
# Template statements are indented with the SystemVerilog around them.
_J2LINT_IGNORED = ("jinja-statements-indentation", "single-statement-per-line")
_SHOWN_CHARACTERS = 400


def generated(folder: Path) -> Iterator[Path]:
    """Write projects that between them use every cell and engine; yield their folders."""
    u4, i4 = Quantiser(4, signed=False), Quantiser(4)
    several = Network(
        24,
        Quantiser(8),
        (
            Dense(12, i4, Quantiser(8, signed=False), function="Relu", norm=True),
            Dense(12, Quantiser(1), Quantiser(1), norm=True),
            Dense(10, Quantiser(1), u4, function="Sigmoid"),
            Dense(10, i4, bias=True, norm=True),
        ),
        tail="ArgMax",
        name="several",
    )
    examples = ROOT / "examples" / "models"
    for name, model, options in (
        ("tfc_w1a1", examples / "tfc_w1a1.onnx", {"max_cycles": 64}),
        ("tfc_xilinx", examples / "tfc_w1a1.onnx", {"max_cycles": 16, "target": "xilinx"}),
        ("tfc_w2a2", examples / "tfc_w2a2.onnx", {"argmax": True}),
        ("tfc_w4a4", examples / "tfc_w4a4.onnx", {"clock_mhz": 400.0}),
        ("several", make_model(several), {"max_cycles": 100}),
        ("unfolded", make_model(several), {"max_cycles": 1}),
        ("settable", make_model(several), {"max_cycles": 2000, "run_time_precision": True}),
    ):
        bitmason.compile(model, **options).write(folder / name)
        yield folder / name
    layers = mixed_layers()
    chain = make_chain(layers, IMAGE, CHANNELS)
    compile_model(chain.model, chain.config, name="nary.onnx").write(folder / "nary")
    yield folder / "nary"
    codes = {"n2": LayerConfig(engine=MINIFLOAT)}
    for name, net, config in (
        ("floats", network(), Config(bus_bits=24, layers=codes)),
        ("float_ports", custom_network(**E5M2), Config(float_ports="both", bus_bits=64)),
        ("formats_in", cable(**E4M2), free("input")),
        ("formats_out", cable(**E5M2), free("outputs")),
    ):
        data = net.SerializeToString()
        compile_model(data, config, name=f"{name}.onnx").write(folder / name)
        yield folder / name


def main() -> int:
    """Lint everything and return the number of files and designs with findings."""
    tool = verilator.find()
    found = sum(_verilate(tool, [cell], cell.stem, LIBRARY) for cell in _cells())
    found += _verible(_cells())
    found += _run(["j2lint", str(TEMPLATES / "sv"), "--ignore", *_J2LINT_IGNORED])
    with tempfile.TemporaryDirectory() as scratch:
        for project in generated(Path(scratch)):
            rtl = project / "rtl"
            sources = [rtl / name for name in (rtl / "files.f").read_text().split()]
            wrapper = sources[-1].stem
            found += _verilate(tool, sources, wrapper, rtl)
            found += _verible([path for path in sources if _is_ours(path, rtl)])
    return found


def _is_ours(path: Path, rtl: Path) -> bool:
    """Tell whether a file of a project is generated, and by us."""
    return path.parent == rtl and not path.stem.endswith(("_registers", "_registers_pkg"))


def _cells() -> list[Path]:
    return sorted(LIBRARY.glob("bm_*.sv"))


def _verilate(tool: verilator.Verilator, sources: Sequence[Path], top: str, folder: Path) -> int:
    command = [str(tool.binary), "--lint-only", "-Wall", "--quiet", "-y", str(folder)]
    command += ["--top-module", top, *map(str, sources)]
    return _run(command, VERILATOR_ROOT=str(tool.root))


def _verible(sources: Sequence[Path]) -> int:
    binary = shutil.which("verible-verilog-lint", path=sysconfig.get_path("scripts"))
    assert binary is not None, "verible is not installed"
    return _run([binary, f"--rules_config={VERIBLE_RULES}", *map(str, sources)])


def _run(command: Sequence[str], **env: str) -> int:
    """Run one linter; print what it says if it is not content."""
    path = sysconfig.get_path("scripts")
    binary = shutil.which(command[0], path=path) or command[0]
    done = subprocess.run(
        [binary, *command[1:]], capture_output=True, text=True, env=os.environ | env, check=False
    )
    if done.returncode == 0:
        return 0
    shown = " ".join(command)[:_SHOWN_CHARACTERS]
    sys.stderr.write(f"$ {shown}\n{done.stdout}{done.stderr}\n")
    return 1


if __name__ == "__main__":
    sys.exit(min(main(), 1))
