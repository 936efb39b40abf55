"""bm_mvu, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_mvu import CASES, files


def test_mvu_keeps_its_contract() -> None:
    run_cell("bm_mvu", CASES, "hw_tests.lib.tb_mvu", files())
