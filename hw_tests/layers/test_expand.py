"""Generated layers from ranks to fixed point, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_expand import CASES


def test_expand_layers_keep_their_contract() -> None:
    run_layers("layers_expand", CASES, "hw_tests.layers.tb_expand")
