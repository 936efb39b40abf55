from __future__ import annotations

import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bitmason.diagnostics import CompileError
from bitmason.frontend.agreement import compare
from bitmason.frontend.reference import BatchError, Executor
from bitmason.frontend.samples import sample_inputs
from bitmason.ir.interp import run
from tests.frontend.onnx_models import QONNX, Net, dense_net, executor, f32, imported, on_grid


def _executor(net: Net, frames: int) -> Executor:
    return Executor(net.model().SerializeToString(), frames)


def test_batch_equals_qonnx_frame_by_frame() -> None:
    net, _ = dense_net()
    x = on_grid(7, 4)
    (expected,) = executor(net.model(), x)
    ours = _executor(net, 7)
    np.testing.assert_array_equal(ours.run(x)[ours.outputs[0]], expected)


def test_returns_every_tensor() -> None:
    net, product = dense_net()
    context = _executor(net, 3).run(on_grid(3, 4))
    assert {"x", "w", product} <= set(context)
    assert context[product].shape == (3, 3)


@pytest.mark.parametrize("domain", ["onnx.brevitas", "finn.custom_op.general", QONNX])
@pytest.mark.parametrize("declared", [True, False])
def test_runs_old_domains_and_missing_imports(domain: str, declared: bool) -> None:
    net, product = dense_net()
    model = net.model()
    for node in model.graph.node:
        node.domain = domain if node.domain else ""
    del model.opset_import[1:]
    if declared:
        model.opset_import.append(helper.make_opsetid(domain, 1))
    context = Executor(model.SerializeToString(), 5).run(on_grid(5, 4))
    np.testing.assert_array_equal(context[product], _executor(net, 5).run(on_grid(5, 4))[product])


def test_newest_format_is_read_and_the_global_version_is_left_alone() -> None:
    net, product = dense_net()
    model = net.model()
    model.ir_version = onnx.IR_VERSION
    before = onnx.IR_VERSION
    assert product in Executor(model.SerializeToString(), 2).run(on_grid(2, 4))
    assert before == onnx.IR_VERSION


def test_weights_may_stand_among_the_inputs_and_in_constant_nodes() -> None:
    net, product = dense_net()
    model = net.model()
    model.graph.input.insert(0, helper.make_tensor_value_info("w", TensorProto.FLOAT, (4, 3)))
    scale = next(tensor for tensor in model.graph.initializer if tensor.name == "c1")
    model.graph.initializer.remove(scale)
    model.graph.node.insert(0, helper.make_node("Constant", [], ["c1"], value=scale))
    context = Executor(model.SerializeToString(), 2).run(on_grid(2, 4))
    np.testing.assert_array_equal(context[product], _executor(net, 2).run(on_grid(2, 4))[product])


def test_nodes_may_stand_in_any_order() -> None:
    net, product = dense_net()
    model = net.model()
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    assert product in Executor(model.SerializeToString(), 2).run(on_grid(2, 4))


@pytest.mark.parametrize("target", [[1, 4], [1, -1], [-1, 4], [0, 4]])
def test_reshape_keeps_the_batch(target: list[int]) -> None:
    net = Net(1, 2, 2)
    flat = net.node("Reshape", "x", net.const(np.array(target, np.int64)))
    context = _executor(net, 6).run(on_grid(6, 2, 2))
    assert context[flat].shape == (6, 4)


def test_reshape_by_computed_shape_keeps_the_batch() -> None:
    net = Net(1, 2, 2)
    first = net.node("Gather", net.node("Shape", "x"), net.const(np.array([0], np.int64)))
    target = net.node("Concat", first, net.const(np.array([-1], np.int64)), axis=0)
    flat = net.node("Reshape", "x", target)
    assert _executor(net, 6).run(on_grid(6, 2, 2))[flat].shape == (6, 4)


def _hard_coded_batch() -> Net:
    """A model whose reshape target is computed, with a batch of 1 that cannot be rewritten."""
    net = Net(1, 2, 2)
    one, rest = (net.const(np.array([size], np.int64)) for size in (1, -1))
    flat = net.node("Reshape", "x", net.node("Concat", one, rest, axis=0))
    weights = net.quant(net.const(f32(np.eye(4)[:, :3])), 0.25)
    net.node("MatMul", net.quant(flat), weights)
    return net


def test_refuses_a_batch_that_would_be_mixed() -> None:
    net = _hard_coded_batch()
    with pytest.raises(BatchError):
        _executor(net, 4).run(on_grid(4, 2, 2))
    assert _executor(net, 1).run(on_grid(1, 2, 2))


def test_comparison_goes_frame_by_frame_where_a_batch_would_be_mixed() -> None:
    found = compare(imported(_hard_coded_batch().model()), on_grid(4, 2, 2))
    assert found.agrees, found.mismatches
    assert (found.samples, found.quantised, found.outputs) == (4, 16, 12)


