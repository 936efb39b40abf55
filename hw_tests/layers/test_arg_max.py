"""Generated arg_max layers, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_arg_max import CASES


def test_arg_max_layers_keep_their_contract() -> None:
    run_layers("layers_arg_max", CASES, "hw_tests.layers.tb_arg_max")
