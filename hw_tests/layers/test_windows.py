"""Generated window generators, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_windows import CASES


def test_windows_keep_their_contract() -> None:
    run_layers("layers_windows", CASES, "hw_tests.layers.tb_windows")
