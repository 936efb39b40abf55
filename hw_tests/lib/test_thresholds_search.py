"""bm_thresholds_search, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_thresholds_search import CASES, files


def test_thresholds_search_keeps_its_contract() -> None:
    run_cell("bm_thresholds_search", CASES, "hw_tests.lib.tb_thresholds_search", files())
