"""What outside scripts rely on: files, keys, exit statuses, streams."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from bitmason.frontend import import_model
from bitmason.ir.interp import run as interpret
from tests.cli.command import INPUTS, OUTPUTS, batch, refused, run, save, shell, write_model

COMMANDS = ("compile", "simulate", "verify", "synth", "report", "import", "doctor")
LAYER = {
    **{"name": str, "op": str, "engine": str, "pe": int, "simd": int},
    **{"cycles": int, "weight_bits": int, "resources": dict},
}


def test_whole_path_by_a_script(tmp_path: Path) -> None:
    folder = tmp_path / "ä folder"
    folder.mkdir()
    model, project = write_model(folder / "my net.onnx"), folder / "my project"
    x, y = save(folder / "in put.npy", batch(20)), folder / "out put.npy"
    made = shell("compile", model, "-o", project, "--max-cycles", "12")
    assert (made.status, made.err) == (0, ""), made
    assert made.out.count("\n") == 2
    golden = shell("simulate", project, "--inputs", x, "--outputs", y)
    assert (golden.status, golden.err) == (0, "")
    assert not (project / "simulate.json").exists()
    expected = np.load(y)
    assert expected.shape == (20, OUTPUTS)
    assert expected.dtype == np.float32
    rtl_y = folder / "rtl.npy"
    rtl = shell("simulate", project, "--inputs", x, "--outputs", rtl_y, "--engine", "rtl")
    assert (rtl.status, rtl.err) == (0, ""), rtl
    np.testing.assert_array_equal(np.load(rtl_y), expected)
    _check_measured(project)
    stalled = shell(
        *("simulate", project, "--inputs", x, "--outputs", rtl_y, "--engine", "rtl"),
        *("--stall", "0.3", "--seed", "7"),
    )
    assert stalled.status == 0, stalled
    np.testing.assert_array_equal(np.load(rtl_y), expected)
    verified = shell("verify", project, "--samples", "20", "--inputs", x)
    assert (verified.status, verified.err) == (0, ""), verified
    assert "DIFFERENT" not in verified.out
    _break_and_verify(project)


def _check_measured(project: Path) -> None:
    measured = json.loads((project / "simulate.json").read_text())
    report = json.loads((project / "report.json").read_text())
    assert measured["ii_cycles"] == report["ii_cycles"] <= 12
    assert measured["latency_cycles"] == report["latency_cycles"]
    assert isinstance(measured["samples_per_second"], float)
    assert measured["samples_per_second"] > 0


def _break_and_verify(project: Path) -> None:
    """A changed memory is what the simulator runs, and what `verify` finds."""
    for memory in (project / "rtl").glob("*.mem"):
        memory.write_text(memory.read_text().replace("0", "1"))
    broken = shell("verify", project, "--samples", "20", "--json")
    assert (broken.status, broken.codes) == (1, ["S003"]), broken
    assert "DIFFERENT" in broken.out


def test_outputs_are_those_of_the_model(compiled: Path, tmp_path: Path) -> None:
    x = batch(9)
    inputs, outputs = save(tmp_path / "x.npy", x), tmp_path / "y"
    assert run("simulate", compiled, "--inputs", inputs, "--outputs", outputs).status == 0
    graph = import_model(compiled / "model.onnx").graph
    (expected,) = interpret(graph, {graph.inputs[0].name: x})
    np.testing.assert_array_equal(np.load(outputs), expected.astype(np.float32))


def test_report_json(compiled: Path) -> None:
    report = json.loads((compiled / "report.json").read_text())
    for key, kind in {
        **{"model": str, "ii_cycles": int, "latency_cycles": int, "layers": list, "fifos": list},
        "fmax_mhz": type(None),
    }.items():
        assert isinstance(report[key], kind), key
    for layer in report["layers"]:
        for key, kind in LAYER.items():
            assert isinstance(layer[key], kind), key
        assert all(isinstance(count, int) for count in layer["resources"].values())
    assert report["ii_cycles"] == max(layer["cycles"] for layer in report["layers"])


def test_report_prints_a_row_for_each_layer(compiled: Path) -> None:
    printed = run("report", compiled)
    assert (printed.status, printed.err) == (0, "")
    report = json.loads((compiled / "report.json").read_text())
    for layer in report["layers"]:
        assert any(layer["name"] in line for line in printed.out.splitlines())


def test_import_prints_the_graph_before_and_after_passes(model: Path) -> None:
    shown = run("import", model)
    assert shown.out.startswith("graph @net(")
    assert run("import", model, "--check").out == shown.out
    passes = [line.split()[0] for line in run("import", "--list-passes").out.splitlines()]
    assert run("import", model, "--print-after", passes[0]).out.startswith("graph @net(")
    lowered = run("import", model, "--print-after", "tabulate", "--check")
    assert "thresholds(" in lowered.out
    assert "batch" not in lowered.err
    assert "[C005]" in refused("import", model, "--print-after", "tabulat")


def test_import_without_a_model_is_a_usage_error() -> None:
    assert run("import").status == 2


def test_doctor_lists_the_tools_and_shows_brackets_as_they_are() -> None:
    found = run("doctor")
    assert found.status == 0
    assert "verilator" in found.out
    with mock.patch("importlib.util.find_spec", return_value=None):
        assert "bitmason[" in run("doctor").out


def test_later_commands_say_so(compiled: Path, model: Path, tmp_path: Path) -> None:
    x = save(tmp_path / "x.npy", batch())
    assert "[C004]" in refused("synth", compiled, "--device", "xc7")
    assert "[C004]" in refused("report", compiled, "--open")
    assert "[C001]" in refused("compile", model, "-o", tmp_path / "q", "--backend", "svh")
    simulate = ("simulate", compiled, "--inputs", x, "--outputs", tmp_path / "y.npy", "--engine")
    assert "[C007]" in refused(*simulate, "hls")
    assert "did you mean 'golden'?" in refused(*simulate, "gold")
    assert not (tmp_path / "q").exists()
    assert not (tmp_path / "y.npy").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("compile",),
        ("compile", "a.onnx"),
        ("compile", "a.onnx", "-o"),
        ("compile", "a.onnx", "-o", "p", "--max-cycles", "many"),
        ("compile", "a.onnx", "-o", "p", "--nope"),
        ("simulate", "p"),
        ("simulate", "p", "--inputs", "x", "--outputs", "y", "--stall", "1"),
        ("simulate", "p", "--inputs", "x", "--outputs", "y", "--stall", "nan"),
        ("simulate", "p", "--inputs", "x", "--outputs", "y", "--seed", "-1"),
        ("verify", "p", "--samples", "0"),
        ("synth", "p"),
    ],
)
def test_usage_errors_leave_with_2(arguments: tuple[str, ...]) -> None:
    outcome = run(*arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith(("Usage: ", "Error: "))


def test_without_a_command_the_help_is_shown() -> None:
    outcome = run()
    assert outcome.status == 2
    assert all(command in outcome.out + outcome.err for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str) -> None:
    shown = run(command, "--help")
    assert (shown.status, shown.err) == (0, "")
    assert "<bool>" not in shown.out
    assert "--no-" not in shown.out
    assert "  --json " in shown.out


def test_our_own_fault_leaves_with_70(compiled: Path) -> None:
    for fault in (AssertionError("boom"), RuntimeError("boom"), KeyError("boom")):
        with mock.patch("bitmason.pipeline.load_project", side_effect=fault):
            outcome = run("report", compiled)
        assert outcome.status == 70
        assert outcome.out == ""
        assert "Traceback" in outcome.err
        assert "this is a bug in bitmason" in outcome.err


def test_a_refusal_of_the_system_is_not_our_fault(compiled: Path) -> None:
    full = OSError(28, "No space left on device", "/some/file")
    with mock.patch("bitmason.pipeline.load_project", side_effect=full):
        assert refused("report", compiled) == (
            "error[C006]: the system refused: No space left on device: '/some/file'\n"
        )


def test_both_targets_hold(model: Path, tmp_path: Path) -> None:
    both = ("--max-cycles", "100", "--target-fps", "5e6", "--clock-mhz", "100")
    assert run("compile", model, "-o", tmp_path / "p", *both).status == 0
    assert json.loads((tmp_path / "p" / "report.json").read_text())["ii_cycles"] <= 20


def test_check_compares_the_bits_of_every_pass(model: Path, tmp_path: Path) -> None:
    assert run("compile", model, "-o", tmp_path / "p", "--check").status == 0


def test_python_gives_the_same(compiled: Path) -> None:
    import bitmason

    assert json.loads((compiled / "report.json").read_text()) == bitmason.load(compiled).report()
    assert "torch" not in sys.modules
    assert bitmason.load(compiled).design.source.elements == INPUTS
