"""bm_crop, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_crop import CASES


def test_crop_keeps_its_contract() -> None:
    run_cell("bm_crop", CASES, "hw_tests.lib.tb_crop")
