"""FIFOs: without them a residual starves or stands still, with them it keeps the pace."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bitmason
from bitmason.backends import dataflow
from bitmason.backends.dataflow import build_design
from bitmason.backends.design import Design, End, FifoView, Layer
from bitmason.backends.fifos import SHIFT_DEPTH, with_fifos
from bitmason.backends.schedule import Model, Schedule
from bitmason.backends.settings import with_setting
from bitmason.config import Config
from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Builder, Const, Folding, Graph, Int, TensorType, UInt
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.join import WeightedSum
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.windows import Windows

LOC = Loc("net.onnx", "node")
SUM = WeightedSum(Const.integers(np.array([[1], [1]])))
FRAMES = 10


def _conv(builder: Builder, x: str, name: str, folding: Folding) -> str:
    """Add a convolution of 3 x 3 that keeps the size of the image."""
    channels = builder.type_of(x).shape[2]
    x = builder.add(Pad((1, 1), (1, 1)), [x], LOC, f"{name}_pad")
    x = builder.add(Windows((3, 3), block=channels), [x], LOC, f"{name}_windows")
    weights = np.random.default_rng(0).integers(-1, 2, (channels, 9 * channels))
    return builder.add(Dense(Const.integers(weights), Int(2)), [x], LOC, name, folding)


def residual(convolutions: int = 1, channels: int = 2, width: int = 7, bits: int = 2) -> Graph:
    """Return some convolutions with a shortcut around all of them."""
    builder = Builder("net")
    x = builder.input("x", TensorType((6, width, channels), UInt(bits)), LOC)
    y = x
    for index in range(convolutions):
        y = _conv(builder, y, f"conv{index}", Folding(2, 2))
    return builder.finish([builder.add(SUM, [y, x], LOC, "sum")])


def _diamond(long_first: bool) -> Graph:
    """Return a shortcut that is the second or the first operand of the sum."""
    graph = residual()
    (total,) = (node for node in graph.nodes if node.name == "sum")
    operands = total.operands if long_first else total.operands[::-1]
    nodes = [replace(n, operands=operands) if n is total else n for n in graph.nodes]
    return graph.with_nodes(nodes)


def _bare(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> Design:
    with monkeypatch.context() as patch:
        patch.setattr(dataflow, "with_fifos", lambda design: design)
        return build_design(graph, Config())


@cache
def _designs() -> dict[str, Design]:
    chosen: dict[str, Any] = {
        "one": residual(),
        "three": residual(3),
        "wide": residual(2, width=30),
        "turned": _diamond(False),
        "large": residual(2, channels=4, width=30, bits=8),
    }
    return {name: build_design(graph, Config()) for name, graph in chosen.items()}


NAMES = ("one", "three", "wide", "turned", "large")


def _without(design: Design, fifo: Layer) -> Design:
    """Return `design` without one of its FIFOs."""
    into = next(s for s in design.streams if s.consumer.layer == fifo.name)
    streams = tuple(
        replace(s, producer=into.producer) if s.producer == End(fifo.name) else s
        for s in design.streams
        if s is not into
    )
    layers = tuple(layer for layer in design.layers if layer is not fifo)
    return replace(design, layers=layers, streams=streams)


def _halved(design: Design, fifo: Layer) -> Design:
    """Return `design` with half of one FIFO."""
    view = fifo.view
    assert isinstance(view, FifoView)
    depth = view.depth // 2
    cut = replace(fifo, view=replace(view, depth=depth, style="distributed"))
    return replace(design, layers=tuple(cut if layer is fifo else layer for layer in design.layers))


def _meets(design: Design) -> bool:
    found = Model(design).run(FRAMES)
    return found.complete and found.ii_cycles <= design.ii_cycles


@pytest.mark.parametrize("long_first", [True, False])
def test_a_residual_stands_still_without_fifos(
    long_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = _bare(_diamond(long_first), monkeypatch)
    assert not bare.fifos
    found = Model(bare).run(FRAMES)
    assert not found.complete
    assert not found.ends[:, -1].any()


@pytest.mark.parametrize("name", NAMES)
def test_a_residual_keeps_the_pace_of_its_slowest_layer(name: str) -> None:
    design = _designs()[name]
    found = Model(design).run(20)
    assert found.complete
    assert design.fifos
    gaps = np.diff(found.ends[0])
    assert gaps[-8:].tolist() == [design.ii_cycles] * 8


@pytest.mark.parametrize("name", NAMES)
def test_every_fifo_is_needed(name: str) -> None:
    design = _designs()[name]
    for fifo in design.fifos:
        assert not _meets(_without(design, fifo)), fifo.name


@pytest.mark.parametrize("name", NAMES)
def test_no_large_fifo_could_be_halved(name: str) -> None:
    design = _designs()[name]
    large = [fifo for fifo in design.fifos if fifo.view.depth * fifo.source.width > 1024]
    assert bool(large) == (name == "large")
    for fifo in large:
        assert not _meets(_halved(design, fifo)), fifo.name


def test_a_chain_in_step_needs_none() -> None:
    builder = Builder("net")
    x = builder.input("x", TensorType((6, 7, 2), UInt(2)), LOC)
    design = build_design(builder.finish([_conv(builder, x, "conv", Folding(2, 2))]), Config())
    assert design.fifos == ()
    assert _meets(design)


def test_fifos_are_read_back() -> None:
    design = _designs()["one"]
    assert with_fifos(design) is design


@pytest.mark.parametrize("name", NAMES)
def test_no_fifo_ever_holds_more_than_its_depth(name: str) -> None:
    design = _designs()[name]
    peaks = Model(design).run(FRAMES).peaks
    assert set(peaks) == {fifo.name for fifo in design.fifos}
    assert all(0 < peaks[fifo.name] <= fifo.view.depth for fifo in design.fifos)


@pytest.mark.parametrize("name", NAMES)
def test_fifos_are_stored_where_they_fit(name: str) -> None:
    for fifo in _designs()[name].fifos:
        view = fifo.view
        assert isinstance(view, FifoView)
        assert (view.style == "shift") == (view.depth <= SHIFT_DEPTH)
        assert fifo.source == fifo.sink
        assert fifo.cycles == fifo.source.beats


@cache
def _cnn() -> Design:
    model = Path(bitmason.__file__).parents[1] / "examples" / "models" / "cnn_w4a4.onnx"
    return bitmason.compile(model, run_time_precision=True, max_cycles=50_000).design


@pytest.mark.parametrize(("wbits", "abits"), [(1, 1), (1, 4), (2, 3), (4, 4)])
def test_fifos_hold_at_every_precision(wbits: int, abits: int) -> None:
    """Two convolutions of one pace, with padding between them, which no setting makes faster."""
    made = _cnn()
    planes = {"wbits": wbits, "abits": abits}
    reduced = with_setting(made, tuple(planes[knob.name] for knob in made.knobs))
    cycles = made.ii_cycles * wbits * abits // 16
    assert Model(reduced).run(FRAMES).ii_cycles == reduced.ii_cycles == cycles


def test_names_are_the_consumers_and_taken_by_nobody() -> None:
    design = _designs()["one"]
    by_name = {s.producer.layer: s.consumer for s in design.streams}
    for fifo in design.fifos:
        layer, port = by_name[fifo.name]
        assert fifo.name.startswith(f"{layer}_fifo{port or ''}")
        assert fifo.view.purpose.endswith(f"and {layer}")
    names = [layer.name for layer in design.layers]
    assert len(set(names)) == len(names)


def test_a_user_may_call_a_layer_like_a_fifo() -> None:
    graph = residual()
    renamed = {"conv0": "sum_fifo1"}
    nodes = [
        replace(
            node,
            name=renamed.get(node.name, node.name),
            operands=tuple(renamed.get(o, o) for o in node.operands),
        )
        for node in graph.nodes
    ]
    design = build_design(graph.with_nodes(nodes), Config())
    names = [layer.name for layer in design.layers]
    assert len(set(names)) == len(names)
    assert "sum_fifo1_queue" in names


def test_a_design_that_cannot_be_buffered_is_a_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bitmason.backends.fifos._meets", lambda *_: False)
    with pytest.raises(CompileError, match=r"B005.*cannot be buffered enough"):
        build_design(residual(), Config())


def test_latency_is_that_of_one_frame() -> None:
    design = _designs()["one"]
    found = Model(design).run(1)
    assert found.latency_cycles == found.ends[0, 0] - found.first
    assert Model(design).run(2).ends[0, 0] == found.ends[0, 0]


def test_a_paced_source_sends_evenly() -> None:
    design = _designs()["one"]
    pace = 2 * design.ii_cycles
    found = Model(design).run(FRAMES, pace=pace)
    assert found.ii_cycles == pace


def test_the_distance_of_frames_is_the_longest_of_the_later_ones() -> None:
    ends = np.cumsum([[9, 9, 9, 4, 5, 4, 5, 4]], axis=1)
    assert Schedule(ends, 0, {}, True).ii_cycles == 5
