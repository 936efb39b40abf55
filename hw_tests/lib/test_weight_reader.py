"""bm_weight_reader, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_weight_reader import CASES


def test_weight_reader_keeps_its_contract() -> None:
    run_cell("bm_weight_reader", CASES, "hw_tests.lib.tb_weight_reader")
