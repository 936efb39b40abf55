from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.frontend.onnx_models import Net, dense_net, diagnostic, f32, weights_of

TRAIN = "\n  help: training has diverged or a scale was never set; train or calibrate again"
CALIBRATE = "\n  help: run some batches through the model in training mode before the export"


def _quant(**quantiser: Any) -> str:
    net = Net(1, 4)
    net.quant("x", **quantiser)
    return diagnostic(net.model())


@pytest.mark.parametrize(
    ("quantiser", "message"),
    [
        ({"bits": 40.0}, "F007]: the bit width is 40, it must be a whole number from 1 to 32"),
        ({"bits": 0.0}, "F007]: the bit width is 0, it must be a whole number from 1 to 32"),
        ({"bits": 2.5}, "F007]: the bit width is 2.5, it must be a whole number from 1 to 32"),
        ({"bits": [2.0, 3.0]}, "F007]: the bit width differs between channels"),
        ({"bits": np.nan}, f"F005]: the bit width holds nan at index 0{TRAIN}"),
        (
            {"zero_point": 0.5},
            "F007]: the zero point is 0.5, it must be a whole number of at most 32 bits",
        ),
        (
            {"zero_point": 1e20},
            "F007]: the zero point is 1.0000000200408773e+20, it must be a whole number of at most "
            "32 bits",
        ),
        ({"scale": 0.0}, f"F006]: the scale is 0.0, it must be greater than zero{CALIBRATE}"),
        ({"scale": -0.5}, f"F006]: the scale is -0.5, it must be greater than zero{CALIBRATE}"),
        (
            {"scale": [1.0, 1.0, 0.0, 1.0]},
            f"F006]: the scale is 0.0, it must be greater than zero{CALIBRATE}",
        ),
        ({"scale": np.nan}, f"F005]: the scale holds nan at index 0{TRAIN}"),
        (
            {"scale": [1.0, np.inf, np.nan, 1.0]},
            f"F005]: the scale holds inf at index 1 and 1 more non-finite numbers{TRAIN}",
        ),
        (
            {"rounding_mode": "HALF_EVN"},
            "F007]: there is no rounding mode 'HALF_EVN'\n  help: did you mean 'HALF_EVEN'?",
        ),
        ({"scale": [1.0, 2.0]}, "F014]: a scale of shape [2] does not fit [1, 4] values"),
    ],
)
def test_parameters_that_no_quantiser_has(quantiser: dict[str, Any], message: str) -> None:
    assert _quant(**quantiser) == f"net.onnx#n0: error[{message}"


def test_scale_that_is_computed_from_data() -> None:
    net = Net(1, 4)
    zero, bits = net.const(f32(0.0)), net.const(f32(4.0))
    net.node("Quant", "x", "x", zero, bits)
    assert diagnostic(net.model()) == "net.onnx#n0: error[F014]: the scale must be a constant"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(bad: float) -> None:
    net = Net(1, 4)
    weights = weights_of(4, 3)
    weights[1, 2] = bad
    net.node("MatMul", net.quant("x"), net.quant(net.const(weights)))
    assert diagnostic(net.model()) == (
        f"net.onnx#n1: error[F005]: the quantised tensor holds {bad} at index 5{TRAIN}"
    )


@pytest.mark.parametrize("index", range(4))
def test_normalisation_constants_that_are_not_finite(index: int) -> None:
    net, hidden = dense_net()
    rows = [f32([1.0, 1.0, 1.0]) for _ in range(4)]
    rows[index][2] = np.nan
    net.node("BatchNormalization", hidden, *(net.const(row) for row in rows))
    what = ("scale", "bias", "mean", "variance")[index]
    assert diagnostic(net.model()) == (
        f"net.onnx#n3: error[F005]: the {what} holds nan at index 2{TRAIN}"
    )


def test_negative_variance() -> None:
    net, hidden = dense_net()
    rows = ([1.0] * 3, [1.0] * 3, [1.0] * 3, [1.0, -2.0, 1.0])
    net.node("BatchNormalization", hidden, *(net.const(f32(row)) for row in rows))
    assert diagnostic(net.model()) == (
        "net.onnx#n3: error[F014]: BatchNormalization has a variance that is not positive"
    )


def test_batch_normalization_of_other_channels() -> None:
    net, hidden = dense_net()
    net.node("BatchNormalization", hidden, *(net.const(f32([1.0, 1.0])) for _ in range(4)))
    assert diagnostic(net.model()) == (
        "net.onnx#n3: error[F014]: the scale has shape [2], the operand has 3 channels"
    )


def test_unquantised_weights() -> None:
    net = Net(1, 4)
    net.node("MatMul", net.quant("x"), net.const(weights_of(4, 3)))
    assert diagnostic(net.model()) == (
        "net.onnx#n1: error[F008]: the weights of this matrix product are not quantised\n"
        "  help: use a quantised layer (Brevitas QuantLinear) with a weight quantiser"
    )


@pytest.mark.parametrize("between", [None, "Relu", "Sigmoid"])
def test_unquantised_activations(between: str | None) -> None:
    net = Net(1, 4)
    x = net.node(between, net.quant("x")) if between else "x"
    net.node("MatMul", x, net.quant(net.const(weights_of(4, 3))), name="layer")
    assert diagnostic(net.model()) == (
        "net.onnx#layer: error[F009]: the activations of this matrix product are not quantised\n"
        "  help: put an activation quantiser (QuantIdentity, QuantReLU) in front of the layer"
    )


def test_accumulator_too_wide_names_the_layer() -> None:
    net = Net(1, 64)
    weights = net.quant(net.const(weights_of(64, 2) * f32(2**24)), 2.0**-6, bits=28.0)
    net.node("MatMul", net.quant("x", bits=28.0), weights, name="layer")
    assert diagnostic(net.model()).startswith("net.onnx#layer: error[P004]: the sum needs ")


def test_all_faults_of_a_model_at_once() -> None:
    net = Net(1, 4)
    net.node("Add", net.quant("x", bits=40.0), net.quant("x", scale=0.0))
    net.node("Einsum", "x")
    text = diagnostic(net.model("t2", "t3"))
    assert [code in text for code in ("F007", "F006", "F003", "F014")] == [True, True, True, False]
