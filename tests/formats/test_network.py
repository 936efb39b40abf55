"""Which networks can be searched, and what is said of the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from bitmason.diagnostics import CompileError, Diagnostic
from bitmason.formats import Choice, Data, Wishes, search
from bitmason.formats.network import Kind
from bitmason.formats.writing import with_formats
from bitmason.frontend.reference import Executor
from bitmason.ir.custom_float import TRUNCATE, CustomFloat
from bitmason.ir.types import Array
from bitmason.onnx_ops import DOMAIN, VERSION
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

WISHES = Wishes(accuracy=Fraction(9, 10))
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


@pytest.mark.parametrize(
    "move",
    ["Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Dropout", "Cast"],
)
def test_a_softmax_is_known_behind_what_moves_it(move: str) -> None:
    net = images_net()
    soft = net.node("Softmax", net.nodes[-1].output[0], axis=-1)
    more: dict[str, list[str]] = {
        "Reshape": [net.const(np.array([-1, CLASSES, 1]))],
        "Unsqueeze": [net.const(np.array([2]))],
        "Squeeze": [net.const(np.array([2]))],
    }
    attributes: dict[str, dict[str, Any]] = {
        "Cast": {"to": TensorProto.DOUBLE},
        "Transpose": {"perm": [0, 1]},
    }
    if move == "Squeeze":
        soft = net.node("Unsqueeze", soft, *more["Squeeze"])
    last = net.node(move, soft, *more.get(move, []), **attributes.get(move, {}))
    found = network(net.model(elem=TensorProto.UNDEFINED))
    net.node("Identity", last)
    assert found.ends_in_softmax
    assert network(net.model()).ends_in_softmax
    np.testing.assert_allclose(np.exp(floats(found, frames(8))).sum(axis=1), 1, rtol=1e-5)


def test_what_moves_other_answers_is_no_softmax() -> None:
    net = Net(1, 4)
    net.node("Flatten", net.node("MatMul", "x", net.const(weights(4, 3))))
    assert not network(net.model()).ends_in_softmax


@pytest.mark.parametrize("stored", ["initialiser", "Constant", "Mul", "Transpose"])
def test_refuses_half_precision_weights_as_onnxruntime_does(stored: str) -> None:
    net = Net(1, 4)
    half = weights(4, 3).astype(np.float16)
    name = net.const(half)
    if stored == "Constant":
        name = net.node("Constant", value=numpy_helper.from_array(half))
    elif stored == "Mul":
        name = net.node("Mul", name, net.const(np.float16(2)))
    elif stored == "Transpose":
        name = net.node("Transpose", net.const(half.T), perm=[1, 0])
    first = net.node("MatMul", "x", name)
    net.node("MatMul", first, net.const(weights(3, 3)))
    found = network(net.model())
    assert [site.layer for site in found.sites if site.kind is Kind.WEIGHTS] == [net.nodes[-1].name]
    data = Data(f32(RNG.normal(0, 1, (6, 4))), np.zeros(6, int))
    assert refused(net.model(), data).code == "S006"


def test_half_precision_weights_may_be_cast() -> None:
    net = Net(1, 4)
    half = net.const(weights(4, 3).astype(np.float16))
    net.node("MatMul", "x", net.node("Cast", half, to=TensorProto.FLOAT))
    assert len(network(net.model()).sites) == 2


def test_refuses_bfloat16() -> None:
    net = Net(1, 4)
    net.node("MatMul", "x", net.const(weights(4, 3)))
    model = net.model()
    model.graph.initializer[0].CopyFrom(
        helper.make_tensor("c0", TensorProto.BFLOAT16, [4, 3], [1.0] * 12)
    )
    assert refused(model).code == "F014"


def test_the_domain_of_formats_is_imported_once() -> None:
    model = images_model()
    model.opset_import.append(helper.make_opsetid(DOMAIN, 7))
    found = network(model)
    formats = (CustomFloat(4, 3, 9),) * len(found.sites)
    written = ModelProto.FromString(with_formats(found, formats, TRUNCATE))
    imports = {(opset.domain, opset.version) for opset in written.opset_import}
    assert (DOMAIN, VERSION) in imports
    assert len(imports) == len(written.opset_import) == len(model.opset_import)


def test_shapes_may_be_taken_far_before_they_are_used() -> None:
    """As exporters write x.view(x.size(0), -1), but with a layer in between."""
    net = Net(1, 1, SIDE, SIDE)
    batch = net.node("Gather", net.node("Shape", "x"), net.const(np.array([0])), axis=0)
    target = net.node("Concat", batch, net.const(np.array([-1])), axis=0)
    convolved = net.node("Conv", "x", net.const(weights(2, 1, 3, 3)))
    flat = net.node("Reshape", convolved, target)
    hidden = net.node("MatMul", flat, net.const(weights(72, 5)))
    hidden = net.node("Reshape", net.node("Relu", hidden), target)
    net.node("MatMul", hidden, net.const(weights(5, CLASSES)))
    model = net.model()
    x = frames(12)
    executor = Executor(model.SerializeToString(), 12)
    np.testing.assert_allclose(
        floats(network(model), x), executor.run(x)[executor.outputs[0]], rtol=1e-5
    )
    data = Data(x, floats(network(model), x).argmax(axis=1))
    assert search(network(model), data, WISHES, jobs=1).reached


@pytest.mark.parametrize("kind", ["ArgMax", "Greater", "Cast"])
def test_what_is_held_between_layers_keeps_its_type(kind: str) -> None:
    net = Net(1, 4)
    if kind == "ArgMax":
        held = net.node("ArgMax", "x", axis=1, keepdims=1)
    elif kind == "Greater":
        held = net.node("Greater", "x", net.const(f32(0)))
    else:
        held = net.node("Cast", "x", to=TensorProto.DOUBLE)
    hidden = net.node("MatMul", "x", net.const(weights(4, 4)))
    hidden = net.node("Add", hidden, net.node("Cast", held, to=TensorProto.FLOAT))
    net.node("MatMul", hidden, net.const(weights(4, 3)))
    x = f32(RNG.normal(0, 1, (20, 4)))
    labels = floats(network(net.model()), x).argmax(axis=1)
    assert search(network(net.model()), Data(x, labels), WISHES, jobs=1).reached


def test_refuses_a_layer_that_reads_wider_floats() -> None:
    net = Net(1, 4)
    net.node("MatMul", net.node("Cast", "x", to=TensorProto.DOUBLE), net.const(weights(4, 3)))
    said = refused(net.model(), Data(f32(np.ones((6, 4))), np.zeros(6, int)))
    assert said.code == "F014"
    assert "is double" in said.message


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


@pytest.mark.parametrize("place", [0, 1, 5])
def test_refuses_answers_that_are_no_numbers(place: int) -> None:
    """The logarithm of what is negative, in the frames of the probe and behind them."""
    net = Net(1, 4)
    net.node("Log", net.node("MatMul", "x", net.const(f32([[1, 2]] * 4))))
    good = Data(np.ones((6, 4), np.float32), np.ones(6, int))
    bad = Data(good.frames.copy(), good.labels, "test data")
    bad.frames[place] = -1
    said = refused(net.model(), replace(bad, name="data"))
    assert said.code == "S001"
    assert f"answers NaN or infinity to frame {place} of the data" in said.message
    assert said.help
    with pytest.raises(CompileError, match=f"to frame {place} of the test data"):
        search(network(net.model()), good, Wishes(), test=bad, jobs=1)


def test_weights_that_overflow_are_not_a_matter_of_the_batch() -> None:
    rng = np.random.default_rng(2)
    net = Net(1, 64)
    large = net.node("MatMul", "x", net.const(f32(rng.choice([-3e38, 3e38], (64, 64)))))
    net.node("MatMul", large, net.const(weights(64, 3)))
    x = f32(rng.normal(0, 9, (6, 64)))
    assert refused(net.model(), Data(x, np.zeros(6, int))).code == "S001"


def test_choices_are_named_as_in_the_paper() -> None:
    assert list(Choice) == ["exact", "accurate", "approximate"]
