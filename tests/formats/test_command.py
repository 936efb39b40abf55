"""`bitmason formats`: from files to files, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from bitmason.formats.command import Files
from bitmason.frontend.reference import Executor
from bitmason.onnx_ops import DOMAIN
from tests.cli.command import hidden, refused, run
from tests.formats.networks import floats, frames, labelled, model_bytes, network, saved

OPTIONS = ("--jobs", "1", "--accuracy", "0.97")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(model_bytes())
    return path


def given(folder: Path) -> tuple[str | Path, ...]:
    x, y = saved(folder, labelled())
    return "--data", x, "--labels", y, *OPTIONS


def test_writes_the_network_that_was_evaluated(model: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "out.onnx", tmp_path / "report.json"
    done = run("formats", model, *given(tmp_path), "-o", output, "--report", report)
    assert (done.status, done.err) == (0, ""), done
    assert f"wrote {output}, {report}" in done.out
    found = json.loads(report.read_text())
    written = onnx.load(output)
    nodes = [node for node in written.graph.node if node.domain == DOMAIN]
    assert len(nodes) == len(found["tensors"]) == 9
    data = labelled()
    executor = Executor(output.read_bytes(), len(data.frames))
    answers = executor.run(data.frames)[executor.outputs[0]]
    assert int((answers.argmax(axis=1) == data.labels).sum()) == found["chosen"]["right"]
    plain = floats(network(), data.frames)
    assert not np.array_equal(answers, plain)
    assert hidden(tmp_path) == []
    assert [path.name for path in (tmp_path / "out.onnx.search").iterdir()] != []


def test_nodes_have_the_formats_of_the_report(model: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "out.onnx", tmp_path / "report.json"
    run("formats", model, *given(tmp_path), "-o", output, "--report", report, "--nearest")
    tensors = {
        tensor["tensor"]: tensor["format"] for tensor in json.loads(report.read_text())["tensors"]
    }
    for node in onnx.load(output).graph.node:
        if node.domain == DOMAIN:
            known = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            assert known.pop("rounding") == b"ROUND"
            assert known == tensors.pop(node.input[0])
    assert not tensors


def test_a_second_run_writes_the_same_bytes(model: Path, tmp_path: Path) -> None:
    written = []
    for jobs in ("1", "2"):
        output, report = tmp_path / f"{jobs}.onnx", tmp_path / f"{jobs}.json"
        options = ("-o", output, "--report", report, "--jobs", jobs)
        assert run("formats", model, *given(tmp_path), *options).status == 0
        written.append((output.read_bytes(), report.read_bytes()))
    assert written[0] == written[1]


def test_prints_a_line_for_each_tensor_and_the_totals(model: Path, tmp_path: Path) -> None:
    done = run("formats", model, *given(tmp_path), "--network", "exact")
    assert done.status == 0
    for word in ("conv1", "fc2", "activations", "weights", "exact", "chosen", "replayed"):
        assert word in done.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "x.npy", "y.npy"]


def test_without_data_the_next_step_is_named(model: Path) -> None:
    said = refused("formats", model)
    assert "error[S007]: there are no data to search on" in said
    assert "give --data and --labels" in said


def test_without_labels(model: Path, tmp_path: Path) -> None:
    x, _ = saved(tmp_path, labelled())
    assert "error[S007]: the data have no labels" in refused("formats", model, "--data", x)


def test_names_the_nearest_network(model: Path, tmp_path: Path) -> None:
    said = refused("formats", model, *given(tmp_path), "--network", "exac")
    assert "error[C001]: there is no network 'exac'" in said
    assert "did you mean 'exact'?" in said


def test_refuses_places_before_the_search(model: Path, tmp_path: Path) -> None:
    data = given(tmp_path)
    assert "C002" in refused("formats", model, *data, "-o", tmp_path / "no" / "out.onnx")
    assert "C002" in refused("formats", model, *data, "-o", tmp_path)
    cache = tmp_path / "cache"
    said = refused("formats", model, *data, "-o", cache, "--cache", cache)
    assert "-o cannot take the place of --cache" in said
    assert not cache.exists()
    assert "-o cannot take the place of the model" in refused("formats", model, *data, "-o", model)
    assert model.read_bytes() == model_bytes()


@pytest.mark.parametrize("option", ["-o", "--report"])
@pytest.mark.parametrize("owner", ["--data", "--labels", "--test-data", "--test-labels", "model"])
def test_what_is_read_is_not_written_over(
    model: Path, tmp_path: Path, option: str, owner: str
) -> None:
    data, test = given(tmp_path), saved(tmp_path, labelled(), "test_")
    data = (*data, "--test-data", test[0], "--test-labels", test[1])
    path = model if owner == "model" else Path(data[data.index(owner) + 1])
    before = path.read_bytes()
    (tmp_path / "link").symlink_to(path)
    for spelt in (path, path.parent / "." / ".." / path.parent.name / path.name, tmp_path / "link"):
        said = refused("formats", model, *data, option, spelt)
        whose = "the model" if owner == "model" else owner
        assert f"error[C002]: {option} cannot take the place of {whose}" in said
        assert f"name another file with {option}" in said
    assert path.read_bytes() == before


def test_the_report_has_a_file_of_its_own(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = ("-o", "c.onnx", "--report", tmp_path / "c.onnx")
    said = refused("formats", model, *given(tmp_path), *places)
    assert "error[C002]: --report cannot take the place of -o" in said
    assert "name another file with --report" in said
    assert not (tmp_path / "c.onnx").exists()


def test_a_device_has_no_folder_beside_it() -> None:
    def kept_in(output: Path) -> Path | None:
        return Files(Path("net.onnx"), None, None, None, None, output, None, None).kept_in

    assert kept_in(Path("/dev/null")) is None
    assert kept_in(Path("out.onnx")) == Path("out.onnx.search")


def test_refuses_a_cache_that_is_a_file(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = refused("formats", model, *given(tmp_path), "--cache", tmp_path / "file")
    assert "error[C002]: results cannot be kept" in said


def test_refuses_what_is_no_float_network(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x00junk")
    assert "error[F001]" in refused("formats", path, *given(tmp_path))
    quantised = Path(__file__).resolve().parents[2] / "examples" / "models" / "tfc_w2a2.onnx"
    said = refused("formats", quantised, *given(tmp_path))
    assert "error[F003]" in said
    assert "give the float network" in said


def test_a_fault_writes_nothing(model: Path, tmp_path: Path) -> None:
    x, y = tmp_path / "x.npy", tmp_path / "y.npy"
    np.save(x, frames(8))
    np.save(y, np.full(8, 7))
    output = tmp_path / "out.onnx"
    assert "S001" in refused("formats", model, "--data", x, "--labels", y, "-o", output)
    assert not output.exists()
