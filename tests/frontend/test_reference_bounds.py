"""The bounds of the error analysis hold for what onnxruntime computes, and are not idle."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from bitmason.frontend.reference import Context, Executor
from bitmason.frontend.registry import HANDLERS
from bitmason.frontend.rounding_error import QUANTISERS, RoundingErrors
from bitmason.frontend.rounding_rules import RULES
from bitmason.frontend.running_error import FLOAT32_UNIT, Running
from bitmason.ir.types import Array
from tests.frontend.image_cases import IMAGES, MOVES, SIGNALS
from tests.frontend.onnx_models import Net, f32

FRAMES, WIDTH = 200, 24
RNG = np.random.default_rng(11)
ROW = f32(RNG.normal(size=WIDTH))
POSITIVE = f32(RNG.uniform(0.1, 3.0, WIDTH))
MATRIX = f32(RNG.normal(size=(WIDTH, 6)))

CASES: dict[str, Callable[[Net, str, str], str]] = {
    "Add": lambda net, x, y: net.node("Add", x, y),
    "Sub": lambda net, x, y: net.node("Sub", x, y),
    "Mul": lambda net, x, y: net.node("Mul", x, y),
    "Div": lambda net, x, y: net.node("Div", x, net.const(POSITIVE)),
    "Sqrt": lambda net, x, y: net.node("Sqrt", net.node("Exp", x)),
    "Pow": lambda net, x, y: net.node("Pow", net.node("Exp", x), net.const(f32(1.7))),
    "MatMul": lambda net, x, y: net.node("MatMul", x, net.const(MATRIX)),
    "Gemm": lambda net, x, y: net.node(
        "Gemm", x, net.const(MATRIX.T), net.const(ROW[:6]), transB=1, alpha=0.3, beta=1.7
    ),
    "BatchNormalization": lambda net, x, y: net.node(
        "BatchNormalization", x, *(net.const(row) for row in (ROW, ROW[::-1], ROW, POSITIVE))
    ),
    "Relu": lambda net, x, y: net.node("Relu", x),
    "Clip": lambda net, x, y: net.node("Clip", x, net.const(f32(-0.7)), net.const(f32(0.9))),
    "Min": lambda net, x, y: net.node("Min", x, net.const(f32(0.3))),
    "Max": lambda net, x, y: net.node("Max", x, net.const(f32(0.3))),
    "HardSigmoid": lambda net, x, y: net.node("HardSigmoid", x, alpha=0.3, beta=0.4),
    "LeakyRelu": lambda net, x, y: net.node("LeakyRelu", x, alpha=0.3),
    "PRelu": lambda net, x, y: net.node("PRelu", x, net.const(ROW)),
    "Sigmoid": lambda net, x, y: net.node("Sigmoid", x),
    "Tanh": lambda net, x, y: net.node("Tanh", x),
    "Softplus": lambda net, x, y: net.node("Softplus", x),
    "Elu": lambda net, x, y: net.node("Elu", x),
    "Exp": lambda net, x, y: net.node("Exp", x),
    "Sign": lambda net, x, y: net.node("Sign", x),
    "Abs": lambda net, x, y: net.node("Abs", x),
    "Neg": lambda net, x, y: net.node("Neg", x),
    "Softmax": lambda net, x, y: net.node("Softmax", x, axis=-1),
    "TopK": lambda net, x, y: net.node(
        "TopK", x, net.const(np.array([5], np.int64)), outputs=2, axis=-1
    ),
    "Cast": lambda net, x, y: net.node("Cast", x, to=1),
    "Identity": lambda net, x, y: net.node("Identity", x),
    "Dropout": lambda net, x, y: net.node("Dropout", x),
    "Reshape": lambda net, x, y: net.node("Reshape", x, net.const(np.array([1, 4, 6]))),
    "Flatten": lambda net, x, y: net.node("Flatten", x),
    "Squeeze": lambda net, x, y: net.node(
        "Squeeze",
        net.node("Reshape", x, net.const(np.array([1, 1, WIDTH]))),
        net.const(np.array([1])),
    ),
    "Unsqueeze": lambda net, x, y: net.node("Unsqueeze", x, net.const(np.array([1]))),
    "Transpose": lambda net, x, y: net.node("Transpose", x, perm=[0, 1]),
}


def _inputs() -> Array:
    """Magnitudes from 1e-3 to 30, both signs."""
    scale = np.exp(RNG.uniform(np.log(1e-3), np.log(8.0), (FRAMES, 1)))
    return f32(RNG.normal(size=(FRAMES, WIDTH)) * scale)


def _analysed(net: Net, x: Array) -> tuple[Context, RoundingErrors]:
    executor = Executor(net.model().SerializeToString(), len(x))
    context = executor.run(x)
    errors = RoundingErrors(context, executor.input)
    for node in executor.nodes:
        errors.step(node)
    return context, errors


def test_every_rule_has_a_case() -> None:
    on_images = {name.split(" ")[0] for name in (*IMAGES, *SIGNALS, *MOVES)}
    assert set(CASES) | on_images == set(RULES)


def test_every_operator_that_is_imported_has_a_rule() -> None:
    ruled = set(RULES) | QUANTISERS | {"DequantizeLinear", "ArgMax", "Constant", "Shape"}
    assert set(HANDLERS) <= ruled


@pytest.mark.parametrize("name", CASES)
def test_bound_holds_and_is_tight_enough_to_be_of_use(name: str) -> None:
    net = Net(1, WIDTH)
    x = net.node("Add", net.node("Mul", "x", net.const(f32(0.3))), net.const(ROW))
    y = net.node("Sub", net.node("Mul", "x", net.const(ROW)), net.const(f32(0.1)))
    result = CASES[name](net, x, y)
    net.node("Identity", result)
    context, errors = _analysed(net, _inputs())
    found = errors.bounded[result]
    off = np.abs(context[result] - found.exact)
    assert np.all(off <= found.executor)
    if name != "Sign":  # next to zero the sign is open
        assert np.all(found.executor <= 2e-5 * (1 + np.abs(found.exact).max()))
        assert np.all(found.golden <= found.executor * 2.0**-20)
    if name not in ("Clip", "Sign"):
        assert off.any(), "the case rounds nothing, so it shows nothing"


def test_long_products_stay_within_their_bound() -> None:
    net = Net(1, 2000)
    result = net.node("MatMul", "x", net.const(f32(RNG.normal(size=(2000, 16)))))
    x = f32(RNG.normal(size=(64, 2000)) * np.exp(RNG.normal(size=(64, 2000)) * 3))
    context, errors = _analysed(net, x)
    found = errors.bounded[result]
    off = np.abs(context[result] - found.exact)
    assert np.all(off <= found.executor)
    assert off.max() > found.executor.max() * 1e-5


def test_exact_products_are_those_of_fractions() -> None:
    a, b = f32(RNG.normal(size=(1, 50)) * 1e3), f32(RNG.normal(size=(50, 1)))
    exact = sum(Fraction(float(p)) * Fraction(float(q)) for p, q in zip(a[0], b[:, 0], strict=True))
    found = Running.exactly(a.astype(float)) @ Running.exactly(b.astype(float))
    assert abs(Fraction(float(found.exact[0, 0])) - exact) <= Fraction(float(found.golden[0, 0]))


def test_tanh_bound_covers_the_saturated_ends() -> None:
    x = f32(np.linspace(-40, 40, 20001)).reshape(-1, 1)
    for function in ("Tanh", "Sigmoid", "Softplus", "Elu"):
        net = Net(1, 1)
        result = net.node(function, "x")
        context, errors = _analysed(net, x)
        found = errors.bounded[result]
        assert np.all(np.abs(context[result] - found.exact) <= found.executor), function


def test_division_by_what_may_be_zero_has_no_bound() -> None:
    near_zero = Running(np.array([1e-9]), np.array([1e-8]), np.zeros(1))
    quotient = Running.exactly(np.ones(1)) / near_zero
    assert np.isnan(quotient.executor).all()
    assert np.isfinite(quotient.golden).all()


def test_folded_constants_are_taken_from_the_executor() -> None:
    net = Net(1, WIDTH)
    root = net.node("Pow", net.const(POSITIVE), net.const(f32(0.5)))
    result = net.node("Div", "x", root)
    context, errors = _analysed(net, _inputs())
    np.testing.assert_array_equal(errors.bounded[root].exact, context[root])
    assert not errors.bounded[root].executor.any()
    assert np.all(errors.bounded[root].golden >= FLOAT32_UNIT * POSITIVE.min())
    assert np.all(errors.bounded[result].golden >= 0)


def test_quantised_weights_stay_exact_through_a_transpose() -> None:
    net = Net(1, 4)
    scale = f32([[0.1], [0.3], [0.7]])
    weights = net.quant(net.const(f32(RNG.integers(-7, 8, (3, 4))) * scale), scale, bits=4.0)
    turned = net.node("Transpose", weights, perm=[1, 0])
    net.node("MatMul", "x", turned)
    _, errors = _analysed(net, f32(np.ones((2, 4))))
    levels = errors.bounded[turned].exact.T / scale.astype(np.float64)
    np.testing.assert_allclose(levels, np.round(levels), rtol=0, atol=1e-15)


def test_operator_without_a_rule_has_no_bound() -> None:
    net = Net(1, 4)
    odd = net.node("Erf", "x")
    after = net.node("Relu", odd)
    _, errors = _analysed(net, f32(np.ones((2, 4))))
    assert odd not in errors.bounded or np.isnan(errors.bounded[odd].executor).all()
    assert np.isnan(errors.bounded[after].exact).all()
