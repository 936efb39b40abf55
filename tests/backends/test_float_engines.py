"""Products of floating-point numbers: which engines they have, what these cost, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bitmason.backends.dataflow import build_design, compare_engines
from bitmason.backends.design import Layer, Prices
from bitmason.backends.layers import Options, Site, planner_of
from bitmason.backends.layers.engines import BITSERIAL, MINIFLOAT, RAS, engines_of
from bitmason.backends.layers.expand import expander_luts
from bitmason.backends.layers.matvec import MatVecView
from bitmason.config import Config, LayerConfig
from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Builder, Const, Folding, Graph, Int, TensorType, UInt
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.expand import Expand
from bitmason.ir.types import IntArray

LOC = Loc("net.onnx", "fc")
E4M3 = CustomFloat(4, 3, 7, subnormals=True, largest=0x7E)
E3M2 = CustomFloat(3, 2, 3, full=True, subnormals=True)


def numbers(format_: CustomFloat, rows: int, columns: int) -> IntArray:
    """Return numbers of a format, its ends among them."""
    ranks = np.random.default_rng(1).integers(-format_.top, format_.top + 1, (rows, columns))
    ranks[0, :2] = 1, format_.top
    return format_.fixed(ranks)


def dense(weights: IntArray, ranks: CustomFloat | None = None, **more: Any) -> Dense:
    return Dense(Const.integers(weights), Int(62), ranks=ranks, **more)


def network(op: Dense, x: UInt | Int | None = None) -> Graph:
    elem = x or (op.ranks.rank_type if op.ranks else UInt(4))
    builder = Builder("net")
    value = builder.input("x", TensorType((op.weights.shape[1],), elem), LOC)
    return builder.finish([builder.add(op, [value], LOC, "fc")])


def layer_of(graph: Graph, folding: Folding) -> Layer:
    (node,) = graph.nodes
    return planner_of(node).plan(Site(node, graph.operand_types(node), Options()), folding)


def view_of(layer: Layer) -> MatVecView:
    assert isinstance(layer.view, MatVecView)
    return layer.view


FLOATS = numbers(E4M3, 8, 12)
TERNARY = np.random.default_rng(0).choice([-2, 0, 3], (8, 12))


@pytest.mark.parametrize(
    ("op", "engines"),
    [
        (dense(FLOATS), ("parallel", MINIFLOAT, BITSERIAL)),
        (dense(FLOATS, E3M2), ("parallel", MINIFLOAT)),
        (dense(TERNARY), ("parallel", BITSERIAL, RAS)),
        (dense(TERNARY, E3M2), ("parallel",)),
        # All integers of a range are numbers of a format, but that has no fewer bits.
        (dense(np.arange(-8, 8).reshape(2, 8)), ("parallel", BITSERIAL)),
        (dense(FLOATS, cleared=(0, 0)), (BITSERIAL,)),
    ],
    ids=["weights", "both", "few", "few on ranks", "integers", "precision"],
)
def test_engines(op: Dense, engines: tuple[str, ...]) -> None:
    assert engines_of(op) == engines


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([1, 2, 4, 8, 16, 32], CustomFloat(3, 0, 1, full=True)),
        ([0, 64, -64, 128], CustomFloat(2, 0, -5, full=True)),
        ([0, 1, 2, 3, 6, 12, 24, 96, 192], CustomFloat(3, 1, 0, True, True)),
        ([0, 1, 2, 3], None),
        ([0, 0], None),
    ],
    ids=str,
)
def test_format_that_the_values_have(values: list[int], kept: CustomFloat | None) -> None:
    op = dense(np.array([values]))
    assert op.compressed == kept
    if kept is not None:
        codes = kept.encode(op.weights.int64().astype(np.float64))
        np.testing.assert_array_equal(kept.decode(codes), op.weights.int64())
        assert kept.bits < op.stored.bits


@pytest.mark.parametrize("engine", [BITSERIAL, RAS])
def test_engines_that_want_integers_do_not_take_ranks(engine: str) -> None:
    with pytest.raises(CompileError) as caught:
        build_design(
            network(dense(TERNARY, E3M2)), Config(layers={"fc": LayerConfig(engine=engine)})
        )
    assert engine in str(caught.value)


def test_minifloat_needs_weights_of_few_bits() -> None:
    graph = network(dense(np.arange(-8, 8).reshape(2, 8)))
    with pytest.raises(CompileError) as caught:
        build_design(graph, Config(layers={"fc": LayerConfig(engine=MINIFLOAT)}))
    assert MINIFLOAT in str(caught.value)


@pytest.mark.parametrize("ranks", [None, E3M2])
def test_weights_take_the_bits_of_their_codes(ranks: CustomFloat | None) -> None:
    graph = network(dense(FLOATS, ranks))
    usual, kept = (layer_of(graph, Folding(2, 3, engine)) for engine in ("parallel", MINIFLOAT))
    assert (usual.weight_bits, kept.weight_bits) == (96 * 19, 96 * 8)
    assert view_of(kept).codes == dense(FLOATS).compressed
    assert (view_of(usual).stored_bits, view_of(kept).stored_bits) == (19, 8)
    assert view_of(kept).w == view_of(usual).w
    assert (usual.cycles, usual.acc_bits) == (kept.cycles, kept.acc_bits)


def test_expanders_are_paid_for() -> None:
    """Those of inputs for each input and lane at once, those of weights for each weight."""
    wide = Expand(E3M2).infer([TensorType((12,), E3M2.rank_type)]).int_elem
    assert isinstance(wide, Int)
    folding = Folding(2, 3, "parallel", "logic", "lut")
    plain = layer_of(network(dense(TERNARY), wide), folding)
    on_ranks = layer_of(network(dense(TERNARY, E3M2)), folding)
    assert view_of(on_ranks).factor == view_of(plain).x
    assert on_ranks.sources[0].elem == E3M2.rank_type
    more = on_ranks.resources.lut - plain.resources.lut
    buffered = 3 * (wide.bits - E3M2.bits)
    assert 3 * expander_luts(E3M2, E3M2.rank_type) - buffered <= more
    assert more <= 3 * expander_luts(E3M2, E3M2.rank_type)
    assert expander_luts(E4M3, UInt(7)) < expander_luts(E4M3, E4M3.rank_type)
    assert expander_luts(E3M2, E3M2.rank_type) < expander_luts(E4M3, E4M3.rank_type)


def test_the_cheapest_engine_is_chosen() -> None:
    """Large matrices had better be kept as codes, small ones as numbers."""
    large = network(dense(numbers(E4M3, 256, 512), E4M3))
    chosen = build_design(large, Config(max_cycles=256 * 512))
    (layer,) = (layer for layer in chosen.layers if layer.name == "fc")
    assert layer.engine == MINIFLOAT
    assert layer.folding.engine == MINIFLOAT
    prices = Prices()
    asked = build_design(
        large, Config(max_cycles=256 * 512, layers={"fc": LayerConfig(engine="parallel")})
    )
    costs = [d.resources.price(prices) for d in (chosen, asked)]
    assert costs[0] < costs[1]


def test_engines_are_compared() -> None:
    design = build_design(network(dense(FLOATS)), Config(max_cycles=100))
    found = {one.layer.engine for one in compare_engines(design, Config(max_cycles=100))["fc"]}
    assert found == {"parallel", MINIFLOAT, BITSERIAL}
