"""The folding search: targets are met where they can be, explicit choices are kept or refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitmason.backends.design import Design, Layer, Port, Prices
from bitmason.backends.layers import Site, planner_of
from bitmason.backends.layers.engines import is_offered
from bitmason.config import Config, make_config
from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Graph
from bitmason.ir.graph import Folding, Node
from bitmason.pipeline import compile_model
from hw_tests.bench.networks import Dense, Network, Quantiser, make_model
from tests.frontend.onnx_models import Net
from tests.fuzz.strategies import networks

SMALL = make_model(
    Network(
        12,
        Quantiser(1),
        (
            Dense(8, Quantiser(1), Quantiser(2, signed=False), function="Relu"),
            Dense(6, Quantiser(3), Quantiser(3), function="Tanh"),
            Dense(4, Quantiser(2)),
        ),
        tail="ArgMax",
        name="small",
    )
)


def _design(model: bytes = SMALL, **config: Any) -> Design:
    return compile_model(model, make_config(config, Loc("c.toml")), name="small.onnx").design


def _fault(**config: Any) -> str:
    with pytest.raises(CompileError) as caught:
        _design(**config)
    return str(caught.value)


def _nodes(design: Design) -> dict[str, Node]:
    return {node.name: node for node in design.graph.nodes}


def _all_plans(graph: Graph, node: Node, arriving: Port | None) -> list[Layer]:
    planner, site = planner_of(node), Site(node, graph.operand_types(node))
    foldings = (f for f in planner.foldings(site, arriving) if is_offered(node.op, f.engine))
    return [planner.plan(site, folding) for folding in foldings]


@settings(max_examples=40)
@given(network=networks(), target=st.integers(1, 5000))
def test_a_target_that_can_be_reached_is_met(network: Network, target: int) -> None:
    model = make_model(network)
    fastest = _min_cycles(_design(model))
    if fastest <= target:
        assert _design(model, max_cycles=target).ii_cycles <= target
        return
    with pytest.raises(CompileError) as caught:
        _design(model, max_cycles=target)
    assert [d.code for d in caught.value.diagnostics] == ["B002"]
    assert f"the best is {fastest} cycles" in str(caught.value)


def _min_cycles(design: Design) -> int:
    """Return the fewest cycles that any folding of each layer reaches, all choices free."""
    nodes = _nodes(design)
    return max(
        min(plan.cycles for plan in _all_plans(design.graph, nodes[layer.name], None))
        for layer in design.layers
        if layer.name in nodes
    )


@settings(max_examples=20)
@given(network=networks(), target=st.integers(1, 3000))
def test_no_layer_could_be_smaller_as_it_is_fed(network: Network, target: int) -> None:
    try:
        design = _design(make_model(network), max_cycles=target)
    except CompileError:
        return
    nodes = _nodes(design)
    for layer in design.layers:
        if layer.name not in nodes:
            continue
        same_input = [
            plan.resources.price(Prices())
            for plan in _all_plans(design.graph, nodes[layer.name], layer.source)
            if plan.cycles <= target and plan.source.per_beat == layer.source.per_beat
        ]
        assert layer.resources.price(Prices()) <= min(same_input)


def test_default_target() -> None:
    assert _design().ii_cycles <= 1024
    wide = make_model(Network(64, Quantiser(1), (Dense(64, Quantiser(1)),)))
    assert 512 < _design(wide).ii_cycles <= 1024


def test_smaller_targets_never_cost_less() -> None:
    prices = [_design(max_cycles=cycles).resources.price(Prices()) for cycles in (96, 24, 8, 2, 1)]
    assert prices == sorted(prices)
    assert prices[0] < prices[-1]


@given(data=st.data())
def test_explicit_foldings_are_kept(data: st.DataObject) -> None:
    def divisor(n: int) -> int:
        return data.draw(st.sampled_from([d for d in range(1, n + 1) if n % d == 0]))

    asked = {
        "fc0": {"pe": divisor(8), "simd": divisor(12)},
        "fc1": {"pe": divisor(6), "simd": divisor(8)},
        "fc1_quant": {"pe": divisor(6)},
        "fc2": {"simd": divisor(6)},
    }
    design = _design(layers=asked)
    layers = {layer.name: layer for layer in design.layers}
    for name, choices in asked.items():
        for key, value in choices.items():
            assert getattr(layers[name].folding, key) == value
    for above, below in zip(design.layers, design.layers[1:], strict=False):
        assert above.sink.per_beat == below.source.per_beat


def test_foldings_are_read_back_from_the_graph() -> None:
    design = _design(layers={"fc1": {"pe": 3, "simd": 4, "memory": "logic"}})
    folding = _nodes(design)["fc1"].folding
    assert folding == Folding(3, 4, "parallel", "logic", "lut")


@pytest.mark.parametrize(
    ("layer", "choice", "message"),
    [
        ("fc0", {"pe": 3}, "pe = 3 does not divide the 8 outputs of this layer"),
        ("fc0", {"pe": 3}, "help: the nearest is pe = 2"),
        ("fc0", {"simd": 7}, "help: the nearest is simd = 6"),
        ("fc0", {"pe": 8, "simd": 5}, "help: the nearest is simd = 4"),
        ("fc0", {"pe": 10**30}, "help: the nearest is pe = 8"),
        ("fc0", {"engine": "parallel"}, "engine = 'parallel' cannot build this layer"),
        ("fc1", {"engine": "xnor"}, "engine = 'xnor' cannot build this layer"),
        ("fc1", {"engine": "paralel"}, "help: did you mean 'parallel'?"),
        ("fc1", {"memory": "blok"}, "help: did you mean 'block'?"),
        ("fc1", {"multipliers": "dps"}, "help: did you mean 'dsp'?"),
        ("fc0", {"multipliers": "dsp"}, "multipliers = 'dsp' is not possible for this"),
        ("fc0", {"multipliers": "dsp"}, "help: leave multipliers out"),
        ("fc1", {"pe": 6, "simd": 8, "memory": "block"}, "memory = 'block' is not possible"),
        ("fc0_quant", {"simd": 2}, "simd = 2 is not possible for this 'thresholds' layer"),
        ("fc0_quant", {"pe": 5}, "help: the nearest is pe = 4"),
        ("fc0_quant", {"engine": "xnor"}, "engine = 'xnor' cannot build this layer"),
        ("fc0_quant", {"multipliers": "dsp"}, "multipliers = 'dsp' is not possible"),
        ("label", {"memory": "block"}, "memory = 'block' is not possible for this 'arg_max' layer"),
        ("label", {"engine": "tree"}, "engine = 'tree' is not possible for this 'arg_max' layer"),
    ],
)
def test_impossible_choices(layer: str, choice: dict[str, Any], message: str) -> None:
    shown = _fault(layers={layer: choice})
    assert "error[B001]: " in shown
    assert message in shown


def test_all_impossible_choices_are_told_at_once() -> None:
    shown = _fault(layers={"fc0": {"pe": 3}, "fc1": {"simd": 3}})
    assert shown.count("error[B001]") == 2


def test_memory_is_kept_where_any_folding_allows_it() -> None:
    design = _design(max_cycles=48, layers={"fc1": {"memory": "block"}})
    folding = _nodes(design)["fc1"].folding
    assert folding is not None
    assert folding.memory == "block"


def test_layers_are_known_by_the_name_in_the_model() -> None:
    model = make_model(Network(4, Quantiser(2), (Dense(4, Quantiser(2)),)))
    renamed = model.replace(b"\x1a\x03fc0\x22\x06MatMul", b"\x1a\x03F-0\x22\x06MatMul")
    assert renamed != model
    (layer,) = _design(renamed, layers={"F-0": {"pe": 4, "simd": 2}}).layers
    assert (layer.folding.pe, layer.folding.simd) == (4, 2)
    (same,) = _design(renamed, layers={layer.name: {"pe": 4, "simd": 2}}).layers
    assert same.folding == layer.folding
    if layer.name != "F-0":
        with pytest.raises(CompileError) as caught:
            _design(renamed, layers={"F-0": {"pe": 4}, layer.name: {"simd": 2}})
        assert "names the layer" in str(caught.value)


def test_unknown_layers_are_told_with_the_nearest_name() -> None:
    assert _fault(layers={"fc_0": {"pe": 1}}) == (
        "error[C001]: the network has no layer called 'fc_0'\n  help: did you mean 'fc0'?"
    )
    shown = _fault(layers={"a\nb": {"pe": 1}, "zzz": {"pe": 1}})
    assert shown.count("error[C001]") == 2
    assert "its layers are fc0, fc0_quant" in shown


def test_unreachable_targets_name_the_best_and_its_layer() -> None:
    shown = _fault(target_fps=2e8, layers={"fc1": {"pe": 1, "simd": 1}})
    assert shown == (
        "small.onnx#fc1: error[B002]: 1 cycles per frame cannot be reached; "
        "the best is 48 cycles per frame\n"
        "  note: layer 'fc1' needs 48 cycles with pe = 1, simd = 1\n"
        "  note: at 200 MHz that is 4,166,667 frames per second\n"
        "  help: use --max-cycles 48, or a larger folding for that layer"
    )
    assert _design(target_fps=2e8).ii_cycles == 1


def test_no_design_gives_more_than_a_frame_per_cycle() -> None:
    shown = _fault(target_fps=2.1e8)
    assert "error[B002]: 210,000,000 frames per second cannot be reached; the best is 1 " in shown
    assert "help: ask for at most 200,000,000 frames per second, or raise the clock" in shown


def test_a_design_without_layers_is_fast_enough() -> None:
    net = Net(1, 8)
    net.quant("x", 1.0)
    model = net.model().SerializeToString()
    compiled = compile_model(model, Config(max_cycles=8), name="bare.onnx")
    assert compiled.design.ii_cycles <= 8
