"""Generated thresholds layers that round to floating point, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_thresholds_float import CASES


def test_compressor_layers_keep_their_contract() -> None:
    run_layers("layers_thresholds_float", CASES, "hw_tests.layers.tb_thresholds_float")
