"""Generated width_converter layers, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_width_converter import CASES


def test_width_converter_layers_keep_their_contract() -> None:
    run_layers("layers_width_converter", CASES, "hw_tests.layers.tb_width_converter")
