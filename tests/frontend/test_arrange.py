from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from bitmason.pipeline import compile_model
from tests.frontend.exact_images import claim, conv, ints, powers, values_of
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

IMAGE = (8, 4, 6)


def _net(scale: Any = 0.5) -> tuple[Net, str]:
    """Return a net of images and quantised activations with a zero point."""
    net = Net(1, *IMAGE)
    return net, net.quant(conv(net, net.quant("x"), 8, 8, 1, 1), scale, 1.0)


@pytest.mark.parametrize("sizes", [None, (2, 6), (3, 1, 4)])
@pytest.mark.parametrize("axis", [1, -3, 2])
def test_split(sizes: tuple[int, ...] | None, axis: int) -> None:
    net, x = _net(powers(1, 8, 1, 1))
    if axis == 2:
        sizes = (1, 3)
    operands = [] if sizes is None else [net.const(ints(*sizes))]
    first = net.node("Split", x, *operands, outputs=len(sizes or (4, 4)), axis=axis)
    outputs = [first + "b" * i for i in range(len(sizes or (4, 4)))]
    claim(net, *outputs)
    assert names_of(imported(net.model(*outputs)).graph).count("crop") == len(outputs)


def test_split_in_front_of_a_quantiser() -> None:
    net = Net(1, *IMAGE)
    hidden = net.node("Relu", conv(net, net.quant("x"), 8, 8, 1, 1))
    rows = (powers(8, seed=seed) for seed in range(4))
    normal = net.node("BatchNormalization", hidden, *(net.const(r) for r in rows), epsilon=0.0)
    first = net.node("Split", net.node("Relu", normal), outputs=2, axis=1)
    left = net.quant(first, powers(1, 4, 1, 1))
    net.node("Add", left, net.quant(first + "b", 1.0))
    claim(net)


SLICES: list[tuple[tuple[int, ...], ...]] = [
    ((2,), (6,), (1,)),
    ((1, 0), (4, 3), (2, 3)),
    ((-4,), (2**31 - 1,), (1,)),
    ((0,), (8,), (1,), (3,)),
    ((0, 1), (1, 7), (0, 1)),
    ((1, 0), (6, 4), (-1, -2), (2, 3)),
]


@pytest.mark.parametrize("bounds", SLICES)
def test_slice(bounds: tuple[tuple[int, ...], ...]) -> None:
    net, x = _net(powers(1, 8, 1, 1))
    net.node("Slice", x, *(net.const(ints(*bound)) for bound in bounds))
    claim(net)


def test_slice_with_attributes() -> None:
    net = Net(1, *IMAGE, opset=9)
    conv(net, net.node("Slice", net.quant("x"), starts=[2], ends=[7], axes=[1]), 2, 5, 2, 2)
    claim(net)


@pytest.mark.parametrize("indices", [ints(1, 3, 5), ints(-3, -2, -1), ints(4), np.int64(2)])
def test_gather_of_evenly_spaced_channels(indices: Any) -> None:
    net, x = _net()
    net.node("Gather", x, net.const(np.asarray(indices)), axis=1)
    claim(net)


def test_slice_of_flattened_channels() -> None:
    net, x = _net()
    net.node("Slice", net.node("Flatten", x), *(net.const(ints(n)) for n in (3, 50, 1)))
    claim(net)


