"""bm_pack, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_pack import CASES


def test_pack_keeps_its_contract() -> None:
    run_cell("bm_pack", CASES, "hw_tests.lib.tb_pack")
