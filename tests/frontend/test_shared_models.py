"""Networks of the shared folder: real exports of several tools and versions."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest

from bitmason.diagnostics import CompileError
from bitmason.frontend import Imported, import_model
from bitmason.ir import Int
from bitmason.ir.interp import run
from tests.frontend.onnx_models import executor

MODELS = Path(__file__).parents[2].parent / "shared" / "models"
pytestmark = pytest.mark.skipif(not MODELS.is_dir(), reason=f"no folder {MODELS}")

LAYERS = {
    "own/tfc_w1a1.onnx": 4,
    "own/tfc_w2a2.onnx": 4,
    "own/tfc_w2a2.dynamo.onnx": 4,
    "own/tfc_w2a2.qcdq-ts.onnx": 4,
    "own/tfc_w4a4.onnx": 4,
    "own/tfc_w4a4.dynamo.onnx": 4,
    "own/tfc_w4a4.qcdq-ts.onnx": 4,
    "zoo_tfc/TFC_1W1A.onnx": 4,
    "zoo_tfc/TFC_1W2A.onnx": 4,
    "zoo_tfc/TFC_2W2A.onnx": 4,
    "bench/jet.onnx": 4,
    "bench/tfc_w1a1.onnx": 4,
    "bench/tfc_w2a2.onnx": 4,
}


def _qkeras(pattern: str) -> list[str]:
    return sorted(f"qkeras/{path.name}" for path in (MODELS / "qkeras").glob(pattern))


def _imported(name: str) -> Imported:
    return import_model(MODELS / name)


def _codes_of_fault(name: str) -> set[str]:
    with pytest.raises(CompileError) as caught:
        _imported(name)
    return {found.code for found in caught.value.diagnostics}


@pytest.mark.parametrize("name", LAYERS)
def test_multilayer_perceptrons_import(name: str) -> None:
    found = _imported(name)
    ops = [node.op.name for node in found.graph.nodes]
    assert ops.count("dense") == LAYERS[name]
    assert set(found.graph.outputs) <= set(found.tensors)
    quantisers = {node.name for node in found.graph.nodes if node.op.name == "quantise"}
    assert quantisers <= set(found.tensors)


@pytest.mark.parametrize("width", ["w1a1", "w2a2", "w4a4"])
@pytest.mark.parametrize("form", ["", ".dynamo", ".qcdq-ts"])
def test_trained_networks_agree_with_the_executor(width: str, form: str) -> None:
    """The recorded outputs are float32 sums, so they carry their rounding errors."""
    if (form, width) in {(".dynamo", "w1a1"), (".qcdq-ts", "w1a1")}:
        pytest.skip("there is no such export")
    recorded = np.load(MODELS / f"own/tfc_{width}.npz")
    graph = _imported(f"own/tfc_{width}{form}.onnx").graph
    frames = recorded["input"].reshape(64, 1, 28, 28)
    (ours,) = run(graph, {graph.inputs[0].name: frames})
    np.testing.assert_allclose(ours, recorded["qonnx_out"].reshape(64, -1), atol=2e-6)


@pytest.mark.parametrize("name", ["own/tfc_w2a2", "own/tfc_w4a4"])
def test_all_exports_of_a_network_compute_the_same(name: str) -> None:
    graphs = [_imported(f"{name}{form}.onnx").graph for form in ("", ".dynamo", ".qcdq-ts")]
    x = np.random.default_rng(0).random((50, 1, 28, 28), dtype=np.float32)
    outputs = [run(graph, {graph.inputs[0].name: x})[0] for graph in graphs]
    for output in outputs[1:]:
        np.testing.assert_array_equal(outputs[0], output)


@pytest.mark.parametrize("name", _qkeras("*qactivation*") + _qkeras("*qdense2*"))
def test_keras_layers_import(name: str) -> None:
    assert _imported(name).graph.nodes


@pytest.mark.parametrize("name", _qkeras("*qdense_*"))
def test_keras_layers_on_raw_inputs(name: str) -> None:
    assert _codes_of_fault(name) == {"F009"}


@pytest.mark.parametrize("name", _qkeras("*keras_dense_conversion*"))
def test_plain_keras_network(name: str) -> None:
    assert _codes_of_fault(name) == {"F008"}


@pytest.mark.parametrize("name", ["cnv_w2a2", "cnv_w2a2.dynamo", "cnv_w2a2.qcdq-ts"])
def test_convolutional_network_agrees_with_the_executor(name: str) -> None:
    _claim_recorded(name, "cnv_w2a2")
    ops = [node.op.name for node in _imported(f"own/{name}.onnx").graph.nodes]
    assert [ops.count(op) for op in ("conv", "dense", "max_pool", "transpose")] == [3, 2, 2, 0]


@pytest.mark.parametrize("name", ["res_w4a4", "res_w4a4.qcdq-ts"])
def test_residual_network_agrees_with_the_executor(name: str) -> None:
    _claim_recorded(name, "res_w4a4")
    ops = [node.op.name for node in _imported(f"own/{name}.onnx").graph.nodes]
    assert [ops.count(op) for op in ("conv", "dense", "weighted_sum")] == [4, 1, 1]


def _claim_recorded(name: str, network: str) -> None:
    recorded = np.load(MODELS / f"own/{network}.npz")
    graph = _imported(f"own/{name}.onnx").graph
    frames = recorded["input"].reshape(64, 1, 28, 28)
    (ours,) = run(graph, {graph.inputs[0].name: frames})
    np.testing.assert_allclose(ours, recorded["qonnx_out"].reshape(64, -1), atol=2e-6)


def test_integer_network_equals_the_executor() -> None:
    graph = _imported("bench/cnn.onnx").graph
    x = np.random.default_rng(0).integers(0, 16, (4, 1, 28, 28)).astype(np.float32)
    (ours,) = run(graph, {graph.inputs[0].name: x})
    (theirs,) = executor(onnx.load(MODELS / "bench/cnn.onnx"), x, graph_input="x.225")
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", _qkeras("*qconv2d*"))
def test_keras_convolutions_on_raw_inputs(name: str) -> None:
    assert _codes_of_fault(name) == {"F009"}


@pytest.mark.parametrize("name", _qkeras("*qconv2d*"))
def test_keras_convolutions_on_declared_inputs(name: str) -> None:
    graph = import_model(MODELS / name, declared_input=(Int(4), Fraction(1, 4))).graph
    assert "transpose" not in [node.op.name for node in graph.nodes]
    shape = graph.inputs[0].type.shape
    x = np.random.default_rng(0).integers(-8, 8, (2, *shape)).astype(np.float32) / 4
    (ours,) = run(graph, {graph.inputs[0].name: x})
    (theirs,) = executor(onnx.load(MODELS / name), x, graph_input="global_in")
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("name", _qkeras("*keras_conv2d_conversion*"))
def test_plain_keras_convolutions(name: str) -> None:
    assert _codes_of_fault(name) == {"F008"}


def test_import_is_fast() -> None:
    _imported("own/tfc_w1a1.onnx")
    start = time.perf_counter()
    _imported("own/tfc_w4a4.onnx")
    assert time.perf_counter() - start < 2.0
