"""Elementwise real functions: float32 as the executor computes, float64, exact fractions."""

import math
import sys
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Const, Int, Op, Real
from bitmason.ir.ops.real import (
    FUNCTIONS,
    Add,
    AddConst,
    Clip,
    DivConst,
    LeakyRelu,
    Mul,
    MulConst,
    Sub,
    Unary,
)
from bitmason.ir.types import Array, TensorType
from tests.ir.ops.checks import assert_same, const, exactly, rejection, tensor

_dyadic = st.integers(-64, 64).map(lambda k: k / 8)
_rows = st.lists(_dyadic, min_size=3, max_size=3)

Scalar = Callable[[Fraction, Fraction], Fraction]
WITH_CONST: list[tuple[Callable[[Const], Op], Scalar]] = [
    (AddConst, lambda x, c: x + c),
    (MulConst, lambda x, c: x * c),
    (DivConst, lambda x, c: x / c),
    (LeakyRelu, lambda x, c: x if x >= 0 else x * c),
]
BINARY: list[tuple[Op, Scalar]] = [
    (Add(), lambda a, b: a + b),
    (Sub(), lambda a, b: a - b),
    (Mul(), lambda a, b: a * b),
]


def domains(row: list[float]) -> list[Array]:
    return [np.array([row], dtype=np.float32), np.array([row]), exactly([row])]


@pytest.mark.parametrize(("make", "scalar"), WITH_CONST)
@given(row=_rows, constants=st.lists(st.sampled_from([-4.0, -1, 0.5, 2]), min_size=3, max_size=3))
def test_constants_in_three_domains(
    make: Callable[[Const], Op], scalar: Scalar, row: list[float], constants: list[float]
) -> None:
    for values in (constants, constants[:1]):
        op = make(const(values, np.float32))
        wider = values * 3 if len(values) == 1 else values
        wanted = [scalar(Fraction(x), Fraction(c)) for x, c in zip(row, wider, strict=True)]
        for x in domains(row):
            assert_same(op.evaluate(x), [wanted], x.dtype)


@pytest.mark.parametrize(("op", "scalar"), BINARY)
@given(left=_rows, right=_rows)
def test_two_operands_in_three_domains(
    op: Op, scalar: Scalar, left: list[float], right: list[float]
) -> None:
    wanted = [scalar(Fraction(a), Fraction(b)) for a, b in zip(left, right, strict=True)]
    for a, b in zip(domains(left), domains(right), strict=True):
        assert_same(op.evaluate(a, b), [wanted], a.dtype)


@pytest.mark.parametrize("make", [make for make, _ in WITH_CONST])
def test_width_follows_operand_and_constant(make: Callable[[Const], Op]) -> None:
    single, double = make(const(0.1, np.float32)), make(const(0.1, np.float64))
    narrow, wide = np.array([[-0.3]], dtype=np.float32), np.array([[-0.3]])
    assert single.evaluate(narrow).dtype == np.float32
    assert double.evaluate(narrow).dtype == np.float64
    assert single.evaluate(wide).dtype == np.float64


def test_float32_rounds_after_every_step() -> None:
    x = np.array([[2.0**24]], dtype=np.float32)
    once = AddConst(const(1, np.float32)).evaluate(x)
    assert_same(AddConst(const(1, np.float32)).evaluate(once), x, np.float32)
    wide = AddConst(const(1, np.float32)).evaluate(x.astype(np.float64))
    assert_same(wide, [[2.0**24 + 1]], np.float64)


def test_division_rounds_once() -> None:
    x = np.arange(1.0, 200.0)[np.newaxis]
    for divisor in (3, 7, 49):
        wanted = [float(Fraction(int(value), divisor)) for value in x[0]]
        assert_same(DivConst(const(divisor, np.float64)).evaluate(x), [wanted], np.float64)
    (single,) = DivConst(const(49, np.float32)).evaluate(np.array([[49.0]], dtype=np.float32))
    assert_same(single, [1.0], np.float32)


def test_fractions_take_the_constant_as_the_file_has_it() -> None:
    (got,) = MulConst(const([0.1], np.float32)).evaluate(exactly([["1/3"]]))[0]
    assert got == Fraction(float(np.float32(0.1))) / 3


_bounds = st.none() | st.sampled_from([-2.5, -1, 0.0, 1.0, 3])


@given(_rows, _bounds, _bounds)
def test_clip_in_three_domains(row: list[float], lo: float | None, hi: float | None) -> None:
    raised = [x if lo is None else max(x, lo) for x in row]
    wanted = [x if hi is None else min(x, hi) for x in raised]
    for x in domains(row):
        assert_same(Clip(lo, hi).evaluate(x), [exactly(wanted)], x.dtype)


def test_clip_bounds_have_the_operands_width() -> None:
    got = Clip(hi=0.1).evaluate(np.array([[1.0]], dtype=np.float32))
    assert_same(got, [[np.float32(0.1)]], np.float32)


