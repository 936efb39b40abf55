"""Reduce-and-Scale layers: which products may be built so, how they are folded, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bitmason.backends.dataflow import build_design, compare_engines
from bitmason.backends.design import Design, Layer
from bitmason.backends.layers.engines import RAS, engines_of, is_offered
from bitmason.backends.layers.ras.folded import RasView
from bitmason.backends.schedule import Model
from bitmason.config import Config, LayerConfig
from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Builder, Const, Graph, Int, TensorType, UInt
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.windows import Windows
from bitmason.ir.types import IntArray
from bitmason.report.summary import summarise
from hw_tests.layers.tb_ras import TERNARY, weights_of

LOC = Loc("net.onnx", "fc")


def dense(weights: IntArray) -> Graph:
    """Return a network of one product."""
    builder = Builder("net")
    x = builder.input("x", TensorType((weights.shape[1],), UInt(4)), LOC)
    return builder.finish([builder.add(Dense(Const.integers(weights), Int(8)), [x], LOC, "fc")])


def convolution(weights: IntArray, channels: int) -> Graph:
    """Return a convolution of 3 x 3."""
    builder = Builder("net")
    x = builder.input("x", TensorType((6, 6, channels), UInt(3)), LOC)
    x = builder.add(Windows((3, 3), block=channels), [x], LOC, "windows")
    return builder.finish([builder.add(Dense(Const.integers(weights), Int(8)), [x], LOC, "fc")])


def built(graph: Graph, max_cycles: int = 10_000, **asked: Any) -> Design:
    layers = {"fc": LayerConfig(**asked)} if asked else {}
    return build_design(graph, Config(max_cycles=max_cycles, layers=layers))


def product_of(design: Design) -> tuple[Layer, RasView]:
    layer = next(layer for layer in design.layers if layer.name == "fc")
    assert isinstance(layer.view, RasView)
    return layer, layer.view


def refusal(graph: Graph, **asked: Any) -> str:
    with pytest.raises(CompileError) as caught:
        built(graph, **asked)
    return str(caught.value)


SPARSE = weights_of(1, TERNARY, (32, 96), 0.8)
FULL = weights_of(2, TERNARY, (32, 96), 0.0)
MANY = np.arange(-4, 5).repeat(8).reshape(6, 12)


def test_any_weights_of_few_values_may_be_listed() -> None:
    assert RAS in engines_of(Dense(Const.integers(SPARSE), Int(8)))
    assert RAS in engines_of(Dense(Const.integers(FULL), Int(8)))
    assert RAS not in engines_of(Dense(Const.integers(MANY), Int(8)))
    assert RAS not in engines_of(Dense(Const.integers(0 * FULL), Int(8)))


def test_only_sparse_ones_are_offered_unasked() -> None:
    assert is_offered(Dense(Const.integers(SPARSE), Int(8)), RAS)
    assert not is_offered(Dense(Const.integers(FULL), Int(8)), RAS)
    assert product_of(built(dense(FULL), engine=RAS))[0].engine == RAS
    assert {c.layer.engine for c in compare_engines(built(dense(FULL)), Config())["fc"]} == {
        "parallel",
        "bitserial",
    }


def test_the_cheapest_engine_is_taken() -> None:
    """Wide inputs and few weights that are not zero: multipliers are dear, lists are short."""
    design = built(dense(SPARSE), 700)
    assert next(layer for layer in design.layers if layer.name == "fc").engine == RAS
    assert Model(design).run(6).ii_cycles == design.ii_cycles <= 700


@pytest.mark.parametrize(("pe", "simd"), [(1, 1), (3, 1), (4, 2), (2, 8)])
def test_zeros_cost_nothing(pe: int, simd: int) -> None:
    folding = {"engine": RAS, "pe": pe, "simd": simd, "memory": "logic"}
    layer, view = product_of(built(dense(SPARSE), 100_000, **folding))
    additions = np.count_nonzero(SPARSE)
    assert view.steps >= -(-additions // (pe * simd))
    assert layer.cycles == max(view.steps, 96 // simd)
    assert view.balance == additions / (view.steps * pe * simd)


def test_what_cannot_be_folded_so_is_refused() -> None:
    text = refusal(dense(SPARSE), engine=RAS, pe=2, simd=5)
    assert "error[B001]: simd = 5 does not divide the inputs of this layer" in text
    text = refusal(dense(SPARSE), engine=RAS, pe=400, simd=1)
    assert "pe = 400 with SIMD 1 is too much of this layer" in text
    text = refusal(convolution(weights_of(3, TERNARY, (8, 72), 0.6), 8), engine=RAS, pe=1, simd=9)
    assert "simd = 9 does not divide the channels of this layer" in text
    text = refusal(dense(MANY), engine=RAS)
    assert "error[B001]: engine = 'ras' cannot build this layer" in text


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ("folded", {"pe": 4, "simd": 2, "memory": "block"}),
        ("loaded", {"pe": 4, "simd": 2, "memory": "loaded"}),
        ("coded", {"pe": 1, "simd": 1, "memory": "coded"}),
        ("unrolled", {"pe": 32, "simd": 96}),
    ],
)
def test_the_report_tells_how_busy_adders_are(form: str, asked: dict[str, Any]) -> None:
    report = summarise(built(dense(SPARSE), 100_000, engine=RAS, **asked))
    few = next(layer for layer in report["layers"] if layer["name"] == "fc")["few_values"]
    additions = np.count_nonzero(SPARSE)
    assert (few["form"], few["values"]) == (form, sorted({*TERNARY} - {0}))
    assert few["zeros"] == round(1 - additions / SPARSE.size, 4)
    assert few["additions"] == additions
    if form == "unrolled":
        assert (few["steps"], few["busy"]) == (1, None)
        assert 0 < few["adders"] < additions
    else:
        assert few["adders"] == asked["pe"] * asked["simd"]
        assert few["steps"] * few["adders"] >= additions
        assert few["busy"] == round(additions / (few["steps"] * few["adders"]), 4)
        assert report["ii_cycles"] == few["steps"]


@pytest.mark.parametrize("memory", ["coded", "loaded"])
def test_a_memory_of_its_own_means_the_engine(memory: str) -> None:
    for folding in ({}, {"pe": 1, "simd": 1}):
        report = summarise(built(dense(SPARSE), 100_000, memory=memory, **folding))
        (few,) = (layer["few_values"] for layer in report["layers"] if layer["name"] == "fc")
        assert few["form"] == memory
    text = refusal(dense(MANY), memory=memory)
    assert f"error[B001]: memory = '{memory}' cannot build this layer" in text


def test_other_layers_have_no_such_figures() -> None:
    report = summarise(built(dense(SPARSE), 100_000, engine="parallel"))
    assert {layer["few_values"] for layer in report["layers"]} == {None}
