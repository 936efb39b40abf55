"""bm_join_table, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_join_table import CASES, files


def test_join_table_keeps_its_contract() -> None:
    run_cell("bm_join_table", CASES, "hw_tests.lib.tb_join_table", files())
