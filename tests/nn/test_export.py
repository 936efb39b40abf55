"""Trained values reach the compiler as they are: through a module and through its file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from bitmason.frontend import from_brevitas, import_model
from bitmason.frontend.agreement import compare
from bitmason.ir import Graph
from bitmason.ir.codebook import codebook_of
from bitmason.ir.interp import run
from tests.nn.formulas import ALL_FORMS

KINDS = ("dense", "conv1d", "conv2d", "depthwise")


def _quantisers(nn: Any) -> dict[str, Any]:
    return {
        **{form: nn.nary(nn.FORMS[form], 1.2) for form in ALL_FORMS},
        "ttq": nn.ttq(0.2),
        "quantile": nn.quantile(),
        "sparse": nn.nary(nn.TERNARY, 3.5, scale_bits=5),
    }


QUANTISERS = (*ALL_FORMS, "ttq", "quantile", "sparse")


def _layers(torch: Any, nn: Any, kind: str, quant: Any) -> tuple[list[Any], tuple[int, ...]]:
    """Return two coded layers with what stands around them, and the shape of a frame."""
    import brevitas.nn as qnn
    from brevitas.quant import Int16Bias

    relu = qnn.QuantReLU(act_quant=nn.clipped(3.0, 8), return_quant_tensor=True)
    last = {"bias": True, "bias_quant": Int16Bias, "weight_quant": quant}
    if kind == "dense":
        hidden = qnn.QuantLinear(12, 9, bias=False, weight_quant=quant)
        return [hidden, torch.nn.BatchNorm1d(9), relu, qnn.QuantLinear(9, 5, **last)], (12,)
    conv, norm, frame = {
        "conv1d": (qnn.QuantConv1d, torch.nn.BatchNorm1d, (6, 10)),
        "conv2d": (qnn.QuantConv2d, torch.nn.BatchNorm2d, (6, 5, 4)),
        "depthwise": (qnn.QuantConv2d, torch.nn.BatchNorm2d, (6, 5, 4)),
    }[kind]
    groups = 6 if kind == "depthwise" else 1
    hidden = conv(6, 6, 3, padding=1, groups=groups, bias=False, weight_quant=quant)
    dense = qnn.QuantLinear(6 * int(np.prod(frame[1:])), 5, **last)
    return [hidden, norm(6), relu, torch.nn.Flatten(), dense], frame


def _trained(torch: Any, nn: Any, kind: str, quant: Any) -> tuple[Any, Any]:
    """Return a network after a few steps, which part its latents from its values, and inputs."""
    import brevitas.nn as qnn

    torch.manual_seed(0)
    layers, frame = _layers(torch, nn, kind, quant)
    net = torch.nn.Sequential(qnn.QuantIdentity(act_quant=nn.clipped(1.0)), *layers)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(8):
        y = net(torch.rand(32, *frame))
        optimiser.zero_grad()
        torch.autograd.backward((getattr(y, "value", y) ** 2).mean())
        optimiser.step()
    return net.eval(), torch.rand(60, *frame)


def _weights(graph: Graph) -> list[np.ndarray]:
    """Return the weights of the products as [outputs, kernel and channels]."""
    found = (getattr(node.op, "weights", None) for node in graph.nodes)
    return [w.array.reshape(len(w.array), -1) for w in found if w is not None]


def _as_rows(weights: np.ndarray) -> np.ndarray:
    """Return PyTorch's weights likewise: it has channels in front of the kernel."""
    return np.moveaxis(weights, 1, -1).reshape(len(weights), -1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", QUANTISERS)
def test_the_compiler_computes_with_the_trained_integers(
    torch: Any, nn: Any, kind: str, name: str
) -> None:
    net, x = _trained(torch, nn, kind, _quantisers(nn)[name])
    imported = from_brevitas(net, x[:1])
    found, layers = _weights(imported.graph), list(nn.coded_layers(net))
    assert np.array_equal(found[0], _as_rows(layers[0].weights))
    # Behind the Flatten of an image, inputs stand in another order.
    assert np.array_equal(np.sort(found[1], axis=1), np.sort(layers[1].weights, axis=1))
    for weights, layer in zip(found, layers, strict=True):
        codebook = codebook_of(weights)
        assert codebook is not None
        assert (codebook.values, codebook.sparsity) == (layer.values, layer.sparsity)
    assert compare(imported, x.numpy()).agrees
    (golden,) = run(imported.graph, {imported.graph.inputs[0].name: x.numpy()})
    with torch.no_grad():
        y = net(x)
    theirs = getattr(y, "value", y).numpy()
    np.testing.assert_allclose(golden, theirs, atol=1e-5)
    assert np.array_equal(golden.argmax(axis=1), theirs.argmax(axis=1))


def test_a_file_holds_values_and_not_latents(torch: Any, nn: Any, tmp_path: Path) -> None:
    from brevitas.export import export_qonnx

    net, x = _trained(torch, nn, "conv2d", nn.nary(nn.FORMS["quinary"]))
    path = tmp_path / "net.onnx"
    export_qonnx(net, args=x[:1], export_path=str(path), dynamo=False, opset_version=14)
    kept = {init.name: numpy_helper.to_array(init) for init in onnx.load(path).graph.initializer}
    for layer in nn.coded_layers(net):
        exact = layer.weights * layer.step
        same = [a for a in kept.values() if a.shape == exact.shape]
        assert any(np.array_equal(array, exact) for array in same)
    found = _weights(import_model(path).graph)
    assert np.array_equal(found[0], _as_rows(next(nn.coded_layers(net)).weights))


def test_export_leaves_training_as_it_was(torch: Any, nn: Any) -> None:
    net, x = _trained(torch, nn, "dense", nn.nary(nn.TERNARY))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    from_brevitas(net, x[:1])
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    net.train()
    y = net(x)
    torch.autograd.backward(getattr(y, "value", y).sum())
    assert all(p.grad is not None for p in net.parameters())


def test_without_brevitas_the_import_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['brevitas'] = None; sys.modules['torch'] = None\n"
        "from bitmason.diagnostics import CompileError\n"
        "try:\n    import bitmason.nn\n"
        "except CompileError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("error[F017]: PyTorch and Brevitas cannot be imported: ")
    assert done.stdout.endswith("\n  help: pip install 'bitmason[brevitas]'\n")


def test_importing_bitmason_loads_no_pytorch() -> None:
    script = "import sys, bitmason; print({'torch', 'brevitas', 'bitmason.nn'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
