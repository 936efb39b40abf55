from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.frontend.exact_images import claim, conv, kernels, powers, values_of
from tests.frontend.onnx_models import Net, diagnostic, f32, imported, names_of

FORMS: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((3, 6, 7), (4, 3, 3, 3), {}),
    ((3, 6, 7), (4, 3, 1, 1), {}),
    ((3, 6, 7), (4, 3, 2, 3), {"strides": [2, 3]}),
    ((3, 6, 7), (4, 3, 3, 2), {"pads": [1, 0, 2, 1]}),
    ((3, 6, 7), (4, 3, 3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ((3, 8, 7), (4, 3, 2, 3), {"dilations": [3, 2], "pads": [1, 2, 0, 2]}),
    ((4, 6, 5), (6, 2, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    ((4, 6, 5), (4, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
    ((4, 6, 5), (8, 1, 3, 3), {"group": 4}),
    ((3, 6, 7), (4, 3, 3, 2), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ((3, 6, 7), (4, 3, 3, 2), {"auto_pad": "SAME_LOWER", "strides": [1, 2]}),
    ((3, 6, 7), (4, 3, 3, 2), {"auto_pad": "VALID", "strides": [2, 2]}),
    ((3, 9), (4, 3, 4), {}),
    ((3, 9), (4, 3, 4), {"strides": [2], "pads": [1, 2], "dilations": [2]}),
    ((4, 9), (4, 1, 3), {"group": 4, "pads": [1, 1]}),
]


@pytest.mark.parametrize(("image", "kernel", "attributes"), FORMS)
def test_forms_of_convolution(
    image: tuple[int, ...], kernel: tuple[int, ...], attributes: dict[str, Any]
) -> None:
    net = Net(1, *image)
    net.quant(conv(net, net.quant("x"), *kernel, **attributes), 2.0, bits=6.0)
    claim(net)
    names = names_of(imported(net.model()).graph)
    assert names.count("conv") == 1
    assert names.count("transpose") <= 2


TRANSPOSED: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((3, 4, 5), (3, 2, 3, 3), {}),
    ((3, 4, 5), (3, 2, 2, 2), {"strides": [2, 2]}),
    ((3, 4, 5), (3, 2, 3, 4), {"strides": [2, 3], "pads": [1, 0, 1, 2]}),
    ((3, 4, 5), (3, 2, 3, 3), {"strides": [2, 2], "output_padding": [1, 1], "pads": [1, 1, 1, 1]}),
    ((3, 4, 5), (3, 2, 2, 3), {"dilations": [2, 2], "pads": [1, 1, 0, 2]}),
    ((4, 4, 5), (4, 3, 3, 3), {"group": 2, "strides": [2, 1]}),
    ((4, 4, 5), (4, 1, 3, 3), {"group": 4, "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ((3, 4, 5), (3, 2, 2, 2), {"pads": [2, 0, 0, 2], "strides": [2, 2]}),
    ((3, 4, 5), (3, 2, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ((3, 4, 5), (3, 2, 3, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    ((3, 4, 5), (3, 2, 3, 3), {"auto_pad": "VALID", "strides": [2, 2]}),
    ((3, 4, 5), (3, 2, 3, 3), {"output_shape": [8, 9], "strides": [2, 2]}),
    ((3, 6), (3, 2, 4), {"strides": [2], "pads": [1, 1]}),
]


@pytest.mark.parametrize(("image", "kernel", "attributes"), TRANSPOSED)
def test_forms_of_transposed_convolution(
    image: tuple[int, ...], kernel: tuple[int, ...], attributes: dict[str, Any]
) -> None:
    net = Net(1, *image)
    found = conv(net, net.quant("x"), *kernel, op="ConvTranspose", **attributes)
    net.quant(found, 2.0, bits=6.0)
    claim(net)


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
@pytest.mark.parametrize("quantised", [False, True])
def test_bias(op: str, quantised: bool) -> None:
    net = Net(1, 4, 5, 5)
    bias = net.const(f32([0.5, -1.0, 3.25, 2.0]))
    weights = net.quant(net.const(kernels(4, 4, 3, 3)), 0.25, narrow=1)
    net.node(op, net.quant("x"), weights, net.quant(bias, 0.125, bits=8.0) if quantised else bias)
    claim(net)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_scales_per_output_channel(groups: int) -> None:
    net = Net(1, 4, 5, 5)
    scale = powers(8, 1, 1, 1)
    weights = net.quant(net.const(kernels(8, 4 // groups, 3, 3) * scale), scale / 4, narrow=1)
    net.node("Conv", net.quant("x"), weights, group=groups)
    claim(net)


def test_scales_per_output_channel_of_a_transposed_convolution() -> None:
    net = Net(1, 4, 5, 5)
    scale = powers(1, 3, 1, 1)
    weights = net.quant(net.const(kernels(4, 3, 3, 3) * scale), scale / 4, narrow=1)
    net.node("ConvTranspose", net.quant("x"), weights, strides=[2, 2])
    claim(net)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_scales_per_input_channel(groups: int) -> None:
    net = Net(1, 4, 5, 5)
    x = net.quant("x", powers(1, 4, 1, 1))
    net.quant(conv(net, x, 4, 4 // groups, 3, 3, group=groups, pads=[1, 1, 1, 1]), 1.0, bits=8.0)
    claim(net)
    (found,) = values_of(net.model(), "conv")
    if groups == 4:
        assert str(found.op.weight) == "int4<-7..7>", "a depthwise layer needs no joining"


@pytest.mark.parametrize("per_channel", [False, True])
def test_zero_points_of_activations_are_what_pads(per_channel: bool) -> None:
    net = Net(1, 3, 5, 5)
    zero_point = f32([[[[3.0]], [[-2.0]], [[5.0]]]]) if per_channel else 3.0
    x = net.quant("x", powers(1, 3, 1, 1) if per_channel else 0.5, zero_point, bits=5.0)
    conv(net, x, 4, 3, 3, 3, pads=[1, 1, 1, 1])
    claim(net)
    (found,) = values_of(net.model(), "pad")
    assert found.op.value == ((3, -2, 5) if per_channel else (3,))


@pytest.mark.parametrize("groups", [1, 3])
def test_zero_points_of_weights(groups: int) -> None:
    net = Net(1, 3, 5, 5)
    weights = net.quant(net.const(kernels(6, 3 // groups, 3, 3)), 0.25, 2.0, bits=5.0)
    net.node("Conv", net.quant("x"), weights, group=groups, pads=[1, 1, 1, 1])
    claim(net)


def test_bipolar_operands_stay_bipolar_without_padding() -> None:
    net = Net(1, 3, 5, 5)
    weights = net.node("BipolarQuant", net.const(kernels(4, 3, 3, 3)), net.const(f32(0.5)))
    net.node("Conv", net.node("BipolarQuant", "x", net.const(f32(0.25))), weights)
    claim(net)
    (found,) = values_of(net.model(), "quantise")
    assert str(found.type.elem) == "bipolar"
    assert str(values_of(net.model(), "conv")[0].op.weight) == "bipolar"


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_bipolar_activations_are_padded_with_zero(op: str) -> None:
    net = Net(1, 3, 5, 5)
    x = net.node("BipolarQuant", "x", net.const(f32(0.25)))
    conv(net, x, 3, 3, 3, 3, op=op, pads=[1, 1, 1, 1], strides=[2, 2])
    claim(net)
    (padded,) = values_of(net.model(), "pad")
    assert str(padded.type.elem) == "int2<-1..1>"


def test_offsets_in_front_of_a_convolution_move_behind_it() -> None:
    net = Net(1, 3, 5, 5)
    shifted = net.node("Add", net.quant("x"), net.const(f32([[[0.5]], [[-1.0]], [[2.0]]])))
    conv(net, net.node("Mul", shifted, net.const(f32(-2.0))), 4, 3, 3, 3)
    claim(net)
    assert "add_const" not in names_of(imported(net.model()).graph)[2:]


def test_whole_numbers_are_weights_without_a_quantiser() -> None:
    net = Net(1, 3, 5, 5)
    net.node("Conv", net.quant("x"), net.const(kernels(4, 3, 3, 3) * 4))
    claim(net)
    assert str(values_of(net.model(), "conv")[0].op.weight) == "int4<-7..7>"


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("scale", [f32(0.25), powers(4, 1, 1, 1)])
def test_weights_packed_as_integers(shifted: bool, scale: Any) -> None:
    net = Net(1, 3, 5, 5)
    real = net.node("Cast", net.const((kernels(4, 3, 3, 3) * 4).astype(np.int8)), to=1)
    if shifted:
        real = net.node("Sub", real, net.const(f32(2.0)))
    net.node("Conv", net.quant("x"), net.node("Mul", real, net.const(scale)))
    claim(net)


def test_packed_weights_of_a_dense_layer() -> None:
    net = Net(1, 6)
    real = net.node("Cast", net.const((kernels(6, 4) * 4).astype(np.int8)), to=1)
    net.node("MatMul", net.quant("x"), net.node("Mul", net.const(f32(0.5)), real))
    claim(net)


def test_quantisers_in_two_halves_with_an_axis() -> None:
    net = Net(1, 4, 5, 5)
    scale, zero = net.const(powers(4)), net.const(np.zeros(4, np.int8))
    codes = net.node("QuantizeLinear", "x", scale, zero, axis=1)
    x = net.node("DequantizeLinear", codes, scale, zero, axis=1)
    packed = net.const((kernels(6, 4, 3, 3) * 4).astype(np.int8))
    steps = net.const(powers(6, seed=6))
    weights = net.node("DequantizeLinear", packed, steps, net.const(np.zeros(6, np.int8)), axis=0)
    net.node("Conv", x, weights, pads=[1, 1, 1, 1])
    claim(net)


def test_normalisation_of_images() -> None:
    net = Net(1, 3, 5, 5)
    found = conv(net, net.quant("x"), 2, 3, 3, 3)
    rows = ([2.0, 0.5], [1.0, -2.0], [0.5, 3.0], [4.0, 0.25])
    normal = net.node("BatchNormalization", found, *(net.const(f32(r)) for r in rows), epsilon=0.0)
    net.quant(net.node("Relu", normal), 0.5, bits=6.0, signed=0)
    claim(net)
    scaled = values_of(net.model(), "mul_const")[0]
    assert scaled.op.value.shape == (1, 1, 2), "constants lie as the graph does"


def test_two_convolutions_in_a_row_without_a_quantiser_between() -> None:
    net = Net(1, 2, 6, 6)
    first = conv(net, net.quant("x", 1.0, bits=3.0), 3, 2, 3, 3)
    conv(net, first, 2, 3, 2, 2, seed=3)
    claim(net)


def test_dense_layer_behind_a_convolution() -> None:
    net = Net(1, 2, 4, 5)
    hidden = net.quant(conv(net, net.quant("x"), 3, 2, 3, 3), 2.0)
    weights = net.quant(net.const(kernels(18, 4, seed=2)), 0.25)
    net.node("MatMul", net.node("Flatten", hidden), weights)
    claim(net)
    graph = imported(net.model()).graph
    assert names_of(graph).count("transpose") == 1, "only the input's: the weights are reordered"


def test_scales_per_feature_behind_flatten() -> None:
    net = Net(1, 2, 4, 5)
    flat = net.node("Flatten", conv(net, net.quant("x"), 3, 2, 3, 3))
    hidden = net.quant(flat, powers(1, 18))
    net.node("MatMul", hidden, net.quant(net.const(kernels(18, 4, seed=2)), 0.25))
    claim(net)


def test_input_that_is_channels_last_needs_no_transpose() -> None:
    net = Net(1, 4, 5, 3)
    turned = net.node("Transpose", net.quant("x"), perm=[0, 3, 1, 2])
    net.node("Transpose", conv(net, turned, 2, 3, 3, 3), perm=[0, 2, 3, 1])
    claim(net)
    assert "transpose" not in names_of(imported(net.model()).graph)


def _refused(net: Net, node: str, code: str, message: str, help_line: str) -> None:
    assert diagnostic(net.model()) == (
        f"net.onnx#{node}: error[{code}]: {message}\n  help: {help_line}"
    )


@pytest.mark.parametrize("op", ["Conv", "MaxPool", "AveragePool"])
def test_kernel_larger_than_the_padded_image(op: str) -> None:
    net = Net(1, 2, 3, 4)
    x, pads = net.quant("x"), [1, 0, 1, 0]
    if op == "Conv":
        conv(net, x, 2, 2, 3, 3, dilations=[3, 1], pads=pads, name="layer")
    else:
        net.node(op, x, kernel_shape=[7, 3], pads=pads, name="layer")
    _refused(
        net,
        "layer",
        "F018",
        "the kernel covers 7 x 3 pixels, the padded image has 5 x 4",
        "use a smaller kernel or dilation, more padding, or larger inputs",
    )


def test_groups_that_do_not_divide_the_channels() -> None:
    net = Net(1, 4, 5, 5)
    conv(net, net.quant("x"), 6, 1, 3, 3, group=3, name="layer")
    _refused(
        net,
        "layer",
        "F018",
        "3 groups do not divide 4 input and 6 output channels",
        "choose a number of groups that divides both",
    )


def test_weights_that_do_not_fit_the_channels() -> None:
    net = Net(1, 4, 5, 5)
    conv(net, net.quant("x"), 6, 3, 3, 3, group=2, name="layer")
    _refused(
        net,
        "layer",
        "F018",
        "weights for 6 kernels of 3 channels in 2 groups do not fit [1, 4, 5, 5] values",
        "the file was edited: export the model again",
    )


def test_unquantised_operands() -> None:
    net = Net(1, 2, 5, 5)
    conv(net, "x", 2, 2, 3, 3, name="layer")
    _refused(
        net,
        "layer",
        "F009",
        "the activations of this convolution are not quantised",
        "put an activation quantiser (QuantIdentity, QuantReLU) in front of the layer",
    )
    net = Net(1, 2, 5, 5)
    net.node("Conv", net.quant("x"), net.const(kernels(2, 2, 3, 3)), name="layer")
    _refused(
        net,
        "layer",
        "F008",
        "the weights of this convolution are not quantised",
        "use a quantised layer (Brevitas QuantConv1d, QuantConv2d) with a weight quantiser",
    )


def test_padding_that_no_integer_stands_for() -> None:
    net = Net(1, 2, 5, 5)
    shifted = net.node("Add", net.quant("x"), net.const(f32(0.125)))
    conv(net, shifted, 2, 2, 3, 3, pads=[1, 1, 1, 1], name="layer")
    assert diagnostic(net.model()) == (
        "net.onnx#layer: error[F020]: the padding 0 would need the integer -0.25\n"
        "  note: padding must lie on the quantiser's grid: offset + scale * integer\n"
        "  help: use a quantiser with a whole-numbered zero point in front of this layer"
    )


def test_scales_that_differ_between_the_pixels() -> None:
    net = Net(1, 2, 5, 5)
    conv(net, net.quant("x", powers(1, 1, 5, 5)), 2, 2, 3, 3, name="layer")
    _refused(
        net,
        "layer",
        "F016",
        "the scale of the activations varies between the pixels of a channel",
        "use one scale per tensor, or one per channel",
    )


def test_scales_that_have_no_common_step() -> None:
    net = Net(1, 2, 5, 5)
    scale = f32([[[[0.3]], [[0.7]]]])
    conv(net, net.quant("x", scale), 2, 2, 3, 3, name="layer")
    assert diagnostic(net.model()).startswith(
        "net.onnx#layer: error[F016]: the scales along the inputs of this convolution have no "
        "common step that keeps the weights within 16 bits: they would reach "
    )


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"strides": [1]}, "strides has 1 entries, 2 are needed"),
    ({"pads": [1, 1]}, "pads has 2 entries, 4 are needed"),
    ({"pads": [0, -1, 0, 0]}, "pads [0, -1, 0, 0] must not be less than 0"),
    ({"dilations": [0, 1]}, "dilations [0, 1] must not be less than 1"),
    ({"kernel_shape": [2, 3]}, "kernel_shape is [2, 3], the weights have kernels of [3, 3]"),
    ({"auto_pad": "SAME"}, "Conv has the unknown auto_pad 'SAME'"),
]


@pytest.mark.parametrize(("attributes", "message"), REFUSED)
def test_refused_attributes(attributes: dict[str, Any], message: str) -> None:
    net = Net(1, 2, 5, 5)
    conv(net, net.quant("x"), 2, 2, 3, 3, name="layer", **attributes)
    assert diagnostic(net.model()) == f"net.onnx#layer: error[F014]: {message}"


def test_volumes_are_refused() -> None:
    net = Net(1, 2, 4, 4, 4)
    conv(net, net.quant("x"), 2, 2, 3, 3, 3, name="layer")
    assert diagnostic(net.model()) == (
        "net.onnx#layer: error[F014]: Conv of [1, 2, 4, 4, 4] values: expected a signal "
        "[1, channels, length] or an image [1, channels, rows, columns]"
    )
