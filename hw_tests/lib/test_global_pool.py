"""bm_global_pool, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_global_pool import CASES


def test_global_pool_keeps_its_contract() -> None:
    run_cell("bm_global_pool", CASES, "hw_tests.lib.tb_global_pool")