def test_infinite_bounds_are_no_bounds() -> None:
    for x in domains([-1e6, 0.5, 1e6]):
        assert_same(Clip(-math.inf, math.inf).evaluate(x), x, x.dtype)
        assert_same(Clip(0.0, math.inf).evaluate(x), np.maximum(x, 0), x.dtype)


DEFINITIONS: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "exp": math.exp,
    "softplus": lambda x: math.log1p(math.exp(x)),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "sign": lambda x: float((x > 0) - (x < 0)),
    "abs": abs,
}


def test_every_function_has_a_definition_here() -> None:
    assert set(DEFINITIONS) == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(row=_rows)
def test_functions_equal_their_definition(function: str, row: list[float]) -> None:
    wanted = [DEFINITIONS[function](x) for x in row]
    got = Unary(function).evaluate(np.array([row]))
    # Not array_equal: NumPy's functions and the C library's may differ in the last places.
    np.testing.assert_allclose(got, [wanted], rtol=1e-14)
    single = Unary(function).evaluate(np.array([row], dtype=np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, [wanted], rtol=1e-5)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(row=_rows)
def test_fractions_have_the_float64_value(function: str, row: list[float]) -> None:
    got = Unary(function).evaluate(exactly([row]))
    assert got.dtype == object
    assert_same(got.astype(np.float64), Unary(function).evaluate(np.array([row])), np.float64)


@pytest.mark.parametrize(
    ("function", "row"),
    [
        ("sigmoid", [0.5, 0.0, 1.0]),
        ("tanh", [0.0, -1.0, 1.0]),
        ("exp", [1.0, 0.0, math.inf]),
        ("softplus", [math.log(2), 0.0, 1e6]),
        ("elu", [0.0, -1.0, 1e6]),
        ("sign", [0.0, -1.0, 1.0]),
        ("abs", [0.0, 1e6, 1e6]),
    ],
)
def test_functions_at_zero_and_far_out(function: str, row: list[float]) -> None:
    largest = Fraction(sys.float_info.max)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for x in domains([0.0, -1e6, 1e6]):
            got = Unary(function).evaluate(x)
            if x.dtype == object:
                assert got[0, 2] == (largest if function == "exp" else row[2])
            else:
                np.testing.assert_allclose(got, [row], rtol=1e-6, atol=1e-300)


_OPS: list[tuple[Op, int]] = [
    (AddConst(const(1, np.float32)), 1),
    (MulConst(const(1, np.float32)), 1),
    (DivConst(const(1, np.float32)), 1),
    (LeakyRelu(const(1, np.float32)), 1),
    (Clip(), 1),
    (Unary("tanh"), 1),
    (Add(), 2),
    (Sub(), 2),
    (Mul(), 2),
]


@pytest.mark.parametrize(("op", "arity"), _OPS)
def test_keeps_shape_and_needs_reals(op: Op, arity: int) -> None:
    real, integer = tensor(Real(), 2, 3), tensor(Int(4), 2, 3)
    assert op.infer([real] * arity) == real
    message = f"I001: {op.name} needs real operands, found int4[2, 3]"
    assert rejection(op, *[integer] * arity) == message
    assert rejection(op, *[real, integer][-arity:]) == message


@pytest.mark.parametrize("make", [make for make, _ in WITH_CONST])
@pytest.mark.parametrize(
    ("shape", "x"),
    [
        ((2,), tensor(Real(), 3)),
        ((3,), tensor(Real(), 1)),
        ((1, 3), tensor(Real(), 3)),
        ((2, 1), tensor(Real(), 3, 3)),
        ((1,), tensor(Real())),
    ],
)
def test_constants_must_fit(
    make: Callable[[Const], Op], shape: tuple[int, ...], x: TensorType
) -> None:
    op = make(const(np.ones(shape), np.float32))
    message = f"I001: {op.name}: a constant of shape {list(shape)} does not fit {x}"
    assert rejection(op, x) == message


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 3), (2, 1), (2, 3)])
def test_constants_that_fit(shape: tuple[int, ...]) -> None:
    x = tensor(Real(), 2, 3)
    op = AddConst(const(np.ones(shape), np.float32))
    assert op.infer([x]) == x
    assert op.evaluate(np.zeros((4, 2, 3))).shape == (4, 2, 3)


def test_operands_must_have_one_shape() -> None:
    a, b = tensor(Real(), 3), tensor(Real(), 1)
    for op, name in ((Add(), "add"), (Sub(), "sub"), (Mul(), "mul")):
        message = f"I001: {name} needs operands of one shape, found real[3] and real[1]"
        assert rejection(op, a, b) == message


def test_unknown_functions_are_refused() -> None:
    assert rejection(Unary("gelu"), tensor(Real(), 3)) == "I001: there is no function gelu"
