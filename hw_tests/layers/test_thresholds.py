"""Generated thresholds layers, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_thresholds import CASES


def test_thresholds_layers_keep_their_contract() -> None:
    run_layers("layers_thresholds", CASES, "hw_tests.layers.tb_thresholds")
