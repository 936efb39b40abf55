"""Bad model files through the command line: a diagnostic, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper

from hw_tests.bench.networks import make_model
from tests.cli.command import NETWORK, hidden, refused
from tests.frontend.onnx_models import Net, dense_net, f32

GOOD = make_model(NETWORK)
NAMES = ("a'b\"c", "a\nb", "../../x", "module", "n" * 10_000, "\u4e2d\u202e", "", "\x1b[31m")


def _edited(change: Callable[[ModelProto], object]) -> bytes:
    model = onnx.load_model_from_string(GOOD)
    change(model)
    return bytes(model.SerializeToString())


def _constant(model: ModelProto, name: str, value: object) -> None:
    (tensor,) = (t for t in model.graph.initializer if t.name == name)
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.asarray(value, np.float32), name))


def _with_constant(name: str, value: object) -> bytes:
    return _edited(lambda model: _constant(model, name, value))


def _cyclic(model: ModelProto) -> None:
    nodes = {node.name: node for node in model.graph.node}
    nodes["input_quant"].input[0] = "fc0_relu"


def _named_twice(model: ModelProto) -> None:
    for node in model.graph.node:
        node.name = "same"


def _dims(*dims: int | str) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        shape = helper.make_tensor_type_proto(TensorProto.FLOAT, dims)
        model.graph.input[0].type.CopyFrom(shape)

    return change


def _huge_constant(model: ModelProto) -> None:
    tensor = next(t for t in model.graph.initializer if t.name == "fc0_weight")
    tensor.dims[:] = [2**40, 2**40]


def _negative_constant(model: ModelProto) -> None:
    tensor = next(t for t in model.graph.initializer if t.name == "fc0_weight")
    tensor.dims[:] = [-4, -6]


def _external(location: str) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        tensor = next(t for t in model.graph.initializer if t.name == "fc0_weight")
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return change


def _weights(*, quantised: bool) -> bytes:
    net = Net(1, 4)
    x = "x" if quantised else net.quant("x")
    w = net.const(f32(np.eye(4) / 4))  # whole numbers would pass for quantised
    net.node("MatMul", x, net.quant(w) if quantised else w)
    return bytes(net.model().SerializeToString())


def _unknown_operator(name: str) -> bytes:
    net, result = dense_net()
    net.node(name or "Gelu", result, name=name)
    return bytes(net.model().SerializeToString())


MODELS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "F001"),
    "truncated": (GOOD[: len(GOOD) // 2], "F001"),
    "text": (b"hello, world\n" * 9, "F001"),
    "random": (np.random.default_rng(0).bytes(5000), "F001"),
    "no graph": (ModelProto(ir_version=8).SerializeToString(), "F001"),
    "no nodes": (_edited(lambda model: model.graph.ClearField("node")), "F015 F011"),
    "cycle": (_edited(_cyclic), "F011"),
    "dangling": (_edited(lambda model: model.graph.node[0].input.__setitem__(0, "?")), "F011"),
    "twice": (_edited(_named_twice), "F012"),
    "dynamic batch": (_edited(_dims("N", 6)), "F004"),
    "dynamic width": (_edited(_dims(1, "W")), "F004"),
    "no batch": (_edited(_dims(6)), "F004"),
    "zero width": (_edited(_dims(1, 0)), "F004"),
    "huge input": (_edited(_dims(1, 2**50)), "F014"),
    "huge product": (_edited(_dims(1, *[2**20] * 20)), "F014"),
    "other width": (_edited(_dims(1, 7)), "I001 F014"),
    "huge constant": (_edited(_huge_constant), "F001 F014 F007"),
    "negative constant": (_edited(_negative_constant), "F001 F014 F007"),
    "NaN weight": (_with_constant("fc0_weight", np.full((4, 6), np.nan)), "F005"),
    "inf bias": (_with_constant("fc1_b", [np.inf, 0, 0]), "F005"),
    "zero scale": (_with_constant("input_quant_scale", 0), "F006"),
    "negative scale": (_with_constant("fc0_w_scale", -1), "F006"),
    "infinite scale": (_with_constant("fc0_w_scale", np.inf), "F005"),
    "NaN scale": (_with_constant("fc0_quant_scale", np.nan), "F005"),
    "40 bits": (_with_constant("input_quant_bits", 40), "F007"),
    "2.5 bits": (_with_constant("input_quant_bits", 2.5), "F007"),
    "half a zero point": (_with_constant("input_quant_zero", 0.5), "F007"),
    "unquantised weights": (_weights(quantised=False), "F008"),
    "unquantised inputs": (_weights(quantised=True), "F009"),
    "outside data": (_edited(_external("../../etc/passwd")), "F013"),
    "absolute data": (_edited(_external("/etc/passwd")), "F013"),
    "missing data": (_edited(_external("absent.bin")), "F013"),
    "data in a folder": (_edited(_external(".")), "F013"),
    **{f"operator {name[:9]!r}": (_unknown_operator(name), "F003") for name in NAMES},
}


@pytest.mark.parametrize(("data", "codes"), MODELS.values(), ids=list(MODELS))
def test_bad_model(tmp_path: Path, data: bytes, codes: str) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    shown = refused("compile", path, "-o", tmp_path / "p")
    assert any(f"error[{code}]: " in shown for code in codes.split()), shown
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) < 1000
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.onnx"]
    assert refused("import", path) == shown


def test_model_that_is_no_file(tmp_path: Path) -> None:
    for name in ("absent.onnx", ".", "n" * 300):
        assert "error[F002]" in refused("compile", tmp_path / name, "-o", tmp_path / "p")
    assert hidden(tmp_path) == []
