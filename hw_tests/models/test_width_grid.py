"""Weights of 1 to 8 bits times activations of 1 to 8 bits, signed and unsigned, in RTL and HLS.

Invariant: the grid also turns over engines, activation functions, biases, scales per channel,
normalisation, rounding, narrow ranges and foldings, so that neighbours differ in more than width.
"""

from itertools import product
from pathlib import Path

import pytest

import bitmason
from bitmason.verification import verify_project
from hw_tests.bench.networks import Dense, Network, Quantiser, make_model

WIDTHS = range(1, 9)
# Widths of weights that `test_precision` leaves out, with both signs: quick enough for every run.
SAMPLE = {(1, 4, False), (3, 8, False), (5, 1, False), (6, 5, False), (7, 6, True)}
FUNCTIONS = ("Relu", "Sigmoid", "", "Tanh", "LeakyRelu", "Clip")
ROUNDINGS = ("ROUND", "FLOOR", "ROUND", "CEIL", "HALF_UP")


def network(w: int, a: int, signed: bool) -> Network:
    turn = w * 17 + a * 5 + signed
    weight = Quantiser(w, narrow=w > 1 and turn % 2 == 0, per_channel=turn % 3 == 0)
    activation = Quantiser(
        a,
        signed=signed,
        narrow=signed and a > 1 and turn % 5 == 0,
        rounding="ROUND" if a == 1 else ROUNDINGS[turn % 5],
        zero_point=0 if signed or a < 3 else turn % 4,
    )
    bias, norm = turn % 2 == 0, turn % 3 > 0
    layer = Dense(12, weight, activation, FUNCTIONS[turn % 6], bias, norm)
    last = Dense(5, weight, bias=turn % 4 == 0, norm=turn % 3 == 1)
    tail = ("", "", "Softmax", "ArgMax")[turn % 4]
    return Network(16, Quantiser(8, signed=turn % 2 == 0), (layer, layer, last), tail, seed=turn)


@pytest.mark.parametrize(
    ("w", "a", "signed"),
    [
        pytest.param(w, a, s, marks=[] if (w, a, s) in SAMPLE else [pytest.mark.slow])
        for w, a, s in product(WIDTHS, WIDTHS, (True, False))
    ],
)
def test_all_engines_agree(w: int, a: int, signed: bool, tmp_path: Path) -> None:
    cycles = (192, 60, 12, 1)[(w + a) % 4]
    model = make_model(network(w, a, signed))
    compiled = bitmason.compile(model, max_cycles=cycles).write(tmp_path / "project", "all")
    for claim in verify_project(compiled, samples=100, seed=w * a):
        assert claim.holds, f"{claim.name}: {claim.detail} {claim.notes}"