@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize("behind", ["", "conv", "quantiser"])
def test_channel_shuffle(groups: int, behind: str) -> None:
    net, x = _net(powers(1, 8, 1, 1))
    apart = net.node("Reshape", x, net.const(ints(1, groups, 8 // groups, 4, 6)))
    turned = net.node("Transpose", apart, perm=[0, 2, 1, 3, 4])
    mixed = net.node("Reshape", turned, net.const(ints(1, 8, 4, 6)))
    if behind == "conv":
        conv(net, mixed, 4, 4, 3, 3, group=2)
    elif behind == "quantiser":
        conv(net, net.quant(mixed, powers(1, 8, 1, 1, seed=9)), 4, 4, 3, 3, group=2)
    claim(net)


@pytest.mark.parametrize("scale", [0.5, powers(1, 8, 1, 1)])
@pytest.mark.parametrize(
    ("axis", "form"),
    [(1, "whole"), (2, "whole"), (3, "whole"), (1, "apart"), (2, "apart"), (3, "apart")],
)
def test_part_of_shuffled_channels(axis: int, form: str, scale: Any) -> None:
    """Split channels are axes of their own until something needs them in their order."""
    net, x = _net(scale)
    found = net.node("Reshape", x, net.const(ints(1, 4, 2, 4, 6)))
    found = net.node("Transpose", found, perm=[0, 2, 1, 3, 4])
    sizes = [1, 2, 4, 4, 6]
    if form == "whole":
        found = net.node("Reshape", found, net.const(ints(1, 8, 4, 6)))
        sizes = [1, 8, 4, 6]
    bounds = (1, sizes[axis], axis, 1)
    found = net.node("Slice", found, *(net.const(ints(bound)) for bound in bounds))
    sizes[axis] -= 1
    rows, columns = sizes[-2:]
    channels = int(np.prod(sizes[1:-2]))
    image = net.node("Reshape", found, net.const(ints(1, channels, rows, columns)))
    conv(net, net.quant(image), 2, channels, 2, 2)
    claim(net)
    design = compile_model(net.model().SerializeToString(), name="net.onnx").design
    crops = [node for node in design.graph.nodes if node.op.name == "crop"]
    assert crops
    assert all(len(node.type.shape) <= 3 for node in crops)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(mode: str) -> None:
    net, x = _net()
    conv(net, net.node("DepthToSpace", x, blocksize=2, mode=mode), 3, 2, 3, 3)
    claim(net)


def test_scales_per_channel_that_depth_to_space_makes_scales_per_pixel() -> None:
    net, x = _net(powers(1, 8, 1, 1))
    conv(net, net.node("DepthToSpace", x, blocksize=2), 3, 2, 3, 3, name="layer")
    assert diagnostic(net.model()) == (
        "net.onnx#layer: error[F016]: the scale of the activations varies between the pixels of a "
        "channel\n  help: use one scale per tensor, or one per channel"
    )


def test_space_to_depth() -> None:
    net, x = _net()
    conv(net, net.node("SpaceToDepth", x, blocksize=2), 3, 32, 2, 2)
    claim(net)


RESIZES: list[dict[str, Any]] = [
    {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_floor"},
    {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"},
    {"coordinate_transformation_mode": "pytorch_half_pixel"},
    {},
]


@pytest.mark.parametrize("attributes", RESIZES)
@pytest.mark.parametrize("factors", [(2.0, 2.0), (1.0, 3.0), (4.0, 2.0)])
def test_nearest_resize(attributes: dict[str, Any], factors: tuple[float, float]) -> None:
    net, x = _net(powers(1, 8, 1, 1))
    scales = net.const(f32([1.0, 1.0, *factors]))
    conv(net, net.node("Resize", x, "", scales, mode="nearest", **attributes), 3, 8, 2, 2)
    claim(net)
    assert names_of(imported(net.model()).graph).count("upsample") == 1


def test_resize_to_sizes_in_front_of_a_quantiser() -> None:
    net, x = _net()
    sizes = net.const(ints(1, 8, 8, 12))
    larger = net.node("Resize", net.node("Relu", x), "", "", sizes, nearest_mode="floor",
                      coordinate_transformation_mode="asymmetric", mode="nearest")  # fmt: skip
    net.quant(larger, 1.0, bits=3.0)
    claim(net)


def test_upsample_of_old_files() -> None:
    net = Net(1, *IMAGE, opset=9)
    net.node("Upsample", net.quant("x"), net.const(f32([1, 1, 2, 3])), mode="nearest")
    claim(net)


def test_resize_of_a_signal() -> None:
    net = Net(1, 3, 5)
    net.node("Resize", net.quant("x"), "", net.const(f32([1, 1, 2])), mode="nearest")
    claim(net)


PADS: list[tuple[tuple[int, ...], float | None]] = [
    ((0, 0, 1, 2, 0, 0, 3, 0), None),
    ((0, 0, 1, 1, 0, 0, 1, 1), 1.5),
    ((0, 0, -1, 2, 0, 0, 1, -2), 0.0),
]


@pytest.mark.parametrize(("widths", "value"), PADS)
def test_padding(widths: tuple[int, ...], value: float | None) -> None:
    net, x = _net()
    operands = [net.const(ints(*widths))] + ([] if value is None else [net.const(f32(value))])
    conv(net, net.node("Pad", x, *operands), 3, 8, 2, 2)
    claim(net)


def test_padding_of_old_files() -> None:
    net = Net(1, *IMAGE, opset=10)
    conv(net, net.node("Pad", net.quant("x"), pads=[0, 0, 1, 1, 0, 0, 1, 1]), 3, 8, 2, 2)
    claim(net)


def test_images_from_a_dense_layer() -> None:
    net = Net(1, 6)
    weights = net.quant(net.const(f32(np.arange(6 * 24).reshape(6, 24) % 5 * 0.25)), 0.25)
    made = net.node(
        "Reshape", net.node("MatMul", net.quant("x"), weights), net.const(ints(1, 6, 2, 2))
    )
    conv(net, net.quant(made, 2.0), 6, 3, 2, 2, op="ConvTranspose", strides=[2, 2])
    claim(net)


def test_dense_layer_on_the_channels_of_every_pixel() -> None:
    net, x = _net()
    last = net.node("Transpose", x, perm=[0, 2, 3, 1])
    weights = net.quant(net.const(f32(np.eye(8, 5) * 0.75)), 0.25)
    net.node("MatMul", net.node("Reshape", last, net.const(ints(1, 24, 8))), weights)
    claim(net)


def test_softmax_and_label_of_an_image() -> None:
    net, x = _net(f32(0.5))
    net.node("ArgMax", x, axis=3)
    model = net.model(elem=TensorProto.INT64)
    frames = on_grid(3, *IMAGE)
    np.testing.assert_array_equal(golden(model, frames)[0], executor(model, frames)[0])


def test_layouts_lead_from_values_to_tensors() -> None:
    net, x = _net()
    flat = net.quant(net.node("Flatten", x), 1.0)
    found = imported(net.model(flat, x))
    noted = {tensor: name for name, tensor in found.tensors.items()}
    assert found.layouts[noted["t0"]] == (2, 0, 1)
    frames = on_grid(2, *IMAGE)
    for name in found.layouts:
        there = found.from_file(name, frames)
        assert there.shape == (2, 4, 6, 8)
        np.testing.assert_array_equal(found.to_file(name, there), frames)


REFUSED: list[tuple[str, list[Any], dict[str, Any], str]] = [
    (
        "Resize",
        [None, f32([1, 1, 2, 2])],
        {"mode": "linear"},
        "Resize in mode 'linear' makes numbers between the pixels\n"
        "  help: use nearest-neighbour upsampling (Brevitas QuantUpsamplingNearest2d)",
    ),
    (
        "Resize",
        [None, f32([1, 1, 1.5, 2])],
        {},
        "Resize by the factors 1, 1, 1.5, 2: expected whole numbers, 1 for batch and channels\n"
        "  help: use nearest-neighbour upsampling (Brevitas QuantUpsamplingNearest2d)",
    ),
    (
        "Resize",
        [None, f32([1, 1, 3, 2])],
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "round_prefer_floor"},
        "Resize with 'asymmetric' coordinates and 'round_prefer_floor' takes pixel 1 for place 2 "
        "at factor 3: repeating pixels would take 0\n"
        "  help: use 'asymmetric' coordinates and 'floor'",
    ),
    (
        "Resize",
        [None, f32([1, 1, 2, 2])],
        {"coordinate_transformation_mode": "tf_crop_and_resize"},
        "Resize with 'tf_crop_and_resize' coordinates and 'round_prefer_floor' is not known\n"
        "  help: use nearest-neighbour upsampling (Brevitas QuantUpsamplingNearest2d)",
    ),
    (
        "Pad",
        [ints(0, 0, 1, 1, 0, 0, 1, 1)],
        {"mode": "reflect"},
        "Pad in mode 'reflect'\n  help: only constant padding is supported",
    ),
    (
        "Pad",
        [ints(0, 1, 1, 1, 0, 0, 1, 1)],
        {},
        "Pad is supported for the rows and columns of images only",
    ),
    ("Pad", [ints(1, 1)], {}, "Pad has 2 widths for 4 axes"),
    (
        "Slice",
        [ints(7), ints(0), ints(1), ints(-1)],
        {},
        "Slice with step -1, only positive steps are supported",
    ),
    ("Slice", [ints(8), ints(9), ints(1)], {}, "Slice leaves nothing of axis 1"),
    (
        "Gather",
        [ints(0, 1, 3)],
        {"axis": 1},
        "Gather of 8 elements takes indices that are not evenly spaced\n"
        "  help: use a slice, or reshape and transpose",
    ),
    ("Split", [ints(3, 3)], {"axis": 1}, "Split of 8 elements into parts of [3, 3]"),
    ("DepthToSpace", [], {"blocksize": 3}, "DepthToSpace of 8 channels in blocks of 3 x 3"),
    ("SpaceToDepth", [], {"blocksize": 3}, "SpaceToDepth of 4 x 6 pixels in blocks of 3 x 3"),
]


@pytest.mark.parametrize(("op", "operands", "attributes", "message"), REFUSED)
def test_refused_forms(
    op: str, operands: list[Any], attributes: dict[str, Any], message: str
) -> None:
    net, x = _net()
    names = ["" if operand is None else net.const(operand) for operand in operands]
    net.node(op, x, *names, name="layer", outputs=2 if op == "Split" else 1, **attributes)
    assert diagnostic(net.model()) == f"net.onnx#layer: error[F014]: {message}"


def test_absurd_sizes_are_refused_without_allocating() -> None:
    net, x = _net()
    padded = net.node("Pad", x, net.const(ints(0, 0, 0, 0, 0, 0, 2**40, 0)))
    larger = net.node("Resize", x, "", net.const(f32([1, 1, 2.0**30, 1])), mode="nearest")
    text = diagnostic(net.model(padded, larger))
    assert [line.split(": ", 2)[2] for line in text.splitlines() if "error" in line] == [
        f"pad makes {(4 + 2**40) * 48} elements, at most 268435456 are supported",
        f"Resize to {2**32} rows or columns, at most 65536",
    ]


def test_padding_that_is_computed() -> None:
    net, x = _net()
    net.node("Pad", x, net.node("Flatten", x), name="layer")
    assert diagnostic(net.model()) == "net.onnx#layer: error[F014]: pads must be a constant"


def test_padding_beside_the_grid() -> None:
    net, x = _net()
    net.node("Pad", x, net.const(ints(0, 0, 1, 1, 0, 0, 1, 1)), net.const(f32(0.25)), name="layer")
    assert diagnostic(net.model()).startswith(
        "net.onnx#layer: error[F020]: the padding 0.25 would need the integer 1.5\n"
    )


def test_padding_of_real_numbers() -> None:
    net = Net(1, *IMAGE)
    net.node("Pad", "x", net.const(ints(0, 0, 1, 1, 0, 0, 1, 1)), name="layer")
    assert diagnostic(net.model()).startswith(
        "net.onnx#layer: error[F009]: the activations of this padding are not quantised\n"
    )


def test_upsampled_values_keep_their_integers() -> None:
    net, x = _net()
    net.node("Resize", x, "", net.const(f32([1, 1, 2, 2])), mode="nearest")
    (larger,) = values_of(net.model(), "upsample")
    assert str(larger.type.elem) == "int4"


@pytest.mark.parametrize("axis", [1, 2, 3, -3])
def test_concat_of_tensors_that_are_no_images(axis: int) -> None:
    net = Net(1, 3, 4, 5)
    x = net.quant("x")
    net.node("Flatten", net.node("Concat", x, x, axis=axis))
    claim(net)
