"""bm_window, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_window import CASES


def test_window_keeps_its_contract() -> None:
    run_cell("bm_window", CASES, "hw_tests.lib.tb_window")
