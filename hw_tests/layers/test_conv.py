"""Generated convolutions, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_conv import CASES


def test_conv_keep_their_contract() -> None:
    run_layers("layers_conv", CASES, "hw_tests.layers.tb_conv")
