"""Unrolled Reduce-and-Scale layers: when a matrix becomes adders, its cost, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitmason.backends.dataflow import build_design, compare_engines
from bitmason.backends.design import Design, Layer, Prices
from bitmason.backends.hls import emit_hls
from bitmason.backends.layers import Options, Site, planner_of
from bitmason.backends.layers.ras import unrolled
from bitmason.backends.layers.ras.adder_graph import pipeline
from bitmason.backends.layers.ras.folded import RasView
from bitmason.backends.layers.ras.unrolled import MOST_WEIGHTS, UnrolledView, adders_of
from bitmason.backends.schedule import Model
from bitmason.backends.sv import emit_sv
from bitmason.backends.sv.ras import render_adders
from bitmason.config import Config, LayerConfig
from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Builder, Const, Folding, Graph, Int, IntType, TensorType, UInt
from bitmason.ir.graph import Node
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.windows import Windows
from bitmason.ir.types import IntArray
from bitmason.report.summary import summarise
from bitmason.toolchain import yosys
from hw_tests.layers.tb_ras_unrolled import QUINARY, TERNARY, weights_of

LOC = Loc("net.onnx", "fc")
INPUT = UInt(4)
SPARSE = weights_of(1, TERNARY, (32, 96), 0.8)


def dense(*matrices: IntArray, names: tuple[str, ...] = ("fc",)) -> Graph:
    """Return a network of products, one behind the other."""
    builder = Builder("net")
    x = builder.input("x", TensorType((matrices[0].shape[1],), INPUT), LOC)
    for name, weights in zip(names, matrices, strict=True):
        x = builder.add(Dense(Const.integers(weights), Int(8)), [x], LOC, name)
    return builder.finish([x])


def convolution(weights: IntArray, block: int) -> Graph:
    """Return a convolution of 3 x 3."""
    builder = Builder("net")
    x = builder.input("x", TensorType((6, 6, weights.shape[1] // 9), UInt(3)), LOC)
    x = builder.add(Windows((3, 3), block=block), [x], LOC, "windows")
    return builder.finish([builder.add(Dense(Const.integers(weights), Int(8)), [x], LOC, "fc")])


def built(graph: Graph, max_cycles: int = 10_000, clock_mhz: float = 200, **asked: Any) -> Design:
    layers = {"fc": LayerConfig(engine="ras", **asked)} if asked else {}
    return build_design(graph, Config(max_cycles=max_cycles, clock_mhz=clock_mhz, layers=layers))


def product_of(design: Design) -> Layer:
    return next(layer for layer in design.layers if layer.name == "fc")


def site_of(weights: IntArray, x: IntType = INPUT, **options: Any) -> Site:
    source = TensorType((weights.shape[1],), x)
    op = Dense(Const.integers(weights), Int(8))
    node = Node("fc", op, ("x",), op.infer([source]), LOC)
    return Site(node, (source,), Options(**options))


def planned(site: Site) -> Layer:
    assert isinstance(site.node.op, Dense)
    rows, columns = site.node.op.weights.shape
    return planner_of(site.node).plan(site, Folding(rows, columns, "ras"))


def sketched(site: Site) -> Layer:
    assert isinstance(site.node.op, Dense)
    rows, columns = site.node.op.weights.shape
    found = planner_of(site.node).sketch(site, Folding(rows, columns, "ras"))
    assert found is not None
    return found


def refusal(graph: Graph, **asked: Any) -> str:
    with pytest.raises(CompileError) as caught:
        built(graph, **asked)
    return str(caught.value)


def test_all_products_at_once_are_adders() -> None:
    layer = product_of(built(dense(SPARSE), pe=32, simd=96))
    assert isinstance(layer.view, UnrolledView)
    assert layer.cycles == 1
    assert layer.weight_bits == 0
    assert layer.folding == Folding(32, 96, "ras")
    assert isinstance(product_of(built(dense(SPARSE), pe=32, simd=8)).view, RasView)


@pytest.mark.parametrize(("clock_mhz", "between"), [(25, 39), (200, 4), (300, 2), (500, 1)])
def test_the_clock_tells_how_many_adders_follow_one_another(clock_mhz: float, between: int) -> None:
    design = built(dense(SPARSE), clock_mhz=clock_mhz, pe=32, simd=96)
    view = product_of(design).view
    graph = adders_of(Const.integers(SPARSE), INPUT)
    assert view.between == between
    assert view.stages == max(1, -(-graph.depth // between))
    schedule = Model(design).run(6)
    assert (schedule.ii_cycles, schedule.latency_cycles) == (1, view.stages)


def test_taken_where_lists_are_too_slow_or_too_dear() -> None:
    fastest = product_of(built(dense(SPARSE), 1))
    assert isinstance(fastest.view, UnrolledView)
    assert isinstance(product_of(built(dense(SPARSE), 400)).view, RasView)
    prices = {
        candidate.layer.engine: candidate.price
        for candidate in compare_engines(built(dense(SPARSE), 1), Config(max_cycles=1))["fc"]
    }
    assert prices["ras"] < prices["parallel"] / 2


def test_resources_depend_on_nothing_but_the_layer() -> None:
    sites = [site_of(weights_of(seed, TERNARY, (12, 40), 0.6)) for seed in range(3)]
    first = [planned(site).resources for site in sites]
    for cached in (adders_of, unrolled._extent):
        cached.cache_clear()
    dear = replace(sites[0].options, prices=Prices(lut=3))
    assert [planned(site).resources for site in reversed(sites)] == first[::-1]
    assert planned(replace(sites[0], options=dear)).resources == first[0]


@pytest.mark.parametrize("zeros", [0.5, 0.63, 0.9, 0.97])
@pytest.mark.parametrize("values", [(-1, 1), TERNARY, QUINARY, (3,)])
@pytest.mark.parametrize("shape", [(1, 64), (24, 36), (40, 200)])
def test_a_sketch_is_a_little_too_good(
    shape: tuple[int, int], values: tuple[int, ...], zeros: float
) -> None:
    drawn = np.random.default_rng(3).choice(values, shape)
    drawn[np.random.default_rng(4).random(shape) < zeros] = 0
    drawn[0, :8] = values[0]
    site = site_of(drawn)
    sketch, plan = sketched(site), planned(site)
    assert sketch.cycles == plan.cycles
    assert sketch.resources.price(site.prices) <= plan.resources.price(site.prices)


def test_a_sketch_finds_no_adders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are good enough, so that nobody has to know the adders."""
    monkeypatch.setattr(unrolled, "adder_graph", None)
    weights = weights_of(8, TERNARY, (37, 91), 0.8)
    assert isinstance(product_of(built(dense(weights), 400)).view, RasView)


