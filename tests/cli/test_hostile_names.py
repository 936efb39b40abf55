"""Names that a model may legally have, and that must not reach SystemVerilog or C++ as they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import onnx
import pytest

from bitmason.toolchain import gxx, hls, verilator
from hw_tests.bench.networks import Dense, Network, Quantiser, make_model
from tests.cli.command import run

NETWORK = Network(
    6,
    Quantiser(3),
    (
        Dense(6, Quantiser(2), Quantiser(2, signed=False), norm=True, function="Relu"),
        Dense(4, Quantiser(1), Quantiser(3), function="Tanh"),
        Dense(3, Quantiser(3)),
    ),
    tail="ArgMax",
)
# The nodes that become layers, and the folding that puts a converter between two of them.
LAYERS = ("fc0", "fc0_quant", "fc1", "fc1_quant", "fc2", "label")
FOLDING = "max_cycles = 36\n[layers.{0}]\npe = 2\nsimd = 1\n[layers.{1}]\npe = 1\nsimd = 6\n"

NAMES = {
    "keywords": ("module", "endmodule", "logic", "begin", "wire", "int"),
    "C++ words": ("delete", "namespace", "template", "operator", "main", "vdut"),
    "C++ macros": ("EOF", "NULL", "INT_MAX", "errno", "assert", "AP_INT_MAX_W"),
    "C++ library": ("index", "std", "ap_int", "bitmason", "layers", "size_t"),
    "C++ functions": ("mvu", "thresholds", "Beat", "hls", "from_axis", "bitmason_run"),
    "members of configurations": ("PE", "MW", "Weight", "Engine", "Step", "BEATS"),
    "tables": ("fc1", "fc1_weights", "fc1_steps", "fc1_layer", "FC1", "Weight_layer"),
    "ports": ("clk", "rst", "s_axis_tdata", "stream0_tdata", "u_cell", "result_tvalid"),
    "code": ("a\nendmodule", '*/ `include "x" /*', "`define", "$finish;", "a\\", "'q\""),
    "paths": ("../../x", "/etc/passwd", "C:\\x", "a/../b", "./", "~"),
    "other scripts": ("fcé", "中文", "😀", "\u202eabc", "\ufeff", "\x7f"),
    "numbers": ("0", "1", "00", "_", "9e9", "-"),
    "library": ("bm_rom", "bm_mvu", "bm_skid", "BM_ROM", "bm", "bm__rom"),
    "long": tuple("x" * 10_000 + str(index) for index in range(6)),
    "like a converter": ("a", "b_width", "b", "b_width_converter", "c", "c_width"),
    "like the top level's cells": (
        *("frame_mark", "frame_check", "network", "wrapper", "u_network", "n"),
    ),
}


def _renamed(names: tuple[str, ...]) -> bytes:
    model = onnx.load_model_from_string(make_model(NETWORK))
    renames = dict(zip(LAYERS, names, strict=True))
    for node in model.graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [f"{renames[t]}'" if t in renames else t for t in tensors]
        node.name = renames.get(node.name, node.name)
    model.graph.output[0].name = f"{renames['label']}'"
    model.graph.name = names[0]
    return bytes(model.SerializeToString())


def _lint(project: Path) -> str:
    tool = verilator.find()
    sources = (project / "rtl" / "files.f").read_text().split()
    wrapper = next(name for name in sources if name.endswith("_wrapper.v"))
    flags = ("--lint-only", "-Wall", "--no-timing", "--top-module", wrapper.removesuffix(".v"))
    done = subprocess.run(
        [tool.binary, *flags, *sources],
        cwd=project / "rtl",
        env=os.environ | {"VERILATOR_ROOT": str(tool.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def _rejected(project: Path) -> str:
    """Return what g++ says against the C++; names are all that it is asked about."""
    flags = ("-std=c++14", "-DBITMASON_NATIVE", "-w", "-fsyntax-only")
    done = subprocess.run(
        [gxx.find().path, *flags, "-Isim", "-isystem", hls.find().folder, "library.cpp", "top.cpp"],
        cwd=project / "hls",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


ODD = [pytest.param(names, id=kind) for kind, names in NAMES.items()]


@pytest.mark.parametrize("names", ODD)
def test_nodes_with_odd_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    model, project, config = tmp_path / "net.onnx", tmp_path / "p", tmp_path / "c.toml"
    model.write_bytes(_renamed(names))
    plain = [line.split()[0] for line in _layers_of(model) if " = dense(" in line]
    config.write_text(FOLDING.format(*(name.removeprefix("%") for name in plain)))
    made = run("compile", model, "-o", project, "--backend", "all", "--config", config)
    assert (made.status, made.err) == (0, ""), made
    assert _lint(project) == ""
    assert _rejected(project) == ""
    inside = [path.name for path in tmp_path.iterdir()]
    assert sorted(inside) == ["c.toml", "net.onnx", "p"]
    for path in (*project.glob("rtl/**/*"), *project.glob("hls/**/*")):
        assert path.name.isascii()
        assert len(path.name) < 128


def _layers_of(model: Path) -> list[str]:
    shown = run("import", model)
    assert (shown.status, shown.err) == (0, ""), shown
    return shown.out.splitlines()


@pytest.mark.parametrize(
    "name",
    [
        "module",
        "delete",
        "main",
        "index",
        "EOF",
        "size_t",
        "bm_rom",
        "clk",
        "0",
        "-",
        "中",
        "a" * 240,
    ],
)
def test_model_files_with_odd_names(tmp_path: Path, name: str) -> None:
    model = tmp_path / f"{name}.onnx"
    model.write_bytes(make_model(NETWORK))
    assert run("compile", model, "-o", tmp_path / "p", "--backend", "all").status == 0
    assert _lint(tmp_path / "p") == ""
    assert _rejected(tmp_path / "p") == ""
