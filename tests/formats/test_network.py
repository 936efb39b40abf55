"""Which networks can be searched, and what is said of the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

from bitmason.diagnostics import CompileError, Diagnostic
from bitmason.formats import Choice, Data, Wishes, search
from bitmason.formats.network import Kind
from bitmason.frontend.reference import Executor
from bitmason.ir.types import Array
from tests.formats.networks import (
    CLASSES,
    SIDE,
    floats,
    frames,
    images_model,
    images_net,
    network,
)
from tests.frontend.onnx_models import Net, f32

RNG = np.random.default_rng(0)


def weights(*shape: int) -> Array:
    return f32(RNG.normal(0, 1, shape))


def refused(model: ModelProto, x: Data | None = None) -> Diagnostic:
    data = x or Data(frames(6), np.zeros(6, int))
    with pytest.raises(CompileError) as error:
        search(network(model), data, Wishes(), jobs=1)
    return error.value.diagnostics[0]


def test_parts_together_are_the_network() -> None:
    """The same bits as the QONNX executor, which runs node by node too."""
    x = frames(20)
    executor = Executor(images_model().SerializeToString(), len(x))
    np.testing.assert_array_equal(floats(network(), x), executor.run(x)[executor.outputs[0]])


@pytest.mark.parametrize("dims", [("batch", 1, SIDE, SIDE), (None, 1, SIDE, SIDE)])
def test_any_batch_is_taken(dims: tuple[str | int | None, ...]) -> None:
    model = images_model()
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, dims))
    x = frames(5)
    np.testing.assert_array_equal(floats(network(model), x), floats(network(), x))


def test_weights_may_be_computed_from_constants() -> None:
    net = Net(1, 5)
    transposed = net.node("Transpose", net.const(weights(3, 5)), perm=[1, 0])
    net.node("MatMul", "x", net.node("Mul", transposed, net.const(f32(2))))
    found = network(net.model())
    assert [site.kind for site in found.sites] == [Kind.ACTIVATIONS, Kind.WEIGHTS]
    assert found.weights(1).shape == (5, 3)


def test_a_product_of_activations_is_no_layer() -> None:
    net = Net(1, 4)
    hidden = net.node("MatMul", "x", net.const(weights(4, 4)))
    net.node("MatMul", hidden, net.node("Transpose", hidden, perm=[1, 0]))
    assert len(network(net.model()).products) == 1


def test_a_softmax_at_the_end_is_the_confidence() -> None:
    net = images_net()
    net.node("Softmax", net.nodes[-1].output[0], axis=-1)
    plain, soft = (floats(network(model), frames(8)) for model in (images_model(), net.model()))
    np.testing.assert_allclose(np.exp(soft).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(soft.argmax(axis=1), plain.argmax(axis=1))


def test_names_of_the_file_do_no_harm() -> None:
    """Names like those of the parts, and names with anything in them."""
    model = images_model()
    hostile = ["data", "weights", "t0", "t1", "r0", "\x00\n\x1b[31m", "../../x", "ä" * 5000, " "]
    renamed = dict(zip([n.output[0] for n in model.graph.node], hostile, strict=False))
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
        node.name = renamed.get(node.name, f"{node.name}\n\x1b]0;x")
    for value in model.graph.output:
        value.name = renamed.get(value.name, value.name)
    np.testing.assert_array_equal(floats(network(model), frames(4)), floats(network(), frames(4)))


def with_node(**changes: str) -> ModelProto:
    model = images_model()
    for key, value in changes.items():
        setattr(model.graph.node[1], key, value)
    return model


def with_two_outputs() -> ModelProto:
    model = images_model()
    extra = helper.make_tensor_value_info(model.graph.node[0].output[0], TensorProto.FLOAT, None)
    model.graph.output.append(extra)
    return model


def with_infinite_weights() -> ModelProto:
    net = Net(1, 4)
    net.node("MatMul", "x", net.const(f32([[np.inf] * 3] * 4)))
    return net.model()


def without_products() -> ModelProto:
    net = Net(1, 4)
    net.node("Relu", "x")
    return net.model()


def mixing_frames() -> ModelProto:
    net = Net(1, 1, SIDE, SIDE)
    flat = net.node("Reshape", "x", net.const(np.array([-1, 16])))
    net.node("MatMul", flat, net.const(weights(16, CLASSES)))
    return net.model()


def with_batch_of(size: int) -> ModelProto:
    model = images_model()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = size
    return model


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (lambda: with_node(op_type="Quant", domain="qonnx.custom_op.general"), "F003", "'Quant'"),
        (lambda: with_node(op_type="Reelu"), "S006", "onnxruntime cannot run"),
        (with_two_outputs, "F014", "2 outputs"),
        (with_infinite_weights, "F005", "NaN or infinity"),
        (without_products, "F023", "no Conv, Gemm or MatMul"),
        (mixing_frames, "F014", "not one of its frames after the other"),
        (lambda: with_batch_of(3), "F004", "[3, 1, 8, 8]"),
    ],
)
def test_refusals(make: Callable[[], ModelProto], code: str, said: str) -> None:
    diagnostic = refused(make())
    assert (diagnostic.code, said in diagnostic.message) == (code, True), str(diagnostic)


def test_refuses_activations_beyond_all_numbers() -> None:
    net = Net(1, 4)
    large = net.node("Mul", "x", net.const(f32(3e38)))
    net.node("MatMul", net.node("Mul", large, large), net.const(np.zeros((4, 3), np.float32)))
    x = Data(np.ones((6, 4), np.float32), np.zeros(6, int))
    assert refused(net.model(), x).code == "S001"


def test_choices_are_named_as_in_the_paper() -> None:
    assert list(Choice) == ["exact", "accurate", "approximate"]
