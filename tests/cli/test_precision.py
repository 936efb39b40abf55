"""Run-time precision on the command line: knobs are listed, set, and refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitmason.ir.types import Array
from tests.cli.command import BIPOLAR, INPUTS, batch, refused, run, save, write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project `p` that has knobs, one `fixed` without, and inputs."""
    home = tmp_path_factory.mktemp("precision")
    model = write_model(home / "m.onnx")
    options = ("--max-cycles", "2000", "--backend", "all")
    assert run("compile", model, "-o", home / "p", "--run-time-precision", *options).status == 0
    assert run("compile", model, "-o", home / "fixed", *options).status == 0
    save(home / "x.npy", batch(6))
    return home


def _report(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project / "report.json").read_text())
    return found


def _knobs(project: Path) -> dict[str, int]:
    return {knob["name"]: knob["maximum"] for knob in _report(project)["knobs"]}


def _simulate(home: Path, *options: str) -> Array:
    ends = ("--inputs", home / "x.npy", "--outputs", home / "y.npy")
    done = run("simulate", home / "p", *ends, *options)
    assert done.status == 0, done.err
    found: Array = np.load(home / "y.npy")
    return found


def test_the_report_lists_knobs_and_engines(folder: Path) -> None:
    knobs = _knobs(folder / "p")
    assert len(knobs) == 4
    assert _knobs(folder / "fixed") == {}
    layers = {layer["name"]: layer for layer in _report(folder / "p")["layers"]}
    for name in {knob.rpartition(".")[0] for knob in knobs}:
        assert layers[name]["engine"] == "bitserial"
        assert [e["why"] for e in layers[name]["engines"]] == [
            "taken: precision changes at run time"
        ]


def test_a_design_with_knobs_has_registers(folder: Path) -> None:
    names = {path.name for path in (folder / "p" / "registers").iterdir()}
    assert names == {"registers.rdl", "registers.h", "registers.py", "registers.md"}
    assert not (folder / "fixed" / "registers").exists()
    top = (folder / "fixed" / "rtl" / "m.sv").read_text()
    assert "s_axil" not in top


def test_every_engine_takes_a_setting(folder: Path) -> None:
    settings = [f"--set={name}=1" for name in _knobs(folder / "p")]
    plain = _simulate(folder)
    golden = _simulate(folder, *settings)
    assert not np.array_equal(plain, golden)
    for engine in ("rtl", "hls"):
        np.testing.assert_array_equal(_simulate(folder, "--engine", engine, *settings), golden)
        np.testing.assert_array_equal(_simulate(folder, "--engine", engine), plain)


def test_a_setting_is_faster(folder: Path) -> None:
    measured = []
    for settings in ([], [f"--set={name}=1" for name in _knobs(folder / "p")]):
        _simulate(folder, "--engine", "rtl", *settings)
        measured.append(json.loads((folder / "p" / "simulate.json").read_text())["ii_cycles"])
    assert measured[0] == _report(folder / "p")["ii_cycles"]
    assert measured[1] < measured[0]
    shown = ", ".join(f"{name}=1" for name in _knobs(folder / "p"))
    text = " ".join(run("report", folder / "p").out.split())
    assert f"Simulated in RTL with {shown}: one every {measured[1]} cycles." in text


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("fc0.abits", "'fc0.abits' is not a setting"),
        ("nothing.abits=1", "the design has no knob called 'nothing.abits'"),
        ("fc0.abits=0", "fc0.abits = 0 is not possible"),
        ("fc0.abits=4", "fc0 was built for 1 to 3"),
    ],
)
def test_what_cannot_be_set_is_refused(folder: Path, setting: str, words: str) -> None:
    inputs = ("--inputs", folder / "x.npy", "--outputs", folder / "none.npy")
    text = refused("simulate", folder / "p", *inputs, "--set", setting)
    assert "error[S005]" in text
    assert words in text
    assert not (folder / "none.npy").exists()


def test_a_fixed_design_has_nothing_to_set(folder: Path) -> None:
    inputs = ("--inputs", folder / "x.npy", "--outputs", folder / "none.npy")
    text = refused("simulate", folder / "fixed", *inputs, "--set", "fc0.abits=1")
    assert "there is nothing to set in this design" in text
    assert "help: compile with --run-time-precision" in text


def test_engines_that_cannot_change_precision_are_refused(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[layers.fc0]\nengine = "parallel"\nrun_time_precision = true\n')
    model = write_model(tmp_path / "m.onnx")
    text = refused("compile", model, "-o", tmp_path / "p", "--config", config)
    assert "engine = 'parallel' cannot build this layer" in text
    assert "possible here: 'bitserial'" in text


def test_products_of_bits_have_nothing_to_change(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[layers.fc0]\nrun_time_precision = true\n")
    model = write_model(tmp_path / "m.onnx", BIPOLAR)
    text = refused("compile", model, "-o", tmp_path / "p", "--config", config)
    assert "its weights and its inputs have one bit each" in text
    assert run("compile", model, "-o", tmp_path / "p", "--run-time-precision").status == 0
    assert _knobs(tmp_path / "p") == {}


def test_an_engine_may_be_asked_for(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[layers.fc0]\nengine = "bitserial"\n')
    model = write_model(tmp_path / "m.onnx")
    assert run("compile", model, "-o", tmp_path / "p", "--config", config).status == 0
    (layer,) = (one for one in _report(tmp_path / "p")["layers"] if one["name"] == "fc0")
    assert layer["engine"] == "bitserial"
    chosen = {engine["engine"]: engine["chosen"] for engine in layer["engines"]}
    assert chosen["bitserial"]
    assert INPUTS % layer["simd"] == 0
