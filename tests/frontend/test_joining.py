from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bitmason.ir import parse_graph, print_graph
from tests.frontend.exact_images import claim, conv, powers, values_of
from tests.frontend.onnx_models import Net, diagnostic, f32, golden, imported, names_of, on_grid

IMAGE = (4, 3, 5)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.5, 2.0), (1.0, 0.25)])
def test_two_images(op: str, a: float, b: float) -> None:
    net = Net(1, *IMAGE)
    x = net.quant("x", 0.25)
    left = net.quant(conv(net, x, 4, 4, 1, 1), a, 1.0)
    right = net.quant(conv(net, x, 4, 4, 1, 1, seed=2), b, -2.0)
    net.node(op, left, right)
    claim(net)
    made = "product" if op == "Mul" else "weighted_sum"
    assert names_of(imported(net.model()).graph).count(made) == 1


def test_equal_scales_need_no_factors() -> None:
    net = Net(1, *IMAGE)
    x = net.quant("x", 0.25)
    net.node("Add", net.quant(conv(net, x, 4, 4, 1, 1), 0.3), net.quant(x, 0.3))
    (total,) = values_of(net.model(), "weighted_sum")
    np.testing.assert_array_equal(total.op.factors.array, [[1], [1]])


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
def test_scales_per_channel(op: str) -> None:
    net = Net(1, *IMAGE)
    left = net.quant("x", powers(1, 4, 1, 1), 2.0)
    net.node(op, left, conv(net, left, 4, 4, 1, 1))
    claim(net)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("both", [False, True])
def test_bipolar_branches(op: str, both: bool) -> None:
    net = Net(1, *IMAGE)
    left = net.node("BipolarQuant", conv(net, net.quant("x"), 4, 4, 1, 1), net.const(f32(0.5)))
    right = net.node("BipolarQuant", "x", net.const(f32(2.0))) if both else net.quant("x")
    net.node(op, left, right)
    claim(net)


def test_sum_with_unequal_scales_of_real_networks_is_exact() -> None:
    """No power of two: the golden model is exact, float32 only near."""
    net = Net(1, *IMAGE)
    net.node("Add", net.quant("x", 0.3), net.quant("x", 0.7))
    (found,) = golden(net.model(), on_grid(3, *IMAGE))
    assert "weighted_sum" in names_of(imported(net.model()).graph)
    codes = [np.clip(np.round(on_grid(3, *IMAGE) / f32(s)), -8, 7) for s in (0.3, 0.7)]
    exact = codes[0] * np.float64(f32(0.3)) + codes[1] * np.float64(f32(0.7))
    np.testing.assert_allclose(found, exact, rtol=1e-15)


def test_sum_of_numbers_without_a_narrow_common_step_stays_real() -> None:
    net = Net(1, *IMAGE)
    rows = (f32(np.linspace(0.7, 1.3, 4)) for _ in range(4))
    normal = net.node("BatchNormalization", net.quant("x"), *(net.const(row) for row in rows))
    net.node("Add", normal, net.quant("x", 0.3))
    assert "add" in names_of(imported(net.model()).graph)


def test_branch_that_is_no_affine_function_of_integers() -> None:
    net = Net(1, *IMAGE)
    left = net.node("Relu", conv(net, net.quant("x"), 4, 4, 1, 1))
    net.quant(net.node("Add", left, net.quant("x")), 0.5)
    claim(net)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("first", [False, True])
def test_one_pixel_meets_an_image(op: str, first: bool) -> None:
    net = Net(1, *IMAGE)
    x = net.quant("x")
    pixel = net.quant(net.node("GlobalMaxPool", x), 0.5)
    net.node(op, *((pixel, x) if first else (x, pixel)))
    claim(net)


def test_branches_in_different_layouts() -> None:
    net = Net(1, 3, 4, 5)
    x = net.quant("x")
    turned = net.node("Transpose", x, perm=[0, 1, 3, 2])
    back = net.node("Transpose", net.quant(turned, 1.0), perm=[0, 1, 3, 2])
    net.node("Add", conv(net, x, 3, 3, 1, 1), back)
    claim(net)


def test_flattened_branches() -> None:
    net = Net(1, 3, 4, 5)
    x = net.quant("x")
    flat = net.node("Flatten", conv(net, x, 3, 3, 1, 1))
    net.node("Add", flat, net.node("Flatten", x))
    claim(net)


