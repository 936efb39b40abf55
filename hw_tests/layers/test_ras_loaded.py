"""Generated Reduce-and-Scale layers whose lists are loaded, simulated."""

import pytest

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_ras_loaded import CASES


@pytest.mark.slow
def test_loaded_ras_layers_keep_their_contract() -> None:
    run_layers("layers_ras_loaded", CASES, "hw_tests.layers.tb_ras_loaded")
