"""bm_skid, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_skid import CASES


def test_skid_keeps_its_contract() -> None:
    run_cell("bm_skid", CASES, "hw_tests.lib.tb_skid")
