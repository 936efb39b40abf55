"""bm_argmax, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_argmax import CASES


def test_argmax_keeps_its_contract() -> None:
    run_cell("bm_argmax", CASES, "hw_tests.lib.tb_argmax")
