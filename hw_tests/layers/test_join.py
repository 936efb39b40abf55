"""Generated joins, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_join import CASES


def test_join_keep_their_contract() -> None:
    run_layers("layers_join", CASES, "hw_tests.layers.tb_join")
