"""Generated layers that move elements, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_arrange import CASES


def test_arrange_keep_their_contract() -> None:
    run_layers("layers_arrange", CASES, "hw_tests.layers.tb_arrange")