def test_what_cannot_be_unrolled_is_refused() -> None:
    large = weights_of(2, TERNARY, (128, 129), 0.0)
    assert np.count_nonzero(large) > MOST_WEIGHTS
    text = refusal(dense(large), pe=128, simd=129)
    assert "error[B001]: pe = 128 and simd = 129 make adders of 16,512 weights" in text
    assert "they may be 16,384 at most" in text
    text = refusal(dense(SPARSE), pe=32, simd=96, memory="block")
    assert "memory = 'block' is not possible for this 'dense' layer" in text
    assert "leave memory out" in text


def test_large_and_grouped_ones_stay_lists() -> None:
    large = weights_of(2, TERNARY, (192, 192), 0.5)
    grouped = weights_of(3, TERNARY, (6, 8), 0.6)
    for weights, groups in ((large, 1), (grouped, 3), (grouped, 1)):
        source = TensorType((weights.shape[1] * groups,), INPUT)
        op = Dense(Const.integers(weights), Int(8), groups)
        site = Site(Node("fc", op, ("x",), op.infer([source]), LOC), (source,))
        found = [
            folding
            for folding in planner_of(site.node).foldings(site, None)
            if (folding.engine, folding.pe, folding.simd) == ("ras", *weights.shape)
        ]
        assert len(found) == (weights is grouped and groups == 1)


