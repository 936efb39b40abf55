"""A model cut at a quantiser: the second half of what the first one gives is the whole."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import ModelProto

from bitmason.diagnostics import CompileError
from bitmason.frontend.samples import sample_inputs
from bitmason.frontend.splitting import split
from tests.frontend.onnx_models import Net, executor, f32, golden, imported, weights_of


def network(kind: str) -> ModelProto:
    """Quantiser, product, quantiser "middle", product; with a branch past it if asked for."""
    net = Net(1, 4)

    def quantise(x: str, name: str) -> str:
        return net.float_quant(x, name=name) if kind == "float" else net.quant(x, name=name)

    x = quantise("x", "first")
    weights = [quantise(net.const(weights_of(4, 4, n), f"w{n}"), f"weights{n}") for n in (0, 1)]
    middle = quantise(net.node("Relu", net.node("MatMul", x, weights[0])), "middle")
    y = net.node("MatMul", middle, weights[1])
    if kind == "branch":
        y = net.node("Add", y, x)
    net.node("Add", y, net.const(f32([0.5, 1, 2, 3])))
    return net.model()


def halves(model: ModelProto, at: str) -> tuple[ModelProto, ModelProto]:
    found = split(model.SerializeToString(), at, "net.onnx")
    return onnx.load_model_from_string(found.head), onnx.load_model_from_string(found.tail)


@pytest.mark.parametrize("kind", ["float", "integer"])
@pytest.mark.parametrize("at", ["first", "middle"])
def test_two_halves_are_the_whole(kind: str, at: str) -> None:
    model = network(kind)
    head, tail = halves(model, at)
    x = sample_inputs(imported(model), 40, 1)
    (whole,), (between,) = golden(model, x), golden(head, x)
    assert np.array_equal(golden(tail, f32(between))[0], whole)
    (whole,), (between,) = executor(model, x), executor(head, x)
    assert np.array_equal(executor(tail, between, tail.graph.input[0].name)[0], whole)
    assert len(head.graph.node) + len(tail.graph.node) == len(model.graph.node) + 1


def test_the_result_names_a_quantiser_too() -> None:
    model = network("float")
    made = next(node.output[0] for node in model.graph.node if node.name == "middle")
    data = model.SerializeToString()
    assert split(data, made, "net.onnx") == split(data, "middle", "net.onnx")


@pytest.mark.parametrize(
    ("kind", "at", "message"),
    [
        ("float", "mittle", "error[F022]: there is no quantiser of activations called 'mittle'"),
        ("float", "mittle", "note: there are 'first', 'middle'"),
        ("float", "mittle", "help: did you mean 'middle'?"),
        ("float", "weights0", "there is no quantiser of activations called 'weights0'"),
        ("branch", "middle", "passes this quantiser by, so the model is not two there"),
        ("branch", "middle", "help: split at a quantiser that everything passes"),
    ],
)
def test_refusals(kind: str, at: str, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        split(network(kind).SerializeToString(), at, "net.onnx")
    assert message in str(caught.value)
