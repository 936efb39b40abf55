"""bm_unpack, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_unpack import CASES


def test_unpack_keeps_its_contract() -> None:
    run_cell("bm_unpack", CASES, "hw_tests.lib.tb_unpack")
