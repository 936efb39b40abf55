"""Generated products with coded weights, simulated."""

import pytest

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_ras_coded import CASES


@pytest.mark.slow
def test_coded_layers_keep_their_contract() -> None:
    run_layers("layers_ras_coded", CASES, "hw_tests.layers.tb_ras_coded")
