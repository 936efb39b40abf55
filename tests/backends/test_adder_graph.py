"""Adder graphs: exact sums and ranges, pairs that are shared, registers where they are promised."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitmason.backends.layers.ras.adder_graph import (
    NOTHING,
    AdderGraph,
    adder_graph,
    pipeline,
)
from bitmason.backends.layers.ras.adder_pairs import Shared, share_pairs
from bitmason.backends.layers.ras.adder_scaling import recipe_of, signed_digits
from bitmason.backends.sv.ras import render_adders
from bitmason.ir.codebook import codebook_of
from bitmason.ir.types import Int, IntArray, IntType, UInt, bits_needed

ELEMS: list[IntType] = [UInt(1), UInt(4), UInt(4, 9), Int(2), Int(3, -2, 3), Int(8)]
U4 = UInt(4)
TERNARY = ((-1, 1), 0.6)


def graph_of(weights: IntArray, x: IntType = U4, *, shared: bool = True) -> AdderGraph:
    book = codebook_of(weights)
    assert book is not None
    return adder_graph(book, x, shared=shared)


def drawn(shape: tuple[int, int], values: tuple[int, ...], zeros: float, seed: int = 0) -> IntArray:
    rng = np.random.default_rng(seed)
    chosen = rng.choice(np.array(values), shape)
    return np.where(rng.random(shape) < zeros, 0, chosen).astype(np.int64)


@st.composite
def layers(draw: st.DrawFn) -> tuple[IntArray, IntType]:
    """Weights of up to eight values, some of their rows empty, equal or opposite."""
    value = st.integers(-300, 300).filter(bool)
    values = tuple(draw(st.lists(value, min_size=1, max_size=7, unique=True)))
    if draw(st.booleans()) and len(values) < 4:
        values = (*values, *(-v for v in values if -v not in values))
    shape = draw(st.integers(1, 9)), draw(st.integers(1, 24))
    zeros = draw(st.sampled_from([0.0, 0.3, 0.63, 0.9, 1.0]))
    weights = drawn(shape, values, zeros, draw(st.integers(0, 2**32 - 1)))
    if shape[0] > 2 and draw(st.booleans()):
        weights[1], weights[2] = weights[0], 0
    return weights, draw(st.sampled_from(ELEMS))


def linear_forms(graph: AdderGraph) -> IntArray:
    """Each node as weights of the inputs, from the adders alone."""
    forms = [*np.eye(graph.inputs, dtype=np.int64)]
    for adder in graph.adders:
        left = 0 * forms[0] if adder.left == NOTHING else forms[adder.left] << adder.left_shift
        right = forms[adder.right] << adder.right_shift
        forms.append(left - right if adder.subtracts else left + right)
    return np.stack(forms)


@settings(max_examples=120)
@given(layers(), st.booleans(), st.integers(0, 2**32 - 1))
def test_a_graph_computes_the_codebook_sums_times_its_values(
    layer: tuple[IntArray, IntType], shared: bool, seed: int
) -> None:
    weights, elem = layer
    book = codebook_of(weights)
    if book is None:
        return
    x = np.random.default_rng(seed).integers(elem.lo, elem.hi + 1, (7, weights.shape[1]))
    found = adder_graph(book, elem, shared=shared).evaluate(x)
    np.testing.assert_array_equal(found, book.sums(x) @ np.array(book.values, np.int64))


@settings(max_examples=120)
@given(layers(), st.booleans())
def test_every_range_is_reached_and_never_left(
    layer: tuple[IntArray, IntType], shared: bool
) -> None:
    weights, elem = layer
    if codebook_of(weights) is None:
        return
    graph = graph_of(weights, elem, shared=shared)
    forms = linear_forms(graph)
    above, below = np.maximum(forms, 0).sum(axis=1), np.minimum(forms, 0).sum(axis=1)
    lows, highs = above * elem.lo + below * elem.hi, above * elem.hi + below * elem.lo
    assert [reach.lo for reach in graph.ranges] == lows.tolist()
    assert [reach.hi for reach in graph.ranges] == highs.tolist()


def in_bits(graph: AdderGraph, x: IntArray) -> IntArray:
    """The results by nodes that keep no more than their bits, read with the sign of their range."""

    def kept(node: int, value: IntArray) -> IntArray:
        bits = graph.bits[node]
        return (Int(bits) if graph.ranges[node].signed else UInt(bits)).decode(
            value & ((1 << bits) - 1)
        )

    zero = np.zeros(len(x), np.int64)
    values = list(x.T)
    for node, adder in enumerate(graph.adders, graph.inputs):
        left = (zero if adder.left == NOTHING else values[adder.left]) << adder.left_shift
        right = values[adder.right] << adder.right_shift
        values.append(kept(node, left - right if adder.subtracts else left + right))
    outs = [zero if out.node == NOTHING else values[out.node] << out.shift for out in graph.outputs]
    return np.stack(outs, axis=-1)


@settings(max_examples=120)
@given(layers(), st.integers(0, 2**32 - 1))
def test_no_adder_is_too_narrow_or_wider_than_its_range(
    layer: tuple[IntArray, IntType], seed: int
) -> None:
    weights, elem = layer
    if codebook_of(weights) is None:
        return
    graph = graph_of(weights, elem)
    for bits, reach in zip(graph.bits[graph.inputs :], graph.ranges[graph.inputs :], strict=True):
        assert 1 <= bits <= bits_needed(reach.lo, reach.hi)
    drawn = np.random.default_rng(seed).integers(elem.lo, elem.hi + 1, (20, weights.shape[1]))
    highs = np.where(weights > 0, elem.hi, elem.lo)
    lows = np.where(weights > 0, elem.lo, elem.hi)
    x = np.concatenate([drawn, highs, lows])
    np.testing.assert_array_equal(in_bits(graph, x), x @ weights.T)


def test_what_is_taken_away_again_takes_no_bits() -> None:
    """43 x = 48 x - 5 x: with x up to 44, 3 x takes 8 bits, but 43 x, which reads it, 11 - 4."""
    graph = graph_of(np.array([[43]]), UInt(7, 44))
    assert sorted(reach.bits for reach in graph.ranges[1:]) == [8, 8, 11]
    assert sorted(graph.bits[1:]) == [7, 8, 11]


@settings(max_examples=120)
@given(layers(), st.integers(1, 5))
def test_a_pipeline_has_few_adders_between_registers(
    layer: tuple[IntArray, IntType], between: int
) -> None:
    weights, elem = layer
    if codebook_of(weights) is None:
        return
    graph = graph_of(weights, elem)
    pipe = pipeline(graph, between)
    chain: list[int] = []
    for node, start in enumerate(pipe.starts):
        before = [one for one in graph.operands(node) if pipe.starts[one] == start]
        late = [one for one in graph.operands(node) if pipe.starts[one] > start]
        chain.append((node >= graph.inputs) + max((chain[one] for one in before), default=0))
        assert not late, "an adder reads what is not there yet"
        for operand in graph.operands(node):
            assert start - pipe.starts[operand] <= pipe.registers[operand]
    assert max(chain) <= between
    assert pipe.stages == max(1, -(-graph.depth // between))
    for out in graph.outputs:
        if out.node != NOTHING:
            assert pipe.starts[out.node] + pipe.registers[out.node] == pipe.stages


@settings(max_examples=100)
@given(layers())
def test_every_adder_is_needed_and_made_once(layer: tuple[IntArray, IntType]) -> None:
    weights, elem = layer
    if codebook_of(weights) is None:
        return
    graph = graph_of(weights, elem)
    read = {one for node in range(len(graph.ranges)) for one in graph.operands(node)}
    read |= {out.node for out in graph.outputs}
    adders = range(graph.inputs, len(graph.ranges))
    assert read >= set(adders)
    assert len(set(graph.adders)) == len(graph.adders)


def restored(found: Shared, inputs: int) -> IntArray:
    """The sums with every pair replaced by its terms."""
    forms = [*np.eye(inputs, dtype=np.int64)]
    for pair in found.pairs:
        right = forms[pair.right]
        forms.append(forms[pair.left] + (-right if pair.subtracts else right))
    zero = np.zeros(inputs, np.int64)
    return np.stack(
        [
            sum((-forms[t.node] if t.subtracts else forms[t.node] for t in terms), zero)
            for terms in found.sums
        ]
    )


def most_frequent(sums: IntArray) -> int:
    """How often the most frequent pair of terms is there, counted pair by pair."""
    counts = [
        np.count_nonzero(sums[:, i] * sums[:, j] == sign)
        for i in range(sums.shape[1])
        for j in range(i)
        for sign in (-1, 1)
    ]
    return int(max(counts, default=0))


@settings(max_examples=60)
@given(st.integers(1, 70), st.integers(1, 14), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_pairs_are_taken_out_until_none_is_in_two_sums(
    rows: int, columns: int, zeros: float, seed: int
) -> None:
    signs = drawn((rows, columns), (-1, 1), zeros, seed)
    found = share_pairs(signs, deepest=64)
    np.testing.assert_array_equal(restored(found, columns), signs)
    left = np.zeros((rows, columns + len(found.pairs)), np.int64)
    for row, terms in enumerate(found.sums):
        for term in terms:
            left[row, term.node] = -1 if term.subtracts else 1
    assert most_frequent(left) < 2


def test_the_most_frequent_pair_is_taken_first() -> None:
    """Three sums have x1 - x2, two have x0 + x1: the first of these leaves less to add."""
    signs = np.array([[1, 1, -1, 0], [1, 1, -1, 1], [0, -1, 1, 1]])
    found = share_pairs(signs, deepest=8)
    assert (found.pairs[0].left, found.pairs[0].right, found.pairs[0].subtracts) == (1, 2, True)
    assert [pair.subtracts for pair in found.pairs] == [True, False]


def test_no_pair_is_deeper_than_asked() -> None:
    """Each sum is the one before it and another input: a chain, if one lets it be."""
    signs = np.tril(np.ones((32, 32), np.int64)).repeat(2, axis=0)
    for deepest in (0, 1, 3, 5):
        found = share_pairs(signs, deepest)
        depths = [0] * 32
        for pair in found.pairs:
            depths.append(1 + max(depths[pair.left], depths[pair.right]))
        assert max(depths) == deepest
        np.testing.assert_array_equal(restored(found, 32), signs)
    assert graph_of(signs).depth <= 10


@pytest.mark.parametrize(
    ("shape", "zeros", "most"),
    [((16, 64), 0.37, 0.55), ((16, 64), 0.63, 0.70), ((64, 576), 0.63, 0.52)],
)
def test_sharing_saves_adders(shape: tuple[int, int], zeros: float, most: float) -> None:
    weights = drawn(shape, (-1, 1), zeros)
    alone = np.count_nonzero(weights) - shape[0]
    assert len(graph_of(weights).adders) <= most * alone
    assert len(graph_of(weights, shared=False).adders) <= alone


def test_rows_that_are_equal_or_opposite_cost_nothing_more() -> None:
    weights = drawn((1, 40), *TERNARY)
    one, several = graph_of(weights), graph_of(np.repeat(weights, 5, axis=0))
    assert len(several.adders) == len(one.adders)
    assert len({out.node for out in several.outputs}) == 1
    both = graph_of(np.concatenate([weights, -weights]))
    assert len(both.adders) == len(one.adders) + 1


def test_a_row_of_one_entry_is_wires_and_an_empty_row_is_nothing() -> None:
    graph = graph_of(np.array([[0, 0, 8], [0, 0, 0], [0, 1, 0]]))
    assert graph.adders == ()
    assert [(out.node, out.shift) for out in graph.outputs] == [(2, 3), (NOTHING, 0), (1, 0)]
    assert pipeline(graph, 1).stages == 1


def test_scaling_makes_common_parts_once() -> None:
    """19 a - 23 b = 20 (a - b) - (a - b) + ... takes four adders, six digits would take five."""
    recipe = recipe_of((19, -23))
    assert len(recipe.steps) + len(recipe.digits) - 1 == 4


def test_a_positive_factor_needs_no_negation() -> None:
    """51 = 64 - 16 + 4 - 1 is 17 times 4 - 1, not 17 times 1 - 4 with its sign changed."""
    graph = graph_of(np.array([[51]]))
    assert len(graph.adders) == 2
    assert all(reach.lo == 0 for reach in graph.ranges)


@given(st.lists(st.integers(-(2**20), 2**20).filter(bool), min_size=1, max_size=7))
def test_a_recipe_makes_its_factors(factors: list[int]) -> None:
    size = len(factors)
    recipe = recipe_of(tuple(factors))
    symbols = [*np.eye(size, dtype=np.int64)]
    for step in recipe.steps:
        right = symbols[step.right] << step.right_shift
        left = symbols[step.left] << step.left_shift
        symbols.append(left - right if step.subtracts else left + right)
    parts = [
        (-1 if one.subtracts else 1) * (symbols[one.symbol] << one.shift) for one in recipe.digits
    ]
    np.testing.assert_array_equal(sum(parts, np.zeros(size, np.int64)), factors)
    alone = sum(len([*signed_digits(factor)]) for factor in factors)
    assert len(recipe.steps) + len(recipe.digits) <= alone


@given(st.integers(-(2**30), 2**30))
def test_signed_digits_have_zeros_between_them(number: int) -> None:
    digits = [*signed_digits(number)]
    assert sum((-1 if minus else 1) << shift for shift, minus in digits) == number
    shifts = [shift for shift, _ in digits]
    assert all(high - low > 1 for low, high in pairwise(shifts))


def test_a_large_layer_is_quick() -> None:
    weights = drawn((64, 576), (-1, 1), 0.63)
    start = time.process_time()
    graph_of(weights)
    assert time.process_time() - start < 10


@pytest.mark.slow
def test_the_largest_layer_takes_half_a_minute_at_most() -> None:
    weights = drawn((256, 784), (-1, 1), 0.6)
    start = time.process_time()
    graph = graph_of(weights)
    assert time.process_time() - start < 30
    assert len(graph.adders) < 0.45 * np.count_nonzero(weights)


def test_the_same_weights_give_the_same_text() -> None:
    weights = drawn((9, 30), (-23, 19, 40), 0.5)
    texts = {
        render_adders(graph_of(weights), "layer", out_bits=16, between=2, loc="here")
        for _ in range(2)
    }
    assert len(texts) == 1


@settings(max_examples=40)
@given(layers(), st.integers(1, 4))
def test_the_text_is_plain(layer: tuple[IntArray, IntType], between: int) -> None:
    """No line is too long, nothing is declared twice, and what is read has been declared."""
    weights, elem = layer
    if codebook_of(weights) is None:
        return
    text = render_adders(graph_of(weights, elem), "layer", out_bits=48, between=between)
    assert max(map(len, text.splitlines())) <= 100
    assert not re.search(r"[ \t]$", text, re.MULTILINE)
    net = r"(?:x|shared|row)\d+(?:_\w+)?"
    declared = re.findall(rf"^ +(?:wire|logic) .*\] ({net})(?: =|;)", text, re.MULTILINE)
    assert len(set(declared)) == len(declared)
    assert text.count("valid_q <=") == 2
    code = re.sub(r"//.*", "", text)
    assert set(re.findall(rf"\b{net}\b", code)) == set(declared)


def test_wide_expressions_are_broken_after_the_assignment() -> None:
    weights = np.zeros((12000, 3), np.int64)
    weights[11999] = [2**17 + 5, 2**17 + 5, 3]
    text = render_adders(graph_of(weights, Int(8)), "layer", out_bits=48, between=1)
    assert max(map(len, text.splitlines())) <= 100


def test_results_that_do_not_fit_are_refused() -> None:
    graph = graph_of(np.array([[1, 1, 1]]), UInt(4))
    assert "6'(row0_q)" in render_adders(graph, "layer", out_bits=6, between=2)
    with pytest.raises(AssertionError):
        render_adders(graph, "layer", out_bits=5, between=2)


def test_registers_are_counted_as_written() -> None:
    graph = graph_of(drawn((7, 25), (-3, 1, 5), 0.5), Int(5))
    for between in (1, 2, 9):
        text = render_adders(graph, "layer", out_bits=20, between=between)
        widths = re.findall(r"^    logic (?:signed|      ) \[ ?(\d+):0\] \w+;$", text, re.MULTILINE)
        bits = sum(int(width) + 1 for width in widths)
        assert bits == pipeline(graph, between).register_bits(graph) > 0


def test_evaluation_sees_every_adder() -> None:
    """Guards the tests above: a graph with any one adder changed gives something else."""
    weights = drawn((6, 12), (-1, 1, 3), 0.4)
    graph = graph_of(weights)
    x = np.random.default_rng(2).integers(0, 16, (50, 12))
    for place, adder in enumerate(graph.adders):
        changed = replace(adder, subtracts=not adder.subtracts)
        adders = (*graph.adders[:place], changed, *graph.adders[place + 1 :])
        assert not np.array_equal(replace(graph, adders=adders).evaluate(x), x @ weights.T)
