"""Differences are excused only where float32 rounding at a tie is proven to be their cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from bitmason.frontend import Imported
from bitmason.frontend.agreement import compare
from bitmason.frontend.comparison import Comparison
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.reference import Executor
from bitmason.frontend.rounding_rules import RULES
from bitmason.frontend.running_error import Running
from bitmason.frontend.samples import sample_inputs
from bitmason.ir import Const, Int, Node, Op
from bitmason.ir.interp import run_all
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.real import AddConst, MulConst
from bitmason.ir.types import Array
from tests.frontend.onnx_models import Net, dense_net, f32, imported, on_grid

INPUTS, HIDDEN, OUTPUTS = 96, 24, 8
RNG = np.random.default_rng(2)
STEP = np.float32(0.1)  # no dyadic rational: sums of its multiples round in float32


def _weights(net: Net, inputs: int, outputs: int) -> str:
    codes = RNG.integers(-1, 2, (inputs, outputs))
    return net.quant(net.const(f32(codes * 0.25)), 0.25, bits=2.0, narrow=1)


def _tied_net(rounding: str = "ROUND") -> Net:
    """Two layers whose sums lie exactly halfway between two levels of the next quantiser."""
    net = Net(1, INPUTS)
    x = net.quant("x", STEP, bits=8.0)
    for inputs, outputs, step in ((INPUTS, HIDDEN, STEP), (HIDDEN, OUTPUTS, STEP * f32(0.5))):
        product = net.node("MatMul", x, _weights(net, inputs, outputs))
        x = net.quant(product, step * f32(0.5), bits=8.0, rounding_mode=rounding)
    return net


def _halves(network: Imported, x: Array) -> Array:
    graph = network.graph
    values = run_all(graph, {graph.inputs[0].name: x})
    nodes = [node for node in graph.nodes if isinstance(node.op, Quantise)][1:]
    positions = [
        node.op.position(values[node.operands[0]])
        for node in nodes
        if isinstance(node.op, Quantise)
    ]
    return np.concatenate([position.ravel() % 1 == 0.5 for position in positions])


@pytest.fixture(scope="module")
def tied() -> tuple[Imported, Array, Comparison]:
    network = imported(_tied_net().model())
    x = sample_inputs(network, 64, seed=4)
    return network, x, compare(network, x)


def test_ties_that_float32_noise_decides_are_found_and_proven(
    tied: tuple[Imported, Array, Comparison],
) -> None:
    network, x, found = tied
    assert found.agrees, found.mismatches
    assert found.ambiguous_count > 20
    assert np.count_nonzero(_halves(network, x)) >= found.ambiguous_count
    for tie in found.ambiguous:
        assert "tie" in str(tie)
        assert tie.distance <= 1e-9 < tie.bound < 0.1
        assert abs(tie.golden - tie.executor) == 1
        assert tie.golden % 2 == 0  # half to even, which the executor misses


def test_later_layers_are_judged_behind_the_golden_integers(
    tied: tuple[Imported, Array, Comparison],
) -> None:
    network, x, found = tied
    assert len({tie.value for tie in found.ambiguous}) >= 1
    executor = Executor(network.model, len(x))
    context = executor.run(x)
    graph = network.graph
    values = run_all(graph, {graph.inputs[0].name: x})
    last = [node for node in graph.nodes if isinstance(node.op, Quantise)][-1]
    free = np.round(context[network.tensors[last.name]] / (STEP * 0.25))
    differing = np.count_nonzero(free != values[last.name])
    off = np.abs(free - values[last.name]).max()
    assert off > 1 or differing > found.ambiguous_count, "no error came through: patch is untested"


def test_frames_are_counted_through_all_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    network = imported(_tied_net().model())
    x = sample_inputs(network, 30, seed=4)
    whole = compare(network, x)
    monkeypatch.setattr("bitmason.frontend.agreement._CHUNK_FRAMES", 7)
    parts = compare(network, x)
    assert parts.samples == whole.samples == 30
    assert parts.quantised == whole.quantised
    assert max(tie.index[0] for tie in parts.ambiguous) > 0
    for tie in parts.ambiguous:
        values = run_all(network.graph, {network.graph.inputs[0].name: x})
        assert values[tie.value][tie.index] == tie.golden


def _edited(network: Imported, edit: Callable[[Node], Op | None]) -> Imported:
    nodes = [replace(node, op=edit(node) or node.op) for node in network.graph.nodes]
    return replace(network, graph=network.graph.with_nodes(nodes))


def _bump_weight(node: Node) -> Op | None:
    """Change one weight by one."""
    if not isinstance(node.op, Dense):
        return None
    weights = node.op.weights.array.copy()
    weights[0, 0] += 1 if weights[0, 0] < 1 else -1
    return replace(node.op, weights=Const(weights))


def _shift_thresholds(node: Node) -> Op | None:
    """Move every threshold behind a layer by one unit of its accumulator."""
    if not isinstance(node.op, Dequantise) or len(node.op.scale) > 1:
        return None
    return replace(node.op, offset=tuple(offset + node.op.scale[0] for offset in node.op.offset))


def _nudge_scale(node: Node) -> Op | None:
    """Change the scale of a layer in the ninth digit, less than float32 can show."""
    if not isinstance(node.op, Dequantise):
        return None
    return replace(node.op, scale=tuple(scale * (1 + scale / 10**9) for scale in node.op.scale))


def _widen(node: Node) -> Op | None:
    """Clamp at twice the range."""
    if not isinstance(node.op, Quantise) or not isinstance(node.op.out, Int):
        return None
    return replace(node.op, out=Int(node.op.out.bits + 1))


def _round_up(node: Node) -> Op | None:
    """Take another rounding mode, which differs at ties only."""
    if not isinstance(node.op, Quantise):
        return None
    return replace(node.op, rounding="HALF_UP")


@pytest.mark.parametrize("fault", [_bump_weight, _shift_thresholds, _nudge_scale, _round_up])
def test_a_fault_among_ties_is_not_explained_away(fault: Callable[[Node], Op | None]) -> None:
    network = imported(_tied_net().model())
    x = on_grid(64, INPUTS)
    assert compare(network, x).agrees
    found = compare(_edited(network, fault), x)
    assert not found.agrees
    assert found.mismatches
    assert str(found.mismatches[0])


@pytest.mark.parametrize("fault", [_bump_weight, _shift_thresholds, _nudge_scale, _widen])
def test_a_fault_without_ties_is_a_mismatch(fault: Callable[[Node], Op | None]) -> None:
    net, product = dense_net()
    net.quant(net.node("Relu", product), 0.3, bits=3.0)
    network = imported(net.model())
    x = f32(np.random.default_rng(0).normal(size=(64, 4)) * 4)
    assert compare(network, x).agrees
    assert compare(_edited(network, fault), x).mismatched > 0


def test_every_element_of_a_wrong_layer_is_counted_once() -> None:
    network = imported(_tied_net().model())
    x = sample_inputs(network, 16, seed=4)

    def upside_down(node: Node) -> Op | None:
        if not isinstance(node.op, Dequantise):
            return None
        return replace(node.op, scale=tuple(-scale for scale in node.op.scale))

    found = compare(_edited(network, upside_down), x)
    assert 0 < found.mismatched <= found.quantised + found.outputs
    assert len(found.mismatches) == 8


def test_without_a_rule_nothing_is_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = imported(_tied_net().model())
    x = sample_inputs(network, 16, seed=4)
    monkeypatch.delitem(RULES, "MatMul")
    found = compare(network, x)
    assert found.ambiguous_count == 0
    assert found.mismatched > 0


def _layer(net: Net, x: str, inputs: int, outputs: int) -> str:
    scales = f32(RNG.uniform(0.01, 0.3, (1, outputs)))
    codes = RNG.integers(-7, 8, (inputs, outputs))
    return net.node("MatMul", x, net.quant(net.const(f32(codes * scales)), scales, bits=4.0))


def _normalised(net: Net, x: str, channels: int) -> str:
    rows = [f32(RNG.normal(size=channels)) for _ in range(3)]
    variance = f32(RNG.uniform(0.1, 4.0, channels))
    return net.node("BatchNormalization", x, *map(net.const, (*rows, variance)))


CHAINS: dict[str, Callable[[Net, str], str]] = {
    "batch norm": lambda net, x: _normalised(net, x, 12),
    "sigmoid": lambda net, x: net.node("Sigmoid", x),
    "tanh": lambda net, x: net.node("Tanh", x),
    "bias, relu": lambda net, x: net.node("Relu", net.node("Add", x, net.const(f32(np.ones(12))))),
    "div, sub": lambda net, x: net.node(
        "Sub", net.const(f32(0.3)), net.node("Div", x, net.const(f32(RNG.uniform(1, 3, 12))))
    ),
    "leaky": lambda net, x: net.node("LeakyRelu", x, alpha=0.3),
    "softplus": lambda net, x: net.node("Softplus", x),
    "elu": lambda net, x: net.node("Elu", x),
    "clip": lambda net, x: net.node("Clip", x, net.const(f32(-1)), net.const(f32(1))),
    "hard sigmoid": lambda net, x: net.node("HardSigmoid", x),
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize(
    "quantiser",
    [
        {"scale": 0.07, "bits": 5.0},
        {"scale": 0.03, "zero_point": 3.0, "bits": 6.0, "signed": 0},
        {"scale": 0.11, "bits": 4.0, "rounding_mode": "FLOOR"},
        {"scale": 0.2, "bits": 1.0},
    ],
    ids=["signed", "zero point", "floor", "bipolar"],
)
def test_chains_agree(chain: str, quantiser: dict[str, Any]) -> None:
    net = Net(1, 20)
    first = _layer(net, net.quant("x", 0.05, 7.0, 8.0, signed=0), 20, 12)
    second = net.quant(CHAINS[chain](net, first), **quantiser)
    _layer(net, second, 12, 5)
    network = imported(net.model())
    found = compare(network, sample_inputs(network, 300, seed=1))
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.quantised == 300 * 32
    assert found.max_output_difference < 1e-4


def test_batch_norm_before_the_first_quantiser_agrees() -> None:
    net = Net(1, 12)
    _layer(net, net.quant(_normalised(net, "x", 12), 0.1, bits=6.0), 12, 3)
    network = imported(net.model())
    found = compare(network, f32(RNG.normal(size=(500, 12)) * 3))
    assert found.agrees, "\n".join(map(str, found.mismatches))


def test_qcdq_agrees_and_its_ties_are_found() -> None:
    net = Net(1, 16)
    zero = net.const(np.uint8(9))

    def border(x: str, scale: Any, zero_point: str) -> str:
        parts = (net.const(f32(scale)), zero_point)
        codes = net.node("QuantizeLinear", x, *parts)
        low, high = (net.const(np.uint8(limit)) for limit in (2, 31))
        return net.node("DequantizeLinear", net.node("Clip", codes, low, high), *parts)

    codes = net.const(RNG.integers(-1, 2, (16, 6)).astype(np.int8))
    weights = net.node("DequantizeLinear", codes, net.const(f32(0.5)), net.const(np.int8(0)))
    product = net.node("MatMul", border("x", STEP, zero), weights)
    border(product, STEP, zero)
    network = imported(net.model())
    found = compare(network, sample_inputs(network, 400, seed=1))
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.ambiguous_count > 0


@pytest.mark.parametrize("keepdims", [0, 1])
def test_labels_agree_and_a_wrong_one_is_a_mismatch(keepdims: int) -> None:
    net = Net(1, 20)
    net.node("ArgMax", _layer(net, net.quant("x", 0.05), 20, 6), axis=1, keepdims=keepdims)
    network = imported(net.model(elem=TensorProto.INT64))
    x = f32(RNG.normal(size=(200, 20)))
    found = compare(network, x)
    assert found.agrees
    assert found.outputs == found.identical_outputs == 200
    assert compare(_edited(network, _bump_weight), x).mismatched > 0


def _tied_labels() -> tuple[Imported, Array]:
    net = Net(1, 64)
    codes = RNG.integers(-1, 2, (64, 1))
    same = np.concatenate([codes, RNG.permutation(codes), RNG.permutation(codes)], axis=1)
    weights = net.quant(net.const(f32(same) * STEP), STEP, bits=2.0, narrow=1)
    net.node("ArgMax", net.node("MatMul", net.quant("x", STEP, bits=2.0), weights), axis=1)
    x = f32(RNG.integers(-1, 2, (3000, 64))) * STEP
    return imported(net.model(elem=TensorProto.INT64)), x


def test_labels_of_tied_scores_are_ambiguous() -> None:
    found = compare(*_tied_labels())
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.ambiguous_count > 0
    assert all(tie.distance <= 1e-9 < tie.bound for tie in found.ambiguous)


def test_labels_beyond_the_bound_of_their_scores_are_mismatches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def overconfident(node: NodeView, shape: Any, a: Running, b: Running) -> Running:
        found = a @ b
        return replace(found, executor=np.zeros_like(found.executor))

    monkeypatch.setitem(RULES, "MatMul", overconfident)
    assert compare(*_tied_labels()).mismatched > 0


class _Least(ArgMax):
    """The position of the smallest element, under a wrong name."""

    def evaluate(self, *operands: Array) -> Array:
        return super().evaluate(*(-x for x in operands))


def test_another_ranking_of_the_same_scores_is_a_mismatch() -> None:
    network, x = _tied_labels()
    found = compare(
        _edited(network, lambda node: _Least() if node.op.name == "arg_max" else None), x
    )
    assert found.mismatched > len(x) / 2
    assert found.ambiguous_count == 0


def test_top_k_agrees() -> None:
    net = Net(1, 20)
    scores = _layer(net, net.quant("x", 0.05), 20, 6)
    best = net.node("TopK", scores, net.const(np.array([3])), outputs=2, axis=-1)
    model = net.model(best, f"{best}b")
    model.graph.output[1].type.tensor_type.elem_type = TensorProto.INT64
    found = compare(imported(model), f32(RNG.normal(size=(100, 20))))
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.outputs == 600


def test_softmax_agrees() -> None:
    net = Net(1, 20)
    net.node("Softmax", _layer(net, net.quant("x", 0.05), 20, 6), axis=-1)
    found = compare(imported(net.model()), f32(RNG.normal(size=(100, 20))))
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.max_output_difference < 1e-5


def test_output_off_by_less_than_float32_can_show_is_a_mismatch() -> None:
    net, product = dense_net()
    net.node("Mul", net.node("Add", product, net.const(f32([0.1, 0.2, 0.3]))), net.const(f32(1.5)))
    network = imported(net.model())
    x = on_grid(20, 4)
    assert compare(network, x).agrees

    def nudge(node: Node) -> Op | None:
        if isinstance(node.op, MulConst | AddConst):
            return replace(node.op, value=Const(node.op.value.array.astype(np.float64) + 1e-9))
        return None

    assert compare(_edited(network, nudge), x).mismatched > 0
