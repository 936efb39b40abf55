"""Executor == golden on networks of images and signals, and planted faults that must be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from bitmason.frontend import Imported, import_model
from bitmason.frontend.agreement import compare
from bitmason.frontend.samples import sample_inputs
from bitmason.ir import Const, Graph, Int, Node, Op
from bitmason.ir.interp import run_all
from bitmason.ir.ops.arrange import Concat, Upsample
from bitmason.ir.ops.conv import Conv
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.join import WeightedSum
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import GlobalPool, MaxPool, SumPool
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.staircase import Staircase
from bitmason.ir.types import Array
from tests.frontend.image_networks import NETS, STEP, Images, tied_net
from tests.frontend.onnx_models import f32, imported


def _network(name: str) -> Imported:
    net = NETS[name]()
    model = net.model()
    model.opset_import[1].version = 2 if name == "trunc 2" else 1
    return imported(model)


def _edited(network: Imported, edit: Callable[[Node], Op | None]) -> Imported | None:
    """Return the network with the first node changed that `edit` has another form of, if any."""
    nodes = list(network.graph.nodes)
    for index, node in enumerate(nodes):
        changed = edit(node)
        if changed is not None:
            nodes[index] = replace(node, op=changed)
            return replace(network, graph=network.graph.with_nodes(nodes))
    return None


def _faulty(network: Imported, edit: Callable[[Node], Op | None]) -> Imported:
    edited = _edited(network, edit)
    assert edited is not None, "there is nothing to edit"
    return edited


@pytest.mark.parametrize("name", NETS)
def test_networks_agree(name: str) -> None:
    network = _network(name)
    found = compare(network, sample_inputs(network, 100, seed=3))
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.samples == 100
    quantisers = [node for node in network.graph.nodes if isinstance(node.op, Quantise | Staircase)]
    compared = [node for node in quantisers if node.name in network.tensors]
    assert found.quantised == 100 * sum(node.type.size for node in compared)
    assert found.outputs or network.graph.outputs[0] in {node.name for node in compared}
    assert found.max_output_difference < 1e-4


def _one_weight(node: Node) -> Op | None:
    if not isinstance(node.op, Conv | Dense):
        return None
    weights = node.op.weights.array.copy()
    weights.flat[-1] += 1 if weights.flat[-1] < 1 else -2
    return replace(node.op, weights=Const(weights))


def _turned_kernels(node: Node) -> Op | None:
    if not isinstance(node.op, Conv) or min(node.op.kernel) == 1:
        return None
    return replace(node.op, weights=Const(node.op.weights.array[:, ::-1].copy()))


def _padding(node: Node) -> Op | None:
    if not isinstance(node.op, Pad) or not any((*node.op.low, *node.op.high)):
        return None
    return replace(node.op, value=tuple(value + 1 for value in node.op.value))


def _swapped_factors(node: Node) -> Op | None:
    if not isinstance(node.op, WeightedSum):
        return None
    return replace(node.op, factors=Const(node.op.factors.array[::-1] + 1))


class _Rolled(Op):
    """Another operation, of whose result each row of pixels is rolled by one."""

    def __init__(self, inner: Op) -> None:
        self.inner, self.name = inner, inner.name  # type: ignore[misc]

    def infer(self, operands: Any) -> Any:
        return self.inner.infer(operands)

    def evaluate(self, *operands: Array) -> Array:
        return np.roll(self.inner.evaluate(*operands), 1, axis=-2)


def _moved_pixels(node: Node) -> Op | None:
    kinds = MaxPool | SumPool | Concat | Upsample | Conv
    return _Rolled(node.op) if isinstance(node.op, kinds) and node.type.shape[-2] > 1 else None


def _wrong_mean(node: Node) -> Op | None:
    pools = SumPool | GlobalPool
    return _Plus(node.op) if isinstance(node.op, pools) else None


class _Plus(_Rolled):
    """Another operation, whose results for the last frame are one too large."""

    def evaluate(self, *operands: Array) -> Array:
        result = self.inner.evaluate(*operands).copy()
        result[-1] += 1
        return result


def _one_step(node: Node) -> Op | None:
    if not isinstance(node.op, Staircase):
        return None
    steps = node.op.steps.array.copy()
    steps[0, 0] -= 0.3
    return replace(node.op, steps=Const(steps))


def _other_scale(node: Node) -> Op | None:
    if not isinstance(node.op, Dequantise):
        return None
    return replace(node.op, scale=tuple(one * (1 + Fraction(1, 10**9)) for one in node.op.scale))


FAULTS = (
    _one_weight, _turned_kernels, _padding, _swapped_factors, _moved_pixels, _wrong_mean, _one_step,
    _other_scale,
)  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_faults_are_found(name: str) -> None:
    network = _network(name)
    x = sample_inputs(network, 40, seed=3)
    planted = {fault.__name__: _edited(network, fault) for fault in FAULTS}
    faulty = {fault: edited for fault, edited in planted.items() if edited is not None}
    assert len(faulty) > 2
    assert not [fault for fault, edited in faulty.items() if compare(edited, x).agrees]


def test_every_fault_is_planted_somewhere() -> None:
    networks = [_network(name) for name in NETS]
    for fault in FAULTS:
        assert any(_edited(network, fault) for network in networks), fault.__name__


@pytest.mark.parametrize("name", NETS)
def test_one_wrong_code_is_found_and_told_where(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = _network(name)
    x = sample_inputs(network, 5, seed=3)

    *_, node = (node for node in network.graph.nodes if node.name in network.tensors
                and isinstance(node.op, Quantise | Staircase))  # fmt: skip
    place = (4, *(extent // 2 for extent in node.type.shape))

    def run_wrongly(graph: Graph, feeds: dict[str, Array]) -> dict[str, Array]:
        values = run_all(graph, feeds)
        wrong = values[node.name] = values[node.name].copy()
        wrong[place] += 1 if wrong[place] < wrong.max() else -1
        return values

    monkeypatch.setattr("bitmason.frontend.agreement.run_all", run_wrongly)
    found = compare(network, x)
    on_code = [one for one in found.mismatches if one.value == node.name]
    assert [one.index for one in on_code] == [place]


def test_ties_of_convolutions_are_found_and_proven() -> None:
    network = imported(tied_net().model())
    found = compare(network, sample_inputs(network, 40, seed=4))
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.ambiguous_count > 20
    assert all(tie.distance <= 1e-9 < tie.bound < 0.1 for tie in found.ambiguous)


@pytest.mark.parametrize("fault", [_one_weight, _turned_kernels, _padding, _other_scale])
def test_a_fault_among_ties_is_not_explained_away(fault: Callable[[Node], Op | None]) -> None:
    network = imported(tied_net().model())
    found = compare(_faulty(network, fault), sample_inputs(network, 40, seed=4))
    assert found.mismatched > 0


def test_chunks_are_cut_by_memory_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = imported(tied_net().model())
    x = sample_inputs(network, 23, seed=4)
    whole = compare(network, x)
    monkeypatch.setattr("bitmason.frontend.agreement._CHUNK_ELEMENTS", 20_000)
    parts = compare(network, x)
    assert (parts.samples, parts.quantised) == (whole.samples, whole.quantised)
    assert parts.agrees
    assert max(tie.index[0] for tie in parts.ambiguous) > 0


def test_declared_inputs_are_compared_in_the_order_of_the_file() -> None:
    net = Images(3, 5, 7)
    net.quant(net.conv("x", 3, 4, 3, 3), 0.3)
    step = Fraction(1, 10)
    network = import_model(
        net.model().SerializeToString(), "net.onnx", declared_input=(Int(5), step)
    )
    codes = np.random.default_rng(0).integers(-16, 16, (50, 3, 5, 7))
    x = (codes * float(step)).astype(np.float32)
    found = compare(network, x)
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.quantised == 50 * 4 * 3 * 5
    assert compare(_faulty(network, _one_weight), x).mismatched > 0


def test_several_outputs_are_all_compared() -> None:
    net = Images(3, 6, 8)
    x = net.quant(net.conv(net.quant("x", STEP, bits=5.0), 3, 4, 3, 3), 0.3)
    image = net.conv(x, 4, 2, 1, 1)
    logits = net.dense(x, 4 * 4 * 6, 3)
    network = imported(net.model(image, x, logits))
    frames = sample_inputs(network, 30, seed=1)
    found = compare(network, frames)
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.outputs == 30 * (2 * 24 + 4 * 24 + 3)

    def last(node: Node) -> Op | None:
        return _one_weight(node) if isinstance(node.op, Dense) else None

    assert compare(_faulty(network, last), frames).mismatched > 0


def test_channels_last_files_agree() -> None:
    from unittest import mock

    import onnx
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
    from qonnx.transformation.infer_shapes import InferShapes

    form: dict[str, Any] = {"strides": [1, 1], "dilations": [1, 1], "group": 1}
    net = Images(3, 8, 8)
    x = net.quant("x", STEP, bits=5.0)
    x = net.conv(x, 3, 4, 3, 3, kernel_shape=[3, 3], pads=[1, 1, 1, 1], **form)
    rows = [net.const(f32(net.rng.uniform(0.5, 2, 4))) for _ in range(4)]
    x = net.quant(net.node("BatchNormalization", x, *rows, epsilon=1e-5, momentum=0.9), 0.3)
    x = net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0])
    net.conv(x, 4, 2, 2, 2, kernel_shape=[2, 2], pads=[0, 0, 0, 0], **form)
    with mock.patch.object(onnx, "IR_VERSION", 8):
        wrapper = ModelWrapper(net.model()).transform(InferShapes())
        model = wrapper.transform(ConvertToChannelsLastAndClean()).model
    assert any(node.domain.endswith("channels_last") for node in model.graph.node)
    network = imported(model)
    frames = sample_inputs(network, 50, seed=2)
    found = compare(network, frames)
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert compare(_faulty(network, _one_weight), frames).mismatched > 0


@pytest.mark.parametrize("keepdims", [0, 1])
def test_labels_of_pixels_agree(keepdims: int) -> None:
    net = Images(3, 6, 8)
    scores = net.conv(net.quant("x", STEP, bits=5.0), 3, 5, 3, 3)
    last = net.node("Transpose", scores, perm=[0, 2, 3, 1])
    label = net.node("ArgMax", last, axis=3, keepdims=keepdims)
    network = imported(net.model(label, elem=TensorProto.INT64))
    x = sample_inputs(network, 30, seed=1)
    found = compare(network, x)
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.outputs == 30 * 4 * 6
    assert compare(_faulty(network, _moved_pixels), x).mismatched > 0


def test_frames_that_a_batch_would_mix_are_compared_one_by_one() -> None:
    net = Images(3, 6, 6)
    x = net.quant(net.conv(net.quant("x", STEP, bits=5.0), 3, 4, 3, 3), 0.3)
    one, rest = (net.const(np.array([size], np.int64)) for size in (1, -1))
    flat = net.node("Reshape", x, net.node("Concat", one, rest, axis=0))
    net.node("MatMul", flat, net.quant(net.const(f32(net.rng.normal(size=(64, 3)))), STEP))
    network = imported(net.model())
    found = compare(network, sample_inputs(network, 6, seed=1))
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.samples == 6
