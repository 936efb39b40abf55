"""bm_fifo, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_fifo import CASES


def test_fifo_keeps_its_contract() -> None:
    run_cell("bm_fifo", CASES, "hw_tests.lib.tb_fifo")
