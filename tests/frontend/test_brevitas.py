from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from bitmason.diagnostics import CompileError
from bitmason.frontend import from_brevitas
from bitmason.ir.interp import run


def _fault(module: Any, example: Any) -> str:
    with pytest.raises(CompileError) as caught:
        from_brevitas(module, example)
    return str(caught.value)


def test_missing_brevitas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brevitas.export", None)
    monkeypatch.setitem(sys.modules, "brevitas", None)
    text = _fault(object(), None)
    assert text.startswith("error[F017]: Brevitas cannot be imported: ")
    assert text.endswith("\n  help: pip install 'bitmason[brevitas]'")


@pytest.fixture
def torch() -> Any:
    pytest.importorskip("brevitas", reason="brevitas is not installed")
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return torch


def _network(torch: Any) -> Any:
    import brevitas.nn as qnn

    net = torch.nn.Sequential(
        qnn.QuantIdentity(bit_width=8, return_quant_tensor=True),
        qnn.QuantLinear(16, 8, bias=True, weight_bit_width=4),
        torch.nn.BatchNorm1d(8),
        qnn.QuantReLU(bit_width=4),
        qnn.QuantLinear(8, 3, bias=False, weight_bit_width=2),
    )
    for _ in range(10):
        net(torch.randn(32, 16))
    return net


def test_module_becomes_a_graph(torch: Any) -> None:
    net = _network(torch)
    found = from_brevitas(net, torch.randn(1, 16))
    x = torch.randn(40, 16)
    (ours,) = run(found.graph, {found.graph.inputs[0].name: x.numpy()})
    net.eval()
    with torch.no_grad():
        theirs = net(x)
    np.testing.assert_allclose(ours, getattr(theirs, "value", theirs).numpy(), atol=1e-5)
    assert found.graph.nodes[0].loc.file == "sequential.onnx"


@pytest.mark.parametrize("form", ["Fp8e4m3", "Fp6e3m2", "Fp4e2m1"])
def test_floating_point_formats(torch: Any, form: str) -> None:
    import brevitas.nn as qnn
    from brevitas.quant import float_base, float_quant_ocp

    mixin = getattr(float_base, f"{form}Mixin")
    weight = type("Weight", (mixin, float_quant_ocp.FpOCPWeightPerTensorFloat), {})
    act = type("Act", (mixin, float_quant_ocp.FpOCPActPerTensorFloat), {})
    net = torch.nn.Sequential(
        qnn.QuantIdentity(act_quant=act),
        qnn.QuantLinear(16, 8, bias=True, weight_quant=weight),
        qnn.QuantReLU(act_quant=act),
        qnn.QuantLinear(8, 3, bias=False, weight_quant=weight),
    )
    for _ in range(10):
        net(torch.randn(32, 16))
    found = from_brevitas(net, torch.randn(1, 16))
    operations = [node.op.name for node in found.graph.nodes]
    assert operations.count("quantise_float") == 2
    x = torch.randn(40, 16)
    (ours,) = run(found.graph, {found.graph.inputs[0].name: x.numpy()})
    net.eval()
    with torch.no_grad():
        theirs = net(x).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_mode_of_the_module_is_kept(torch: Any) -> None:
    net = _network(torch)
    for mode in (True, False):
        net.train(mode)
        from_brevitas(net, torch.randn(1, 16))
        assert net.training is mode


def test_module_that_raises(torch: Any) -> None:
    text = _fault(_network(torch), torch.randn(1, 5))
    assert text.startswith(
        "error[F017]: Brevitas could not export this module: RuntimeError\n  note:"
    )


def test_no_module(torch: Any) -> None:
    text = _fault(object(), torch.randn(1, 5))
    assert text.startswith("error[F017]: a torch.nn.Module is needed, this is of type 'object'")


def test_recurrent_layer(torch: Any) -> None:
    import brevitas.nn as qnn

    text = _fault(qnn.QuantLSTM(4, 3), torch.randn(1, 1, 4))
    assert "error[F003]: operator 'QuantLSTMCell' is not supported" in text


def test_wrong_export_of_one_unsigned_bit_is_refused(torch: Any) -> None:
    import brevitas.nn as qnn

    net = torch.nn.Sequential(
        qnn.QuantIdentity(bit_width=8, return_quant_tensor=True),
        qnn.QuantLinear(16, 8, bias=True, weight_bit_width=4),
        qnn.QuantReLU(bit_width=1),
        qnn.QuantLinear(8, 3, bias=False, weight_bit_width=2),
    )
    for _ in range(10):
        net(torch.randn(32, 16))
    text = _fault(net, torch.randn(1, 16))
    assert text.startswith("error[F017]: the export computes something else than the module in ")
