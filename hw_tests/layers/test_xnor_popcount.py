"""Generated xnor_popcount layers, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_xnor_popcount import CASES


def test_xnor_popcount_layers_keep_their_contract() -> None:
    run_layers("layers_xnor_popcount", CASES, "hw_tests.layers.tb_xnor_popcount")
