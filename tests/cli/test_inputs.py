"""What a user may give to `simulate`, and what is refused with a diagnostic."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from bitmason.ir.types import Array
from tests.cli.command import INPUTS, OUTPUTS, batch, hidden, refused, run, save

GOOD = batch(4)


def _simulate(project: Path, folder: Path, x: Array, *more: str) -> Array:
    inputs, outputs = save(folder / "x.npy", x), folder / "y.npy"
    done = run("simulate", project, "--inputs", inputs, "--outputs", outputs, *more)
    assert (done.status, done.err) == (0, ""), done
    y: Array = np.load(outputs)
    assert y.dtype == np.float32
    assert y.shape == (len(x), OUTPUTS)
    assert hidden(folder) == []
    return y


@pytest.fixture
def expected(compiled: Path, tmp_path: Path) -> Array:
    return _simulate(compiled, tmp_path, GOOD)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(GOOD.astype(np.float64), id="float64"),
        pytest.param(GOOD.astype(">f4"), id="big-endian"),
        pytest.param(np.asfortranarray(GOOD), id="fortran"),
        pytest.param(GOOD[:, np.newaxis], id="with the model's own batch axis"),
        pytest.param(GOOD.astype(np.longdouble), id="long double"),
    ],
)
def test_other_forms_of_the_same_floats(
    compiled: Path, tmp_path: Path, expected: Array, given: Array
) -> None:
    np.testing.assert_array_equal(_simulate(compiled, tmp_path, given), expected)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, ">i2"])
def test_integers_are_the_codes_of_the_first_quantiser(
    compiled: Path, tmp_path: Path, dtype: str
) -> None:
    codes = np.random.default_rng(1).integers(-4, 4, (7, INPUTS))
    as_floats = _simulate(compiled, tmp_path, (codes * 0.25).astype(np.float32))
    as_codes = _simulate(compiled, tmp_path, codes.astype(dtype))
    np.testing.assert_array_equal(as_codes, as_floats)


def test_bipolar_codes(bipolar: Path, tmp_path: Path) -> None:
    codes = np.random.default_rng(2).choice([-1, 1], (9, INPUTS))
    as_floats = _simulate(bipolar, tmp_path, codes.astype(np.float32) * 3)
    np.testing.assert_array_equal(_simulate(bipolar, tmp_path, codes), as_floats)


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((2, INPUTS), np.int64),
        np.full((2, INPUTS), 2, np.int8),
        np.full((2, INPUTS), 2**64 - 1, np.uint64),
        np.full((2, INPUTS), -(2**63), np.int64),
        np.ones((2, INPUTS), np.int64) * np.arange(2)[:, np.newaxis],
    ],
)
def test_codes_that_the_hardware_does_not_take(bipolar: Path, tmp_path: Path, codes: Array) -> None:
    assert "error[S001]: inputs are integers from " in _refused(bipolar, tmp_path, codes)


def _refused(project: Path, folder: Path, x: Array) -> str:
    inputs, outputs = save(folder / "x.npy", x), folder / "y.npy"
    shown = refused("simulate", project, "--inputs", inputs, "--outputs", outputs)
    assert not outputs.exists()
    assert hidden(folder) == []
    return shown


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(batch(3, (INPUTS + 1,)), id="too wide"),
        pytest.param(batch(3, (2, INPUTS)), id="two batch axes"),
        pytest.param(batch(1)[0], id="no batch axis"),
        pytest.param(np.float32(1), id="scalar"),
        pytest.param(batch(0), id="empty"),
        pytest.param(np.zeros((0,), np.float32), id="nothing"),
        pytest.param(GOOD * np.nan, id="nan"),
        pytest.param(np.full_like(GOOD, np.inf), id="inf"),
        pytest.param(GOOD.astype(np.float64) * 1e300, id="infinite in float32"),
        pytest.param(GOOD.astype(np.complex64), id="complex"),
        pytest.param(GOOD.astype(str), id="text"),
        pytest.param(GOOD.astype("M8[s]"), id="dates"),
        pytest.param(GOOD.view([("a", "f4")]), id="records"),
        pytest.param(GOOD.astype(np.int32) + 100, id="codes out of range"),
    ],
)
def test_arrays_that_do_not_fit(compiled: Path, tmp_path: Path, x: Array) -> None:
    said = _refused(compiled, tmp_path, np.asarray(x))
    assert "error[S001]: " in said
    assert "\n  help: give " in said


def _bytes_of(save_to: Callable[[io.BytesIO], None]) -> bytes:
    buffer = io.BytesIO()
    save_to(buffer)
    return buffer.getvalue()


NPY = _bytes_of(lambda file: np.save(file, GOOD))


def _with_header(text: str) -> bytes:
    header = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x93NUM", id="half a magic"),
        pytest.param(b"1.0, 2.0\n", id="text"),
        pytest.param(NPY[:40], id="half a header"),
        pytest.param(NPY[:-1], id="truncated"),
        pytest.param(b"PK\x03\x04" + NPY, id="broken npz"),
        pytest.param(_bytes_of(lambda file: np.savez(file, x=GOOD)), id="npz"),
        pytest.param(
            _bytes_of(lambda file: np.save(file, np.array([{}], object))), id="Python objects"
        ),
        pytest.param(_with_header("{'descr': '<f4'"), id="not Python"),
        pytest.param(_with_header("{[]: 1}"), id="not a key"),
        pytest.param(_with_header("(" * 5000), id="nested"),
        pytest.param(
            _with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999, 6)}"),
            id="larger than memory",
        ),
        pytest.param(
            _with_header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**30},)}}"),
            id="larger than any integer",
        ),
    ],
)
def test_files_that_hold_no_array(compiled: Path, tmp_path: Path, data: bytes) -> None:
    inputs, outputs = tmp_path / "x.npy", tmp_path / "y.npy"
    inputs.write_bytes(data)
    shown = refused("simulate", compiled, "--inputs", inputs, "--outputs", outputs)
    assert shown.startswith(f"{inputs}: error[S002]: ")
    assert "[S002]" in refused("verify", compiled, "--inputs", inputs)
    assert not outputs.exists()


def test_inputs_that_are_no_file(compiled: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("absent.npy", ".", "pipe", "n" * 300):
        shown = refused(
            "simulate", compiled, "--inputs", tmp_path / name, "--outputs", tmp_path / "y.npy"
        )
        assert "error[S002]: the inputs " in shown


@pytest.mark.parametrize("x", [batch(3, (INPUTS + 1,)), GOOD * np.nan, np.float32(1), batch(0)])
def test_inputs_of_verify(compiled: Path, tmp_path: Path, x: Array) -> None:
    inputs = save(tmp_path / "x.npy", np.asarray(x))
    assert "error[S001]: " in refused("verify", compiled, "--inputs", inputs)


def test_places_that_outputs_cannot_go_to(compiled: Path, tmp_path: Path) -> None:
    inputs = save(tmp_path / "x.npy", GOOD)
    for name in (".", "absent/y.npy", "x.npy/y.npy", "n" * 300):
        with mock.patch("bitmason.pipeline.Compiled.simulate", side_effect=AssertionError) as work:
            work.return_value = None
            shown = refused(
                *("simulate", compiled, "--inputs", inputs, "--outputs", tmp_path / name)
            )
        assert "error[C002]: outputs cannot be written: " in shown
    np.testing.assert_array_equal(np.load(inputs), GOOD)


def test_full_disk_leaves_the_old_outputs(compiled: Path, tmp_path: Path) -> None:
    inputs, outputs = save(tmp_path / "x.npy", GOOD), save(tmp_path / "y.npy", np.arange(3))
    with mock.patch("pathlib.Path.replace", side_effect=OSError(28, "No space left on device")):
        shown = refused("simulate", compiled, "--inputs", inputs, "--outputs", outputs)
    assert shown == (
        f"{outputs}: error[C002]: outputs cannot be written: no space left on device\n"
    )
    np.testing.assert_array_equal(np.load(outputs), np.arange(3))
    assert hidden(tmp_path) == []


def test_a_link_stays_a_link_and_a_pipe_a_pipe(
    compiled: Path, tmp_path: Path, expected: Array
) -> None:
    inputs, target, link = save(tmp_path / "x.npy", GOOD), tmp_path / "t.npy", tmp_path / "l.npy"
    link.symlink_to(target)
    assert run("simulate", compiled, "--inputs", inputs, "--outputs", link).status == 0
    assert link.is_symlink()
    np.testing.assert_array_equal(np.load(target), expected)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert run("simulate", compiled, "--inputs", inputs, "--outputs", pipe).status == 0
    np.testing.assert_array_equal(np.load(io.BytesIO(os.read(reader, 1 << 16))), expected)
    os.close(reader)
    assert pipe.is_fifo()
