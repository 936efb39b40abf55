"""bm_crc_check, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_crc_check import CASES


def test_crc_check_keeps_its_contract() -> None:
    run_cell("bm_crc_check", CASES, "hw_tests.lib.tb_crc_check")
