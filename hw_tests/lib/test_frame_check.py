"""bm_frame_check, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_frame_check import CASES


def test_frame_check_keeps_its_contract() -> None:
    run_cell("bm_frame_check", CASES, "hw_tests.lib.tb_frame_check")
