"""bm_upsample, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_upsample import CASES


def test_upsample_keeps_its_contract() -> None:
    run_cell("bm_upsample", CASES, "hw_tests.lib.tb_upsample")
