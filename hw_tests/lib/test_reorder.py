"""bm_reorder, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_reorder import CASES, files


def test_reorder_keeps_its_contract() -> None:
    run_cell("bm_reorder", CASES, "hw_tests.lib.tb_reorder", files())
