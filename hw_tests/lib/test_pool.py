"""bm_pool, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_pool import CASES


def test_pool_keeps_its_contract() -> None:
    run_cell("bm_pool", CASES, "hw_tests.lib.tb_pool")
