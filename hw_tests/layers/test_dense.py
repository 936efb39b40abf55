"""Generated dense layers, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_dense import CASES


def test_dense_layers_keep_their_contract() -> None:
    run_layers("layers_dense", CASES, "hw_tests.layers.tb_dense")
