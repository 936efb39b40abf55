"""bm_pad, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_pad import CASES


def test_pad_keeps_its_contract() -> None:
    run_cell("bm_pad", CASES, "hw_tests.lib.tb_pad")
