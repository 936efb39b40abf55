"""Generated layers from float32 numbers to ranks, and back, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_float_link import CASES


def test_float_link_layers_keep_their_contract() -> None:
    run_layers("layers_float_link", CASES, "hw_tests.layers.tb_float_link")
