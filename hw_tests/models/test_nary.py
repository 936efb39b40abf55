"""Every n-ary form, built in every form of Reduce-and-Scale: executor == golden == RTL == HLS.

Invariant: between them the chains meet each form with each part of zeros in each way to build it,
in dense layers and in convolutions; each of them alone meets all forms, parts and ways.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bitmason.backends.layers.ras.coded import CodedView
from bitmason.backends.layers.ras.folded import RasView
from bitmason.backends.layers.ras.unrolled import UnrolledView
from bitmason.frontend.samples import sample_inputs
from bitmason.pipeline import Compiled, compile_model
from bitmason.verification import verify_project
from hw_tests.models.nary import CODEBOOKS, SPARSITIES, Chain, Layer, make_chain

FORMS = tuple(CODEBOOKS)
VIEWS = {"folded": RasView, "unrolled": UnrolledView, "coded": CodedView, "loaded": RasView}
BUILDS = tuple(VIEWS)
# From how many zeros on a coded stream is smaller than the weights; the binary form has none.
CODED_FROM = {
    "ternary": 0.37, "quaternary+": 0.63, "quaternary-": 0.63, "quinary": 0.37, "septenary": 0.37,
}  # fmt: skip
HALVES = 2
ADDERS = ((2, 2), (1, 1), (1, 3), (3, 1), (4, 2))
SAMPLES = 12
IMAGE, CHANNELS = (6, 6, 6), 6
TURNS = range(HALVES * len(FORMS))
DENSE = Layer("", 0, "")
AROUND = replace(DENSE, kernel=(3, 3), pad=1)
STRIDED, GROUPED = replace(AROUND, stride=2), replace(AROUND, groups=2)
POINTS, INNER = replace(DENSE, kernel=(1, 1)), replace(DENSE, kernel=(2, 2))
# From 6 x 6 pixels to 3 x 3, to 2 x 2 and to one.
CONVOLUTIONS = (AROUND, POINTS, AROUND, STRIDED, AROUND, GROUPED, INNER, AROUND, AROUND, DENSE)
# Each way to build occurs in both halves of a whole network.
MIXED = (AROUND, STRIDED, GROUPED, AROUND, INNER, POINTS, DENSE, DENSE, DENSE, DENSE)
MIXED_ORDER = (0, 3, 5, 6, 8, 1, 2, 4, 7, 9)


def layers_of(turn: int) -> list[Layer]:
    """Half of the ways to build for each part of zeros, with forms that differ by the turn."""
    half, shift = turn % HALVES, turn // HALVES
    found = []
    for way, part in product(range(len(BUILDS)), range(len(SPARSITIES))):
        if (way + part) % HALVES == half:
            form = FORMS[(part + 2 * way + shift) % len(FORMS)]
            pe, simd = ADDERS[(part + way + shift) % len(ADDERS)]
            build, zeros = BUILDS[way], SPARSITIES[part]
            if build == "coded" and zeros < CODED_FROM.get(form, 1):
                build = "loaded"
            found.append(Layer(form, zeros, build, pe, simd))
    return [*found[shift:], *found[:shift]]


def placed(layers: list[Layer], places: tuple[Layer, ...]) -> list[Layer]:
    """The layers as convolutions or dense layers, as the places say."""
    found = []
    for layer, place in zip(layers, places, strict=True):
        groups = 1 if layer.build == "unrolled" else place.groups
        simd = 3 if groups > 1 else layer.simd
        found.append(
            replace(place, form=layer.form, zeros=layer.zeros, build=layer.build, groups=groups,
                    pe=layer.pe, simd=simd)
        )  # fmt: skip
    return found


def mixed_layers() -> list[Layer]:
    """A whole network that meets everything."""
    drawn = layers_of(0)
    return placed([drawn[index] for index in MIXED_ORDER], MIXED)


def check_chain(layers: list[Layer], chain: Chain, folder: Path) -> None:
    compiled = compile_model(chain.model, chain.config, name="nary.onnx", check=True)
    check_shows_errors(compiled, chain)
    products = [layer.view for layer in compiled.design.layers if layer.engine == "ras"]
    assert [type(view) for view in products] == [VIEWS[layer.build] for layer in layers]
    for claim in verify_project(compiled.write(folder, "all"), samples=SAMPLES):
        assert claim.holds, f"{claim.name}: {claim.detail} {claim.notes}"


def check_shows_errors(compiled: Compiled, chain: Chain) -> None:
    """Most rows that have a weight give different sums in different frames, some in each layer."""
    golden = compiled.simulate(sample_inputs(compiled.imported, SAMPLES, 0))
    rows = [np.moveaxis(sums, -1, 0).reshape(sums.shape[-1], -1) for sums in golden.integers]
    lively = [int((of_layer != of_layer[:, :1]).any(axis=1).sum()) for of_layer in rows]
    assert all(lively)
    assert sum(lively) >= 0.75 * sum(chain.alive)


def test_the_chains_meet_everything() -> None:
    met = {(x.form, x.zeros, x.build) for turn in TURNS for x in layers_of(turn)}
    wanted = set(product(FORMS, SPARSITIES, BUILDS))
    assert met == {x for x in wanted if x[2] != "coded" or x[1] >= CODED_FROM.get(x[0], 1)}
    mixed = mixed_layers()
    assert {layer.form for layer in mixed} == set(FORMS)
    assert {layer.zeros for layer in mixed} == set(SPARSITIES)
    ways = {(layer.build, layer.kernel is None) for layer in mixed}
    assert ways == set(product(BUILDS, (False, True)))


def test_a_network_of_all_forms(tmp_path: Path) -> None:
    layers = mixed_layers()
    check_chain(layers, make_chain(layers, IMAGE, CHANNELS), tmp_path / "project")


@pytest.mark.slow
@pytest.mark.parametrize("turn", TURNS)
def test_dense_layers(turn: int, tmp_path: Path) -> None:
    layers = layers_of(turn)
    check_chain(layers, make_chain(layers, (24,), 24, turn), tmp_path / "project")


@pytest.mark.slow
@pytest.mark.parametrize("turn", TURNS)
def test_convolutions(turn: int, tmp_path: Path) -> None:
    layers = placed(layers_of(turn), CONVOLUTIONS)
    check_chain(layers, make_chain(layers, IMAGE, CHANNELS, turn), tmp_path / "project")
