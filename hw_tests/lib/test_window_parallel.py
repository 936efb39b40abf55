"""bm_window_parallel, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_window_parallel import CASES


def test_window_parallel_keeps_its_contract() -> None:
    run_cell("bm_window_parallel", CASES, "hw_tests.lib.tb_window_parallel")
