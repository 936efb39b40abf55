"""bm_join, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_join import CASES, files


def test_join_keeps_its_contract() -> None:
    run_cell("bm_join", CASES, "hw_tests.lib.tb_join", files())
