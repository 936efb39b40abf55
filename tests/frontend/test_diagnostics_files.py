from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto

from bitmason.diagnostics import CompileError
from bitmason.frontend import import_model
from bitmason.frontend.constants import ELEMENTWISE
from bitmason.frontend.registry import HANDLERS
from tests.frontend.onnx_models import dense_net, diagnostic, f32, imported

EXPORT_AGAIN = "\n  help: export the model again; `onnx.load` must be able to read it"
GIVE_A_PATH = "\n  help: give the path of an .onnx file"
ONE_FILE = (
    "\n  help: save the model as one file: onnx.save(model, PATH, save_as_external_data=False)"
)


def _model() -> ModelProto:
    return dense_net()[0].model()


def _fault(path: Path) -> str:
    with pytest.raises(CompileError) as caught:
        import_model(path)
    return str(caught.value)


def test_empty_file() -> None:
    assert diagnostic(b"") == "net.onnx: error[F001]: the file is empty" + EXPORT_AGAIN


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n" + bytes(64), b"hello, world\n" * 9, b"\xff" * 99]
)
def test_no_onnx_file(data: bytes) -> None:
    expected = "net.onnx: error[F001]: the file is truncated or not ONNX" + EXPORT_AGAIN
    assert diagnostic(data) == expected


