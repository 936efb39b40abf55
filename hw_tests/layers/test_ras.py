"""Generated Reduce-and-Scale layers, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_ras import CASES


def test_ras_layers_keep_their_contract() -> None:
    run_layers("layers_ras", CASES, "hw_tests.layers.tb_ras")