@pytest.mark.parametrize("mmv", [1, 2])
@pytest.mark.parametrize("block", [1, 4])
def test_windows_arrive_with_all_their_taps(block: int, mmv: int) -> None:
    weights = weights_of(5, QUINARY, (8, 36), 0.6)
    design = built(convolution(weights, block), pe=8, simd=36, mmv=mmv)
    product = product_of(design)
    windows = next(layer for layer in design.layers if layer.op == "windows")
    assert isinstance(product.view, UnrolledView)
    assert windows.engine == "parallel"
    assert (product.cycles, product.source.per_beat) == (16 // mmv, 36 * mmv)
    (op,) = (node.op for node in design.graph.nodes if node.name == "fc")
    assert isinstance(op, Dense)
    graph = adders_of(op.weights, UInt(3))
    assert len(graph.adders) == product.view.adders
    assert pipeline(graph, product.view.between).stages == product.view.stages
    again = build_design(design.graph, Config())
    assert again.layers == design.layers


def test_every_module_has_a_name_of_its_own() -> None:
    first = weights_of(5, TERNARY, (24, 16), 0.6)
    second = weights_of(6, TERNARY, (6, 24), 0.6)
    graph = dense(first, second, names=("fc", "fc_adders"))
    layers = {
        "fc": LayerConfig(engine="ras", pe=24, simd=16),
        "fc_adders": LayerConfig(engine="ras", pe=6, simd=24),
    }
    sources = emit_sv(build_design(graph, Config(layers=layers))).sources
    own = [name for name in sources if name.startswith("net_")]
    assert own == [
        "net_fc_adders.sv",
        "net_fc.sv",
        "net_fc_adders_adders.sv",
        "net_fc_adders_2.sv",
        "net_wrapper.v",
    ]
    for name in own[:4]:
        assert f"module {name.removesuffix('.sv')} " in sources[name]
    assert "net_fc_adders #(" in sources["net_fc.sv"]
    assert "net_fc_adders_adders #(" in sources["net_fc_adders_2.sv"]


def test_backends_say_what_it_is() -> None:
    weights = weights_of(7, TERNARY, (8, 24), 0.75)
    design = built(dense(weights), pe=8, simd=24)
    view, zeros = product_of(design).view, 1 - np.count_nonzero(weights) / weights.size
    summary = (
        f"dense, 8 x 24 weights of -5, 3, {zeros:.0%} zero, unrolled to {view.adders} adders, "
        "1 cycles"
    )
    emitted = emit_sv(design)
    assert f"// net_fc: {summary}" in emitted.sources["net_fc.sv"]
    assert not emitted.memories
    hls = emit_hls(design).files
    assert summary in hls["top.cpp"]
    assert "static constexpr unsigned MW = 24, MH = 8, LANES = 1, BEATS = 1" in hls["top.cpp"]
    assert "using Values = std::integer_sequence<long long, -5, 3>" in hls["top.cpp"]
    assert "array_partition variable = fc_codes complete dim = 0" in hls["top.cpp"]


def test_a_report_finds_no_memory() -> None:
    design = built(dense(SPARSE), 1)
    report = summarise(design, compare_engines(design, Config(max_cycles=1)))
    (layer,) = (layer for layer in report["layers"] if layer["name"] == "fc")
    assert (layer["weight_memory"], layer["weight_bits"], layer["memory"]) == (None, 0, "")
    (chosen,) = (engine for engine in layer["engines"] if engine["chosen"])
    assert (chosen["engine"], chosen["pe"], chosen["simd"]) == ("ras", 32, 96)
    assert report["weight_memory"] == {"bits": 0, "bram18": 0, "efficiency": None}


@pytest.mark.parametrize(
    ("x", "values"), [(UInt(4), (-1, 1)), (Int(8), TERNARY), (UInt(2), (-1, 1))]
)
def test_resources_are_near_those_of_yosys(
    x: IntType, values: tuple[int, ...], tmp_path: Path
) -> None:
    layer = planned(site_of(weights_of(9, values, (8, 32), 0.6), x))
    weights = Const.integers(weights_of(9, values, (8, 32), 0.6))
    view = layer.view
    text = render_adders(
        adders_of(weights, x), "adders", out_bits=view.acc_bits, between=view.between
    )
    source = tmp_path / "adders.sv"
    source.write_text(text, encoding="utf-8")
    area = yosys.synthesise([source], "adders", dsp=False)
    assert layer.resources.lut == pytest.approx(area.lut_sites, rel=0.15)
    assert layer.resources.ff == pytest.approx(area.ff + area.srl, rel=0.05)