def test_steps_go_on_from_what_the_context_holds() -> None:
    net, product = dense_net()
    quantised = net.nodes[1].output[0]
    ours, x = _executor(net, 2), on_grid(2, 4)
    assert ours.run(x)[product].any()
    context = ours.begin(x)
    for node in ours.nodes:
        ours.step(node, context)
        if quantised in node.outputs:
            context[quantised] = np.zeros_like(context[quantised])
    assert not context[product].any()


def test_inputs_of_another_shape_are_refused() -> None:
    net, _ = dense_net()
    with pytest.raises(CompileError, match=r"S001.*\[2, 5\].*\[2, 4\]"):
        _executor(net, 2).run(on_grid(2, 5))


def test_failure_of_the_executor_is_a_diagnostic() -> None:
    net, _ = dense_net()
    model = net.model()
    model.graph.node[-1].op_type = "Det"
    with pytest.raises(CompileError, match="S004"):
        Executor(model.SerializeToString(), 1).run(on_grid(1, 4))


def _scaled_input(bits: float, **quant: int) -> Net:
    net = Net(1, 2, 3)
    scaled = net.node("Sub", net.node("Mul", "x", net.const(f32(2.0))), net.const(f32(1.0)))
    net.node("Transpose", net.quant(scaled, 0.1, 3.0, bits, **quant), perm=[0, 2, 1])
    return net


def test_samples_reach_every_level_and_both_ends() -> None:
    network = imported(_scaled_input(6.0, signed=0).model())
    x = sample_inputs(network, 256, seed=3)
    assert (x.dtype, x.shape) == (np.dtype(np.float32), (256, 2, 3))
    position = (2.0 * x - 1.0) / 0.1 + 3.0
    np.testing.assert_allclose(position[0], 0, atol=1e-5)
    np.testing.assert_allclose(position[1], 63, atol=1e-5)
    assert position.min() < -1
    assert position.max() > 64
    assert set(np.round(np.clip(position, 0, 63)).astype(int).flat) == set(range(64))
    levels = position[4::4]
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 32, 32), (4, 50)])
def test_samples_of_images_and_signals(shape: tuple[int, ...]) -> None:
    net = Net(1, *shape)
    scale = f32(0.1 * 2.0 ** np.arange(shape[0]).reshape(1, -1, *(1 for _ in shape[1:])))
    weights = net.quant(net.const(f32(np.ones((2, shape[0], *(3 for _ in shape[1:]))))), 0.5)
    net.node("Conv", net.quant(net.node("Relu", "x"), scale, bits=3.0, signed=0), weights)
    x = sample_inputs(imported(net.model()), 40, seed=3)
    assert x.shape == (40, *shape)
    codes = x / scale
    np.testing.assert_allclose(codes[0], 0, atol=1e-6)
    np.testing.assert_allclose(codes[1], 7, atol=1e-5)
    np.testing.assert_allclose(codes[4::4], np.round(codes[4::4]), atol=1e-5)
    assert set(np.round(np.clip(codes, 0, 7)).astype(int).flat) == set(range(8))
    assert np.all(codes.min(axis=(0, *range(2, x.ndim))) < -0.3)
    blocks = np.diff(x[2::4], axis=-1) == 0
    assert np.mean(blocks) > 0.5 > np.mean(np.diff(x[3::4], axis=-1) == 0)


def test_samples_go_through_a_pool_and_reach_every_threshold() -> None:
    net = Net(1, 2, 8, 8)
    rows = net.const(f32([[-2, 0, 5], [1, 1.5, 2]]))
    net.node(
        "MultiThreshold", net.node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2]), rows,
        out_dtype="UINT2", data_layout="NCHW",
    )  # fmt: skip
    network = imported(net.model())
    x = sample_inputs(network, 40, seed=3)
    assert x.shape == (40, 2, 8, 8)
    (counts,) = run(network.graph, {network.graph.inputs[0].name: x})
    for channel in range(2):
        assert set(counts.take(channel, axis=np.argmax(np.array(counts.shape) == 2)).flat) == {
            0, 1, 2, 3,
        }  # fmt: skip


def test_samples_depend_on_the_seed_alone() -> None:
    network = imported(_scaled_input(4.0).model())
    first, again, other = (sample_inputs(network, 8, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_thousand_frames_take_less_than_five_seconds() -> None:
    net = Net(1, 784)
    value, rng = "x", np.random.default_rng(5)
    for inputs, outputs in ((784, 64), (64, 64), (64, 64), (64, 10)):
        weights = net.quant(net.const(f32(rng.normal(size=(inputs, outputs)))), 0.7, bits=2.0)
        value = net.node("MatMul", net.quant(value, 0.9, bits=2.0), weights)
    network = imported(net.model())
    start = time.perf_counter()
    assert compare(network, sample_inputs(network, 1000, seed=0)).agrees
    assert time.perf_counter() - start < 5
