"""Lists that are loaded: how they are coded, what the planner makes of them, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.backends.dataflow import build_design
from bitmason.backends.design import Design, Layer
from bitmason.backends.emission import EMITTERS, Vector
from bitmason.backends.layers.ras.folded import RasView
from bitmason.backends.layers.ras.lists import Lists, encode_lists, schedule
from bitmason.backends.layers.ras.loaded import LOADED, coded_lists
from bitmason.backends.schedule import Model
from bitmason.coding import DamageError
from bitmason.coding.bits import WORD_BITS
from bitmason.coding.streams import read
from bitmason.config import Config, LayerConfig
from bitmason.diagnostics import CompileError
from bitmason.ir import Graph
from bitmason.ir.types import IntArray
from bitmason.report.summary import summarise
from hw_tests.layers.tb_ras import TERNARY, weights_of
from tests.backends.test_ras import FULL, SPARSE, dense

SMALL = weights_of(5, TERNARY, (8, 24), 0.6)


def built(weights: IntArray, max_cycles: int = 100_000, **asked: Any) -> Design:
    layers = {"fc": LayerConfig(engine="ras", **asked)}
    return build_design(dense(weights), Config(max_cycles=max_cycles, layers=layers))


def loaded(weights: IntArray, **asked: Any) -> tuple[Design, Layer, RasView]:
    design = built(weights, memory=LOADED, **asked)
    layer = next(layer for layer in design.layers if layer.name == "fc")
    assert isinstance(layer.view, RasView)
    return design, layer, layer.view


def random_lists(seed: int, shape: tuple[int, int, int], unit: tuple[int, int, int]) -> Lists:
    """Return lists of random codes [groups, rows, columns] for (pe, simd, scalers)."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, rng.integers(1, 5), shape)
    codes[rng.random(shape) < rng.choice([0, 0.5, 0.9, 1])] = -1
    return schedule(codes, *unit)


UNITS = st.sampled_from([(1, 1, 1), (3, 1, 1), (2, 2, 1), (1, 4, 4), (2, 4, 2), (5, 1, 5)])
LISTS = st.builds(
    random_lists,
    st.integers(0, 99),
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.sampled_from([4, 8, 24, 40])),
    UNITS,
)


@given(LISTS)
def test_a_stream_is_that_of_a_matrix_of_runs(lists: Lists) -> None:
    """Every adder has its whole list, each row begins with `first`, and no row is empty."""
    coded = coded_lists(lists)
    rows = read(coded.head, coded.words)
    slots = [np.flatnonzero(row >= 0) for row in rows]
    assert min(map(len, slots)) > 0
    begins = np.concatenate([np.arange(len(row)) == 0 for row in slots])
    entries = begins.astype(np.int64) << lists.slot_bits | np.concatenate(slots)
    np.testing.assert_array_equal(entries.reshape(lists.adders, -1).T, coded.entries)
    assert coded.head.columns == lists.columns // lists.simd


@given(LISTS)
def test_only_idle_places_change(lists: Lists) -> None:
    """All additions that a scaler picks are as listed: back from each pick to its `first`."""
    listed, sent = encode_lists(lists), coded_lists(lists).entries
    picked = np.argwhere(lists.code.reshape(-1, lists.scalers) >= 0)
    adders = lists.adder.reshape(-1, lists.scalers) * lists.scalers + np.arange(lists.scalers)
    for end, scaler in picked.tolist():
        adder = adders[end, scaler]
        start = end - int(np.argmax(listed[end::-1, adder] >> lists.slot_bits))
        np.testing.assert_array_equal(sent[start : end + 1, adder], listed[start : end + 1, adder])


def test_other_lists_are_damaged_ones() -> None:
    ours, theirs = (coded_lists(random_lists(seed, (1, 6, 24), (2, 1, 1))) for seed in (0, 5))
    assert ours.head.seed != theirs.head.seed
    with pytest.raises(DamageError):
        read(ours.head, theirs.words)


def test_lists_take_less_memory_coded() -> None:
    """A layer of 64 rows of 576 ternary weights, 63 % of them zero, in 16 adders."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, (1, 64, 576))
    lists = schedule(np.where(rng.random(codes.shape) < 0.63, -1, codes), 16, 1)
    plain = lists.steps * lists.adders * lists.entry_bits
    assert (plain, WORD_BITS * len(coded_lists(lists).words)) == (152_416, 54_752)


def test_what_is_asked_for_is_planned() -> None:
    design, layer, view = loaded(SMALL, pe=3, simd=1)
    plain = next(layer for layer in built(SMALL, pe=3, simd=1).layers if layer.name == "fc")
    assert layer.folding.memory == LOADED
    assert view.code is not None
    assert (layer.cycles, view.steps) == (plain.cycles, plain.view.steps)
    assert layer.resources.lut > plain.resources.lut
    report = summarise(design)
    (told,) = (each for each in report["layers"] if each["name"] == "fc")
    assert told["memory"] == LOADED
    assert told["weight_memory"]["coded_bits"] == WORD_BITS * view.code.words
    again = build_design(design.graph, Config())  # as a project that was read back
    assert again.layers == design.layers


def test_the_first_frame_waits_for_the_lists_and_the_others_do_not() -> None:
    design, layer, view = loaded(SMALL, pe=3, simd=1)
    plain = built(SMALL, pe=3, simd=1)
    assert view.code is not None
    schedule_, without = Model(design).run(6), Model(plain).run(6)
    assert schedule_.ii_cycles == without.ii_cycles == layer.cycles
    # The vector would have been there behind its last beat, after reset.
    waits = view.code.start - (without.first + view.beats)
    assert schedule_.latency_cycles == without.latency_cycles + waits > 100


def test_any_folding_may_be_loaded_within_the_cycles_that_are_asked_for() -> None:
    design = built(SPARSE, 400, memory=LOADED)
    layer = next(layer for layer in design.layers if layer.name == "fc")
    assert layer.folding.memory == LOADED
    assert layer.cycles <= 400


def test_it_is_never_chosen_unasked() -> None:
    for weights in (SPARSE, FULL, SMALL):
        for cycles in (40, 400, 4000):
            design = built(weights, cycles)
            assert all(layer.folding.memory != LOADED for layer in design.layers)


def test_the_emission_tells_the_reader_all_it_must_know() -> None:
    design, layer, view = loaded(SMALL, pe=2, simd=4)
    node = next(node for node in design.graph.nodes if node.name == "fc")
    emission = EMITTERS[layer.op](layer, node)
    assert view.code is not None
    assert emission.cell == "bm_ras_booted"
    assert emission.parameters["SEED"] == Vector((view.code.seed,), 32)
    words = emission.tables["lists"].codes.ravel()
    assert len(words) == emission.parameters["CODED"] == view.code.words
    np.testing.assert_array_equal(words >> WORD_BITS, np.arange(len(words)) == len(words) - 1)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"memory": "loads"}, "memory = 'loads' cannot build this layer"),
        ({"memory": LOADED, "simd": 5}, "simd = 5 does not divide the inputs"),
        ({"memory": LOADED, "pe": 400, "simd": 1}, "pe = 400 with SIMD 1 is too much"),
    ],
)
def test_what_cannot_be_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(CompileError) as caught:
        built(SMALL, **asked)
    assert f"error[B001]: {message}" in str(caught.value)


def test_other_engines_have_no_lists() -> None:
    graph: Graph = dense(SMALL)
    layers = {"fc": LayerConfig(engine="parallel", memory=LOADED)}
    with pytest.raises(CompileError, match="memory = 'loaded' cannot build this layer"):
        build_design(graph, Config(layers=layers))
