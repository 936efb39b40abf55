"""Generated lookup layers, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_lookup import CASES


def test_lookup_layers_keep_their_contract() -> None:
    run_layers("layers_lookup", CASES, "hw_tests.layers.tb_lookup")