def test_truncated_file() -> None:
    data = _model().SerializeToString()
    expected = "net.onnx: error[F001]: the file is truncated or not ONNX" + EXPORT_AGAIN
    assert diagnostic(data[: len(data) // 2]) == expected


def test_every_truncation_ends_in_a_diagnostic() -> None:
    data = _model().SerializeToString()
    whole = data.rindex(b"\n\x00\x10")  # the version of the operators; another's follows
    for length in range(whole):
        with pytest.raises(CompileError):
            import_model(data[:length], "net.onnx")


def test_protobuf_without_a_graph() -> None:
    model = ModelProto(ir_version=8)
    assert diagnostic(model) == "net.onnx: error[F001]: the file holds no ONNX graph" + EXPORT_AGAIN


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "absent.onnx"
    assert _fault(path) == f"error[F002]: there is no file '{path}'" + GIVE_A_PATH


def test_folder(tmp_path: Path) -> None:
    assert _fault(tmp_path) == f"error[F002]: '{tmp_path}' is a folder" + GIVE_A_PATH


def test_path_with_a_null_character() -> None:
    assert _fault(Path("a\0b.onnx")).startswith("error[F002]: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "locked.onnx"
    path.write_bytes(_model().SerializeToString())
    path.chmod(0)
    assert _fault(path).startswith(f"error[F002]: '{path}' cannot be read: ")


def _external(folder: Path, location: str, **entries: str) -> Path:
    model = _model()
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "w")
    data = weights.raw_data
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        weights.external_data.add(key=key, value=value)
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    (folder / "w.bin").write_bytes(bytes(16) + data)
    return path


def test_external_data_beside_the_model_is_pulled_in(tmp_path: Path) -> None:
    found = import_model(_external(tmp_path, "w.bin", offset="16", length="48"))
    assert found.graph.nodes == imported(_model()).graph.nodes
    assert imported(onnx.load_model_from_string(found.model)).graph.nodes == found.graph.nodes
    assert import_model(_external(tmp_path, "w.bin", offset="16")).graph == found.graph


@pytest.mark.parametrize("location", ["../w.bin", "/etc/passwd", "a/../../w.bin"])
def test_external_data_outside_the_folder(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    path = _external(folder, location)
    (tmp_path / "w.bin").write_bytes(bytes(48))
    assert _fault(path) == (
        f"net.onnx#w: error[F013]: external data '{location}' lies outside the model's folder"
        + ONE_FILE
    )


def test_external_data_through_a_link_to_the_outside(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(48))
    (folder / "link").symlink_to(tmp_path / "secret")
    assert _fault(_external(folder, "link")) == (
        "net.onnx#w: error[F013]: external data 'link' lies outside the model's folder" + ONE_FILE
    )


@pytest.mark.parametrize("location", ["absent.bin", ""])
def test_missing_external_data(tmp_path: Path, location: str) -> None:
    expected = f"net.onnx#w: error[F013]: external data '{location}' is missing" + ONE_FILE
    assert _fault(_external(tmp_path, location)) == expected


@pytest.mark.parametrize(
    "entries",
    [{"offset": "17"}, {"length": "47"}, {"offset": "-1"}, {"offset": "9" * 5000}, {"offset": "x"}],
)
def test_external_data_of_the_wrong_size(tmp_path: Path, entries: dict[str, str]) -> None:
    text = _fault(_external(tmp_path, "w.bin", **entries))
    assert text.startswith("net.onnx#w: error[F013]: tensor 'w' needs 48 bytes at offset ")
    assert text.endswith("of 'w.bin', which holds 64" + ONE_FILE)


def test_external_data_of_a_model_in_memory(tmp_path: Path) -> None:
    assert diagnostic(_external(tmp_path, "w.bin").read_bytes()) == (
        "net.onnx#w: error[F013]: tensor 'w' is stored in 'w.bin', outside these bytes" + ONE_FILE
    )


def _with_weights(**fields: object) -> ModelProto:
    model = _model()
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "w")
    fake: Any = TensorProto
    weights.CopyFrom(fake(name="w", data_type=TensorProto.FLOAT, **fields))
    return model


@pytest.mark.parametrize("dims", [[4, 3], [2**40], [2**40, 2**40], [0]])
def test_weights_whose_data_does_not_fit_their_shape(dims: list[int]) -> None:
    needed = 4 * int(np.prod([int(dim) for dim in dims], dtype=object))
    assert diagnostic(_with_weights(dims=dims, raw_data=bytes(44))) == (
        f"net.onnx#w: error[F001]: tensor 'w' of shape {dims} needs {needed} bytes, "
        "the file holds 44\n  help: the file is damaged: export the model again"
    )


def test_weights_with_too_few_numbers() -> None:
    assert diagnostic(_with_weights(dims=[4, 3], float_data=[1.0, 2.0])) == (
        "net.onnx#w: error[F001]: tensor 'w' of shape [4, 3] needs 12 elements, the file holds 2"
        "\n  help: the file is damaged: export the model again"
    )


def test_weights_with_a_negative_dimension() -> None:
    assert diagnostic(_with_weights(dims=[4, -3], raw_data=b"")) == (
        "net.onnx#w: error[F001]: tensor 'w' has a negative dimension"
    )


def test_tensor_of_strings() -> None:
    model = _model()
    model.graph.initializer[0].data_type = TensorProto.STRING
    assert diagnostic(model) == (
        "net.onnx#w: error[F014]: tensor 'w' has an element type that is not supported"
    )


def test_names_that_are_no_text() -> None:
    data = _model().SerializeToString().replace(b"\x01x", b"\x01\xff")
    assert diagnostic(data).startswith("net.onnx: error[F001]: ")


def test_model_is_kept_as_it_is_when_nothing_is_outside(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(_model(), path)
    assert import_model(path).model == path.read_bytes()


def test_flipped_bits_never_end_in_another_exception() -> None:
    """Claim: whatever is in the file, `CompileError` or a graph comes out."""
    net, hidden = dense_net()
    rows = (net.const(f32([1.0, 2.0, 3.0])) for _ in range(4))
    flat = net.node("Flatten", net.node("BatchNormalization", hidden, *rows))
    net.node("ArgMax", net.node("Clip", flat, net.const(f32(0))), axis=1)
    data = net.model().SerializeToString()
    random = np.random.default_rng(0)
    outcomes = [_flip_and_import(data, random) for _ in range(1500)]
    assert 0 < sum(outcomes) < len(outcomes)


def test_rewired_models_never_end_in_another_exception() -> None:
    """Claim: operators on operands of any kind, size and shape end in a diagnostic."""
    random = np.random.default_rng(0)
    outcomes = [_imports(_rewired(random)) for _ in range(1500)]
    assert 0 < sum(outcomes) < len(outcomes)


def _rewired(random: np.random.Generator) -> bytes:
    """Return a model in which operators, operands, attributes and constants are mixed up."""
    net, hidden = dense_net()
    for constant in ([2, 0], [-1], [[1, 3]], 1):
        net.const(np.array(constant, np.int64))
    net.const(np.array([[1, -9, 7]], np.int8))
    codes = net.node("QuantizeLinear", hidden, net.const(f32(0.5)))
    net.node("DequantizeLinear", codes, net.const(f32([0.5, 1.0, 2.0])), axis=1)
    for op in random.choice(sorted({*HANDLERS, *ELEMENTWISE, "Gather", "Slice", "Expand"}), 6):
        names = [tensor.name for tensor in net.initialisers]
        names += ["x", *(output for node in net.nodes for output in node.output)]
        operands = random.choice(names, int(random.integers(1, 5)))
        keys = random.choice(["axis", "axes", "perm", "keepdims", "alpha", "to", "k", "min"], 1)
        values: list[Any] = [1, -1, 2**62, [1, 0], [-1], 0.5]
        attributes: dict[str, Any] = {str(key): values[int(random.integers(6))] for key in keys}
        net.node(str(op), *map(str, operands), **attributes)
    return bytes(net.model().SerializeToString())


def _flip_and_import(data: bytes, random: np.random.Generator) -> bool:
    damaged = bytearray(data)
    for _ in range(int(random.integers(1, 4))):
        damaged[int(random.integers(len(data)))] ^= 1 << int(random.integers(8))
    return _imports(bytes(damaged))


def _imports(data: bytes) -> bool:
    try:
        import_model(data, "net.onnx")
    except CompileError:
        return False
    return True
