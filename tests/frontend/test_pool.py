from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.frontend.exact_images import claim, conv, ints, powers, values_of
from tests.frontend.onnx_models import (
    QONNX,
    Net,
    diagnostic,
    executor,
    f32,
    golden,
    imported,
    names_of,
    on_grid,
)

MAX_POOLS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((3, 6, 7), {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ((3, 6, 7), {"kernel_shape": [3, 2], "strides": [1, 2]}),
    ((3, 6, 7), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ((3, 6, 7), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ((3, 7, 7), {"kernel_shape": [2, 3], "strides": [3, 3], "ceil_mode": 1}),
    ((3, 6, 7), {"kernel_shape": [3, 3], "strides": [3, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1}),
    ((3, 6, 7), {"kernel_shape": [2, 2], "dilations": [2, 3]}),
    ((3, 6, 7), {"kernel_shape": [2, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ((3, 6, 7), {"kernel_shape": [2, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    ((3, 5, 8), {"kernel_shape": [2, 2], "strides": [3, 3], "pads": [0, 0, 1, 1], "ceil_mode": 1}),
    ((3, 9), {"kernel_shape": [3], "strides": [2], "pads": [0, 1]}),
]


@pytest.mark.parametrize(("image", "attributes"), MAX_POOLS)
@pytest.mark.parametrize("quantised", ["before", "behind", "bipolar"])
def test_largest_of_windows(
    image: tuple[int, ...], attributes: dict[str, Any], quantised: str
) -> None:
    net = Net(1, *image)
    scale = powers(1, image[0], *(1 for _ in image[1:]))
    if quantised == "behind":
        net.quant(net.node("MaxPool", "x", **attributes), 0.5)
    elif quantised == "before":
        net.node("MaxPool", net.quant("x", scale, 1.0), **attributes)
    else:
        net.node("MaxPool", net.node("BipolarQuant", "x", net.const(f32(0.5))), **attributes)
    claim(net)
    (pool,) = values_of(net.model(), "max_pool")
    assert (str(pool.type.elem) == "real") == (quantised == "behind")


def test_largest_of_values_with_a_negative_scale() -> None:
    net = Net(1, 3, 5, 5)
    turned = net.node("Mul", net.quant("x"), net.const(f32(-2.0)))
    net.node("MaxPool", conv(net, turned, 2, 3, 2, 2), kernel_shape=[2, 2])
    net.node("GlobalMaxPool", net.nodes[-1].output[0])
    claim(net)


AVERAGE_POOLS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((3, 6, 7), {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ((3, 6, 7), {"kernel_shape": [4, 2], "strides": [1, 3]}),
    ((3, 6, 8), {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    ((3, 9), {"kernel_shape": [4], "strides": [2]}),
    ((3, 5, 7), {"kernel_shape": [4, 4], "pads": [1, 2, 2, 1], "count_include_pad": 1}),
]


@pytest.mark.parametrize(("image", "attributes"), AVERAGE_POOLS)
@pytest.mark.parametrize("zero_point", [0.0, 3.0])
def test_mean_of_windows(
    image: tuple[int, ...], attributes: dict[str, Any], zero_point: float
) -> None:
    net = Net(1, *image)
    scale = powers(1, image[0], *(1 for _ in image[1:]))
    net.node("AveragePool", net.quant("x", scale, zero_point), **attributes)
    claim(net)
    assert "sum_pool" in names_of(imported(net.model()).graph)


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 1]])
def test_mean_of_bipolar_values(pads: list[int]) -> None:
    net = Net(1, 3, 6, 6)
    x = net.node("BipolarQuant", "x", net.const(f32(0.5)))
    net.node("AveragePool", x, kernel_shape=[2, 2], pads=pads, count_include_pad=1)
    claim(net)
    assert ("bit" in names_of(imported(net.model()).graph)) == (not any(pads))


@pytest.mark.parametrize("op", ["GlobalMaxPool", "GlobalAveragePool"])
@pytest.mark.parametrize("image", [(3, 4, 8), (3, 8)])
def test_global_pools(op: str, image: tuple[int, ...]) -> None:
    net = Net(1, *image)
    net.node(op, net.quant("x", powers(1, 3, *(1 for _ in image[1:])), 2.0))
    claim(net)
    assert "global_pool" in names_of(imported(net.model()).graph)


@pytest.mark.parametrize("op", ["GlobalMaxPool", "GlobalAveragePool"])
def test_global_pools_of_bipolar_values(op: str) -> None:
    net = Net(1, 3, 4, 4)
    net.node(op, net.node("BipolarQuant", "x", net.const(f32(0.5))))
    claim(net)


def test_global_maximum_of_real_numbers() -> None:
    net = Net(1, 3, 4, 4)
    net.quant(net.node("GlobalMaxPool", net.node("Relu", conv(net, net.quant("x"), 2, 3, 2, 2))))
    claim(net)


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceMax", "ReduceSum"])
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [[2, 3], [-1, -2], [3], [2]])
def test_reductions_over_pixels(op: str, keepdims: int, axes: list[int]) -> None:
    net = Net(1, 2, 4, 8, opset=18)
    hidden = net.quant(conv(net, net.quant("x"), 2, 2, 1, 1), 0.5)
    net.node(op, hidden, net.const(ints(*axes)), keepdims=keepdims)
    claim(net)


def test_reduction_with_attributes() -> None:
    net = Net(1, 2, 4, 8, opset=13)
    net.node("ReduceMean", conv(net, net.quant("x"), 2, 2, 1, 1), axes=[2, 3], keepdims=0)
    claim(net)


def test_pool_flatten_and_dense() -> None:
    net = Net(1, 3, 4, 4)
    flat = net.node("Flatten", net.node("GlobalAveragePool", net.quant("x")))
    weights = net.quant(net.const(f32(np.eye(3, 5) * 0.25)), 0.25)
    net.node("MatMul", net.quant(flat, 0.125), weights)
    claim(net)
    assert "transpose" not in names_of(imported(net.model()).graph)[1:]


def _trunc(net: Net, x: str, *numbers: float, **attributes: Any) -> str:
    return net.node("Trunc", x, *(net.const(f32(n)) for n in numbers), **attributes)


@pytest.mark.parametrize("rounding", ["FLOOR", "ROUND", "CEIL", "round"])
@pytest.mark.parametrize("zero_point", [0.0, 4.0])
def test_truncating_average_pool_of_version_1(rounding: str, zero_point: float) -> None:
    net = Net(1, 3, 4, 4)
    mean = net.node("AveragePool", net.quant("x", 0.5, zero_point), kernel_shape=[2, 2])
    _trunc(net, mean, 0.125, 4 * zero_point, 6.0, 4.0, rounding_mode=rounding)
    claim(net)


@pytest.mark.parametrize("rounding", ["FLOOR", "ROUND", "CEIL", "round"])
@pytest.mark.parametrize(("signed", "narrow", "bits"), [(1, 0, 4), (1, 1, 4), (0, 0, 3), (1, 0, 3)])
def test_truncating_average_pool_of_version_2(
    rounding: str, signed: int, narrow: int, bits: int
) -> None:
    net = Net(1, 3, 4, 4)
    x = net.quant("x", 0.5, signed=signed)
    mean = net.node("AveragePool", x, kernel_shape=[2, 2])
    attributes: dict[str, Any] = {"rounding_mode": rounding, "signed": signed, "narrow": narrow}
    _trunc(net, mean, 0.125, 0.0, 6.0, 0.5, float(bits), **attributes)
    model = net.model()
    del model.opset_import[:]
    model.opset_import.add(domain="", version=14)
    model.opset_import.add(domain=QONNX, version=2)
    x_in = on_grid(3, 3, 4, 4)
    np.testing.assert_array_equal(golden(model, x_in)[0], executor(model, x_in)[0])


def test_trunc_per_channel_before_another_layer() -> None:
    net = Net(1, 3, 4, 4)
    scale = powers(1, 3, 1, 1)
    mean = net.node("AveragePool", net.quant("x", scale), kernel_shape=[2, 2])
    parts = [net.const(f32(n)) for n in (scale / 4, 0.0, 6.0, 4.0)]
    conv(net, net.node("Trunc", mean, *parts, rounding_mode="FLOOR"), 2, 3, 2, 2)
    claim(net)


def test_trunc_of_real_numbers() -> None:
    net = Net(1, 3)
    _trunc(net, "x", 0.125, 0.0, 8.0, 6.0, rounding_mode="FLOOR")
    claim(net)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "AveragePool",
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
        "AveragePool that leaves its padding out of the mean divides unequally at the edges\n"
        "  help: use count_include_pad=True, or a pool without padding",
    ),
    (
        "AveragePool",
        {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
        "AveragePool with ceil_mode has windows that reach beyond the padded image\n"
        "  help: pad so that the windows fit, or leave ceil_mode out",
    ),
    ("MaxPool", {}, "MaxPool has no kernel_shape"),
    ("MaxPool", {"kernel_shape": [2]}, "kernel_shape has 1 entries, 2 are needed"),
    (
        "ReduceMean",
        {"axes": [1]},
        "ReduceMean over axes [1] of a tensor that has 4: expected axes of the image, behind batch "
        "and channels",
    ),
]


@pytest.mark.parametrize(("op", "attributes", "message"), REFUSED)
def test_refused_forms(op: str, attributes: dict[str, Any], message: str) -> None:
    net = Net(1, 2, 5, 6)
    net.node(op, net.quant("x"), name="layer", **attributes)
    assert diagnostic(net.model()) == f"net.onnx#layer: error[F014]: {message}"


def test_indices_of_the_largest_elements() -> None:
    net = Net(1, 2, 5, 6)
    net.node("MaxPool", net.quant("x"), kernel_shape=[2, 2], outputs=2, name="layer")
    assert diagnostic(net.model()) == (
        "net.onnx#layer: error[F014]: MaxPool with indices is not supported"
    )


@pytest.mark.parametrize("op", ["AveragePool", "GlobalAveragePool"])
def test_mean_of_unquantised_values(op: str) -> None:
    net = Net(1, 2, 4, 4)
    attributes: dict[str, Any] = {"kernel_shape": [2, 2]} if op == "AveragePool" else {}
    net.node(op, "x", name="layer", **attributes)
    assert diagnostic(net.model()) == (
        "net.onnx#layer: error[F009]: the activations of this average pool are not quantised\n"
        "  help: put an activation quantiser (QuantIdentity, QuantReLU) in front of the layer"
    )
