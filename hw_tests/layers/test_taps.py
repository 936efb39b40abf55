"""Generated reductions of windows, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_taps import CASES


def test_taps_keep_their_contract() -> None:
    run_layers("layers_taps", CASES, "hw_tests.layers.tb_taps")
