"""Generated bit-serial layers, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_bitserial import CASES


def test_bitserial_layers_keep_their_contract() -> None:
    run_layers("layers_bitserial", CASES, "hw_tests.layers.tb_bitserial")
