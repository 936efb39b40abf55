"""Generated dense layers on floating-point numbers, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_dense_float import CASES


def test_dense_layers_on_floats_keep_their_contract() -> None:
    run_layers("layers_dense_float", CASES, "hw_tests.layers.tb_dense_float")
