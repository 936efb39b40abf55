"""Claims about script.tcl: it is Tcl, it names what is there, and it does as it is told."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bitmason.config import make_config
from bitmason.diagnostics import Loc
from bitmason.pipeline import compile_model
from hw_tests.bench.networks import make_model
from tests.cli.command import NETWORK

# The commands of Vitis HLS, with the options that they know, as commands that print themselves.
OPTIONS = {
    "open_project": {"-reset"},
    "set_top": set(),
    "add_files": {"-tb", "-cflags"},
    "open_solution": {"-reset", "-flow_target"},
    "set_part": set(),
    "create_clock": {"-period", "-name"},
    "csim_design": set(),
    "csynth_design": set(),
    "cosim_design": {"-rtl"},
    "export_design": {"-rtl", "-format", "-description"},
}
STUBS = f"""
proc record {{args}} {{ puts [join $args \\t] }}
foreach command {{{" ".join(OPTIONS)}}} {{ interp alias {{}} $command {{}} record $command }}
"""
# What tclsh does with a script and arguments, for machines where only Python brings Tcl.
TKINTER = """
import os, sys, tkinter
tcl = tkinter.Tcl()
def leave(status="0"):
    tcl.eval("flush stdout; flush stderr")
    os._exit(int(status))
tcl.createcommand("exit", leave)
tcl.call("set", "argv", tcl.call("list", *sys.argv[2:]))
tcl.call("source", sys.argv[1])
"""
INTERPRETERS = {
    **({"tclsh": ["tclsh"]} if shutil.which("tclsh") else {}),
    **(
        {"tkinter": [sys.executable, "-c", TKINTER]} if importlib.util.find_spec("_tkinter") else {}
    ),
}
STEPS = ["csim_design", "csynth_design", "cosim_design", "export_design"]


@dataclass(frozen=True)
class Run:
    """What a run of the script left: commands with their arguments, messages, exit status."""

    commands: list[list[str]]
    err: str
    status: int

    def calls(self, name: str) -> list[list[str]]:
        return [arguments for command, *arguments in self.commands if command == name]

    def names(self) -> list[str]:
        return [command for command, *_ in self.commands]


@pytest.fixture(
    params=INTERPRETERS
    or [pytest.param("", marks=pytest.mark.skip(reason="no Tcl here: apt-get install tcl"))]
)
def interpreter(request: pytest.FixtureRequest) -> list[str]:
    return INTERPRETERS[request.param]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a project")
    config = make_config({"clock_mhz": 160}, Loc("test"))
    compile_model(make_model(NETWORK), config, name="net.onnx").write(folder / "p", "hls")
    (folder / "p" / "hls" / "stubs.tcl").write_text(STUBS + "source [file join [pwd] script.tcl]\n")
    return folder / "p" / "hls"


def play(interpreter: list[str], folder: Path, *arguments: str) -> Run:
    done = subprocess.run(
        [*interpreter, "stubs.tcl", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    commands = [line.split("\t") for line in done.stdout.splitlines()]
    return Run(commands, done.stderr, done.returncode)


def test_every_file_that_it_names_is_there(interpreter: list[str], folder: Path) -> None:
    run = play(interpreter, folder)
    assert (run.status, run.err) == (0, "")
    files: dict[str, list[str]] = {}
    for arguments in run.calls("add_files"):
        words = [word for word in arguments if not word.startswith("-")]
        files.setdefault("tb" if "-tb" in arguments else "design", []).extend(words)
    assert files == {"design": ["top.cpp"], "tb": ["library.cpp", "testbench.cpp", "vectors"]}
    assert all((folder / name).exists() for names in files.values() for name in names)
    assert any((folder / "vectors").iterdir())


def test_asks_for_what_the_design_was_made_for(interpreter: list[str], folder: Path) -> None:
    run = play(interpreter, folder)
    assert run.calls("set_top") == [["net"]]
    assert "void net(" in (folder / "top.hpp").read_text()
    assert run.calls("set_part") == [["xc7z020clg400-1"]]
    assert run.calls("create_clock") == [["-period", "6.25", "-name", "default"]]
    assert [name for name in run.names() if name in STEPS] == STEPS


def test_commands_come_in_an_order_and_with_options_that_the_tool_knows(
    interpreter: list[str], folder: Path
) -> None:
    run = play(interpreter, folder)
    setup = ["open_project", "set_top", "add_files", "open_solution", "set_part", "create_clock"]
    assert list(dict.fromkeys(run.names())) == [*setup, *STEPS]
    for command, *arguments in run.commands:
        options = {word for word in arguments if word.startswith("-") and "=" not in word}
        assert options <= OPTIONS[command], command


@pytest.mark.parametrize("before", [["-f", "script.tcl", "-tclargs"], ["-f", "script.tcl"], []])
def test_part_clock_and_steps_from_the_command_line(
    interpreter: list[str], folder: Path, before: list[str]
) -> None:
    wanted = ["-part", "xczu7ev-ffvc1156-2-e", "-clock_ns", "3.3", "-steps", "csynth,csim"]
    run = play(interpreter, folder, *before, *wanted)
    assert (run.status, run.err) == (0, "")
    assert run.calls("set_part") == [["xczu7ev-ffvc1156-2-e"]]
    assert run.calls("create_clock") == [["-period", "3.3", "-name", "default"]]
    assert [name for name in run.names() if name in STEPS] == ["csim_design", "csynth_design"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-prat", "x"], "unknown argument '-prat'; known are -part, -clock_ns, -steps"),
        (["x"], "unknown argument 'x'; known are -part, -clock_ns, -steps"),
        (["-part"], "-part needs a value"),
        (["-clock_ns", "fast"], "-clock_ns needs a period in nanoseconds, not 'fast'"),
        (["-clock_ns", "-2"], "-clock_ns needs a period in nanoseconds, not '-2'"),
        (["-steps", "csim,synth"], "unknown step 'synth'; known are csim, csynth, cosim, export"),
        (["-steps", "csim,cosim"], "cosim and export need csynth in the same run"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_done(
    interpreter: list[str], folder: Path, arguments: list[str], message: str
) -> None:
    run = play(interpreter, folder, "-f", "script.tcl", "-tclargs", *arguments)
    assert (run.commands, run.err, run.status) == ([], f"script.tcl: {message}\n", 2)
