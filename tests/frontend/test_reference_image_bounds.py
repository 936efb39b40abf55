"""The bounds of convolutions, pools and moves hold for what onnxruntime computes, in every form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import onnx
import pytest
from onnx import ModelProto

from bitmason.frontend.reference import Context, Executor
from bitmason.frontend.rounding_error import RoundingErrors
from bitmason.frontend.rounding_rules import RULES
from bitmason.frontend.running_error import FLOAT64_UNIT
from bitmason.ir.types import Array
from tests.frontend.image_cases import CHANNELS, IMAGES, MOVES, PLACES, SIGNALS, Case
from tests.frontend.onnx_models import Net, f32

FRAMES = 6


def _operand(net: Net, shape: tuple[int, ...], rng: np.random.Generator) -> str:
    """Return numbers with rounding errors of their own."""
    row = net.const(f32(rng.normal(size=(shape[1], *(1 for _ in shape[2:])))))
    return net.node("Add", net.node("Mul", "x", net.const(f32(0.3))), row)


def _analysed(model: ModelProto, x: Array) -> tuple[Context, RoundingErrors]:
    executor = Executor(model.SerializeToString(), len(x))
    context = executor.run(x)
    errors = RoundingErrors(context, executor.input)
    for node in executor.nodes:
        errors.step(node)
    return context, errors


def _judged(case: Case, shape: tuple[int, ...], *, opset: int) -> None:
    rng = np.random.default_rng(len(shape))
    net = Net(1, *shape, opset=opset)
    result = case(net, _operand(net, (1, *shape), rng), rng)
    net.node("Identity", result)
    model = net.model()
    context, errors = _analysed(model, f32(rng.normal(size=(FRAMES, *shape)) * 3))
    for tensor in next(node.output for node in model.graph.node if result in node.output):
        found, made = errors.bounded[tensor], context[tensor]
        off = np.abs(made - found.exact)
        assert np.all(off <= found.executor)
        assert off.any(), "the case rounds nothing, so it shows nothing"
        assert np.all(found.executor <= 1e-4 * (1 + np.abs(found.exact).max()))
        assert np.all(found.golden <= found.executor * 2.0**-20 + 1e-30)
        assert found.exact.shape == found.executor.shape == found.golden.shape == made.shape


@pytest.mark.parametrize("name", IMAGES)
def test_bounds_hold_on_images(name: str) -> None:
    _judged(IMAGES[name], (CHANNELS, 9, 10), opset=14)


@pytest.mark.parametrize("name", SIGNALS)
def test_bounds_hold_on_signals(name: str) -> None:
    _judged(SIGNALS[name], (CHANNELS, 23), opset=14)


@pytest.mark.parametrize("name", MOVES)
def test_errors_move_along(name: str) -> None:
    _judged(MOVES[name], (CHANNELS, 8, 10), opset=14)


@pytest.mark.parametrize("declared", [True, False])
def test_channels_last_operators_are_bounded_alike(declared: bool) -> None:
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
    from qonnx.transformation.infer_shapes import InferShapes

    net, rng = Net(1, CHANNELS, 9, 10), np.random.default_rng(3)
    x = _operand(net, (1, CHANNELS, 9, 10), rng)
    for case in PLACES.values():
        x = case(net, x, rng)
    plain = net.model()
    with mock.patch.object(onnx, "IR_VERSION", 8):
        wrapper = ModelWrapper(plain).transform(InferShapes())
        turned = wrapper.transform(ConvertToChannelsLastAndClean()).model
    if not declared:
        del turned.opset_import[-1]
    frames = f32(rng.normal(size=(FRAMES, CHANNELS, 9, 10)) * 3)
    (context, errors), (expected, _) = (_analysed(model, frames) for model in (turned, plain))
    domains = [node.domain for node in turned.graph.node]
    assert domains.count("qonnx.custom_op.channels_last") == len(PLACES)
    np.testing.assert_array_equal(context[x], expected[x])
    off = np.abs(context[x] - errors.bounded[x].exact)
    assert off.any()
    assert np.all(off <= errors.bounded[x].executor)
    assert np.all(errors.bounded[x].executor < 1e-4 * np.abs(context[x]).max())


OLD: dict[str, Case] = {
    "Slice": lambda net, x, rng: net.node("Slice", x, starts=[1, 2], ends=[2**62, -1], axes=[2, 3]),
    "Pad": lambda net, x, rng: net.node("Pad", x, pads=[0, 0, 1, 0, 0, 0, 0, 2], value=0.25),
    "Split": lambda net, x, rng: net.node("Split", x, outputs=2, axis=1, split=[2, 4]),
    "ReduceMean": lambda net, x, rng: net.node("ReduceMean", x, axes=[2, 3], keepdims=0),
    "Upsample": lambda net, x, rng: net.node(
        "Upsample", x, net.const(f32([1, 1, 2, 3])), mode="nearest"
    ),
}


@pytest.mark.parametrize("name", OLD)
def test_attributes_of_old_files_are_read(name: str) -> None:
    _judged(OLD[name], (CHANNELS, 8, 10), opset=9)


def test_resize_that_interpolates_has_no_bound() -> None:
    net = Net(1, CHANNELS, 4, 4)
    result = net.node("Resize", "x", "", net.const(f32([1, 1, 2, 2])), mode="linear")
    _, errors = _analysed(net.model(), f32(np.ones((2, CHANNELS, 4, 4))))
    assert np.isnan(errors.bounded[result].executor).all()


def test_golden_model_has_the_integers_of_quantised_kernels() -> None:
    rng = np.random.default_rng(0)
    net = Net(1, CHANNELS, 5, 5)
    scale = f32(rng.uniform(0.05, 0.3, (4, 1, 1, 1)))
    codes = rng.integers(-7, 8, (4, CHANNELS, 3, 3))
    result = net.node("Conv", "x", net.quant(net.const(f32(codes * scale)), scale, bits=4.0))
    x = f32(rng.integers(-8, 8, (3, CHANNELS, 5, 5)))
    _, errors = _analysed(net.model(), x)
    found = errors.bounded[result]
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.int64), (3, 3), axis=(2, 3))
    sums = np.einsum("nchwij,ocij->nohw", windows, codes)
    exact = sums * scale.astype(np.float64).reshape(1, 4, 1, 1)
    assert np.all(np.abs(found.exact - exact) <= found.golden)
    assert found.golden.max() < FLOAT64_UNIT * 2**20


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose", "AveragePool", "MaxPool", "DepthToSpace"])
def test_a_wrong_rule_is_noticed(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right: Callable[..., Any] = RULES[op]

    def shifted(node: Any, shape: Any, x: Any, *others: Any) -> Any:
        return right(node, shape, x.moved(lambda array: np.roll(array, 1, axis=-1)), *others)

    monkeypatch.setitem(RULES, op, shifted)
    cases = {name: case for name, case in (IMAGES | MOVES).items() if name.split(" ")[0] == op}
    assert cases
    for case in cases.values():
        with pytest.raises(AssertionError):
            _judged(case, (CHANNELS, 8, 10), opset=14)