def test_residual_sum_of_dense_layers() -> None:
    net = Net(1, 6)
    x = net.quant("x")
    weights = net.quant(net.const(f32(np.eye(6) * 0.75)), 0.25)
    net.node("Add", net.quant(net.node("MatMul", x, weights), 1.0), x)
    claim(net)
    assert "weighted_sum" in names_of(imported(net.model()).graph)


CONCATS: list[list[dict[str, Any]]] = [
    [{"scale": 0.5}, {"scale": 0.5}],
    [{"scale": 0.5, "zero_point": 3.0}, {"scale": 2.0, "bits": 6.0}],
    [{"scale": powers(1, 4, 1, 1)}, {"scale": 0.25, "signed": 0}],
]


@pytest.mark.parametrize(
    ("quantisers", "axis"),
    # Scales per channel have the length of the joined axis, so that must be the channels.
    [(quantisers, axis) for quantisers in CONCATS for axis in (1, -3)]
    + [(quantisers, 2) for quantisers in CONCATS[:2]],
)
def test_concatenation(quantisers: list[dict[str, Any]], axis: int) -> None:
    net = Net(1, *IMAGE)
    x = net.quant("x", 0.25, bits=6.0)
    parts = [
        net.quant(conv(net, x, 4, 4, 1, 1, seed=seed), **quantiser)
        for seed, quantiser in enumerate(quantisers)
    ]
    net.node("Concat", *parts, axis=axis)
    claim(net)


@pytest.mark.parametrize("others", ["bipolar", "integers"])
def test_concatenation_of_bipolar_values(others: str) -> None:
    net = Net(1, *IMAGE)
    left = net.node("BipolarQuant", conv(net, net.quant("x"), 4, 4, 1, 1), net.const(f32(0.5)))
    right = (
        net.node("BipolarQuant", "x", net.const(f32(2.0)))
        if others == "bipolar"
        else net.quant("x")
    )
    conv(net, net.node("Concat", left, right, axis=1), 3, 8, 2, 2)
    claim(net)
    (joined,) = values_of(net.model(), "concat")
    assert (str(joined.type.elem) == "bipolar") == (others == "bipolar")


def test_concatenation_of_real_numbers_in_front_of_a_quantiser() -> None:
    net = Net(1, *IMAGE)
    x = net.quant("x")
    left, right = (net.node("Relu", conv(net, x, 4, 4, 1, 1, seed=seed)) for seed in (1, 2))
    net.quant(net.node("Concat", left, right, axis=1), powers(1, 8, 1, 1))
    claim(net)


def test_concatenation_of_signals_and_of_features() -> None:
    net = Net(1, 4, 6)
    x = net.quant("x")
    joined = net.node("Concat", conv(net, x, 3, 4, 1), x, axis=1)
    net.node("Concat", net.node("Flatten", joined), net.node("Flatten", x), axis=1)
    claim(net)


@pytest.mark.parametrize(
    ("op", "message"),
    [
        ("Add", "Add cannot join activations of shapes [1, 4, 2, 4] and [1, 4, 3, 5]\n"
                "  help: give both branches the same channels, rows and columns"),
        ("Concat", "Concat along axis 1 cannot join activations of shapes [1, 4, 2, 4], "
                   "[1, 4, 3, 5]\n  help: give all branches the same sizes along the other axes"),
    ],
)  # fmt: skip
def test_branch_shapes_that_cannot_be_joined(op: str, message: str) -> None:
    net = Net(1, *IMAGE)
    x = net.quant("x")
    attributes: dict[str, Any] = {"axis": 1} if op == "Concat" else {}
    net.node(op, conv(net, x, 4, 4, 2, 2), x, name="layer", **attributes)
    assert diagnostic(net.model()) == f"net.onnx#layer: error[F019]: {message}"


def test_scales_behind_a_concatenation_that_have_no_common_step() -> None:
    net = Net(1, *IMAGE)
    joined = net.node("Concat", net.quant("x", 0.3), net.quant("x", 0.7), axis=1)
    conv(net, joined, 2, 8, 1, 1, name="layer")
    assert diagnostic(net.model()).startswith(
        "net.onnx#layer: error[F016]: the scales along the inputs of this convolution have no "
    )


def test_text_of_joined_graphs_can_be_read_back() -> None:
    net = Net(1, *IMAGE)
    x = net.quant("x")
    net.node("Concat", net.node("Add", conv(net, x, 4, 4, 1, 1), x), x, axis=1)
    graph = imported(net.model()).graph
    assert parse_graph(print_graph(graph)) == graph
