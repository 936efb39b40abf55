"""Executor == golden, quantiser by quantiser, on the networks that lie beside the repository."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np
import pytest

from bitmason.diagnostics import CompileError
from bitmason.frontend import import_model
from bitmason.frontend.agreement import compare
from bitmason.frontend.samples import sample_inputs
from bitmason.ir import Int

MODELS = Path(__file__).resolve().parents[2].parent / "shared" / "models"
NETWORKS = (
    *(f"own/tfc_w{bits}.onnx" for bits in ("1a1", "2a2", "4a4")),
    *(f"own/tfc_w{bits}.{by}.onnx" for bits in ("2a2", "4a4") for by in ("dynamo", "qcdq-ts")),
    *(f"zoo_tfc/TFC_{bits}.onnx" for bits in ("1W1A", "1W2A", "2W2A")),
    *(f"bench/{name}.onnx" for name in ("jet", "tfc_w1a1", "tfc_w2a2")),
)
IMAGES = (
    *(f"own/cnv_w2a2{form}.onnx" for form in ("", ".dynamo", ".qcdq-ts")),
    *(f"own/res_w4a4{form}.onnx" for form in ("", ".qcdq-ts")),
    "bench/cnn.onnx",
)


def _file(name: str) -> Path:
    path = MODELS / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the repository")
    return path


@pytest.mark.parametrize("name", NETWORKS)
def test_network_agrees(name: str) -> None:
    network = import_model(_file(name))
    found = compare(network, sample_inputs(network, 100, seed=7))
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.quantised > 10_000
    assert found.max_output_difference < 1e-5


@pytest.mark.parametrize("name", IMAGES)
def test_network_of_images_agrees(name: str) -> None:
    network = import_model(_file(name))
    found = compare(network, sample_inputs(network, 20, seed=7))
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.quantised > 100_000
    assert found.max_output_difference < 1e-5


OWN = [name for name in (*NETWORKS, *IMAGES) if name.startswith("own/")]


@pytest.mark.parametrize("name", OWN)
def test_network_agrees_on_real_images(name: str) -> None:
    network = import_model(_file(name))
    images = np.load(MODELS / f"{name.split('.')[0]}.npz")["input"][
        : 10 if name in IMAGES else None
    ]
    found = compare(network, images)
    assert found.agrees, "\n".join(map(str, found.mismatches))
    assert found.samples == len(images)


def test_convolutions_of_declared_integers_agree() -> None:
    paths = sorted(MODELS.glob("qkeras/*_qconv2d_*.onnx"))
    if not paths:
        pytest.skip("qkeras/ is not beside the repository")
    codes = np.random.default_rng(0).integers(-128, 128, (8, 28 * 28 * 3))
    for path in paths:
        network = import_model(path, declared_input=(Int(8), Fraction(1, 16)))
        shape = network.graph.inputs[0].type.shape
        x = (codes[:, : prod(shape)] / 16).astype(np.float32).reshape(-1, *shape)
        found = compare(network, x)
        assert found.agrees, f"{path.name}: " + "\n".join(map(str, found.mismatches))
        assert found.outputs


@pytest.mark.parametrize("kind", ["qdense2", "qactivation"])
def test_small_layers_agree(kind: str) -> None:
    paths = sorted(MODELS.glob(f"qkeras/*_{kind}_*.onnx"))
    if not paths:
        pytest.skip("qkeras/ is not beside the repository")
    for path in paths:
        network = import_model(path)
        found = compare(network, sample_inputs(network, 64, seed=7))
        assert found.agrees, f"{path.name}: " + "\n".join(map(str, found.mismatches))
        assert found.quantised


def test_layers_without_quantised_input_are_refused_with_a_reason() -> None:
    paths = sorted(MODELS.glob("qkeras/*_qdense_*.onnx"))
    if not paths:
        pytest.skip("qkeras/ is not beside the repository")
    for path in paths:
        with pytest.raises(CompileError, match="F009"):
            import_model(path)
