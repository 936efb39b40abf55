"""bm_thresholds, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_thresholds import CASES, files


def test_thresholds_keeps_its_contract() -> None:
    run_cell("bm_thresholds", CASES, "hw_tests.lib.tb_thresholds", files())
