"""Generated layers of unrolled Reduce-and-Scale, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_ras_unrolled import CASES


def test_unrolled_layers_keep_their_contract() -> None:
    run_layers("layers_ras_unrolled", CASES, "hw_tests.layers.tb_ras_unrolled")
