"""Window generators and what reads them: foldings change the hardware, never the network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitmason.backends.dataflow import build_design
from bitmason.backends.design import Design, Layer
from bitmason.backends.layers import Site, planner_of
from bitmason.backends.layers.windows import WindowView
from bitmason.config import Config, LayerConfig
from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Bipolar, Builder, Const, Folding, Graph, Int, IntType, Op, TensorType, UInt
from bitmason.ir.interp import run
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.pooling import Pool
from bitmason.ir.ops.windows import Windows
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from hw_tests.layers.cases import nodes_of

LOC = Loc("net.onnx", "conv")


def _net(image: TensorType, windows: Windows, reader: Op) -> Graph:
    builder = Builder("net")
    value = builder.input("x", image, LOC)
    value = builder.add(windows, [value], LOC, "windows")
    return builder.finish([builder.add(reader, [value], LOC, "conv")])


@st.composite
def nets(draw: st.DrawFn) -> Graph:
    kernel = draw(st.sampled_from([(1, 1), (2, 2), (3, 3), (1, 3), (3, 2)]))
    stride = draw(st.sampled_from([(1, 1), (2, 2), (1, 2)]))
    dilation = draw(st.sampled_from([(1, 1), (1, 2)]))
    kind = draw(st.sampled_from(["dense", "xnor", "depthwise", "pool"]))
    channels = draw(st.sampled_from([1, 2, 4, 6]))
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
    numbers: list[IntType] = [UInt(3), Int(4)]
    x: IntType = Bipolar() if kind == "xnor" else draw(st.sampled_from(numbers))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    taps = kernel[0] * kernel[1]
    rows, columns = 2 * groups, taps * channels // groups
    reader: Op
    if kind == "xnor":
        signs = Const.integers(rng.choice([-1, 1], (rows, columns)))
        reader = XnorPopcount(signs, groups)
    elif kind == "dense":
        reader = Dense(Const.integers(rng.integers(-4, 4, (rows, columns))), Int(3), groups)
    elif kind == "depthwise":
        reader = Depthwise(Const.integers(rng.integers(-4, 4, (channels, taps))), Int(3), 1)
    else:
        reader = Pool(draw(st.sampled_from(["max", "sum"])), taps, 1)
    block = channels // groups if kind in {"dense", "xnor"} else 1
    image = TensorType((draw(st.integers(3, 5)), draw(st.sampled_from([5, 6, 8])), channels), x)
    return _net(image, Windows(kernel, stride, dilation, block), reader)


def _site(graph: Graph) -> Site:
    nodes = nodes_of(graph)
    window = nodes["windows"].op
    assert isinstance(window, Windows)
    image, sources = graph.inputs[0].type, graph.operand_types(nodes["conv"])
    return Site(nodes["conv"], sources, window=window, image=image)


def _foldings(graph: Graph) -> list[Folding]:
    site = _site(graph)
    return [*planner_of(site.node).foldings(site, None)]


def _built(graph: Graph, folding: Folding) -> Design:
    pe, simd, mmv = folding.pe, folding.simd, folding.mmv
    asked = LayerConfig(pe=pe, simd=simd, mmv=mmv, engine=folding.engine)
    return build_design(graph, Config(layers={"conv": asked}))


def _layers(design: Design) -> dict[str, Layer]:
    return {layer.name: layer for layer in design.layers}


@settings(max_examples=60)
@given(nets(), st.data())
def test_no_folding_changes_what_is_computed(graph: Graph, data: st.DataObject) -> None:
    folding = data.draw(st.sampled_from(_foldings(graph)))
    design = _built(graph, folding)
    made = nodes_of(design.graph)["conv"].folding
    assert made is not None
    assert (made.pe, made.simd, made.mmv) == (folding.pe, folding.simd, folding.mmv)
    source = graph.inputs[0].type
    rng = np.random.default_rng(0)
    x = rng.integers(source.int_elem.lo, source.int_elem.hi + 1, (3, *source.shape))
    if isinstance(source.elem, Bipolar):
        x = rng.choice([-1, 1], x.shape)
    (before,), (after,) = run(graph, {"x": x}), run(design.graph, {"x": x})
    np.testing.assert_array_equal(after, before)


@settings(max_examples=60)
@given(nets(), st.data())
def test_windows_fit_their_reader_without_a_converter(graph: Graph, data: st.DataObject) -> None:
    folding = data.draw(st.sampled_from(_foldings(graph)))
    layers = _layers(_built(graph, folding))
    assert layers["windows"].sink == layers["conv"].source
    view = layers["windows"].view
    assert isinstance(view, WindowView)
    taps = view.geometry.kernel[0] * view.geometry.kernel[1]
    assert view.lanes_out == folding.mmv
    assert layers["windows"].sink.per_lane == view.per_word * (taps if view.parallel else 1)
    assert view.lanes_in == (folding.mmv * view.geometry.stride[1] if folding.mmv > 1 else 1)


@settings(max_examples=30)
@given(nets(), st.integers(1, 400))
def test_a_target_that_can_be_reached_is_met_windows_included(graph: Graph, target: int) -> None:
    try:
        design = build_design(graph, Config(max_cycles=target))
    except CompileError as error:
        best = int(str(error).partition("the best is ")[2].split()[0])
        assert best > target
        design = build_design(graph, Config(max_cycles=best))
        target = best
    assert design.ii_cycles <= target
    assert max(layer.cycles for layer in design.layers) == design.ii_cycles


@given(nets())
def test_foldings_are_legal_and_all_different(graph: Graph) -> None:
    site = _site(graph)
    foldings = _foldings(graph)
    assert len(set(foldings)) == len(foldings)
    for folding in foldings:
        layer = planner_of(site.node).plan(site, folding)
        assert layer.source.beats * layer.source.per_beat == site.source.size
    # Ascending: the search stops at the first that is in time.
    assert [f.mmv for f in foldings] == sorted(f.mmv for f in foldings)


DENSE = _net(
    TensorType((4, 6, 4), UInt(3)),
    Windows((3, 3), block=4),
    Dense(Const.integers(np.ones((4, 36), np.int64)), Int(3)),
)
GROUPED = _net(
    TensorType((4, 6, 4), UInt(3)),
    Windows((3, 3), block=2),
    Dense(Const.integers(np.ones((4, 18), np.int64)), Int(3), 2),
)
POOL = _net(TensorType((4, 6, 4), UInt(3)), Windows((2, 2), (2, 2)), Pool("max", 4, 1))


@pytest.mark.parametrize(
    ("graph", "asked", "message"),
    [
        (DENSE, {"simd": 3}, "simd = 3 is neither a part of a pixel's channels nor a part of them"),
        (DENSE, {"simd": 3}, "legal values are 1, 2, 4, 9, 18, 36"),
        (DENSE, {"simd": 12}, "help: the nearest is simd = 9"),
        (DENSE, {"mmv": 4}, "mmv = 4 does not fit the rows of pixels"),
        (DENSE, {"mmv": 2, "simd": 4}, "simd = 4 is neither"),
        (GROUPED, {"simd": 18}, "legal values are 1, 2"),
        (GROUPED, {"mmv": 2}, "legal values are 1"),
        (POOL, {"simd": 2}, "simd = 2 is neither one nor all of the taps"),
        (POOL, {"pe": 3}, "pe = 3 does not divide the 4 channels"),
        (POOL, {"mmv": 2}, "mmv = 2 does not fit the rows of pixels"),
    ],
)
def test_impossible_foldings(graph: Graph, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(CompileError) as caught:
        build_design(graph, Config(layers={"conv": LayerConfig(**asked)}))
    assert "error[B001]: " in str(caught.value)
    assert message in str(caught.value)


def test_a_window_generator_has_a_memory_of_its_own() -> None:
    for style in ("block", "logic"):
        asked = {"windows": LayerConfig(memory=style), "conv": LayerConfig(simd=2, pe=4)}
        layers = _layers(build_design(DENSE, Config(layers=asked)))
        assert layers["windows"].folding.memory == style


def test_a_window_generator_follows_its_reader() -> None:
    asked = {"windows": LayerConfig(pe=2), "conv": LayerConfig(simd=4)}
    with pytest.raises(CompileError) as caught:
        build_design(DENSE, Config(layers=asked))
    shown = str(caught.value)
    assert "pe = 2 is not possible for this 'windows' layer" in shown
    assert "note: it follows 'conv', the layer that reads it" in shown


def test_foldings_are_read_back() -> None:
    first = _built(DENSE, Folding(2, 18, mmv=2))
    again = build_design(first.graph, Config())
    assert again.layers == first.layers
    assert again.streams == first.streams


def _with_a_slow_layer(cleared: tuple[int, ...] = ()) -> Graph:
    """Return a convolution and a layer of 160 products behind it, for which it has to wait."""
    builder = Builder("net")
    value = builder.input("x", TensorType((4, 6, 4), UInt(3)), LOC)
    slow = Dense(Const.integers(np.ones((40, 4), np.int64)), Int(2))
    names = [*((node.op, node.name) for node in DENSE.nodes), (slow, "slow")]
    for op, name in names:
        made = replace(op, cleared=cleared) if isinstance(op, Dense) else op
        value = builder.add(made, [value], LOC, name)
    return builder.finish([value])


def test_the_larger_ring_buffer_is_taken_only_for_speed() -> None:
    graph = _with_a_slow_layer()
    asked = {"conv": LayerConfig(pe=4, simd=4)}
    least, most = (
        _layers(build_design(graph, Config(max_cycles=cycles, layers=asked)))["windows"]
        for cycles in (8 * 160, 8 * 9)
    )
    assert least.view.depth == 2 * 6 + 2 + 1
    assert most.view.depth > least.view.depth
    assert most.cycles == 8 * 9


def test_a_ring_buffer_keeps_up_with_the_least_precision() -> None:
    """The slow layer leaves time to wait only until both are faster than the smallest buffer."""
    asked = {"conv": LayerConfig(pe=4, simd=4, engine="bitserial")}
    fixed, reducible = (
        _layers(build_design(graph, Config(max_cycles=8 * 160, layers=asked)))["windows"]
        for graph in (_with_a_slow_layer(), _with_a_slow_layer((0, 0)))
    )
    assert fixed.view.depth == 2 * 6 + 2 + 1
    assert reducible.view.depth > fixed.view.depth
    assert reducible.cycles == 8 * 9
