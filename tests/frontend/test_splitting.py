"""A model cut at a quantiser: the second half of what the first one gives is the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto

from bitmason.diagnostics import CompileError
from bitmason.frontend.samples import sample_inputs
from bitmason.frontend.splitting import split
from tests.frontend.onnx_models import Net, executor, f32, golden, imported, weights_of


def network(kind: str) -> ModelProto:
    """Quantiser, product, quantiser "middle", product; with a branch past it if asked for."""
    net = Net(1, 4)

    def quantise(x: str, name: str) -> str:
        return net.float_quant(x, name=name) if kind == "float" else net.quant(x, name=name)

    x = quantise("x", "first")
    weights = [quantise(net.const(weights_of(4, 4, n), f"w{n}"), f"weights{n}") for n in (0, 1)]
    middle = quantise(net.node("Relu", net.node("MatMul", x, weights[0])), "middle")
    y = net.node("MatMul", middle, weights[1])
    if kind == "branch":
        y = net.node("Add", y, x)
    net.node("Add", y, net.const(f32([0.5, 1, 2, 3])))
    return net.model()


def halves(model: ModelProto, at: str) -> tuple[ModelProto, ModelProto]:
    found = split(model.SerializeToString(), at, "net.onnx")
    return onnx.load_model_from_string(found.head), onnx.load_model_from_string(found.tail)


@pytest.mark.parametrize("kind", ["float", "integer"])
@pytest.mark.parametrize("at", ["first", "middle"])
def test_two_halves_are_the_whole(kind: str, at: str) -> None:
    model = network(kind)
    head, tail = halves(model, at)
    x = sample_inputs(imported(model), 40, 1)
    (whole,), (between,) = golden(model, x), golden(head, x)
    assert np.array_equal(golden(tail, f32(between))[0], whole)
    (whole,), (between,) = executor(model, x), executor(head, x)
    assert np.array_equal(executor(tail, between, tail.graph.input[0].name)[0], whole)
    assert len(head.graph.node) + len(tail.graph.node) == len(model.graph.node) + 1


def test_the_result_names_a_quantiser_too() -> None:
    model = network("float")
    made = next(node.output[0] for node in model.graph.node if node.name == "middle")
    data = model.SerializeToString()
    assert split(data, made, "net.onnx") == split(data, "middle", "net.onnx")


@pytest.mark.parametrize(
    ("kind", "at", "message"),
    [
        ("float", "mittle", "error[F022]: there is no quantiser of activations called 'mittle'"),
        ("float", "mittle", "note: there are 'first', 'middle'"),
        ("float", "mittle", "help: did you mean 'middle'?"),
        ("float", "weights0", "there is no quantiser of activations called 'weights0'"),
        ("branch", "middle", "passes this quantiser by, so the model is not two there"),
        ("branch", "middle", "help: split at a quantiser that everything passes"),
    ],
)
def test_refusals(kind: str, at: str, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        split(network(kind).SerializeToString(), at, "net.onnx")
    assert message in str(caught.value)


def image_network(kind: str, **quant: Any) -> ModelProto:
    """A convolution, a quantiser "middle" before or behind what only moves, and a product."""
    net = Net(1, 2, 4, 5)
    kernel = net.quant(net.const(weights_of(3, 18).reshape(3, 2, 3, 3), "k"), 0.25)
    y = net.node("Conv", net.quant("x"), kernel, pads=[1] * 4)
    if kind in {"flat", "turned", "shared"}:
        y = net.node("Flatten", net.node("Transpose", y, perm=[0, 2, 1, 3]))
    other = y
    y = net.quant(y, **quant, name="middle")
    if kind in {"image", "channels"}:
        y = net.node("Flatten", y)
    y = net.node("MatMul", y, net.quant(net.const(weights_of(60, 3, 1), "w"), 0.25))
    if kind == "shared":
        return net.model(y, other)
    return net.model()


@pytest.mark.parametrize("order", [None, (0, 2, 3, 1)])
@pytest.mark.parametrize("kind", ["flat", "image"])
def test_the_cut_is_in_front_of_what_only_moves(kind: str, order: tuple[int, ...] | None) -> None:
    model = image_network(kind, scale=0.3)
    found = split(model.SerializeToString(), "middle", "net.onnx", order)
    head, tail = (onnx.load_model_from_string(data) for data in (found.head, found.tail))
    assert_makers_first(head)
    assert_makers_first(tail)
    x = sample_inputs(imported(model), 20, 1)
    (whole,), (between,) = golden(model, x), golden(head, x)
    assert between.shape == (20, 3, 4, 5)
    assert np.array_equal(golden(tail, f32(between))[0], whole)
    (whole,), (between,) = executor(model, x), executor(head, x)
    assert np.array_equal(executor(tail, between, tail.graph.input[0].name)[0], whole)


def assert_makers_first(model: ModelProto) -> None:
    known = {value.name for value in (*model.graph.input, *model.graph.initializer)}
    for node in model.graph.node:
        assert known.issuperset(node.input)
        known.update(node.output)


def test_scales_of_channels_stay_where_they_are() -> None:
    scale = f32([0.25, 0.5, 1]).reshape(1, 3, 1, 1)
    data = image_network("channels", scale=scale).SerializeToString()
    assert len(onnx.load_model_from_string(split(data, "middle", "net.onnx").head).graph.node) == 4
    with pytest.raises(CompileError) as caught:
        split(data, "middle", "net.onnx", (0, 2, 3, 1))
    assert str(caught.value) == (
        "net.onnx#middle: error[F022]: this quantiser has several scales, and the halves would "
        "order its axes in two ways\n"
        "  help: give it one scale, or split at one that has"
    )


def refusal(model: ModelProto, at: str) -> str:
    with pytest.raises(CompileError) as caught:
        split(model.SerializeToString(), at, "net.onnx")
    return str(caught.value)


def test_rejects_a_cut_whose_operand_another_node_reads() -> None:
    net = Net(1, 4)
    y = net.node("MatMul", "x", net.const(weights_of(4, 4), "w"))
    first = net.quant(y, name="first")
    net.node("Add", first, net.quant(net.node("Relu", y, name="relu")))
    assert refusal(net.model(), "first") == (
        f"net.onnx#first: error[F022]: '{y}' passes this quantiser by, so the model is not two "
        "there\n"
        "  note: 'relu' reads it\n"
        "  help: split at a quantiser that everything passes"
    )


@pytest.mark.parametrize("kind", ["plain", "shared"])
def test_rejects_a_cut_whose_operand_the_model_returns(kind: str) -> None:
    if kind == "shared":
        assert "  note: the model returns it\n" in refusal(image_network(kind), "middle")
        return
    net = Net(1, 4)
    y = net.node("MatMul", "x", net.const(weights_of(4, 4), "w"))
    z = net.node("Relu", net.quant(y, name="first"))
    assert "  note: the model returns it\n" in refusal(net.model(z, y), "first")


def qcdq_network(*, scale: float = 0.25, zero: int = 3, shared: bool = False) -> ModelProto:
    """A product, QuantizeLinear "codes", Clip, DequantizeLinear and another product."""
    net = Net(1, 4)
    parameters = net.const(f32(0.25)), net.const(np.int8(3))
    y = net.node("MatMul", net.quant("x"), net.quant(net.const(weights_of(4, 4), "w"), 0.25))
    codes = net.node("QuantizeLinear", y, *parameters, name="codes")
    clipped = net.node("Clip", codes, net.const(np.int8(-8)), net.const(np.int8(7)))
    grid = net.const(f32(scale)), net.const(np.int8(zero))
    y = net.node("DequantizeLinear", clipped, *grid, name="undone")
    if shared:
        y = net.node("Add", y, net.node("DequantizeLinear", codes, *parameters, name="other"))
    net.node("MatMul", y, net.quant(net.const(weights_of(4, 3, 1), "v"), 0.25))
    return net.model()


def test_integers_stay_inside_both_halves() -> None:
    model = qcdq_network()
    head, tail = halves(model, "codes")
    assert head.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    x = sample_inputs(imported(model), 40, 1)
    (whole,), (between,) = executor(model, x), executor(head, x)
    assert between.dtype == np.float32
    assert np.array_equal(executor(tail, between, tail.graph.input[0].name)[0], whole)
    assert np.array_equal(golden(tail, between)[0], golden(model, x)[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 0.5}, "this QuantizeLinear has another scale than its DequantizeLinear, so "),
        ({"zero": 2}, "this QuantizeLinear has another zero point than its DequantizeLinear, so "),
        (
            {"shared": True},
            "the integers of this QuantizeLinear go elsewhere than to one DequantizeLinear\n  note",
        ),
    ],
)
def test_rejects_integers_that_do_not_end_in_one_dequantise(
    changes: dict[str, Any], message: str
) -> None:
    found = refusal(qcdq_network(**changes), "codes")
    assert f"net.onnx#codes: error[F022]: {message}" in found


def shifted(op: str, mode: str = "ROUND", scale: float = 0.3) -> ModelProto:
    """A network with a quantiser called "odd"."""
    net = Net(1, 4)
    y = net.node("Relu", net.quant("x", bits=8.0))
    if op == "Trunc":
        parts = [net.const(f32(value)) for value in (0.5, 0, 8, 4)]
        y = net.node("Trunc", y, *parts, rounding_mode="FLOOR", name="odd")
    elif op == "MultiThreshold":
        steps = net.const(f32([[0.5, 1.5, 2.5]] * 4))
        y = net.node("MultiThreshold", y, steps, out_dtype="UINT2", name="odd")
    else:
        y = net.quant(y, scale, bits=8.0, rounding_mode=mode, name="odd")
    net.node("MatMul", y, net.quant(net.const(weights_of(4, 3), "w"), 0.25))
    return net.model()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            shifted("Trunc"),
            "this Trunc cuts bits off whatever it is given, its own results too, so ",
        ),
        (
            shifted("MultiThreshold"),
            "this MultiThreshold gives counts of thresholds, which are other ",
        ),
        (
            shifted("Quant", "FLOOR"),
            "this Quant rounds with 'FLOOR' and its scale is no power of two, so it changes its "
            "own results and cannot stand twice\n"
            "  help: split at another quantiser, or train with a scale that is a power of two",
        ),
    ],
)
def test_rejects_a_quantiser_that_changes_its_own_results(model: ModelProto, message: str) -> None:
    assert f"net.onnx#odd: error[F022]: {message}" in refusal(model, "odd")


@pytest.mark.parametrize(("mode", "scale"), [("FLOOR", 0.5), ("HALF_UP", 0.3)])
def test_rounding_that_keeps_its_own_results(mode: str, scale: float) -> None:
    model = shifted("Quant", mode, scale)
    head, tail = halves(model, "odd")
    x = sample_inputs(imported(model), 40, 1)
    (whole,), (between,) = executor(model, x), executor(head, x)
    assert np.array_equal(executor(tail, between, tail.graph.input[0].name)[0], whole)


def test_initialisers_are_no_inputs_of_a_half() -> None:
    model = network("integer")
    model.ir_version = 3
    for tensor in model.graph.initializer:
        kind, shape = tensor.data_type, list(tensor.dims)
        model.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, kind, shape))
    head, tail = halves(model, "middle")
    assert [value.name for value in head.graph.input] == ["x"]
    assert len(tail.graph.input) == 1
    x = sample_inputs(imported(model), 10, 1)
    assert np.array_equal(golden(tail, f32(golden(head, x)[0]))[0], golden(model, x)[0])
