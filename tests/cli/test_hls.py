"""Projects in HLS C++: what is written, what runs it, what is said when something is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitmason.backends.packing import unpack_elements
from bitmason.pipeline import load_project
from bitmason.toolchain import hls
from tests.cli.command import INPUTS, batch, refused, run, save, write_model

NO_PROJECT = "'p' is not a bitmason project"


def compiled_with(folder: Path, backend: str) -> Path:
    model = write_model(folder / "net.onnx")
    made = run("compile", model, "-o", folder / "p", "--max-cycles", "12", "--backend", backend)
    assert (made.status, made.err) == (0, ""), made
    return folder / "p"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled_with(tmp_path_factory.mktemp("both"), "all")


@pytest.fixture(scope="module")
def only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled_with(tmp_path_factory.mktemp("only"), "hls")


@pytest.fixture
def copied(only: Path, tmp_path: Path) -> Path:
    shutil.copytree(only, tmp_path / "p", ignore=shutil.ignore_patterns("build"))
    return tmp_path / "p"


def manifest(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project / "manifest.json").read_text())
    return found


def test_a_project_has_what_its_backends_write(compiled: Path, both: Path, only: Path) -> None:
    held = {
        project: {path.name for path in project.iterdir()} for project in (compiled, both, only)
    }
    assert held[compiled] & {"rtl", "hls"} == {"rtl"}
    assert held[both] & {"rtl", "hls"} == {"rtl", "hls"}
    assert held[only] & {"rtl", "hls"} == {"hls"}
    for project, names in held.items():
        assert {*manifest(project)} & {"rtl", "hls"} == names & {"rtl", "hls"}
    listed = set(manifest(both)["hls"]["files"])
    there = {str(p.relative_to(both / "hls")) for p in (both / "hls").rglob("*") if p.is_file()}
    assert there - listed == {"vectors/s_axis.bin", "vectors/m_axis.bin"}
    assert listed <= there


def test_hls_equals_the_golden_model(only: Path, tmp_path: Path) -> None:
    x = save(tmp_path / "x.npy", batch(50))
    for engine in ("golden", "hls"):
        y = tmp_path / f"{engine}.npy"
        shown = run("simulate", only, "--inputs", x, "--outputs", y, "--engine", engine)
        assert (shown.status, shown.err) == (0, ""), shown
        assert shown.out.startswith(f"{engine}: 50 frames in ")
        assert "cycles" not in shown.out
    np.testing.assert_array_equal(np.load(tmp_path / "hls.npy"), np.load(tmp_path / "golden.npy"))
    assert not (only / "simulate.json").exists()


def test_verify_compares_every_backend_of_the_project(both: Path, only: Path) -> None:
    expected = {
        both: ["golden == rtl", "golden == rtl, stall 0.3", "golden == hls"],
        only: ["golden == hls"],
    }
    for project, names in expected.items():
        shown = run("verify", project, "--samples", "20")
        assert (shown.status, shown.err) == (0, ""), shown
        lines = [line for line in shown.out.splitlines() if line.startswith("golden == ")]
        assert [line.split("  ")[0] for line in lines] == names
        assert all("equal" in line and "20 samples, 60 integers" in line for line in lines)


def test_a_changed_weight_is_what_runs_and_what_verify_finds(copied: Path) -> None:
    header = copied / "hls" / "weights" / "fc1.hpp"
    before, values = header.read_text().split("= {", 1)
    assert "2" in values
    header.write_text(f"{before}= {{{values.replace('2', '1')}")
    shown = run("verify", copied, "--samples", "20", "--json")
    assert (shown.status, shown.codes) == (1, ["S003"])
    (line,) = [line for line in shown.out.splitlines() if line.startswith("golden == hls")]
    assert "DIFFERENT" in line


def test_engine_without_its_backend(compiled: Path, only: Path, tmp_path: Path) -> None:
    x, y = save(tmp_path / "x.npy", batch()), tmp_path / "y.npy"
    for project, engine, holds in ((compiled, "hls", "HLS C++"), (only, "rtl", "RTL")):
        shown = refused("simulate", project, "--inputs", x, "--outputs", y, "--engine", engine)
        assert shown == (
            f"error[C007]: the project has no {holds}, which the engine '{engine}' runs\n"
            "  help: compile the model again with `--backend all`\n"
        )
    assert not y.exists()


def test_simulation_without_the_headers(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hls, "locate", lambda: None)
    x, y = save(tmp_path / "x.npy", batch()), tmp_path / "y.npy"
    shown = refused("simulate", copied, "--inputs", x, "--outputs", y, "--engine", "hls")
    assert "[T007]" in shown
    assert "help: pip install 'bitmason[hls]'" in shown
    (row,) = [line for line in run("doctor").out.splitlines() if "engine hls" in line]
    assert "bitmason[hls]" in row


def test_default_vectors_are_random_integers_and_the_golden_answers(only: Path) -> None:
    design = load_project(only).design
    signals = {}
    for name, port in (("s_axis", design.source), ("m_axis", design.sinks[0])):
        beats = np.fromfile(only / "hls" / "vectors" / f"{name}.bin", np.uint8)
        frames = beats.reshape(8, port.beats, port.padded_width // 8)
        signals[name] = port.elem.decode(unpack_elements(frames, port.elem.bits, port.per_beat))
    assert len(np.unique(signals["s_axis"])) == 8  # every integer of 3 bits
    golden = load_project(only).simulate(signals["s_axis"])
    np.testing.assert_array_equal(golden.integers[0].reshape(8, -1), signals["m_axis"])


def test_vectors_of_the_user(model: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(1).integers(-4, 4, (3, INPUTS))
    command = ("compile", model, "-o", tmp_path / "p", "--backend", "hls", "--vectors")
    assert run(*command, save(tmp_path / "x.npy", x)).status == 0
    design = load_project(tmp_path / "p").design
    taken = np.fromfile(tmp_path / "p" / "hls" / "vectors" / "s_axis.bin", np.uint8)
    assert taken.size == 3 * design.source.beats * design.source.padded_width // 8
    shutil.rmtree(tmp_path / "p")
    wrong = save(tmp_path / "wrong.npy", batch(3, (INPUTS + 1,)))
    assert "[S001]" in refused(*command, wrong)
    assert "[S002]" in refused(*command, tmp_path / "absent.npy")
    misplaced = run("compile", model, "-o", tmp_path / "p", "--vectors", wrong)
    assert misplaced.status == 2
    assert "--vectors is for --backend hls or all" in misplaced.err
    assert not (tmp_path / "p").exists()


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-s", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_make_runs_the_test_bench(copied: Path) -> None:
    folder, types = copied / "hls", f"AP_TYPES={hls.find().folder}"
    design = load_project(copied).design
    counts = f"m_axis: 8 frames, {8 * design.sinks[0].beats} beats"
    done = make(folder, "CXXFLAGS=-O2 -Werror", types)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout == f"{counts}, 0 mismatches\n"
    golden = folder / "vectors" / "m_axis.bin"
    content = bytearray(golden.read_bytes())
    content[-1] ^= 1
    golden.write_bytes(content)
    done = make(folder, "CXXFLAGS=-O2 -Werror", types)
    assert done.returncode != 0
    assert f"{counts}, 1 mismatches\n" in done.stdout
    assert f"the first one is in beat {design.sinks[0].beats - 1} of frame 7\n" in done.stdout
    golden.write_bytes(content[:-1])
    done = make(folder, "CXXFLAGS=-O2 -Werror", types)
    assert done.returncode != 0
    assert "vectors has no vectors for this network\n" in done.stdout
    assert make(folder, "clean").returncode == 0
    assert not (folder / "build").exists()


def test_make_says_what_is_missing(copied: Path, tmp_path: Path) -> None:
    for setting in (f"AP_TYPES={tmp_path}", "PYTHON=false"):
        done = make(copied / "hls", setting)
        assert done.returncode != 0
        assert "pip install hls4ml==1.3.0" in done.stderr


@pytest.mark.parametrize("name", ["top.cpp", "lib/mvu.hpp", "Makefile"])
def test_missing_file(copied: Path, name: str) -> None:
    (copied / "hls" / name).unlink()
    assert f"error[C003]: {NO_PROJECT}: {Path(name).name!r}: no such file" in refused(
        "report", copied
    )


@pytest.mark.parametrize("key", ["top", "files"])
@pytest.mark.parametrize(
    "value",
    [None, 3, [], {"a": 1}, [3], ["absent.cpp"], "a b", ["../manifest.json"], ["/etc/motd"]],
)
def test_damaged_manifest(copied: Path, key: str, value: object) -> None:
    entry = manifest(copied)
    entry["hls"][key] = value
    (copied / "manifest.json").write_text(json.dumps(entry))
    assert f"error[C003]: {NO_PROJECT}: " in refused("report", copied)


def test_manifest_of_a_project_with_nothing_in_it(copied: Path) -> None:
    entry = manifest(copied)
    del entry["hls"]
    (copied / "manifest.json").write_text(json.dumps(entry))
    assert f"error[C003]: {NO_PROJECT}: its manifest.json is damaged" in refused("report", copied)
