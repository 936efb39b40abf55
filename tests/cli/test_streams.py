"""Standard streams and signals: pipes that close, full disks, JSON lines, Ctrl-C."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from tests.cli.command import hidden, refused, run, shell

ABSENT = ("report", "absent")

# Runs the command line with a step that announces itself and then lasts. What started the tests,
# as nohup, may have told them to ignore signals.
_SLOW = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
import bitmason.cli, bitmason.pipeline
whole = Path.write_bytes
def slowly(path, data):
    whole(path, data)
    if path.name == "graph.ir":
        print("ready", flush=True)
        time.sleep(60)
Path.write_bytes = slowly
bitmason.cli.main()
"""


@pytest.mark.parametrize("arguments", [("--json", *ABSENT), (*ABSENT, "--json")])
def test_json_before_and_after_the_command(arguments: tuple[str, ...]) -> None:
    outcome = run(*arguments)
    assert (outcome.status, outcome.out) == (1, "")
    (line,) = outcome.err.splitlines()
    found = json.loads(line)
    assert found["code"] == "C003"
    assert set(found) == {"code", "severity", "message", "file", "node", "notes", "help"}


def test_json_is_not_remembered() -> None:
    assert run(*ABSENT, "--json").err.startswith("{")
    assert run(*ABSENT).err.startswith("absent: error[C003]: ")


def test_json_gives_one_line_for_each_diagnostic(model: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('max_cycels = 3\nclock_mhz = "fast"\n"new\\nline" = 1\n')
    outcome = run("compile", model, "-o", tmp_path / "p", "--config", config, "--json")
    assert outcome.codes == ["C001", "C001", "C001"]


def test_no_progress_where_nobody_watches(model: Path, tmp_path: Path) -> None:
    forced = {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"}
    assert shell("compile", model, "-o", tmp_path / "p", env=forced).err == ""


def test_progress_on_a_terminal(model: Path, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    assert shell("compile", model, "-o", tmp_path / "p", stderr=theirs).status == 0
    os.close(theirs)
    assert os.read(ours, 1 << 16)
    os.close(ours)


def test_reader_that_has_seen_enough(compiled: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    for command in (("report", compiled), ("import", compiled / "model.onnx"), ("doctor",)):
        outcome = shell(*command, stdout=write)
        assert (outcome.status, outcome.err) == (0, ""), outcome
    os.close(write)


def _with_closed(streams: str, *arguments: str | Path) -> int:
    command = [sys.executable, "-m", "bitmason.cli", *map(str, arguments)]
    script = ["sh", "-c", f'exec "$@" {streams}', "sh", *command]
    return subprocess.run(script, check=False).returncode


def test_closed_streams(model: Path, compiled: Path, tmp_path: Path) -> None:
    assert _with_closed("<&- >&-", "report", compiled) == 0
    assert _with_closed("<&- >&- 2>&-", "compile", model, "-o", tmp_path / "p") == 0
    assert (tmp_path / "p" / "manifest.json").is_file()
    assert _with_closed("<&- >&- 2>&-", *ABSENT) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_behind_stdout(compiled: Path) -> None:
    for command in (("report", compiled), ("import", compiled / "model.onnx")):
        with Path("/dev/full").open("wb") as full:
            outcome = shell(*command, stdout=full)
        assert outcome.status == 1
        assert outcome.err == (
            "error[C006]: standard output cannot be written: No space left on device\n"
        )


def test_ascii_terminals(model: Path, tmp_path: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    made = shell("compile", model, "-o", tmp_path / "né", env=ascii_only)
    assert (made.status, made.err) == (0, "")
    assert "n\\xe9: net, " in made.out
    table = shell("report", tmp_path / "né", env=ascii_only)
    assert (table.status, table.err) == (0, "")
    assert table.out.isascii()


def test_file_names_that_are_no_text(model: Path, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    odd = folder + b"/a\xff\n`endif.onnx"
    os.link(model, odd)
    made = shell("compile", odd, "-o", folder + b"/p\xff\n")
    assert (made.status, made.err) == (0, "")
    rtl = Path(os.fsdecode(folder + b"/p\xff\n")) / "rtl"
    for path in rtl.glob("a*.sv"):
        assert not any(line.startswith("`endif") for line in path.read_text().splitlines())
    assert shell("report", folder + b"/p\xff\n").status == 0


def test_output_error_while_diagnosing_keeps_the_status() -> None:
    with mock.patch.object(sys.stderr, "write", side_effect=OSError(errno.EIO, "no")):
        from bitmason.cli import terminal
        from bitmason.diagnostics import Diagnostic

        terminal.diagnostics([Diagnostic("C006", "x")])
    assert "[C003]" in refused(*ABSENT)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_stopped_in_mid_write(
    model: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    before = sorted(entry.name for entry in tmp_path.iterdir())
    with _started("compile", model, "-o", tmp_path / "p") as process:
        assert len(hidden(tmp_path)) == 1
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (status, "")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before


def test_killed_in_mid_write(model: Path, tmp_path: Path) -> None:
    with _started("compile", model, "-o", tmp_path / "p") as process:
        process.kill()
        process.communicate(timeout=30)
    assert not (tmp_path / "p").exists()
    assert len(hidden(tmp_path)) == 1
    assert run("compile", model, "-o", tmp_path / "p").status == 0
    assert hidden(tmp_path) == []
    assert run("report", tmp_path / "p").status == 0


def test_killed_while_replacing_leaves_the_old_project(
    model: Path, project: Path, tmp_path: Path
) -> None:
    old = (project / "manifest.json").read_bytes()
    with _started("compile", model, "-o", project) as process:
        # A third compilation meanwhile leaves the second one's files alone.
        assert run("compile", model, "-o", tmp_path / "other").status == 0
        assert len(hidden(tmp_path)) == 1
        process.kill()
        process.communicate(timeout=30)
    assert (project / "manifest.json").read_bytes() == old
    assert run("report", project).status == 0


def _started(*arguments: str | Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process
