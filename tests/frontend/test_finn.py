"""Files in the forms that qonnx and FINN transform networks into."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

from tests.frontend.exact_images import claim, conv, kernels, powers
from tests.frontend.onnx_models import (
    Net,
    diagnostic,
    executor,
    f32,
    golden,
    imported,
    names_of,
    on_grid,
)

LAST = "qonnx.custom_op.channels_last"


def _steps(rows: int, count: int, seed: int = 0) -> Any:
    return f32(np.sort(np.random.default_rng(seed).integers(-40, 40, (rows, count)) / 8, axis=1))


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("layout", ["", "NCHW", "NHWC"])
@pytest.mark.parametrize(("scale", "bias"), [(1.0, 0.0), (2.0, -1.0), (0.25, -3.5)])
def test_multi_threshold(rows: int, layout: str, scale: float, bias: float) -> None:
    net = Net(1, *((4, 5, 3) if layout == "NHWC" else (3, 4, 5)))
    attributes: dict[str, Any] = {"data_layout": layout} if layout else {}
    steps = net.const(_steps(rows, 1 if scale == 2.0 else 7))
    net.node(
        "MultiThreshold", net.quant("x"), steps, out_dtype="INT4", out_scale=scale, out_bias=bias,
        **attributes,
    )  # fmt: skip
    claim(net)


@pytest.mark.parametrize("shape", [(5,), (4, 5)])
def test_multi_threshold_of_features_and_signals(shape: tuple[int, ...]) -> None:
    net = Net(1, *shape)
    net.node("MultiThreshold", net.quant("x"), net.const(_steps(shape[0], 3)), out_dtype="UINT2",
             data_layout="NC")  # fmt: skip
    claim(net)


def test_streamlined_network() -> None:
    """FINN's form: thresholds on the input, whole weights, thresholds on accumulators."""
    net = Net(1, 2, 6, 6)
    x = net.node("MultiThreshold", "x", net.const(_steps(1, 15)), out_dtype="INT4", out_bias=-8.0)
    hidden = net.node("Conv", x, net.const(kernels(3, 2, 3, 3) * 4), pads=[1, 1, 1, 1])
    steps = net.const(f32(np.sort(np.random.default_rng(1).integers(-99, 99, (3, 3)) + 0.5)))
    hidden = net.node("MultiThreshold", hidden, steps, out_dtype="UINT2")
    pooled = net.node("MaxPool", hidden, kernel_shape=[2, 2], strides=[2, 2])
    net.node("MatMul", net.node("Flatten", pooled), net.const(kernels(27, 4) * 4))
    claim(net)
    names = names_of(imported(net.model()).graph)
    assert names.count("staircase") == 2
    assert names[-2:] == ["dense", "dequantise"]


def test_thresholds_of_another_number_of_channels() -> None:
    net = Net(1, 3, 4, 5)
    net.node("MultiThreshold", "x", net.const(_steps(4, 3)), out_dtype="UINT2", name="layer")
    assert diagnostic(net.model()) == (
        "net.onnx#layer: error[F014]: MultiThreshold has thresholds for 4 channels of "
        "[1, 3, 4, 5] values in layout NCHW"
    )


def _channels_last(*, imports: bool) -> ModelProto:
    net = Net(1, 6, 5, 2)
    weights = net.quant(net.const(np.moveaxis(kernels(3, 2, 3, 3), 1, -1)), 0.25, narrow=1)
    conv_form: dict[str, Any] = {
        "kernel_shape": [3, 3],
        "strides": [1, 1],
        "dilations": [1, 1],
        "group": 1,
    }
    found = net.node("Conv", net.quant("x"), weights, domain=LAST, pads=[1, 1, 1, 1], **conv_form)
    rows = ([2.0, 0.5, 1.0], [1.0, -2.0, 0.0], [0.5, 3.0, 1.0], [4.0, 0.25, 1.0])
    found = net.node(
        "BatchNormalization", found, *(net.const(f32(r)) for r in rows), domain=LAST, epsilon=0.0
    )
    found = net.quant(net.node("Relu", found), powers(1, 1, 1, 3), signed=0)
    net.node("MaxPool", found, domain=LAST, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0])
    model = net.model()
    hidden = dict.fromkeys(("t2", "t3", "t4", "t5"), (1, 6, 5, 3))
    # qonnx infers no shapes through these operators.
    for tensor, shape in {"t0": (3, 3, 3, 2), "t1": (1, 6, 5, 2), **hidden}.items():
        value = helper.make_tensor_value_info(tensor, TensorProto.FLOAT, shape)
        model.graph.value_info.append(value)
    if imports:
        model.opset_import.add(domain=LAST, version=14)
    return model


@pytest.mark.parametrize("imports", [False, True])
def test_channels_last_network(imports: bool) -> None:
    model, complete = _channels_last(imports=imports), _channels_last(imports=True)
    x = on_grid(3, 6, 5, 2)
    np.testing.assert_array_equal(golden(model, x)[0], executor(complete, x)[0])
    assert "transpose" not in names_of(imported(model).graph)


@pytest.mark.parametrize("op", ["AveragePool", "GlobalAveragePool", "GlobalMaxPool"])
def test_channels_last_pools_equal_those_of_the_standard(op: str) -> None:
    """The installed qonnx executes none of them: the standard operator between two transposes."""
    attributes: dict[str, Any] = (
        {"kernel_shape": [2, 2], "strides": [2, 2]} if op == "AveragePool" else {}
    )
    net = Net(1, 4, 8, 2)
    net.node(op, net.quant("x"), domain=LAST, **attributes)
    standard = Net(1, 4, 8, 2)
    first = standard.node("Transpose", standard.quant("x"), perm=[0, 3, 1, 2])
    standard.node("Transpose", standard.node(op, first, **attributes), perm=[0, 2, 3, 1])
    x = on_grid(3, 4, 8, 2)
    np.testing.assert_array_equal(golden(net.model(), x)[0], executor(standard.model(), x)[0])


def test_several_outputs_in_several_layouts() -> None:
    net = Net(1, 2, 4, 6)
    hidden = net.quant(conv(net, net.quant("x"), 3, 2, 3, 3))
    second = conv(net, hidden, 2, 3, 2, 2, seed=3)
    flat = net.node("Flatten", net.node("GlobalMaxPool", hidden))
    turned = net.node("Transpose", hidden, perm=[0, 3, 1, 2])
    claim(net, second, flat, turned, hidden)
    assert len(imported(net.model(second, flat, turned, hidden)).graph.outputs) == 4
