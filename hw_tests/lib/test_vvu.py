"""bm_vvu, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_vvu import CASES, files


def test_vvu_keeps_its_contract() -> None:
    run_cell("bm_vvu", CASES, "hw_tests.lib.tb_vvu", files())
